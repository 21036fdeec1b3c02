"""A mapping of bounded size, read at the cost of a dictionary."""

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RecentValues(OrderedDict[K, V]):
    """The values written last; `most` of them are kept.

    A reader who calls `move_to_end` on what it found keeps the values used last instead. A read of
    a library's cache takes five function calls, and one of this takes none.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        """Keep a value; the oldest one makes room."""
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)
