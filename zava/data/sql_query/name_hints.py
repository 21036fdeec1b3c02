"""Turns PostgreSQL's report on a statement into what would have worked.

Columns and permissions are answered with names that the caller can read, other reports by the rules
of `corrections.py`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain

from zava.data.guard.field_notation import implied_name
from zava.data.syntax.parser import nodes_of, parse
from zava.model.audiences import CUSTOMERS_READ
from zava.model.domain import Domain, sql_name

NAMES_COLUMNS = frozenset({"42703", "42501"})
"""SQLSTATEs that name a column or a table of the caller's statement."""

_OUTSIDE = "SELECT * FROM (…) AS t WHERE …"
_MAX_NAMED = 3
_ALIKE, _NEAR, _SHORTEST_PART = 0.85, 0.6, 3
_DENIED_TABLE = re.compile(r"permission denied for (?:table|relation) (\w+)")
_MISSING_COLUMN = re.compile(r'column "?(?:(\w+)\.)?([^"]+?)"? does not exist')

Tables = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class StatementNames:
    """The names of a statement: its outputs, its tables by alias, and the columns that it names."""

    outputs: frozenset[str]
    sources: Mapping[str, str]
    columns: frozenset[str]


def names_of(statement: str) -> StatementNames:
    """Return the names of a statement that the guard has read; call it on the parsing thread."""
    outputs: set[str] = set()
    columns: set[str] = set()
    sources: dict[str, str] = {}
    for node in nodes_of(parse(statement)):
        target = node.get("ResTarget")
        if target and ("name" in target or "ColumnRef" not in target["val"]):
            outputs.add(target.get("name") or implied_name(target["val"]))
        if "relname" in node:
            name = node["relname"]
            sources[node.get("alias", {}).get("aliasname", name)] = name
        fields = node.get("ColumnRef", {}).get("fields", [{}])
        columns.add(fields[-1].get("String", {}).get("sval", "*"))
    return StatementNames(frozenset(outputs), sources, frozenset(columns))


def advise(
    domain: Domain,
    message: str,
    statement: str,
    position: int,
    names: StatementNames,
    tables: Tables,
) -> str | None:
    """Return a hint for the server's message on a statement, given what the caller can read.

    `tables` maps bare names of the schema's tables to readable columns in their order. `position`
    is the character that the message is about, 0 if it has none.
    """
    denied = _DENIED_TABLE.search(message)
    if denied and denied[1] in tables:
        return _readable(domain, denied[1], names, tables)
    missing = _MISSING_COLUMN.search(message)
    if missing is None:
        return None
    qualifier, name = missing[1] or "", missing[2]
    own = {
        table: tables[table]
        for alias, table in names.sources.items()
        if table in tables and (not qualifier or alias == qualifier)
    }
    is_quoted = statement[position - 1 : position] == '"'
    if is_quoted and name.lower() not in chain.from_iterable(own.values()):
        return f"Double quotes name columns. Write '{name}' in single quotes for a text."
    if not qualifier and name in names.outputs:
        return (
            f"{name} is an output of this SELECT: WHERE, HAVING and JOIN cannot use it. Repeat its"
            f" expression, or filter outside: {_OUTSIDE}"
        )
    from zava.data.guard.dialects import COLUMNS

    return (
        _nearest(domain, name, own, cutoff=_ALIKE)
        # A word such as month is meant as one, though another table has a column of its name.
        or COLUMNS.get(name)
        or ("" if qualifier else _elsewhere(domain, name.lower(), tables))
        or _nearest(domain, name, own)
        or _nearest(domain, name, tables)
        or _listed(domain, own)
    )


def _readable(domain: Domain, table: str, names: StatementNames, tables: Tables) -> str:
    known = {*chain.from_iterable(tables.values()), *names.outputs, *names.sources, "*"}
    hidden = sorted(names.columns - known)[:_MAX_NAMED]
    told = f"You may not read {', '.join(hidden)}. " if hidden else ""
    instead = "" if hidden else " Name these, not *."
    personal = domain.outside_text.get(table, ()) if table == domain.personal_table else ()
    if personal and (not hidden or not set(personal).isdisjoint(hidden)):
        told = (
            f"{', '.join(personal)}: personal data, which both the grant and the token have to"
            f" allow ({CUSTOMERS_READ}). "
        )
    listed = ", ".join(map(sql_name, tables[table]))
    return f"{told}Of {domain.spelled(table)} you can read: {listed}.{instead}"


def _elsewhere(domain: Domain, wanted: str, tables: Tables) -> str | None:
    """Name the other tables that have exactly this column."""
    holding = {table: (wanted,) for table, columns in tables.items() if wanted in columns}
    return _nearest(domain, wanted, holding)


def _nearest(domain: Domain, name: str, tables: Tables, cutoff: float = _NEAR) -> str | None:
    wanted = name.lower()
    holders: dict[str, list[str]] = {}
    for table, columns in tables.items():
        # An id is first of all the table's own.
        own = [column for column in columns if column.startswith(table[:4])]
        for column in dict.fromkeys([*own, *columns]):
            holders.setdefault(column, []).append(domain.spelled(table))
    holding = [c for c in holders if wanted in c or (len(c) > _SHORTEST_PART and c in wanted)]
    found = (holding or get_close_matches(wanted, holders, cutoff=cutoff))[:_MAX_NAMED]
    if not found:
        return None
    told = "; ".join(f"{sql_name(column)} of {', '.join(holders[column])}" for column in found)
    return f"The nearest columns that you can read: {told}."


def _listed(domain: Domain, own: Tables) -> str | None:
    told = "; ".join(
        f"of {domain.spelled(name)} {', '.join(map(sql_name, own[name]))}"
        for name in list(own)[:_MAX_NAMED]
    )
    # No name is near: the statement's own tables are.
    return told and (
        f"The nearest columns that you can read: {told}; get_multiple_table_schemas lists all."
    )
