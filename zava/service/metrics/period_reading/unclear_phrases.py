"""Proposes periods for phrases that leave open which days they mean: "recently", "end of 2025"."""

import re
from datetime import date

from zava.service.metrics.period_reading.period_phrases import latest_year
from zava.service.metrics.period_reading.single_periods import UNIT, iso_day, single_period

LABEL = re.compile(r"\d{4}(?:-(?:q\d|w\d\d|\d\d(?:-\d\d)?))?", re.ASCII)
"""The label of one unit or one day."""

_MONTHS_OF_YEAR = 12
_AS_OF = re.compile(r"(?:as of|as at|ending|ended|by) (?:on )?(.+)")
_SLASHED = re.compile(r"(\d{1,2})/(\d\d)", re.ASCII)
_EDGE = re.compile(r"(early|beginning of|start of|late|end of) (?:in )?(.+)")
_RECENT = re.compile(r"recent(?:ly| days)?|lately|latest|(?:last|past) few days")
_FEW = re.compile(rf"(?:last|past) few {UNIT}s")
_WEEKDAYS = re.compile(r"last (\d{1,2}) (?:mon|tues|wednes|thurs|fri|satur|sun)days", re.ASCII)


def of_a_few(text: str) -> list[str]:
    """Return units whose number a text leaves open, and weeks for weekdays."""
    if _RECENT.fullmatch(text):
        return ["last 7 days", "last 30 days"]
    if match := _FEW.fullmatch(text):
        return [f"last 3 {match['unit']}s"]
    if match := _WEEKDAYS.fullmatch(text):
        return [f"last {match[1]} weeks"]
    return []


def at_an_edge(text: str, today: date) -> list[str]:
    """Return the days or units at one edge of a period: "as of October 31", "end of 2025"."""
    if match := _AS_OF.fullmatch(text):
        label = single_period(match[1], today)
        return [label, f"1900-01-01..{label}"] if LABEL.fullmatch(label) else []
    if match := _SLASHED.fullmatch(text):
        return _day_or_month(int(match[1]), int(match[2]), today)
    if match := _EDGE.fullmatch(text):
        is_first = match[1] in {"early", "beginning of", "start of"}
        return _within_unit(single_period(match[2], today), is_first=is_first)
    return []


def _day_or_month(month: int, second: int, today: date) -> list[str]:
    if not 0 < month <= _MONTHS_OF_YEAR:
        return []
    day = iso_day(latest_year(month, today), month, second)
    return [*([day] if day else []), f"20{second:02}-{month:02}"]


def _within_unit(label: str, *, is_first: bool) -> list[str]:
    """Return the first or last month and quarter of a year, the month of a quarter."""
    if not LABEL.fullmatch(label):
        return []
    year, _, quarter = label.partition("-q")
    if quarter:
        return [f"{year}-{3 * int(quarter) - (2 if is_first else 0):02}"]
    if "-" in year:
        return []
    return [f"{year}-01", f"{year}-Q1"] if is_first else [f"{year}-12", f"{year}-Q4"]
