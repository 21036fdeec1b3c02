"""Clients that nobody here wrote sign in: they are given the URL alone, and a person picks.

The person is a small program; with ZAVA_TEST_BROWSER=chromium it is a real browser.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.outside.browser import Browser
from tests.outside.node import NODE, OUTSIDE, in_chunks, run
from tests.outside.test_clients import (
    CLIENTS,
    FASTMCP,
    INSPECTOR_TOOL_ERROR,
    LATEST_HANDSHAKE,
    PYTHON,
    TYPESCRIPT_1,
    TYPESCRIPT_2,
)
from tests.pictures.serving import Serving, serving
from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY
from zava.infrastructure.local.state_dir import StateDirectory
from zava.protocol.versions import STATELESS
from zava.retail.tools.registry import TOOLS

pytestmark = pytest.mark.outside

COUNT = {"postgresql_query": "SELECT count(*) AS orders FROM retail.orders"}
CALLS = json.dumps({"execute_sales_query": COUNT})
WRONG = json.dumps({"query_metrics": {"metrics": ["footfall"]}})
MCP_REMOTE = (str(NODE), str(OUTSIDE / "node_modules/.bin/mcp-remote"))
BRIDGE = (sys.executable, str(CLIENTS / "python_stdio.py"))
INSPECTOR = (str(NODE), str(OUTSIDE / "node_modules/.bin/mcp-inspector"))


class Client(NamedTuple):
    """A program, the mode that it is asked to connect in, and the revision that it must reach."""

    name: str
    mode: str
    protocol: str
    command: Sequence[str]

    def told(self, url: str, browser: Browser) -> dict[str, Any]:
        """Run the program; return what it reports."""
        arguments = [*self.command, url, self.mode, CALLS, WRONG]
        if self.command is BRIDGE:
            arguments = [*BRIDGE, self.mode, CALLS, WRONG, *MCP_REMOTE, url]
        done = run(*arguments, environment=browser.environment)
        assert done.returncode == 0, done.stdout + done.stderr + browser.said
        assert "ECONNREFUSED" not in done.stderr
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told


PROGRAMS = (
    Client("Python mcp 2", "auto", STATELESS, PYTHON),
    Client("Python mcp 2", "legacy", LATEST_HANDSHAKE, PYTHON),
    Client("FastMCP 4", "auto", STATELESS, FASTMCP),
    Client("TypeScript sdk 1", "legacy", LATEST_HANDSHAKE, TYPESCRIPT_1),
    Client("TypeScript client 2", "auto", STATELESS, TYPESCRIPT_2),
    Client("TypeScript client 2", "legacy", LATEST_HANDSHAKE, TYPESCRIPT_2),
    Client("mcp-remote", "auto", STATELESS, BRIDGE),
    Client("mcp-remote", "legacy", LATEST_HANDSHAKE, BRIDGE),
)


@pytest.fixture(scope="module")
def url(database: Database, home: StateDirectory, context_keys: list[str]) -> Iterator[str]:
    with serving(database, home, context_keys, TODAY) as address:
        yield f"{address}/mcp"


@pytest.fixture(scope="module")
def orders(database: Database) -> dict[str, int]:
    """How many orders each store has."""
    with psycopg.connect(database.owner) as owner:
        rows = owner.execute(
            "SELECT lower(replace(store_name, 'Zava Retail ', '')), count(*)"
            " FROM retail.orders JOIN retail.stores USING (store_id) GROUP BY 1"
        ).fetchall()
    return dict(rows)


@pytest.fixture(scope="module")
def table() -> Iterator[list[tuple[str, ...]]]:
    """Rows of client, mode, revision, sign-in, success, error; printed when all ran."""
    rows: list[tuple[str, ...]] = []
    yield rows
    print("\n")
    for row in [("client", "mode", "revision", "signed in", "success", "error"), *rows]:
        print("{:<21}{:<9}{:<12}{:<11}{:<9}{}".format(*row))


@pytest.mark.parametrize("client", PROGRAMS, ids=lambda client: f"{client.name}, {client.mode}")
def test_client_signs_in_by_the_url_alone(
    url: str,
    orders: dict[str, int],
    table: list[tuple[str, ...]],
    tmp_path: Path,
    client: Client,
) -> None:
    browser = Browser(tmp_path / "home", "redmond")
    told = client.told(url, browser)
    assert told["protocol"] == client.protocol
    assert told["tools"] == list(TOOLS)
    assert f"\n{orders['redmond']}\n" in told["texts"]["execute_sales_query"]
    assert told["errors"]["query_metrics"].startswith("VALIDATION_ERROR: ")
    assert "Zava Retail Redmond" in told["resource"]
    assert browser.times_opened == 1
    table.append((client.name, client.mode, told["protocol"], "yes", "1", "1"))


def test_client_that_sends_its_forms_in_chunks_signs_in(
    url: str, orders: dict[str, int], tmp_path: Path
) -> None:
    browser = Browser(tmp_path / "home", "redmond")
    client = PROGRAMS[3]._replace(command=in_chunks(TYPESCRIPT_1))
    told = client.told(url, browser)
    assert f"\n{orders['redmond']}\n" in told["texts"]["execute_sales_query"]
    assert browser.times_opened == 1


def inspected(url: str, browser: Browser, era: str, tool: str, given: Any, status: int = 0) -> Any:
    """Call a tool through the Inspector's command line; return the result."""
    done = run(
        *(*INSPECTOR, "--cli", url, "--transport", "http", "--protocol-era", era),
        *("--format", "json", "--method", "tools/call", "--tool-name", tool),
        *("--tool-args-json", json.dumps(given)),
        environment=browser.environment,
    )
    assert done.returncode == status, done.stdout + done.stderr + browser.said
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer.get("result", answer)


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_inspector_signs_in_by_the_url_alone(
    url: str, orders: dict[str, int], table: list[tuple[str, ...]], tmp_path: Path, era: str
) -> None:
    browser = Browser(tmp_path / "home", "redmond")
    answer = inspected(url, browser, era, "execute_sales_query", COUNT)
    assert answer["structuredContent"]["rows"] == [[orders["redmond"]]]
    wrong = {"metrics": ["footfall"]}
    refused = inspected(url, browser, era, "query_metrics", wrong, INSPECTOR_TOOL_ERROR)
    assert refused["content"][0]["text"].startswith("VALIDATION_ERROR: ")
    assert browser.times_opened == 1, "the second run uses what the first one has kept"
    revision = STATELESS if era == "modern" else LATEST_HANDSHAKE
    table.append(("Inspector", era, revision, "yes", "1", "1"))


