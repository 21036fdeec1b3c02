"""Read the filters of a question: the dimension, the operator, and values that fit both."""

import re
from dataclasses import dataclass

from zava.data.metrics.catalog import Catalogue, Dimension
from zava.errors import InvalidInput
from zava.model.metrics import MetricFilter

MAX_VALUES = 100
_OF_TEXT = ("=", "!=", "in", "contains")
_OF_TIME = ("=", "!=", "in", "between", ">=", "<=", ">", "<")
_HOUR = re.compile(r"(?P<hour>\d\d?)(?::00)?(?::00)?", re.ASCII)
_HALF_DAY = re.compile(r"(?P<hour>0?[1-9]|1[0-2])(?::00)? ?(?P<half>[ap])\.?m\.?", re.ASCII)
_LEAST_LETTERS = 3
_LABELS = {
    "YYYY-MM-DD": re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII),
    "YYYY-Www": re.compile(r"\d{4}-W\d{2}", re.ASCII),
    "YYYY-MM": re.compile(r"\d{4}-\d{2}", re.ASCII),
    "YYYY-Qn": re.compile(r"\d{4}-Q[1-4]", re.ASCII),
    "YYYY": re.compile(r"\d{4}", re.ASCII),
    "FY2025-W01": re.compile(r"FY\d{4}-W\d{2}", re.ASCII),
    "FY2025-M01": re.compile(r"FY\d{4}-M\d{2}", re.ASCII),
    "FY2025-Q1": re.compile(r"FY\d{4}-Q[1-4]", re.ASCII),
    "FY2025": re.compile(r"FY\d{4}", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter whose dimension is known and whose values fit it."""

    dimension: Dimension
    op: str
    values: tuple[str, ...]


def read_condition(given: MetricFilter, catalogue: Catalogue) -> Condition:
    """Return a filter as a condition.

    Raises:
        InvalidInput: the dimension is unknown, or the operator or a value does not fit it.
    """
    dimension = catalogue.dimension(given.dimension, "filters")
    op = given.op.strip().lower()
    allowed = _OF_TEXT if dimension.pattern is None else _OF_TIME
    if op not in allowed:
        kind = "text" if dimension.pattern is None else "a time"
        raise InvalidInput(
            f"filters: {dimension.name} is {kind}; op {op[:20]!r} does not fit.",
            hint=f"Use one of {', '.join(allowed)}.",
        )
    if op == "contains" and dimension.choices:
        return _chosen(dimension, given)
    most = MAX_VALUES if op in {"in", "!=", "contains"} else 1
    wanted = (2, 2) if op == "between" else (1, most)
    if not wanted[0] <= len(given.values) <= wanted[1]:
        told = "1" if wanted == (1, 1) else "2" if op == "between" else f"1 to {MAX_VALUES}"
        raise InvalidInput(f"filters: {op} takes {told} values.", hint="Give value as a list.")
    values = tuple(_choice_of(dimension, value) for value in given.values)
    for value in values:
        _check_value(dimension, value)
    return Condition(dimension, op, values)


def _choice_of(dimension: Dimension, value: str) -> str:
    """Return the choice that a value shortens: "Sat" is saturday, "9" and "9 am" are 09:00."""
    text = value.strip().lower()
    if not dimension.choices or text in dimension.choices:
        return value
    if hour := _HOUR.fullmatch(text):
        text = f"{int(hour['hour']):02}:00"
    elif half := _HALF_DAY.fullmatch(text):
        text = f"{int(half['hour']) % 12 + 12 * (half['half'] == 'p'):02}:00"
    found = [choice for choice in dimension.choices if choice.startswith(text)]
    return found[0] if len(found) == 1 and len(text) >= _LEAST_LETTERS else value


def _chosen(dimension: Dimension, given: MetricFilter) -> Condition:
    """Return the condition on the choices that contain a text."""
    wanted = [value.strip().lower() for value in given.values]
    found = [each for each in dimension.choices if any(value in each for value in wanted)]
    if not found:
        raise InvalidInput(
            f"filters: no {dimension.name} contains {', '.join(given.values)[:60]!r}.",
            hint=f"Use {', '.join(dimension.choices)}.",
        )
    return Condition(dimension, "in", tuple(found))


def _check_value(dimension: Dimension, value: str) -> None:
    if "\0" in value or not value.isprintable():
        raise InvalidInput(
            f"filters: a value of {dimension.name} holds unprintable characters.",
            hint="Remove them.",
        )
    if dimension.choices and value.strip().lower() not in dimension.choices:
        raise InvalidInput(
            f"filters: {dimension.name} has no value {value[:60]!r}.",
            hint=f"Use {', '.join(dimension.choices)}.",
        )
    if dimension.pattern is not None and not _LABELS[dimension.pattern].fullmatch(value.strip()):
        raise InvalidInput(
            f"filters: a value of {dimension.name} is written {dimension.pattern}.",
            hint=f"{value[:60]!r} is not; for days use time_period.",
        )
