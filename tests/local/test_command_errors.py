"""What somebody can mend is one sentence and exit code 1, whichever command meets it."""

import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import psycopg
import pytest
from rich.console import Console

from tests.support.products.laptop import free_port
from tests.support.servers.database import SERVER_PASSWORD, Cluster, Database
from zava import app, settings
from zava.cli import commands

# A shell reads this text, and the test runs it in one.
from zava.cli.quickstart import _SHELL_QUESTION
from zava.model.core import caller_of_subject
from zava.retail.demo.principals import demo_callers
from zava.retail.tools.registry import TOOLS

COUNT = "SELECT count(*) AS orders FROM retail.orders"


class Ended(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    output: str
    error: str

    def is_one_sentence_about(self, *words: str) -> bool:
        return (
            self.code == 1
            and self.error.startswith("zava: ")
            and self.error.count("\n") == 1
            and "Traceback" not in self.error
            and all(word in self.error for word in words)
        )


Zava = Callable[..., Ended]


@pytest.fixture
def zava(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    context_keys: list[str],
) -> Iterator[Zava]:
    """Runs a command in this process over a home that knows the cluster's password and keys."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "zava_server").write_text(SERVER_PASSWORD)
    (home / "context-keys").write_text("\n".join(context_keys))
    monkeypatch.setenv("ZAVA_HOME", str(home))
    monkeypatch.setenv("SCALE", "0.02")
    for name in ("DATABASE_URL", "PGHOST", "ZAVA_CONTEXT_KEYS"):
        monkeypatch.delenv(name, raising=False)
    terminated = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str, **environment: str) -> Ended:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["zava", *arguments])
        settings.settings.cache_clear()
        app.application.cache_clear()
        with pytest.raises(SystemExit) as ended:
            commands.main()
        output, error = capfd.readouterr()
        return Ended(int(ended.value.code or 0), output, error)

    yield run
    signal.signal(signal.SIGTERM, terminated)
    settings.settings.cache_clear()
    app.application.cache_clear()


def test_wrong_setting_is_named(zava: Zava) -> None:
    assert zava("seed", SCALE="much").is_one_sentence_about("SCALE")


def test_unknown_name_is_answered_with_the_known_ones(zava: Zava) -> None:
    ended = zava("token", "--as", "nobody")
    assert ended.is_one_sentence_about("--as", "seattle", "head-office")
    assert ended.output == ""


@pytest.mark.parametrize("name", ["Seattle", " SEATTLE", "Head Office", "zava retail online"])
def test_name_is_known_in_every_spelling(zava: Zava, name: str) -> None:
    assert zava("token", "--as", name).output.count(".") == 2


def test_name_like_a_known_one_is_answered_with_that(zava: Zava) -> None:
    assert zava("token", "--as", "Seatle").is_one_sentence_about("perhaps seattle;")


def test_tools_are_listed_with_their_arguments(zava: Zava) -> None:
    shown = zava("tools").output
    assert [line.split(":")[0] for line in shown.splitlines() if not line.startswith(" ")] == [
        *TOOLS
    ]
    assert "execute_sales_query: postgresql_query*, max_rows" in shown
    assert "get_current_utc_date: no arguments\n" in shown


def test_help_begins_with_what_a_newcomer_needs(zava: Zava) -> None:
    shown = zava("--help").output
    order = [
        shown.index(f"│ {name} ") for name in ("run", "token", "tools", "call", "grant", "keys")
    ]
    assert order == sorted(order)
    example = " ".join(zava("call", "--help").output.split())
    assert f"Example: {_SHELL_QUESTION}" in example
    assert "--port" in zava("run", "--help").output
    assert "--adopt-database" in zava("run", "--help").output


@pytest.mark.parametrize("answer", [None, False, True])
def test_foreign_database_is_asked_about_on_a_terminal_and_refused_elsewhere(
    zava: Zava, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, answer: bool | None
) -> None:
    if answer is not None:
        monkeypatch.setattr("zava.cli.terminal.console", Console(force_terminal=True))
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
        monkeypatch.setattr("typer.confirm", lambda _: answer)
    with cluster.blank("theirs") as theirs:
        with psycopg.connect(theirs.admin, autocommit=True) as admin:
            admin.execute("CREATE SCHEMA app")
        ended = zava("migrate", DATABASE_URL=theirs.admin)
        if answer:
            assert ended.code == 0
            assert f" migrations applied to database {theirs.name} on " in ended.output
            return
        assert ended.is_one_sentence_about(theirs.name, "1 schema (app)", "--adopt-database")
        run = zava("run", PORT=str(free_port()))
        assert run.is_one_sentence_about(theirs.name, "1 schema (app)", "--adopt-database")
        assert f"Using database {theirs.name} on " in run.output
        assert zava("migrate", "--adopt-database").code == 0


@pytest.mark.parametrize("command", ["migrate", "run"])
def test_database_of_another_version_is_refused_by_every_command_that_migrates(
    zava: Zava, cluster: Cluster, command: str
) -> None:
    with cluster.database("version") as database:
        with psycopg.connect(database.admin, autocommit=True) as admin:
            admin.execute("INSERT INTO zava_migrations.applied VALUES ('0002_retail.sql', 'x')")
        ended = zava(command, DATABASE_URL=database.admin, PORT=str(free_port()))
    assert ended.is_one_sentence_about("another version", "0002_retail.sql", "zava migrate`"), ended


def test_argument_without_a_value_is_refused_before_anything_starts(
    zava: Zava, tmp_path: Path
) -> None:
    ended = zava("call", "execute_sales_query", "--as", "seattle", "max_rows")
    assert ended.is_one_sentence_about("max_rows", "key=value")
    assert not (tmp_path / "home" / "postgresql-18").exists()


def test_taken_port_is_named(zava: Zava) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert zava("run", PORT=port).is_one_sentence_about("PORT", port)
        assert zava("serve", PORT=port).is_one_sentence_about("PORT", port)


@pytest.mark.parametrize("command", ["seed", "migrate", "verify"])
def test_database_that_refuses_is_told_without_a_password(
    zava: Zava, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.postgres.pool._ACQUIRE_TIMEOUT_SECONDS", 0.3)
    ended = zava(command, DATABASE_URL="postgresql://zava_admin:secret@127.0.0.1:1/zava")
    assert ended.code == 1
    assert ended.error.startswith("zava: ")
    assert ended.error.count("\n") == 1
    assert "secret" not in ended.error


def test_database_s_own_words_reach_the_administrator(zava: Zava, database: Database) -> None:
    ended = zava("seed", DATABASE_URL=database.server)
    assert ended.is_one_sentence_about("the database reported", "permission denied")


def test_embedded_server_s_addresses_are_not_another_server_s(
    zava: Zava, database: Database
) -> None:
    ended = zava("database-url", "--role", "admin", DATABASE_URL=database.admin)
    assert ended.is_one_sentence_about("DATABASE_URL", "embedded")


def test_local_issuer_speaks_only_for_this_machine(zava: Zava) -> None:
    ended = zava("token", "--as", "seattle", DATABASE_URL="postgresql://db.example/zava")
    assert ended.is_one_sentence_about("ZAVA_IDENTITY_ISSUER")


def test_keys_that_were_given_are_rotated_where_they_come_from(
    zava: Zava, context_keys: list[str]
) -> None:
    ended = zava("keys", "rotate", ZAVA_CONTEXT_KEYS=context_keys[0])
    assert ended.is_one_sentence_about("ZAVA_CONTEXT_KEYS", "zava migrate")


def test_named_database_is_verified_found_seeded_and_asked(
    zava: Zava, seeded_clone: Database
) -> None:
    admin = {"DATABASE_URL": seeded_clone.admin}
    proven = zava("verify", **admin).output.splitlines()
    assert proven[:2] == [
        "Isolation holds: catalog and canaries agree.",
        "Also able to read every store's rows:",
    ]
    assert [line.split(":")[0] for line in proven[2:]] == [
        *("  postgres", "  zava_admin", "  zava_chain", "  zava_loader", "  zava_owner")
    ]
    assert zava("migrate", **admin).output.startswith("Up to date\nIsolation holds")
    assert zava("seed", **admin).output.startswith("Found demo data: ")
    assert zava("refresh", "--all", **admin).output.startswith("Sums are up to date.")
    with psycopg.connect(seeded_clone.owner) as refreshing:
        refreshing.execute("SELECT pg_advisory_xact_lock(7261941212)")
        assert zava("refresh", "--all", **admin).output.startswith("Another refresh is under way.")
    ask = ("call", "execute_sales_query", "--as", "redmond")
    answered = zava(
        *ask, f"postgresql_query={COUNT}", "max_rows=1", DATABASE_URL=seeded_clone.server
    )
    assert answered.code == 0
    assert "Redmond" in answered.output
    failed = zava(*ask, "postgresql_query=SELECT nothing")
    assert failed.code == 1
    assert "DATABASE_ERROR" in failed.output
    assert zava("call", "drop_everything", "--as", "redmond").is_one_sentence_about(
        "drop_everything"
    )


def test_broken_isolation_is_listed_and_fails(zava: Zava, seeded_clone: Database) -> None:
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE retail.orders NO FORCE ROW LEVEL SECURITY")
    ended = zava("verify", DATABASE_URL=seeded_clone.admin)
    assert ended.is_one_sentence_about("isolation check failed")
    assert "isolation: table retail.orders does not force row security" in ended.output


def test_access_is_granted_listed_explained_and_revoked(zava: Zava, seeded_clone: Database) -> None:
    admin = {"DATABASE_URL": seeded_clone.admin}
    ids = ("--tenant", "5" * 32, "--object", "6" * 32)
    wanted = ("grant", "--as", "ann", "--audience", "store_managers", "--store", "tacoma")
    assert zava(*wanted, **admin).is_one_sentence_about("ann", "--tenant", "--object")
    assert zava(*wanted, *ids[:2]).is_one_sentence_about("--tenant and --object")
    granted = zava(*wanted, *ids, "--until", "2999-01-01", "--by", "the chief")
    assert granted.output == (
        "Granted: ann: person, store_managers, valid (until 2999-01-01 00:00Z); Zava Retail Tacoma\n"
    )
    assert granted.output.removeprefix("Granted: ") in zava("list-access").output
    assert zava("revoke", "--as", "ann").output.startswith("Revoked: ann: person")
    late = zava(*wanted, "--from", "2999-01-01", "--application")
    assert "application, store_managers, not now (from 2999-01-01" in late.output
    explained = zava("explain-access", "--as", "ann").output
    assert "runner zava.run_store_managers" in explained
    assert "Also able to read every store's rows:\n  postgres: superuser" in explained
    assert "retail.products: 11 columns, not cost, gross_margin_percent; the same" in explained
    assert "rows by own_store: (store_id = " in explained
    assert "by the chief as zava_admin: nothing -> " in explained
    assert explained.count(" as zava_admin: ") == 3
    # A person of the demo needs no ids, also after the administrator changed them.
    moved = zava("grant", "--as", "seattle", "--audience", "head_office")
    assert moved.output.count("Zava Retail") == 8
    assert zava("revoke", "--as", "nobody").is_one_sentence_about("--as", "list-access")
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("DELETE FROM zava.principals WHERE display_name = 'seattle'")
    assert zava("grant", "--as", "seattle", "--audience", "head_office").code == 0


def test_person_of_another_issuer_is_granted_by_issuer_and_subject(
    zava: Zava, seeded_clone: Database
) -> None:
    admin = {"DATABASE_URL": seeded_clone.admin}
    wanted = ("grant", "--as", "bob", "--audience", "store_managers", "--store", "tacoma")
    issuer = ("--issuer", "https://accounts.example")
    assert zava(*wanted, *issuer, **admin).is_one_sentence_about("--issuer and --subject")
    person = (*issuer, "--subject", "auth0|1234")
    both = zava(*wanted, *person, "--tenant", "5" * 32, "--object", "6" * 32)
    assert both.is_one_sentence_about("--issuer and --subject", "--tenant")
    granted = zava(*wanted, *person)
    assert granted.output == (
        "Granted: bob: person, store_managers, valid; Zava Retail Tacoma; "
        "auth0|1234 of https://accounts.example\n"
    )
    # By the name alone, the person stays the same.
    assert zava(*wanted).output == granted.output
    made = caller_of_subject("https://accounts.example", "auth0|1234")
    explained = zava("explain-access", "--as", "bob").output
    assert f"ids: tenant {made.tenant_id}, object {made.object_id}" in explained


def test_sign_ins_are_listed_and_ended(zava: Zava, seeded_clone: Database) -> None:
    admin = {"DATABASE_URL": seeded_clone.admin}
    assert zava("sign-ins", **admin).output == "No one is signed in at this server.\n"
    sign_in = "12345678-1234-4234-8234-123456789abc"
    assert zava("end-sign-in", sign_in).is_one_sentence_about(sign_in, "zava sign-ins")
    person = demo_callers()["seattle"]
    step = "SELECT zava.sign_in(%s, %s, %s, %s, %s, %s, 'Claude [b]', 43200)"
    given = [sign_in, "1", "1", person.tenant_id, person.object_id]
    with psycopg.connect(seeded_clone.server, autocommit=True) as server:
        server.execute("SET default_transaction_read_only = off")
        server.execute(step, ["begin", *given])
        listed = zava("sign-ins").output
        assert re.fullmatch(
            r"seattle: Claude \[b\], since [\d-]+ [\d:]+Z, last used [\d-]+ [\d:]+Z, "
            rf"until [\d-]+ [\d:]+Z; {sign_in}\n",
            listed,
        )
        ended = zava("end-sign-in", sign_in, "--by", "the chief")
        assert ended.output.startswith(f"Ended: {sign_in}.")
        assert server.execute(step, ["turn", *given]).fetchone() == (False,)
    assert zava("end-sign-in", sign_in).code == 1
    assert zava("sign-ins").output.startswith("No one")
    with psycopg.connect(seeded_clone.owner) as owner:
        logged = owner.execute(
            "SELECT actor, login::text, new ->> 'ended_because' FROM zava.change_log"
            " WHERE subject = 'sign_ins'"
        ).fetchall()
    assert logged == [("the chief", "zava_admin", "administrator")]


def test_audit_shows_who_called_and_what_was_denied(zava: Zava, seeded_clone: Database) -> None:
    server = {"DATABASE_URL": seeded_clone.server}
    ask = ("call", "execute_sales_query", f"postgresql_query={COUNT}")
    assert zava(*ask, "--as", "seattle", **server).code == 0
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("DELETE FROM zava.principals WHERE display_name = 'redmond'")
    assert zava(*ask, "--as", "redmond", **server).code == 1
    shown = zava("audit", "--hours", "1", DATABASE_URL=seeded_clone.admin).output
    assert "seattle" in shown
    assert "Denied calls: 1\n" in shown
    assert "execute_sales_query client=zava-cli correlation_id=" in shown
    assert "Unusual breadth: none" in shown
    assert "trace_id" not in shown
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("UPDATE zava.audit_log SET trace_id = repeat('ab', 16)")
    shown = zava("audit", "--trace", "AB" * 16, DATABASE_URL=seeded_clone.admin).output
    assert "Calls of this trace: 2\n" in shown
    assert " redmond execute_sales_query AUTHORIZATION_ERROR client=zava-cli" not in shown
    assert " seattle execute_sales_query OK client=zava-cli correlation_id=" in shown
    assert f" trace_id={'ab' * 16}\n" in zava("audit", DATABASE_URL=seeded_clone.admin).output
