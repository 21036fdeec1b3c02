"""Refreshes the sums of the sales in the background, while the server has little to do."""

import asyncio
import logging
import time
from collections.abc import Callable

import psycopg

from zava import call_context
from zava.data.session.pipeline import Pipeline
from zava.data.session.results import raise_error
from zava.errors import ZavaError
from zava.infrastructure.postgres.pool import DatabasePool

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 60
# A batch of this size takes a part of a second, and ends long before the login's own deadline.
_REFRESH = b"SELECT zava.refresh_sums(500, 2)"
# The login's own default is read-only.
_BEGIN, _COMMIT = b"BEGIN READ WRITE", b"COMMIT"
_MAX_BATCHES = 60


class SumsRefresh:
    """Starts a refresh when it is offered one, at most once a minute.

    No answer waits for it. It ends when nothing is left, when another session refreshes, or when a
    call waits for a connection.
    """

    def __init__(self, pool: DatabasePool, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._ended_at: float | None = None
        self._is_closing = False

    def offer(self) -> None:
        """Start a refresh in the background, unless one runs or ran within the last minute."""
        is_running = self._task is not None and not self._task.done()
        is_early = self._ended_at is not None and self._clock() - self._ended_at < _PAUSE_SECONDS
        if is_running or is_early or self._is_closing or not self._pool.is_idle:
            return
        with call_context.use(None):  # it outlives the call that starts it
            self._task = asyncio.create_task(self._refresh())

    async def close(self) -> None:
        """Wait for the batch under way, while the pool is still open."""
        self._is_closing = True
        if self._task is not None:
            await self._task

    async def _refresh(self) -> None:
        try:
            for _ in range(_MAX_BATCHES):
                if self._is_closing or not self._pool.is_idle or not await self._run_batch():
                    return
        except (psycopg.Error, ZavaError) as error:
            # By its kind alone: a driver's words may name hosts and users.
            logger.warning(
                "sums: not refreshed: %s %s", type(error).__name__, getattr(error, "sqlstate", "")
            )
        finally:
            self._ended_at = self._clock()

    async def _run_batch(self) -> bool:
        """Refresh so much in one transaction, and return whether marks are left."""
        async with self._pool.connection() as connection:
            pipeline = Pipeline(connection, use_prepared=False)
            for statement in (_BEGIN, _REFRESH, _COMMIT):
                pipeline.add_query(statement)
            results = [result for step, result in await pipeline.run() if step == "query"]
            # An error ends the transaction: the COMMIT behind it is a ROLLBACK.
            for result in results:
                raise_error(result)
        return bool(results[1].get_value(0, 0) == b"t")
