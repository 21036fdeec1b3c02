"""Reads fiscal periods: "this fiscal year", "fiscal Q1 2025", "FY2025-Q1", "fiscal october"."""

import re
from datetime import date, timedelta

from zava.model.fiscal_calendar import MONTHS, FiscalCalendar, FiscalPart
from zava.model.metrics import PeriodUnit

_UNITS = {"year": PeriodUnit.YEAR, "quarter": PeriodUnit.QUARTER, "month": PeriodUnit.MONTH}
_UNITS |= {"week": PeriodUnit.WEEK, "period": PeriodUnit.MONTH, "fytd": PeriodUnit.YEAR}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3}
_ORDINALS |= {"fourth": 4, "4th": 4, "last": 4}
_MAX_COUNT = 400

_UNIT = r"(?P<unit>year|quarter|month|week|period)"
_NUMBERED = (
    r"(?:(?:q|quarter )(?P<quarter>[1-4])|(?:m|month |p|period )(?P<month>\d\d?)"
    r"|(?:w|wk |week )(?P<week>\d\d?)|(?P<name>[a-z]{3,9})"
    rf"|(?P<ordinal>{'|'.join(_ORDINALS)}) (?:f )?quarter)"
)
_YEAR = r"(?:fy|f|)[ ']*(?P<year>\d{4}|\d\d)"
_RELATIVE = re.compile(rf"(?:(?P<which>this|current|last|previous|prior) )?f {_UNIT}")
_LAST_UNITS = re.compile(rf"(?:last|past|previous) (?P<count>\d{{1,3}}) f {_UNIT}s?")
_WHOLE_YEAR = re.compile(r"(?:fy|f)[ ']*(?P<year>\d{4}|\d\d)")
_PART_FIRST = re.compile(rf"(?:f ?)?{_NUMBERED}(?:[ ,-]*(?:of )?{_YEAR})?")
_YEAR_FIRST = re.compile(rf"{_YEAR}[ ,-]*{_NUMBERED}")


def fiscal_period(text: str, today: date, calendar: FiscalCalendar) -> FiscalPart | None:
    """Return the fiscal period that a text names, None for another text.

    Without a year it is the latest one that has begun.
    """
    if not re.match(r"fy|fq|f[mpw]\d|.*\b(?:fiscal|fy)", text):
        return None
    text = re.sub(r"\bfiscal years? (?='?\d)", "fy", text).replace("fiscal", "f")
    if text == "fytd":
        return calendar.holding(today, PeriodUnit.YEAR)
    if match := _RELATIVE.fullmatch(text):
        return _relative(match, today, calendar)
    if match := _LAST_UNITS.fullmatch(text):
        return _last_units(match, today, calendar)
    if match := _WHOLE_YEAR.fullmatch(text):
        return calendar.year(_number(match["year"]))
    if match := _PART_FIRST.fullmatch(text) or _YEAR_FIRST.fullmatch(text):
        return _numbered(match, today, calendar)
    return None


def _relative(match: re.Match[str], today: date, calendar: FiscalCalendar) -> FiscalPart | None:
    current = calendar.holding(today, _UNITS[match["unit"]])
    if current is None or match["which"] in {None, "this", "current"}:
        return current
    return calendar.holding(current.start - timedelta(days=1), _UNITS[match["unit"]])


def _last_units(match: re.Match[str], today: date, calendar: FiscalCalendar) -> FiscalPart | None:
    unit, count = _UNITS[match["unit"]], int(match["count"])
    first = current = calendar.holding(today, unit)
    if current is None or not 0 < count <= _MAX_COUNT:
        return None
    for _ in range(count):
        first = first and calendar.holding(first.start - timedelta(days=1), unit)
    if first is None:
        return None
    units = (current.start - first.start).days // 7 if calendar.weeks else count
    label = f"last {count} fiscal {match['unit']}s"
    return FiscalPart(label, first.start, current.start, first.unit, units)


def _numbered(match: re.Match[str], today: date, calendar: FiscalCalendar) -> FiscalPart | None:
    if match["year"]:
        return _part(match, _number(match["year"]), calendar)
    year = calendar.year_of(today)
    found = _part(match, year, calendar)
    return found if found is None or found.start <= today else _part(match, year - 1, calendar)


def _part(match: re.Match[str], year: int, calendar: FiscalCalendar) -> FiscalPart | None:
    if match["quarter"] or match["ordinal"]:
        number = int(match["quarter"] or _ORDINALS[match["ordinal"]])
        return calendar.quarter(year, number)
    if match["week"]:
        return calendar.week(year, int(match["week"])) if int(match["week"]) else None
    if match["name"]:
        # Months have the names of those of the calendar that they mostly are.
        if match["name"][:3] not in _MONTHS:
            return None
        number = (_MONTHS.index(match["name"][:3]) + 1 - calendar.start_month) % MONTHS + 1
    else:
        number = int(match["month"])
    return calendar.month(year, number) if 1 <= number <= MONTHS else None


def _number(year: str) -> int:
    return int(year) if len(year) > len("25") else 2000 + int(year)
