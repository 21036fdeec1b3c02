"""Text of any language goes to the database and comes back as it was."""

import pytest

from tests.support.answers.asking import AskTool

TEXT = "Zürich, 5 €, 東京, ½ inch, \N{SLIGHTLY SMILING FACE}, \u05de\u05d1\u05e8\u05d2\u05d4"


@pytest.mark.requirement("S128")
async def test_text_comes_back_character_by_character(ask_tool: AskTool) -> None:
    statement = f"SELECT '{TEXT}' AS text, length('{TEXT}') AS characters"
    told = await ask_tool("seattle", "execute_sales_query", {"postgresql_query": statement})
    assert told.content["rows"] == [[TEXT, len(TEXT)]]
    assert TEXT in told.text
