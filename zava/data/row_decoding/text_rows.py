"""Rows that come as text: the cells as PostgreSQL writes them, column by column."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from zava.data.row_decoding.column_types import BYTEA, DOCUMENTS, NUMERIC, READ_FAST
from zava.data.row_decoding.exact_values import (
    DEEPEST,
    converted,
    has_long_numbers,
    is_mixed,
    may_be_text,
    may_round,
    plain,
    read_texts,
    read_values,
    to_base64,
)
from zava.model.core import Column

_CELL = "\x1f"
_TRUTHS = {"t": True, "f": False, "": None}


def read_text_rows(
    columns: Sequence[Column], lines: Sequence[bytes], *, width: int
) -> list[list[Any]] | None:
    """Return the rows of `zava.rows_as_text`, in the values of `read_rows`.

    `width` is for how many columns it was called. None where the text does not show the values.
    That is another width than the statement's, a column of arrays or rows, or a separator within a
    cell. It is also a row with both a NULL and an empty text in columns of text.

    Raises:
        DatabaseFault: a JSON value nests deeper than clients read.
    """
    # In rows of another width, a separator within a cell would be taken for the end of that cell.
    if len(columns) != width or any(column.type not in _AS_TEXT for column in columns):
        return None
    cells = _CELL.encode().join(lines).decode().split(_CELL)
    step = 1 + width  # the number of NULLs comes first
    if len(cells) != len(lines) * step:
        return None
    by_column: list[list[Any]] = [cells[place::step] for place in range(1, step)]
    texts_hold_nulls, nulls = False, sum(map(int, cells[::step]))
    if nulls:
        empty = sum(
            given.count("")
            for column, given in zip(columns, by_column, strict=True)
            if column.type not in _TEXTS
        )
        texts_hold_nulls = empty != nulls
        if texts_hold_nulls and cells.count("") != nulls:
            if not _found_nulls(columns, by_column, cells[::step]):
                return None
            texts_hold_nulls = False
    read = [
        _AS_TEXT[column.type](
            column, given, has_nulls=texts_hold_nulls if column.type in _TEXTS else nulls > 0
        )
        for column, given in zip(columns, by_column, strict=True)
    ]
    return list(map(list, zip(*read, strict=True)))


def _found_nulls(
    columns: Sequence[Column], by_column: Sequence[list[Any]], counts: Sequence[str]
) -> bool:
    """Put None into each cell of text that is NULL; return whether every row shows which are.

    `counts` are the NULLs of each row. In a column of another type each empty cell is one.
    """
    texts: list[list[Any]] = []
    others: list[list[Any]] = []
    for column, cells in zip(columns, by_column, strict=True):
        (texts if column.type in _TEXTS else others).append(cells)
    for place, count in enumerate(map(int, counts)):
        nulls = count - sum(not cells[place] for cells in others)
        if not nulls:
            continue
        empty = [cells for cells in texts if not cells[place]]
        if len(empty) > nulls:
            return False
        for cells in empty:
            cells[place] = None
    return True


def _read_array(column: Column, array: bytes) -> list[Any]:
    if column.type in READ_FAST and not (has_long_numbers(column) and may_round(array)):
        values: list[Any] = orjson.loads(array)
    else:
        is_document = column.type in DOCUMENTS
        values = read_values(array, lambda cells: [(is_document, cell) for cell in cells])
    values = converted(column, values)
    if may_be_text(column) and is_mixed(values):
        values = [plain(text, DEEPEST) for text in read_texts(array.decode())]
    return values


def _documents(column: Column, cells: Sequence[str], *, has_nulls: bool) -> list[Any]:
    given = (cell or "null" for cell in cells) if has_nulls else cells
    return _read_array(column, b"[%s]" % ",".join(given).encode())


def _numbers(column: Column, cells: Sequence[str], *, has_nulls: bool) -> list[Any]:
    if "N" in (joined := ",".join(cells)) or "I" in joined:  # NaN and the infinities
        cells = [f'"{cell}"' if cell[-1:].isalpha() else cell for cell in cells]
    return _documents(column, cells, has_nulls=has_nulls)


def _words(_: Column, cells: Sequence[str], *, has_nulls: bool) -> Sequence[str | None]:
    return [cell or None for cell in cells] if has_nulls else cells


def _moments(column: Column, cells: Sequence[str], *, has_nulls: bool) -> Sequence[str | None]:
    """Return times as PostgreSQL writes them in JSON: with a T, and minutes of the zone."""
    text = _CELL.join([*cells, ""])
    before_christ = " BC" in text
    if before_christ:
        text = text.replace(" BC", "_BC")
    text = text.replace(" ", "T")
    for zone in {cell.removesuffix(" BC")[-3:] for cell in cells}:
        if zone.startswith(("+", "-")):
            for end in (_CELL, "_BC")[: 1 + before_christ]:
                text = text.replace(zone + end, f"{zone}:00{end}")
    if before_christ:
        text = text.replace("_BC", " BC")
    return _words(column, text.split(_CELL)[:-1], has_nulls=has_nulls)


_TEXTS = frozenset({"text", "varchar", "bpchar", "name"})
_AS_TEXT: dict[str, Callable[..., Sequence[Any]]] = {
    **dict.fromkeys(("int2", "int4", "int8", NUMERIC, "float4", "float8"), _numbers),
    **dict.fromkeys((*_TEXTS, "uuid", "date", "time", "timetz", "interval"), _words),
    **dict.fromkeys(("timestamp", "timestamptz"), _moments),
    **dict.fromkeys(DOCUMENTS, _documents),
    "bool": lambda _, cells, **__: [_TRUTHS[cell] for cell in cells],
    BYTEA: lambda _, cells, **__: [to_base64(cell or None) for cell in cells],
}
