"""Writes the forms in which people, models and answers name a period in the one grammar.

`plain_form` returns the text in the letters and the order of the grammar. A form without one
meaning is returned as it is, and `periods.py` refuses it with what `nearest_forms` proposes.
"""

import re
from calendar import monthrange
from contextlib import suppress
from datetime import date
from difflib import get_close_matches

from zava.service.metrics.period_reading.named_days import NAMED_DAYS, of_one_season
from zava.service.metrics.period_reading.period_notations import plain_notation
from zava.service.metrics.period_reading.period_phrases import (
    MONTH,
    PLACES,
    latest_year,
    month_number,
    usual_form,
)
from zava.service.metrics.period_reading.single_periods import (
    DAYS,
    MONTH_NAME,
    MONTHS,
    NOISE,
    UNIT,
    US_OR_NOT,
    WEEKDAY_OF,
    WHOLE,
    iso_day,
    single_period,
)
from zava.service.metrics.period_reading.unclear_phrases import LABEL, at_an_edge, of_a_few

MAX_UNITS = 4000
_MONTHS_OF_YEAR = 12
_PLAIN = {0x2013: "-", 0x2014: "-", 0x2019: "'"}
_PROPOSED = (
    *("today", "yesterday", "this week", "last week", "this month", "last month"),
    *("this quarter", "last quarter", "this year", "last year", "last 7 days", "last 30 days"),
    *("last 12 months", "last 4 weeks", "last 4 quarters", "last 2 years"),
)

# The words that a misspelt one may stand for.
_SPELT = frozenset(
    {*MONTHS, *DAYS, "today", "yesterday", "last", "this", "since", "week", "weeks", "month"}
    | {"months", "quarter", "quarters", "year", "years", "days"}
)
_DAY_OF_MONTH = re.compile(
    rf"(?=.*\b(?:29|3[01]))(?:(?:29|3[01])(?:st|th)? )?{MONTH_NAME}(?: (?:29|3[01])(?:st|th)?)?"
    r"(?P<year>,? \d{4})?",
    re.ASCII,
)
_MONTH_WORD = re.compile(MONTH_NAME)
_SO_FAR = re.compile(r"\s+(?:so far|(?<=(?:.year|.week|month|arter)\s)to date)$")
_TO_DATE = re.compile(r"(?<! year)(?<! quarter)(?<! month)(?<! week)\s+to date$")
_WHOLENESS = re.compile(r"\b(?:full|complete|completed|whole|entire|calendar|iso|rolling)\s+")
_PRINTED_WEEKDAYS = rf"(?:{'|'.join(WEEKDAY_OF)})"
_BRACKETED = re.compile(
    rf"^(.*\S)\s*\([^()]*\)(?:, {_PRINTED_WEEKDAYS}(?: to {_PRINTED_WEEKDAYS})?)?$"
)
_SEPARATOR = re.compile(r"\s*(?:\.\.+|…)\s*|\s+(?:up to|to|until|till|through|thru|-)\s+")
_AT = r"(?:[t ]\d\d:\d\d[\d:.]*(?:z|[+-]\d\d:?\d\d)?)?"
_SLASHED = re.compile(rf"(\d{{4}}-\d\d-\d\d){_AT}/(\d{{4}}-\d\d-\d\d){_AT}", re.ASCII)
_JOINED = re.compile(r"(\w+)-(\w+)(?:[ ,]+(\d{4}))?", re.ASCII)
_HYPHENED = re.compile(
    r"(?:last|this|previous|past|prior|current|trailing|year|quarter|month|week)(?:-[a-z0-9]+)+"
)
# The first month of a season, and how many months it has.
_SEASONS = {"spring": (3, 3), "summer": (6, 3), "fall": (9, 3), "autumn": (9, 3), "winter": (12, 3)}
_SEASONS |= dict.fromkeys(
    ("holidays", "holiday season", "christmas season", "xmas season"), (11, 2)
)
_SEASON = re.compile(
    rf"(?P<which>(?:last|this|past) )?(?P<season>{'|'.join(_SEASONS)})(?: (?:of )?\d{{4}})?",
    re.ASCII,
)
_PARTS_OF_MONTH = {"early": (1, 10), "beginning of": (1, 10), "start of": (1, 10)}
_PARTS_OF_MONTH |= {"mid": (11, 20), "middle of": (11, 20), "late": (21, 31), "end of": (21, 31)}
_HOURS_OF_A_DAY = 24


