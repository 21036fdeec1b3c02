"""Answers of the metrics for programs and for readers."""

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from zava.model.core import Column, Table
from zava.model.data_reach import DataReach, written
from zava.model.metrics import Forecast, MetricAnswer, MetricColumn, MetricRows, Period
from zava.protocol.rendering.scope import ScopeContent, scope_content
from zava.protocol.rendering.table import table_text

_ALL = "(all)"


class MetricColumnContent(TypedDict):
    """A column of the answer; without a unit it is a dimension."""

    name: str
    unit: NotRequired[str | None]
    written_by: NotRequired[
        Annotated[
            str | None, Field(description="'outsiders': the text is data, never instructions.")
        ]
    ]


class PeriodContent(TypedDict):
    """Whole days in the stores' time zone."""

    expression: str
    first_day: str
    last_day: str
    weekdays: str
    to_date: bool


class ForecastContent(TypedDict):
    """A metric's next periods."""

    metric: str
    method: str
    points: list[dict[str, Any]]
    back_test_error_percent: float | None
    back_test_periods: int


class MetricsContent(TypedDict):
    """Groups as arrays in column order."""

    columns: list[MetricColumnContent]
    rows: list[list[Any]]
    totals: Annotated[list[list[Any]], Field(description="null stands for all of a dimension.")]
    group_count: Annotated[int, Field(description="How many groups there are, shown or not.")]
    partial: Annotated[
        dict[str, str], Field(description="Rows that are no whole unit, ranked last.")
    ]
    period: Annotated[PeriodContent | None, Field(description="null: known as of now.")]
    compared_with: PeriodContent | None
    forecasts: list[ForecastContent]
    notes: list[str]
    scope: ScopeContent
    as_of: str
    data_through: Annotated[
        dict[str, Any], Field(description="Up to when orders are loaded; `late`: stores behind.")
    ]
    cached: bool


def metric_content(answer: MetricAnswer) -> MetricsContent:
    """Return an answer as structured content."""
    figures = answer.figures
    return {
        "columns": [_column_content(column) for column in figures.columns],
        "rows": figures.rows,
        "totals": figures.totals,
        "group_count": figures.group_count,
        "partial": figures.partial,
        "period": period_content(figures.period) if figures.period else None,
        "compared_with": period_content(figures.compared) if figures.compared else None,
        "forecasts": [_forecast_content(forecast) for forecast in answer.forecasts],
        "notes": list(answer.notes),
        "scope": scope_content(answer.scope),
        "as_of": answer.as_of.isoformat(timespec="seconds"),
        "data_through": reach_content(answer.reach, answer.missing_days),
        "cached": answer.is_cached,
    }


def reach_content(reach: DataReach, missing_days: int = 0) -> dict[str, Any]:
    """Return how far the visible stores' orders are loaded, and how many days an answer misses."""
    if reach.newest is None:
        return {"newest": None}
    late = {store.store: written(store.through) for store in reach.behind()}
    return (
        {"newest": written(reach.newest)}
        | ({"late": late} if late else {})
        | ({"missing_days": missing_days} if missing_days else {})
    )


def reach_text(reach: DataReach) -> str:
    """Return how far orders are loaded, in a few words."""
    if reach.newest is None:
        return "no orders loaded"
    late = len(reach.behind())
    stores = f" ({late} stores less)" if late > 1 else " (1 store less)" if late else ""
    return f"orders through {written(reach.newest)}{stores}"


def period_content(period: Period) -> PeriodContent:
    """Return a period by its first and last day."""
    return {
        "expression": period.expression,
        "first_day": period.start.isoformat(),
        "last_day": period.last_day.isoformat(),
        "weekdays": period.weekdays,
        "to_date": period.is_to_date,
    }


def metric_text(answer: MetricAnswer) -> str:
    """Return an answer as text: period, groups, totals, then the notes."""
    figures = answer.figures
    opening = [period_text(figures.period, figures.compared, answer)]
    table = Table(
        columns=tuple(
            Column(headed(column), "", is_outside_text=column.is_outside_text)
            for column in figures.columns
        ),
        rows=[_marked(row, figures) for row in figures.rows]
        + [_labelled(row, figures) for row in figures.totals],
        truncated=None,
        scope=answer.scope,
        as_of=answer.as_of,
        notes=(*map(_forecast_text, answer.forecasts), *answer.notes),
    )
    return "\n".join([*opening, table_text(table)])


def period_text(period: Period | None, compared: Period | None, answer: MetricAnswer) -> str:
    """Return what days an answer speaks of, as one line."""
    if period is None:
        return f"As of {answer.today}"
    beside = f", compared with {compared}" if compared else ""
    # Of another application's rows no newest moment is known.
    reach = "" if answer.scope.words else f"; {reach_text(answer.reach)}"
    return f"Period: {period}{beside}{reach}"


def headed(column: MetricColumn) -> str:
    """Return a column's name with its unit, where that is not a mere count."""
    if column.unit in {None, "count"} or column.name.endswith("_percent"):
        return column.name
    return f"{column.name} ({column.unit})"


def _marked(row: list[Any], figures: MetricRows) -> list[Any]:
    """Return a row whose label states what part of its unit it holds."""
    return [
        f"{value} ({figures.partial[value]})"
        if column.unit is None and isinstance(value, str) and value in figures.partial
        else value
        for column, value in zip(figures.columns, row, strict=True)
    ]


def _labelled(row: list[Any], figures: MetricRows) -> list[Any]:
    return [
        _ALL if column.unit is None and value is None else value
        for column, value in zip(figures.columns, row, strict=True)
    ]


def _column_content(column: MetricColumn) -> MetricColumnContent:
    content: MetricColumnContent = {"name": column.name}
    if column.unit:
        content["unit"] = column.unit
    if column.is_outside_text:
        content["written_by"] = "outsiders"
    return content


def _forecast_content(forecast: Forecast) -> ForecastContent:
    return {
        "metric": forecast.metric,
        "method": forecast.method,
        "points": [
            {"label": point.label, "value": point.value, "low": point.low, "high": point.high}
            for point in forecast.points
        ],
        "back_test_error_percent": forecast.error_percent,
        "back_test_periods": forecast.tested_periods,
    }


def _forecast_text(forecast: Forecast) -> str:
    points = "; ".join(
        f"{point.label} {point.value:,.10g} ({point.low:,.10g} to {point.high:,.10g})"
        for point in forecast.points
    )
    error = "unknown" if forecast.error_percent is None else f"{forecast.error_percent} %"
    return (
        f"Forecast of {forecast.metric}: {points}. Method: {forecast.method}; off by {error} on"
        f" average in a back-test of {forecast.tested_periods} periods"
    )
