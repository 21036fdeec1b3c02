"""What one principal may use: of this process, and, counted in the database, of all of them.

In this process the connections are shared fairly (`ConnectionQuota`). The rest (calls at once,
calls a minute, database time an hour) the database decides inside each call's round trip. What it
refused is remembered until the time that it named, so that a flood is turned away at the edge.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from zava import call_context
from zava.errors import Busy
from zava.infrastructure.recent_principals import RecentPrincipals
from zava.infrastructure.recent_values import RecentValues
from zava.model.core import Caller

_MINUTE = 60
_HOUR = 3600
_MAX_REMEMBERED = 4096  # principals
_COST_REFUSALS_PER_HOUR = 10
_WAIT_SECONDS = 10.0  # as long as for a connection, within the call's deadline
_SPENT = {
    "calls": "You have used this minute's calls.",
    "time": "You have used this hour's database time.",
    "place": "You have reached your limit of concurrent calls.",
    "overdue": "An earlier statement of yours still runs. The database cannot interrupt it.",
}
_COST_SPENT = "Too many of your statements were refused for their cost."
OVERDUE_SECONDS = 5
"""After how long a caller may ask again whose statement works on."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What each principal may use; 0 is no limit."""

    calls_at_once: int = 0
    calls_per_minute: int = 0
    database_seconds_per_hour: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether any of the three has a limit."""
        return bool(self.calls_at_once or self.calls_per_minute or self.database_seconds_per_hour)


def spent(what: str, seconds: int) -> Busy:
    """Return the error of a used-up budget, free again in `seconds`.

    `what` is `calls`, `time` or `place`, or `overdue` for a statement that works past its deadline.
    """
    return Busy(
        _SPENT[what],
        hint=f"Try again in {seconds} second{'' if seconds == 1 else 's'}.",
        retry_after_seconds=seconds,
    )


class ConnectionQuota:
    """Divide this process's connections among principals; a slot is the right to one.

    A principal who is alone may use them all, but for heavy statements, which leave one free. If
    another one has called within a minute, each may use half of them. The principal with the
    fewest slots gets the next one. When all are held, `spare` more are there for principals who
    hold none. One who was alone may have filled the others with statements of half a minute.

    Of statements that gather much in memory, one runs at a time for each principal.
    """

    def __init__(
        self, connections: int, max_waiting: int, clock: Callable[[], float], *, spare: int = 0
    ) -> None:
        self._connections = connections
        self._half = max(1, connections // 2)
        self._spare = spare
        self._max_waiting = max_waiting
        # By identity, as everything here.
        self._held: dict[bytes, int] = {}
        self._held_by_all = 0
        self._gathering: set[bytes] = set()
        self._waiting: list[_Waiter] = []
        self._seen = RecentPrincipals(clock)

    async def acquire(self, principal: bytes, *, is_heavy: bool, gathers: bool = False) -> bool:
        """Take a slot, now or when one comes free; return whether it is a spare one.

        The caller gives it back by `release`.

        Raises:
            Busy: no slot came free in time, or too many of the caller's calls wait.
        """
        self._seen.see(principal)
        if self._may_hold(principal, is_heavy=is_heavy, gathers=gathers):
            return self._hand_to(principal, gathers=gathers)
        loop = asyncio.get_running_loop()
        waiter = _Waiter(principal, is_heavy, gathers, loop.create_future())
        if sum(waiter.principal == principal for waiter in self._waiting) >= self._max_waiting:
            raise spent("place", 1)
        self._waiting.append(waiter)
        expiry = loop.call_later(call_context.remaining_seconds(_WAIT_SECONDS), waiter.expire)
        try:
            return await waiter.came
        except (TimeoutError, asyncio.CancelledError) as error:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:  # given in the very moment
                self.release(principal, gathers=gathers)
            if isinstance(error, TimeoutError):
                raise spent("place", 1) from error
            raise
        finally:
            expiry.cancel()

    def release(self, principal: bytes, *, gathers: bool = False) -> None:
        """Give a slot back; the waiter that holds the fewest gets it, the first of equals."""
        self._held_by_all -= 1
        self._held[principal] -= 1
        if not self._held[principal]:
            del self._held[principal]
        if gathers:
            self._gathering.discard(principal)
        chosen: _Waiter | None = None
        for waiter in self._waiting:
            if waiter.came.done():  # it expired, or its caller left, in the very moment
                continue
            held = self._held.get(waiter.principal, 0)
            if chosen is not None and held >= self._held.get(chosen.principal, 0):
                continue
            if self._may_hold(waiter.principal, is_heavy=waiter.is_heavy, gathers=waiter.gathers):
                chosen = waiter
        if chosen is not None:
            self._waiting.remove(chosen)
            chosen.came.set_result(self._hand_to(chosen.principal, gathers=chosen.gathers))

    def _hand_to(self, principal: bytes, *, gathers: bool) -> bool:
        is_spare = self._held_by_all >= self._connections
        self._held[principal] = self._held.get(principal, 0) + 1
        self._held_by_all += 1
        if gathers:
            self._gathering.add(principal)
        return is_spare

    def _may_hold(self, principal: bytes, *, is_heavy: bool, gathers: bool) -> bool:
        if gathers and principal in self._gathering:
            return False
        held = self._held.get(principal, 0)
        if self._held_by_all >= self._connections:
            return held == 0 and self._held_by_all < self._connections + self._spare
        if held < self._half:
            return True
        if not self._seen.is_alone(principal):
            return False
        return held < (self._connections - 1 if is_heavy else self._connections)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """A call that waits for a slot."""

    principal: bytes
    is_heavy: bool
    gathers: bool
    came: asyncio.Future[bool]

    def expire(self) -> None:
        """End the wait, unless a slot came in the very moment."""
        if not self.came.done():
            self.came.set_exception(TimeoutError())


class Budgets:
    """The budgets of every principal, as far as this process has seen them."""

    def __init__(
        self,
        budget: Budget,
        *,
        connections: int,
        spare: int = 0,
        max_waiting: int = 256,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.budget = budget
        self.quota = ConnectionQuota(connections, max_waiting, clock, spare=spare)
        self._clock = clock
        # By identity, each entry seen by its own principal alone. Forgetting one costs a question
        # to the database, no more.
        self._closed_until: RecentValues[bytes, tuple[float, str]] = RecentValues(_MAX_REMEMBERED)
        self._requests: RecentValues[bytes, tuple[int, int]] = RecentValues(_MAX_REMEMBERED)
        self._refusals: RecentValues[bytes, tuple[int, int]] = RecentValues(_MAX_REMEMBERED)
        self._searched_at: RecentValues[bytes, float] = RecentValues(_MAX_REMEMBERED)

    def count_request(self, caller: Caller) -> None:
        """Count one request of a caller.

        Raises:
            Busy: the budget is used up; the error has the seconds to wait.
        """
        now = self._clock()
        until, what = self._closed_until.get(caller.identity, (0.0, ""))
        if now < until:
            raise spent(what, math.ceil(until - now))
        if not self.budget.calls_per_minute:
            return
        this_minute, requests = int(now) // _MINUTE, self.requests(caller) + 1
        self._requests[caller.identity] = this_minute, requests
        if requests > self.budget.calls_per_minute:
            raise spent("calls", math.ceil((this_minute + 1) * _MINUTE - now) or 1)

    def count_refusal(self, caller: Caller) -> None:
        """Count one statement of a caller that is refused for its cost.

        Raises:
            Busy: it was one too many for this hour.
        """
        now = self._clock()
        this_hour = int(now) // _HOUR
        hour, refusals = self._refusals.get(caller.identity, (this_hour, 0))
        refusals = refusals + 1 if hour == this_hour else 1
        self._refusals[caller.identity] = this_hour, refusals
        if refusals > _COST_REFUSALS_PER_HOUR:
            until = (this_hour + 1) * _HOUR
            # The moment, which stays the same, so that no two refusals differ by the clock.
            hint = f"Try again at {time.strftime('%H:%M', time.gmtime(until))} UTC."
            raise Busy(_COST_SPENT, hint=hint, retry_after_seconds=math.ceil(until - now) or 1)

    def requests(self, caller: Caller) -> int:
        """Return how many requests of a caller were counted here in this minute."""
        minute, requests = self._requests.get(caller.identity, (0, 0))
        return requests if minute == int(self._clock()) // _MINUTE else 0

    def searches_overdue(self, caller: Caller) -> bool:
        """Return whether the caller's next call searches for a statement that works on.

        One call a second does: reading the locks of all backends costs more than a cheap call.
        """
        now = self._clock()
        if now - self._searched_at.get(caller.identity, -math.inf) < 1:
            return False
        self._searched_at[caller.identity] = now
        return True

    def close_until(self, caller: Caller, what: str, seconds: int) -> None:
        """Remember what the database refused; a slot is free again too soon to remember."""
        self._searched_at.pop(caller.identity, None)
        if what != "place":
            self._closed_until[caller.identity] = self._clock() + seconds, what
