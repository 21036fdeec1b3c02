"""Decode a runner's JSON lines into cells with exactly the database's values."""

import base64
import json
import math
import re
from collections.abc import Callable, Container, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import attrgetter
from typing import Any

import orjson
from psycopg import adapters
from psycopg.pq.abc import PGresult

from zava.data.syntax.outside_text import HOLDS_NO_TEXT
from zava.errors import DatabaseFault
from zava.model.core import Column

Origins = frozenset[tuple[int, int]]
"""Pairs (table oid, column number) of text that customers or suppliers wrote.

A pair of a type's oid and 0 names an enumeration of another application: its values are texts.
"""

_MAX_EXACT_INTEGER = 2**53
"""Beyond it a JSON reader that keeps doubles would change the number."""

_MAX_EXACT_INTEGER_CHARACTERS = len(str(-_MAX_EXACT_INTEGER))

_CELL = "\x1f"
_TRUTHS = {"t": True, "f": False, "": None}

_NO_MODIFIER, _HEADER_BYTES = -1, 4
_NAME_OF, _TYPE_OF = attrgetter("name"), attrgetter("type")

_LINES_AT_ONCE = 64  # their objects are freed while the processor's cache still holds them
_DEEPEST = 100
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

_ENUMERATION = "text"
_BYTEA, _INT8, _NUMERIC = "bytea", "int8", "numeric"
# Types whose JSON text a fast reader keeps; it would merge repeated keys of a JSON value.
_READ_FAST = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "bpchar", "name"}
    | {"uuid", "bytea", "date", "time", "timetz", "timestamp", "timestamptz", "interval"}
    | {_NUMERIC}
)
_DOCUMENTS = frozenset({"json", "jsonb"})
# Numbers, and what is none: NaN and the infinities are strings in JSON.
_MAY_BE_TEXT = frozenset({_INT8, _NUMERIC, "float4", "float8"})
_MAY_BE_MIXED = _MAY_BE_TEXT | {f"{name}[]" for name in _MAY_BE_TEXT}
# A double keeps every decimal of fifteen digits, so only a longer run can be one that it rounds:
# a line that holds sixteen of these characters in a row is read exactly.
_ALWAYS_EXACT_DIGITS = 15
_TO_DIGITS = bytes.maketrans(b"123456789.", b"0000000000")
_LONG_RUN = b"0" * 16


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it stood, so that two columns of one name stay two."""


def read_columns(
    description: PGresult, outside_text: Origins, *, reads_outside_text: bool = False
) -> tuple[Column, ...]:
    """Name and type each output column from the server's own description.

    `reads_outside_text` marks each computed column, too, that an outsider's words fit into.
    """
    columns = [
        _column(
            description.fname(index) or b"",
            description.ftype(index),
            # Only what a table holds is sure to be what its modifier says.
            description.fmod(index) if description.ftable(index) else _NO_MODIFIER,
            is_outside_text=(description.ftable(index), description.ftablecol(index))
            in outside_text,
            # A whole row has a table and no column.
            may_hold_outside_text=reads_outside_text and not description.ftablecol(index),
            is_enumeration=(description.ftype(index), 0) in outside_text,
        )
        for index in range(description.nfields)
    ]
    return tuple(columns)


def read_rows(columns: Sequence[Column], lines: Sequence[bytes]) -> list[list[Any]]:
    """Return the rows in column order.

    A number stays a number when a double holds it exactly, and is a string otherwise. The numbers
    of one column are all numbers or all strings, in the server's own writing. Fractions within a
    JSON value are numbers, as in every reader of JSON.

    Raises:
        DatabaseFault: a JSON value nests deeper than clients read.
    """
    names, types = set(map(_NAME_OF, columns)), set(map(_TYPE_OF, columns))
    if len(names) < len(columns) or not types <= _READ_FAST:
        documents = {i for i, column in enumerate(columns) if column.type in _DOCUMENTS}
        rows = [_read_row(line, documents) for line in lines]
    elif _NUMERIC in types and any(map(_has_long_numbers, columns)) and _may_round(b"".join(lines)):
        rows = [
            _read_row(line) if _may_round(line) else list(orjson.loads(line).values())
            for line in lines
        ]
    else:
        rows = [
            list(row.values())
            for start in range(0, len(lines), _LINES_AT_ONCE)
            for row in orjson.loads(b"[%s]" % b",".join(lines[start : start + _LINES_AT_ONCE]))
        ]
    for index, column in enumerate(columns):
        convert = _CONVERSIONS.get(column.type)
        if convert is not None:
            for row in rows:
                row[index] = convert(row[index])
    if types.isdisjoint(_MAY_BE_MIXED):
        return rows
    mixed = [
        index
        for index, column in enumerate(columns)
        if _may_be_text(column) and _is_mixed([row[index] for row in rows])
    ]
    for row, line in zip(rows, lines, strict=True) if mixed else ():
        texts = _read_texts(line.decode())
        for index in mixed:
            row[index] = _plain(texts[index][1], _DEEPEST)
    return rows


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
    if column.type in _READ_FAST and not (_has_long_numbers(column) and _may_round(array)):
        values: list[Any] = orjson.loads(array)
    else:
        is_document = column.type in _DOCUMENTS
        values = _read_values(array, lambda cells: [(is_document, cell) for cell in cells])
    convert = _CONVERSIONS.get(column.type)
    if convert is not None:
        values = [convert(value) for value in values]
    if _may_be_text(column) and _is_mixed(values):
        values = [_plain(text, _DEEPEST) for text in _read_texts(array.decode())]
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


def _may_be_text(column: Column) -> bool:
    return column.type.removesuffix("[]") in _MAY_BE_TEXT


def _is_mixed(values: Sequence[Any]) -> bool:
    """Whether some of a column's numbers are strings and others are not."""
    kinds = set(map(type, values))
    if list in kinds:
        kinds = {type(one) for value in values for one in _leaves(value)}
    return str in kinds and not kinds <= {str, type(None)}


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def _has_long_numbers(column: Column) -> bool:
    return column.type == _NUMERIC and (column.most_digits or math.inf) > _ALWAYS_EXACT_DIGITS


