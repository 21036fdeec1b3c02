"""The process's connections to PostgreSQL."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Self, TypeVar

from anyio import CancelScope
from psycopg import AsyncConnection, Error, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
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
_REST_SECONDS = 5.0
_LEASE_SECONDS = 60.0

_NONE_CAME = (PoolTimeout, TooManyRequests, PoolClosed, OperationalError)

T = TypeVar("T")
Arguments = Callable[[], Awaitable[dict[str, Any]]]
"""Connection arguments made anew for each connection: a password that expires, and under
`refused` what to call when the server does not accept it."""


class PooledConnection(AsyncConnection[tuple[object, ...]]):
    """A connection that remembers what it has prepared and since when it rests."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: set[bytes] = set()
        self.idle_since = time.monotonic()
        self.leased_until = self.idle_since

    @property
    def is_reusable(self) -> bool:
        """Whether the next call finds it alive and outside any transaction."""
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    @classmethod
    async def connect(  # type: ignore[override]  # the pool is the only caller
        cls,
        conninfo: str = "",
        *,
        refused: Callable[[], None] | None = None,
        **arguments: Any,
    ) -> Self:
        """Connect; tell `refused` when the server read the password and said no."""
        try:
            return await super().connect(conninfo, **arguments)
        except OperationalError as error:
            if refused is not None and error.pgconn is not None and error.pgconn.used_password:
                refused()
            raise

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

    psycopg_pool opens, tests, replaces and closes connections; this lends them. A lease outlives
    a call, because its checkout is a fifth of a cheap call's CPU: a connection goes from caller
    to caller and returns when it has rested for seconds, when it broke, or when its lease ends.

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
        self._max_size = max_size
        self._max_waiting = max_waiting
        # What psycopg_pool has lent to us, whether in use or resting; the last used rests last.
        self._leased = 0
        self._resting: list[PooledConnection] = []
        self._waiting: deque[asyncio.Future[PooledConnection | None]] = deque()
        self._look: asyncio.TimerHandle | None = None
        self._returning: set[asyncio.Task[None]] = set()
        self._checking: asyncio.Task[None] | None = None
        self.times_opened = 0

    def connection(self) -> "_Loan":
        """Lend a connection in autocommit, for as long as an `async with` block.

        The block's entry raises Busy when none came free in time, when too many wait already, or
        when the server cannot be reached.
        """
        return _Loan(self)

    async def drop_dead_connections(self) -> None:
        """Test every resting connection and replace those that the server has ended.

        Callers that come meanwhile share one test. It runs to its end though they leave: the pool
        would lose the connections that it has taken out.
        """
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        await asyncio.shield(self._checking)

    async def close(self) -> None:
        """Close every connection; busy ones are given a bounded time."""
        if self._look is not None:
            self._look.cancel()
        self._return_rested(0.0)
        await asyncio.gather(*self._returning)
        await self._pool.close(timeout=_CLOSE_TIMEOUT_SECONDS)

    async def take(self) -> PooledConnection:
        """Return a connection that rests, else a fresh lease, else the next that comes free."""
        await self._open_once()
        deadline = time.monotonic() + self._pool.timeout
        while True:
            connection = self._rested() if self._resting else None
            if connection is None and self._leased < self._max_size:
                connection = await self._lease(deadline)
            if connection is None:
                connection = await self._wait(deadline)
            if connection is not None:
                return connection

    def give(self, connection: PooledConnection) -> None:
        """Take a connection back: for who waits, else to rest, else to psycopg_pool."""
        now = connection.idle_since = time.monotonic()
        if connection.is_reusable and now < connection.leased_until and not self._pool.closed:
            if not self._hand_over(connection):
                self._resting.append(connection)
                self._look_later()
        else:
            self._return(connection)

    def _rested(self) -> PooledConnection | None:
        connection = self._resting.pop()
        if time.monotonic() - connection.idle_since < _REST_SECONDS:
            return connection
        self._return(connection)  # psycopg_pool tests it before it is lent again
        return None

    async def _lease(self, deadline: float) -> PooledConnection:
        self._leased += 1
        try:
            connection = await self._pool.getconn(deadline - time.monotonic())
        except BaseException as error:
            self._leased -= 1
            self._hand_over(None)
            if isinstance(error, _NONE_CAME):
                raise _busy() from error
            raise
        connection.leased_until = time.monotonic() + _LEASE_SECONDS
        return connection

    async def _wait(self, deadline: float) -> PooledConnection | None:
        """Return what the next giver hands over; None says that there is room for a lease."""
        if len(self._waiting) >= self._max_waiting:
            raise _busy()
        turn: asyncio.Future[PooledConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it came while its caller was leaving
                self._pass_on(turn.result())
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise _busy() from error
            raise

    def _hand_over(self, connection: PooledConnection | None) -> bool:
        """Give the one who waits longest a connection, or the word that there is room."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    def _pass_on(self, connection: PooledConnection | None) -> None:
        if connection is None:
            self._hand_over(None)
        else:
            self.give(connection)

    def _return(self, connection: PooledConnection) -> None:
        """Hand a lease back, which psycopg_pool keeps, replaces or closes."""

        async def put() -> None:
            try:
                await self._pool.putconn(connection)
            finally:
                self._leased -= 1
                self._hand_over(None)

        task = asyncio.create_task(put())
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    def _look_later(self) -> None:
        if self._look is None:
            loop = asyncio.get_running_loop()
            self._look = loop.call_later(_REST_SECONDS, self._return_rested, _REST_SECONDS)

    def _return_rested(self, seconds: float) -> None:
        """Hand back what has rested for as long; look again while something rests."""
        self._look = None
        until = time.monotonic() - seconds
        rested = [connection for connection in self._resting if connection.idle_since <= until]
        self._resting = [kept for kept in self._resting if kept not in rested]
        for connection in rested:
            self._return(connection)
        if self._resting:
            self._look_later()

    async def _check(self) -> None:
        self._return_rested(0.0)
        await asyncio.gather(*self._returning)
        await self._pool.check()

    async def _open_once(self) -> None:
        if self._is_open:
            return
        async with self._opening:
            if not self._is_open:
                await self._pool.open(wait=False)
                self._is_open = True
                self.times_opened += 1


class _Loan:
    """One block's use of a connection."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: DatabasePool) -> None:
        self._pool = pool

    async def __aenter__(self) -> PooledConnection:
        self._connection = await self._pool.take()
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        self._pool.give(self._connection)


def _busy() -> Busy:
    return Busy("No database connection came free in time.", hint="Try again in a few seconds.")


async def _check_when_rested(connection: PooledConnection) -> None:
    # A check is a round trip; a connection used a moment ago shows its death at the call itself.
    if time.monotonic() - connection.idle_since > _CHECK_AFTER_SECONDS:
        async with asyncio.timeout(_CHECK_TIMEOUT_SECONDS):  # then the pool takes another one
            await AsyncConnectionPool.check_connection(connection)
