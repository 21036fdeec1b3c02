"""US holidays and retail events, and how far back the same weekdays lie a year earlier.

The dates are computed from their rules. Packages of holidays have the public ones alone. Black
Friday, Cyber Monday and Mother's Day, on which stores plan, are not in them.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

WEEKS_OF_A_YEAR_DAYS = 364
_WEEK = 7
# In a period longer than this, one event's days no longer decide what it is compared with.
_MAX_ALIGNED_DAYS = 14


def weekday_of_month(year: int, month: int, weekday: int, place: int) -> date:
    """Return the `place`-th weekday (Monday is 0) of a month; -1 is the last one."""
    if place < 0:
        following = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return following - timedelta(days=(following.weekday() - weekday) % _WEEK)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % _WEEK + _WEEK * (place - 1))


def easter(year: int) -> date:
    """Return Easter Sunday, by the Gregorian computus (Meeus, Jones and Butcher)."""
    golden, century, rest = year % 19, year // 100, year % 100
    leap, four = divmod(century, 4)
    proof = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap - proof + 15) % 30
    step, over = divmod(rest, 4)
    sunday = (32 + 2 * four + 2 * step - epact - over) % 7
    shift = (golden + 11 * epact + 22 * sunday) // 451
    month, day = divmod(epact + sunday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


def _thanksgiving(year: int) -> date:
    return weekday_of_month(year, 11, 3, 4)


# The first of two events in one short period decides what it is compared with.
_EVENTS: dict[str, Callable[[int], date]] = {
    "Black Friday": lambda year: _thanksgiving(year) + timedelta(days=1),
    "Thanksgiving": _thanksgiving,
    "Cyber Monday": lambda year: _thanksgiving(year) + timedelta(days=4),
    "Easter": easter,
    "Memorial Day": lambda year: weekday_of_month(year, 5, 0, -1),
    "Labor Day": lambda year: weekday_of_month(year, 9, 0, 1),
    "Mother's Day": lambda year: weekday_of_month(year, 5, 6, 2),
    "Father's Day": lambda year: weekday_of_month(year, 6, 6, 3),
    "Presidents' Day": lambda year: weekday_of_month(year, 2, 0, 3),
    "Martin Luther King Day": lambda year: weekday_of_month(year, 1, 0, 3),
    "Columbus Day": lambda year: weekday_of_month(year, 10, 0, 2),
    "Christmas Day": lambda year: date(year, 12, 25),
    "Christmas Eve": lambda year: date(year, 12, 24),
    "Independence Day": lambda year: date(year, 7, 4),
    "New Year's Day": lambda year: date(year, 1, 1),
    "New Year's Eve": lambda year: date(year, 12, 31),
    "Juneteenth": lambda year: date(year, 6, 19),
    "Veterans Day": lambda year: date(year, 11, 11),
    "Halloween": lambda year: date(year, 10, 31),
    "Valentine's Day": lambda year: date(year, 2, 14),
}


EVENT_NAMES = tuple(_EVENTS)


def event_day(name: str, year: int) -> date:
    """Return the day of one of the events, by its name in `EVENT_NAMES`."""
    return _dates(year)[name]


@cache
def _dates(year: int) -> dict[str, date]:
    return {name: on(year) for name, on in _EVENTS.items()}


def events(first: date, last: date) -> dict[str, date]:
    """Return the events from the first to the last day, the most important first."""
    return {
        name: _dates(year)[name]
        for name in _EVENTS
        for year in range(first.year, last.year + 1)
        if first <= _dates(year)[name] <= last
    }


def days_to_year_before(first: date, last: date) -> int:
    """Return how many days earlier the comparable days of the year before lie.

    364 days keep the weekdays. A day with an event has the same event of the year before, and so
    has a short period if that keeps the weekdays, too.
    """
    if (last - first).days >= _MAX_ALIGNED_DAYS:
        return WEEKS_OF_A_YEAR_DAYS
    for name, day in events(first, last).items():
        distance = (day - _EVENTS[name](day.year - 1)).days
        if first == last or distance % _WEEK == 0:
            return distance
    return WEEKS_OF_A_YEAR_DAYS