def plain_form(expression: str, today: date) -> str:
    """Return an expression in the letters and the order of the grammar."""
    text = usual_form(_letters(expression), today)
    if _HYPHENED.fullmatch(text):
        text = text.replace("-", " ")
    if bracketed := _BRACKETED.fullmatch(text):
        text = bracketed[1]
    text = usual_form(NOISE.sub("", _WHOLENESS.sub("", text)), today)
    if text in WHOLE:
        return WHOLE[text]
    return _range(text, today) or single_period(_without_so_far(text), today)


def _without_so_far(text: str) -> str:
    # The last month "so far" has other days than the last month.
    return text if text.startswith("last ") else _SO_FAR.sub("", text)


def _letters(expression: str) -> str:
    return _words(expression).translate(_PLAIN).strip(' .,;"').removesuffix("'")


def _words(expression: str) -> str:
    return " ".join(expression.lower().replace("_", " ").split())


def nearest_forms(expression: str, today: date) -> list[str]:
    """Return at most two periods of the grammar that a refused expression may mean."""
    text = usual_form(_letters(plain_notation(expression, today)), today)
    with suppress(ValueError):  # a year that no calendar has
        if found := _proposed(text, today):
            return found
    for near in (_near_days, _near_units):
        if (meant := near(text, today)) is not None:
            return meant
    start, dots, end = plain_form(expression, today).partition("..")
    if dots and start > end and LABEL.fullmatch(start) and LABEL.fullmatch(end):
        return [f"{end}..{start}"]
    return get_close_matches(text, _PROPOSED, 2, 0.6) or get_close_matches(
        text, NAMED_DAYS, 2, 0.75
    )


def _proposed(text: str, today: date) -> list[str]:
    """Return the periods that a phrase without one meaning may have; none for other texts."""
    if beside := _of_hours_or_work(text) or of_a_few(text):
        return beside
    year = re.search(r"\b\d{4}\b", text)
    named = int(year[0]) if year else None
    if season := _SEASON.fullmatch(text):
        first, months = _SEASONS[season["season"]]
        latest = named or latest_year(first, today)
        years = [latest, latest - 1] if season["which"] == "last " else [latest]
        return [_months(each, first, months) for each in years]
    if re.fullmatch(r"cyber (?:week|weekend|five|5)(?: \d{4})?", text):
        of = f" {year[0]}" if year else ""
        return [f"thanksgiving{of}..cyber monday{of}", f"cyber monday week{of}"]
    return at_an_edge(text, today) or _within_month(text, today, named)


