"""How many exports are under way: the rows of each hold the disk until its client has read them."""

import weakref
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from zava.errors import Busy
from zava.protocol.console.exported_rows import Spool

MOST_OPEN = 8
MOST_OF_A_PERSON = 2
_COME_BACK_SECONDS = 5


class OpenExports:
    """The places of the exports of one process."""

    def __init__(self) -> None:
        self._open: Counter[bytes] = Counter()

    def take(self, identity: bytes) -> "ExportPlace":
        """Return a place; it is free again when it is closed.

        Raises:
            Busy: the person has two exports under way, or all persons together have eight.
        """
        if self._open[identity] >= MOST_OF_A_PERSON or self._open.total() >= MOST_OPEN:
            raise Busy(
                "Too many exports are under way.",
                hint="Read or cancel an export before the next one.",
                retry_after_seconds=_COME_BACK_SECONDS,
            )
        self._open[identity] += 1
        return ExportPlace(self._open, identity)


class ExportPlace:
    """The place of one export, and the spool of its rows once there is one."""

    def __init__(self, places: Counter[bytes], identity: bytes) -> None:
        self._places = places
        self._identity = identity
        self._is_open = True
        self.spool: Spool | None = None

    def rows(self) -> Iterator[list[bytes]]:
        """Yield all rows, some at a time."""
        if self.spool is not None:
            yield from self.spool.rows()

    def close(self) -> None:
        """Remove the rows and free the place; a second call has no effect."""
        if not self._is_open:
            return
        self._is_open = False
        self._places -= Counter([self._identity])
        if self.spool is not None:
            self.spool.close()


class ExportedFile(AsyncGenerator[bytes, None]):
    """The parts of an export, whose place is freed though no part was requested.

    A generator that never began runs no `finally`. So the place is closed here, and by the
    collection of an answer that was dropped on its way.
    """

    def __init__(self, parts: AsyncGenerator[bytes, None], place: ExportPlace) -> None:
        self._parts = parts
        self._close_place = weakref.finalize(self, place.close)

    async def asend(self, value: None) -> bytes:
        """Return the next part."""
        return await self._parts.asend(value)

    async def athrow(self, *fault: Any) -> bytes:
        """End the parts by an exception, as `aclose` does."""
        try:
            return await self._parts.athrow(*fault)
        finally:
            self._close_place()
