"""Tenants with keys of any text, in several schemas with quoted names and one name twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adoption.foreign import Foreign, ForeignServer
from tests.adoption.serving.served import Served
from zava.infrastructure.postgres.access_grants import GrantRefused

HERE = Path(__file__).parents[1]
TWICE = """
CREATE TABLE public.deal (id bigint PRIMARY KEY, "workspaceId" text NOT NULL, note text);
CREATE INDEX ON public.deal ("workspaceId");
"""
DECLARED = """
[tables."public.deal"]
tenant = "workspaceId"
"""


@pytest.fixture
async def workspaces(
    foreign_server: ForeignServer, tmp_path: Path
) -> AsyncIterator[tuple[Served, list[str]]]:
    files = (HERE / "workspaces.sql", HERE / "workspaces.toml")
    with foreign_server.database(files, "spaces") as unadopted:
        with unadopted.application() as owner:
            # The administrator cannot use the schemas of such an application.
            owner.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            owner.execute(TWICE)
            owner.execute(
                "INSERT INTO public.deal SELECT 1, key, 'x' FROM public.\"Workspace\" LIMIT 1"
            )
        foreign = Foreign(
            unadopted.database, unadopted.declared(unadopted.declaration.text + DECLARED)
        )
        foreign.apply()
        with foreign.superuser() as superuser:
            keys = [
                r[0] for r in superuser.execute('SELECT key FROM public."Workspace" ORDER BY 1')
            ]
        served = Served(foreign, tmp_path)
        served.grant("all of them", "member", *keys)
        for number, key in enumerate(keys):
            served.grant(f"guest {number}", "guest", key)
        yield served, keys
        await served.app.close()


async def test_each_key_is_one_tenant_in_answers_and_in_the_audit(
    workspaces: tuple[Served, list[str]],
) -> None:
    served, keys = workspaces
    assert any(set(key) & set('",{}\\') for key in keys), "a key that an array quotes"
    whole = await served.ask("all of them", 'SELECT key FROM "Workspace" ORDER BY 1')
    assert sorted(row[0] for row in whole.rows) == sorted(keys)
    assert whole.content["scope"]["tenant_count"] == len(keys)
    for number, key in enumerate(keys):
        one = await served.ask(f"guest {number}", 'SELECT key FROM public."Workspace"')
        assert one.rows == [[key]]
        assert one.content["scope"]["tenant_count"] == 1
    await served.app.trail.close()
    with served.foreign.superuser() as superuser:
        audited = superuser.execute(
            "SELECT DISTINCT tenants FROM zava.audit_log WHERE object_id = %s",
            [served.people["all of them"].caller.object_id],
        ).fetchall()
    assert [sorted(row[0]) for row in audited] == [sorted(keys)]


async def test_a_label_may_be_another_tenants_key_or_of_any_length(
    workspaces: tuple[Served, list[str]],
) -> None:
    served, _ = workspaces
    with served.foreign.application() as owner:
        owner.execute("INSERT INTO public.\"Workspace\" VALUES ('evil', 'plain')")
    with pytest.raises(GrantRefused, match=r"2 workspaces have the Title plain; .* --of key=…"):
        served.grant("ana", "guest", "plain")
    assert served.grant("ana", "guest", "key=plain").tenants == ("Plain",)
    with served.foreign.application() as owner:
        owner.execute(
            "UPDATE public.\"Workspace\" SET \"Title\" = E'\\n\\u202e' || repeat('x', 10000)"
            " WHERE key = 'plain'"
        )
    long = await served.ask("ana", 'SELECT key FROM "Workspace"')
    assert long.rows == [["plain"]]
    assert long.content["scope"]["tenants"] == [f"\n\u202e{'x' * 97}…"]
    assert f"Scope:   {'x' * 97}… (1 workspace)" in long.text


async def test_tables_of_several_schemas_are_named_by_theirs(
    workspaces: tuple[Served, list[str]],
) -> None:
    served, _ = workspaces
    described = await served.describe(
        "all of them", ["crm.deal", "public.deal", 'crm."Contact"', "public.workspace"]
    )
    names = [table["name"] for table in described.content["tables"]]
    assert names == ["crm.deal", "public.deal", 'crm."Contact"', 'public."Workspace"']
    for table in names:
        assert not (await served.ask("all of them", f"SELECT count(*) FROM {table}")).error
    own = await served.ask("all of them", "SELECT count(*) FROM public.deal")
    assert own.rows == [[1]]
    first = await served.ask("all of them", "SELECT count(*) FROM deal")
    second = await served.ask("all of them", "SELECT count(*) FROM crm.deal")
    assert first.rows == second.rows, "the first schema's has the bare name"
    note = await served.ask("all of them", "SELECT id FROM public.deal WHERE id = 99")
    assert note.notes == [
        "No row in your scope has public.deal.id = '99'. id runs from 1 to 1 in your scope."
    ]
    refused = await served.ask("all of them", "SELECT * FROM public.contact")
    assert 'crm."Contact"' in refused.error["hint"]
