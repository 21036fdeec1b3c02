"""A chain without orders: readiness is degraded, the metric counts once a minute, and no more."""

from collections.abc import Iterator

import orjson
import psycopg
import pytest

from tests.support.servers.database import Database, one
from zava.app import compose
from zava.data.order_watch import OrderWatch
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.pool import DatabasePool
from zava.settings import Settings
from zava.telemetry import sinks
from zava.telemetry.instruments import Instrument
from zava.telemetry.sinks import Sink, Span

ATTEMPTS = 20

_AGE = "SELECT extract(epoch FROM now() - max(order_date)) / 3600 FROM retail.orders"


class Counts(Sink):
    """Counts one metric."""

    takes_spans = False

    def __init__(self) -> None:
        self.late = 0

    def count(self, metric: Instrument, labels: tuple[str, ...]) -> None:
        assert labels == () or metric.name != "orders_late"
        self.late += metric.name == "orders_late"

    def record(self, metric: Instrument, labels: tuple[str, ...], seconds: float) -> None:
        """Ignore it."""

    def span(self, span: Span) -> None:
        """Ignore it."""


@pytest.fixture
def counts() -> Iterator[Counts]:
    sink = Counts()
    sinks.attach(sink)
    yield sink
    sinks.detach(sink)


def hours_of(database: Database) -> float:
    with psycopg.connect(database.owner) as owner:
        return float(one(owner, _AGE))


async def test_orders_that_stopped_are_late_and_counted_once_a_minute(
    database: Database, pool: DatabasePool, counts: Counts
) -> None:
    hours, now = hours_of(database), [0.0]
    fresh = OrderWatch(pool, hours=hours + 1, clock=lambda: now[0])
    assert not await fresh.is_late()
    assert counts.late == 0
    watch = OrderWatch(pool, hours=hours - 1, clock=lambda: now[0])
    assert [await watch.is_late(), await watch.is_late()] == [True, True]
    assert counts.late == 1
    now[0] = 61.0
    assert await watch.is_late()
    assert counts.late == 2


async def test_database_without_the_function_or_any_order_is_not_late(
    seeded_clone: Database, counts: Counts
) -> None:
    pool = DatabasePool(seeded_clone.server, max_size=1)
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("DELETE FROM retail.order_items")
        owner.execute("DELETE FROM retail.orders")
        assert not await OrderWatch(pool, hours=0.001).is_late()
        owner.execute("DROP FUNCTION zava.hours_without_orders()")
        assert not await OrderWatch(pool, hours=0.001).is_late()
    assert counts.late == 0
    await pool.close()


async def test_readiness_says_late_only_where_it_is_watched(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> None:
    hours = hours_of(database)
    for limit, expected in ((hours - 1, "late"), (hours + 1, "healthy"), (0, None)):
        settings = Settings.model_validate(
            {"ZAVA_HOME": home.path, "ZAVA_LATE_ORDERS_HOURS": limit}
        )
        application = compose(settings, conninfo=database.server, context_keys=context_keys)
        for _ in range(ATTEMPTS):
            answer = await application.endpoint.handle("GET", "/health/ready", {}, b"")
            assert answer.status == 200
            told = orjson.loads(answer.body)
            # The first proof of isolation may take all the time that readiness has.
            if told["checks"].get("orders") != "unknown":
                break
        assert told["checks"].get("orders") == expected
        if expected == "late":
            assert told["status"] == "degraded"
        await application.close()
