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
    WHOLE_NUMBER = "whole number"
    AVERAGE_OF_AVERAGES = "average of averages"
    PERSONAL_DATA = "personal data"


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
class Recomputation:
    """A certified metric that a statement computes over whole days, in its own way.

    `column` is the place of the output that adds up to the total. `filters` are dimensions with
    their values. `because` states the causes of a difference from the certified value.
    """

    metric: str
    column: int
    days: DayRange
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    because: tuple[str, ...]
