"""The process's connections to PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from anyio import CancelScope
from psycopg import AsyncConnection, Error, OperationalError
from psycopg.abc import PQGen
from psycopg.waiting import wait_async
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from zava.errors import Busy

APPLICATION_NAME = "zava-mcp-server"
_CHECK_AFTER_SECONDS = 30.0
_ACQUIRE_TIMEOUT_SECONDS = 10.0
_CONNECT_TIMEOUT_SECONDS = 5
_CHECK_TIMEOUT_SECONDS = 3.0
_WAIT_INTERVAL_SECONDS = 0.1  # psycopg's own, between two looks for Ctrl-C
_CANCEL_TIMEOUT_SECONDS = 0.4  # with the deadline of readiness still under its two seconds
_CANCEL_INTERVAL_SECONDS = 0.05
_CLOSE_TIMEOUT_SECONDS = 5.0

T = TypeVar("T")
Arguments = Callable[[], Awaitable[dict[str, Any]]]
"""Connection arguments made anew for each connection: a password that expires."""


class PooledConnection(AsyncConnection[tuple[object, ...]]):
    """A connection that remembers what it has prepared and since when it rests."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: set[bytes] = set()
        self.idle_since = time.monotonic()

    async def wait(
        self,
        gen: PQGen[T],
        interval: float = _WAIT_INTERVAL_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature is psycopg's
    ) -> T:
        """Drive a libpq generator; when interrupted, cancel the statement and close.

        psycopg's own waits for a silent server to confirm, ten seconds beyond any deadline.
        Shielded, because an anyio scope interrupts again at every wait.
        """
        try:
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            with CancelScope(shield=True):
                try:
                    with suppress(Error, TimeoutError):
                        async with asyncio.timeout(_CANCEL_TIMEOUT_SECONDS):
                            await self._cancel_until_done(gen)
                finally:
                    await self.close()
            raise

    async def _cancel_until_done(self, gen: PQGen[T]) -> None:
        # A server that is between two commands forgets a cancellation and runs the next one.
        while True:
            await self.cancel_safe(timeout=_CANCEL_TIMEOUT_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(_CANCEL_INTERVAL_SECONDS):
                    await wait_async(gen, self.pgconn.socket, interval=_WAIT_INTERVAL_SECONDS)
                    return


class DatabasePool:
    """A psycopg pool that is made closed and opened once, at first use.

    `arguments`, when given, is awaited for each new connection and adds to `conninfo`. Nothing is
    set on a session: what a login needs stands in its role.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        max_size: int,
        max_waiting: int = 256,
        arguments: Arguments | None = None,
    ) -> None:
        async def complete_arguments() -> dict[str, Any]:
            return {
                "autocommit": True,
                "prepare_threshold": None,  # what is prepared, the flight prepares by name
                "application_name": APPLICATION_NAME,
                "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
                **(await arguments() if arguments else {}),
            }

        self._pool: AsyncConnectionPool[PooledConnection] = AsyncConnectionPool(
            conninfo,
            kwargs=complete_arguments,
            connection_class=PooledConnection,
            open=False,
            min_size=0,
            max_size=max_size,
            max_waiting=max_waiting,
            timeout=_ACQUIRE_TIMEOUT_SECONDS,
            max_idle=300,
            # Under the lifetime of an Entra token; the server checks it only at connect.
            max_lifetime=45 * 60,
            reconnect_timeout=_ACQUIRE_TIMEOUT_SECONDS,
            check=_check_when_rested,
            name=APPLICATION_NAME,
        )
        self._opening = asyncio.Lock()
        self._is_open = False
        self._checking: asyncio.Task[None] | None = None
        self.times_opened = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PooledConnection]:
        """Lend a connection in autocommit.

        Raises:
            Busy: none came free in time, too many wait already, or the server cannot be reached.
        """
        await self._open_once()
        try:
            connection = await self._pool.getconn()
        except (PoolTimeout, TooManyRequests, PoolClosed, OperationalError) as error:
            raise Busy(
                "No database connection came free in time.", hint="Try again in a few seconds."
            ) from error
        try:
            yield connection
        finally:
            connection.idle_since = time.monotonic()
            with CancelScope(shield=True):  # half given back, it would be lost
                await self._pool.putconn(connection)

    async def drop_dead_connections(self) -> None:
        """Test every resting connection and replace those that the server has ended.

        Callers that come meanwhile share one test. It runs to its end though they leave: the pool
        would lose the connections that it has taken out.
        """
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._pool.check())
        await asyncio.shield(self._checking)

    async def close(self) -> None:
        """Close every connection; busy ones are given a bounded time."""
        await self._pool.close(timeout=_CLOSE_TIMEOUT_SECONDS)

    async def _open_once(self) -> None:
        if self._is_open:
            return
        async with self._opening:
            if not self._is_open:
                await self._pool.open(wait=False)
                self._is_open = True
                self.times_opened += 1


async def _check_when_rested(connection: PooledConnection) -> None:
    # A check is a round trip; a connection used a moment ago shows its death at the call itself.
    if time.monotonic() - connection.idle_since > _CHECK_AFTER_SECONDS:
        async with asyncio.timeout(_CHECK_TIMEOUT_SECONDS):  # then the pool takes another one
            await AsyncConnectionPool.check_connection(connection)
