"""Reads holidays and retail events as periods: "black friday 2025", "thanksgiving week"."""

import re
from collections.abc import Callable
from datetime import date, timedelta

from zava.model.retail_calendar import EVENT_NAMES, event_day

_ALIASES = {
    "xmas": "Christmas Day",
    "x-mas": "Christmas Day",
    "christmas": "Christmas Day",
    "xmas eve": "Christmas Eve",
    "xmas day": "Christmas Day",
    "thanksgiving day": "Thanksgiving",
    "day after thanksgiving": "Black Friday",
    "easter sunday": "Easter",
    "new year": "New Year's Day",
    "new years": "New Year's Day",
    "nye": "New Year's Eve",
    "mlk day": "Martin Luther King Day",
    "martin luther king jr day": "Martin Luther King Day",
    "presidents day": "Presidents' Day",
    "labour day": "Labor Day",
    "fourth of july": "Independence Day",
    "4th of july": "Independence Day",
    "indigenous peoples day": "Columbus Day",
    "valentines": "Valentine's Day",
    "valentine": "Valentine's Day",
    "valentine day": "Valentine's Day",
    "mother day": "Mother's Day",
    "father day": "Father's Day",
    "memorial": "Memorial Day",
    "halloween day": "Halloween",
}
_NAMES = {name.lower().replace("'", ""): name for name in EVENT_NAMES} | _ALIASES
_NAME = "|".join(re.escape(name) for name in sorted(_NAMES, key=len, reverse=True))
_EVENT = re.compile(
    r"(?:(?P<before>\d{4}) )?(?:(?P<which>this|last|previous) )?(?:(?P<whose>this|last) years? )?"
    rf"(?P<name>{_NAME})(?: (?P<span>week|weekend))?"
    rf"(?:,? (?:of |in )?(?P<year>\d{{4}}|this year|last year))?",
    re.ASCII,
)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ENDS_OF_THE_CALENDAR = ("9999", "0001")
_THURSDAY, _FRIDAY, _SATURDAY = 3, 4, 5
NAMED_DAYS = tuple(name.lower() for name in EVENT_NAMES)
"""The names that a refusal may propose."""


def named_days(text: str, today: date) -> str | None:
    """Return the day, week or weekend of an event in the grammar's form, None for another text.

    Without a year it is the latest one that has begun. A week is the ISO week of the event. A
    weekend is Saturday and Sunday, with the days between them and the event.
    """
    match = _EVENT.fullmatch(text.replace("'", ""))
    if match is None:
        return None
    name = _NAMES[match["name"]]
    year = _year(match, today, name)
    day = event_day(name, year)
    if match["span"] == "week":
        iso_year, week, _ = day.isocalendar()
        return f"{iso_year:04}-w{week:02}"
    if match["span"] == "weekend":
        first, last = _weekend(day)
        return f"{first}..{last}"
    return day.isoformat()


def of_one_season(first: str, last: str, read: Callable[[str], str]) -> tuple[str, str]:
    """Return two ends as `read` does, but an event without a year lies beside the other end.

    Thanksgiving to Christmas is a month, also in the days between the two.
    """
    begin, end = read(first), read(last)
    first_name, last_name = _yearless(first), _yearless(last)
    if any(end.startswith(_ENDS_OF_THE_CALENDAR) for end in (begin, end)):
        return begin, end  # no event lies beyond, and the period is refused
    if last_name and _ISO_DAY.fullmatch(begin):
        day = date.fromisoformat(begin)
        days = (event_day(last_name, day.year + later) for later in (0, 1))
        return begin, min(each for each in days if each >= day).isoformat()
    if first_name and _ISO_DAY.fullmatch(end):
        day = date.fromisoformat(end)
        days = (event_day(first_name, day.year - earlier) for earlier in (0, 1))
        return max(each for each in days if each <= day).isoformat(), end
    return begin, end


def _yearless(text: str) -> str | None:
    """Return the event that a text names without its year."""
    match = _EVENT.fullmatch(text.replace("'", ""))
    if match is None or any(match[group] for group in ("before", "which", "whose", "span", "year")):
        return None
    return _NAMES[match["name"]]


def _year(match: re.Match[str], today: date, name: str) -> int:
    named = match["before"] or match["year"]
    if named and named.isdigit():
        return int(named)
    whose = match["whose"] or (named or "").removesuffix(" year")
    if whose:
        return today.year - (whose == "last")
    day = event_day(name, today.year)
    # The last one is over; without a word it may be today.
    has_begun = day < today if match["which"] in {"last", "previous"} else day <= today
    if match["which"] == "this":
        return today.year
    if match["span"]:
        first = _weekend(day)[0] if match["span"] == "weekend" else _monday(day)
        has_begun = first <= today
    return today.year - (not has_begun)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weekend(day: date) -> tuple[date, date]:
    """Return the days from the event to its weekend: Thursday to Sunday, or Saturday to Monday.

    An event on a Tuesday or a Wednesday has the weekend after it.
    """
    saturday = _monday(day) + timedelta(days=_SATURDAY)
    sunday = saturday + timedelta(days=1)
    if day.weekday() == 0:
        return day - timedelta(days=2), day
    if day.weekday() in {_THURSDAY, _FRIDAY}:
        return day, sunday
    return saturday, sunday
