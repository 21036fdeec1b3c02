"""Reads one unit or one day of a period: a month by name, a quarter, a week, a weekday, a date.

A text without one meaning is returned as it is, and `periods.py` refuses it.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta

from zava.service.metrics.period_reading.named_days import named_days
from zava.service.metrics.period_reading.period_phrases import usual_form

MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH_OF = {name[:3]: number for number, name in enumerate(MONTHS, 1)}
WEEKDAY_OF = {name[:3]: number for number, name in enumerate(DAYS)}
_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNT_OF = {
    **{word: number for number, word in enumerate((*_COUNTS, "eleven", "twelve"), 1)},
    **dict.fromkeys(("a", "an"), 1),
    **dict.fromkeys(("couple of", "couple"), 2),
}
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3}
_ORDINALS |= {"fourth": 4, "4th": 4, "last": 4}
_UNITS = {"d": "day", "w": "week", "wk": "week", "m": "month", "mo": "month"}
_UNITS |= {"q": "quarter", "qtr": "quarter", "y": "year", "yr": "year"}
WHOLE = {
    "ytd": "this year",
    "year to date": "this year",
    "qtd": "this quarter",
    "quarter to date": "this quarter",
    "mtd": "this month",
    "month to date": "this month",
    "wtd": "this week",
    "week to date": "this week",
    "now": "today",
    "current": "today",
    "last day": "yesterday",
    "last fortnight": "last 2 weeks",
    "last half year": "last 6 months",
    "last half": "last 6 months",
    **dict.fromkeys(("all time", "ever", "all", "all data", "lifetime"), "1900-01-01..today"),
}
MONTH_NAME = rf"(?P<month>{'|'.join((*MONTHS, *_MONTH_OF, 'sept'))})\.?"
_YEAR = r"(?P<year>\d{4}|'\d\d|last year|this year)"
UNIT = r"(?P<unit>day|week|month|quarter|year)"
_SHORT_UNIT = r"(?P<unit>days?|d|weeks?|wks?|w|months?|mo|m|quarters?|qtrs?|q|years?|yrs?|y)"
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NOISE = re.compile(
    r"^(?:(?:in|during|for|on|over|within|throughout|the|of|period|time period)\s+)+"
)
_TIME = re.compile(
    r"^(\d{4}-\d\d-\d\d)[t ]\d\d:\d\d[\d:.]*(?: ?(?:z|utc)|[+-]\d\d:?\d\d)?$", re.ASCII
)
_WEEKDAY_BEFORE = re.compile(rf"^(?:{'|'.join(DAYS)}|{'|'.join(WEEKDAY_OF)}),?\s+(?=\S*\d)")
US_OR_NOT = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


def single_period(text: str, today: date) -> str:
    """Return the unit or day that a text names in the form of the grammar, else the text."""
    text = usual_form(NOISE.sub("", text.strip(" .,")), today)
    text = _WEEKDAY_BEFORE.sub("", _TIME.sub(r"\1", text))
    if text in WHOLE:
        return WHOLE[text]
    with suppress(ValueError, OverflowError):  # a year that no calendar has: the text is refused
        if named := named_days(text, today):
            return named
    with suppress(ValueError, OverflowError):  # no such day: the text stays, and is refused
        for pattern, rule in _RULES:
            if (match := pattern.fullmatch(text)) and (found := rule(match, today)):
                return found
    return text


def iso_day(year: int, month: int, day: int) -> str:
    """Return a day as YYYY-MM-DD, "" for one that no calendar has."""
    with suppress(ValueError):
        return date(year, month, day).isoformat()
    return ""


def _count(text: str) -> int:
    return int(text) if text.isdigit() else _COUNT_OF[text]


def _unit(text: str) -> str:
    return _UNITS.get(text.removesuffix("s"), text.removesuffix("s"))


def _year(match: re.Match[str], today: date) -> int | None:
    """Return the year that a match names, None where it names none."""
    text = match.groupdict().get("year")
    if not text:
        return None
    if text == "this year":
        return today.year
    if text == "last year":
        return today.year - 1
    return int(f"20{text[1:]}" if text.startswith("'") else text)


def _latest(match: re.Match[str], today: date, *, has_begun: bool) -> int:
    """Return the year of the match, else that of the latest such unit."""
    named = _year(match, today)
    return named if named is not None else today.year - (not has_begun)


def _last_units(match: re.Match[str], _today: date) -> str:
    count, unit = _count(match["count"]), _unit(match["unit"])
    return f"last {count} {unit}s"


def _this_or_last(match: re.Match[str], _today: date) -> str:
    unit = _unit(match["unit"])
    if match["which"] in {"this", "current"}:
        return "today" if unit == "day" else f"this {unit}"
    return "yesterday" if unit == "day" else f"last {unit}"


def _of_units_ago(match: re.Match[str], today: date) -> str:
    return _units_before(_unit(match["unit"]), _count(match["count"]), today)


def _units_before(unit: str, count: int, today: date) -> str:
    if unit == "day":
        return (today - timedelta(days=count)).isoformat()
    if unit == "week":
        return _week(today - timedelta(weeks=count))
    if unit == "year":
        return f"{today.year - count:04}"
    months = today.year * 12 + today.month - 1 - count * (3 if unit == "quarter" else 1)
    return _month(months) if unit == "month" else f"{months // 12:04}-q{months % 12 // 3 + 1}"


def _month(months: int) -> str:
    return f"{months // 12:04}-{months % 12 + 1:02}"


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04}-w{week:02}"


def _a_year_before(match: re.Match[str], today: date) -> str:
    """Return the unit a year ago: weeks and days by the same weekdays, 364 days before."""
    unit = match["unit"]
    back = 1 if match["which"] == "last" else 0
    if unit == "date":
        return iso_day(today.year - 1, today.month, today.day)
    if unit in {"day", "week"}:
        return _units_before(unit, back + (364 if unit == "day" else 52), today)
    return _units_before(unit, back + {"month": 12, "quarter": 4, "year": 1}[unit], today)


def _quarter(match: re.Match[str], today: date) -> str:
    number = _ORDINALS.get(match["quarter"]) or int(match["quarter"])
    year = _latest(match, today, has_begun=3 * number - 2 <= today.month)
    return f"{year:04}-q{number}"


def _half(match: re.Match[str], today: date) -> str:
    number = {"2": 2, "second": 2, "2nd": 2, "last": 2}.get(match["half"], 1)
    year = _latest(match, today, has_begun=number == 1 or today.month > 6)  # noqa: PLR2004  # July
    return f"{year:04}-{6 * number - 5:02}..{year:04}-{6 * number:02}"


def _month_by_name(match: re.Match[str], today: date) -> str:
    number = _MONTH_OF[match["month"][:3]]
    which = match.groupdict().get("which")
    has_begun = which == "this" or (
        number < today.month if which == "last" else number <= today.month
    )
    return f"{_latest(match, today, has_begun=has_begun):04}-{number:02}"


def _day_of_month(match: re.Match[str], today: date) -> str:
    number, day = _MONTH_OF[match["month"][:3]], int(match["day"])
    has_begun = (number, day) <= (today.month, today.day)
    return iso_day(_latest(match, today, has_begun=has_begun), number, day)


def _week_by_number(match: re.Match[str], today: date) -> str:
    year, week, _ = today.isocalendar()
    number = int(match["week"])
    named = _year(match, today)
    return f"{named if named is not None else year - (number > week):04}-w{number:02}"


def _unit_of_day(match: re.Match[str], today: date) -> str:
    day = single_period(match["day"], today)
    if match["unit"] == "month" and re.fullmatch(r"\d{4}-\d\d", day):
        return day
    if not _ISO_DAY.fullmatch(day):
        return ""
    return _units_before(match["unit"], 0, date.fromisoformat(day))


def _week_beside(match: re.Match[str], today: date) -> str:
    day = single_period(match["day"], today)
    if not _ISO_DAY.fullmatch(day):
        return ""
    weeks = 1 if match["side"] == "before" else -1
    return _units_before("week", weeks, date.fromisoformat(day))


def _weekday(match: re.Match[str], today: date) -> str:
    days = (today.weekday() - WEEKDAY_OF[match["weekday"][:3]]) % 7
    return (today - timedelta(days=days or 7 * (match["which"] == "last "))).isoformat()


def _weekend(match: re.Match[str], today: date) -> str:
    monday = today - timedelta(days=today.weekday() + 7 * (match["which"] != "this"))
    return f"{monday + timedelta(days=5)}..{monday + timedelta(days=6)}"


def _weekend_of_day(match: re.Match[str], today: date) -> str:
    """Return Saturday and Sunday of the ISO week of a day."""
    day = single_period(match["day"], today)
    if not _ISO_DAY.fullmatch(day):
        return ""
    monday = date.fromisoformat(day) - timedelta(days=date.fromisoformat(day).weekday())
    return f"{monday + timedelta(days=5)}..{monday + timedelta(days=6)}"


def _unit_ago(match: re.Match[str], today: date) -> str:
    return _units_before(match["unit"], 1, today)


def _to_date_a_year_before(match: re.Match[str], today: date) -> str:
    unit = match["unit"] or "y"
    month = {"m": today.month, "q": 3 * ((today.month - 1) // 3) + 1}.get(unit, 1)
    last = min(today.day, monthrange(today.year - 1, today.month)[1])
    return f"{iso_day(today.year - 1, month, 1)}..{iso_day(today.year - 1, today.month, last)}"


def _numbered_day(match: re.Match[str], _today: date) -> str:
    return iso_day(int(match["year"]), int(match["month"]), int(match["day"]))


def _numbered_us_day(match: re.Match[str], _today: date) -> str:
    first, second, year = int(match[1]), int(match[2]), int(match[3])
    if first == second or first > 12 or second > 12:  # noqa: PLR2004  # months of a year
        month, day = (second, first) if first > 12 else (first, second)  # noqa: PLR2004  # same
        return iso_day(year, month, day)
    return ""  # a day and a month that could be exchanged


def _numbered_month(match: re.Match[str], _today: date) -> str:
    return f"{match['year']}-{int(match['month']):02}"


_Rule = Callable[[re.Match[str], date], str]
_OF_YEAR = rf"(?:[ ,/-]*(?:of |in )?(?:the )?{_YEAR})?"
_BACK = r"(?:last|past|previous|prior|preceding|trailing|latest|recent)"
_NUMBER = rf"(?P<count>\d{{1,5}}|{'|'.join(_COUNT_OF)})"
_A_YEAR_AGO = r"(?:(?:the )?(?:last|previous|prior) year|(?:a|one|1) year (?:ago|earlier))"
_REPEATED = r"(?P<unit>day|date|week|month|quarter)"
_HOLDING = r"(?:of|that (?:holds|contains)|with|starting|beginning|ending|commencing)"
_RULES: tuple[tuple[re.Pattern[str], _Rule], ...] = tuple(
    (re.compile(pattern, re.ASCII), rule)
    for pattern, rule in (
        (r"day before yesterday", lambda _, today: _units_before("day", 2, today)),
        (rf"{UNIT} before last", lambda m, today: _units_before(m["unit"], 2, today)),
        (rf"(?:{_BACK} )?{_NUMBER} ?{_SHORT_UNIT}", _last_units),
        (rf"l(?P<count>\d{{1,4}}){_SHORT_UNIT}", _last_units),
        (rf"{_NUMBER} {_SHORT_UNIT} ago", _of_units_ago),
        (rf"(?P<which>this|current) {_SHORT_UNIT}", _this_or_last),
        (rf"(?P<which>{_BACK}) {_SHORT_UNIT}", _this_or_last),
        (rf"(?P<which>same|this|current) {_REPEATED} (?:of |in )?{_A_YEAR_AGO}", _a_year_before),
        (rf"(?P<which>last) {_REPEATED} {_A_YEAR_AGO}", _a_year_before),
        (r"last year (?:to date|so far)|lytd|(?P<unit>[ymq])td last year", _to_date_a_year_before),
        (r"(?:(?:the )?year|cy) ?(?P<year>\d{4})", lambda m, _: m["year"]),
        (rf"q(?P<quarter>[1-4]){_OF_YEAR}", _quarter),
        (r"(?P<year>\d{4})[ /-]?q(?P<quarter>[1-4])", _quarter),
        (rf"(?P<quarter>{'|'.join(_ORDINALS)}) quarter{_OF_YEAR}", _quarter),
        (rf"h(?P<half>[12]){_OF_YEAR}", _half),
        (r"(?P<year>\d{4})[ /-]?h(?P<half>[12])", _half),
        (rf"(?P<half>first|second|1st|2nd|last) half{_OF_YEAR}", _half),
        (rf"(?:(?P<which>last|this) )?{MONTH_NAME}{_OF_YEAR}", _month_by_name),
        (rf"(?P<year>\d{{4}})[ ,/-]*{MONTH_NAME}", _month_by_name),
        (rf"{MONTH_NAME} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_OF_YEAR}", _day_of_month),
        (
            rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? ?(?:of )?{MONTH_NAME}{_OF_YEAR}",
            _day_of_month,
        ),
        (
            rf"(?:week|wk|w|kw|cw) ?(?P<week>\d{{1,2}}){_OF_YEAR}",
            _week_by_number,
        ),
        (r"(?P<year>\d{4})[ /-]?(?:w|week ?)(?P<week>\d{1,2})", _week_by_number),
        (r"week (?P<side>before|after) (?P<day>.+)", _week_beside),
        (rf"(?P<unit>week|month|quarter) {_HOLDING}(?: on)? (?P<day>.+)", _unit_of_day),
        (rf"(?P<which>last |this |)(?P<weekday>{'|'.join((*DAYS, *WEEKDAY_OF))})", _weekday),
        (rf"(?P<which>this|{_BACK}) weekend", _weekend),
        (r"weekend (?:of|around|containing) (?P<day>.+)", _weekend_of_day),
        (r"(?P<unit>day|week|month|quarter|year) ago", _unit_ago),
        (r"(?P<year>\d{4})[/.-](?P<month>\d{1,2})[/.-](?P<day>\d{1,2})", _numbered_day),
        (r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", _numbered_day),
        (r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", _numbered_day),
        (US_OR_NOT.pattern, _numbered_us_day),
        (r"(?P<year>\d{4})[/.-](?P<month>\d{1,2})", _numbered_month),
        (r"(?P<month>\d{1,2})[/.-](?P<year>\d{4})", _numbered_month),
    )
)
