"""How far a number reaches that the text of a statement bounds without stating it.

`date '2026-01-31' - date '2026-01-01'`, `extract(year FROM now())` and `cardinality(ARRAY[…])` are
bounded: literal dates are counted, today lies within two centuries, a field has its range, and a
literal its length. The reach of another expression is not known.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from math import isfinite
from typing import Any

from zava.data.guard.cost.bounds import constant
from zava.data.syntax.parser import Node

Reach = tuple[float, float]
"""The least and the largest that an expression can be."""

_TODAY: Reach = (date(2000, 1, 1).toordinal(), date(2200, 1, 1).toordinal())
_SHORTEST_YEAR, _LONGEST_YEAR = 365.0, 366.0
_FIELDS: Mapping[str, Reach] = {
    "month": (-11, 12),
    "quarter": (1, 4),
    "week": (1, 53),
    "dow": (0, 6),
    "isodow": (1, 7),
    "doy": (1, 366),
    "hour": (-23, 23),
    "minute": (-59, 59),
    "second": (-60, 60),
}
_DAYS_OF: Mapping[str, float] = {"day": 1, "week": 7, "month": 31, "year": _LONGEST_YEAR}
_TIMES = frozenset({"date", "timestamp", "timestamptz"})
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
_NOW = frozenset({"now", "statement_timestamp", "transaction_timestamp", "clock_timestamp"})
_SAME_YEAR = frozenset({"timezone", "date_trunc"})
_FIELDS_OF_DATES = frozenset(
    {"year", "quarter", "month", "week", "day", "hour", "minute", "second"}
)
_LENGTHS = frozenset(
    {"cardinality", "array_length", "array_upper", "length", "char_length", "character_length"}
)
_ROUNDED = frozenset({"floor", "ceil", "ceiling", "round", "trunc"})
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T][\d:.]*)?", re.ASCII)
_PART = re.compile(r"\s*[-+]?\s*(\d{1,6})\s+(day|week|month|year)s?\s*", re.ASCII)
_INTERVAL = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)


def reach(node: Node) -> Reach | None:
    """Return how far a number reaches; None where the text does not bound it."""
    known = constant(node)
    if known is not None:
        return known, known
    if "TypeCast" in node:
        return reach(node["TypeCast"]["arg"]) if _type_of(node) in _NUMBERS else None
    if "A_Expr" in node:
        return _arithmetic(node["A_Expr"])
    if "MinMaxExpr" in node:
        return _least_or_greatest(node["MinMaxExpr"])
    name, arguments = _call(node)
    if name in {"extract", "date_part"}:
        return _field(arguments)
    if name in _LENGTHS:
        return _length(arguments[0]) if arguments else None
    if name in _ROUNDED and len(arguments) == 1:
        inner = reach(arguments[0])
        return inner and (inner[0] - 1, inner[1] + 1)
    return None


def span(start: Node, stop: Node) -> float | None:
    """Return how far apart two numbers can be; None where the text does not bound them."""
    first, last = reach(start), reach(stop)
    if first is None or last is None:
        return None
    numbers = max(last[1] - first[0], first[1] - last[0])
    return numbers if isfinite(numbers) else None


def _arithmetic(expression: Node) -> Reach | None:
    sign = expression["name"][-1]["String"]["sval"]
    if "lexpr" not in expression or expression["kind"] != "AEXPR_OP" or sign not in _COMBINED:
        return None
    sides = expression["lexpr"], expression["rexpr"]
    if sign == "-":
        days = tuple(map(_moment, sides))
        if days[0] and days[1]:
            return _COMBINED["-"](days[0], days[1])
    left, right = map(reach, sides)
    if sign == "/" and right:
        return _quotient(left, right)
    return _COMBINED[sign](left, right) if left and right else None


def _product(left: Reach, right: Reach) -> Reach:
    ends = [one * other for one in left for other in right]
    return min(ends), max(ends)


def _quotient(left: Reach | None, right: Reach) -> Reach | None:
    if left is None or right[0] <= 0:  # a divisor that may be 0, or is close to it
        return None
    low, high = _product(left, (1 / right[1], 1 / right[0]))
    return low - 1, high + 1


_COMBINED: Mapping[str, Callable[[Reach, Reach], Reach]] = {
    "+": lambda left, right: (left[0] + right[0], left[1] + right[1]),
    "-": lambda left, right: (left[0] - right[1], left[1] - right[0]),
    "*": _product,
    "/": _product,
}


def _least_or_greatest(node: Node) -> Reach | None:
    parts = [reach(argument) for argument in node["args"]]
    known = [part for part in parts if part]
    if len(known) < len(parts):
        return None
    choose = min if node["op"] == "IS_LEAST" else max
    return choose(part[0] for part in known), choose(part[1] for part in known)


def _field(arguments: list[Node]) -> Reach | None:
    """Return the range of a field of a time, or of the difference of two."""
    field = arguments[0].get("A_Const", {}).get("sval", {}).get("sval", "").lower()
    moment = _moment(arguments[1]) if len(arguments) > 1 else None
    if moment is None:
        between = _arithmetic(arguments[1]["A_Expr"]) if "A_Expr" in arguments[-1] else None
        return between if field == "day" else None
    if field == "year":
        return moment[0] // _LONGEST_YEAR, moment[1] // _SHORTEST_YEAR + 1
    return (1, 31) if field == "day" else _FIELDS.get(field)


def _length(node: Node) -> Reach | None:
    """Return the length of a literal, or of an array of parts that the text lists."""
    if "TypeCast" in node:
        return _length(node["TypeCast"]["arg"])
    if "A_ArrayExpr" in node:
        return 0, len(node["A_ArrayExpr"].get("elements", ()))
    name, arguments = _call(node)
    if name == "string_to_array":
        return _length(arguments[0])
    text = node.get("A_Const", {}).get("sval")
    return None if text is None else (0, len(text.get("sval", "")) + 1)


def _moment(node: Node) -> Reach | None:
    """Return the days, counted from year 1, that a date or a timestamp can be."""
    if (
        node.get("SQLValueFunction", {})
        .get("op", "")
        .startswith(("SVFOP_CURRENT_", "SVFOP_LOCALT"))
    ):
        return _TODAY
    if "TypeCast" in node:
        return _cast_moment(node) if _type_of(node) in _TIMES else None
    if "A_Expr" in node:
        return _moved(node["A_Expr"])
    name, arguments = _call(node)
    if name in _NOW:
        return _TODAY
    if name == "make_date":
        known = [constant(argument) for argument in arguments]
        return _day("-".join(f"{part or 0:02.0f}" for part in known))
    moment = _moment(arguments[1]) if name in _SAME_YEAR and len(arguments) > 1 else None
    unit = arguments[0].get("A_Const", {}).get("sval", {}).get("sval", "") if moment else ""
    if moment is None or (name == "date_trunc" and unit.lower() not in _FIELDS_OF_DATES):
        return None
    return moment[0] - _LONGEST_YEAR, moment[1] + 1


def _cast_moment(cast: Node) -> Reach | None:
    argument = cast["TypeCast"]["arg"]
    text = argument.get("A_Const", {}).get("sval")
    return _moment(argument) if text is None else _day(text.get("sval", ""))


def _day(text: str) -> Reach | None:
    match = _DAY.fullmatch(text)
    try:
        day = date.fromisoformat(match[1]).toordinal() if match else None
    except ValueError:  # a day that does not exist: PostgreSQL reports it
        day = None
    return None if day is None else (day, day)


def _moved(expression: Node) -> Reach | None:
    """Return the days of a time that an interval or a number of days is added to."""
    sign = expression["name"][-1]["String"]["sval"]
    moment = _moment(expression["lexpr"]) if "lexpr" in expression else None
    if moment is None or sign not in {"+", "-"}:
        return None
    by = _interval(expression["rexpr"]) or reach(expression["rexpr"])
    return _COMBINED[sign](moment, by) if by else None


def _interval(node: Node) -> Reach | None:
    text = node.get("TypeCast", {}).get("arg", {}).get("A_Const", {}).get("sval", {})
    if not _INTERVAL.fullmatch(text.get("sval", "")) or _type_of(node) != "interval":
        return None
    days = sum(int(count) * _DAYS_OF[unit] for count, unit in _PART.findall(text["sval"]))
    return -days, days


def _type_of(cast: Node) -> str:
    return str(cast["TypeCast"]["typeName"]["names"][-1]["String"]["sval"])


def _call(node: Node) -> tuple[str, list[Any]]:
    call = node.get("FuncCall", {"funcname": [{"String": {"sval": ""}}]})
    return call["funcname"][-1]["String"]["sval"], call.get("args", [])
