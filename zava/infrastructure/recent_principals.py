"""Which principals called within the last minute: one who is alone may use more."""

from collections import OrderedDict
from collections.abc import Callable

_SECONDS = 60
_MAX_REMEMBERED = 4096  # principals


class RecentPrincipals:
    """The principals seen last, by identity; the oldest are forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # When each was seen last, the latest at the end.
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._seen)

    def see(self, principal: bytes) -> None:
        """Remember that a principal calls now."""
        self._seen[principal] = self._clock()
        self._seen.move_to_end(principal)
        while len(self._seen) > _MAX_REMEMBERED:
            self._seen.popitem(last=False)

    def is_alone(self, principal: bytes) -> bool:
        """Whether no other principal called within the last minute."""
        for other in reversed(self._seen):
            if other != principal:
                return self._clock() - self._seen[other] > _SECONDS
        return True
