"""An adopted database shows each tenant its own rows, exactly, and can be left again."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.adoption.foreign import BILLING, OWNER, RENTALS, WRITER, Foreign, ForeignServer, truth
from tests.support.generators.golden_schema import dump
from zava.adoption.applying import AdoptionRefused, apply_group, catalog_of
from zava.adoption.declared_values import AdoptionDeclaration
from zava.adoption.plans.planning import plan
from zava.adoption.plans.steps import as_sql
from zava.adoption.removing import remove_adoption

# How a superuser selects the rows of one tenant, by table; {0} is the tenant's key.
INVOICES = "invoice_id IN (SELECT id FROM invoices WHERE organization_id = {0})"
OF_BILLING = {
    "organizations": "id = {0}",
    "currencies": "true",
    "customers": "organization_id = {0}",
    "plans": "organization_id = {0} OR organization_id IS NULL",
    "subscriptions": "organization_id = {0} AND deleted_at IS NULL",
    "invoices": "organization_id = {0}",
    "invoice_lines": INVOICES,
    "payments": INVOICES,
    "refunds": f"payment_id IN (SELECT id FROM payments WHERE {INVOICES})",
}
RENTED = "inventory_id IN (SELECT inventory_id FROM inventory WHERE store_id = {0})"
OF_RENTALS = {
    "store": "store_id = {0}",
    "film": "true",
    "customer": "store_id = {0}",
    "address": "address_id IN (SELECT address_id FROM customer WHERE store_id = {0})",
    "inventory": "store_id = {0}",
    "rental": RENTED,
    "payment": f"rental_id IN (SELECT rental_id FROM rental WHERE {RENTED})",
    '"Notes"': '"storeId" = {0} OR "storeId" IS NULL',
}


def counts(tables: dict[str, str]) -> str:
    """Return one statement that counts the rows of each table."""
    columns = ", ".join(f"(SELECT count(*) FROM {name}) AS c{n}" for n, name in enumerate(tables))
    return f"SELECT {columns}"


def compare(foreign: Foreign, tables: dict[str, str], audience: str, *tenants: object) -> int:
    """Compare what an audience counts with what a superuser counts; return the compared counts."""
    keys = [f"'{tenant}'" for tenant in tenants]
    conditions = {
        name: " OR ".join(f"({condition.format(key)})" for key in keys)
        for name, condition in tables.items()
    }
    with foreign.superuser() as superuser:
        expected = truth(
            superuser,
            {n: f"SELECT count(*) FROM {n} WHERE {c}" for n, c in conditions.items()},
        )
    caller = foreign.grant(audience, *tenants)
    with psycopg.connect(foreign.server, autocommit=True) as server:
        (row,) = foreign.ask(server, audience, caller, counts(tables))
    assert list(json.loads(row).values()) == list(expected.values())
    return len(expected)


def organizations(foreign: Foreign) -> list[object]:
    with foreign.superuser() as superuser:
        return [row[0] for row in superuser.execute("SELECT id FROM organizations ORDER BY name")]


def test_each_organization_reads_its_own_rows_of_every_table_exactly(billing: Foreign) -> None:
    tenants = organizations(billing)
    compared = sum(compare(billing, OF_BILLING, "desk", tenant) for tenant in tenants)
    compared += sum(compare(billing, OF_BILLING, "member", *two) for two in pairwise(tenants))
    assert compared == (4 + 3) * len(OF_BILLING)


def test_each_store_reads_its_own_rows_over_integer_keys_and_joins_exactly(
    rentals: Foreign,
) -> None:
    for store in (1, 2, 3):
        compare(rentals, OF_RENTALS, "manager", store)
    compare(rentals, OF_RENTALS, "region", 1, 3)


def test_an_audience_of_all_reads_every_row_and_a_grant_without_tenants_none(
    billing: Foreign,
) -> None:
    tables = dict.fromkeys(OF_BILLING, "true") | {"subscriptions": "deleted_at IS NULL"}
    compare(billing, tables, "auditor", organizations(billing)[0])
    nothing = billing.grant("member")
    with psycopg.connect(billing.server, autocommit=True) as server:
        (row,) = billing.ask(server, "member", nothing, counts(OF_BILLING))
    shared = {"currencies": 2, "plans": 2}
    assert list(json.loads(row).values()) == [shared.get(name, 0) for name in OF_BILLING]


def test_a_hidden_column_is_not_readable_and_only_for_whom_it_is_hidden(billing: Foreign) -> None:
    tenant = organizations(billing)[0]
    desk, member = billing.grant("desk", tenant), billing.grant("member", tenant)
    with psycopg.connect(billing.server, autocommit=True) as server:
        assert (
            len(billing.ask(server, "member", member, "SELECT email FROM customers LIMIT 3")) == 3
        )
        for audience, caller, statement in (
            ("desk", desk, "SELECT email FROM customers"),
            ("member", member, "SELECT api_key FROM organizations"),
            ("member", member, "SELECT count(*) FROM jobs"),
            ("member", member, "SELECT count(*) FROM zava.principals"),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                billing.ask(server, audience, caller, statement)


def test_a_grant_of_another_audience_or_of_several_tenants_to_a_desk_is_refused(
    billing: Foreign,
) -> None:
    first, second, *_ = organizations(billing)
    member, both = billing.grant("member", first), billing.grant("desk", first, second)
    with psycopg.connect(billing.server, autocommit=True) as server:
        for caller, state in ((member, "ZA004"), (both, "ZA003")):
            with pytest.raises(psycopg.Error) as refused:
                billing.ask(server, "desk", caller, "SELECT 1")
            assert refused.value.sqlstate == state


@pytest.mark.parametrize("kind", ["billing", "rentals"])
def test_the_proof_holds_and_a_second_plan_is_empty(
    kind: str, request: pytest.FixtureRequest
) -> None:
    foreign: Foreign = request.getfixturevalue(kind)
    assert foreign.problems() == []
    with foreign.administrator() as connection:
        assert plan(foreign.declaration, catalog_of(connection, foreign.declaration)) == []
    assert foreign.apply() == []


@pytest.mark.parametrize("application", [BILLING, RENTALS], ids=["uuid", "integer"])
def test_removal_leaves_not_one_line_of_the_dump_different(
    foreign_server: ForeignServer, application: tuple[Path, Path]
) -> None:
    with foreign_server.database(application, "left") as foreign:
        before = dump(foreign.database)
        foreign.apply()
        assert dump(foreign.database) != before
        with foreign.administrator() as connection:
            remove_adoption(connection)
            assert dump(foreign.database) == before
            roles = connection.execute(
                "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)",
                [f"zava_{foreign.declaration.name}_"],
            ).fetchall()
            assert roles == []
            with pytest.raises(AdoptionRefused, match="this database is not adopted"):
                remove_adoption(connection)


class Killed(Exception):
    """The process ends here."""


class KilledAt:
    """A connection that ends at a statement, as a killed process does."""

    def __init__(self, connection: psycopg.Connection, statement: int) -> None:
        self._connection = connection
        self._left = statement

    def execute(self, *arguments: Any) -> Any:
        if self._left == 0:
            self._connection.close()
            raise Killed
        self._left -= 1
        return self._connection.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


SMALL = """
version = 1
[database]
name = "small"
schemas = ["public"]
[tenant]
table = "public.organizations"
key = "id"
[audiences.member]
scope = "many"
[tables."public.organizations"]
tenant = "id"
hide = ["api_key"]
[tables."public.invoices"]
tenant = "organization_id"
[tables."public.payments"]
via = ["invoice_id", "public.invoices", "id"]
"""


def transactions(foreign: Foreign, declaration: AdoptionDeclaration) -> int:
    with foreign.administrator() as connection:
        return len(plan(declaration, catalog_of(connection, declaration)))


def kill(foreign: Foreign, declaration: AdoptionDeclaration, transaction: int) -> None:
    """Apply, and end at the last statement of a transaction.

    Every other statement of it leaves the same behind: what was committed before.
    """
    with psycopg.connect(foreign.database.admin, autocommit=True) as connection:
        groups = plan(declaration, catalog_of(connection, declaration))
        for group in groups[:transaction]:
            apply_group(connection, group, lambda _: None)
        last = groups[transaction]
        roles = [None, *(step.role for step in last.steps)]
        changes = sum(before != after for before, after in pairwise(roles))
        dying = KilledAt(connection, 3 + changes + len(last.steps) - 1)
        with pytest.raises(Killed):
            apply_group(dying, last, lambda _: None)  # type: ignore[arg-type]  # stands for a connection that dies


def test_an_adoption_that_was_killed_in_any_transaction_is_continued(
    foreign_server: ForeignServer,
) -> None:
    with foreign_server.database(BILLING, "killed") as foreign:
        declaration = foreign.declared(SMALL)
        # Roles, schema and runner are rendered again until all is complete; the others are not.
        tables = transactions(foreign, declaration) - 5
        for left in range(tables, 0, -1):
            kill(foreign, declaration, 2)
            kill(foreign, declaration, 3)
            assert transactions(foreign, declaration) == left - 1 + 5
        for last in (2, 3, 4):
            kill(foreign, declaration, last)
        assert tables == 3
        foreign.apply(declaration)
        assert Foreign(foreign.database, declaration).problems() == []


def test_an_adoption_that_was_killed_in_any_transaction_is_removed_without_a_trace(
    foreign_server: ForeignServer,
) -> None:
    with foreign_server.database(BILLING, "undone") as foreign:
        declaration = foreign.declared(SMALL)
        before = dump(foreign.database)
        for transaction in range(1, transactions(foreign, declaration)):
            kill(foreign, declaration, transaction)
            with foreign.administrator() as connection:
                remove_adoption(connection, declaration)
                named = connection.execute(
                    "SELECT (SELECT count(*) FROM pg_policy WHERE polname LIKE 'zava%%')"
                    " + (SELECT count(*) FROM pg_namespace WHERE nspname = 'zava')"
                    " + (SELECT count(*) FROM pg_class WHERE relrowsecurity)"
                    " + (SELECT count(*) FROM pg_roles WHERE starts_with(rolname, %s))",
                    [f"zava_{declaration.name}_"],
                ).fetchone()
            assert named == (0,), transaction
        assert dump(foreign.database) == before


def test_of_two_adoptions_at_once_one_is_refused_in_a_sentence(
    foreign_server: ForeignServer,
) -> None:
    with foreign_server.database(BILLING, "twice") as foreign, foreign.administrator() as first:
        first.execute("SELECT pg_advisory_lock(7261941206)")
        with pytest.raises(AdoptionRefused, match="another adoption of this database is running"):
            foreign.apply()
        first.execute("SELECT pg_advisory_unlock(7261941206)")
        assert foreign.apply()


def test_a_table_in_use_is_named_and_the_application_waits_for_no_longer(
    foreign_server: ForeignServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zava.adoption.applying.LOCK_SECONDS", 1)
    with foreign_server.database(BILLING, "busy") as foreign:
        with foreign.application(WRITER) as writer, writer.transaction():
            writer.execute("SELECT FROM public.payments")
            with pytest.raises(AdoptionRefused, match=r"public\.payments is in use"):
                foreign.apply()
        foreign.apply()
        assert foreign.problems() == []


def test_two_databases_of_one_name_share_roles_and_removal_keeps_those_in_use(
    foreign_server: ForeignServer,
) -> None:
    with (
        foreign_server.database(BILLING, "pair") as first,
        foreign_server.database(BILLING, "pair") as other,
    ):
        second = Foreign(other.database, first.declaration)
        first.apply()
        second.apply()
        stayed: list[str] = []
        with first.administrator() as connection:
            remove_adoption(connection, report=stayed.append)
        assert [line for line in stayed if line.endswith("stays: another database uses it")]
        assert second.problems() == []
        with second.administrator() as connection:
            remove_adoption(connection)


def test_a_changed_declaration_is_the_plan_of_the_difference(
    foreign_server: ForeignServer,
) -> None:
    with foreign_server.database(BILLING, "changed") as foreign:
        foreign.apply()
        # Without metrics: those of a table that is no longer declared would be refused.
        text = foreign.declaration.text.partition("[joins.")[0]
        text = text.replace('hide = { desk = ["email"] }', 'hide = ["email"]')
        text = text.replace('\n[audiences.desk]\nscope = "one"\n', "")
        text = text.replace(
            '[tables."public.refunds"]\nvia = ["payment_id", "public.payments", "id"]', ""
        )
        text = text.replace('filter = "deleted_at IS NULL"', "")
        changed = Foreign(foreign.database, foreign.declared(text))
        titles = changed.apply()
        assert "policies of public.organizations" in titles, "the audience's policies are dropped"
        assert "public.refunds, no longer declared" in titles
        assert changed.problems() == []
        with changed.superuser() as superuser:
            row = superuser.execute(
                "SELECT relrowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid)"
                " FROM pg_class AS c WHERE oid = 'public.refunds'::regclass"
            ).fetchone()
        assert row == (False, 0)
        changed.apply(changed.declaration)
        assert foreign.apply(), "and back"
        assert foreign.problems() == []


def test_the_plan_is_sql_that_names_the_role_of_each_statement(
    foreign_server: ForeignServer,
) -> None:
    with (
        foreign_server.database(BILLING, "planned") as foreign,
        foreign.administrator() as connection,
    ):
        catalog = catalog_of(connection, foreign.declaration)
        text = as_sql(plan(foreign.declaration, catalog))
        assert f'-- as {OWNER}\nSET LOCAL ROLE "{OWNER}";\nCREATE POLICY' in text
        connection.execute(text.encode())
        assert plan(foreign.declaration, catalog_of(connection, foreign.declaration)) == []
