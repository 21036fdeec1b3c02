"""Reads the rows of a file of any format as text, a bounded number at once."""

import codecs
import csv
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, cast

from zava.retail.importing.layout import ImportRefused
from zava.retail.importing.mapping import Mapping

Cell = str | None
Rows = Iterator[tuple[int, Sequence[Cell]]]

_MAX_CELL_CHARACTERS = 1_000_000
# A file without line ends, such as a disk's image, must not be read into memory as one line.
_MAX_LINE_CHARACTERS = 10_000_000
_PIECE_BYTES = 1 << 20
_ROWS_OF_HEADER = 1000  # a JSON object may leave a member out
# Wrong characters, quotes that never end, and compressed files that were cut or changed.
_UNREADABLE = (UnicodeDecodeError, csv.Error, EOFError, gzip.BadGzipFile, zlib.error)
_BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file holds: its SHA-256 and size, and the moment of its last change."""

    name: str
    sha256: str
    size: int
    changed: int


def fingerprint(path: Path) -> Fingerprint:
    """Return what identifies the content of a file.

    Raises:
        ImportRefused: the file is empty.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    found = path.stat()
    if not found.st_size:
        raise ImportRefused(f"{path.name}: the file is empty")
    return Fingerprint(path.name, digest.hexdigest(), found.st_size, found.st_mtime_ns)


def refuse_changed(path: Path, known: Fingerprint) -> None:
    """Refuse a file that was written to since its fingerprint was taken.

    Raises:
        ImportRefused: it has another size or moment of change.
    """
    found = path.stat()
    if (found.st_size, found.st_mtime_ns) != (known.size, known.changed):
        raise ImportRefused(
            f"{path.name}: the file changed while it was read; nothing was loaded;"
            " run the import again when the file is complete"
        )


@contextmanager
def open_rows(
    path: Path, mapping: Mapping, each: str | None = None
) -> Iterator[tuple[list[str], Rows]]:
    """Lend the names of the columns and the rows, each with its number in the file.

    `each` names a list in the objects of JSON Lines, of which each element makes a row.

    Raises:
        ImportRefused: the file has no header, or cannot be read; the message names the row.
    """
    name = path.name.lower()
    if name.endswith(".parquet"):
        yield _parquet(path)
    elif name.endswith(".xlsx"):
        with _workbook(path) as found:
            yield found
    else:
        with _open(path) as raw:
            try:
                encoding = _encoding(raw, mapping.encoding)
            except _UNREADABLE as error:
                raise _unreadable(path, 1, error, mapping.encoding) from error
            with TextIOWrapper(raw, encoding=encoding, newline="") as text:
                if ".jsonl" in name:
                    yield _json_lines(path, text, each)
                else:
                    yield _separated(path, text, mapping)


