"""Values exactly as the database has them, where a fast reader of JSON would change them."""

import base64
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from zava.data.row_decoding.column_types import BYTEA, INT8, NUMERIC
from zava.errors import DatabaseFault
from zava.model.core import Column

_MAX_EXACT_INTEGER = 2**53
"""Beyond it a JSON reader that keeps doubles would change the number."""

_MAX_EXACT_INTEGER_CHARACTERS = len(str(-_MAX_EXACT_INTEGER))

DEEPEST = 100
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

# Numbers, and what is none: NaN and the infinities are strings in JSON.
_MAY_BE_TEXT = frozenset({INT8, NUMERIC, "float4", "float8"})
MAY_BE_MIXED = _MAY_BE_TEXT | {f"{name}[]" for name in _MAY_BE_TEXT}
# A double keeps every decimal of fifteen digits, so only a longer run can be one that it rounds:
# a line that holds sixteen of these characters in a row is read exactly.
_ALWAYS_EXACT_DIGITS = 15
_TO_DIGITS = bytes.maketrans(b"123456789.", b"0000000000")
_LONG_RUN = b"0" * 16


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it stood, so that two columns of one name stay two."""


class _Inexact(str):
    """A number that a double would round."""

    __slots__ = ()


def converted(column: Column, values: list[Any]) -> list[Any]:
    """Return a column's values as clients read them: bytes as base64, long integers as text."""
    convert = _CONVERSIONS.get(column.type)
    return values if convert is None else [convert(value) for value in values]


def may_be_text(column: Column) -> bool:
    """Return whether values of a column may be text in JSON though they are numbers."""
    return column.type.removesuffix("[]") in _MAY_BE_TEXT


def is_mixed(values: Sequence[Any]) -> bool:
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


def has_long_numbers(column: Column) -> bool:
    """Return whether a column may hold numbers that a double would round."""
    return column.type == NUMERIC and (column.most_digits or math.inf) > _ALWAYS_EXACT_DIGITS


def may_round(text: bytes) -> bool:
    """Return whether a text holds a run of digits that a double may round."""
    return _LONG_RUN in text.translate(_TO_DIGITS)


def read_values(text: bytes, cells: Callable[[Any], list[tuple[bool, Any]]]) -> list[Any]:
    """Return the values that `cells` picks from a JSON text; its flag marks one that is JSON."""
    try:
        values = [
            plain(value, DEEPEST, is_document=is_document)
            for is_document, value in cells(_read_exactly(text.decode()))
        ]
    except RecursionError:
        raise _too_deep() from None
    # The type json keeps halves of surrogate pairs, which no text of an answer may hold.
    return _whole(values) if _SURROGATE.search(text) else values


def plain(value: Any, levels: int, *, is_document: bool = False) -> Any:
    """Return a value without the classes of this module; at most `levels` nest."""
    if isinstance(value, _Inexact):
        number = float(value)
        # Beyond the range of a double nothing of the number would remain.
        return number if is_document and number and math.isfinite(number) else str(value)
    if not isinstance(value, list):
        return value
    if not levels:
        raise _too_deep()
    if isinstance(value, _Pairs):
        return {key: plain(one, levels - 1, is_document=is_document) for key, one in value}
    return [plain(one, levels - 1, is_document=is_document) for one in value]


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
        f"A JSON value nests deeper than {DEEPEST} levels.",
        hint="Select the part that you need, with -> or #>, or cast the value to text.",
    )


def _integer(text: str) -> int | str:
    if len(text) > _MAX_EXACT_INTEGER_CHARACTERS:
        return text
    value = int(text)
    return value if abs(value) <= _MAX_EXACT_INTEGER else text


def _decimal(text: str) -> float | str:
    value = float(text)
    try:
        return value if Decimal(repr(value)) == Decimal(text) else _Inexact(text)
    except InvalidOperation:  # an exponent beyond those that decimal computes with
        return _Inexact(text)


_read_exactly = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_float=_decimal, parse_int=_integer
).decode


read_texts = json.JSONDecoder(object_pairs_hook=_Pairs, parse_float=str, parse_int=str).decode
"""Read JSON with its numbers as the server wrote them."""


def to_base64(value: str | None) -> str | None:
    """Return bytes, as the server writes them, as base64."""
    # The server writes bytea as \x followed by hexadecimal digits.
    if value is None:
        return None
    return "base64:" + base64.b64encode(bytes.fromhex(value[2:])).decode()


def _exact_integer(value: int | str | None) -> int | str | None:
    if isinstance(value, int) and abs(value) > _MAX_EXACT_INTEGER:
        return str(value)
    return value


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {BYTEA: to_base64, INT8: _exact_integer}
CONVERTED = frozenset(_CONVERSIONS)
"""Types of which a value may have another form for clients than in JSON."""
