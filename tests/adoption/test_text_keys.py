"""Tenants with text keys, in two schemas, beside policies of the application's own."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.adoption.foreign import Foreign, ForeignServer
from zava.adoption.drafting import draft
from zava.adoption.foreign_catalog import read_catalog
from zava.adoption.seal_templates import rendered
from zava.sql_files import SQL

HERE = Path(__file__).parent
WORKSPACES = (HERE / "workspaces.sql", HERE / "workspaces.toml")
KEYS = ("plain", "a,b", '{"x|y"}', "all", "o'k\\")


@pytest.fixture(scope="module")
def workspaces(foreign_server: ForeignServer) -> Iterator[Foreign]:
    with foreign_server.database(WORKSPACES, "workspaces") as foreign:
        foreign.apply()
        yield foreign


def seen(foreign: Foreign, audience: str, *tenants: str) -> list[str]:
    """Return the workspaces whose notes an audience reads, by their title."""
    caller = foreign.grant(audience, *tenants)
    statement = (
        'SELECT "Title" AS t, count(*) AS n FROM note JOIN deal ON deal.id = deal_id'
        ' JOIN "Workspace" ON key = "workspaceId" GROUP BY 1 ORDER BY 1'
    )
    with psycopg.connect(foreign.server, autocommit=True) as server:
        rows = [json.loads(row) for row in foreign.ask(server, audience, caller, statement)]
    assert {row["n"] for row in rows} <= {5}
    return [row["t"] for row in rows]


def test_keys_with_every_kind_of_character_are_told_apart(workspaces: Foreign) -> None:
    titles = dict(zip(KEYS, ("Plain", "Comma", "Odd", "All", "Quote"), strict=True))
    for key, title in titles.items():
        assert seen(workspaces, "guest", key) == [title]
    assert seen(workspaces, "member", *KEYS[1:4]) == ["All", "Comma", "Odd"]
    assert seen(workspaces, "guest", "a") == []
    assert workspaces.problems() == []


def test_a_draft_follows_keys_of_several_columns_and_quoted_names(workspaces: Foreign) -> None:
    with workspaces.administrator() as connection, workspaces.application() as owner:
        found = draft(read_catalog(connection), "public.Workspace", column="workspaceId")
        owner.execute('ALTER TABLE public."Workspace" RENAME "Title" TO "displayName"')
        renamed = draft(read_catalog(connection), "public.Workspace")
        owner.execute('ALTER TABLE public."Workspace" RENAME "displayName" TO "Title"')
        owner.execute("CREATE TABLE public.login (password text)")
        undecided = draft(read_catalog(connection), "public.Workspace").text
        owner.execute("DROP TABLE public.login")
    assert '# shared = true\n# hide = ["password"]\n' in undecided
    assert 'label = "displayName"' in renamed.text
    assert 'table = "public.Workspace"\nkey = "key"\nlabel = "Title"' in found.text
    assert 'schemas = ["public", "crm"]' in found.text
    assert 'tenant = "key"\nhide = ["apiToken"]' in found.text
    assert '[tables."crm.Contact"]\ntenant = "workspaceId"' in found.text
    assert '[tables."crm.deal"]\ntenant = "workspaceId"' in found.text
    assert '[tables."crm.note"]\nvia = ["deal_id", "crm.deal", "id"]' in found.text
    assert found.undecided == ()


def test_the_runner_is_that_of_the_shipped_domain_and_the_check_of_row_security() -> None:
    ours = rendered("runner.sql", {"are_active": "true"}).split("$body$")[1]
    begins = ours.index("  -- The owner of a table may switch")
    ends = ours.index("  context := pg_catalog.current_setting")
    ours = ours[:begins] + ours[ends:]
    ours = ours.replace("\n     OR NOT (true) THEN", " THEN")
    ours = ours.replace(
        "  -- The statement's locks keep row security as it is now until the transaction ends. While it"
        " waited\n  -- for them, a policy may have been dropped.\n",
        "",
    )
    shipped = (SQL / "migrations" / "0102_fewer_steps.sql").read_text(encoding="utf-8")
    body = shipped.split("$body$")[1].replace("%%", "%")
    assert [line.strip() for line in ours.splitlines()] == [
        line.strip() for line in body.splitlines()
    ]
