"""Grants that the application keeps: a membership is one, until the application ends it."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.adoption.foreign import BILLING, Foreign, ForeignServer
from tests.adoption.serving.served import Served
from tests.support.generators.golden_schema import dump
from zava.adoption.adopted_grants import AdoptedPrincipal
from zava.adoption.applying import catalog_of
from zava.adoption.checks.checking import CheckFindings, check_declaration
from zava.adoption.removing import remove_adoption
from zava.model.core import Caller, caller_of_subject

DIRECTORY = UUID("22222222-2222-4222-8222-222222222222")
ISSUER = "https://people.example.com/ünïts"
TABLES = """
CREATE TABLE public.memberships (user_id uuid NOT NULL, organization_id uuid REFERENCES public.organizations);
CREATE TABLE public.logins (subject text NOT NULL, organization_id uuid NOT NULL REFERENCES public.organizations,
  left_at timestamptz, scope text);
CREATE INDEX ON public.memberships (user_id);
"""
OF_DIRECTORY = f"""
[members]
audience = "member"
table = "public.memberships"
person = "user_id"
tenant = "organization_id"
directory = "{DIRECTORY}"
"""
OF_ISSUER = f"""
[members]
audience = "member"
table = "public.logins"
person = "subject"
tenant = "organization_id"
issuer = "{ISSUER}"
filter = "left_at IS NULL AND (scope IS NULL OR scope NOT IN ('guest'))"
"""
NO_CODE = (
    "expected columns, constants, now() and comparisons; a function, a cast or a subquery would run"
    " with the rights of the seal"
)
CONDITIONS = {
    "public.is_active(user_id)": NO_CODE,
    "now(1) > user_id": NO_CODE,
    "user_id = ANY (SELECT id FROM public.users)": NO_CODE,
    "role = 'x'::public.kind": NO_CODE,
    "role OPERATOR(public.=) 'x'": ("expected names of columns and operators without a qualifier"),
    "role ~ 'x'": "expected one of < <= <> = > >=",
    "m.role = 'x'": "expected names of columns and operators without a qualifier",
    "m.* IS NULL": "expected names of columns and operators without a qualifier",
    "true) OR (true": "expected a condition in SQL: ",
    "true GROUP BY user_id": "expected one condition in SQL, and nothing behind it",
    "user_id <> '$$'": "expected one condition in SQL, and nothing behind it",
    "left_at IS NULL": "public.memberships has no column left_at",
}
COUNTED = "SELECT count(*) FROM invoices"
ONE_LEFT = "organization_id = (SELECT id FROM public.organizations WHERE name = 'Cedar')"
JOIN = "INSERT INTO public.{} SELECT %s, id FROM public.organizations WHERE name = ANY (%s)"


def with_members(unadopted: Foreign, members: str) -> Foreign:
    declaration = unadopted.declared(unadopted.declaration.text + members)
    return Foreign(unadopted.database, declaration)


def person(caller: Caller) -> AdoptedPrincipal:
    return AdoptedPrincipal(caller, "member", "member", (), is_active=True, is_valid=True)


@pytest.mark.parametrize(
    ("members", "table", "leaving"),
    [
        (OF_DIRECTORY, "memberships", "DELETE FROM public.memberships"),
        (OF_ISSUER, "logins", "UPDATE public.logins SET left_at = now()"),
        (OF_ISSUER, "logins", "UPDATE public.logins SET scope = 'guest'"),
    ],
)
async def test_a_membership_is_a_grant_until_it_ends(
    foreign_server: ForeignServer, tmp_path: Path, members: str, table: str, leaving: str
) -> None:
    with foreign_server.database(BILLING, "members") as unadopted:
        with unadopted.application() as owner:
            owner.execute(TABLES)
        before = dump(unadopted.database)
        foreign = with_members(unadopted, members)
        foreign.apply()
        assert foreign.problems() == []
        assert foreign.apply() == []
        served = Served(foreign, tmp_path)
        subject = uuid4()
        known = Caller(DIRECTORY, subject)
        if table == "logins":
            known = caller_of_subject(ISSUER, str(subject))
        served.people["ana"] = person(known)
        assert (await served.ask("ana", COUNTED)).error["code"] == "AUTHORIZATION_ERROR"
        with foreign.application() as owner:
            owner.execute(JOIN.format(table), [subject, ["Alder", "Cedar"]])
            both = await served.ask("ana", COUNTED)
            assert both.rows == [[200]]
            assert both.content["scope"]["tenants"] == ["Alder", "Cedar"]
            owner.execute(f"{leaving} WHERE {ONE_LEFT}")
            assert (await served.ask("ana", COUNTED)).rows == [[100]], "one account is left"
            owner.execute(f"DELETE FROM public.{table}")
            refused = await served.ask("ana", COUNTED)
            assert refused.error["code"] == "AUTHORIZATION_ERROR", "and refused at once"
            owner.execute(f"ALTER TABLE public.{table} RENAME TO moved")
            assert (await served.ask("ana", COUNTED)).error["code"] == "AUTHORIZATION_ERROR"
            owner.execute(f"ALTER TABLE public.moved RENAME TO {table}")
        await served.app.close()
        with foreign.administrator() as connection:
            remove_adoption(connection)
        assert dump(foreign.database) == before


async def test_a_revoked_grant_is_not_replaced_by_a_membership(
    foreign_server: ForeignServer, tmp_path: Path
) -> None:
    with foreign_server.database(BILLING, "revoked") as unadopted:
        with unadopted.application() as owner:
            owner.execute(TABLES)
        foreign = with_members(unadopted, OF_DIRECTORY)
        foreign.apply()
        served = Served(foreign, tmp_path)
        granted = served.grant("ana", "member", "Birch")
        assert (await served.ask("ana", COUNTED)).rows == [[100]]
        with foreign.application() as owner:
            owner.execute(JOIN.format("memberships"), [granted.caller.object_id, ["Alder"]])
        served.revoke("ana")
        assert (await served.ask("ana", COUNTED)).error["code"] == "AUTHORIZATION_ERROR"
        # Another directory's person of the same id is another one.
        served.people["eve"] = person(Caller(uuid4(), granted.caller.object_id))
        assert (await served.ask("eve", COUNTED)).error["code"] == "AUTHORIZATION_ERROR"
        await served.app.close()


def test_what_a_check_refuses_of_members(foreign_server: ForeignServer) -> None:
    with foreign_server.database(BILLING, "refused") as unadopted:
        with unadopted.application() as owner:
            owner.execute(TABLES)
            owner.execute("ALTER TABLE public.memberships ENABLE ROW LEVEL SECURITY")
            owner.execute("CREATE POLICY own ON public.memberships USING (true)")
        refused = {
            OF_DIRECTORY: (
                "members.table: public.memberships has policies of the application, which would"
                " hide its rows from the seal"
            ),
            OF_ISSUER.replace("logins", "sessions"): (
                "members.table: there is no table public.sessions"
            ),
            OF_ISSUER.replace('"subject"', '"name"'): "members: public.logins has no column name",
            OF_ISSUER.replace('"organization_id"', '"subject"'): (
                "members.tenant: subject is not of the type of the tenants' key"
            ),
            OF_DIRECTORY.replace("memberships", "logins").replace("user_id", "subject"): (
                "members.person: subject is of type text; object ids of a directory are uuid"
            ),
        }
        for condition, words in CONDITIONS.items():
            declared = f'{OF_DIRECTORY}filter = """{condition}"""\n'
            refused[declared] = f"members.filter: {words}"
        for members, words in refused.items():
            foreign = with_members(unadopted, members)
            with foreign.administrator() as connection:
                catalog = catalog_of(connection, foreign.declaration)
            found = check_declaration(foreign.declaration, catalog).refusals
            assert any(words in each for each in found), (words, found)


def test_a_row_that_ends_is_no_grant_unnoticed(foreign_server: ForeignServer) -> None:
    ruled = '[tables."public.logins"]\ntenant = "organization_id"\n'
    without = OF_ISSUER.partition("filter")[0]
    with foreign_server.database(BILLING, "ended") as unadopted:
        with unadopted.application() as owner:
            owner.execute(TABLES)

        def checked(members: str) -> CheckFindings:
            foreign = with_members(unadopted, members)
            with foreign.administrator() as connection:
                catalog = catalog_of(connection, foreign.declaration)
            return check_declaration(foreign.declaration, catalog)

        assert (
            "members: each row of public.logins is a grant, whatever left_at has; where that ends a"
            ' membership, add filter = "…"'
        ) in checked(without).warnings
        assert not any(each.startswith("members:") for each in checked(OF_ISSUER).warnings)
        assert checked(f'{without}{ruled}filter = "left_at IS NULL"').refusals == (
            (
                "members.filter: is missing, and tables.public.logins has one: a row that it leaves"
                " out would still be a grant"
            ),
        )
