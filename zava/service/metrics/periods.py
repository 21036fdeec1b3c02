"""Parse periods such as `last month`: the one grammar of every tool with `time_period`."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from zava.errors import InvalidInput
from zava.model.fiscal_calendar import FiscalCalendar, FiscalPart
from zava.model.metrics import MetricFilter, Period, PeriodUnit, shifted
from zava.model.time_labels import OF_TIME, beginning, units_in
from zava.service.metrics.period_reading.fiscal_periods import fiscal_period
from zava.service.metrics.period_reading.other_questions import answered_elsewhere
from zava.service.metrics.period_reading.period_forms import MAX_UNITS, nearest_forms, plain_form
from zava.service.metrics.period_reading.period_notations import plain_notation

GRAMMAR = (
    "today, yesterday, this|last week|month|quarter|year, last N days|weeks|months|quarters|years, "
    "YYYY, YYYY-Qn, YYYY-MM, YYYY-Www, YYYY-MM-DD, black friday YYYY, any..any"
)
FISCAL_GRAMMAR = f"{GRAMMAR}, FY2025-Q1, this fiscal year"
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2199
_MOST_DAYS_OF_A_UNIT = 371
_MAX_EXPRESSION_CHARACTERS, _MAX_READ_CHARACTERS = 60, 200

_RELATIVE = re.compile(r"(this|last) (week|month|quarter|year)", re.ASCII)
_LAST_UNITS = re.compile(r"last (\d{1,4}) (day|week|month|quarter|year)s?", re.ASCII)
_YEAR = re.compile(r"(\d{4})", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-q([1-4])", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_WEEK = re.compile(r"(\d{4})-w(\d{2})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_Found = tuple[date, date, PeriodUnit, int]


def business_day(moved_to: date | None, time_zone: str) -> date:
    """Return today in the stores' time zone, or the day to which the clock was moved."""
    return moved_to or datetime.now(ZoneInfo(time_zone)).date()


def parse_period(expression: str, today: date, fiscal: FiscalCalendar | None = None) -> Period:
    """Return the period that the expression names on this day.

    Fiscal periods are those of `fiscal`; without it they are refused.

    Whole units lie between calendar boundaries, weeks are ISO weeks, and `last N units` are those
    before the current one. A period that contains today and ends later runs to today.

    Raises:
        InvalidInput: the text is not in the grammar, which the error states.
    """
    if len(expression) > _MAX_READ_CHARACTERS:
        raise _refused(expression, today, fiscal)
    try:
        written = plain_notation(expression, today)
        text = plain_form(written, today)
        if found := _beside(written, today, fiscal):
            first, last = found[0], found[1] - timedelta(days=1)
            text = str(first) if first == last else f"{first}..{last}"
        else:
            found = _found(text, today, fiscal)
        if fiscal and (part := fiscal_period(text, today, fiscal)):
            text = part.label
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise _refused(expression, today, fiscal)
    start, end, unit, count = found
    if start >= end or not _EARLIEST_YEAR <= start.year <= end.year <= _LATEST_YEAR + 1:
        raise _refused(expression, today, fiscal)
    tomorrow = today + timedelta(days=1)
    is_to_date = start <= today and end > tomorrow
    said = text.replace("-q", "-Q").replace("-w", "-W")
    return Period(said, start, tomorrow if is_to_date else end, unit, count, is_to_date)


def labelled(given: MetricFilter, today: date, fiscal: FiscalCalendar | None) -> MetricFilter:
    """Return a filter by time with its values as labels: "Nov 2024" is the month 2024-11.

    A value that names no single unit of the dimension is left as it is.
    """
    dimension = given.dimension.strip().lower()
    if dimension not in OF_TIME:
        return given
    values = tuple(_label_of(value, dimension, today, fiscal) for value in given.values)
    return MetricFilter(given.dimension, given.op, values)


def _label_of(text: str, dimension: str, today: date, fiscal: FiscalCalendar | None) -> str:
    try:
        period = parse_period(text, today, fiscal)
    except InvalidInput:
        return text
    if period.days > _MOST_DAYS_OF_A_UNIT:
        return text
    labels = [label for label, _, _ in units_in(period, dimension, fiscal)]
    is_unit = period.expression in labels or (period.unit, period.count) == (OF_TIME[dimension], 1)
    return labels[0] if len(labels) == 1 and is_unit else text


def _of_part(part: FiscalPart) -> _Found:
    return part.start, part.end, part.unit, part.count