def _of_hours_or_work(text: str) -> list[str]:
    """Return days beside hours and days of work, which no period is made of."""
    if match := re.fullmatch(r"(?:last |past )?(\d{1,4}) ?(?:h|hr|hrs|hours?)", text, re.ASCII):
        days = -(-int(match[1]) // _HOURS_OF_A_DAY)
        return ["today", "yesterday"] if days == 1 else [f"last {days} days"]
    if re.fullmatch(r"(?:this |last )?(?:morning|afternoon|evening|night|hour)|tonight", text):
        return ["today", "yesterday"]
    if re.fullmatch(r"last (?:business|working|work|trading) day", text):
        return ["yesterday"]
    if match := re.fullmatch(r"last (\d{1,3}) (?:business|working|work|trading) days", text):
        return [f"last {-(-7 * int(match[1]) // 5)} days"]
    if match := re.fullmatch(r"last (?:business|working|work|trading) (week|month|quarter)", text):
        return [f"last {match[1]}"]
    if match := re.fullmatch(rf"(?:the )?(?:start|beginning) of (?:the |this )?{UNIT}", text):
        return [f"this {match['unit']}"]
    return []


def _months(year: int, first: int, count: int) -> str:
    last = first + count - 1
    return f"{year:04}-{first:02}..{year + (last > 12):04}-{(last - 1) % 12 + 1:02}"  # noqa: PLR2004  # months of a year


def _within_month(text: str, today: date, named: int | None) -> list[str]:
    """Return the days of a part of a month: "mid november", "first week of november"."""
    if match := re.fullmatch(rf"({MONTH})-(\d\d)", text):
        number = month_number(match[1])
        days = [f"20{match[2]}-{number:02}"]
        if 0 < int(match[2]) <= monthrange(today.year, number)[1]:
            days.append(f"{latest_year(number, today):04}-{number:02}-{match[2]}")
        return days
    part = re.fullmatch(
        rf"(?P<part>{'|'.join(_PARTS_OF_MONTH)})[ -](?P<month>{MONTH})(?: \d{{4}})?", text
    )
    week = re.fullmatch(
        rf"(?P<place>{'|'.join(PLACES)}|last) week (?:of|in) (?P<month>{MONTH})(?: \d{{4}})?",
        text,
    )
    found = part or week
    if found is None:
        return []
    number = month_number(found["month"])
    year = named or latest_year(number, today)
    length = monthrange(year, number)[1]
    if part:
        first, last = _PARTS_OF_MONTH[part["part"]]
    elif found["place"] == "last":
        first, last = length - 6, length
    else:
        first, last = 7 * PLACES[found["place"]] - 6, 7 * PLACES[found["place"]]
    start = date(year, number, first)
    iso_year, iso_week, _ = start.isocalendar()
    whole = f"{start}..{date(year, number, min(last, length))}"
    return [whole] if part else [whole, f"{iso_year}-W{iso_week:02}"]


def _near_days(text: str, today: date) -> list[str] | None:
    """Return the days that a text may mean which names no day; None for another text."""
    if match := US_OR_NOT.fullmatch(text):
        first, second, year = map(int, match.groups())
        days = [iso_day(year, month, day) for month, day in ((first, second), (second, first))]
        return list(dict.fromkeys(day for day in days if day))
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text, re.ASCII):
        year, month = int(match[1]), min(max(int(match[2]), 1), 12)
        return [iso_day(year, month, monthrange(max(year, 1), month)[1])] if year else []
    if (found := _last_of_month(text, today)) or (found := _respelled(text, today)):
        return [found]
    return None


def _near_units(text: str, today: date) -> list[str] | None:
    """Return the units that a text may mean which names none; None for another text."""
    if match := re.fullmatch(r"(\d{4})-?(q?)(\d{1,2})", text, re.ASCII):
        most = 4 if match[2] else 12
        number = min(max(int(match[3]), 1), most)
        return [f"{match[1]}-Q{number}" if match[2] else f"{match[1]}-{number:02}"]
    if match := re.fullmatch(rf"(?:next|coming|upcoming) {UNIT}", text):
        return [f"this {match['unit']}"] if match["unit"] != "day" else ["today"]
    if match := re.fullmatch(r"last (\d+) (day|week|month|quarter|year)s?", text, re.ASCII):
        return [f"last {MAX_UNITS if int(match[1]) else 1} {match[2]}s"]
    if match := re.fullmatch(r"(?:(\d{4})-?)?w(?:eek ?)?(\d\d)", text, re.ASCII):
        year = int(match[1] or today.year)
        return [f"{year:04}-W{date(year, 12, 28).isocalendar().week}"] if year else []
    if re.fullmatch(r"q\d", text):
        return [f"{today.year:04}-Q4", f"{today.year - 1:04}-Q4"]
    return None


def _last_of_month(text: str, today: date) -> str:
    """Return the last day of a month of which a text names a later day."""
    match = _DAY_OF_MONTH.fullmatch(text)
    month = single_period(match["month"] + (match["year"] or ""), today) if match else ""
    if not re.fullmatch(r"\d{4}-\d\d", month, re.ASCII):
        return ""
    year, number = map(int, month.split("-"))
    return iso_day(year, number, monthrange(year, number)[1])