def test_two_people_in_two_clients_at_once_see_their_own(
    url: str, orders: dict[str, int], tmp_path: Path
) -> None:
    people = {"seattle": PROGRAMS[0], "tacoma": PROGRAMS[4]}
    browsers = {name: Browser(tmp_path / name, name) for name in people}
    with ThreadPoolExecutor(len(people)) as pool:
        told = pool.map(lambda name: people[name].told(url, browsers[name]), people)
    for name, each in zip(people, told, strict=True):
        assert f"\n{orders[name]}\n" in each["texts"]["execute_sales_query"]


@pytest.mark.parametrize("program", ["Inspector", "mcp-remote"])
def test_restart_asks_for_no_sign_in_and_a_new_home_for_one(
    database: Database,
    home: StateDirectory,
    context_keys: list[str],
    tmp_path: Path,
    orders: dict[str, int],
    program: str,
) -> None:
    browser = Browser(tmp_path / "home", "redmond")
    server = Serving(database, home, context_keys, TODAY)
    other = Serving(database, StateDirectory(tmp_path / "other"), context_keys, TODAY)
    other.port = server.port
    url = f"{server.base_url}/mcp"

    def ask() -> str:
        if program == "Inspector":
            return json.dumps(inspected(url, browser, "modern", "execute_sales_query", COUNT))
        return str(PROGRAMS[-1].told(url, browser)["texts"]["execute_sales_query"])

    for start, sign_ins in ((server, 1), (server, 1), (other, 2)):
        start.start("serve", until=f"Serving {server.base_url}/mcp until Ctrl-C.")
        try:
            assert str(orders["redmond"]) in ask()
        finally:
            start.stop()
        assert browser.times_opened == sign_ins