# Days, weeks and months that a phrase counts from another period: "52 weeks ending 2026-11-28".
_UNIT = r"(?P<unit>day|week|month|quarter|year)s?"
_ENDING = re.compile(
    rf"(?:the |last )?(?P<count>\d{{1,3}}) {_UNIT} (?P<side>ending|ended|to|until|till|through"
    r"|up to|before|prior to|after|following|from|starting|beginning)(?: on| in)? (?P<other>.+)",
    re.ASCII,
)
_WEEK_AT = re.compile(
    r"week (?P<side>ending|ended|starting|beginning|commencing)(?: on)? (?P<other>.+)", re.ASCII
)
_DAY_AT = re.compile(r"(?:the )?day (?P<side>before|after) (?P<other>.+)", re.ASCII)
_WITHIN = re.compile(
    rf"(?:the )?(?P<place>first|last)(?: (?P<count>\d{{1,3}}))? {_UNIT} (?:of|in) (?P<other>.+)",
    re.ASCII,
)
_WITH_TODAY = re.compile(
    rf"last (?P<count>\d{{1,3}}) {_UNIT},? (?:including|incl\.?) today", re.ASCII
)
_OUTSIDE = re.compile(
    r"(?P<side>before|prior to|earlier than|after|later than) (?P<other>.+)", re.ASCII
)
_ISO_FROM = re.compile(
    r"(?P<other>\d{4}-\d\d-\d\d)/p(?P<count>\d{1,3})(?P<letter>[dwmy])", re.ASCII
)
_ISO_TO = re.compile(r"p(?P<count>\d{1,3})(?P<letter>[dwmy])/(?P<other>\d{4}-\d\d-\d\d)", re.ASCII)
_ISO_UNITS = {"d": "day", "w": "week", "m": "month", "y": "year"}
_AND = re.compile(r"(?P<first>[^,&()]+?)(?:,| and| &) ?(?P<last>[^,&()]+)")
_YEAR_AFTER = re.compile(r".* (\d{4})", re.ASCII)
_UNIT_AFTER = re.compile(r".* (week|month|quarter|year)", re.ASCII)
_THE_UNIT = re.compile(r"(?:the )?(week|month|quarter|year)", re.ASCII)
_LEADING = re.compile(r"(?:(?:in|during|for|over|within) )?(?:the )?")
_WEEK_ENDING, _WEEK_STARTING = re.compile(r"^(?:w/e|we|wk ending) "), re.compile(r"^(?:w/c|wc) ")
_FULL = re.compile(r"\d{4}|'\d\d|today|yesterday|week|month|quarter|year")
_BEFORE, _AFTER = (
    frozenset({"before", "prior to", "earlier than"}),
    frozenset({"after", "following"}),
)
_FROM = frozenset({"from", "starting", "beginning", "commencing"})


def _beside(expression: str, today: date, fiscal: FiscalCalendar | None) -> _Found | None:
    """Return a period that is counted from the ends of another one, None for other texts."""
    text = _LEADING.sub("", expression, count=1)
    text = _WEEK_STARTING.sub("week starting ", _WEEK_ENDING.sub("week ending ", text))

    def read(text: str) -> _Found | None:
        return _found(plain_form(text, today), today, fiscal)

    def other(match: re.Match[str]) -> _Found | None:
        the_unit = _THE_UNIT.fullmatch(match["other"])
        return read(f"this {the_unit[1]}" if the_unit else match["other"])

    text = _without_iso(text)

    if (found := _together(text, read)) or (found := _inside(text, today, other)):
        return found
    match = _ENDING.fullmatch(text) or _WEEK_AT.fullmatch(text) or _DAY_AT.fullmatch(text)
    around = other(match) if match else None
    if match is None or around is None:
        return None
    start, end, *_ = around
    side = match["side"]
    if match.re is _WEEK_AT and (start if side in _FROM else end).weekday() == 0:
        return None  # an ISO week, which has a label of its own
    if side in _BEFORE:
        return _counted(start, match, forward=False)
    if side in _AFTER:
        return _counted(end, match, forward=True)
    if side in _FROM:
        return _counted(start, match, forward=True)
    return _counted(end, match, forward=False)


def _without_iso(text: str) -> str:
    """Return an interval of ISO 8601 in words: 2026-10-01/P1M is 1 months starting 2026-10-01."""
    iso = _ISO_FROM.fullmatch(text) or _ISO_TO.fullmatch(text)
    if iso is None:
        return text
    side = "starting" if iso.re is _ISO_FROM else "ending"
    return f"{iso['count']} {_ISO_UNITS[iso['letter']]}s {side} {iso['other']}"


