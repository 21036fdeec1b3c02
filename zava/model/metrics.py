"""The frozen values of the metrics: periods, questions, figures and notes."""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Protocol

from zava.model.core import Scope
from zava.model.data_reach import NOTHING_LOADED, DataReach
from zava.model.retail_calendar import days_to_year_before

_WEEK = 7


class PeriodUnit(StrEnum):
    """What a period is counted in; a day's neighbours are days, a quarter's are quarters."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the stores' own time zone: from `start` to the day before `end`.

    It is `count` units long. `is_to_date` is true if it began and has not ended: then `end` is the
    day after today. `cut` is the time of the last day up to which orders are loaded. A period that
    is compared with this one ends at the same time of day. `days_earlier` is how far back a period
    of the year before lies if its weekdays are kept.
    """

    expression: str
    start: date
    end: date
    unit: PeriodUnit
    count: int = 1
    is_to_date: bool = False
    cut: time | None = None
    days_earlier: int | None = None

    @property
    def days(self) -> int:
        """Return its length in days."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """Return its last day."""
        return self.end - timedelta(days=1)

    @property
    def weekdays(self) -> str:
        """Return its first and last weekday."""
        first, last = (f"{day:%a}" for day in (self.start, self.last_day))
        return first if self.days == 1 else f"{first} to {last}"

    @property
    def keeps_weekdays(self) -> bool:
        """Whether it is made of days or weeks, and is no whole calendar months."""
        is_of_days = self.unit in {PeriodUnit.DAY, PeriodUnit.WEEK}
        return is_of_days and not self.start.day == self.end.day == 1

    def __str__(self) -> str:
        """Return the period as an answer states it."""
        to_date = ", to date" if self.is_to_date else ""
        weekdays = f", {self.weekdays}" if self.keeps_weekdays else ""
        return f"{self.start} to {self.last_day} ({self.expression}{to_date}){weekdays}"

    def previous(self) -> "Period":
        """Return the period of the same length before this one.

        Of a period to date only as many days as have passed, so that like is compared with like.
        Less than a week is compared with the same weekdays of the week before.
        """
        if self.unit is PeriodUnit.DAY and self.days < _WEEK:
            return self.weeks_before()
        start = shifted(self.start, self.unit, -self.count)
        end = min(start + timedelta(days=self.days), self.start) if self.is_to_date else self.start
        cut = self.cut if (end - start).days == self.days else None
        return Period("previous period", start, end, self.unit, self.count, cut=cut)

    def weeks_before(self) -> "Period":
        """Return the same weekdays so few weeks before that they do not overlap this period."""
        weeks = -(-self.days // _WEEK)
        told = "a week before" if weeks == 1 else f"{weeks} weeks before"
        back = timedelta(weeks=weeks)
        return Period(
            f"same weekday, {told}" if self.days == 1 else f"same weekdays, {told}",
            self.start - back,
            self.end - back,
            self.unit,
            self.count,
            cut=self.cut,
        )

    def previous_year(self) -> "Period":
        """Return the comparable days a year earlier: the same weekdays, or the same months."""
        return self.same_weekdays() if self.keeps_weekdays else self.previous_year_date()

    def same_weekdays(self) -> "Period":
        """Return the same weekdays of the year before; a short event meets the same event."""
        days = days_to_year_before(self.start, self.last_day)
        back = timedelta(days=days)
        return Period(
            f"previous year, {days} days before",
            self.start - back,
            self.end - back,
            self.unit,
            self.count,
            cut=self.cut,
            days_earlier=days,
        )

    def previous_year_date(self) -> "Period":
        """Return the same days of the calendar a year earlier."""
        start, end = (shifted(day, PeriodUnit.YEAR, -1) for day in (self.start, self.end))
        if (self.end.month, self.end.day) == (2, 29):  # the day after the last, not the last
            end += timedelta(days=1)
        return Period("previous year", start, end, self.unit, self.count, cut=self.cut)


def shifted(day: date, unit: PeriodUnit, count: int) -> date:
    """Return the day `count` units later; 29 February falls on the 28th of a common year.

    Raises:
        ValueError, OverflowError: the calendar does not reach so far.
    """
    if unit is PeriodUnit.DAY:
        return day + timedelta(days=count)
    if unit is PeriodUnit.WEEK:
        return day + timedelta(weeks=count)
    months = {PeriodUnit.MONTH: 1, PeriodUnit.QUARTER: 3, PeriodUnit.YEAR: 12}[unit] * count
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class Comparison(StrEnum):
    """What an answer may be set beside."""

    PREVIOUS_PERIOD = "previous_period"
    PREVIOUS_YEAR = "previous_year"
    PREVIOUS_YEAR_DATE = "previous_year_date"


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """One condition on a dimension.

    `op` is one of =, !=, in, contains, between, >=, <=, >, <.
    """

    dimension: str
    op: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetricOrder:
    """One key to sort by: a dimension, a metric, or a metric's comparison."""

    by: str
    is_descending: bool = True


