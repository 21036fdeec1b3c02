"""What an import did, and the rows that it did not load, with the rule that each breaks."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import fdopen
from pathlib import Path
from stat import S_IMODE
from tempfile import mkstemp
from typing import Any, Literal, TextIO
from uuid import UUID

import psycopg

from zava.retail.importing.staging import REJECTS_END

Mode = Literal["append", "upsert", "replace-period"]
MODES: tuple[Mode, ...] = ("append", "upsert", "replace-period")

_REJECTS = """
SELECT file, row, table_name, column_name, rule, value, record - 'file' - 'row'
FROM zava_import.rejects WHERE run_id = %s
ORDER BY file, row, table_name, column_name
"""


@dataclass(frozen=True, slots=True)
class Reject:
    """One rule that a row of a file breaks."""

    file: Path
    row: int
    table: str
    column: str | None
    rule: str
    value: str | None
    record: dict[str, Any]

    def __str__(self) -> str:
        """Return it as one line without the value, which may be a person's."""
        column = f", {self.column}" if self.column else ""
        return f"{self.file.name}: row {self.row}{column}: {self.rule}"


@dataclass(slots=True)
class Counts:
    """What happened to the rows of one table."""

    staged: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    rejected: int = 0

    @property
    def written(self) -> int:
        """Return how many rows of the table are another than before."""
        return self.added + self.changed + self.removed


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do; `notes` are sentences for a person."""

    run_id: UUID
    is_dry_run: bool
    was_resumed: bool
    counts: dict[str, Counts] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """Return how many rows were not loaded."""
        return sum(counts.rejected for counts in self.counts.values())


def read_rejects(
    connection: psycopg.Connection, run_id: UUID, files: Sequence[Path]
) -> list[Reject]:
    """Return the rejects of a run in the order of their rows."""
    return [
        Reject(files[number], *rest) for number, *rest in connection.execute(_REJECTS, [run_id])
    ]


def write_rejects(rejects: Iterable[Reject]) -> list[Path]:
    """Write the rejects of each file beside it as CSV; return the paths written.

    Who may not read the file may not read its rejects. What has their name is replaced, never
    written through: another program may write links into the directory.

    Raises:
        OSError: the directory does not allow it.
    """
    by_file: dict[Path, list[Reject]] = {}
    for reject in rejects:
        by_file.setdefault(reject.file, []).append(reject)
    written = []
    for file, found in by_file.items():
        path = file.with_name(file.name + REJECTS_END)
        columns = list(dict.fromkeys(name for reject in found for name in reject.record))
        with _replaced(path, file.stat().st_mode) as opened:
            lines = csv.writer(opened)
            lines.writerow(["row", "table", "column", "rule", "value", *columns])
            for reject in found:
                cells = [reject.record.get(name) for name in columns]
                lines.writerow(
                    [reject.row, reject.table, reject.column, reject.rule, reject.value, *cells]
                )
        written.append(path)
    return written


@contextmanager
def _replaced(path: Path, mode: int) -> Iterator[TextIO]:
    """Lend a new file, which takes the place of `path` when the block ends."""
    made, name = mkstemp(prefix=".", suffix=REJECTS_END, dir=path.parent)
    try:
        with fdopen(made, "w", encoding="utf-8", newline="") as opened:
            yield opened
        Path(name).chmod(S_IMODE(mode) & 0o666)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
