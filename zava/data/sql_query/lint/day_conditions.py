"""Which days the conditions of a statement select, by the day on which it runs.

A bound is a function of today: literals ignore it, `CURRENT_DATE` and `now()` do not. What is not
read as whole days gives no bound.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from zava.data.syntax.parser import Node
from zava.model.metrics import PeriodUnit, shifted
from zava.model.sql_findings import DayRange
from zava.model.time_labels import beginning

_DAY = re.compile(r"\s*(\d{4})-(\d\d?)-(\d\d?)\s*", re.ASCII)
_MIDNIGHT = re.compile(r"\s*(\d{4}-\d\d?-\d\d?)(?:[ T]00:00(?::00(?:\.0+)?)?)?\s*", re.ASCII)
_STEP = re.compile(r"\s*(-?\d{1,4})\s+(day|week|month|quarter|year)s?\s*", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_TYPES = frozenset({"date", "timestamp", "timestamptz"})
_NOW = frozenset({"now", "transaction_timestamp", "statement_timestamp"})
_UNITS = {unit.value: unit for unit in PeriodUnit}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}
_EARLIEST, _LATEST = date(1900, 1, 1), date(2199, 12, 31)
_DAY_FORMS = frozenset({"date", "day"})
ONE_DAY = timedelta(days=1)

Moment = Callable[[date], date]


class Bound(NamedTuple):
    """A day that a statement names; `is_midnight` is false where it has a time of that day."""

    day: Moment
    is_midnight: bool = True


@dataclass(slots=True)
class DayConditions:
    """The days that one source's conditions select.

    `is_exact` is false if a condition selects other than whole days, `is_read` if one is not
    understood.
    """

    starts: list[Moment] = field(default_factory=list)
    ends: list[Moment] = field(default_factory=list)
    fields: dict[str, int] = field(default_factory=dict)
    is_exact: bool = True
    is_read: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether no condition was added."""
        return self.is_read and not (self.starts or self.ends or self.fields)

    def add(self, operator: str, values: list[Node], form: str) -> None:
        """Add one condition; `form` is what the column is reduced to, as in `day_form`."""
        try:
            self.is_read &= self._add(operator, values, form)
        except (ValueError, OverflowError):
            self.is_read = False

    def on(self, today: date) -> DayRange | None:
        """Return the days that all conditions select together; None for none or unknown ones."""
        if not self.is_read:
            return None
        try:
            starts = [start(today) for start in self.starts]
            ends = [end(today) for end in self.ends]
        except (ValueError, OverflowError):
            return None
        if self.fields:
            years = self._of_fields()
            if years is None:
                return None
            starts, ends = [*starts, years.start], [*ends, years.end]
        start = max(starts, default=_EARLIEST)
        end = min(ends, default=today + ONE_DAY)
        return DayRange(start, end) if start < end else None

    def _of_fields(self) -> DayRange | None:
        year, month, quarter = (self.fields.get(name) for name in ("year", "month", "quarter"))
        if year is None or not _EARLIEST.year <= year <= _LATEST.year:
            return None
        if month is not None:
            start, unit = date(year, month, 1), PeriodUnit.MONTH
        elif quarter is not None:
            start, unit = date(year, 3 * quarter - 2, 1), PeriodUnit.QUARTER
        else:
            start, unit = date(year, 1, 1), PeriodUnit.YEAR
        return DayRange(start, shifted(start, unit, 1))

    def _add(self, operator: str, values: list[Node], form: str) -> bool:
        if form.startswith("field:"):
            return operator == "=" and self._add_field(form.removeprefix("field:"), values[0])
        if form.startswith("to_char:"):
            return operator == "=" and self._add_label(form, values[0])
        bounds = [bound_of(value) for value in values]
        if operator == "BETWEEN":
            return self._bound(">=", bounds[0], form) and self._bound("<=", bounds[1], form)
        return len(bounds) == 1 and self._bound(operator, bounds[0], form)

    def _add_field(self, name: str, value: Node) -> bool:
        number = value.get("A_Const", {}).get("ival")
        if number is None or name in self.fields:
            return False
        self.fields[name] = number.get("ival", 0)
        return True

    def _add_label(self, form: str, value: Node) -> bool:
        text = value.get("A_Const", {}).get("sval", {}).get("sval", "")
        pattern = form.removeprefix("to_char:").upper()
        month = _MONTH.fullmatch(text)
        if pattern == "YYYY-MM" and month and 1 <= int(month[2]) <= 12:  # noqa: PLR2004  # the months of a year
            start = date(int(month[1]), int(month[2]), 1)
            self._span(lambda _: start, PeriodUnit.MONTH)
        elif pattern == "YYYY" and _YEAR.fullmatch(text):
            self._span(lambda _: date(int(text), 1, 1), PeriodUnit.YEAR)
        else:
            return False
        return True

    def _bound(self, operator: str, bound: Bound | None, form: str) -> bool:
        if bound is None:
            return False
        day = bound.day
        if form in _UNITS and form != "day":
            return self._truncated(operator, day, _UNITS[form])
        if form in _DAY_FORMS:  # a whole day is compared
            if not bound.is_midnight:
                return False
            if operator == "=":
                self._span(day, PeriodUnit.DAY)
            elif operator in {">", ">="}:
                self.starts.append(_later(day) if operator == ">" else day)
            else:
                self.ends.append(_later(day) if operator == "<=" else day)
            return True
        self.is_exact &= bound.is_midnight and operator in {">=", "<"}
        if operator in {">", ">="}:
            self.starts.append(day)
        elif operator in {"<", "<="}:
            self.ends.append(day if bound.is_midnight else _later(day))
        else:
            return False
        return True

    def _truncated(self, operator: str, day: Moment, unit: PeriodUnit) -> bool:
        if operator == "=":
            self._span(day, unit)
        elif operator == ">=":
            self.starts.append(day)
        elif operator == "<":
            self.ends.append(day)
        elif operator == "<=":
            self.ends.append(lambda today: shifted(day(today), unit, 1))
        else:
            self.starts.append(lambda today: shifted(day(today), unit, 1))
        # Of another day than a unit's first one the condition selects something else.
        self._check_beginning(day, unit)
        return True

    def _check_beginning(self, day: Moment, unit: PeriodUnit) -> None:
        def begins(today: date) -> date:
            start = day(today)
            if beginning(start, unit) != start:
                raise ValueError
            return start

        self.starts.append(lambda today: begins(today) and _EARLIEST)

    def _span(self, day: Moment, unit: PeriodUnit) -> None:
        self.starts.append(day)
        self.ends.append(lambda today: shifted(day(today), unit, 1))


