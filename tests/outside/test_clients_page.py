"""The configurations of docs/clients.md connect: as the Inspector reads them, token filled in."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_clients_page import PAGE, URL, configuration
from tests.functions.hosting import Hosted
from tests.outside.node import node
from zava.protocol.tools import TOOLS

pytestmark = pytest.mark.outside

INSPECTOR = "node_modules/.bin/mcp-inspector"


def listed(*arguments: str, **environment: str) -> list[str]:
    done = node(INSPECTOR, "--cli", *arguments, **environment)
    assert done.returncode == 0, done.stderr + done.stdout
    answer: Any = json.loads(done.stdout)
    return [tool["name"] for tool in answer.get("result", answer)["tools"]]


@pytest.mark.parametrize("heading", ["Visual Studio Code", "Claude", "Cursor"])
def test_configuration_connects(
    production: Hosted, tokens: dict[str, str], tmp_path: Path, heading: str
) -> None:
    read = configuration(heading)
    # Cursor reads the type from the URL; the Inspector wants it said.
    server = {"type": "http"} | (read.get("servers") or read["mcpServers"])["zava"]
    text = json.dumps({"mcpServers": {"zava": server}}).replace(URL, production.mcp_url)
    file = tmp_path / "mcp.json"
    file.write_text(re.sub(r"\$\{[^}]+\}", tokens["redmond"], text), encoding="utf-8")
    asked = ("--config", str(file), "--server", "zava", "--method", "tools/list")
    assert listed(*asked, "--format", "json") == list(TOOLS)


def test_command_of_the_inspector_lists_the_tools(
    production: Hosted, tokens: dict[str, str]
) -> None:
    (command,) = re.findall(r"```sh\n(npx .*?)```", PAGE, re.DOTALL)
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:3] == ["npx", "@modelcontextprotocol/inspector@2.12.0", "--cli"]
    filled = [
        word.replace("$ZAVA_TOKEN", tokens["redmond"]).replace(URL, production.mcp_url)
        for word in words[3:]
    ]
    assert listed(*filled) == list(TOOLS)
