"""Find statements whose answer may hold text that customers or suppliers wrote.

The server names an origin for a bare column alone. After an operator, a function or a set operation
a value has no origin. So the statement as a whole is judged by its names.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zava.data.syntax.parser import Node, nodes_of

OUTSIDE_TEXT: dict[str, tuple[str, ...]] = {
    "customers": ("first_name", "last_name", "email", "phone"),
    "products": ("product_name", "product_description", "synonyms"),
    "product_words": ("words",),
    "suppliers": ("supplier_name",),
}
"""Columns of text that customers or suppliers wrote: data for a reader, never instructions."""

PERSONAL = frozenset(OUTSIDE_TEXT["customers"])
"""Columns that only the second role of an audience reads."""

_COLUMNS = frozenset(column for columns in OUTSIDE_TEXT.values() for column in columns)
_ESCAPED_NAME = "u&"  # U&"…" writes a table's name in other letters

HOLDS_NO_TEXT = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "money", "oid", "uuid"}
    | {"date", "time", "timetz", "timestamp", "timestamptz", "interval"}
    | {"int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"}
)
"""Types, and arrays of them, whose values no outsider's words fit into."""


def reads_outside_text(statement: str, tree: Node) -> bool:
    """Whether a statement names outsiders' text: one of its columns, `*`, or a whole row.

    `tree` is its parse tree. A statement that could be read either way counts as one that does.
    """
    folded = statement.lower()
    if _ESCAPED_NAME not in folded and not any(table in folded for table in OUTSIDE_TEXT):
        return False
    nodes = list(nodes_of(tree))
    tables = [node["RangeVar"] for node in nodes if "RangeVar" in node]
    outside = [table for table in tables if table["relname"] in OUTSIDE_TEXT]
    if not outside:
        return False
    joins = [node["JoinExpr"] for node in nodes if "JoinExpr" in node]
    aliases = [one["alias"] for one in (*outside, *joins) if "alias" in one]
    # An alias with column names renames what its table holds.
    if any("colnames" in alias for alias in aliases):
        return True
    # The name of a table or of a join, without a column, stands for its whole row.
    rows = {table["relname"] for table in outside} | {alias["aliasname"] for alias in aliases}
    return any(name is None or name in _COLUMNS or name in rows for name in _named(nodes))


def _named(nodes: Sequence[Mapping[str, Any]]) -> Iterator[str | None]:
    """Yield the last name of each reference and each name in field notation, None for `*`."""
    for node in nodes:
        if "ColumnRef" in node:
            yield node["ColumnRef"]["fields"][-1].get("String", {}).get("sval")
        for step in node.get("A_Indirection", {}).get("indirection", ()):
            if "String" in step:
                yield step["String"]["sval"]
            elif "A_Star" in step:
                yield None
