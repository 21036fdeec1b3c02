"""Writes the forms in which people, models and answers name a period in the one grammar.

`plain_form` returns the text in the letters and the order of the grammar. A form without one
meaning is returned as it is, and `periods.py` refuses it with what `nearest_forms` proposes.
"""

import re
from calendar import monthrange
from contextlib import suppress
from datetime import date
from difflib import get_close_matches

from zava.service.metrics.named_days import NAMED_DAYS, of_one_season
from zava.service.metrics.period_phrases import proposed, usual_form
from zava.service.metrics.single_periods import (
    MONTH_NAME,
    NOISE,
    UNIT,
    US_OR_NOT,
    WEEKDAY_OF,
    WHOLE,
    iso_day,
    single_period,
)

MAX_UNITS = 4000
_PLAIN = {0x2013: "-", 0x2014: "-", 0x2019: "'"}
_PROPOSED = (
    *("today", "yesterday", "this week", "last week", "this month", "last month"),
    *("this quarter", "last quarter", "this year", "last year", "last 7 days", "last 30 days"),
    *("last 12 months", "last 4 weeks", "last 4 quarters", "last 2 years"),
)

_MONTH_WORD = re.compile(MONTH_NAME)
_SO_FAR = re.compile(r"\s+(?:so far|to date|until now|up to now|to now|until today|to today)$")
_WHOLENESS = re.compile(r"\b(?:full|complete|completed|whole|entire|calendar|iso|rolling)\s+")
_PRINTED_WEEKDAYS = rf"(?:{'|'.join(WEEKDAY_OF)})"
_BRACKETED = re.compile(
    rf"^(.*\S)\s*\([^()]*\)(?:, {_PRINTED_WEEKDAYS}(?: to {_PRINTED_WEEKDAYS})?)?$"
)
_SEPARATOR = re.compile(r"\s*(?:\.\.+|…)\s*|\s+(?:to|until|till|through|thru|-)\s+")
_SLASHED = re.compile(r"(\d{4}-\d\d-\d\d)/(\d{4}-\d\d-\d\d)", re.ASCII)
_JOINED = re.compile(r"(\w+)-(\w+)(?:[ ,]+(\d{4}))?", re.ASCII)
_HYPHENED = re.compile(
    r"(?:last|this|previous|past|prior|current|trailing|year|quarter|month|week)(?:-[a-z0-9]+)+"
)


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
    text = usual_form(_letters(expression), today)
    with suppress(ValueError):  # a year that no calendar has
        if found := proposed(text, today):
            return found
    if match := US_OR_NOT.fullmatch(text):
        first, second, year = map(int, match.groups())
        days = [iso_day(year, month, day) for month, day in ((first, second), (second, first))]
        return list(dict.fromkeys(day for day in days if day))
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text, re.ASCII):
        year, month = int(match[1]), min(max(int(match[2]), 1), 12)
        return [iso_day(year, month, monthrange(max(year, 1), month)[1])] if year else []
    if match := re.fullmatch(r"(\d{4})-?(q?)(\d{1,2})", text, re.ASCII):
        most = 4 if match[2] else 12
        number = min(max(int(match[3]), 1), most)
        return [f"{match[1]}-Q{number}" if match[2] else f"{match[1]}-{number:02}"]
    if match := re.fullmatch(rf"(?:next|coming|upcoming) {UNIT}", text):
        return [f"this {match['unit']}"] if match["unit"] != "day" else ["today"]
    if match := re.fullmatch(r"last (\d+) (day|week|month|quarter|year)s?", text, re.ASCII):
        return [f"last {MAX_UNITS if int(match[1]) else 1} {match[2]}s"]
    start, dots, end = plain_form(expression, today).partition("..")
    if dots and start > end:
        return [f"{end}..{start}"]
    return get_close_matches(text, _PROPOSED, 2, 0.6) or get_close_matches(
        text, NAMED_DAYS, 2, 0.75
    )


def _range(text: str, today: date) -> str | None:
    """Return `first..last` where the text names two ends, or one of them."""
    if text.endswith("to date"):
        return None
    if match := re.fullmatch(r"(?:since|from|starting)\s+(.+)", text):
        ends = _SEPARATOR.split(_without_so_far(match[1]))
        if len(ends) == 1:
            return f"{single_period(_start_of(ends[0]), today)}..today"
        text = match[1]
    elif match := re.fullmatch(r"(?:until|till|up to|through)\s+(.+)", text):
        return f"1900-01-01..{single_period(match[1], today)}"
    elif match := re.fullmatch(r"between\s+(.+?)\s+and\s+(.+)", text):
        text = f"{match[1]}..{match[2]}"
    text = _SLASHED.sub(r"\1..\2", text)
    if (joined := _JOINED.fullmatch(text)) and _are_joined(joined[1], joined[2]):
        text = f"{joined[1]}..{joined[2]} {joined[3] or ''}".strip()
    ends = _SEPARATOR.split(_without_so_far(text))
    if len(ends) != len(("first", "last")) or not all(ends):
        return None
    first, last = ends
    year = re.search(r"\b\d{4}$", last)
    if year and not re.search(r"\d{4}|'\d\d", first):  # "jan to mar 2025"
        first = f"{first} {year[0]}"
    return "..".join(of_one_season(first, last, lambda text: single_period(text, today)))


def _are_joined(first: str, last: str) -> bool:
    """Whether a hyphen between two words is that of a range: jan-mar, q1-q3, 2024-2025."""
    forms = (_MONTH_WORD, re.compile(r"q[1-4]"), re.compile(r"\d{4}", re.ASCII))
    return any(form.fullmatch(first) and form.fullmatch(last) for form in forms)


def _start_of(text: str) -> str:
    return re.sub(rf"^(?:the )?(?:start|beginning) of (?:the |this )?{UNIT}$", r"this \1", text)
