"""What one principal may use: of this process, and, counted in the database, of all of them.

In this process the connections are shared fairly (`Places`). The rest (calls at once, calls a
minute, database time an hour) the database decides inside each call's round trip. What it refused
is remembered until the time that it named, so that a flood is turned away at the edge.
"""

import asyncio
import math
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cachetools import LRUCache

from zava import trace
from zava.errors import Busy
from zava.model import Caller

_MINUTE = 60
_REMEMBERED = 4096  # principals
_WAIT_SECONDS = 10.0  # as long as for a connection, within the call's deadline
_SPENT = {
    "calls": "You have used this minute's calls.",
    "time": "You have used this hour's database time.",
    "place": "As many calls of yours as may run at once are running.",
}


@dataclass(frozen=True, slots=True)
class Budget:
    """What each principal may use; 0 is no limit."""

    calls_at_once: int = 0
    calls_per_minute: int = 0
    database_seconds_per_hour: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether the database has anything to decide."""
        return bool(self.calls_at_once or self.calls_per_minute or self.database_seconds_per_hour)


def spent(what: str, seconds: int) -> Busy:
    """Return the error of a used-up budget: `calls`, `time` or `place`, free again in `seconds`."""
    return Busy(
        _SPENT[what],
        hint=f"Come back in {seconds} second{'' if seconds == 1 else 's'}.",
        retry_after_seconds=seconds,
    )


class Places:
    """Hands out this process's connections, so that no principal stands in another one's way.

    A principal who is alone may use them all, but for heavy statements, which leave one free; as
    soon as another one has called within a minute, each may use half of them. Whoever holds the
    fewest places gets the next one.
    """

    def __init__(self, connections: int, max_waiting: int, clock: Callable[[], float]) -> None:
        self._connections = connections
        self._max_waiting = max_waiting
        self._clock = clock
        self._held: Counter[Caller] = Counter()
        self._waiting: list[tuple[Caller, bool, asyncio.Future[None]]] = []
        # When each principal called last, the latest at the end.
        self._seen: OrderedDict[Caller, float] = OrderedDict()

    @asynccontextmanager
    async def hold(self, caller: Caller, *, is_heavy: bool) -> AsyncIterator[None]:
        """Hold one place.

        Raises:
            Busy: none came free in time, or too many of the caller's wait already.
        """
        self._see(caller)
        await self._take(caller, is_heavy=is_heavy)
        try:
            yield
        finally:
            self._give_back(caller)

    async def _take(self, caller: Caller, *, is_heavy: bool) -> None:
        if self._may_hold(caller, is_heavy=is_heavy):
            self._held[caller] += 1
            return
        if sum(waiting == caller for waiting, *_ in self._waiting) >= self._max_waiting:
            raise spent("place", 1)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (caller, is_heavy, turn)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(trace.remaining_seconds(_WAIT_SECONDS)):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if entry in self._waiting:
                self._waiting.remove(entry)
            else:  # given in the very moment
                self._give_back(caller)
            if isinstance(error, TimeoutError):
                raise spent("place", 1) from error
            raise

    def _give_back(self, caller: Caller) -> None:
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]
        able = [
            entry
            for entry in self._waiting
            # Whoever gave up, or ran out of time, still stands here until its task runs again.
            if not entry[2].done() and self._may_hold(entry[0], is_heavy=entry[1])
        ]
        if able:
            chosen = min(able, key=lambda entry: self._held[entry[0]])  # the first of equals
            self._waiting.remove(chosen)
            self._held[chosen[0]] += 1
            chosen[2].set_result(None)

    def _may_hold(self, caller: Caller, *, is_heavy: bool) -> bool:
        if self._held.total() >= self._connections:
            return False
        if not self._is_alone(caller):
            most = self._connections // 2
        else:
            most = self._connections - 1 if is_heavy else self._connections
        return self._held[caller] < max(1, most)

    def _see(self, caller: Caller) -> None:
        self._seen[caller] = self._clock()
        self._seen.move_to_end(caller)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def _is_alone(self, caller: Caller) -> bool:
        other = next((seen for seen in reversed(self._seen) if seen != caller), None)
        return other is None or self._clock() - self._seen[other] > _MINUTE


class Budgets:
    """The budgets of every principal, as this process knows them."""

    def __init__(
        self,
        budget: Budget,
        *,
        connections: int,
        max_waiting: int = 256,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.budget = budget
        self.places = Places(connections, max_waiting, clock)
        self._clock = clock
        # Each entry is seen by its own principal alone. Forgetting one costs a question to the
        # database, no more.
        self._closed_until: LRUCache[Caller, tuple[float, str]] = LRUCache(_REMEMBERED)
        self._requests: LRUCache[Caller, tuple[int, int]] = LRUCache(_REMEMBERED)

    def ask(self, caller: Caller) -> None:
        """Count one request of a caller.

        Raises:
            Busy: the budget is used up; it says when to come back.
        """
        now = self._clock()
        until, what = self._closed_until.get(caller, (0.0, ""))
        if now < until:
            raise spent(what, math.ceil(until - now))
        if not self.budget.calls_per_minute:
            return
        minute, requests = self._requests.get(caller, (0, 0))
        this_minute = int(now) // _MINUTE
        requests = requests + 1 if minute == this_minute else 1
        self._requests[caller] = this_minute, requests
        if requests > self.budget.calls_per_minute:
            raise spent("calls", math.ceil((this_minute + 1) * _MINUTE - now) or 1)

    def close_until(self, caller: Caller, what: str, seconds: int) -> None:
        """Remember what the database refused; a place is free again too soon to remember."""
        if what != "place":
            self._closed_until[caller] = self._clock() + seconds, what
