"""How many requests are served at once; one more is told to come back before any work is done.

Requests that wait for each other make everybody slow. Those that are let in keep their latency,
because no more are let in than the process serves well.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from zava import observe
from zava.errors import Busy
from zava.measures import Refusal

RETRY_AFTER_SECONDS = 1


class Admission:
    """A count of the requests under way and its bound."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold one of the places while the block runs.

        Raises:
            Busy: all are taken.
        """
        if self._under_way >= self._most:
            observe.request_refused(Refusal.NO_CAPACITY)
            raise Busy(
                "The server is at its capacity.",
                hint=f"Try again in {RETRY_AFTER_SECONDS} second.",
            )
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
