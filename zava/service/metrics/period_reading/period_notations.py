"""Rewrites how programs, dashboards and lists write a period, before its words are read.

Each notation has one meaning: brackets around two days, `LAST_N_DAYS:30`, `LY`, `W40-W47`.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

_BRACKETED = re.compile(r"[\[({](.*)[\])}]")
_ISO = r"(\d{4}-\d\d-\d\d)"
_UNITS = {"d": "days", "w": "weeks", "m": "months", "q": "quarters", "y": "years"}
_ORDINAL = r"(\d{1,2})(?:st|nd|rd|th)"
_PLACE = r"(first|second|third|fourth|1st|2nd|3rd|4th)"
_TO = r" ?(?:-|\.\.|to|through) ?"
_WEEK = "(?:weeks?|wks?|w)"
_OF_YEAR = r"(?:,? (?:of |in )?(?:\d{4}|'\d\d|(?:this|last) year))?"
_SHORT_UNITS = {"w": "week", "m": "month", "q": "quarter", "y": "year"}
_WHOLE = {
    **{f"l{letter}": f"last {unit}" for letter, unit in _SHORT_UNITS.items()},
    **{f"p{letter}": f"last {unit}" for letter, unit in _SHORT_UNITS.items()},
    **{f"c{letter}": f"this {unit}" for letter, unit in _SHORT_UNITS.items()},
    **{f"t{letter}": f"this {unit}" for letter, unit in _SHORT_UNITS.items()},
    **dict.fromkeys(("a year ago today", "one year ago today"), "same date last year"),
    **dict.fromkeys(("all-time", "max", "all history", "whole history"), "all time"),
}
_INSTEAD: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.ASCII), written)
    for pattern, written in (
        (rf"{_ISO} ?(?::|~|;|→|->|=>) ?{_ISO}", r"\1..\2"),
        (
            r"(\d{4})(\d\d)(\d\d) ?(?:-|,|:|/|\.\.|to) ?(\d{4})(\d\d)(\d\d)",
            r"\1-\2-\3..\4-\5-\6",
        ),
        # Salesforce, Tableau and Grafana.
        (r"last n (days|weeks|months|quarters|years):? ?(\d{1,4})", r"last \2 \1"),
        (r"(?:last|past)(\d{1,4})([dwmqy])", r"last \1 \2"),
        # Numbers of units, in the order of the grammar.
        (rf"{_ORDINAL} week((?: of (?:\d{{4}}|(?:this|last) year))?)", r"week \1\2"),
        (rf"(\d{{4}}),? {_PLACE} quarter", r"\2 quarter \1"),
        (rf"(?:the )?(?:quarter|q|qtr) ?([1-4])({_OF_YEAR})", r"q\1\2"),
        (r"(\d{4}) q(?:tr|uarter)? ([1-4])", r"\1 q\2"),
        (r"(\d{4}), ?([qhw]\d\d?)", r"\1 \2"),
        (rf"{_WEEK} ?(\d\d?){_TO}{_WEEK}? ?(\d\d?)({_OF_YEAR})", r"week \1\3..week \2\3"),
        (rf"(\d{{4}})[ -]([qw]\d\d?){_TO}([qw]\d\d?)", r"\1-\2..\1-\3"),
        (r"(.+?)(?:,? (?:onwards?|forwards?|and (?:after|later))| ?\+)", r"since \1"),
        (r"(.*)\bhalf a dozen\b(.*)", r"\g<1>6\2"),
        (r"(.*)\b(?:a )?dozen\b(.*)", r"\g<1>12\2"),
    )
)
_BEFORE_TODAY = re.compile(
    r"\b(?:now|today) ?- ?(\d{1,4}) ?(d|days?|w|weeks?)?(?:/[dw])?(?=\.|\s)", re.ASCII
)
_IS_RANGE = re.compile(r"\.\.|\s(?:to|until|till|through|-)\s")
_DASHES = {0x2013: "-", 0x2014: "-", 0x2019: "'"}


def plain_notation(expression: str, today: date) -> str:
    """Return an expression in small letters, with its notation in words."""
    text = " ".join(expression.lower().replace("_", " ").translate(_DASHES).split())
    if bracketed := _BRACKETED.fullmatch(text):
        text = re.sub("[\"']", "", bracketed[1]).strip()
    if text in _WHOLE:
        return _WHOLE[text]
    for pattern, written in _INSTEAD:
        if match := pattern.fullmatch(text):
            text = " ".join(match.expand(written).replace(" ..", "..").split())
    return _BEFORE_TODAY.sub(_days_before(today), text) if _IS_RANGE.search(text) else text


def _days_before(today: date) -> Callable[[re.Match[str]], str]:
    def day(match: re.Match[str]) -> str:
        days = int(match[1]) * (7 if (match[2] or "d").startswith("w") else 1)
        return str(today - timedelta(days=days))

    return day
