"""Reads the forms in which models write periods and comparisons.

`{"start": …, "end": …}`, `{"year": 2025, "month": 3}` and `yoy` have one meaning each. A value
without one is returned unchanged, and validation rejects it.
"""

import re
from collections.abc import Mapping
from typing import Any

from zava.protocol.tools.argument_forms import parsed

PERIOD_NAMES = (
    "period timeframe time_frame date_range time_range timerange dates date range when duration"
)
"""What models call the argument of a period."""

_STARTS = (
    "start",
    "from",
    "start_date",
    "startDate",
    "first_day",
    "since",
    "begin",
    "gte",
    "min",
    "after",
)
_ENDS = ("end", "to", "end_date", "endDate", "last_day", "until", "lte", "max")
_PERIOD_KEYS = (
    *("value", "period", "time_period", "relative", "label", "name", "date", "range"),
    *("expression", "quarter", "week", "month", "year", "day", "between", "text"),
)
_COUNTED_UNITS = ("day", "week", "month", "quarter", "year")
_COMPARISONS = {
    "previous_year": (
        *("yoy", "year_over_year", "year_on_year", "prior_year", "last_year", "prev_year", "ly"),
        *("year_ago", "same_period_last_year", "vs_last_year", "previous_years", "preceding_year"),
        *("vs_previous_year", "a_year_ago", "same_period_previous_year"),
    ),
    "previous_period": (
        *("pop", "period_over_period", "prior_period", "last_period", "prev_period", "previous"),
        *("prior", "preceding_period", "vs_previous_period"),
    ),
    "previous_year_date": (
        "same_date_last_year",
        "previous_year_same_date",
        "same_dates_last_year",
    ),
    "none": ("no", "false", "off", "nothing"),
}
_COMPARISON_OF = {word: name for name, words in _COMPARISONS.items() for word in words}
_PAIR = 2


def read_comparison(value: Any) -> Any:
    """Return a comparison by its published name: yoy, year over year, last_year."""
    value = parsed(value, list, dict)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if value is False:
        return "none"
    if not isinstance(value, str):
        return value
    return _COMPARISON_OF.get("_".join(re.split(r"[\s_-]+", value.strip().lower())), value)


def read_period(value: Any) -> Any:
    """Return a period as text: a range may be a pair, or an object with its first and last day."""
    value = parsed(value, list, dict)
    if isinstance(value, dict):
        read = _period_of(value)
        return value if read is None else read
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        if len(value) == _PAIR:
            return "..".join(map(str, value))
        return str(value[0]) if len(value) == 1 else value
    return value


def _period_of(given: Mapping[str, Any]) -> Any:
    """Return the period that an object describes, None for another object."""
    given = {key: each for key, each in given.items() if each is not None}
    ends = [next((key for key in keys if key in given), None) for keys in (_STARTS, _ENDS)]
    if any(ends) and given.keys() <= set(ends):
        first, last = (str(given[key]) if key else "" for key in ends)
        if first and last:
            return f"{first}..{last}"
        return f"since {first}" if first else f"until {last}"
    if "year" in given and len(given) == _PAIR:
        return _part_of_year(given)
    if len(given) == 1:
        ((key, inner),) = given.items()
        counted = key.removeprefix("last_n_").removesuffix("s")
        if counted in _COUNTED_UNITS and key != counted and str(inner).isdigit():
            return f"last {inner} {counted}s"
        if key == "last":
            return f"last {inner}"
        return read_period(inner) if key in _PERIOD_KEYS and inner not in ("", {}) else None
    unit, count = given.get("unit"), given.get("count", given.get("last", given.get("n")))
    if isinstance(unit, str) and str(count).isdigit() and len(given) == _PAIR:
        return f"last {count} {unit.rstrip('s')}s"
    is_typed = len(given) == _PAIR and "type" in given and "value" in given
    return read_period(given["value"]) if is_typed else None


def _part_of_year(given: Mapping[str, Any]) -> str | None:
    year = given["year"]
    ((unit, part),) = ((key, each) for key, each in given.items() if key != "year")
    text = str(part).strip()
    if not text.isdigit():
        return f"{text} {year}" if unit in {"month", "quarter", "week"} else None
    forms = {
        "month": f"{year}-{text:0>2}",
        "quarter": f"{year}-Q{text}",
        "week": f"{year}-W{text:0>2}",
    }
    return forms.get(unit)
