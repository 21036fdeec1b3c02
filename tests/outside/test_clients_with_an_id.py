"""Clients that nobody here wrote sign in at a directory on loopback with an id of a client.

The directory has the rules of Microsoft Entra ID and the registrations of infra/
(tests/sign_in/directory.py). Each client gets the URL and the id, as docs/how-to/deploy.md says, makes a
call and one that fails, and goes on after its token has expired.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

import pytest

from tests.functions.hosting import Hosted, functions_host
from tests.outside.node import NODE, OUTSIDE, run
from tests.sign_in.directory import Directory, Rules
from tests.sign_in.registrations import APP_ID, CLIENTS_ID, app, clients
from tests.sign_in.served import directory as served_directory
from tests.support.servers.database import Database
from zava.infrastructure.local.state_dir import StateDirectory
from zava.model.core import Caller

pytestmark = pytest.mark.outside

QUERY = "SELECT store_name FROM retail.stores"
WRONG_QUERY = "SELECT nothing FROM retail.stores"
TOOL = "execute_sales_query"
INSPECTOR_TOOL_ERROR = 5
INSPECTOR = (str(NODE), "node_modules/.bin/mcp-inspector", "--cli")
# Large, so `make clients-with-an-id` installs them apart.
CLAUDE_CODE = "large/node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"
CODEX = "large/node_modules/@openai/codex/bin/codex.js"
_TOKEN_SECONDS = 2
_ADD_SECONDS = 60


class Deployed(NamedTuple):
    """The app, and the directory that it trusts."""

    hosted: Hosted
    directory: Directory

    @property
    def url(self) -> str:
        return self.hosted.mcp_url


class Person(NamedTuple):
    """Where a client keeps what it knows of a person, and the browser that it opens."""

    home: Path
    environment: dict[str, str]

    def let_tokens_expire(self, directory: Directory) -> int:
        """Put an expired token in the place of each that the client keeps; return how many."""
        count = 0
        for file in self.home.rglob("*"):
            if not file.is_file():
                continue
            text = file.read_text(encoding="utf-8", errors="surrogateescape")
            for token in directory.issued:
                if token in text:
                    text, count = text.replace(token, directory.expired_token()), count + 1
                    file.write_text(text, encoding="utf-8", errors="surrogateescape")
        return count


@pytest.fixture(scope="module")
def deployed(
    database: Database, home: StateDirectory, context_keys: list[str], callers: dict[str, Caller]
) -> Iterator[Deployed]:
    with served_directory(callers["seattle"]) as made:
        settings = {
            "ZAVA_IDENTITY_ISSUER": made.issuer,
            "ZAVA_IDENTITY_AUDIENCE": f"{app().identifiers[0]},{APP_ID}",
            "ZAVA_ALLOWED_TENANTS": made.tenant,
        }
        with functions_host(
            database=database, home=home, context_keys=context_keys, **settings
        ) as hosted:
            made.applications = (app(hosted.mcp_url), clients())
            yield Deployed(hosted, made)


@pytest.fixture(params=["strict", "lax", "strict, PKCE not named"])
def at(deployed: Deployed, request: pytest.FixtureRequest) -> Deployed:
    """The app and its directory, which has seen nobody yet."""
    rules = str(request.param)
    start_anew(
        deployed.directory, Rules(is_strict="strict" in rules, names_pkce="not named" not in rules)
    )
    return deployed


def start_anew(directory: Directory, rules: Rules) -> None:
    directory.rules = rules
    directory.seen.clear()
    directory.issued.clear()


@pytest.fixture
def person(tmp_path: Path) -> Person:
    browser = tmp_path / "bin" / "xdg-open"
    browser.parent.mkdir()
    # It returns at once, as an opener does: some clients serve their callback only afterwards.
    program = shlex.join([sys.executable, str(OUTSIDE / "directory_browser.py")])
    browser.write_text(f'#!/bin/sh\n{program} "$1" >/dev/null 2>&1 &\n')
    browser.chmod(0o700)
    kept = tmp_path / "home"
    kept.mkdir()
    path = f"{browser.parent}:{NODE.parent}:/usr/bin:/bin"
    environment = {
        "HOME": str(kept),
        "PATH": path,
        "BROWSER": str(browser),
        "MCP_AUTO_OPEN_ENABLED": "true",
        "MCP_INSPECTOR_SECRET_STORE": "file",
    }
    return Person(kept, environment)


@pytest.fixture(scope="module")
def table() -> Iterator[list[tuple[str, ...]]]:
    """Rows of client, directory and how it refreshed; printed when all ran."""
    rows: list[tuple[str, ...]] = []
    yield rows
    print("\n")
    for row in [("client with an id", "directory", "refreshed"), *rows]:
        print("{:<21}{:<26}{}".format(*row))


@pytest.fixture
def done_by(
    at: Deployed, table: list[tuple[str, ...]], request: pytest.FixtureRequest
) -> Callable[[str], None]:
    """Checks what a client sent, and keeps a row of it."""

    def look(client: str) -> None:
        refreshed = signed_in_once(at.directory)
        how = "with a scope" if "scope" in refreshed else "without a scope"
        table.append((client, request.node.callspec.params["at"], how))

    return look


def signed_in_once(directory: Directory) -> Mapping[str, str]:
    """Check that the person signed in once, and nothing was refused; return the last refresh."""
    assert directory.refusals == []
    # FastMCP requests the page itself before it opens the browser at the same URL.
    ((client, method, _),) = {
        (one["client_id"], one["code_challenge_method"], one["state"])
        for one in directory.requests("authorize")
    }
    assert (client, method) == (CLIENTS_ID, "S256")
    redeemed, *refreshed = directory.requests("token")
    assert redeemed["grant_type"] == "authorization_code"
    assert refreshed
    assert {one["grant_type"] for one in refreshed} == {"refresh_token"}
    return refreshed[-1]


def told(done: Any) -> Any:
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def test_fastmcp(at: Deployed, person: Person, done_by: Callable[[str], None]) -> None:
    at.directory.rules = at.directory.rules.living(_TOKEN_SECONDS)
    program = str(OUTSIDE / "clients" / "fastmcp_with_id.py")
    given = (at.url, CLIENTS_ID, QUERY, WRONG_QUERY, str(_TOKEN_SECONDS))
    found = told(run(sys.executable, program, *given, environment=person.environment))
    assert all("Zava Retail Seattle" in text for text in found["answers"])
    assert found["error"].startswith("DATABASE_ERROR: ")
    done_by("FastMCP 4")


def test_mcp_remote(at: Deployed, person: Person, done_by: Callable[[str], None]) -> None:
    program = str(OUTSIDE / "clients" / "bridge_with_id.py")
    given = (str(NODE), at.url, CLIENTS_ID, QUERY, WRONG_QUERY)
    for is_expired in (False, True):
        if is_expired:
            assert person.let_tokens_expire(at.directory)
        found = told(run(sys.executable, program, *given, environment=person.environment))
        assert "Zava Retail Seattle" in found["answers"][0]
        assert found["error"].startswith("DATABASE_ERROR: ")
    done_by("mcp-remote")


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_inspector(at: Deployed, person: Person, done_by: Callable[[str], None], era: str) -> None:
    def ask(query: str) -> Any:
        return run(
            *(*INSPECTOR, at.url),
            *("--transport", "http", "--protocol-era", era, "--client-id", CLIENTS_ID),
            *("--format", "json", "--method", "tools/call", "--tool-name", TOOL),
            *("--tool-args-json", json.dumps({"postgresql_query": query})),
            environment=person.environment,
        )

    done = ask(QUERY)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Zava Retail Seattle" in done.stdout
    assert person.let_tokens_expire(at.directory)
    done = ask(WRONG_QUERY)
    assert done.returncode == INSPECTOR_TOOL_ERROR, done.stderr + done.stdout
    assert "DATABASE_ERROR: " in done.stdout
    done_by(f"Inspector, {era}")


def test_large_claude_code(at: Deployed, person: Person, done_by: Callable[[str], None]) -> None:
    command = (str(NODE), CLAUDE_CODE, "mcp")
    quiet = {"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    environment = person.environment | quiet

    def ask(*words: str) -> Any:
        done = run(*command, *words, environment=environment)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    given = ("--scope", "user", "--transport", "http", "--client-id", CLIENTS_ID)
    ask("add", *given, "zava", at.url)
    # It signs people in at a terminal alone.
    login = shlex.join([*command, "login", "zava"])
    signed_in = run("script", "-qec", login, "/dev/null", environment=environment)
    assert 'Authenticated with "zava"' in signed_in.stdout, signed_in.stderr
    assert "Connected" in ask("list")
    assert person.let_tokens_expire(at.directory)
    assert "Connected" in ask("list")
    done_by("Claude Code")


def test_large_codex(deployed: Deployed, person: Person, table: list[tuple[str, ...]]) -> None:
    directory = deployed.directory
    start_anew(directory, Rules())
    command = (str(NODE), CODEX, "mcp")
    with subprocess.Popen(
        [*command, "add", "zava", "--url", deployed.url, "--oauth-client-id", CLIENTS_ID],
        cwd=OUTSIDE,
        env=person.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # node starts a program of its own, which ends with the group
    ) as adding:
        impatience = Timer(_ADD_SECONDS, os.killpg, (adding.pid, signal.SIGKILL))
        impatience.start()
        assert adding.stdout is not None
        (redirect,) = islice(redirects(adding.stdout), 1)
        impatience.cancel()
        # It would wait for a sign-in, which the directory refuses.
        os.killpg(adding.pid, signal.SIGKILL)
    # As an operator adds it; the port differs at each sign-in, and is ignored.
    directory.applications = (app(deployed.url), clients(clientRedirects=redirect))
    start_anew(directory, Rules())
    done = run(*command, "login", "zava", environment=person.environment)
    assert "Successfully logged in" in done.stdout, done.stderr + done.stdout
    assert directory.refusals == []
    (sign_in,) = directory.requests("authorize")
    assert sign_in["client_id"] == CLIENTS_ID
    assert redirect == re.sub(r":\d+", "", sign_in["redirect_uri"])
    table.append(("Codex", "strict", "not tried"))


def redirects(lines: Iterable[str]) -> Iterator[str]:
    """Yield the address that Codex prints for the registration."""
    for line in lines:
        if line.startswith("OAuth callback URL: "):
            yield line.split()[-1]