class FiscalYears(Protocol):
    """The fiscal years, as the dimensions of time see them."""

    @property
    def has_weeks(self) -> bool:
        """Whether years are made of whole weeks."""

    def touching(
        self, start: date, end: date, unit: PeriodUnit
    ) -> Iterator[tuple[str, date, date]]:
        """Yield label, first day and the day after the last of each part between two days."""


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A question to the certified metrics, by the names of the catalogue."""

    metrics: tuple[str, ...]
    period: Period
    today: date
    dimensions: tuple[str, ...] = ()
    filters: tuple[MetricFilter, ...] = ()
    order_by: tuple[MetricOrder, ...] = ()
    limit: int = 50
    compare: Comparison | None = None
    with_totals: bool = False
    alone: Comparison | None = None
    """The comparison that is answered instead of the period itself."""
    leaves_out_restricted: bool = False
    """Whether a metric that the caller may not see is left out rather than refused."""
    fiscal: FiscalYears | None = None
    """The years of its fiscal dimensions."""
    of_open_stores: bool | None = None
    """True leaves out the stores that are closed today, False all others."""


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """One column of figures; `unit` is None for a dimension."""

    name: str
    unit: str | None = None
    is_outside_text: bool = False
    adds_up_over_days: bool = False
    compares_years: bool = False
    """Whether its value is itself a comparison with the year before."""


@dataclass(frozen=True, slots=True)
class MetricRows:
    """What one question brought: a row for each group, best first, out of `group_count`.

    In `totals` a dimension that is summed over is None. A figure is None where it is not defined,
    such as a share of nothing. `period` is None where nothing depends on one: known as of now.
    """

    columns: tuple[MetricColumn, ...]
    rows: list[list[Any]]
    totals: list[list[Any]]
    group_count: int
    period: Period | None
    compared: Period | None = None
    is_converted: bool = False
    """Whether amounts were in another currency than the answer's."""
    partial: dict[str, str] = field(default_factory=dict)
    """Labels of the rows that hold a part of their unit of time or period, and what part."""

    def records(self) -> list[dict[str, Any]]:
        """Return the rows by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the questions of one statement brought, by their names, and the scope it was read in.

    Rows of `answers` are those of `queries`.
    """

    answers: dict[str, MetricRows]
    scope: Scope
    as_of: datetime
    is_cached: bool = False
    reach: DataReach = NOTHING_LOADED
    queries: Mapping[str, MetricQuery] = field(default_factory=dict)
    """The questions as they were answered: of the day that it is at the caller's stores."""


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """What is expected of one period to come, and where four of five outcomes would lie."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A metric's next periods; `error_percent` is how far the same method was off lately."""

    metric: str
    method: str
    points: tuple[ForecastPoint, ...]
    error_percent: float | None
    tested_periods: int


@dataclass(frozen=True, slots=True)
class MetricAnswer:
    """An answer to a question to the metrics, with its notes; `today` is the stores' day."""

    figures: MetricRows
    forecasts: tuple[Forecast, ...]
    notes: tuple[str, ...]
    scope: Scope
    as_of: datetime
    is_cached: bool
    today: date
    reach: DataReach = NOTHING_LOADED
    missing_days: int = 0