def _outside(expression: str, today: date, fiscal: FiscalCalendar | None) -> list[str]:
    """Return the days before or after another period: "before November", "after 2026-10-15"."""
    match = _OUTSIDE.fullmatch(expression.strip().lower())
    around = _found(plain_form(match["other"], today), today, fiscal) if match else None
    if match is None or around is None:
        return []
    if match["side"] in _BEFORE:
        return [f"{_EARLIEST_YEAR}-01-01..{around[0] - timedelta(days=1)}"]
    return [f"{around[1]}..today"] if around[1] <= today else []


def _together(text: str, read: Callable[[str], _Found | None]) -> _Found | None:
    """Return two periods that follow each other as one: "Oct and Nov 2025"."""
    match = _AND.fullmatch(text)
    if match is None:
        return None
    first, last = match["first"], match["last"]
    for after in (_YEAR_AFTER, _UNIT_AFTER):  # "this and last month"
        shared = after.fullmatch(last)
        if shared and shared[1] not in first and not _FULL.search(first):
            first = f"{first} {shared[1]}"
    both = sorted(found for found in map(read, (first, last)) if found)
    if len(both) != len(("first", "last")) or both[0][1] != both[1][0]:
        return None
    start, end = both[0][0], both[1][1]
    unit = both[0][2] if both[0][2] is both[1][2] else PeriodUnit.DAY
    return start, end, unit, _count(start, end, unit)


def _inside(
    text: str, today: date, other: Callable[[re.Match[str]], _Found | None]
) -> _Found | None:
    if match := _WITH_TODAY.fullmatch(text):
        end = today + timedelta(days=1)
        return _counted(end, match, forward=False)
    if match := _WITHIN.fullmatch(text):
        return _within(match, other)
    return None


def _within(match: re.Match[str], other: Callable[[re.Match[str]], _Found | None]) -> _Found | None:
    around = other(match)
    if around is None or (match["unit"] == "week" and not match["count"]):
        return None  # the first week of a month has several meanings
    start, end, *_ = around
    is_first = match["place"] == "first"
    found = _counted(start if is_first else end, match, forward=is_first)
    return found if start <= found[0] and found[1] <= end else None


def _counted(edge: date, match: re.Match[str], *, forward: bool) -> _Found:
    """Return the units of a match on one side of a day."""
    named = match.groupdict()
    count = int(named.get("count") or 1)
    unit = PeriodUnit(named.get("unit") or ("day" if match.re is _DAY_AT else "week"))
    far = shifted(edge, unit, count if forward else -count)
    start, end = min(edge, far), max(edge, far)
    return start, end, unit, count


def _found(text: str, today: date, fiscal: FiscalCalendar | None) -> _Found | None:
    ends = text.split("..")
    if len(ends) == 1:
        if fiscal and (part := fiscal_period(text, today, fiscal)):
            return _of_part(part)
        return _relative(text, today) or _absolute(text)
    first = _found(ends[0], today, fiscal)
    last = _found("..".join(ends[1:]), today, fiscal)
    if first is None or last is None:
        return None
    start, end = first[0], last[1]
    unit = first[2] if first[2] is last[2] else PeriodUnit.DAY
    return start, end, unit, _count(start, end, unit)


def _count(start: date, end: date, unit: PeriodUnit) -> int:
    """Return how many whole units lie between two of their boundaries."""
    if unit in {PeriodUnit.DAY, PeriodUnit.WEEK}:
        return (end - start).days // (1 if unit is PeriodUnit.DAY else 7)
    months = 12 * (end.year - start.year) + end.month - start.month
    return months // {PeriodUnit.MONTH: 1, PeriodUnit.QUARTER: 3, PeriodUnit.YEAR: 12}[unit]


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
        if not 0 < count <= MAX_UNITS:
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
    if match := _WEEK.fullmatch(text):
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
        return _unit(monday, PeriodUnit.WEEK)
    if _DAY.fullmatch(text):
        return _unit(date.fromisoformat(text), PeriodUnit.DAY)
    return None


def _unit(start: date, unit: PeriodUnit) -> _Found:
    return start, shifted(start, unit, 1), unit, 1


def _refused(expression: str, today: date, fiscal: FiscalCalendar | None) -> InvalidInput:
    grammar = FISCAL_GRAMMAR if fiscal else GRAMMAR
    shown = expression[:_MAX_EXPRESSION_CHARACTERS]
    try:
        meant = _outside(shown, today, fiscal) or nearest_forms(shown, today)
    except (ValueError, OverflowError):  # a day that no calendar has
        meant = []
    near = " or ".join(map(repr, meant))
    told, is_whole_answer = answered_elsewhere(shown, has_fiscal_year=fiscal is not None)
    told = f"{told} " if told else ""
    if near and not is_whole_answer:
        told = f"Perhaps {near}. {told}"
    return InvalidInput(
        f"time_period: {shown!r} is not a period.", hint=f"{told}Use one of: {grammar}."
    )