def _open(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _encoding(raw: IO[bytes], given: str) -> str:
    try:
        codecs.lookup(given)
    except LookupError:
        raise ImportRefused(f"encoding: {given} is unknown; utf-8 or windows-1252 are") from None
    head = raw.read(2)
    raw.seek(0)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if head == mark:
            return encoding
    return "utf-8-sig" if given.lower().replace("_", "-") in {"utf-8", "utf8"} else given


def _separated(path: Path, text: TextIOWrapper, mapping: Mapping) -> tuple[list[str], Rows]:
    csv.field_size_limit(_MAX_CELL_CHARACTERS)
    try:
        first = text.readline(_MAX_LINE_CHARACTERS)
        delimiter = mapping.delimiter or max(",;\t|", key=first.count)
        text.seek(0)
        reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
        header = [cell.strip() for cell in next(reader, [])]
    except _UNREADABLE as error:
        raise _unreadable(path, 1, error, mapping.encoding) from error
    if not any(header):
        raise ImportRefused(f"{path.name}: row 1: there are no names of columns")
    _refuse_repeated(path, header)

    def rows() -> Rows:
        number = reader.line_num + 1
        while True:
            try:
                cells = next(reader, None)
            except _UNREADABLE as error:
                raise _unreadable(path, number, error, mapping.encoding) from error
            if cells is None:
                return
            if cells:  # a blank line is none
                yield number, cells
            number = reader.line_num + 1

    return header, rows()


def _lines(text: TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_MAX_LINE_CHARACTERS):
        if len(line) == _MAX_LINE_CHARACTERS:
            raise csv.Error(f"the line has more than {_MAX_LINE_CHARACTERS:,} characters")
        yield line


def _unreadable(path: Path, row: int, error: Exception, encoding: str) -> ImportRefused:
    if isinstance(error, UnicodeDecodeError):
        return ImportRefused(
            f"{path.name}: row {_undecodable(path, encoding, row)}: a character is not {encoding};"
            " set `encoding` in the mapping, such as windows-1252; nothing was loaded"
        )
    return ImportRefused(f"{path.name}: row {row}: {error}; nothing was loaded")


def _undecodable(path: Path, encoding: str, row: int) -> int:
    """Return the first line that the encoding cannot hold; text is decoded in larger pieces."""
    decoder = codecs.getincrementaldecoder(encoding)()
    number = 1
    with _open(path) as raw:
        while piece := raw.readline(_PIECE_BYTES):
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                return number
            number += piece.endswith(b"\n")
    return row


def _refuse_repeated(path: Path, header: Sequence[str]) -> None:
    for name in header:
        if name and header.count(name) > 1:
            raise ImportRefused(f"{path.name}: row 1: the column {name} is there twice")


def _json_lines(path: Path, text: TextIOWrapper, each: str | None) -> tuple[list[str], Rows]:
    documents = (
        (number, document)
        for number, line in enumerate(_lines(text), 1)
        if line.strip()
        for document in _flat(_document(path, number, line), each)
    )
    try:
        first = list(islice(documents, _ROWS_OF_HEADER))
    except _UNREADABLE as error:
        raise _unreadable(path, 1, error, text.encoding) from error
    if not first:
        raise ImportRefused(f"{path.name}: the file is empty")
    header = list(dict.fromkeys(name for _, document in first for name in document))
    known = frozenset(header)

    def rows() -> Rows:
        number = 1
        try:
            for number, document in chain(first, documents):
                if not known.issuperset(document):
                    added = next(name for name in document if name not in known)
                    raise ImportRefused(
                        f"{path.name}: row {number}: {added} is in none of the first"
                        f" {_ROWS_OF_HEADER:,} rows; write it into the first row, as null"
                    )
                yield number, [_text(document.get(name)) for name in header]
        except _UNREADABLE as error:
            raise _unreadable(path, number, error, text.encoding) from error

    return header, rows()


def _flat(document: dict[str, Any], each: str | None) -> Iterator[dict[str, Any]]:
    """Yield an object with the members of inner objects beside its own, named `outer.inner`."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": member for inner, member in value.items()}
        elif name != each:
            flat[name] = value
    if each is None:
        yield flat
        return
    elements = document.get(each) or []
    # What is no list of objects has none of the members that a mapping names.
    for element in elements if isinstance(elements, list) else [elements]:
        members = element if isinstance(element, dict) else {"": element}
        yield flat | {f"{each}.{inner}": member for inner, member in members.items()}


def _document(path: Path, row: int, line: str) -> dict[str, Any]:
    try:
        document = json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise ImportRefused(f"{path.name}: row {row}: no JSON ({error})") from error
    if not isinstance(document, dict):
        raise ImportRefused(f"{path.name}: row {row}: expected one JSON object a line")
    return document


def _parquet(path: Path) -> tuple[list[str], Rows]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise _missing(path) from None
    try:
        file = parquet.ParquetFile(path)
    except Exception as error:
        raise ImportRefused(f"{path.name}: this is no Parquet file ({error})") from error
    header = list(file.schema_arrow.names)

    def rows() -> Rows:
        number = 0
        for batch in _whole(path, file.iter_batches(batch_size=8192)):
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, [_text(cell) for cell in cells]

    return header, rows()


@contextmanager
def _workbook(path: Path) -> Iterator[tuple[list[str], Rows]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise _missing(path) from None
    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
        sheet = workbook.worksheets[0]
    except Exception as error:
        raise ImportRefused(f"{path.name}: this is no workbook ({error})") from error
    try:
        yield _rows_of(path, sheet)
    finally:
        workbook.close()


def _rows_of(path: Path, sheet: Any) -> tuple[list[str], Rows]:
    """Return the names and the rows of a sheet."""
    lines = _whole(path, sheet.iter_rows(values_only=True))
    header = [(_text(cell) or "").strip() for cell in next(lines, ())]
    if not any(header):
        raise ImportRefused(f"{path.name}: row 1: there are no names of columns")
    _refuse_repeated(path, header)

    def rows() -> Rows:
        for number, cells in enumerate(lines, 2):
            if any(cell is not None for cell in cells):
                yield number, _as_long_as(header, [_text(cell) for cell in cells])

    return header, rows()


def _as_long_as(header: Sequence[str], cells: list[Cell]) -> list[Cell]:
    """Return a row as long as the header: a sheet may leave out empty cells at its end."""
    while len(cells) > len(header) and cells[-1] is None:
        cells.pop()
    return cells + [None] * (len(header) - len(cells))


def _whole(path: Path, pieces: Iterable[Any]) -> Iterator[Any]:
    """Yield the pieces of a file whose library raises errors of many kinds where it is damaged."""
    try:
        yield from pieces
    except Exception as error:
        raise ImportRefused(f"{path.name}: the file is damaged ({error})") from error


def _missing(path: Path) -> ImportRefused:
    return ImportRefused(
        f"{path.name}: Parquet and XLSX need the extra `import`: pip install 'zava[import]'"
    )


def _text(value: Any) -> Cell:
    """Return a cell of another format as a CSV file would have it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (list, dict)):
        return json.dumps(value, default=str)
    return str(value)
