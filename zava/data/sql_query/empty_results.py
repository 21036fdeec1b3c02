"""Explain an empty answer from the rows that the caller can see.

One more statement of ours checks for each simple condition whether any row in scope meets it, and
which values exist. It checks conditions on the same row together, too. Only what was checked is
noted. The note has no count, and no row outside the scope is read. So another store's name and a
name that does not exist get the same note.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from operator import attrgetter
from typing import Any

from zava.data.sql_query.predicates import Predicate
from zava.model.core import Table
from zava.model.domain import Domain, sql_name

_MAX_VALUES = 1000  # more than this is no list to choose from
_MAX_OFFERED = 5
_MAX_VALUE_CHARACTERS = 60

_ENUM = "enum"
_KINDS = {
    "text": "text",
    "timestamp with time zone": "timestamptz",
    "date": "date",
    "uuid": "uuid",
    "boolean": "boolean",
    "timestamp without time zone": "timestamp",
    "enum": _ENUM,
}
_TEXTS = ("character varying", "character(")
_NUMBERS = ("numeric", "integer", "smallint", "bigint", "real", "double")
_JSON = frozenset({"json", "jsonb"})
_TYPE_OF = attrgetter("type")
_CALLS = frozenset({"lower", "upper"})
_NOTHING = "NULL::text AS low, NULL::text AS high, NULL::json AS values"
_RANGED = frozenset({"timestamptz", "timestamp", "date", "numeric"})


def is_empty(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether an answer holds nothing: no row, or the one row of aggregates over no row."""
    return not rows or (len(rows) == 1 and all(cell is None or cell == 0 for cell in rows[0]))


def about_json_nulls(table: Table) -> list[str]:
    """Return a note where a value of JSON is absent or a JSON null: both are null in an answer."""
    if _JSON.isdisjoint(map(_TYPE_OF, table.columns)):
        return []
    names = [
        column.name
        for place, column in enumerate(table.columns)
        if column.type in _JSON and any(row[place] is None for row in table.rows)
    ]
    told = ", ".join(names[:_MAX_OFFERED])
    return [f"NULL in {told} is a JSON null or no value: jsonb_typeof(x) differs."] if told else []


def question(
    domain: Domain, conditions: Sequence[Predicate], tables: Mapping[str, Mapping[str, str]]
) -> tuple[str, dict[str, str]] | None:
    """Return our statement and its parameters; None where no condition can be checked.

    Table and column names are the catalog's own; every value travels as a parameter.
    """
    parts = []
    params: dict[str, str] = {}
    for number, condition in enumerate(conditions):
        kind = _kind(tables[condition.table][condition.column])
        if kind is None:
            continue
        for place, value in enumerate(condition.values):
            params[f"{number}.{place}"] = value
        if condition.is_null:
            parts.append(f"SELECT {number} AS number, false AS is_met, {_NOTHING}")
        else:
            parts.append(_part(domain, number, condition, kind))
    for number, members in enumerate(_together(conditions), len(conditions)):
        table = conditions[members[0]].table
        kinds = [_kind(tables[table][conditions[n].column]) for n in members]
        tests = [
            _test(n, conditions[n], kind) for n, kind in zip(members, kinds, strict=True) if kind
        ]
        if len(tests) == len(members):
            met = f"EXISTS (SELECT FROM {domain.spelled(table)} AS t WHERE {' AND '.join(tests)})"
            parts.append(f"SELECT {number} AS number, {met} AS is_met, {_NOTHING}")
    return (" UNION ALL ".join(parts), params) if parts else None


