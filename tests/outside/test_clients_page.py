"""The configurations and commands of docs/how-to/clients.md connect, by signing in and with a token."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_clients_page import BY_URL, PAGE, URL, configuration
from tests.functions.hosting import Hosted
from tests.outside.browser import Browser
from tests.outside.node import node, run
from tests.pictures.serving import serving
from tests.support.products.forked import ROOT
from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY
from zava.infrastructure.local.state_dir import StateDirectory
from zava.retail.tools.registry import TOOLS

pytestmark = pytest.mark.outside

INSPECTOR = "node_modules/.bin/mcp-inspector"


def listed(*arguments: str, **environment: str) -> list[str]:
    done = node(INSPECTOR, "--cli", *arguments, **environment)
    assert done.returncode == 0, done.stderr + done.stdout
    answer: Any = json.loads(done.stdout)
    return [tool["name"] for tool in answer.get("result", answer)["tools"]]


@pytest.fixture(scope="module")
def url(database: Database, home: StateDirectory, context_keys: list[str]) -> Iterator[str]:
    with serving(database, home, context_keys, TODAY) as address:
        yield f"{address}/mcp"


@pytest.mark.parametrize("heading", BY_URL)
def test_configuration_connects_by_signing_in(url: str, tmp_path: Path, heading: str) -> None:
    read = configuration(heading)
    # Cursor reads the type from the URL; the Inspector wants it stated.
    server = {"type": "http"} | (read.get("servers") or read["mcpServers"])["zava"]
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"zava": server}}).replace(URL, url))
    asked = ("--config", str(file), "--server", "zava", "--method", "tools/list")
    browser = Browser(tmp_path / "home", "redmond")
    assert listed(*asked, "--format", "json", **browser.environment) == list(TOOLS)
    assert browser.times_opened == 1


def test_configuration_with_a_token_connects(
    production: Hosted, tokens: dict[str, str], tmp_path: Path
) -> None:
    text = json.dumps(configuration("With a token")).replace(URL, production.mcp_url)
    file = tmp_path / "mcp.json"
    file.write_text(re.sub(r"\$\{[^}]+\}", tokens["redmond"], text), encoding="utf-8")
    asked = ("--config", str(file), "--server", "zava", "--method", "tools/list")
    assert listed(*asked, "--format", "json") == list(TOOLS)


def test_command_of_the_inspector_lists_the_tools(url: str, tmp_path: Path) -> None:
    (command,) = re.findall(r"```sh\n(npx .*?)```", PAGE, re.DOTALL)
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:3] == ["npx", "@modelcontextprotocol/inspector@2.12.0", "--cli"]
    browser = Browser(tmp_path / "home", "redmond")
    assert listed(*(word.replace(URL, url) for word in words[3:]), **browser.environment) == list(
        TOOLS
    )


def test_program_in_python_signs_in_and_lists_the_tools(url: str, tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    browser = Browser(tmp_path / "home", "redmond")
    done = run(sys.executable, "-c", program.replace(URL, url), environment=browser.environment)
    assert done.stdout.split() == list(TOOLS), done.stderr


def test_configuration_of_claude_desktop_starts_a_server(url: str, home: StateDirectory) -> None:
    server = configuration("Claude Desktop")["mcpServers"]["zava"]
    assert server["command"] == "/path/to/zava/.venv/bin/python"
    assert server["env"].keys() == {"PYTHONPATH", "ZAVA_HOME"}
    port = url.rpartition(":")[2].partition("/")[0]
    asked = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    # From another directory, as the app starts it.
    done = run(
        sys.executable,
        *server["args"],
        environment={"PYTHONPATH": str(ROOT), "ZAVA_HOME": str(home.path), "PORT": port},
        given=json.dumps(asked) + "\n",
    )
    assert json.loads(done.stdout) == {"jsonrpc": "2.0", "id": 1, "result": {}}, done.stderr
