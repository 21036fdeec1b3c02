"""Repeat a statement that only reads, after a transient fault, while time is left.

A fault is transient if the connection was lost or could not be made. It is also transient if the
server reports a standby's conflict, a deadlock or a lock that was not granted. If the connection
was lost during a statement, it is repeated once only, because it may have ended the server.
"""

import asyncio
import random
import time

import psycopg

from zava import call_context
from zava.infrastructure.postgres.pool import Unreachable
from zava.telemetry import events

# Class 40 and a refused lock: the server itself asks for another try.
_REPEATABLE = frozenset({"40001", "40P01", "55P03", "53300"})
_ENDED = frozenset({"57P01", "57P02", "57P03"})
_MAX_ATTEMPTS = 3
_MAX_LOST = 2
_UNREACHABLE_SECONDS = 4.0  # the circuit opens before that
_FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS = 0.05, 0.5
_jitter = random.SystemRandom().uniform  # not the shared generator, which a program may seed


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
        or (isinstance(error, psycopg.Error) and error.sqlstate in _REPEATABLE)
    )


class Repetition:
    """Counts the failures of one statement, from its first one on, and waits between its tries."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._failures = 0
        self._lost = 0
        self._repeated = 0

    def allows(self, error: Exception) -> bool:
        """Whether the statement may run again after this failure."""
        if not is_passing(error):
            return False
        self._failures += 1
        if isinstance(error, Unreachable):  # nothing was sent
            is_over = time.monotonic() - self._since >= _UNREACHABLE_SECONDS
        elif is_lost_connection(error):
            self._lost += 1
            is_over = self._lost >= _MAX_LOST
        else:
            self._repeated += 1
            is_over = self._repeated >= _MAX_ATTEMPTS
        return not is_over and call_context.remaining_seconds(_MAX_WAIT_SECONDS) > 0

    async def pause(self, error: Exception) -> None:
        """Wait before the next try, a random part of a time that doubles; log the repetition."""
        doubled = _FIRST_WAIT_SECONDS * 2.0 ** (self._failures - 1)
        seconds = _jitter(0, min(doubled, _MAX_WAIT_SECONDS))
        events.query_retried(self._failures, getattr(error, "sqlstate", None), seconds)
        loop = asyncio.get_running_loop()
        is_over = loop.create_future()
        timer = loop.call_later(seconds, is_over.set_result, None)
        try:
            await is_over
        finally:
            timer.cancel()
