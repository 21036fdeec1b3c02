"""Fiscal years: months from a chosen one on, or the retail calendar's weeks.

The retail calendar of the National Retail Federation has years of 52 or 53 weeks, from Sunday to
Saturday. Each quarter has months of 4, 5 and 4 weeks. A year begins on the Sunday nearest to
1 February, so that it ends on the Saturday nearest to 31 January. The 53rd week is its last one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from zava.model.metrics import PeriodUnit, shifted

MONTHS, QUARTERS, MONTHS_OF_A_QUARTER = 12, 4, 3
_FEBRUARY, _JULY, _SUNDAY, _WEEK = 2, 7, 6, 7
_HALF_A_WEEK = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class FiscalPart:
    """A part of a fiscal year: its label, its days, and how many units it has."""

    label: str
    start: date
    end: date
    unit: PeriodUnit
    count: int


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """The fiscal years of a business.

    `start_month` is the calendar month in which a year begins. `weeks` are those of a quarter's
    three months, None for whole months. A year that begins in July or later has the number of the
    calendar year in which it ends. An earlier one has that in which it begins.
    """

    start_month: int = 1
    weeks: tuple[int, int, int] | None = None

    @property
    def has_weeks(self) -> bool:
        """Whether years are made of whole weeks."""
        return self.weeks is not None

    def year_start(self, year: int) -> date:
        """Return the first day of a fiscal year."""
        first = date(year - (self.start_month >= _JULY), self.start_month, 1)
        if self.weeks is None:
            return first
        latest = first + _HALF_A_WEEK
        return latest - timedelta(days=(latest.weekday() - _SUNDAY) % _WEEK)

    def year_of(self, day: date) -> int:
        """Return the number of the fiscal year that holds the day."""
        return max(
            year for year in range(day.year - 1, day.year + 2) if self.year_start(year) <= day
        )

    def year(self, year: int) -> FiscalPart:
        """Return a whole fiscal year."""
        start, end = self.year_start(year), self.year_start(year + 1)
        return self._part(f"FY{year:04}", start, end, PeriodUnit.YEAR)

    def quarter(self, year: int, number: int) -> FiscalPart:
        """Return the quarter 1 to 4 of a fiscal year."""
        first = MONTHS_OF_A_QUARTER * (number - 1) + 1
        start = self.month(year, first).start
        end = self.month(year, first + MONTHS_OF_A_QUARTER - 1).end
        return self._part(f"FY{year:04}-Q{number}", start, end, PeriodUnit.QUARTER)

    def month(self, year: int, number: int) -> FiscalPart:
        """Return the month 1 to 12 of a fiscal year; its first one is number 1."""
        opening = self.year_start(year)
        if self.weeks is None:
            start = shifted(opening, PeriodUnit.MONTH, number - 1)
            end = shifted(opening, PeriodUnit.MONTH, number)
        else:
            weeks = [*self.weeks * QUARTERS]
            start = opening + timedelta(weeks=sum(weeks[: number - 1]))
            end = start + timedelta(weeks=weeks[number - 1])
            if number == MONTHS:
                end = self.year_start(year + 1)  # with the 53rd week, where the year has one
        return self._part(f"FY{year:04}-M{number:02}", start, end, PeriodUnit.MONTH)

    def week(self, year: int, number: int) -> FiscalPart | None:
        """Return the week 1 to 53 of a fiscal year, None where it has no such week."""
        start = self.year_start(year) + timedelta(weeks=number - 1)
        end = start + timedelta(weeks=1)
        if self.weeks is None or end > self.year_start(year + 1):
            return None
        return self._part(f"FY{year:04}-W{number:02}", start, end, PeriodUnit.WEEK)

    def holding(self, day: date, unit: PeriodUnit) -> FiscalPart | None:
        """Return the fiscal year, quarter, month or week that holds the day."""
        year = self.year_of(day)
        if unit is PeriodUnit.YEAR:
            return self.year(year)
        if unit is PeriodUnit.WEEK:
            return self.week(year, (day - self.year_start(year)).days // _WEEK + 1)
        part, count = (
            (self.quarter, QUARTERS) if unit is PeriodUnit.QUARTER else (self.month, MONTHS)
        )
        found = (part(year, number) for number in range(1, count + 1))
        return next(each for each in found if each.start <= day < each.end)

    def touching(
        self, start: date, end: date, unit: PeriodUnit
    ) -> Iterator[tuple[str, date, date]]:
        """Yield label, first day and the day after the last of each part between two days.

        Years of months have no weeks, and nothing is yielded for them.
        """
        part = self.holding(start, unit)
        while part is not None and part.start < end:
            yield part.label, part.start, part.end
            part = self.holding(part.end, unit)

    def _part(self, label: str, start: date, end: date, unit: PeriodUnit) -> FiscalPart:
        if self.weeks is None:
            return FiscalPart(label, start, end, unit, 1)
        # Counted in weeks, so that a comparison keeps the weekdays.
        return FiscalPart(label, start, end, PeriodUnit.WEEK, (end - start).days // _WEEK)


CALENDAR_YEARS = FiscalCalendar()
"""Fiscal years that are those of the calendar."""


def fiscal_calendar(start_month: int | None, pattern: str) -> FiscalCalendar:
    """Return the calendar of a pattern such as `4-5-4`, or of whole months."""
    if pattern == "months":
        return FiscalCalendar(start_month or 1)
    first, second, third = map(int, pattern.split("-"))
    return FiscalCalendar(start_month or _FEBRUARY, (first, second, third))
