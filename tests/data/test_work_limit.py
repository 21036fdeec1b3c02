"""The limit on a statement's work: by its text alone, refused before the database is asked."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from psycopg import Error

from tests.security.legitimate import read_legitimate
from tests.support.answers.asking import AskTool
from tests.support.answers.call_records import recorded
from tests.support.servers.database import Database
from tests.support.servers.proxy import counting_proxy
from zava.data.guard.cost.work import HEAVY_ROWS, Work
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.pipeline import Bounds, Pipeline
from zava.data.session.results import read_plan
from zava.data.session.signed_context import ContextSigner, SignedCall
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.data.syntax.parser import parse
from zava.data.usage.budgets import Budget, Budgets
from zava.errors import AccessDenied, Busy, QueryRefused
from zava.infrastructure.postgres.connection import PooledConnection
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.audiences import ReadingRole
from zava.model.core import Caller, CallRecord
from zava.retail.access_rules import HEAD_OFFICE, STORE_MANAGERS
from zava.retail.declaration import RETAIL
from zava.settings import Settings

LIMIT = Settings.model_fields["statement_cost_limit"].default
OTHER_STORES = ("4f0fbd5a-6b5a-4c85-8d31-3b0d3a1e0001", "ffffffff-ffff-ffff-ffff-ffffffffffff")

HEAVY = [
    "SELECT count(*) FROM retail.orders",
    "SELECT count(*) FROM retail.orders, retail.stores",
    "SELECT (SELECT count(*) FROM retail.order_items) AS n",
    "WITH x AS (SELECT * FROM retail.orders) SELECT count(*) FROM x",
    "SELECT count(*) FROM retail.order_items JOIN retail.orders USING (store_id, order_id)",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 99999) SELECT * FROM n",
    "SELECT 1 FROM retail.stores AS s, generate_series(1, 1000000) AS n",
    "SELECT generate_series(1, 1000000)",
]
LIGHT = [
    "SELECT 1",
    "VALUES (1), (2)",
    "TABLE retail.stores",
    "SELECT store_name FROM retail.stores",
    "SELECT count(*) FROM retail.orders WHERE order_date >= DATE '2026-01-01'",
    "SELECT 1 FROM retail.stores AS s, retail.products AS p WHERE s.store_id = p.product_id",
    "SELECT 1 FROM retail.products JOIN retail.categories USING (category_id)",
    "SELECT 1 FROM retail.products NATURAL JOIN retail.categories",
    "SELECT 1 UNION ALL SELECT count(*) FROM retail.inventory",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * FROM n",
    "SELECT m FROM generate_series(now(), now(), interval '1 month') AS m",
    "SELECT x FROM unnest(ARRAY[1, 2]) AS x",
    "SELECT * FROM retail.orders, retail.stores LIMIT 10",
    "SELECT generate_series(3)",
]
HOPELESS = [
    (
        "SELECT count(*) FROM retail.order_items AS a, retail.order_items AS b,"
        " retail.order_items AS c WHERE a.quantity * b.quantity * c.quantity < 0"
    ),
    "SELECT * FROM retail.orders AS a JOIN retail.orders AS b ON a.order_date < b.order_date",
    "SELECT count(*) FROM (SELECT * FROM retail.orders) AS a CROSS JOIN retail.order_items",
    "WITH x AS (SELECT * FROM retail.orders) SELECT count(*) FROM x AS a, x AS b",
    (
        "SELECT 1 FROM retail.orders AS a WHERE EXISTS"
        " (SELECT 1 FROM retail.order_items AS b WHERE b.quantity > length(a.status))"
    ),
    (
        "SELECT (SELECT count(*) FROM retail.order_items AS i WHERE i.quantity > length(o.status))"
        " FROM retail.orders AS o"
    ),
    (
        "SELECT count(*) FROM retail.orders AS o, LATERAL"
        " (SELECT max(i.quantity) FROM retail.order_items AS i WHERE i.quantity < length(o.status)) AS x"
    ),
    (
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n, retail.orders"
        " WHERE i < 1000000) SELECT count(*) FROM n"
    ),
    "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b",
    "SELECT 1 FROM retail.stores UNION SELECT 2 FROM retail.orders, retail.customers, retail.inventory",
    "SELECT count(*) FROM generate_series(1, 1000000) AS a CROSS JOIN generate_series(1, 10000, 2) AS b",
    (
        "SELECT 1 FROM retail.orders AS o, retail.order_items AS i WHERE o.order_id <> i.order_id"
        " AND length(o.status) > 3 ORDER BY 1 LIMIT 5"
    ),
]
COMPARISONS = [
    "o.store_id = '{s}'",
    "o.store_id <= '{s}'",
    "o.store_id IN ('{s}', '{s}')",
    "o.store_id BETWEEN '{s}' AND '{s}'",
    "o.store_id = ANY (ARRAY['{s}']::uuid[])",
    "NOT o.store_id <> '{s}'",
    "o.store_id::text LIKE '{s}'",
]


def visited_rows(sql: str) -> float:
    return Work(parse(sql)[0]["stmt"]).visited


@pytest.mark.parametrize(
    ("sql", "expected"), [(s, True) for s in HEAVY] + [(s, False) for s in LIGHT]
)
def test_heaviness_is_judged_by_the_text(sql: str, expected: bool) -> None:
    assert (visited_rows(sql) >= HEAVY_ROWS) is expected


@pytest.mark.parametrize("sql", HOPELESS)
def test_work_that_no_deadline_could_meet_is_beyond_the_limit(sql: str) -> None:
    assert visited_rows(sql) > LIMIT


def test_legitimate_statement_is_far_below_the_limit() -> None:
    assert max(visited_rows(statement.sql) for statement in read_legitimate()) < LIMIT / 10


def test_estimate_does_not_depend_on_which_store_a_statement_names() -> None:
    for table, comparison, count in itertools.product(
        ("orders", "order_items", "customers", "inventory"), COMPARISONS, (1, 1000, 1_000_000)
    ):
        estimates = {
            visited_rows(
                f"SELECT count(*) FROM retail.{table} AS o, generate_series(1, {count}) AS g,"
                f" generate_series(1, 100) AS h WHERE {comparison.format(s=store)} AND (SELECT false)"
            )
            for store in OTHER_STORES
        }
        assert len(estimates) == 1


@pytest.fixture
async def data(database: Database, signer: ContextSigner) -> AsyncIterator[FreeQuery]:
    pool = DatabasePool(database.server, max_size=1)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    yield FreeQuery(tenancy, RETAIL, most_rows=LIMIT)
    await pool.close()


async def plan(connection: PooledConnection, role: ReadingRole, call: SignedCall) -> str:
    pipeline = Pipeline(connection)
    bounds = Bounds(1, 1000, budget=(0, 0, 0.0, 0, 0.0))  # without a limit
    pipeline.add_call(role, call, bounds, describe=False, is_run=False)
    return read_plan(await pipeline.run())


@pytest.mark.parametrize("name", ["seattle", "eastside", "head-office"])
async def test_statement_that_would_not_end_in_time_is_refused_before_it_runs(
    data: FreeQuery, callers: dict[str, Caller], name: str
) -> None:
    with pytest.raises(QueryRefused, match="visit more rows") as caught:
        await data.run(callers[name], HOPELESS[0], max_rows=1)
    assert "Join on keys" in caught.value.hint
    assert (await data.run(callers[name], HEAVY[0], max_rows=1)).rows[0][0] > 0


async def test_refusal_uses_no_connection_at_all(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    """No verdict can depend on any row: the database is not asked."""
    async with counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=1)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        data = FreeQuery(tenancy, RETAIL, most_rows=LIMIT)
        await data.run(callers["seattle"], HEAVY[0], max_rows=1)
        before = proxy.round_trips
        for sql in HOPELESS:
            with pytest.raises(QueryRefused):
                await data.run(callers["seattle"], sql, max_rows=1)
            if sql == HOPELESS[8]:
                break
        assert proxy.round_trips == before
        await data.run(callers["seattle"], HEAVY[1], max_rows=1)
        assert proxy.round_trips - before == 1
        await pool.close()


async def test_refusals_are_charged_a_deadline_each_and_end_for_the_hour(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    now = 7205.0
    pool = DatabasePool(database.server, max_size=1)
    budgets = Budgets(Budget(), connections=1, clock=lambda: now)
    tenancy = TenantDatabase(
        pool,
        signer,
        IsolationCheck(pool, signer, RETAIL),
        budgets=budgets,
        statement_timeout_seconds=30,
    )
    data = FreeQuery(tenancy, RETAIL, most_rows=LIMIT)
    seattle = callers["seattle"]
    record = CallRecord(seattle, "execute_sales_query")
    await data.run(seattle, "SELECT 1", max_rows=1)
    for number in range(1, 11):
        with pytest.raises(QueryRefused, match="visit more rows"), recorded(record):
            await data.run(seattle, HOPELESS[0], max_rows=1)
        assert record.database_seconds == 30 * number
        assert record.is_refused_for_cost
    words = set()
    for seconds, sql in ((3595, HOPELESS[0]), (1799, HOPELESS[1])):
        now = 10_800.0 - seconds
        with pytest.raises(Busy, match="refused for their cost") as caught:
            await data.run(seattle, sql, max_rows=1)
        assert caught.value.retry_after_seconds == seconds
        words.add(f"{caught.value.message} {caught.value.hint}")
    assert words == {f"{caught.value.message} Try again at 03:00 UTC."}
    with pytest.raises(QueryRefused, match="visit more rows"):
        await data.run(callers["redmond"], HOPELESS[0], max_rows=1)
    assert (await data.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]
    now += 3600
    with pytest.raises(QueryRefused, match="visit more rows"):
        await data.run(seattle, HOPELESS[0], max_rows=1)
    await pool.close()


async def test_refusal_in_a_tool_says_what_to_write_instead(ask_tool: AskTool) -> None:
    told = await ask_tool("tacoma", "execute_sales_query", {"postgresql_query": HOPELESS[1]})
    assert told.is_error
    assert told.content["code"] == "QUERY_REFUSED"
    assert "Join on keys" in told.text


async def test_statement_too_deep_to_estimate_is_refused(
    data: FreeQuery, callers: dict[str, Caller]
) -> None:
    for levels in range(10, 400, 10):
        deep = "SELECT * FROM (" * levels + "SELECT 1 AS x" + ") AS y" * levels
        try:
            assert (await data.run(callers["seattle"], deep, max_rows=1)).rows == [[1]]
        except QueryRefused as refusal:
            assert "nests too deep" in refusal.message  # noqa: PT017  # some levels pass


@pytest.mark.parametrize(
    "sql",
    [
        "ANALYZE SELECT 1",
        "SELECT 1; SELECT 2",
        "UPDATE retail.orders SET status = 'refunded'",
        "SELECT cost FROM retail.products",
        "SELECT * FROM zava.principals",
    ],
)
async def test_plan_is_of_one_read_of_the_caller_s_and_of_nothing_else(
    database: Database, signer: ContextSigner, callers: dict[str, Caller], sql: str
) -> None:
    pool = DatabasePool(database.server, max_size=1)
    async with pool.connection() as connection:
        call = signer.sign(callers["seattle"], sql)
        with pytest.raises(Error):
            await plan(connection, STORE_MANAGERS.personal_role, call)
    async with pool.connection() as connection:
        # Explained, a volatile function is not called: the plan comes at once.
        call = signer.sign(callers["seattle"], "SELECT pg_sleep(60)")
        shape = await plan(connection, STORE_MANAGERS.personal_role, call)
    assert shape.startswith("Result")
    await pool.close()


async def test_plan_needs_a_grant_the_right_audience_and_a_signature(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    pool = DatabasePool(database.server, max_size=1)
    stranger = replace(callers["seattle"], object_id=callers["seattle"].tenant_id)
    with pytest.raises(AccessDenied):
        await TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL)).run(
            stranger, "SELECT 1", max_rows=1
        )
    own = signer.sign(callers["seattle"], "SELECT 1")
    for role, call, refusal in (
        (STORE_MANAGERS.personal_role, replace(own, mac=bytes(32)), "context refused"),
        (
            STORE_MANAGERS.personal_role,
            signer.sign(stranger, "SELECT 1"),
            "principal refused",
        ),
        (HEAD_OFFICE.role, own, "store_managers"),
    ):
        async with pool.connection() as connection:
            with pytest.raises(Error, match=refusal):
                await plan(connection, role, call)
    await pool.close()
