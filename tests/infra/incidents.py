"""What Application Insights holds after a bad five minutes, from what the product itself emits."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from tests.infra.kql import Row
from zava.errors import DatabaseFault, InvalidInput, QueryRefused, ZavaError
from zava.infrastructure.telemetry.app_insights import Envelope, Telemetry
from zava.infrastructure.telemetry.json_logs import JsonFormatter
from zava.telemetry import events, sinks
from zava.telemetry.instruments import QueryType, Refusal

Tables = Mapping[str, Sequence[Row]]


async def _operation(error: BaseException | None = None) -> None:
    with suppress(ZavaError):
        async with events.operation("read_resource"):
            if error is not None:
                raise error


def _ordinary() -> None:
    """A good day: answers, mistakes of callers, clients that have no token yet."""
    for error in (None, InvalidInput("no"), QueryRefused("no"), DatabaseFault("no")):
        asyncio.run(_operation(error))
        events.query(QueryType.FREE, seconds=0.01, error=error)
    for error in (None, DatabaseFault("a value of the caller's")):
        events.query(QueryType.OWN, seconds=0.01, error=error)
    for _ in range(100):
        events.request_refused(Refusal.NO_TOKEN)
        events.pool_waited(0.001)
    for _ in range(10):
        events.slow_query(QueryType.FREE, fingerprint="f", seconds=2.0)
        events.request_refused(Refusal.BAD_TOKEN)


def _unexpected() -> None:
    asyncio.run(_operation(RuntimeError("no")))


def _at_the_edge() -> None:
    events.request_failed(RuntimeError("no"))


def _own_statements() -> None:
    for _ in range(6):
        events.query(QueryType.OWN, seconds=0.01, error=DatabaseFault("no"))


def _slow() -> None:
    for _ in range(11):
        events.slow_query(QueryType.OWN, fingerprint="f", seconds=2.0)


def _waits() -> None:
    for seconds in (0.0, 1.2):
        events.pool_waited(seconds)
        events.query(QueryType.FREE, seconds=0.01, error=None)


def _bad_tokens() -> None:
    for _ in range(51):
        events.request_refused(Refusal.BAD_TOKEN, "The token has expired.")


def _given_up() -> None:
    events.circuit_opened(0.5)


def _no_orders() -> None:
    events.orders_late(30.0)


# What happens, and the one rule that has to tell of it.
INCIDENTS: dict[Callable[[], None], str | None] = {
    _ordinary: None,
    _unexpected: "server-errors",
    _at_the_edge: "server-errors",
    _own_statements: "failing-statements",
    _given_up: "database-given-up",
    _slow: "slow-statements",
    _waits: "pool-waits",
    _no_orders: "late-orders",
    _bad_tokens: "refused-tokens",
}


class _Taken(list[Envelope]):
    """A way to the service that keeps what it was given."""

    def take(self, envelopes: Sequence[Envelope]) -> bool:
        self += envelopes
        return True


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@cache
def tables_after(incident: Callable[[], None]) -> Tables:
    """Return the tables as the service fills them."""
    taken = _Taken()
    telemetry = Telemetry("InstrumentationKey=k", interval_seconds=60, make_transport=lambda: taken)
    with _logged() as log:
        sinks.attach(telemetry)
        try:
            incident()
        finally:
            sinks.detach(telemetry)
            telemetry.close(10)
    return {
        "customMetrics": [row for one in taken for row in metric_rows(one["data"])],
        "traces": [{"message": line, "customDimensions": {}} for line in log.lines],
    }


@contextmanager
def _logged() -> Iterator[_Lines]:
    logger, handler = logging.getLogger("zava"), _Lines()
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)


def metric_rows(data: dict[str, Any]) -> Iterator[Row]:
    if data["baseType"] != "MetricData":
        return
    for point in data["baseData"]["metrics"]:
        yield {
            "name": point["name"],
            "valueSum": point["value"],
            "valueCount": point["count"],
            "value": point["value"],
            "valueMin": point.get("min", math.nan),
            "valueMax": point.get("max", math.nan),
            "customDimensions": data["baseData"]["properties"],
        }