def _may_round(text: bytes) -> bool:
    return _LONG_RUN in text.translate(_TO_DIGITS)


@lru_cache(1024)  # a name of at most 63 bytes and a type, the same whoever asked
def _column(
    name: bytes,
    type_oid: int,
    modifier: int,
    *,
    is_outside_text: bool,
    may_hold_outside_text: bool,
    is_enumeration: bool,
) -> Column:
    if is_enumeration:
        return Column(name.decode(), _ENUMERATION)
    type_name = _type_name(type_oid)
    if may_hold_outside_text and type_name.removesuffix("[]") not in HOLDS_NO_TEXT:
        is_outside_text = True
    most_digits = _most_digits(modifier) if type_name == _NUMERIC else None
    return Column(name.decode(), type_name, is_outside_text, most_digits)


def _most_digits(modifier: int) -> int | None:
    """Return the precision of a numeric(precision, scale), None without one or a usual scale.

    PostgreSQL packs both into the type's modifier, above the length of a header. A scale below
    zero allows longer numbers than the precision, and a scale above the precision longer fractions.
    """
    if modifier == _NO_MODIFIER:
        return None
    precision, scale = divmod(modifier - _HEADER_BYTES, 1 << 16)
    return precision if scale <= precision else None


def _type_name(oid: int) -> str:
    info = adapters.types.get(oid)
    if info is None:
        return "other"
    return f"{info.name}[]" if info.array_oid == oid else info.name


def _integer(text: str) -> int | str:
    if len(text) > _MAX_EXACT_INTEGER_CHARACTERS:
        return text
    value = int(text)
    return value if abs(value) <= _MAX_EXACT_INTEGER else text


class _Inexact(str):
    """A number that a double would round."""

    __slots__ = ()


def _decimal(text: str) -> float | str:
    value = float(text)
    try:
        return value if Decimal(repr(value)) == Decimal(text) else _Inexact(text)
    except InvalidOperation:  # an exponent beyond what is reckoned with
        return _Inexact(text)


_read_exactly = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_float=_decimal, parse_int=_integer
).decode


_read_texts = json.JSONDecoder(object_pairs_hook=_Pairs, parse_float=str, parse_int=str).decode


def _read_row(line: bytes, documents: Container[int] = ()) -> list[Any]:
    """Return a line's cells; `documents` are the places of JSON, whose numbers stay numbers."""
    return _read_values(
        line, lambda pairs: [(place in documents, value) for place, (_, value) in enumerate(pairs)]
    )


def _read_values(text: bytes, cells: Callable[[Any], list[tuple[bool, Any]]]) -> list[Any]:
    """Return the values that `cells` picks from a JSON text; its flag marks one that is JSON."""
    try:
        values = [
            _plain(value, _DEEPEST, is_document=is_document)
            for is_document, value in cells(_read_exactly(text.decode()))
        ]
    except RecursionError:
        raise _too_deep() from None
    # The type json keeps halves of surrogate pairs, which no text of an answer may hold.
    return _whole(values) if _SURROGATE.search(text) else values


def _plain(value: Any, levels: int, *, is_document: bool = False) -> Any:
    if isinstance(value, _Inexact):
        number = float(value)
        # Beyond the range of a double nothing of the number would remain.
        return number if is_document and number and math.isfinite(number) else str(value)
    if not isinstance(value, list):
        return value
    if not levels:
        raise _too_deep()
    if isinstance(value, _Pairs):
        return {key: _plain(one, levels - 1, is_document=is_document) for key, one in value}
    return [_plain(one, levels - 1, is_document=is_document) for one in value]


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(inner) for key, inner in value.items()}
    return value


def _too_deep() -> DatabaseFault:
    return DatabaseFault(
        f"A JSON value nests deeper than {_DEEPEST} levels.",
        hint="Select the part that you need, with -> or #>, or cast the value to text.",
    )


def _to_base64(value: str | None) -> str | None:
    # The server writes bytea as \x followed by hexadecimal digits.
    if value is None:
        return None
    return "base64:" + base64.b64encode(bytes.fromhex(value[2:])).decode()


def _exact_integer(value: int | str | None) -> int | str | None:
    if isinstance(value, int) and abs(value) > _MAX_EXACT_INTEGER:
        return str(value)
    return value


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {_BYTEA: _to_base64, _INT8: _exact_integer}

_TEXTS = frozenset({"text", "varchar", "bpchar", "name"})
_AS_TEXT: dict[str, Callable[..., Sequence[Any]]] = {
    **dict.fromkeys(("int2", "int4", "int8", _NUMERIC, "float4", "float8"), _numbers),
    **dict.fromkeys((*_TEXTS, "uuid", "date", "time", "timetz", "interval"), _words),
    **dict.fromkeys(("timestamp", "timestamptz"), _moments),
    **dict.fromkeys(_DOCUMENTS, _documents),
    "bool": lambda _, cells, **__: [_TRUTHS[cell] for cell in cells],
    _BYTEA: lambda _, cells, **__: [_to_base64(cell or None) for cell in cells],
}
