"""Cut a period into whole units that sums hold, and parts of units that the facts hold."""

from dataclasses import dataclass
from datetime import date, time

from zava.model.metrics import Period, PeriodUnit, shifted


@dataclass(frozen=True, slots=True)
class UnitPart:
    """Days from `start` to the day before `end`; with `cut`, the last of them up to that time."""

    start: date
    end: date
    cut: time | None = None


@dataclass(frozen=True, slots=True)
class Pieces:
    """Whole units from `start` to before `end`, and the parts around them."""

    start: date
    end: date
    parts: tuple[UnitPart, ...]

    @property
    def has_whole_units(self) -> bool:
        """Whether the sums answer any of the period."""
        return self.start < self.end


def pieces(period: Period, unit: str, cut: time | None) -> Pieces:
    """Return the pieces of a period; `cut` is the time at which its last day ends."""
    whole_end = period.end if cut is None else period.last_day
    start, end = period.start, whole_end
    if unit == "month":
        first = period.start.replace(day=1)
        start = first if first == period.start else shifted(first, PeriodUnit.MONTH, 1)
        end = whole_end.replace(day=1)
    if start >= end:
        return Pieces(end, end, (UnitPart(period.start, period.end, cut),))
    parts = []
    if period.start < start:
        parts.append(UnitPart(period.start, start))
    if end < period.end:
        parts.append(UnitPart(end, period.end, cut))
    return Pieces(start, end, tuple(parts))
