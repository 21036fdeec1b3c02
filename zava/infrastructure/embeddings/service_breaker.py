"""Stop calls to a service that does not answer, so that no caller waits for it in vain."""

import time
from collections.abc import Callable

_FAILURES, _REST_SECONDS = 3, 30.0


class ServiceBreaker:
    """Opens after three failed calls in a row; half a minute later one call may try again.

    Its own, because it is these few lines and the libraries for it wrap calls and hold timers.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._next_trial = 0.0

    def succeeded(self) -> None:
        """Note a call that was answered."""
        self._failures = 0

    def failed(self) -> None:
        """Note a call that was not; the next trial is half a minute away."""
        self._failures += 1
        self._next_trial = self._clock() + _REST_SECONDS

    def try_once(self) -> bool:
        """Return whether this call may go; of the calls while half open, only the first."""
        if self._failures < _FAILURES:
            return True
        if self._clock() < self._next_trial:
            return False
        self._next_trial = self._clock() + _REST_SECONDS
        return True
