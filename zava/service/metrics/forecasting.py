"""Forecasts of a metric: which past they need, and what of the unit under way is already sold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from zava.errors import InvalidInput
from zava.model.data_reach import DataReach, written
from zava.model.metrics import (
    Forecast,
    ForecastPoint,
    MetricColumn,
    MetricQuery,
    MetricRows,
    Period,
    PeriodUnit,
    shifted,
)
from zava.model.time_labels import beginning, labels
from zava.service.metrics.forecast import (
    SEASONS_NEEDED,
    SeasonalForecast,
    forecast,
    points,
    under_way,
)
from zava.service.metrics.periods import parse_period

# How many units repeat themselves, and how many of the past are read.
_SEASONS = {
    "day": (PeriodUnit.DAY, 7, 56),
    "iso_week": (PeriodUnit.WEEK, 52, 156),
    "month": (PeriodUnit.MONTH, 12, 60),
    "quarter": (PeriodUnit.QUARTER, 4, 16),
}
_YEAR_OF_WEEKS = timedelta(days=364)
_MAX_DAYS = 100
_MAX_NAMED = 3
PAST, SO_FAR, SEASON_AGO, CLOSED = "past", "so_far", "season_ago", "closed"


def forecast_questions(query: MetricQuery) -> dict[str, MetricQuery]:
    """Return what a forecast needs besides the answer.

    These are the whole units before the current one, the current one so far, and the days of the
    same unit a season ago. A store that is closed sells nothing more: its past is left out, and
    the stores of which that is true are a question, too.

    Raises:
        InvalidInput: a forecast needs one series.
    """
    if len(query.dimensions) != 1 or query.dimensions[0] not in _SEASONS or query.compare:
        raise InvalidInput(
            "forecast_periods: a forecast needs exactly one dimension of time and no compare.",
            hint=f"Use one of {', '.join(_SEASONS)} as the only dimension.",
        )
    unit, _, count = _SEASONS[query.dimensions[0]]
    series = MetricQuery(
        metrics=query.metrics,
        period=parse_period(f"last {count} {unit}s", query.today),
        today=query.today,
        dimensions=query.dimensions,
        filters=query.filters,
        limit=count,
        of_open_stores=True,
    )
    closed = replace(series, dimensions=("store",), limit=_MAX_NAMED, of_open_stores=False)
    so_far = replace(series, period=_current(unit, query.today), dimensions=(), limit=1)
    season_ago = replace(
        series, period=_season_ago(unit, query.today), dimensions=("day",), limit=_MAX_DAYS
    )
    return {PAST: series, SO_FAR: so_far, SEASON_AGO: season_ago, CLOSED: closed}


def _current(unit: PeriodUnit, today: date) -> Period:
    start = beginning(today, unit)
    return Period("so far", start, today + timedelta(days=1), PeriodUnit.DAY, is_to_date=True)


def _season_ago(unit: PeriodUnit, today: date) -> Period:
    start = beginning(today, unit)
    end = shifted(start, unit, 1)
    return Period("a season ago", _a_season_before(start, unit), _a_season_before(end, unit), unit)


def _a_season_before(day: date, unit: PeriodUnit) -> date:
    if unit is PeriodUnit.DAY:
        return day - timedelta(weeks=1)
    if unit is PeriodUnit.WEEK:
        return day - _YEAR_OF_WEEKS
    return shifted(day, PeriodUnit.YEAR, -1)


@dataclass(frozen=True, slots=True)
class _Past:
    """What the questions of a forecast brought."""

    unit: PeriodUnit
    season: int
    names: Sequence[str]
    """Labels of the whole units, from the first sale on."""
    by_label: Mapping[str, Sequence[float | None]]
    so_far: Sequence[float | None]
    season_ago: Mapping[str, Sequence[float | None]]
    first_open_day: date
    """The first day that is not wholly loaded."""


def forecasts(
    answers: Mapping[str, MetricRows], query: MetricQuery, count: int, reach: DataReach
) -> tuple[tuple[Forecast, ...], list[str]]:
    """Return a forecast for each metric, or the reason for giving none."""
    past, today = answers[PAST], query.today
    unit, season, known = _SEASONS[query.dimensions[0]]
    period = parse_period(f"last {known} {unit}s", today)
    own = reach.within(query.filters)
    missing = own.missing_days(replace(period, end=today), today)
    if missing and own.newest is not None:
        days = "1 day" if missing == 1 else f"{missing} days"
        return (), [
            (
                f"No forecast: orders of the last {days} before today are not all loaded"
                f" (the newest order is of {written(own.newest)})."
            )
        ]
    by_label = {row[0]: row[1:] for row in past.rows}
    names = labels(period.start, unit, known)
    closed = _about_closed(answers[CLOSED])
    while names and names[0] not in by_label:  # before the first sale there is nothing to repeat
        names.pop(0)
    if len(names) < SEASONS_NEEDED * season:
        return (), [
            (
                f"No forecast: it needs {SEASONS_NEEDED * season} {unit}s of sales, there are"
                f" {len(names)}."
            ),
            *closed,
        ]
    measured = _Past(
        unit,
        season,
        names,
        by_label,
        answers[SO_FAR].rows[0],
        {row[0]: row[1:] for row in answers[SEASON_AGO].rows},
        own.whole_until(today) or today,
    )
    ahead = labels(period.end, unit, count)
    return tuple(
        _forecast(measured, place, column, ahead) for place, column in enumerate(past.columns[1:])
    ), closed


def _about_closed(closed: MetricRows) -> list[str]:
    names = [row[0] for row in closed.rows]
    if not names:
        return []
    more = closed.group_count - len(names)
    rest = f" and {more} more" if more else ""
    return [f"The forecast leaves out closed stores: {', '.join(names)}{rest}."]


def _forecast(past: _Past, place: int, column: MetricColumn, ahead: Sequence[str]) -> Forecast:
    values = [_value(past.by_label.get(name), place) for name in past.names]
    fitted = forecast(values, past.season, len(ahead))
    shown = points(fitted, past.season, ahead, is_never_negative=min(values) >= 0)
    if column.adds_up_over_days:
        shown = (_conditioned(past, place, shown[0]), *shown[1:])
    return Forecast(
        metric=column.name,
        method=_words(past, fitted),
        points=shown,
        error_percent=fitted.error_percent,
        tested_periods=fitted.tested,
    )


def _conditioned(past: _Past, place: int, point: ForecastPoint) -> ForecastPoint:
    """Return the point of the unit under way with what is sold in it."""
    since = _a_season_before(past.first_open_day, past.unit).isoformat()
    whole = sum(_value(row, place) for row in past.season_ago.values())
    rest = sum(_value(row, place) for day, row in past.season_ago.items() if day >= since)
    return under_way(point, _value(past.so_far, place), whole, rest)


def _value(row: Sequence[float | None] | None, place: int) -> float:
    return float(row[place] or 0) if row is not None else 0.0


def _words(past: _Past, fitted: SeasonalForecast) -> str:
    beside = (
        f"; repeating the last season would be off by {fitted.repeated_percent} %"
        if fitted.repeated_percent is not None and fitted.repeated_percent != fitted.error_percent
        else ""
    )
    return (
        f"each {past.unit} {fitted.words} (season: {past.season} {past.unit}s), at least what the"
        f" current one has sold; chosen by a back-test{beside}; interval for 80 %"
    )
