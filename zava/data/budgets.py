"""What one principal may use: of this process, and, counted in the database, of all of them.

In this process a principal holds at most all connections but one, so that another one's call finds
a free one at once; who waits for the own places waits in the own queue. The rest (calls at once,
calls a minute, database time an hour) the database decides inside each call's round trip. What it
refused is remembered until the time that it named, so that a flood is turned away at the edge.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cachetools import LRUCache

from zava.errors import Busy
from zava.model import Caller

_MINUTE = 60
_WAIT_SECONDS = 10.0  # as long as for a connection
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


@dataclass(slots=True)
class _Lane:
    places: asyncio.Semaphore
    users: int = field(default=0)


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
        self._places = max(1, connections - 1)
        self._max_users = self._places + max_waiting
        self._clock = clock
        # Each entry is seen by its own principal alone. Forgetting one costs a question to the
        # database, no more.
        self._closed_until: LRUCache[Caller, tuple[float, str]] = LRUCache(4096)
        self._requests: LRUCache[Caller, tuple[int, int]] = LRUCache(4096)
        self._lanes: dict[Caller, _Lane] = {}

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

    @asynccontextmanager
    async def lane(self, caller: Caller) -> AsyncIterator[None]:
        """Hold one of the caller's places in this process.

        Raises:
            Busy: none came free in time, or too many wait for one already.
        """
        lane = self._lanes.setdefault(caller, _Lane(asyncio.Semaphore(self._places)))
        if lane.users >= self._max_users:
            raise spent("place", 1)
        lane.users += 1
        try:
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    await lane.places.acquire()
            except TimeoutError as error:
                raise spent("place", 1) from error
            try:
                yield
            finally:
                lane.places.release()
        finally:
            lane.users -= 1
            if not lane.users:
                self._lanes.pop(caller, None)
