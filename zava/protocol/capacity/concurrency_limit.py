"""Limit the requests that are served at once; one more is refused before any work.

Requests that wait for each other slow all callers down. Admitted requests keep their latency,
because their number is limited, and no principal fills the process alone.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from zava.errors import Busy
from zava.infrastructure.recent_principals import RecentPrincipals
from zava.model.core import Caller
from zava.telemetry import events
from zava.telemetry.instruments import Refusal

RETRY_AFTER_SECONDS = 1
_AT_ONCE = 16  # refusals of a principal in a second, which a client that waits never makes
_HELD_BACK = 256  # as many whole requests wait in memory


class ShareTaken(Busy):
    """The principal holds all the places that one may; others still find room."""


class Admission:
    """The requests under way, by principal, and their bounds.

    A principal who is alone may hold all places, and half of them if another one was seen within
    the minute. When all are taken, a quarter more is there for those who hold the fewest. So the
    next principal finds room at once, even while others fill the process for half a minute.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._half = max(1, most // 2)
        self._with_spare = most + max(1, most // 4)
        self._few = max(1, most // 16)
        self._clock = clock
        # By identity, as everything here.
        self._held: dict[bytes, int] = {}
        self._held_by_all = 0
        self._seen = RecentPrincipals(clock)
        # How many refusals each was sent in this second.
        self._refused: dict[bytes, int] = {}
        self._refused_in = 0

    def enter(self, principal: bytes) -> None:
        """Take one of the places, until `leave`.

        Raises:
            ShareTaken: the principal holds as many as one may beside others.
            Busy: all are taken.
        """
        self._seen.see(principal)
        held = self._held.get(principal, 0)
        if held >= self._half and not self._seen.is_alone(principal):
            events.request_refused(Refusal.SHARE_TAKEN)
            raise ShareTaken("You have reached your limit of concurrent requests.", hint=_again())
        is_full = self._held_by_all >= self._most
        if is_full and (held >= self._few or self._held_by_all >= self._with_spare):
            events.request_refused(Refusal.NO_CAPACITY)
            raise Busy("The server is at its capacity.", hint=_again())
        self._held[principal] = held + 1
        self._held_by_all += 1

    def leave(self, principal: bytes) -> None:
        """Free one of the principal's places."""
        self._held_by_all -= 1
        self._held[principal] -= 1
        if not self._held[principal]:
            del self._held[principal]

    async def hold_back(self, caller: Caller) -> None:
        """Wait before a caller's refusal is sent, if the client does not honour `Retry-After`.

        The first refusals of a second are sent at once. A flood that is answered as fast as it
        arrives would take the time of all other callers.
        """
        now = self._clock()
        if int(now) != self._refused_in:
            self._refused_in = int(now)
            self._refused.clear()
        refused = self._refused[caller.identity] = self._refused.get(caller.identity, 0) + 1
        if _AT_ONCE < refused <= _HELD_BACK:
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_AFTER_SECONDS):
                    await asyncio.Event().wait()


def _again() -> str:
    return f"Try again in {RETRY_AFTER_SECONDS} second."
