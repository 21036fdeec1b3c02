"""The file of an export: rows of a statement as CSV or JSON Lines, written while they leave."""

import csv
import io
import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, Protocol

from anyio.lowlevel import checkpoint

from zava.model.core import Column

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}

# What begins a formula. The wide forms are read as the others where such writing is usual.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf" *[{_SIGNS}\t\r\n]")
_NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
# Where a list separates by semicolons, and where a file is pasted, a cell begins within a text.
# Only a formula with a call, a link or another document is neutralised there.
_WITHIN = re.compile(rf"([;\t\r\n] *)(?=[{_SIGNS}][^;\t\r\n]*[(|!\uff08\uff5c\uff01])")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # by which a spreadsheet knows UTF-8


class Spool(Protocol):
    """Rows that wait to leave, each a line of JSON."""

    def rows(self) -> Iterator[list[bytes]]:
        """Yield all rows, some at a time."""

    def close(self) -> None:
        """Remove what is kept of them."""


async def exported(
    form: str, columns: Sequence[Column], spool: Spool
) -> AsyncGenerator[bytes, None]:
    """Yield the parts of the file; the spool is closed at the end, and when the client leaves."""
    try:
        if form == "csv":
            yield _BYTE_ORDER_MARK + _line([_safe(column.name) for column in columns])
        for some in spool.rows():
            yield b"".join(some) if form == "jsonl" else _csv_rows(some)
            # Writing takes the processor: other requests have their turn in between.
            await checkpoint()
    finally:
        spool.close()


def _csv_rows(lines: Sequence[bytes]) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written)
    for line in lines:
        # Numbers stay the text that PostgreSQL wrote: a float would round long ones. The pairs keep
        # two columns of one name apart.
        pairs = json.loads(line, parse_float=str, parse_int=str, object_pairs_hook=_Members)
        cells = [value for _, value in pairs]
        if any(isinstance(value, list) for value in cells):  # their numbers are no texts
            whole = json.loads(line, object_pairs_hook=_Members)
            cells = [
                nested if isinstance(value, list) else value
                for value, (_, nested) in zip(cells, whole, strict=True)
            ]
        writer.writerow([_cell(value) for value in cells])
    return written.getvalue().encode()


class _Members(list[tuple[str, Any]]):
    """The names and values of a JSON object, in its order."""


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return _safe(value)
    if value is None:
        return ""
    return _safe(json.dumps(_plain(value), ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, _Members):
        return {name: _plain(inner) for name, inner in value}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _safe(text: str) -> str:
    """Return a text that a spreadsheet shows: an apostrophe precedes what it would run."""
    text = _WITHIN.sub(r"\1'", text)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _line(cells: Sequence[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue().encode()
