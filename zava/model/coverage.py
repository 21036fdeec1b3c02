"""Which units of time, and which stores, an answer has only a part of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from zava.model.data_reach import DataReach
from zava.model.metrics import FiscalYears, MetricFilter, Period, PeriodUnit
from zava.model.time_labels import OF_TIME, units_in, units_of

_OF_STORES = ("store", "region", "channel")


@dataclass(frozen=True, slots=True)
class Part:
    """The days of a unit that an answer has; `until` is how far the day itself is loaded."""

    days: int
    of: int
    until: str | None = None

    def __str__(self) -> str:
        """Return it as an answer states it."""
        if self.until:
            return f"until {self.until}"
        return f"{self.days} of {self.of} days" if self.of > 1 else "not loaded for every store"


def parts(period: Period, unit: PeriodUnit, reach: DataReach, today: date) -> dict[str, Part]:
    """Return the units that a period cuts, or that are not wholly loaded, by their label."""
    return _parts(units_of(period, unit), period, reach, today)


def parts_in(
    period: Period, dimension: str, reach: DataReach, today: date, fiscal: FiscalYears | None
) -> dict[str, Part]:
    """Return the same of a dimension of time."""
    return _parts(units_in(period, dimension, fiscal), period, reach, today)


def _parts(
    units: Iterable[tuple[str, date, date]], period: Period, reach: DataReach, today: date
) -> dict[str, Part]:
    loaded = _loaded_until(reach, today)
    found = {}
    for label, start, end in units:
        held_until = min(end, period.end, loaded or end)
        days, of = (held_until - max(start, period.start)).days, (end - start).days
        if days < of:
            found[label] = Part(max(0, days), of)
        elif end > today and reach.newest is not None and reach.newest.date() == today:
            found[label] = Part(days, of, f"{reach.newest:%H:%M}" if of == 1 else None)
    return {label: part for label, part in found.items() if part.days < part.of or part.until}


def _loaded_until(reach: DataReach, today: date) -> date | None:
    """Return the day after the last one of which every store has some orders loaded."""
    until = reach.whole_until(today)
    if until is None:
        return None
    newest = reach.newest
    has_begun = newest is not None and newest.date() == until and newest.time() > time()
    return until + timedelta(days=1) if has_begun else until


def unranked_labels(
    dimensions: Sequence[str],
    period: Period,
    reach: DataReach,
    today: date,
    fiscal: FiscalYears | None = None,
) -> dict[str, tuple[str, ...]]:
    """Return the labels that a ranking puts last, because it would compare them unfairly."""
    found: dict[str, tuple[str, ...]] = {}
    for dimension in dimensions:
        if dimension in OF_TIME:
            found[dimension] = tuple(parts_in(period, dimension, reach, today, fiscal))
        elif dimension in _OF_STORES:
            late = reach.late(period, today)
            found[dimension] = tuple(sorted({getattr(store, dimension) for store in late}))
    return {dimension: labels for dimension, labels in found.items() if labels}


def reach_of_row(
    dimensions: Sequence[str], row: Sequence[str | None], reach: DataReach
) -> DataReach:
    """Return the reach of the stores that a row is about."""
    named = [
        MetricFilter(dimension, "=", (label,))
        for dimension, label in zip(dimensions, row, strict=False)
        if dimension in _OF_STORES and label is not None
    ]
    return reach.within(named)
