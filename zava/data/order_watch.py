"""Watches whether orders arrive at all: a load that stopped is no fault of any call."""

import asyncio
import time
from collections.abc import Callable

import psycopg

from zava.data.session.pipeline import Pipeline
from zava.data.session.results import raise_error
from zava.infrastructure.postgres.pool import DatabasePool
from zava.telemetry import events

_FRESH_SECONDS = 60
_HOURS = b"SELECT zava.hours_without_orders()"


class OrderWatch:
    """Reports that no order came for longer than `hours`; 0 hours watch nothing."""

    def __init__(
        self, pool: DatabasePool, *, hours: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.is_on = hours > 0
        self._pool = pool
        self._hours = hours
        self._clock = clock
        self._reading = asyncio.Lock()
        self._read_at: float | None = None
        self._is_late = False

    async def is_late(self) -> bool:
        """Return whether the newest order is too old; the database is read once a minute.

        Raises:
            Busy: no connection was free.
        """
        async with self._reading:
            if self._read_at is None or self._clock() - self._read_at > _FRESH_SECONDS:
                hours = await self._hours_without_orders()
                self._read_at = self._clock()
                self._is_late = hours is not None and hours > self._hours
                if hours is not None and self._is_late:
                    events.orders_late(hours)
        return self._is_late

    async def _hours_without_orders(self) -> float | None:
        """Return the age of the newest order; None without one, or if it cannot be read now."""
        try:
            async with self._pool.connection() as connection:
                pipeline = Pipeline(connection, use_prepared=False)
                pipeline.add_query(_HOURS)
                (result,) = [result for step, result in await pipeline.run() if step == "query"]
                raise_error(result)
        except psycopg.Error:
            return None
        value = result.get_value(0, 0)
        return float(value) if value is not None else None
