"""Turns "no such column" and "permission denied" into the names that would have worked."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

ADVISED = frozenset({"42703", "42501"})
"""SQLSTATEs that name a column or a table of the caller's statement."""

_MOST = 3
_DENIED_TABLE = re.compile(r"permission denied for (?:table|relation) (\w+)")
_WORD = re.compile(r"\w+")
_MISSING_COLUMN = re.compile(r'column "?([^"]+?)"? does not exist')


def advise(message: str, sql: str, tables: Mapping[str, Collection[str]]) -> str | None:
    """Return a hint for the server's message on `sql`, given what the caller can read.

    `tables` maps bare table names to readable columns in their order.
    """
    denied = _DENIED_TABLE.search(message)
    if denied and denied[1] in tables:
        name = denied[1]
        return f"Of retail.{name} you can read: {', '.join(tables[name])}. Name these, not *."
    missing = _MISSING_COLUMN.search(message)
    if missing:
        return _nearest(missing[1].rpartition(".")[2], tables) or _columns(sql, tables)
    return None


def _nearest(name: str, tables: Mapping[str, Collection[str]]) -> str | None:
    holders: dict[str, list[str]] = {}
    for table, columns in tables.items():
        for column in columns:
            holders.setdefault(column, []).append(f"retail.{table}")
    wanted = name.lower()
    holding = [column for column in holders if wanted in column]
    found = (holding or get_close_matches(wanted, holders))[:_MOST]
    if not found:
        return None
    told = "; ".join(f"{column} of {', '.join(holders[column])}" for column in found)
    return f"The nearest columns that you can read: {told}."


def _columns(sql: str, tables: Mapping[str, Collection[str]]) -> str | None:
    words = set(_WORD.findall(sql.lower()))
    named = [name for name in tables if name in words][:_MOST]
    told = "; ".join(f"of retail.{name} {', '.join(tables[name])}" for name in named)
    if not told:
        return None
    # No name is near: the statement's own tables are.
    return f"The nearest columns that you can read: {told}; get_multiple_table_schemas lists all."
