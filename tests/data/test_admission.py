"""Admission: which statements are weighed, what is refused by its cost, and in how many trips."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from psycopg import Error

from tests.database import Database
from tests.proxy import counting_proxy
from tests.security.legitimate import read_legitimate
from zava.data.admission import is_heavy
from zava.data.context import ContextSigner
from zava.data.flight import Bounds, Flight
from zava.data.retail import RetailData
from zava.data.tenancy import Tenancy
from zava.data.verification import Verification
from zava.errors import AccessDenied, QueryRefused, ZavaError
from zava.infrastructure.pool import DatabasePool
from zava.model import Audience, Caller

HEAVY = [
    "SELECT count(*) FROM retail.orders",
    "SELECT count(*) FROM retail.stores AS a, retail.stores AS b",
    "SELECT count(*) FROM retail.stores AS a CROSS JOIN retail.products AS b",
    "SELECT count(*) FROM retail.stores AS a, retail.products AS b WHERE a.is_online",
    "SELECT count(*) FROM retail.stores AS a JOIN retail.stores AS b ON true",
    "SELECT 1 FROM retail.stores AS a, retail.products AS b WHERE length(a.region) * b.base_price < 0",
    "SELECT (SELECT count(*) FROM retail.order_items) AS n",
    "WITH x AS (SELECT * FROM retail.orders) SELECT count(*) FROM x",
    "SELECT 1 UNION ALL SELECT count(*) FROM retail.inventory",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * FROM n",
    "SELECT 1 FROM retail.stores AS s, generate_series(1, 1000) AS n",
]
LIGHT = [
    "SELECT 1",
    "SELEC 1",
    "SELECT store_name FROM retail.stores",
    "SELECT count(*) FROM retail.orders WHERE order_date >= DATE '2026-01-01'",
    "SELECT 1 FROM retail.stores AS s, retail.products AS p WHERE s.store_id = p.product_id",
    "SELECT 1 FROM retail.products JOIN retail.categories USING (category_id)",
    "SELECT 1 FROM retail.products NATURAL JOIN retail.categories",
    "SELECT 1 FROM retail.products AS p JOIN retail.categories AS c ON p.category_id = c.category_id",
]
HUGE = (
    "SELECT count(*) FROM retail.order_items AS a, retail.order_items AS b,"
    " retail.order_items AS c WHERE a.quantity * b.quantity * c.quantity < 0"
)


@pytest.mark.parametrize(
    ("sql", "expected"), [(s, True) for s in HEAVY] + [(s, False) for s in LIGHT]
)
def test_heaviness_is_judged_by_the_text(sql: str, expected: bool) -> None:
    assert is_heavy(sql) is expected


@pytest.fixture
async def data(database: Database, signer: ContextSigner) -> AsyncIterator[RetailData]:
    pool = DatabasePool(database.server, max_size=1)
    yield RetailData(Tenancy(pool, signer, Verification(pool, signer), max_cost=10_000_000))
    await pool.close()


@pytest.mark.parametrize("name", ["seattle", "eastside", "head-office"])
async def test_statement_that_would_not_end_in_time_is_refused_before_it_runs(
    data: RetailData, callers: dict[str, Caller], name: str
) -> None:
    with pytest.raises(QueryRefused, match="planner's reckoning") as caught:
        await data.run(callers[name], HUGE, max_rows=1)
    assert "Join on keys" in caught.value.hint
    assert (await data.run(callers[name], HEAVY[0], max_rows=1)).rows[0][0] > 0


async def test_weighing_rides_in_the_call_s_own_round_trip(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=1)
        data = RetailData(Tenancy(pool, signer, Verification(pool, signer), max_cost=10_000_000))
        await data.run(callers["seattle"], HEAVY[0], max_rows=1)
        for sql in (HEAVY[0], HUGE):
            before = proxy.round_trips
            if sql == HUGE:
                with pytest.raises(QueryRefused):
                    await data.run(callers["seattle"], sql, max_rows=1)
            else:
                await data.run(callers["seattle"], sql, max_rows=1)
            assert proxy.round_trips - before == 1
        await pool.close()


async def test_no_legitimate_statement_is_refused_by_its_cost(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    pool = DatabasePool(database.server, max_size=1)
    tenancy = Tenancy(pool, signer, Verification(pool, signer), max_cost=10_000_000)
    for statement in read_legitimate():
        sql = statement.sql
        try:
            await tenancy.run(callers["head-office"], sql, max_rows=1, is_heavy=True)
        except ZavaError as error:
            assert "reckoning" not in error.message, sql  # noqa: PT017  # others are not our subject
    await pool.close()


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
async def test_weigher_explains_one_read_of_the_caller_s_and_nothing_else(
    database: Database, signer: ContextSigner, callers: dict[str, Caller], sql: str
) -> None:
    pool = DatabasePool(database.server, max_size=1)
    tenancy = Tenancy(pool, signer, Verification(pool, signer), max_cost=1e15)
    with pytest.raises(ZavaError):
        await tenancy.run(callers["seattle"], sql, max_rows=1, is_heavy=True)
    # Explained, a volatile function is not called: the refusal comes at once.
    light = Tenancy(pool, signer, Verification(pool, signer), max_cost=0)
    with pytest.raises(QueryRefused, match="reckoning"):
        await light.run(callers["seattle"], "SELECT pg_sleep(60)", max_rows=1, is_heavy=True)
    await pool.close()


async def test_weigher_knows_nobody_without_a_grant_and_no_other_audience(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    pool = DatabasePool(database.server, max_size=1)
    tenancy = Tenancy(pool, signer, Verification(pool, signer), max_cost=1e15)
    stranger = replace(callers["seattle"], object_id=callers["seattle"].tenant_id)
    with pytest.raises(AccessDenied):
        await tenancy.run(stranger, "SELECT 1", max_rows=1, is_heavy=True)
    # Head office through the store managers' weigher, at first: then the right one is named.
    assert (await tenancy.run(callers["head-office"], "SELECT 1", max_rows=1, is_heavy=True)).rows
    bounds = Bounds(1, 1000, max_cost=1e15)
    async with pool.connection() as connection:
        call = replace(signer.sign(callers["seattle"], "SELECT 1"), mac=bytes(32))
        with pytest.raises(Error, match="context refused"):
            await Flight(connection).call(Audience.STORE_MANAGERS, call, bounds, describe=False)
    await pool.close()
