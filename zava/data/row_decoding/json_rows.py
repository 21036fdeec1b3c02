"""Rows that come as a JSON object each."""

from collections.abc import Container, Sequence
from operator import attrgetter
from typing import Any

import orjson

from zava.data.row_decoding.column_types import DOCUMENTS, NUMERIC, are_plain
from zava.data.row_decoding.exact_values import (
    CONVERTED,
    DEEPEST,
    MAY_BE_MIXED,
    converted,
    has_long_numbers,
    is_mixed,
    may_be_text,
    may_round,
    plain,
    read_texts,
    read_values,
)
from zava.model.core import Column

_LINES_AT_ONCE = 64  # their objects are freed while the processor's cache still holds them
_NAME_OF, _TYPE_OF = attrgetter("name"), attrgetter("type")


def read_rows(columns: Sequence[Column], lines: Sequence[bytes]) -> list[list[Any]]:
    """Return the rows in column order.

    A number stays a number when a double holds it exactly, and is a string otherwise. The numbers
    of one column are all numbers or all strings, in the server's own writing. Fractions within a
    JSON value are numbers, as in every reader of JSON.

    Raises:
        DatabaseFault: a JSON value nests deeper than clients read.
    """
    types = set(map(_TYPE_OF, columns))
    if not are_plain(columns):
        documents = {i for i, column in enumerate(columns) if column.type in DOCUMENTS}
        rows = [_read_row(line, documents) for line in lines]
    elif NUMERIC in types and any(map(has_long_numbers, columns)) and may_round(b"".join(lines)):
        rows = [
            _read_row(line) if may_round(line) else list(orjson.loads(line).values())
            for line in lines
        ]
    else:
        rows = [
            list(row.values())
            for start in range(0, len(lines), _LINES_AT_ONCE)
            for row in orjson.loads(b"[%s]" % b",".join(lines[start : start + _LINES_AT_ONCE]))
        ]
    for index, column in enumerate(columns):
        if column.type in CONVERTED:
            cells = converted(column, [row[index] for row in rows])
            for row, cell in zip(rows, cells, strict=True):
                row[index] = cell
    if types.isdisjoint(MAY_BE_MIXED):
        return rows
    mixed = [
        index
        for index, column in enumerate(columns)
        if may_be_text(column) and is_mixed([row[index] for row in rows])
    ]
    for row, line in zip(rows, lines, strict=True) if mixed else ():
        texts = read_texts(line.decode())
        for index in mixed:
            row[index] = plain(texts[index][1], DEEPEST)
    return rows


def read_described_rows(
    described: Sequence[Column], lines: Sequence[bytes]
) -> list[list[Any]] | None:
    """Return rows of columns that were described before, None where they have others by now.

    Raises:
        DatabaseFault: a JSON value nests deeper than clients read.
    """
    try:
        if lines and _names(lines[0]) != list(map(_NAME_OF, described)):
            return None
        return read_rows(described, lines)
    except (ValueError, TypeError):  # a column's type was changed, too
        return None


def _names(line: bytes) -> list[str]:
    try:
        return list(orjson.loads(line))
    except orjson.JSONDecodeError:  # a number is beyond the range of a double
        return [name for name, _ in read_texts(line.decode())]


def _read_row(line: bytes, documents: Container[int] = ()) -> list[Any]:
    """Return a line's cells; `documents` are the places of JSON, whose numbers stay numbers."""
    return read_values(
        line, lambda pairs: [(place in documents, value) for place, (_, value) in enumerate(pairs)]
    )
