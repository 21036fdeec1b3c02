"""The process's connections to PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeVar

from psycopg import AsyncConnection, Error, OperationalError
from psycopg.abc import PQGen
from psycopg.waiting import wait_async
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from zava import observe, trace
from zava.errors import Busy
from zava.infrastructure.circuit import Circuit
from zava.measures import Refusal

APPLICATION_NAME = "zava-mcp-server"
_CHECK_AFTER_SECONDS = 30.0
_ACQUIRE_TIMEOUT_SECONDS = 10.0
_CONNECT_TIMEOUT_SECONDS = 5
_CHECK_TIMEOUT_SECONDS = 3.0
_WAIT_INTERVAL_SECONDS = 0.1  # psycopg's own, between two looks for Ctrl-C
_CANCEL_TIMEOUT_SECONDS = 0.4  # with the deadline of readiness still under its two seconds
_CLOSE_TIMEOUT_SECONDS = 5.0

# A peer that the network has swallowed is noticed by the kernel, not by a caller's deadline.
_SILENT_PEER = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# The pool's own repetitions double from a second on, while everybody waits for them. It is given
# two tries at once instead; the callers' own repetitions, jittered and bounded, make it try again.
_RECONNECT_TIMEOUT_SECONDS = 0.0

_REASONS = {
    "password authentication failed": "the login was refused",
    "no pg_hba.conf entry": "the login was refused",
    "certificate": "the server's certificate was refused",
    "too many": "the server has no connection left",
    "connection slots": "the server has no connection left",
    "starting up": "the server starts or ends",
    "shutting down": "the server starts or ends",
    "recovery mode": "the server starts or ends",
    "refused": "nothing listens there",
    "resolve": "the host's name is not known",
    "translate host name": "the host's name is not known",
    "timeout": "no answer in time",
    "timed out": "no answer in time",
    "closed the connection": "the line was cut",
    "reset by peer": "the line was cut",
    "does not exist": "there is no such database or login",
}

T = TypeVar("T")
Arguments = Callable[[], Awaitable[dict[str, Any]]]
"""Connection arguments made anew for each connection: a password that expires."""


class Unreachable(Busy):
    """No connection could be made, so nothing was sent: the call may be repeated."""


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
        """
        try:
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            try:
                with suppress(Error):
                    await self.cancel_safe(timeout=_CANCEL_TIMEOUT_SECONDS)
            finally:
                await self.close()
            raise


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
                **_SILENT_PEER,
                **(await arguments() if arguments else {}),
            }

        self._pool: AsyncConnectionPool[PooledConnection] = AsyncConnectionPool(
            conninfo,
            kwargs=complete_arguments,
            connection_class=_reporting(self._connect_failed, self._connected),
            open=False,
            min_size=0,
            max_size=max_size,
            max_waiting=max_waiting,
            timeout=_ACQUIRE_TIMEOUT_SECONDS,
            max_idle=300,
            # Under the lifetime of an Entra token; the server checks it only at connect.
            max_lifetime=45 * 60,
            reconnect_timeout=_RECONNECT_TIMEOUT_SECONDS,
            reconnect_failed=self._gave_up,
            check=_check_when_rested,
            name=APPLICATION_NAME,
        )
        self.circuit = Circuit()
        # One for each caller that waits for a connection: ended when none can be made.
        self._waiting: set[asyncio.Timeout] = set()
        self._lent = 0
        self._opening = asyncio.Lock()
        self._is_open = False
        self._checking: asyncio.Task[None] | None = None
        self.times_opened = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PooledConnection]:
        """Lend a connection in autocommit, within the current call's deadline.

        Raises:
            Unreachable: no connection can be made at present.
            Busy: none came free in time, too many wait already, or the database was given up.
        """
        if not self.circuit.lets_pass():
            observe.request_refused(Refusal.NO_DATABASE)
            raise Busy(
                "The database does not answer at present.", hint="Try again in a few seconds."
            )
        await self._open_once()
        connection = await self._take()
        self._lent += 1
        try:
            yield connection
            self.circuit.succeeded()
        finally:
            self._lent -= 1
            connection.idle_since = time.monotonic()
            await self._pool.putconn(connection)

    async def _take(self) -> PooledConnection:
        started = time.monotonic()
        patience = trace.remaining_seconds(self._pool.timeout)
        try:
            # `none_can_be_made` ends with the attempts to connect, the pool's own with the time.
            async with asyncio.timeout(None) as none_can_be_made:
                self._waiting.add(none_can_be_made)
                try:
                    connection = await self._pool.getconn(patience)
                finally:
                    self._waiting.discard(none_can_be_made)
        except TimeoutError as error:
            raise Unreachable(
                "The database cannot be reached.", hint="Try again in a few seconds."
            ) from error
        except (PoolTimeout, TooManyRequests, PoolClosed, OperationalError) as error:
            raise Busy(
                "No database connection came free in time.", hint="Try again in a few seconds."
            ) from error
        finally:
            observe.pool_waited(time.monotonic() - started)
        return connection

    def fell_silent(self, since: float) -> None:
        """Hear that a statement sent at `since` was never answered, beyond its own deadline."""
        self.circuit.failed(since)

    def _connected(self) -> None:
        self.circuit.succeeded()

    def _connect_failed(self, started: float, error: Error) -> None:
        observe.connect_failed(_reason(error))
        if self._none_lives():
            self.circuit.failed(started)
            if self.circuit.is_open:
                self._send_away()

    def _gave_up(self, _pool: AsyncConnectionPool[PooledConnection]) -> None:
        # Nobody tries any more until somebody asks again.
        if self._none_lives():
            self._send_away()

    def _send_away(self) -> None:
        now = asyncio.get_running_loop().time()
        for waiting in self._waiting:
            waiting.reschedule(now)

    def _none_lives(self) -> bool:
        # Who waits may yet be given one that is lent or rests.
        return self._lent == 0 and self._pool.get_stats().get("pool_available", 0) == 0

    async def drop_dead_connections(self) -> None:
        """Test every resting connection and replace those that the server has ended.

        Callers that come meanwhile share one test, and wait a bounded time for it. It runs to its
        end though they leave: the pool would lose the connections that it has taken out.
        """
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._pool.check())
        with suppress(TimeoutError):
            async with asyncio.timeout(trace.remaining_seconds(_CHECK_TIMEOUT_SECONDS)):
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


def _reporting(
    failed: Callable[[float, Error], None], connected: Callable[[], None]
) -> type[PooledConnection]:
    class Reporting(PooledConnection):
        """A connection that tells of each attempt to make one."""

        @classmethod
        async def connect(cls, conninfo: str = "", **arguments: Any) -> Self:
            started = time.monotonic()
            try:
                connection = await super().connect(conninfo, **arguments)
            except Error as error:
                failed(started, error)
                raise
            connected()
            return connection

    return Reporting


def _reason(error: Error) -> str:
    """Say why no connection was made, in words that name no host, login or database.

    libpq brings no SQLSTATE of a refused connection, only its own and the server's text.
    """
    said = str(error).lower()
    return next((reason for mark, reason in _REASONS.items() if mark in said), "another reason")


async def _check_when_rested(connection: PooledConnection) -> None:
    # A check is a round trip; a connection used a moment ago shows its death at the call itself.
    if time.monotonic() - connection.idle_since > _CHECK_AFTER_SECONDS:
        async with asyncio.timeout(_CHECK_TIMEOUT_SECONDS):  # then the pool takes another one
            await AsyncConnectionPool.check_connection(connection)
