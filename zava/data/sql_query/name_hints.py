"""Turns PostgreSQL's report on a statement into what would have worked.

Columns and permissions are answered with names that the caller can read, other reports by the rules
of `corrections.py`.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import Any

from zava.data.guard.field_notation import implied_name, select_names
from zava.data.syntax.parser import nodes_of, parse
from zava.model.audiences import CUSTOMERS_READ
from zava.model.domain import Domain, sql_name

NAMES_COLUMNS = frozenset({"42703", "42501"})
"""SQLSTATEs that name a column or a table of the caller's statement."""

_OUTSIDE = "SELECT * FROM (…) AS t WHERE …"
_MAX_NAMED = 3
_ALIKE, _NEAR, _SHORTEST_PART = 0.85, 0.6, 3
_DENIED_TABLE = re.compile(r"permission denied for (?:table|relation) (\w+)")
# PostgreSQL writes a name without a qualifier in double quotes, and it may hold a point.
_MISSING_COLUMN = re.compile(r'column (?:"(.*)"|(?:(\w+)\.)?(.+?)) does not exist')
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WINDOW = "over"

Tables = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class StatementNames:
    """The names of a statement: its outputs, its tables by alias, and the columns that it names.

    `windows` are the outputs that hold a window function. `queries` are the queries inside it, by
    alias, with their outputs.
    """

    outputs: frozenset[str]
    windows: frozenset[str]
    sources: Mapping[str, str]
    queries: Mapping[str, frozenset[str]]
    columns: frozenset[str]


def names_of(statement: str) -> StatementNames:
    """Return the names of a statement that the guard has read; call it on the parsing thread."""
    tree = parse(statement)
    outputs: set[str] = set()
    windows: set[str] = set()
    columns: set[str] = set()
    sources: dict[str, str] = {}
    for node in nodes_of(tree):
        target = node.get("ResTarget")
        if target and ("name" in target or "ColumnRef" not in target["val"]):
            name = target.get("name") or implied_name(target["val"])
            outputs.add(name)
            if any(_WINDOW in each for each in nodes_of(target["val"])):
                windows.add(name)
        if "relname" in node:
            name = node["relname"]
            sources[node.get("alias", {}).get("aliasname", name)] = name
        fields = node.get("ColumnRef", {}).get("fields", [{}])
        columns.add(fields[-1].get("String", {}).get("sval", "*"))
    return StatementNames(
        frozenset(outputs), frozenset(windows), sources, _queries(tree, sources), frozenset(columns)
    )


def _queries(tree: Any, sources: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    """Return the outputs of the queries in WITH and FROM, by the aliases that name them."""
    found: dict[str, frozenset[str]] = {}
    named: dict[str, frozenset[str]] = {}
    for node in nodes_of(tree):
        if "ctename" in node:
            given = _texts(node.get("aliascolnames", ()))
            named[node["ctename"]] = given or select_names(node["ctequery"].get("SelectStmt", {}))
        query = node.get("RangeSubselect", {})
        if "alias" in query:
            given = _texts(query["alias"].get("colnames", ()))
            outputs = given or select_names(query["subquery"]["SelectStmt"])
            found[query["alias"]["aliasname"]] = outputs
    return found | {alias: named[name] for alias, name in sources.items() if name in named}


def _texts(parts: Iterable[Any]) -> frozenset[str]:
    return frozenset(part["String"]["sval"] for part in parts)


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
    qualifier, name = missing[2] or "", missing[1] or missing[3]
    own = {
        table: tables[table]
        for alias, table in names.sources.items()
        if table in tables and (not qualifier or alias == qualifier)
    }
    is_quoted = statement[position - 1 : position] == '"'
    if is_quoted and name.lower() not in chain.from_iterable(own.values()):
        if _NUMBER.fullmatch(name):
            return f"Double quotes name columns. Write {name} without quotes."
        return f"Double quotes name columns. Write '{name}' in single quotes for a text."
    if not qualifier and name in names.outputs:
        return _about_output(name, names)
    if given := _given(qualifier, name, names):
        return given
    from zava.data.guard.dialects import COLUMNS

    found = (
        _nearest(domain, name, own, cutoff=_ALIKE)
        # A word such as month is meant as one, though another table has a column of its name.
        or COLUMNS.get(name)
        or ("" if qualifier else _elsewhere(domain, name.lower(), tables))
        or _nearest(domain, name, own, has_word=True)
        or _of_others(domain, name, own, tables)
    )
    return found if names.sources or not found else f"Name the table in FROM. {found}"


def _about_output(name: str, names: StatementNames) -> str:
    way = "Filter outside" if name in names.windows else "Repeat its expression, or filter outside"
    return (
        f"{name} is an output of this SELECT: of its clauses, GROUP BY and ORDER BY take the name,"
        f" and alone. {way}: {_OUTSIDE}"
    )


def _given(qualifier: str, name: str, names: StatementNames) -> str | None:
    """Return which outputs a query inside the statement has, for a column that it lacks."""
    if qualifier in names.queries:
        outputs = sorted(names.queries[qualifier] - {"", "*"})
        return f"{qualifier} is a query with the outputs {', '.join(outputs)}." if outputs else None
    holding = sorted(alias for alias, outputs in names.queries.items() if name in outputs)
    if holding and not qualifier:
        return f"{name} is an output of {holding[0]}: name it in FROM of the query that uses it."
    return None


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


def _nearest(
    domain: Domain, name: str, tables: Tables, cutoff: float = _NEAR, *, has_word: bool = False
) -> str | None:
    """Name the columns of tables like a name; `has_word` takes one that shares a word, too."""
    wanted = name.lower()
    holders: dict[str, list[str]] = {}
    for table, columns in tables.items():
        # An id is first of all the table's own.
        own = [column for column in columns if column.startswith(table[:4])]
        for column in dict.fromkeys([*own, *columns]):
            holders.setdefault(column, []).append(domain.spelled(table))
    found = [c for c in holders if wanted in c or (len(c) > _SHORTEST_PART and c in wanted)]
    if has_word and not found:
        # A word of a table's name, as in order_total, says which table is meant.
        words = {w for w in wanted.split("_") if not any(t.startswith(w) for t in tables)}
        found = [column for column in holders if not words.isdisjoint(column.split("_"))]
    found = (found or get_close_matches(wanted, holders, cutoff=cutoff))[:_MAX_NAMED]
    if not found:
        return None
    told = "; ".join(f"{sql_name(column)} of {', '.join(holders[column])}" for column in found)
    return f"The nearest columns that you can read: {told}."


def _of_others(domain: Domain, name: str, own: Tables, tables: Tables) -> str | None:
    """Name the columns of other tables like a name, and those of the statement's own tables."""
    near = _nearest(domain, name, tables)
    listed = "; ".join(
        f"of {domain.spelled(table)} {', '.join(map(sql_name, own[table]))}"
        for table in list(own)[:_MAX_NAMED]
    )
    if near and listed:
        return f"{near.removesuffix('.')}; {listed}."
    # No name is near: the statement's own tables are.
    return near or (
        listed
        and (
            f"The nearest columns that you can read: {listed};"
            " get_multiple_table_schemas lists all."
        )
    )
