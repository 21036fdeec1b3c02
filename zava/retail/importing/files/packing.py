"""Packs rewritten rows as the text that COPY reads, many of them at once."""

from collections.abc import Iterator, Sequence
from itertools import islice

from zava.retail.importing.files.reading import Cell, Rows
from zava.retail.importing.files.rewriting import Record
from zava.retail.importing.layout import ImportRefused

# Few enough that they stay in the processor's cache: of 5,000 rows each takes twice as long.
_ROWS_OF_A_BATCH = 250
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

COPY_OPTIONS = "FORMAT text, NULL ''"
"""How COPY reads what is packed: an empty cell is NULL."""


def batches(rows: Rows) -> Iterator[tuple[Sequence[int], Sequence[Sequence[Cell]]]]:
    """Yield the numbers and the cells of some rows at a time."""
    while batch := list(islice(rows, _ROWS_OF_A_BATCH)):
        numbers, cells = zip(*batch, strict=True)
        yield numbers, cells


def pack(records: Sequence[Record], number: int, file: str) -> bytes:
    """Return rows as lines of COPY's text format, each behind the number of its file.

    Raises:
        ImportRefused: a cell holds what no text of PostgreSQL can hold.
    """
    between = f"\n{number}\t"
    text = between.join(map("\t".join, records))
    breaks = len(records) - 1
    tabs = (len(records[0]) - 1) * len(records) + breaks
    # Most cells need no escape; the counts show it of many at once.
    is_plain = "\\" not in text and "\r" not in text
    if not is_plain or (text.count("\t"), text.count("\n")) != (tabs, breaks):
        text = between.join("\t".join(map(_escaped, record)) for record in records)
    if "\0" in text:
        raise _unholdable(records, file, "\0", "a NUL character")
    try:
        return f"{number}\t{text}\n".encode()
    except UnicodeEncodeError as error:
        surrogate = error.object[error.start]
        raise _unholdable(records, file, surrogate, "half of a surrogate pair") from error


def _escaped(cell: str) -> str:
    return cell.translate(_ESCAPES)


def _unholdable(records: Sequence[Record], file: str, character: str, what: str) -> ImportRefused:
    number = next(record[0] for record in records if any(character in cell for cell in record))
    return ImportRefused(f"{file}: row {number}: a cell holds {what}")
