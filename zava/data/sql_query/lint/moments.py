"""Conditions on moments: days that a statement loses, and the days that it selects."""

import re
from collections.abc import Iterator
from datetime import date

from zava.data.sql_query.lint.day_conditions import (
    DayConditions,
    Moment,
    bound_of,
    literal_day,
    mirrored,
)
from zava.data.sql_query.lint.declarations import LintFacts
from zava.data.sql_query.lint.name_resolution import Tree
from zava.data.sql_query.lint.query_tree import Query, QuerySource, references
from zava.data.syntax.parser import Node
from zava.model.sql_findings import Finding, FindingKind

_MOMENT = "timestamp"
_COMPARED = frozenset({"<", ">", "<=", ">=", "="})
_EQUAL = frozenset({"=", "IN"})
_ENDING = _EQUAL | {"<=", "BETWEEN"}
_READ_KINDS = frozenset({"AEXPR_OP", "AEXPR_BETWEEN"})
_FIELDS = frozenset({"year", "month", "quarter"})
_UNITS = frozenset({"day", "week", "month", "quarter", "year"})
_LABEL = re.compile(r"YYYY(?:-MM)?", re.ASCII | re.IGNORECASE)


def conditions_on_column(
    query: Query,
) -> Iterator[tuple[Node, str, list[Node]]]:
    """Yield (expression, operator, values) for each comparison of an AND of a query."""
    for condition in query.conditions:
        compared = condition.get("A_Expr")
        if compared is None or "lexpr" not in compared:
            continue
        kind, left, right = compared["kind"], compared["lexpr"], compared["rexpr"]
        if kind == "AEXPR_BETWEEN":
            yield left, "BETWEEN", right["List"]["items"]
        elif kind == "AEXPR_IN" and "List" in right:
            is_in = compared["name"][-1]["String"]["sval"] == "="
            yield left, "IN" if is_in else "NOT IN", right["List"]["items"]
        elif kind == "AEXPR_OP":
            operator = compared["name"][-1]["String"]["sval"]
            yield left, operator, [right]
            if mirrored(operator):
                yield right, mirrored(operator), [left]


def lost_days(tree: Tree) -> Iterator[tuple[Finding, Moment]]:
    """Yield conditions whose last day ends at its first moment, with that day.

    The first of a month and CURRENT_DATE itself are not yielded as last days. Whole months, and
    the days before today, are often written so.
    """
    for query in tree.queries:
        for expression, operator, values in conditions_on_column(query):
            if operator not in _ENDING or "ColumnRef" not in expression:
                continue
            lost = _last_day(operator, values[-1])
            if lost is None:
                continue
            origin = tree.origin(query, expression["ColumnRef"])
            if origin is None or not tree.tables[origin[0]][origin[1]].startswith(_MOMENT):
                continue
            day, written = lost
            text = _about_lost_day(".".join(origin), operator, written)
            yield Finding(FindingKind.LOST_DAY, text), day


def _last_day(operator: str, value: Node) -> tuple[Moment, str] | None:
    """Return the day up to which a condition selects, and how the statement writes it."""
    literal = literal_day(value)
    if literal is not None:
        return lambda _: _counted(literal, operator), f"'{literal}'"
    bound = None if {"A_Const", "TypeCast"} & value.keys() else bound_of(value)
    if bound is None or not bound.is_midnight:
        return None

    def lost(today: date) -> date:
        at = bound.day(today)
        return date.max if at == today and operator not in _EQUAL else _counted(at, operator)

    return lost, "CURRENT_DATE" if "SQLValueFunction" in value else "a day"


def _counted(day: date, operator: str) -> date:
    return date.max if day.day == 1 and operator not in _EQUAL else day


def _about_lost_day(name: str, operator: str, written: str) -> str:
    if operator == "=":
        other = written if written != "a day" else "…"
        return f"{name} = {written} is its midnight alone: write {name}::date = {other}."
    if operator == "IN":
        return f"{name} IN (…) compares with midnights alone: write {name}::date IN (…)."
    sign = "BETWEEN …" if operator == "BETWEEN" else operator
    return (
        f"{name} has a time: {sign} {written} leaves out what came after its midnight;"
        " write < and the next day."
    )


