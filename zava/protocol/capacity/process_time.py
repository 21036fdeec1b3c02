"""Shares the time of the process's one thread fairly among principals.

A request computes in steps. Between them it waits for the database or another thread. The loop runs
steps in the order in which they became ready. By that order, each step would wait behind all those
of a principal with many requests. Here each step's time is counted for its principal. A principal
beside others uses at most half of the time. Of the steps that wait, those run first whose principal
has used least of late. Between them the loop looks for new requests and answers.

Parsing a request and starting its task take longer than most steps. A local connection therefore
waits for the turn of the principal whose requests it brings before its next request is parsed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")

ANYONE = b""
"""Stands for all who send requests without a valid token."""

_SEEN_SECONDS = 60
_PASS_SECONDS = 0.0005
"""For how long steps run at once in one pass of the loop; further ones wait for the next pass."""

_ALONE_PASS_SECONDS = 0.005
_OUTSIDE_SECONDS = 0.0003
"""What reading a request and sending its answer take beside its steps."""

_SHARE = 0.5
_CREDIT_SECONDS = 0.02
"""How much of its time a principal may have saved up: a few requests at once need not wait."""

_MAX_WAIT_SECONDS = 0.05
"""A step that took long, such as one that loads a module, holds its principal up no longer."""

_MAX_OF_A_PASS = 8  # steps that had to wait
_SHORTEST_WAIT_SECONDS = 0.001  # the least that the loop's timers know
_MAX_REMEMBERED = 4096  # principals


class Connection:
    """Whose requests a client's connection brings.

    `principal` is that of its last request; None before one is known. Until `turn_ends` the first
    step of a request that was read in its principal's turn does not wait again.
    """

    __slots__ = ("principal", "turn_ends")

    def __init__(self) -> None:
        self.principal: bytes | None = None
        self.turn_ends = 0.0


current_connection: ContextVar[Connection | None] = ContextVar("zava_connection", default=None)
"""Set where a request is read; the task that answers it inherits it."""


class ProcessTime:
    """When each principal has used no more than its share, and the steps that wait.

    It orders steps and refuses none: `Admission` bounds how many requests there are.
    """

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        # By identity, as everything here. The moment at which what a principal has used of late is
        # no more than its share of the time since.
        self._due: dict[bytes, float] = {}
        # What goes on when it is their turn; false where the client has left.
        self._waiting: dict[bytes, deque[Callable[[], bool]]] = {}
        # The time used in this pass of the loop: of all, and of each while others wait.
        self._spent = 0.0
        self._spent_of: dict[bytes, float] = {}
        self._released = 0
        self._tick: asyncio.Handle | None = None
        self._ticks_on: asyncio.AbstractEventLoop | None = None
        self._is_later = False
        self._last = ANYONE
        self._alone_from = 0.0

    @coroutine
    def share(self, principal: bytes, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Run a request's work, each step when it is its principal's turn; return its result."""
        if principal != self._last:
            self._see(principal)
        clock, proceed, is_known = self._clock, work.send, principal != ANYONE
        failure: BaseException | None = None
        result: Any = None
        used, outside = 0.0, _OUTSIDE_SECONDS
        has_turn = self._has_turn(principal)
        if has_turn:
            outside = 0.0  # counted when it was read
        begun = clock()
        try:
            while True:
                # Usually nothing waits, and a principal who is alone goes on.
                runs_now = (
                    (
                        self._spent < _PASS_SECONDS
                        and not self._waiting
                        and is_known
                        and begun >= self._alone_from
                    )
                    or has_turn
                    or failure is not None
                )
                has_turn = False
                if not runs_now:
                    self._spent += outside
                    self._count(principal, begun, used + outside)
                    used = outside = 0.0
                    if not self._runs_now(principal, begun):
                        try:
                            yield from self._wait(principal)
                        except BaseException as error:  # noqa: BLE001  # the work takes it
                            failure = error
                        begun = clock()
                try:
                    result = proceed(result) if failure is None else work.throw(failure)
                except StopIteration as end:
                    returned: T = end.value
                    return returned
                finally:
                    seconds = clock() - begun
                    used += seconds
                    self._spent += seconds
                failure = None
                try:
                    result = yield result
                except BaseException as error:  # noqa: BLE001  # the work takes it
                    failure = error
                begun = clock()
        finally:
            self._count(principal, begun, used + outside)
            work.close()

    def reads_now(self, connection: Connection, read_on: Callable[[], bool]) -> bool:
        """Return whether the next request of a connection, whose principal is known, is read now.

        If not, `read_on` is called when it is; it returns whether there still is a request.
        """
        principal = connection.principal or ANYONE
        if self._runs_now(principal, self._clock()):
            self._read(connection, principal)
            return True

        def go_on() -> bool:
            is_there = read_on()
            if is_there:
                self._read(connection, principal)
            return is_there

        self._enqueue(principal, go_on)
        return False

    def _read(self, connection: Connection, principal: bytes) -> None:
        """Count the time of a request that is read, before its steps are known."""
        now = self._clock()
        connection.turn_ends = now + _MAX_WAIT_SECONDS
        self._spent += _OUTSIDE_SECONDS
        self._count(principal, now, _OUTSIDE_SECONDS)

    def charge(self, principal: bytes, seconds: float) -> None:
        """Count time that other tasks use for a principal's request."""
        self._count(principal, self._clock(), seconds)

    async def turn(self, principal: bytes) -> None:
        """Wait for the principal's turn before an answer that takes no further work is sent."""
        await self.share(principal, _nothing())

    def _has_turn(self, principal: bytes) -> bool:
        """Note whose request a connection brought; return whether it was read in its turn."""
        connection = current_connection.get()
        if connection is None:
            return False
        has_turn = connection.principal == principal and self._clock() < connection.turn_ends
        connection.principal, connection.turn_ends = principal, 0.0
        return has_turn

    def _see(self, principal: bytes) -> None:
        if principal != ANYONE:
            if self._last != ANYONE:
                self._alone_from = self._clock() + _SEEN_SECONDS
            self._last = principal

    def _is_alone(self, principal: bytes, now: float) -> bool:
        return principal != ANYONE and now >= self._alone_from

    def _runs_now(self, principal: bytes, now: float) -> bool:
        due, is_alone = self._due.get(principal, 0.0), self._is_alone(principal, now)
        if not is_alone and due > now:
            return False
        if self._waiting:
            return (
                principal not in self._waiting
                and self._spent_of.get(principal, 0.0) < _PASS_SECONDS
                and due < min(self._due.get(other, 0.0) for other in self._waiting)
            )
        return self._spent < (_ALONE_PASS_SECONDS if is_alone else _PASS_SECONDS)

    def _count(self, principal: bytes, now: float, seconds: float) -> None:
        due = max(self._due.get(principal, 0.0), now - _CREDIT_SECONDS) + seconds / _SHARE
        self._due[principal] = min(due, now + _MAX_WAIT_SECONDS)
        if self._waiting:
            self._spent_of[principal] = self._spent_of.get(principal, 0.0) + seconds
        elif self._spent >= _PASS_SECONDS:
            self._begin_pass_soon()

    def _wait(self, principal: bytes) -> asyncio.Future[None]:
        turn = asyncio.get_running_loop().create_future()

        def go_on() -> bool:
            if turn.done():
                return False
            turn.set_result(None)
            return True

        self._enqueue(principal, go_on)
        return turn

    def _enqueue(self, principal: bytes, go_on: Callable[[], bool]) -> None:
        self._waiting.setdefault(principal, deque()).append(go_on)
        self._begin_pass_soon()

    def _begin_pass_soon(self, seconds: float = 0.0) -> None:
        """Go on in the loop's next pass, before which it looks for requests and answers."""
        loop = asyncio.get_running_loop()
        if self._tick is not None and self._ticks_on is loop:
            if not self._is_later or seconds:
                return
            self._tick.cancel()
        self._ticks_on, self._is_later = loop, bool(seconds)
        if seconds:
            self._tick = loop.call_later(seconds, self._begin_pass)
        else:
            self._tick = loop.call_soon(self._begin_pass)

    def _begin_pass(self) -> None:
        """Let as many waiting steps run as fit into one pass of the loop."""
        self._tick = None
        mean = self._spent / (self._released or 1)
        fitting = min(_MAX_OF_A_PASS, 2 * self._released, int(_PASS_SECONDS / (mean or 1.0)))
        self._spent = 0.0
        self._spent_of.clear()
        self._released = 0
        now = self._clock()
        due = {
            principal: 0.0 if self._is_alone(principal, now) else self._due.get(principal, 0.0)
            for principal in self._waiting
        }
        while due and self._released < max(1, fitting):
            principal = min(due, key=due.__getitem__)
            if due[principal] > now:
                break
            go_on = self._waiting[principal].popleft()
            if not self._waiting[principal]:
                del self._waiting[principal], due[principal]
            else:
                due[principal] += mean / _SHARE
            if go_on():
                self._released += 1
        if self._waiting:
            seconds = 0.0 if self._released else min(due.values()) - now
            self._begin_pass_soon(max(seconds, _SHORTEST_WAIT_SECONDS) if seconds else 0.0)
        if len(self._due) > _MAX_REMEMBERED:
            kept = self._waiting
            low = now - _CREDIT_SECONDS
            self._due = {k: due for k, due in self._due.items() if due > low or k in kept}


async def _nothing() -> None:
    """Do nothing: the work of a request that is answered already."""
