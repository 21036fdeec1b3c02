"""Query the certified metrics: parse the period, and note what the answer leaves out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Protocol

from zava.model.answer_size import MOST_ROWS, rows_that_fit
from zava.model.core import Caller, Scope
from zava.model.fiscal_calendar import CALENDAR_YEARS, FiscalCalendar
from zava.model.metrics import (
    Comparison,
    Forecast,
    Measured,
    MetricAnswer,
    MetricFilter,
    MetricOrder,
    MetricQuery,
    MetricRows,
    Period,
    PeriodUnit,
)
from zava.service.metrics.comparability import comparable, missing_days, period_notes
from zava.service.metrics.forecasting import forecast_questions
from zava.service.metrics.forecasting import forecasts as foretold
from zava.service.metrics.periods import labelled, parse_period
from zava.service.metrics.place_notes import place_notes
from zava.service.metrics.series import beside_previous, period_before

DEFAULT_PERIOD = "last 12 months"
MAX_FORECASTS = 13

_FIRST_DAY = date(1900, 1, 1)
_TENANT_DIMENSIONS = frozenset({"store", "region", "channel"})


class MetricData(Protocol):
    """The data layer of the metrics, as the use cases see it."""

    async def measure(
        self,
        caller: Caller,
        queries: Mapping[str, MetricQuery],
        again: Callable[[date], Mapping[str, MetricQuery]] | None = None,
    ) -> Measured:
        """Answer several questions at once, as the caller; `again` makes those of another day."""

    def describe(self) -> str:
        """Return the catalogue as a page."""


class MetricQueries:
    """Use cases of the certified metrics; every one of them acts for a caller."""

    def __init__(
        self,
        data: MetricData,
        today: Callable[[], date],
        fiscal: FiscalCalendar = CALENDAR_YEARS,
        *,
        peers_hint: str = "",
        counted: str | None = "orders",
    ) -> None:
        """`peers_hint` names the way to figures on stores outside a caller's scope.

        `counted` is the metric whose first and last day the note on an empty answer states.
        """
        self._counted = counted
        self._data = data
        self._peers_hint = peers_hint
        self._today = today
        self._fiscal = fiscal

    async def query(
        self,
        caller: Caller,
        *,
        metrics: Sequence[str],
        dimensions: Sequence[str] = (),
        filters: Sequence[MetricFilter] = (),
        time_period: str | None = None,
        order_by: Sequence[MetricOrder] = (),
        limit: int = 50,
        compare: Comparison | None = None,
        with_totals: bool = False,
        forecast_periods: int = 0,
        point_by_point: bool = False,
    ) -> MetricAnswer:
        """Answer one question, with notes that its reader needs.

        `point_by_point` compares a series of one dimension of time with the period before it.

        Raises:
            InvalidInput: a name, value, period or combination is not one that is answered.
            NotPermitted: a metric or a store is not this caller's.
        """

        def questions(today: date) -> Mapping[str, MetricQuery]:
            asked = MetricQuery(
                metrics=tuple(metrics),
                period=parse_period(time_period or DEFAULT_PERIOD, today, self._fiscal),
                today=today,
                dimensions=tuple(dimensions),
                filters=tuple(labelled(each, today, self._fiscal) for each in filters),
                order_by=tuple(order_by),
                limit=limit,
                compare=compare,
                with_totals=with_totals and bool(dimensions),
                fiscal=self._fiscal,
            )
            queries = {"answer": asked}
            if forecast_periods:
                queries |= forecast_questions(asked)
            if point_by_point:
                previous = period_before(asked.dimensions[0], asked.period)
                queries["before"] = replace(asked, period=previous)
            return queries

        measured = await self._data.measure(caller, questions(self._today()), questions)
        asked = measured.queries["answer"]
        today = asked.today
        figures = measured.answers["answer"]
        if point_by_point:
            before = measured.answers["before"]
            figures = beside_previous(figures, before, asked.period, self._fiscal)
        totals = len(figures.totals)
        figures = comparable(_bounded(figures, limit), asked, measured.reach)
        own = measured.reach.within(asked.filters)
        notes = [
            *period_notes(figures.period, figures.compared, own, today),
            *place_notes(figures, measured.reach.places, today),
            *_about_scope(figures, measured.scope, self._peers_hint),
            *_about_rows(figures, limit, time_period),
        ]
        if len(figures.totals) < totals:
            way = "raise limit" if limit < MOST_ROWS else "filter"
            notes.append(f"{len(figures.totals)} of {totals} totals; {way} to see more.")
        if _is_empty(figures):
            notes += await self._about_emptiness(caller, asked)
        forecasts: tuple[Forecast, ...] = ()
        if forecast_periods:
            forecasts, told = foretold(measured.answers, asked, forecast_periods, measured.reach)
            notes += told
        return MetricAnswer(
            figures,
            forecasts,
            tuple(notes),
            measured.scope,
            measured.as_of,
            measured.is_cached,
            today,
            measured.reach,
            missing_days(figures, own, today),
        )

    def describe(self) -> str:
        """Return the catalogue as a page: metrics, dimensions, and the rules of findings."""
        return self._data.describe()

    async def _about_emptiness(self, caller: Caller, asked: MetricQuery) -> list[str]:
        """Return notes with the period that has orders; it costs an empty answer one more trip."""
        nothing = "Nothing meets the filters" if asked.filters else "Nothing"
        if self._counted is None:
            return [f"{nothing} in {asked.period}."]
        ever = Period("ever", _FIRST_DAY, asked.today + timedelta(days=1), PeriodUnit.DAY)
        ends = {
            name: MetricQuery(
                (self._counted,),
                ever,
                asked.today,
                dimensions=("day",),
                order_by=(MetricOrder("day", is_descending),),
                limit=1,
            )
            for name, is_descending in (("first", False), ("last", True))
        }
        found = (await self._data.measure(caller, ends)).answers
        if not found["first"].rows:
            return ["There is no order in your scope."]
        first, last = found["first"].rows[0][0], found["last"].rows[0][0]
        return [f"{nothing} in {asked.period}. Orders in your scope run from {first} to {last}."]


def _is_empty(figures: MetricRows) -> bool:
    values = [value for row in figures.rows for value in row[_label_count(figures) :]]
    return figures.period is not None and not any(values)


def _bounded(figures: MetricRows, limit: int) -> MetricRows:
    """Return the figures that an answer has room for: the grand total, the groups, the totals."""
    labels = _label_count(figures)
    is_partial = [any(label is not None for label in row[:labels]) for row in figures.totals]
    grand = [row for row, partial in zip(figures.totals, is_partial, strict=True) if not partial]
    rest = [row for row, partial in zip(figures.totals, is_partial, strict=True) if partial]
    room = rows_that_fit([*grand, *figures.rows, *rest], limit)
    if room == len(figures.totals) + len(figures.rows):
        return figures
    groups = figures.rows[: max(1, room - len(grand))]
    return replace(
        figures, rows=groups, totals=grand + rest[: max(0, room - len(grand) - len(groups))]
    )


def _label_count(figures: MetricRows) -> int:
    return sum(column.unit is None for column in figures.columns)


def _about_scope(figures: MetricRows, scope: Scope, peers_hint: str) -> list[str]:
    is_ranked = any(column.name in _TENANT_DIMENSIONS for column in figures.columns)
    if not is_ranked or scope.words is not None or len(scope.stores) == scope.store_count:
        return []
    seen = f"You see {len(scope.stores)} of {scope.store_count} stores"
    return [f"{seen}: the others are not in this list. {peers_hint}".rstrip()]


def _about_rows(figures: MetricRows, limit: int, time_period: str | None) -> list[str]:
    notes = []
    if figures.group_count > len(figures.rows):
        way = f"raise limit above {limit} or filter" if limit < MOST_ROWS else "filter"
        notes.append(f"{len(figures.rows)} of {figures.group_count} groups; {way} to see others.")
    if figures.period is None and time_period is not None:
        notes.append(
            "These metrics are known as of now, not for the past: time_period was left out."
        )
    return notes
