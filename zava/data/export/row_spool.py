"""Rows on the disk, between the database and a client that may read slowly.

The statement runs to its end at the database's speed, and its rows leave at the client's. In the
meantime they are in a file without a name, which the system removes with the process.
"""

from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO

_LINES_AT_ONCE = 500


class RowSpool:
    """The rows of one run, a JSON object a line; the file is closed once they were read."""

    def __init__(self) -> None:
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115  # it outlives this call; `close` ends it
        self.count = self.bytes = 0

    def restart(self) -> None:
        """Forget the rows: the statement runs anew."""
        self._file.seek(0)
        self._file.truncate()
        self.count = self.bytes = 0

    def add(self, lines: Sequence[bytes]) -> None:
        """Keep the next rows."""
        # PostgreSQL writes a line break within a value as an escape.
        self.bytes += self._file.write(b"".join(line + b"\n" for line in lines))
        self.count += len(lines)

    def rows(self) -> Iterator[list[bytes]]:
        """Yield all rows, some at a time."""
        self._file.seek(0)
        some: list[bytes] = []
        for line in self._file:
            some.append(line)
            if len(some) == _LINES_AT_ONCE:
                yield some
                some = []
        if some:
            yield some

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