def explain(
    domain: Domain, conditions: Sequence[Predicate], rows: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return sentences for the model, from what our statement brought back."""
    told: list[str] = []
    together = _together(conditions)
    for row in rows:
        number = row["number"]
        if number >= len(conditions):
            if not told and row["is_met"] is False:
                members = [conditions[n] for n in together[number - len(conditions)]]
                told.append(_excluding(domain, members))
            continue
        condition = conditions[number]
        if condition.is_null:
            told.append(
                f"{_name(domain, condition)} {condition.operator} NULL is never true:"
                " write IS NULL or IS NOT NULL."
            )
        elif row["is_met"] is False:
            exists = _what_exists(row, condition)
            told.append(f"No row in your scope has {_spelled(domain, condition)}.{exists}")
        elif row["is_met"] is None and row["low"] is not None:
            told.append(_range(row, condition))
    return list(dict.fromkeys(told))


def _together(conditions: Sequence[Predicate]) -> list[list[int]]:
    """Return the numbers of the conditions that hold for the same row, where there are several."""
    places: dict[tuple[int, str], list[int]] = {}
    for number, condition in enumerate(conditions):
        if condition.values:
            places.setdefault((condition.place, condition.table), []).append(number)
    return [members for members in places.values() if len(members) > 1]


def _excluding(domain: Domain, conditions: Sequence[Predicate]) -> str:
    spelled = "; ".join(_spelled(domain, condition) for condition in conditions)
    return f"Each of these conditions has rows in your scope, but no row meets them all: {spelled}."


def _part(domain: Domain, number: int, condition: Predicate, kind: str) -> str:
    column = _column(condition)
    source = f"FROM {domain.spelled(condition.table)} AS t"
    is_met = "NULL::boolean"
    is_listed = kind == _ENUM
    if condition.values:
        is_met = f"EXISTS (SELECT {source} WHERE {_test(number, condition, kind)})"
    low = high = "NULL::text"
    values = "NULL::json"
    if kind in _RANGED:
        low = f"(SELECT min({column})::text {source})"
        high = f"(SELECT max({column})::text {source})"
    elif kind == "text":
        is_listed = condition.column not in domain.outside_text.get(condition.table, ())
    if is_listed:
        # A NULL equals no text: it is none of the values to choose from.
        some = (
            f"SELECT DISTINCT {column} AS v {source} WHERE {column} IS NOT NULL"
            f" ORDER BY 1 LIMIT {_MAX_VALUES + 1}"
        )
        values = f"(SELECT json_agg(v) FROM ({some}) AS existing)"  # noqa: S608  # names of the catalog
    return (
        f"SELECT {number} AS number, {is_met} AS is_met, {low} AS low, {high} AS high,"
        f" {values} AS values"
    )


def _test(number: int, condition: Predicate, kind: str) -> str:
    column = _column(condition)
    if kind == _ENUM:
        column, kind = f"{column}::text", "text"
    elif condition.expression in _CALLS:
        column = f"{condition.expression}({column})"
    elif condition.expression:
        column, kind = f"{column}::{condition.expression}", condition.expression
    if condition.operator in {"LIKE", "ILIKE"}:
        kind = "text"
    values = [f"($1->>'{number}.{place}')::{kind}" for place in range(len(condition.values))]
    if condition.operator == "IN":
        return f"{column} IN ({', '.join(values)})"
    if condition.operator == "BETWEEN":
        return f"{column} BETWEEN {values[0]} AND {values[1]}"
    return f"{column} {condition.operator} {values[0]}"


def _column(condition: Predicate) -> str:
    name = condition.column.replace('"', '""')
    return f't."{name}"'


def _kind(type_name: str) -> str | None:
    if type_name.startswith(_NUMBERS):
        return "numeric"
    if type_name.startswith(_TEXTS):
        return "text"
    return _KINDS.get(type_name)


def _spelled(domain: Domain, condition: Predicate) -> str:
    values = ", ".join(
        f"'{value[:_MAX_VALUE_CHARACTERS]}'" for value in condition.values[:_MAX_OFFERED]
    )
    if condition.operator == "BETWEEN":
        values = values.replace(", ", " and ", 1)
    elif condition.operator == "IN":
        values = f"({values})"
    return f"{_name(domain, condition)} {condition.operator} {values}"


def _name(domain: Domain, condition: Predicate) -> str:
    name = f"{domain.spelled(condition.table)}.{sql_name(condition.column)}"
    if condition.expression in _CALLS:
        return f"{condition.expression}({name})"
    return f"{name}::{condition.expression}" if condition.expression else name


def _what_exists(row: Mapping[str, Any], condition: Predicate) -> str:
    if row["low"] is not None:
        return f" {_range(row, condition)}"
    existing = row["values"] or []
    if not existing or len(existing) > _MAX_VALUES:
        return ""
    if len(existing) <= _MAX_OFFERED:
        return f" There is: {', '.join(existing)}."
    wanted = condition.values[0].strip("%").casefold()
    holding = [value for value in existing if wanted and wanted in value.casefold()]
    folded = {value.casefold(): value for value in existing}
    near = holding or [folded[v] for v in get_close_matches(wanted, folded, _MAX_OFFERED, 0.5)]
    offered = ", ".join(
        value[:_MAX_VALUE_CHARACTERS] for value in (near or existing)[:_MAX_OFFERED]
    )
    return f" {'Nearest' if near else 'For example'}: {offered}."


def _range(row: Mapping[str, Any], condition: Predicate) -> str:
    return f"{condition.column} runs from {row['low']} to {row['high']} in your scope."
