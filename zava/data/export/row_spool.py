"""Rows on the disk, between the database and a client that may read slowly.

The statement runs to its end at the database's speed, and its rows leave at the client's. In the
meantime they are in a file without a name, which the system removes with the process.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

from zava.errors import Busy

_LINES_AT_ONCE = 500
_RETRY_SECONDS = 60
_BYTES_AT_ONCE = 256 * 1024  # lines may be long: what leaves together is in memory


class RowSpool:
    """The rows of one run, a JSON object a line; the file is closed once they were read."""

    def __init__(self) -> None:
        """Open the file.

        Raises:
            Busy: the disk takes none.
        """
        try:
            self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115  # it outlives this call; `close` ends it
        except OSError as error:
            raise _full() from error
        self.count = self.bytes = 0

    def restart(self) -> None:
        """Forget the rows: the statement runs anew."""
        self._file.seek(0)
        self._file.truncate()
        self.count = self.bytes = 0

    def add(self, lines: Sequence[bytes]) -> None:
        """Keep the next rows.

        Raises:
            Busy: the disk takes no more.
        """
        try:
            # PostgreSQL writes a line break within a value as an escape.
            self.bytes += self._file.write(b"".join(line + b"\n" for line in lines))
            # What the disk refuses shows here, while the call can still be refused.
            self._file.flush()
        except OSError as error:
            raise _full() from error
        self.count += len(lines)

    def rows(self) -> Iterator[list[bytes]]:
        """Yield all rows, some at a time."""
        self._file.seek(0)
        some: list[bytes] = []
        size = 0
        for line in self._file:
            some.append(line)
            size += len(line)
            if len(some) == _LINES_AT_ONCE or size > _BYTES_AT_ONCE:
                yield some
                some, size = [], 0
        if some:
            yield some

    def close(self) -> None:
        """Remove the file."""
        with suppress(OSError):  # a full disk refuses the rest once more; the file is gone
            self._file.close()


def _full() -> Busy:
    return Busy(
        "The server's disk has no room for these rows.",
        hint="Export fewer rows or columns, or try again later.",
        retry_after_seconds=_RETRY_SECONDS,
    )