def _respelled(text: str, today: date) -> str:
    """Return the period of a text whose words are misspelt, "" for another text."""
    words = text.split()
    read = [word if word in _SPELT or not word.isalpha() else _nearest_word(word) for word in words]
    if read == words or not all(read):
        return ""
    found = plain_form(" ".join(read), today)
    return found if found in _PROPOSED or found[:1].isdigit() else ""


def _nearest_word(word: str) -> str:
    return next(iter(get_close_matches(word, _SPELT, 1, 0.8)), "")


def _range(text: str, today: date) -> str | None:
    """Return `first..last` where the text names two ends, or one of them."""
    if text.endswith("to date") and not _TO_DATE.search(text):
        return None
    if match := re.fullmatch(r"(?:since|from|starting)\s+(.+)", text):
        ends = _SEPARATOR.split(_without_so_far(match[1]))
        if len(ends) == 1:
            return f"{single_period(_start_of(ends[0]), today)}..today"
        text = match[1]
    elif match := re.fullmatch(r"(?:until|till|up to|through|thru)\s+(.+)", text):
        return f"1900-01-01..{single_period(match[1], today)}"
    elif match := re.fullmatch(r"between\s+(.+?)\s+and\s+(.+)", text):
        text = f"{match[1]}..{match[2]}"
    text = _SLASHED.sub(r"\1..\2", text)
    if (joined := _JOINED.fullmatch(text)) and _are_joined(joined[1], joined[2]):
        text = f"{joined[1]}..{joined[2]} {joined[3] or ''}".strip()
    ends = _SEPARATOR.split(_TO_DATE.sub("..today", _without_so_far(text)))
    if len(ends) != len(("first", "last")) or not all(ends):
        return None
    first, last = _in_one_order(_start_of(ends[0]), ends[1])
    year = re.search(r"\b\d{4}$", last)
    if year and not re.search(r"\d{4}|'\d\d", first):  # "jan to mar 2025"
        first = f"{first} {year[0]}"
    first, last = of_one_season(first, last, lambda text: single_period(text, today))
    is_under_way = last == "today" and first in _under_way(today)
    return first if is_under_way else f"{first}..{last}"


def _under_way(today: date) -> set[str]:
    """Return the names of the units that hold today, which end today by themselves."""
    year, week, _ = today.isocalendar()
    units = {f"this {unit}" for unit in ("week", "month", "quarter", "year")}
    quarter = f"{today.year:04}-q{(today.month + 2) // 3}"
    return units | {f"{today.year:04}", f"{today:%Y-%m}", quarter, f"{year:04}-w{week:02}"}


def _in_one_order(first: str, last: str) -> tuple[str, str]:
    """Return two days written with slashes as YYYY-MM-DD, if one of them shows the order."""
    days = [US_OR_NOT.fullmatch(usual_form(each, date.max)) for each in (first, last)]
    numbers = [tuple(map(int, day.groups())) for day in days if day]
    if len(numbers) != len(days):
        return first, last
    is_day_first = any(one > _MONTHS_OF_YEAR for one, _, _ in numbers)
    if is_day_first == any(two > _MONTHS_OF_YEAR for _, two, _ in numbers):
        return first, last
    ordered = [(two, one) if is_day_first else (one, two) for one, two, _ in numbers]
    first, last = (
        iso_day(year, month, day)
        for (month, day), (_, _, year) in zip(ordered, numbers, strict=True)
    )
    return first, last


def _are_joined(first: str, last: str) -> bool:
    """Whether a hyphen between two words is that of a range: jan-mar, q1-q3, 2024-2025."""
    forms = (_MONTH_WORD, re.compile(r"q[1-4]"), re.compile(r"\d{4}", re.ASCII))
    return any(form.fullmatch(first) and form.fullmatch(last) for form in forms)


def _start_of(text: str) -> str:
    return re.sub(rf"^(?:the )?(?:start|beginning) of (?:the |this )?{UNIT}$", r"this \1", text)
