"""Names, e-mail and phone of customers: read where grant and token both allow it, by no other way."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from tests.support.servers.database import Database
from zava.app import Application
from zava.data.metrics.reader import MetricReader
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import QueryRefused
from zava.infrastructure.postgres.access_explanation import explain_access
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.audiences import CUSTOMERS_READ, ReadingRole
from zava.model.core import Caller
from zava.model.sql_findings import FindingKind
from zava.retail.access_rules import PERMISSIONS, STORE_MANAGERS
from zava.retail.declaration import RETAIL

NAMES = "SELECT first_name, email FROM retail.customers LIMIT 1"
KEYS = "SELECT count(DISTINCT customer_id), min(created_at) IS NOT NULL FROM retail.customers"
AUDIENCES = ("seattle", "eastside", "head-office")
COLUMNS = ["first_name", "last_name", "email", "phone"]


@pytest.fixture
async def granting(
    seeded_clone: Database, signer: ContextSigner
) -> AsyncIterator[tuple[psycopg.Connection, TenantDatabase]]:
    """Its owner changes grants; the session in front of the database has no guard."""
    pool = DatabasePool(seeded_clone.server, max_size=1)
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        yield owner, TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    await pool.close()


def without_permission(caller: Caller) -> Caller:
    allowed = frozenset(PERMISSIONS.all) - {CUSTOMERS_READ}
    return replace(caller, permissions=allowed)


async def test_grant_decides_at_the_next_call_in_each_audience(
    granting: tuple[psycopg.Connection, TenantDatabase], callers: dict[str, Caller]
) -> None:
    owner, unguarded = granting
    for name in AUDIENCES:
        caller = callers[name]
        assert len((await unguarded.run(caller, NAMES, max_rows=1)).rows) == 1
        (counted,) = (await unguarded.run(caller, KEYS, max_rows=1)).rows
        for allowed in (False, True, False):
            owner.execute(
                "UPDATE zava.principals SET reads_personal = %s WHERE object_id = %s",
                [allowed, caller.object_id],
            )
            answer = await unguarded.run(caller, KEYS, max_rows=1)
            assert answer.rows == [counted]
            assert answer.scope.reads_personal is allowed
            if allowed:
                assert len((await unguarded.run(caller, NAMES, max_rows=1)).rows) == 1
            else:
                with pytest.raises(QueryRefused, match="customers"):
                    await unguarded.run(caller, NAMES, max_rows=1)


async def test_new_grant_reads_no_names(
    granting: tuple[psycopg.Connection, TenantDatabase], callers: dict[str, Caller]
) -> None:
    owner, unguarded = granting
    owner.execute("DELETE FROM zava.principals WHERE display_name = 'head-office'")
    office = callers["head-office"]
    owner.execute(
        "INSERT INTO zava.principals (tenant_id, object_id, display_name, audience, store_ids)"
        " SELECT %s, %s, 'office', 'head_office', array_agg(store_id) FROM retail.stores",
        [office.tenant_id, office.object_id],
    )
    with pytest.raises(QueryRefused):
        await unguarded.run(office, NAMES, max_rows=1)


@pytest.mark.parametrize("name", AUDIENCES)
async def test_token_without_the_permission_sees_the_structure_without_the_columns(
    free_query: FreeQuery, callers: dict[str, Caller], name: str
) -> None:
    async def columns(caller: Caller) -> list[str]:
        (table,), _ = await free_query.table_schemas(caller, ["customers"])
        return [column.name for column in table.columns]

    rest = ["store_id", "customer_id", "created_at"]
    assert sorted(await columns(callers[name])) == sorted(COLUMNS + rest)
    assert await columns(without_permission(callers[name])) == rest
    assert sorted(await columns(callers[name])) == sorted(COLUMNS + rest)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT phone FROM retail.customers",
        "SELECT * FROM retail.customers",
        "SELECT count(*) FROM retail.customers WHERE last_name = 'Smith'",
    ],
)
async def test_refusal_names_the_permission_and_what_can_be_read(
    free_query: FreeQuery, callers: dict[str, Caller], statement: str
) -> None:
    with pytest.raises(QueryRefused) as caught:
        await free_query.run(without_permission(callers["seattle"]), statement, max_rows=1)
    assert "customers.read" in (caught.value.hint or "")
    assert "store_id, customer_id, created_at" in (caught.value.hint or "")


async def test_caution_does_not_depend_on_who_asked_first(
    application: Application, callers: dict[str, Caller]
) -> None:
    caller, data = callers["seattle"], application.analytics.data
    await data.run(without_permission(caller), "SELECT sum(1)", max_rows=1)
    for sql in ("SELECT email FROM retail.customers", "SELECT * FROM retail.customers"):
        table = await data.run(caller, sql, max_rows=1)
        (finding,) = table.findings
        assert finding.kind is FindingKind.PERSONAL_DATA


@pytest.mark.parametrize("name", AUDIENCES)
async def test_narrowed_call_opens_no_runner_of_personal_data(
    granting: tuple[psycopg.Connection, TenantDatabase],
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    _, unguarded = granting
    caller = callers[name]
    await unguarded.run(caller, KEYS, max_rows=1)  # whose role is known from here on
    monkeypatch.setattr(ReadingRole, "of_token", lambda role, _permissions: role)
    answer = await unguarded.run(without_permission(caller), KEYS, max_rows=1)
    assert not answer.scope.reads_personal
    with pytest.raises(QueryRefused, match="Permission denied"):
        await unguarded.run(without_permission(caller), NAMES, max_rows=1)
    assert len((await unguarded.run(caller, NAMES, max_rows=1)).rows) == 1


async def test_kept_answers_of_both_tokens_are_apart(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    from tests.metrics.test_more_figures import answer, asked

    best = asked("revenue", "customer", limit=3)
    for _ in range(2):
        named: list[list[Any]] = await answer(metrics, callers["seattle"], best)
        keyed = await answer(metrics, without_permission(callers["seattle"]), best)
        assert [value for _, value in named] == [value for _, value in keyed]
        assert all(label.startswith("Customer ") for label, _ in keyed)
        assert not any(label.startswith("Customer ") for label, _ in named)


def test_explain_access_shows_the_role_and_its_columns(seeded_clone: Database) -> None:
    with psycopg.connect(seeded_clone.admin) as admin:
        explained = explain_access(admin, RETAIL, "seattle")
        admin.execute("SET ROLE zava_context")
        admin.execute(
            "UPDATE zava.principals SET reads_personal = false WHERE display_name = 'seattle'"
        )
        narrowed = explain_access(admin, RETAIL, "seattle")
    assert explained.principal.role is STORE_MANAGERS.personal_role
    hidden = {
        each.relation: [name for name in COLUMNS if name in each.hidden]
        for each in narrowed.relations
    }
    assert hidden["retail.customers"] == COLUMNS
    shown = {each.relation: each for each in explained.relations}["retail.customers"]
    assert shown.hidden == ()
    assert shown.policies == (
        {each.relation: each for each in narrowed.relations}["retail.customers"].policies
    )
