"""From a database to its first answer in five commands, and the shipped example in one."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adoption.foreign import BILLING, Foreign, ForeignServer
from tests.adoption.test_commands import Commands
from tests.support.products.laptop import free_port
from zava.adopted_app import AdoptedApplication
from zava.cli import quickstart
from zava.settings import settings


def serve_once(
    application: AdoptedApplication,
    site: object,
    _listener: object,
    *,
    before: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Do what comes before serving, and end."""
    assert site is application.endpoint

    async def main() -> None:
        try:
            await before()
        finally:
            await application.close()

    asyncio.run(main())


@pytest.fixture
def foreign(foreign_server: ForeignServer) -> Iterator[Foreign]:
    with foreign_server.database(BILLING, "five") as found:
        yield found


@pytest.fixture
def commands(
    foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Commands]:
    declaration = tmp_path / "shop.toml"
    monkeypatch.setenv("DATABASE_URL", foreign.database.admin)
    monkeypatch.setenv("ZAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZAVA_DECLARATION", str(declaration))
    monkeypatch.setenv("PORT", str(free_port()))
    monkeypatch.setattr(quickstart, "serve", serve_once)
    yield Commands(declaration)
    settings.cache_clear()


def test_five_commands_lead_from_a_database_to_an_isolated_answer(
    foreign: Foreign, commands: Commands
) -> None:
    commands.good("adopt", "--draft", "--tenant", "public.organizations")
    text = commands.declaration.read_text(encoding="utf-8")
    drafted = next(line for line in text.splitlines() if line.startswith("name = "))
    # As the server's roles outlive a database, each test has names of its own.
    text = text.replace(drafted, f'name = "{foreign.declaration.name}"')
    commands.declaration.write_text(text, encoding="utf-8")
    commands.good("adopt", "--check")
    commands.good("adopt", "--apply")
    granted = commands.good("grant", "--as", "ana", "--audience", "member", "--of", "Alder")
    assert granted.strip() == "Granted: ana: member, valid; Alder"
    asked = "postgresql_query=SELECT count(*) AS n FROM invoices"
    assert "Scope: Alder (1 organization)" in commands.good(
        "call", "query_database", "--as", "ana", asked
    )
    assert "Serving http://127.0.0.1:" in commands.good("serve")

    assert "query_database: postgresql_query*, max_rows" in commands.good("tools")
    assert "ana: member, valid; Alder" in commands.good("list-access")
    assert commands.good("token", "--as", "ana").count(".") == 2
    text = text.replace('label = "name"', 'label = "name"\nattributes = ["country"]')
    commands.declaration.write_text(text, encoding="utf-8")
    commands.good("adopt", "--apply")
    granted = commands.good("grant", "--as", "us", "--audience", "member", "--of", "country=US")
    assert granted.strip() == "Granted: us: member, valid; Alder, Cedar"
    refusals = {
        ("--of", "country=XX"): "--of: no organization has country=XX",
        ("--of", "Elder"): "--of: there is no organization Elder; perhaps Alder",
        (): "--of: name at least one organization for member",
        ("--audience", "boss", "--of", "Alder"): "--audience: there is no audience boss",
        (
            "--of",
            "Alder",
            "--from",
            "2026-02-01",
            "--until",
            "2026-01-01",
        ): "expected a moment after",
    }
    for arguments, words in refusals.items():
        assert words in commands.bad("grant", "--as", "bo", "--audience", "member", *arguments)
    assert "was never granted access; perhaps ana" in commands.bad("token", "--as", "anna")
    assert "anna was never granted" in commands.bad("revoke", "--as", "anna")
    assert "query_metrics is no tool" in commands.bad("call", "query_metrics", "--as", "ana")
    assert "ana: member, revoked; Alder" in commands.good("revoke", "--as", "ana")
    refused = commands.bad("call", "query_database", "--as", "ana", asked)
    assert "You have no access to this data." in refused

    commands.declaration.write_text(f"{text}\n# changed\n", encoding="utf-8")
    assert "isolation: the declaration differs from the applied one" in commands.bad("serve")
    commands.declaration.write_text(text, encoding="utf-8")
    assert "Serving" in commands.good("serve")


def test_the_shipped_example_answers_two_people_and_refuses_a_forgery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "ZAVA_DECLARATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PORT", str(free_port()))
    monkeypatch.setattr(quickstart, "serve", serve_once)
    commands = Commands(tmp_path)
    said = commands.good("run", "--example", "billing")
    assert "ana          invoices 100, amount 20200.0  (Alder)" in said
    assert "bo           invoices 100, amount 19900.0  (Birch)" in said
    assert "no token     HTTP 401: A bearer token is required." in said
    assert "ana          QUERY_REFUSED: The function set_config is not allowed." in said
    again = commands.good("run", "--example", "billing")
    assert "Adopted" not in again
    assert "ana          invoices 100" in again
    assert "--example: expected one of billing" in commands.bad("run", "--example", "shop")
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1/x")
    assert "unset DATABASE_URL" in commands.bad("run", "--example", "billing")
    settings.cache_clear()
