"""Labels of units of time, as the catalogue's dimensions write them, and the days of each unit.

Units are those of the calendar, or of fiscal years where these are given.
"""

from collections.abc import Iterator
from datetime import date

from zava.model.metrics import FiscalYears, Period, PeriodUnit, shifted

UNITS = {
    "day": PeriodUnit.DAY,
    "iso_week": PeriodUnit.WEEK,
    "month": PeriodUnit.MONTH,
    "quarter": PeriodUnit.QUARTER,
    "year": PeriodUnit.YEAR,
}
"""The dimensions of time and what each is counted in."""

FISCAL_UNITS = {
    "fiscal_week": PeriodUnit.WEEK,
    "fiscal_month": PeriodUnit.MONTH,
    "fiscal_quarter": PeriodUnit.QUARTER,
    "fiscal_year": PeriodUnit.YEAR,
}
"""The same of fiscal years."""

OF_TIME = UNITS | FISCAL_UNITS


def units_in(
    period: Period, dimension: str, fiscal: FiscalYears | None
) -> Iterator[tuple[str, date, date]]:
    """Yield the units of a dimension that a period touches, as `units_of` does."""
    return units_of(period, OF_TIME[dimension], fiscal if dimension in FISCAL_UNITS else None)


def beginning(day: date, unit: PeriodUnit) -> date:
    """Return the first day of the unit that holds the day."""
    if unit is PeriodUnit.DAY:
        return day
    if unit is PeriodUnit.WEEK:
        return date.fromordinal(day.toordinal() - day.weekday())
    if unit is PeriodUnit.MONTH:
        return day.replace(day=1)
    if unit is PeriodUnit.QUARTER:
        return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return date(day.year, 1, 1)


def labels(start: date, unit: PeriodUnit, count: int) -> list[str]:
    """Return the labels of `count` units from the one that begins at `start`, in their order."""
    return [label(shifted(start, unit, step), unit) for step in range(count)]


def units_of(
    period: Period, unit: PeriodUnit, fiscal: FiscalYears | None = None
) -> Iterator[tuple[str, date, date]]:
    """Yield the label of each unit that a period touches, its first day and the day after it."""
    if fiscal is not None:
        yield from fiscal.touching(period.start, period.end, unit)
        return
    start = beginning(period.start, unit)
    while start < period.end:
        end = shifted(start, unit, 1)
        yield label(start, unit), start, end
        start = end


def labels_of(period: Period, unit: PeriodUnit, fiscal: FiscalYears | None = None) -> list[str]:
    """Return the labels of the units that a period touches, in their order."""
    return [name for name, _, _ in units_of(period, unit, fiscal)]


def label(start: date, unit: PeriodUnit) -> str:
    """Return the label of the unit that begins on this day."""
    if unit is PeriodUnit.WEEK:
        year, week, _ = start.isocalendar()
        return f"{year:04}-W{week:02}"
    if unit is PeriodUnit.QUARTER:
        return f"{start.year:04}-Q{(start.month + 2) // 3}"
    return start.isoformat()[: {PeriodUnit.YEAR: 4, PeriodUnit.MONTH: 7}.get(unit, 10)]
