"""Compare a series with the period before it, point by point, by position and not by label."""

from dataclasses import replace
from typing import Any

from zava.model.metrics import FiscalYears, MetricColumn, MetricRows, Period
from zava.model.time_labels import units_in


def period_before(dimension: str, period: Period) -> Period:
    """Return what a series is compared with; days meet the same weekdays."""
    if dimension == "day" and period.keeps_weekdays:
        return period.weeks_before()
    return period.previous()


def beside_previous(
    now: MetricRows, before: MetricRows, period: Period, fiscal: FiscalYears | None
) -> MetricRows:
    """Add to each metric of a series the value at the same position in the period before.

    The first day of a month is compared with the first day of the month before. The value is None
    where nothing was sold, or where the period before is shorter.
    """
    dimension = now.columns[0].name
    previous = period_before(dimension, period)
    places = {
        label: place for place, (label, _, _) in enumerate(units_in(period, dimension, fiscal))
    }
    old = {row[0]: row[1:] for row in before.rows}
    in_place = [old.get(label) for label, _, _ in units_in(previous, dimension, fiscal)]
    nothing = [None] * (len(now.columns) - 1)

    def joined(row: list[Any]) -> list[Any]:
        place = places[row[0]]
        values = (in_place[place] if place < len(in_place) else None) or nothing
        return [row[0], *(each for pair in zip(row[1:], values, strict=True) for each in pair)]

    columns = [now.columns[0]]
    for column in now.columns[1:]:
        columns += [column, MetricColumn(f"{column.name}_previous", column.unit)]
    return replace(
        now, columns=tuple(columns), rows=[joined(row) for row in now.rows], compared=previous
    )
