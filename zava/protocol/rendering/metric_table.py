"""Answers of the metrics for programs and for readers."""

from typing import Any

from zava.model.core import Column, Table
from zava.model.data_reach import DataReach, written
from zava.model.metrics import Forecast, MetricAnswer, MetricColumn, MetricRows, Period
from zava.protocol.rendering.scope import scope_content
from zava.protocol.rendering.table import table_text

_ALL = "(all)"


def metric_content(answer: MetricAnswer) -> dict[str, Any]:
    """Return an answer as structured content."""
    figures = answer.figures
    return {
        **rows_content(figures),
        "partial": figures.partial,
        "period": period_content(figures.period),
        "compared_with": period_content(figures.compared),
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


def rows_content(figures: MetricRows) -> dict[str, Any]:
    """Return groups and totals as arrays in column order."""
    return {
        "columns": [
            {"name": column.name}
            | ({"unit": column.unit} if column.unit else {})
            | ({"written_by": "outsiders"} if column.is_outside_text else {})
            for column in figures.columns
        ],
        "rows": figures.rows,
        "totals": figures.totals,
        "group_count": figures.group_count,
    }


def period_content(period: Period | None) -> dict[str, Any] | None:
    """Return a period by its first and last day."""
    if period is None:
        return None
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
    return f"Period: {period}{beside}; {reach_text(answer.reach)}"


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


def _forecast_content(forecast: Forecast) -> dict[str, Any]:
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
