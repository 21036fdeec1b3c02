"""Refuse calls to a dead database for a moment, so that callers do not wait in vain.

The circuit counts the pool's own attempts to connect. A library that wraps a call and counts its
exceptions would see the callers' waiting, not the connection that fails.
"""

import random
import time
from collections.abc import Callable

from zava.telemetry import events

_PATIENCE_SECONDS = 2.0  # a restart or a failover's first refusals are worth waiting for
_FIRST_SECONDS = 0.5
_MAX_SECONDS = 4.0


class CircuitBreaker:
    """Closed while connections are made; open, no caller passes; then one at a time may try.

    It opens when every attempt for two seconds has failed, and closes by itself with the first
    that succeeds. Each failed trial doubles the time to the next one, up to four seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing_since: float | None = None
        self._answered_at = float("-inf")
        self._next_trial = 0.0
        self._open_seconds = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the database is given up at present."""
        return self._open_seconds > 0

    def lets_pass(self) -> bool:
        """Whether this caller may take a connection; while open, one trial at a time may."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._next_trial:
            return False
        # The others wait for what comes of this trial; one that says nothing is no obstacle.
        self._next_trial = now + self._open_seconds
        return True

    def failed(self, started: float) -> None:
        """Record that an attempt that began at `started` failed.

        The failure does not count if another attempt succeeded meanwhile.
        """
        if self._answered_at > started:
            return
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = started
        if self.is_open:
            self._open_for(min(self._open_seconds * 2, _MAX_SECONDS), now)
        elif now - self._failing_since >= _PATIENCE_SECONDS:
            self._open_for(_FIRST_SECONDS, now)
            events.circuit_opened(self._open_seconds)

    def succeeded(self) -> None:
        """Record that the database answered."""
        self._answered_at = self._clock()
        if self._failing_since is None:
            return
        self._failing_since = None
        if self.is_open:
            self._open_seconds = 0.0
            events.circuit_closed()

    def _open_for(self, seconds: float, now: float) -> None:
        self._open_seconds = seconds
        # Jitter: the instances of one app do not all knock at the same moment.
        self._next_trial = now + seconds * random.uniform(0.8, 1.2)  # noqa: S311  # spreads the trials of instances
