"""Whether the standby answers, for readiness and `zava verify`."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from zava.data.session.executor import ReadServer
from zava.data.session.pipeline import Pipeline
from zava.data.session.results import raise_error
from zava.data.session.standby.routing import refusal
from zava.errors import ZavaError
from zava.infrastructure.postgres.connection import NO_STANDBY
from zava.infrastructure.postgres.pool import DatabasePool
from zava.telemetry.instruments import StandbyRefusal

HEALTHY = "healthy"

_FRESH_SECONDS = 10.0
_READ_SECONDS = 0.4
_LOOK_SECONDS = 0.05
_BEAT = "SELECT pg_catalog.pg_logical_emit_message(true, 'zava', '')"
_LAG = b"SELECT zava.standby_lag()"
_STATES = {
    StandbyRefusal.LATE: "late",
    StandbyRefusal.PROMOTED: "promoted",
    StandbyRefusal.UNPROVEN: "unhealthy",
}


class StandbyWatch:
    """Reads the state of the standby, at most once in ten seconds.

    Calls commit their audit records, which show a standby that the primary is alive. Without calls
    nothing is committed, and silence counts as lag. So the watch commits an empty transaction.
    """

    def __init__(
        self,
        server: ReadServer,
        primary: DatabasePool,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._primary = primary
        self._clock = clock
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")
        self._state = "unknown"

    async def state(self, deadline: float) -> str:
        """Return `healthy`, `late`, `promoted`, `unreachable` or `unhealthy`; never raises.

        `deadline` is in the time of the event loop.
        """
        async with self._reading:
            if self._clock() - self._read_at > _FRESH_SECONDS:
                self._state = await self._read(deadline)
                self._read_at = self._clock()
        return self._state

    async def _read(self, deadline: float) -> str:
        state = "unreachable"
        try:
            bound = asyncio.get_running_loop().time() + _READ_SECONDS
            async with asyncio.timeout_at(min(deadline, bound)):
                await beat(self._primary)
                while (state := await self._seen()) == "late":
                    await moment()
        except (psycopg.Error, ZavaError, TimeoutError):
            return state
        return state

    async def _seen(self) -> str:
        try:
            await self._server.verification.refresh()
            async with self._server.pool.connection() as connection:
                pipeline = Pipeline(connection, use_prepared=False)
                pipeline.add_query(_LAG)
                for _, result in await pipeline.run():
                    raise_error(result)
        except (psycopg.Error, ZavaError) as error:
            reason = refusal(error)
            if self._server.pool.refused_because == NO_STANDBY:
                reason = StandbyRefusal.PROMOTED
            return _STATES.get(reason or StandbyRefusal.UNREACHABLE, "unreachable")
        return HEALTHY


async def beat(primary: DatabasePool) -> None:
    """Commit a transaction that changes nothing; a standby that replays it is not late.

    Raises:
        psycopg.Error: the primary did not answer.
        Busy: no connection was free.
    """
    async with primary.connection() as connection:
        try:
            async with connection.pipeline():
                await connection.execute("BEGIN READ WRITE")
                # With a record of its own the end of the transaction is written at once. The end of
                # one without any waits for the server's next turn.
                await connection.execute(_BEAT)
                await connection.execute("COMMIT")
        finally:
            if not connection.is_reusable:
                await connection.close()


async def moment() -> None:
    """Wait before the next look at a standby that has yet to replay something."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_SECONDS):
            await asyncio.get_running_loop().create_future()
