"""docs/how-to/clients.md: configurations of the shape that each client reads, without a token in them."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "clients.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:7071/mcp"
BY_URL = {"Visual Studio Code": "servers", "Claude": "mcpServers", "Cursor": "mcpServers"}
"""The headings whose configuration is a URL, and the key that their client reads."""


def configuration(heading: str) -> Any:
    """The JSON block under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    return json.loads(block)


@pytest.mark.parametrize(("heading", "key"), BY_URL.items())
def test_configuration_is_the_url_alone(heading: str, key: str) -> None:
    server = configuration(heading)[key]["zava"]
    assert server.pop("type", "http") == "http"
    assert server == {"url": URL}


def test_token_comes_from_the_environment() -> None:
    server = configuration("With a token")["mcpServers"]["zava"]
    assert server["url"] == URL
    assert server["headers"] == {"Authorization": "Bearer ${ZAVA_TOKEN}"}


def test_link_installs_what_the_configuration_says() -> None:
    (link,) = re.findall(r"\[Install\]\((https://vscode.dev/[^)]+)\)", PAGE)
    given = parse_qs(urlsplit(link).query)
    (name,), (config,) = given["name"], given["config"]
    assert {name: json.loads(config)} == configuration("Visual Studio Code")["servers"]


def test_every_client_states_how_it_was_tried() -> None:
    table = PAGE.partition("| client | what to click or paste | tried |")[2].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()[2:]]
    assert len(rows) >= 11
    for row in rows:
        assert re.search(r"run here|from (?:its|their) documentation", row[-1]), row[0]


def test_lines_for_csharp_name_the_endpoint_and_hold_no_token() -> None:
    (block,) = re.findall(r"```csharp\n(.*?)```", PAGE, re.DOTALL)
    assert f'new Uri("{URL}")' in block
    assert 'GetEnvironmentVariable("ZAVA_TOKEN")' in block
    assert block.count("{") == block.count("}")