def mirrored(operator: str) -> str:
    """Return the operator with its sides exchanged; "" for one that has none."""
    return _MIRRORED.get(operator, "")


def literal_day(node: Node) -> date | None:
    """Return the day that a literal without a time of day names, cast or not."""
    if "TypeCast" in node:
        if _type_of(node["TypeCast"]) not in _TYPES:
            return None
        node = node["TypeCast"]["arg"]
    found = _DAY.fullmatch(node.get("A_Const", {}).get("sval", {}).get("sval", ""))
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def bound_of(node: Node) -> Bound | None:
    """Return the day that an expression without columns names; None if it is not read."""
    if "A_Const" in node:
        return _of_literal(node)
    if "TypeCast" in node:
        return _of_cast(node["TypeCast"])
    if "SQLValueFunction" in node:
        op = node["SQLValueFunction"]["op"]
        return Bound(lambda today: today, op == "SVFOP_CURRENT_DATE") if _is_today(op) else None
    if "FuncCall" in node:
        return _of_call(node["FuncCall"])
    if "A_Expr" in node:
        return _of_sum(node["A_Expr"])
    return None


def _is_today(op: str) -> bool:
    return op in {"SVFOP_CURRENT_DATE", "SVFOP_CURRENT_TIMESTAMP", "SVFOP_LOCALTIMESTAMP"}


def _of_literal(node: Node) -> Bound | None:
    found = _MIDNIGHT.fullmatch(node["A_Const"].get("sval", {}).get("sval", ""))
    if not found:
        return None
    try:
        day = date(*map(int, found[1].split("-")))
    except ValueError:
        return None
    return Bound(lambda _: day)


def _of_cast(cast: Node) -> Bound | None:
    kind = _type_of(cast)
    if kind not in _TYPES:
        return None
    inner = bound_of(cast["arg"])
    return Bound(inner.day) if inner and kind == "date" else inner


def _of_call(call: Node) -> Bound | None:
    name, arguments = call["funcname"][-1]["String"]["sval"], call.get("args", [])
    if name in _NOW and not arguments:
        return Bound(lambda today: today, is_midnight=False)
    if name == "date_trunc" and len(arguments) >= 2:  # noqa: PLR2004  # the unit and a moment
        unit = _UNITS.get(_text(arguments[0]).lower())
        inner = bound_of(arguments[1])
        if unit is None or inner is None:
            return None
        return Bound(lambda today: beginning(inner.day(today), unit))
    if name == "make_date":
        numbers = [
            argument.get("A_Const", {}).get("ival", {}).get("ival") for argument in arguments
        ]
        if len(numbers) == 3 and all(numbers):  # noqa: PLR2004  # year, month and day
            return Bound(lambda _: date(*numbers))
    return None


def _of_sum(expression: Node) -> Bound | None:
    sign = expression["name"][-1]["String"]["sval"]
    inner = bound_of(expression.get("lexpr", {}))
    step = _step(expression["rexpr"])
    if sign not in {"+", "-"} or inner is None or step is None:
        return None
    count, unit = step
    count = -count if sign == "-" else count
    return Bound(lambda today: shifted(inner.day(today), unit, count), inner.is_midnight)


def _step(node: Node) -> tuple[int, PeriodUnit] | None:
    if "ival" in node.get("A_Const", {}):
        return node["A_Const"]["ival"].get("ival", 0), PeriodUnit.DAY
    cast = node.get("TypeCast", {})
    if not cast or _type_of(cast) != "interval" or "typmods" in cast["typeName"]:
        return None
    found = _STEP.fullmatch(_text(cast["arg"]).lower())
    return (int(found[1]), _UNITS[found[2]]) if found else None


def _later(day: Moment) -> Moment:
    return lambda today: day(today) + ONE_DAY


def _type_of(cast: Node) -> str:
    return str(cast["typeName"]["names"][-1]["String"]["sval"])


def _text(node: Node) -> str:
    return str(node.get("A_Const", {}).get("sval", {}).get("sval", ""))
