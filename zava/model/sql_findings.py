"""The frozen values of the lint: what a free statement computes, apart from its rows."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class FindingKind(StrEnum):
    """What a statement does that changes how its figures read; most harmful first."""

    REPEATED_TOTALS = "repeated totals"
    EVERY_STATUS = "every status"
    MERGED_NAMES = "merged names"
    LOST_DAY = "lost day"
    COUNTED_CONDITION = "counted condition"
    OTHER_TEMPLATE = "other template"
    WHOLE_NUMBER = "whole number"
    AVERAGE_OF_AVERAGES = "average of averages"
    PERSONAL_DATA = "personal data"
    RECOMPUTED = "recomputed"
    """Nothing is stated but the certified value beside it, where they differ."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about a statement, as a sentence for the reader of its answer.

    `several_stores` is true if it holds only where the caller sees more than one store. `names` is
    a table with the columns whose values may repeat: the fact holds only where they do.
    """

    kind: FindingKind
    text: str
    several_stores: bool = False
    names: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class DayRange:
    """Whole days: from `start` to the day before `end`."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class RecomputedColumn:
    """An output with a certified metric; `adds_up` if its rows together are the metric's value.

    `because` states the causes of a difference from the certified value.
    """

    metric: str
    column: int
    adds_up: bool
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recomputation:
    """Certified metrics that a statement computes in its own way, over whole days.

    `filters` are dimensions with their values.
    """

    columns: tuple[RecomputedColumn, ...]
    days: DayRange
    filters: tuple[tuple[str, tuple[str, ...]], ...]
