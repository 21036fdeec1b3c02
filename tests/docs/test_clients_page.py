"""docs/clients.md: configurations of the shape that each client reads, without a token in them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:7071/mcp"


def configuration(heading: str) -> Any:
    """The JSON block under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    return json.loads(block)


def test_visual_studio_code_asks_for_every_input_that_it_uses() -> None:
    read = configuration("Visual Studio Code")
    assert read["servers"]["zava"]["type"] == "http"
    used = set(re.findall(r"\$\{input:([\w-]+)\}", json.dumps(read["servers"])))
    assert used == {declared["id"] for declared in read["inputs"]}
    assert all(declared["password"] for declared in read["inputs"])


@pytest.mark.parametrize(
    ("heading", "key", "place"),
    [
        ("Visual Studio Code", "servers", "${input:zava-token}"),
        ("Claude", "mcpServers", "${ZAVA_TOKEN}"),
        ("Cursor", "mcpServers", "${env:ZAVA_TOKEN}"),
    ],
)
def test_configuration_names_the_endpoint_and_holds_no_token(
    heading: str, key: str, place: str
) -> None:
    server = configuration(heading)[key]["zava"]
    assert server["url"] == URL
    assert server["headers"] == {"Authorization": f"Bearer {place}"}


def test_lines_for_csharp_name_the_endpoint_and_hold_no_token() -> None:
    (block,) = re.findall(r"```csharp\n(.*?)```", PAGE, re.DOTALL)
    assert f'new Uri("{URL}")' in block
    assert 'GetEnvironmentVariable("ZAVA_TOKEN")' in block
    assert block.count("{") == block.count("}")
