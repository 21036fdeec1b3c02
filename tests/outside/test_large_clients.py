"""Claude Code and Codex sign in by the URL alone, each with its own commands.

They call tools only for an account, which the tests have not. So the token that each has stored is
used for one call that succeeds and one that fails.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.outside.browser import Browser
from tests.outside.node import OUTSIDE, run
from tests.pictures.serving import serving
from tests.support.answers.rpc import MODERN, request
from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY
from tests.support.suite.patience import patient
from zava.infrastructure.local.state_dir import StateDirectory

pytestmark = pytest.mark.outside

PROGRAMS = OUTSIDE / "large" / "node_modules" / ".bin"
STORES = {"postgresql_query": "SELECT store_name FROM retail.stores"}


class Large(NamedTuple):
    """A client's commands, where it keeps the token, and what it says when it is connected."""

    name: str
    commands: tuple[str, ...]
    check: str
    connected: str
    kept: str
    at: str


# `claude mcp login` needs a terminal, which `script` lends.
CLAUDE = Large(
    "Claude Code",
    (
        "claude mcp add --scope user --transport http zava {url}",
        'script -qec "claude mcp login zava" /dev/null',
    ),
    "claude mcp list",
    "✔ Connected",
    ".claude/.credentials.json",
    "accessToken",
)
CODEX = Large(
    "Codex",
    ("codex mcp add zava --url {url}",),
    "codex mcp list",
    "OAuth",
    ".codex/.credentials.json",
    "access_token",
)


@pytest.fixture(scope="module")
def url(database: Database, home: StateDirectory, context_keys: list[str]) -> Iterator[str]:
    with serving(database, home, context_keys, TODAY) as address:
        yield f"{address}/mcp"


def started(command: str, browser: Browser) -> str:
    """Run a command of a client to its end; return what it said."""
    environment = browser.environment
    done = run(
        *("/bin/sh", "-c", command),
        environment={
            **environment,
            "PATH": f"{PROGRAMS}:{environment['PATH']}",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        },
    )
    return done.stdout + done.stderr + browser.said


def found(kept: Any, name: str) -> str:
    """Find a value of this name anywhere in what a client has stored."""
    if isinstance(kept, dict):
        if isinstance(kept.get(name), str):
            return str(kept[name])
        return next(filter(None, (found(each, name) for each in kept.values())), "")
    return ""


def called(url: str, token: str, tool: str, given: dict[str, Any]) -> Any:
    headers, body = request(MODERN, "tools/call", {"name": tool, "arguments": given}, token)
    del headers["host"]
    answer = httpx.post(url, headers=headers, content=body, timeout=patient(30))
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


@pytest.mark.parametrize("client", [CLAUDE, CODEX], ids=lambda client: client.name)
def test_large_client_signs_in_by_the_url_alone(url: str, tmp_path: Path, client: Large) -> None:
    browser = Browser(tmp_path / "home", "redmond")
    said = [started(command.format(url=url), browser) for command in client.commands]
    assert client.connected in started(client.check, browser), said
    assert browser.times_opened == 1
    token = found(json.loads((tmp_path / "home" / client.kept).read_text()), client.at)
    answer = called(url, token, "execute_sales_query", STORES)
    assert answer["structuredContent"]["rows"] == [["Zava Retail Redmond"]]
    refused = called(url, token, "query_metrics", {"metrics": ["footfall"]})
    assert refused["content"][0]["text"].startswith("VALIDATION_ERROR: ")
    print(f"\n{client.name:<21}signed in, connected; 1 success, 1 error")


@pytest.mark.parametrize("client", [CLAUDE, CODEX], ids=lambda client: client.name)
def test_large_client_ends_where_the_person_says_no(
    url: str, tmp_path: Path, client: Large
) -> None:
    browser = Browser(tmp_path / "home", "nobody")
    said = [started(command.format(url=url), browser) for command in client.commands]
    # Codex tries once more, without scopes.
    assert browser.times_opened == (2 if client is CODEX else 1)
    assert "access_denied" in said[-1] or "denied" in said[-1], said
    kept = tmp_path / "home" / client.kept
    assert not kept.exists() or not found(json.loads(kept.read_text()), client.at)
