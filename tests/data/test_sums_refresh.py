"""The server refreshes sums beside its calls: bounded, once a minute, and never instead of a call."""

import asyncio
import logging

import psycopg
import pytest

from tests.support.servers.database import Database, one
from tests.support.servers.seeded import TODAY
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.reader import MetricReader
from zava.data.metrics.result_cache import ResultCache
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sums_refresh import SumsRefresh
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.metrics import MetricQuery
from zava.service.metrics.periods import parse_period

MARKS = "SELECT count(*) FROM zava.day_marks"
CHANGE = "UPDATE retail.orders SET tax_amount = tax_amount + 1"


def task_of(refresh: SumsRefresh) -> "asyncio.Task[None] | None":
    # The refresh runs beside the requests: the test watches its task.
    return refresh._task


async def test_offered_refresh_takes_the_marks_away_at_most_once_a_minute(
    seeded_clone: Database,
) -> None:
    pool, now = DatabasePool(seeded_clone.server, max_size=1), [0.0]
    refresh = SumsRefresh(pool, clock=lambda: now[0])
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute(f"{CHANGE} WHERE order_date >= '2026-05-01'")
        assert one(owner, MARKS) > 0
        async with pool.connection():
            refresh.offer()  # no connection is free: a call would wait for it
            assert task_of(refresh) is None
        refresh.offer()
        running = task_of(refresh)
        refresh.offer()
        assert running is not None
        assert task_of(refresh) is running
        await running
        assert one(owner, MARKS) == 0
        owner.execute(f"{CHANGE} WHERE order_date >= '2026-06-29'")
        refresh.offer()
        assert task_of(refresh) is running
        now[0] += 61
        refresh.offer()
        second = task_of(refresh)
        assert second is not None
        assert second is not running
        await second
        assert one(owner, MARKS) == 0
        await refresh.close()
        now[0] += 61
        refresh.offer()  # closed
        assert task_of(refresh) is second
    await pool.close()


async def test_refresh_that_fails_is_logged_and_leaves_a_whole_connection(
    seeded_clone: Database, caplog: pytest.LogCaptureFixture
) -> None:
    pool = DatabasePool(seeded_clone.server, max_size=1)
    refresh = SumsRefresh(pool)
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute(
            "REVOKE EXECUTE ON FUNCTION zava.refresh_sums(integer, integer) FROM zava_server"
        )
        with caplog.at_level(logging.WARNING):
            refresh.offer()
            failing = task_of(refresh)
            assert failing is not None
            await failing
    assert caplog.messages == ["sums: not refreshed: InsufficientPrivilege 42501"]
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT 1")).fetchone()
    assert row == (1,)
    await pool.close()


async def test_figures_that_were_read_anew_offer_a_refresh(
    unguarded: TenantDatabase,
    uncached: ResultCache,
    catalogue: Catalogue,
    callers: dict[str, Caller],
) -> None:
    offered: list[bool] = []
    reader = MetricReader(
        unguarded, uncached, catalogue, offer_refresh=lambda: offered.append(True)
    )
    query = MetricQuery(("revenue",), parse_period("last month", TODAY), TODAY)
    await reader.measure(callers["seattle"], {"q": query})
    assert offered == [True]
