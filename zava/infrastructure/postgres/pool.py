"""The process's connections to PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from psycopg import Error, OperationalError
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from zava import call_context
from zava.errors import Busy
from zava.infrastructure.azure.entra_credentials import NoToken
from zava.infrastructure.circuit_breaker import CircuitBreaker
from zava.infrastructure.postgres.connection import (
    APPLICATION_NAME,
    ARGUMENTS,
    PooledConnection,
    check_when_rested,
    reporting,
)
from zava.infrastructure.wait_queue import WaitQueue
from zava.telemetry import events
from zava.telemetry.instruments import Refusal

_ACQUIRE_TIMEOUT_SECONDS = 10.0
_CHECK_TIMEOUT_SECONDS = 3.0
_CLOSE_TIMEOUT_SECONDS = 5.0
_PROBE_SECONDS = 1.0
_REST_SECONDS = 5.0
_LEASE_SECONDS = 60.0
# The pool's own repetitions double from a second on, while everybody waits for them. It is given
# two tries at once instead; the callers' own repetitions, jittered and bounded, make it try again.
_RECONNECT_TIMEOUT_SECONDS = 0.0

_NONE_CAME = (PoolTimeout, TooManyRequests, PoolClosed, OperationalError)

Arguments = Callable[[], Awaitable[dict[str, Any]]]
"""Connection arguments made anew for each connection: a password that expires, and under
`refused` what to call when the server does not accept it."""


class Unreachable(Busy):
    """No connection could be made, so nothing was sent: the call may be repeated."""


class GivenUp(Busy):
    """The circuit is open, so nothing was tried: another server may answer the call."""


class DatabasePool:
    """A psycopg pool that is made closed and opened once, at first use.

    psycopg_pool opens, tests, replaces and closes connections; this lends them. A lease outlives
    a call, because its checkout is a fifth of a cheap call's CPU. A connection goes from caller to
    caller. It returns when it has rested for seconds, when it broke, or when its lease ends.

    `arguments`, when given, is awaited for each new connection and adds to `conninfo`.
    `connect_seconds` bounds each attempt where another server can answer instead. Nothing is
    set on a session: the settings of a login belong to its role.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        max_size: int,
        spare: int = 0,
        max_waiting: int = 256,
        arguments: Arguments | None = None,
        connect_seconds: int | None = None,
    ) -> None:
        self._conninfo = conninfo
        fixed = (
            ARGUMENTS
            if connect_seconds is None
            else ARGUMENTS | {"connect_timeout": connect_seconds}
        )

        async def complete_arguments() -> dict[str, Any]:
            started = time.monotonic()
            try:
                return fixed | (await arguments() if arguments else {})
            except NoToken as error:  # its words are ours
                self._connect_failed(started, str(error))
                raise

        self._arguments = complete_arguments
        self._connection_class = reporting(self._connect_failed, self._connected)
        self._pool: AsyncConnectionPool[PooledConnection] = AsyncConnectionPool(
            conninfo,
            kwargs=complete_arguments,
            connection_class=self._connection_class,
            open=False,
            min_size=0,
            max_size=max_size + spare,
            max_waiting=max_waiting,
            timeout=_ACQUIRE_TIMEOUT_SECONDS,
            max_idle=300,
            # Under the lifetime of an Entra token; the server checks it only at connect.
            max_lifetime=45 * 60,
            reconnect_timeout=_RECONNECT_TIMEOUT_SECONDS,
            reconnect_failed=self._on_reconnect_failed,
            check=check_when_rested,
            name=APPLICATION_NAME,
        )
        self.circuit = CircuitBreaker()
        self._opening = asyncio.Lock()
        self._is_open = False
        self._max_size = max_size
        self._spare = spare
        self._max_waiting = max_waiting
        # What psycopg_pool has lent to us, whether in use or resting; the last used rests last.
        self._leased = 0
        # One for each lease that is being fetched: ended when no connection can be made.
        self._connecting: set[asyncio.Timeout] = set()
        self._resting: list[PooledConnection] = []
        # Handed a connection, or None when there is room for a lease.
        self._queue: WaitQueue[PooledConnection | None] = WaitQueue(self._pass_on)
        self._look: asyncio.TimerHandle | None = None
        self._returning: set[asyncio.Task[None]] = set()
        self._checking: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None
        self.times_opened = 0
        self.refused_because = ""
        """Why the latest attempt to connect failed, in our words; empty where it succeeded."""

    @asynccontextmanager
    async def connection(self, *, is_spare: bool = False) -> AsyncIterator[PooledConnection]:
        """Lend a connection in autocommit, for as long as an `async with` block.

        `is_spare` allows for the spare connections beyond `max_size`, when all others are lent.

        Raises:
            Unreachable: no connection can be made at present.
            Busy: none came free within the current call's deadline, too many wait already, or the
                circuit is open.
        """
        connection = await self.take(is_spare=is_spare)
        try:
            yield connection
            self.circuit.succeeded()
        finally:
            self.give(connection)

    @property
    def is_idle(self) -> bool:
        """Whether a call that comes now gets a connection without waiting for another call."""
        return not self._queue.waiting and (bool(self._resting) or self._leased < self._max_size)

    async def drop_dead_connections(self) -> None:
        """Test every resting connection and replace those that the server has ended.

        Callers that come meanwhile share one test, and wait a bounded time for it. It runs to its
        end though they leave: the pool would lose the connections that it has taken out.
        """
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        with suppress(TimeoutError):
            async with asyncio.timeout(call_context.remaining_seconds(_CHECK_TIMEOUT_SECONDS)):
                await asyncio.shield(self._checking)

    async def close(self) -> None:
        """Close every connection; busy ones are given a bounded time."""
        if self._look is not None:
            self._look.cancel()
        if self._probing is not None:
            await self._probing
        self._return_rested(0.0)
        await asyncio.gather(*self._returning)
        await self._pool.close(timeout=_CLOSE_TIMEOUT_SECONDS)

    async def take(self, *, is_spare: bool = False) -> PooledConnection:
        """Return a connection that rests, else a fresh lease, else the next that comes free.

        The caller gives it back by `give`. `is_spare` allows for the spare connections
        beyond `max_size`, when all others are lent.

        Raises:
            Busy: none came free in time, too many wait, or the circuit is open.
        """
        if not self.circuit.lets_pass():
            events.request_refused(Refusal.NO_DATABASE)
            raise GivenUp(
                "The database is unavailable at present.", hint="Try again in a few seconds."
            )
        await self._open_once()
        started = time.monotonic()
        deadline = started + call_context.remaining_seconds(self._pool.timeout)
        most = self._max_size + (self._spare if is_spare else 0)
        try:
            while True:
                connection = self._rested() if self._resting else None
                if connection is None and self._leased < most:
                    connection = await self._lease(deadline)
                if connection is None:
                    connection = await self._wait(deadline)
                if connection is not None:
                    return connection
        finally:
            events.pool_waited(time.monotonic() - started)

    def take_rested(self) -> PooledConnection | None:
        """Return the connection that was used last, at once; None if `take` has to be awaited."""
        if not self._resting or self.circuit.is_open:
            return None
        connection = self._rested()
        if connection is not None:
            events.pool_waited(0.0)
        return connection

    def give(self, connection: PooledConnection) -> None:
        """Take a connection back: for who waits, else to rest, else to psycopg_pool."""
        now = connection.idle_since = time.monotonic()
        if connection.is_reusable and now < connection.leased_until and not self._pool.closed:
            if not self._queue.waiting or not self._queue.hand_over(connection):
                self._resting.append(connection)
                if self._look is None:
                    self._look_later()
        else:
            self._return(connection)

    def report_timeout(self, since: float) -> None:
        """Report that the server never answered a statement sent at `since`, past its deadline.

        That alone is no evidence against the database: one statement may not heed its cancellation.
        A fresh connection decides, in the background; of several at once the first is probed.
        """
        if self._probing is None or self._probing.done():
            with call_context.use(None):  # it outlives the call that starts it
                self._probing = asyncio.create_task(self._probe(since))

    async def _probe(self, since: float) -> None:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                connection = await self._connection_class.connect(
                    self._conninfo, **await self._arguments()
                )
                try:
                    await AsyncConnectionPool.check_connection(connection)
                finally:
                    await connection.close()
        except (Error, NoToken, TimeoutError):
            self.circuit.failed(since)
        else:
            self.circuit.succeeded()

    def _connected(self) -> None:
        self.refused_because = ""
        self.circuit.succeeded()

    def _connect_failed(self, started: float, reason: str) -> None:
        events.connect_failed(reason)
        self.refused_because = reason
        if self._has_no_connection():
            self.circuit.failed(started)
            if self.circuit.is_open:
                self._fail_waiters()

    def _on_reconnect_failed(self, _pool: AsyncConnectionPool[PooledConnection]) -> None:
        # Nobody tries any more until somebody asks again.
        if self._has_no_connection():
            self._fail_waiters()

    def _fail_waiters(self) -> None:
        """Fail all calls that wait for a connection, here or in psycopg_pool: none can be made."""
        now = asyncio.get_running_loop().time()
        for waiting in self._connecting:
            waiting.reschedule(now)
        self._queue.fail()

    def _has_no_connection(self) -> bool:
        # Who waits may yet be given one that is lent or rests.
        held = self._leased - len(self._connecting)
        return held == 0 and self._pool.get_stats().get("pool_available", 0) == 0

    def _rested(self) -> PooledConnection | None:
        connection = self._resting.pop()
        if time.monotonic() - connection.idle_since < _REST_SECONDS:
            return connection
        self._return(connection)  # psycopg_pool tests it before it is lent again
        return None

    async def _lease(self, deadline: float) -> PooledConnection:
        self._leased += 1
        try:
            # `none_can_be_made` ends with the attempts to connect, the pool's own with the time.
            async with asyncio.timeout(None) as none_can_be_made:
                self._connecting.add(none_can_be_made)
                try:
                    connection = await self._pool.getconn(deadline - time.monotonic())
                finally:
                    self._connecting.discard(none_can_be_made)
        except BaseException as error:
            self._leased -= 1
            self._queue.hand_over(None)
            if isinstance(error, TimeoutError):
                raise _unreachable() from error
            if isinstance(error, _NONE_CAME):
                raise _busy() from error
            raise
        connection.leased_until = time.monotonic() + _LEASE_SECONDS
        return connection

    async def _wait(self, deadline: float) -> PooledConnection | None:
        """Return the next connection that is given back; None if there is room for a lease."""
        if len(self._queue.waiting) >= self._max_waiting:
            raise _busy()
        try:
            return await self._queue.wait(deadline - time.monotonic())
        except ConnectionError as error:
            raise _unreachable() from error
        except TimeoutError as error:
            raise _busy() from error

    def _pass_on(self, connection: PooledConnection | None) -> None:
        if connection is None:
            self._queue.hand_over(None)
        else:
            self.give(connection)

    def _return(self, connection: PooledConnection) -> None:
        """Hand a lease back, which psycopg_pool keeps, replaces or closes."""

        async def put() -> None:
            try:
                await self._pool.putconn(connection)
            finally:
                self._leased -= 1
                self._queue.hand_over(None)

        task = asyncio.create_task(put())
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    def _look_later(self) -> None:
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
                with call_context.use(None):  # its workers outlive the call that starts them
                    await self._pool.open(wait=False)
                self._is_open = True
                self.times_opened += 1


def _busy() -> Busy:
    return Busy("No database connection was free in time.", hint="Try again in a few seconds.")


def _unreachable() -> Unreachable:
    return Unreachable("The database cannot be reached.", hint="Try again in a few seconds.")
