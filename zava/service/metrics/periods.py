"""Parse periods such as `last month`: the one grammar of every tool with `time_period`."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from zava.errors import InvalidInput
from zava.model.metrics import Period, PeriodUnit, shifted
from zava.time_labels import beginning

BUSINESS_ZONE = ZoneInfo("America/Los_Angeles")
"""Where the stores' days begin and end."""

GRAMMAR = (
    "today, yesterday, this|last week|month|quarter|year, last N days|weeks|months|quarters, "
    "YYYY, YYYY-Qn, YYYY-MM, YYYY-MM-DD..YYYY-MM-DD"
)
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2199
_MOST_UNITS = 4000
_LONGEST_EXPRESSION = 60

_RELATIVE = re.compile(r"(this|last) (week|month|quarter|year)", re.ASCII)
_LAST_UNITS = re.compile(r"last (\d{1,4}) (day|week|month|quarter)s?", re.ASCII)
_YEAR = re.compile(r"(\d{4})", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-q([1-4])", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_TO = re.compile(r" ?(?:\.\.| to ) ?")
_QUARTER_FIRST = re.compile(r"^q([1-4])[ -](\d{4})$", re.ASCII)
_TO_DATE = {
    "ytd": "this year",
    "year to date": "this year",
    "qtd": "this quarter",
    "quarter to date": "this quarter",
    "mtd": "this month",
    "month to date": "this month",
    "wtd": "this week",
    "week to date": "this week",
}
_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})", re.ASCII)


def business_day(moved_to: date | None) -> date:
    """Return today where the stores are, or the day to which the clock was moved."""
    return moved_to or datetime.now(BUSINESS_ZONE).date()


def parse_period(expression: str, today: date) -> Period:
    """Return the period that the expression names on this day.

    Whole units lie between calendar boundaries, weeks are ISO weeks, and `last N units` are those
    before the current one. A period that contains today and ends later runs to today.

    Raises:
        InvalidInput: the text is not in the grammar, which the error states.
    """
    text = _usual_form(expression)
    try:
        found = _relative(text, today) or _absolute(text)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise _refused(expression)
    start, end, unit, count = found
    if start >= end or not _EARLIEST_YEAR <= start.year <= end.year <= _LATEST_YEAR + 1:
        raise _refused(expression)
    tomorrow = today + timedelta(days=1)
    is_to_date = start <= today and end > tomorrow
    said = text.replace("-q", "-Q")
    return Period(said, start, tomorrow if is_to_date else end, unit, count, is_to_date)


def _usual_form(expression: str) -> str:
    """Return an expression in the letters and the order of the grammar."""
    text = " ".join(expression.lower().replace("_", " ").split())
    if text in _TO_DATE:
        return _TO_DATE[text]
    return _QUARTER_FIRST.sub(r"\2-q\1", _TO.sub("..", text))


_Found = tuple[date, date, PeriodUnit, int]


def _relative(text: str, today: date) -> _Found | None:
    if text in {"today", "yesterday"}:
        start = today if text == "today" else today - timedelta(days=1)
        return start, start + timedelta(days=1), PeriodUnit.DAY, 1
    if match := _RELATIVE.fullmatch(text):
        unit = PeriodUnit(match[2])
        current = beginning(today, unit)
        if match[1] == "this":
            return current, shifted(current, unit, 1), unit, 1
        return shifted(current, unit, -1), current, unit, 1
    if match := _LAST_UNITS.fullmatch(text):
        count, unit = int(match[1]), PeriodUnit(match[2])
        if not 0 < count <= _MOST_UNITS:
            return None
        current = beginning(today, unit)
        return shifted(current, unit, -count), current, unit, count
    return None


def _absolute(text: str) -> _Found | None:
    if match := _YEAR.fullmatch(text):
        return _unit(date(int(match[1]), 1, 1), PeriodUnit.YEAR)
    if match := _QUARTER.fullmatch(text):
        return _unit(date(int(match[1]), 3 * int(match[2]) - 2, 1), PeriodUnit.QUARTER)
    if match := _MONTH.fullmatch(text):
        return _unit(date(int(match[1]), int(match[2]), 1), PeriodUnit.MONTH)
    if match := _DAYS.fullmatch(text):
        start, last = (date.fromisoformat(day) for day in match.groups())
        end = last + timedelta(days=1)
        return start, end, PeriodUnit.DAY, (end - start).days
    return None


def _unit(start: date, unit: PeriodUnit) -> _Found:
    return start, shifted(start, unit, 1), unit, 1


def _refused(expression: str) -> InvalidInput:
    shown = expression[:_LONGEST_EXPRESSION]
    return InvalidInput(f"time_period: {shown!r} is not a period.", hint=f"Use one of: {GRAMMAR}.")
