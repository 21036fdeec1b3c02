"""One connection to PostgreSQL: how it is made, reported, tested and interrupted."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self, TypeVar

from anyio import CancelScope
from psycopg import AsyncConnection, Error, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.waiting import Ready, Wait, wait_async
from psycopg_pool import AsyncConnectionPool

APPLICATION_NAME = "zava-mcp-server"
_CONNECT_TIMEOUT_SECONDS = 5
_CHECK_AFTER_SECONDS = 30.0
_CHECK_TIMEOUT_SECONDS = 3.0
_WAIT_INTERVAL_SECONDS = 0.1  # psycopg's own, between two looks for Ctrl-C
_CANCEL_TIMEOUT_SECONDS = 0.4  # with the deadline of readiness still under its two seconds
_CANCEL_INTERVAL_SECONDS = 0.05

ARGUMENTS: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": None,  # the pipeline prepares by name
    "application_name": APPLICATION_NAME,
    "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
    # A peer that the network has swallowed is noticed by the kernel, not by a caller's deadline.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""What every connection of the pool is made with."""

NO_STANDBY = "the server is no standby"
"""Why a connection to a standby was not made, where the server answers as a primary."""

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
    "is not in hot standby": NO_STANDBY,
    "is in hot standby": "the server is a standby",
}

T = TypeVar("T")


class PooledConnection(AsyncConnection[tuple[object, ...]]):
    """A connection that remembers what it has prepared and since when it rests."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: set[bytes] = set()
        self.idle_since = time.monotonic()
        self.leased_until = self.idle_since
        self.is_abandoned = False
        """Whether its statement was given up and the server did not confirm that it ended."""
        self._line = _Line(self.pgconn.socket)

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
        """Connect; call `refused` when the server read the password and refused it."""
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
            if timeout is None:
                return await self._line.drive(gen, interval)
            self._line.leave()
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            self.is_abandoned = True
            with CancelScope(shield=True):
                try:
                    with suppress(Error, TimeoutError):
                        async with asyncio.timeout(_CANCEL_TIMEOUT_SECONDS):
                            await self._cancel_until_done(gen)
                            self.is_abandoned = False
                finally:
                    await self.close()
            raise

    async def close(self) -> None:
        """Close; the event loop must have let go of the socket before its number is used again."""
        self._line.leave()
        await super().close()

    async def _cancel_until_done(self, gen: PQGen[T]) -> None:
        # A server that is between two commands forgets a cancellation and runs the next one.
        while True:
            await self.cancel_safe(timeout=_CANCEL_TIMEOUT_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(_CANCEL_INTERVAL_SECONDS):
                    await self._line.drive(gen, _WAIT_INTERVAL_SECONDS)
                    return


class _Line:
    """A socket that the event loop watches from one round trip to the next.

    Watching it anew for each wait, as psycopg does, costs half a dozen system calls a trip.
    """

    def __init__(self, socket: int) -> None:
        self._socket = socket
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readable: asyncio.Future[None] | None = None

    async def drive(self, gen: PQGen[T], interval: float) -> T:
        """Drive a libpq generator to its result; one that cannot send at once is psycopg's."""
        try:
            wanted = next(gen)
            while not wanted & Wait.W:
                await self._become_readable()
                wanted = gen.send(Ready.R)
        except StopIteration as done:
            result: T = done.value
            return result
        except BaseException:
            self.leave()  # libpq may have closed the socket
            raise
        self.leave()
        return await wait_async(_resumed(gen, wanted), self._socket, interval=interval)

    def leave(self) -> None:
        """Let the loop watch it no longer."""
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._loop = None

    async def _become_readable(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._socket, self._on_readable)
        self._readable = self._loop.create_future()
        try:
            await self._readable
        finally:
            self._readable = None

    def _on_readable(self) -> None:
        if self._readable is None:
            # Something came unasked: the end, or a notice. The next round trip will read it.
            self.leave()
        elif not self._readable.done():
            self._readable.set_result(None)


def _resumed(gen: PQGen[T], wanted: Wait) -> PQGen[T]:
    """Continue a generator that has already returned what it waits for."""
    while True:
        ready = yield wanted
        try:
            wanted = gen.send(ready)
        except StopIteration as done:
            result: T = done.value
            return result


def reporting(
    failed: Callable[[float, str], None], connected: Callable[[], None]
) -> type[PooledConnection]:
    """Return the class of connections that report each attempt to make one, and its start."""

    class Reporting(PooledConnection):
        """A connection that reports each attempt to make one."""

        @classmethod
        async def connect(cls, conninfo: str = "", **arguments: Any) -> Self:
            started = time.monotonic()
            try:
                connection = await super().connect(conninfo, **arguments)
            except Error as error:
                failed(started, reason(error))
                raise
            connected()
            return connection

    return Reporting


def reason(error: Error) -> str:
    """Return why no connection was made, without a name of host, login or database.

    libpq brings no SQLSTATE of a refused connection, only its own and the server's text.
    """
    message = str(error).lower()
    return next((reason for mark, reason in _REASONS.items() if mark in message), "another reason")


async def check_when_rested(connection: PooledConnection) -> None:
    """Test a connection before it is lent again.

    Raises:
        Exception: it is dead or silent; the pool then takes another one.
    """
    # A check is a round trip; a connection used a moment ago shows its death at the call itself.
    if time.monotonic() - connection.idle_since > _CHECK_AFTER_SECONDS:
        async with asyncio.timeout(_CHECK_TIMEOUT_SECONDS):
            await AsyncConnectionPool.check_connection(connection)
