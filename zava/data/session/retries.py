"""Repeat a statement that only reads, after a transient fault, while time is left.

A fault is transient if the connection was lost or could not be made. It is also transient if the
server reports a standby's conflict, a deadlock or a lock that was not granted. If the connection
was lost during a statement, it is repeated once only, because it may have ended the server.
"""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import psycopg

from zava import call_context
from zava.infrastructure.postgres.pool import Unreachable
from zava.telemetry import events

if TYPE_CHECKING:
    from tenacity import RetryCallState

# Class 40 and a refused lock: the server itself asks for another try.
_ASKED_FOR = frozenset({"40001", "40P01", "55P03", "53300"})
_ENDED = frozenset({"57P01", "57P02", "57P03"})
_MAX_ATTEMPTS = 3
_MAX_LOST = 2
_UNREACHABLE_SECONDS = 4.0  # the circuit opens before that
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.05, 0.5

T = TypeVar("T")


def is_lost_connection(error: BaseException) -> bool:
    """Whether the connection ended under the statement."""
    return isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate in _ENDED or error.sqlstate.startswith("08")
    )


def is_passing(error: BaseException) -> bool:
    """Whether the same statement may well succeed on another try."""
    return (
        isinstance(error, Unreachable)
        or is_lost_connection(error)
        or (isinstance(error, psycopg.Error) and error.sqlstate in _ASKED_FOR)
    )


async def repeated(attempt: Callable[[], Awaitable[T]]) -> T:
    """Run one reading statement, again where a fault passes, within the current call's deadline.

    Raises:
        Exception: what the last attempt raised.
    """
    try:
        return await attempt()  # nearly always the only one: it pays for no machinery
    except Exception as error:
        if not is_passing(error):
            raise
        first = error
    # At first need: a cold instance's first call repeats nothing.
    from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

    return await AsyncRetrying(
        retry=retry_if_exception(is_passing),
        stop=_Patience(),
        wait=wait_random_exponential(multiplier=_FIRST_WAIT_SECONDS, max=_LONGEST_WAIT_SECONDS),
        before_sleep=_tell,
        reraise=True,
    )(_after(first, attempt))


def _after(first: Exception, attempt: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """Return an attempt that begins by failing as the first one did, which then counts."""
    failed: list[Exception] = [first]

    async def run() -> T:
        if failed:
            raise failed.pop()
        return await attempt()

    return run


class _Patience:
    """Decides when to stop repeating; one for each statement."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._lost = 0
        self._asked = 0

    def __call__(self, state: "RetryCallState") -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Unreachable):  # nothing was sent
            waited = time.monotonic() - self._since
            return waited >= _UNREACHABLE_SECONDS or _time_is_up()
        if error is not None and is_lost_connection(error):
            self._lost += 1
            return self._lost >= _MAX_LOST or _time_is_up()
        self._asked += 1
        return self._asked >= _MAX_ATTEMPTS or _time_is_up()


def _time_is_up() -> bool:
    return call_context.remaining_seconds(_LONGEST_WAIT_SECONDS) <= 0


def _tell(state: "RetryCallState") -> None:
    error = state.outcome.exception() if state.outcome else None
    events.query_retried(
        state.attempt_number, getattr(error, "sqlstate", None), state.upcoming_sleep
    )
