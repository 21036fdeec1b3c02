"""The columns of an answer, named and typed by the server's own description."""

from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter

from psycopg import adapters
from psycopg.pq.abc import PGresult

from zava.data.syntax.outside_text import HOLDS_NO_TEXT
from zava.model.core import Column

Origins = frozenset[tuple[int, int]]
"""Pairs (table oid, column number) of text that customers or suppliers wrote.

A pair of a type's oid and 0 names an enumeration of another application: its values are texts.
"""

BYTEA, INT8, NUMERIC = "bytea", "int8", "numeric"
READ_FAST = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "bpchar", "name"}
    | {"uuid", "bytea", "date", "time", "timetz", "timestamp", "timestamptz", "interval"}
    | {NUMERIC}
)
"""Types whose JSON text a fast reader keeps; it would merge repeated keys of a JSON value."""

_ENUMERATION = "text"
DOCUMENTS = frozenset({"json", "jsonb"})

_NO_MODIFIER, _HEADER_BYTES = -1, 4
_NAME_OF, _TYPE_OF = attrgetter("name"), attrgetter("type")


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


def are_plain(columns: Sequence[Column]) -> bool:
    """Return whether any reader of JSON keeps the cells: each name once, no JSON and no array."""
    return len(set(map(_NAME_OF, columns))) == len(columns) and READ_FAST.issuperset(
        map(_TYPE_OF, columns)
    )


@lru_cache(1024)  # a name of at most 63 bytes and a type, the same for every caller
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
    most_digits = _most_digits(modifier) if type_name == NUMERIC else None
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