def selected_days(tree: Tree, facts: LintFacts) -> list[DayConditions]:
    """Return what the conditions on the certified moment select, for each source that has it.

    Nothing is returned where one query narrows what another one selects.
    """
    found: list[tuple[QuerySource, DayConditions]] = []
    for query in tree.queries:
        by_source = days_of(tree, query, facts)
        found += by_source.items()
    tables = [source.table is not None for source, _ in found]
    if not all(tables) and len(found) > 1:
        return []
    return [conditions for _, conditions in found]


def days_of(tree: Tree, query: Query, facts: LintFacts) -> dict[QuerySource, DayConditions]:
    """Return the days that the conditions of one query select, by the source of the moment."""
    by_source: dict[QuerySource, DayConditions] = {}
    for expression, operator, values in conditions_on_column(query):
        read = day_form(tree, query, expression, facts)
        if read is None:
            continue
        source, form = read
        conditions = by_source.setdefault(source, DayConditions())
        if operator in _COMPARED or operator == "BETWEEN":
            conditions.add(operator, values, form)
        else:
            conditions.is_read = False
    for condition in query.conditions:
        if condition.get("A_Expr", {}).get("kind") in _READ_KINDS:
            continue
        for reference in references([condition]):
            other = day_form(tree, query, {"ColumnRef": reference}, facts)
            if other is not None:
                by_source.setdefault(other[0], DayConditions()).is_read = False
    return by_source


def day_form(
    tree: Tree, query: Query, expression: Node, facts: LintFacts
) -> tuple[QuerySource, str] | None:
    """Return the source of the certified moment, and what an expression reduces it to.

    The form is "" for the moment itself, "date" for its day, and a unit for date_trunc. For EXTRACT
    it is "field:" with the field's name, for to_char "to_char:" with the pattern.
    """
    form, inner = _form(expression, facts)
    if inner is None:
        return None
    place = tree.resolve(query, inner)
    if place is None:
        return None
    if tree.origin(query, inner) == facts.certified.moment:
        return place[1], form
    if form:
        return None
    passed = tree.expression(place[1], place[2])  # as WITH … AS (SELECT date_trunc(…) AS month …)
    if passed is None or "ColumnRef" in passed[1]:
        return None
    at_source = day_form(tree, *passed, facts)
    return None if at_source is None else (place[1], at_source[1])


def _form(expression: Node, facts: LintFacts) -> tuple[str, Node | None]:
    cast, call = expression.get("TypeCast"), expression.get("FuncCall")
    if cast is not None:
        form, inner = _form(cast["arg"], facts)
        kind = cast["typeName"]["names"][-1]["String"]["sval"]
        if kind == "date" and form in {"", "date"} | _UNITS:
            return form or "date", inner
        is_number = kind in {"int4", "int8", "int2", "numeric"} and form.startswith("field:")
        is_moment = kind in {"timestamp", "timestamptz"} and form in {""} | _UNITS
        return (form, inner) if is_number or is_moment else ("", None)
    if call is not None:
        return _form_of_call(call, facts)
    return "", expression.get("ColumnRef")


def _form_of_call(call: Node, facts: LintFacts) -> tuple[str, Node | None]:
    name, arguments = call["funcname"][-1]["String"]["sval"], call.get("args", [])
    if name == "date" and len(arguments) == 1:
        form, inner = _form(arguments[0], facts)
        return ("date", inner) if form == "" else ("", None)
    if len(arguments) != 2:  # noqa: PLR2004  # what it reduces to, and the moment
        return "", None
    word = arguments[0].get("A_Const", {}).get("sval", {}).get("sval", "")
    form, inner = _form(arguments[1], facts)
    if name == "timezone" and word == facts.zone and form == "":
        return "", inner
    if name == "date_trunc" and word.lower() in _UNITS and form in {"", "date"}:
        return word.lower(), inner
    if name in {"extract", "date_part"} and word.lower() in _FIELDS and form in {"", "date"}:
        return f"field:{word.lower()}", inner
    if name == "to_char":
        form, inner = _form(arguments[0], facts)
        pattern = arguments[1].get("A_Const", {}).get("sval", {}).get("sval", "")
        if form == "" and _LABEL.fullmatch(pattern):
            return f"to_char:{pattern.upper()}", inner
    return "", None
