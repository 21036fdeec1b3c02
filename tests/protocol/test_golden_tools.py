"""The text that a model reads is product text: it changes on purpose or not at all."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.generators.golden_tools import GOLDEN, listed
from tests.support.suite.patience import patient
from zava.retail.tools.registry import TOOLS

ROOT = Path(__file__).parents[2]
MAX_WORDS = 120


@pytest.fixture(scope="module")
def golden() -> Any:
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


async def test_tools_and_instructions_are_those_of_the_golden_file() -> None:
    assert await listed() == GOLDEN.read_text(encoding="utf-8"), "run `make docs` and read the diff"


@pytest.mark.slow
def test_python_without_docstrings_offers_the_same() -> None:
    program = "import asyncio, tests.support.generators.golden_tools as g; print(asyncio.run(g.listed()), end='')"
    done = subprocess.run(
        [sys.executable, "-OO", "-c", program],
        cwd=ROOT,
        env={"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=patient(60),
        check=False,
    )
    assert done.stdout == GOLDEN.read_text(encoding="utf-8"), done.stderr


@pytest.mark.requirement("S06")
def test_every_tool_and_argument_tells_a_model_what_to_send(golden: Any) -> None:
    assert [tool["name"] for tool in golden["tools"]] == list(TOOLS)
    for tool in golden["tools"]:
        assert tool["title"]
        assert tool["description"].partition("\n\n")[0].endswith(".")
        assert len(tool["description"].split()) <= MAX_WORDS, tool["name"]
        assert tool["annotations"]["readOnlyHint"] is True
        for name, argument in tool["inputSchema"]["properties"].items():
            assert argument["description"], f"{tool['name']}.{name}"


def test_instructions_name_every_tool_of_the_first_answer(golden: Any) -> None:
    for tool in golden["tools"]:
        assert tool["name"] in golden["instructions"]
