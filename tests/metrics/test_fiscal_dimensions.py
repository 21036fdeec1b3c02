"""Figures by fiscal units equal sums over exported rows, labelled by a computation of their own."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.metrics import naive
from tests.support.servers.seeded import TODAY
from zava.data.metrics.reader import MetricReader
from zava.errors import InvalidInput
from zava.model.core import Caller
from zava.model.fiscal_calendar import CALENDAR_YEARS, FiscalCalendar, fiscal_calendar
from zava.model.metrics import Comparison, MetricFilter, MetricOrder
from zava.service.metrics.periods import parse_period
from zava.service.metrics.query import MetricQueries

RETAIL, JULY = fiscal_calendar(None, "4-5-4"), fiscal_calendar(7, "months")


def in_months(day: date, dimension: str) -> str:
    """Return the label in years that begin in July and are named after their end."""
    return naive.fiscal_label(day.year + (day.month >= 7), dimension, 0, (day.month - 7) % 12 + 1)


def asking(metrics: MetricReader, calendar: FiscalCalendar) -> MetricQueries:
    return MetricQueries(metrics, lambda: TODAY, calendar)


CASES = [
    (RETAIL, naive.in_retail_weeks, "fiscal_week", "FY2025-Q3"),
    (RETAIL, naive.in_retail_weeks, "fiscal_month", "last 12 months"),
    (RETAIL, naive.in_retail_weeks, "fiscal_quarter", "FY2023"),
    (RETAIL, naive.in_retail_weeks, "fiscal_year", "2023..2025"),
    (JULY, in_months, "fiscal_month", "FY2024"),
    (JULY, in_months, "fiscal_quarter", "last 18 months"),
    (JULY, in_months, "fiscal_year", "2023..2025"),
]


@pytest.mark.parametrize(("calendar", "labelled", "dimension", "period"), CASES)
async def test_figures_by_fiscal_units_equal_the_rows(
    metrics: MetricReader,
    callers: dict[str, Caller],
    exported: naive.Exported,
    calendar: FiscalCalendar,
    labelled: Callable[[date, str], str],
    dimension: str,
    period: str,
) -> None:
    answer = await asking(metrics, calendar).query(
        callers["seattle"],
        metrics=["revenue", "orders"],
        dimensions=[dimension],
        time_period=period,
        compare=Comparison.PREVIOUS_YEAR,
        limit=100,
    )
    own = exported.of("seattle").lines
    figures = answer.figures
    assert figures.period is not None
    assert figures.compared is not None
    back = (figures.period.start - figures.compared.start).days
    assert (back % 7 == 0) == (calendar is RETAIL)

    def later(day: date) -> date:
        if calendar is RETAIL:
            return day + timedelta(days=back)
        leap = (day.month, day.day) == (2, 29)
        return day.replace(year=day.year + 1, day=28 if leap else day.day)

    expected: dict[str, list[list[Any]]] = {}
    for row in own:
        if figures.period.start <= row["date"] <= figures.period.last_day:
            expected.setdefault(labelled(row["date"], dimension), [[], []])[0].append(row)
        if figures.compared.start <= row["date"] <= figures.compared.last_day:
            expected.setdefault(labelled(later(row["date"]), dimension), [[], []])[1].append(row)
    assert [record[dimension] for record in figures.records()] == sorted(expected)
    for record in figures.records():
        now, before = expected[record[dimension]]
        assert Decimal(str(record["revenue"])) == naive.revenue(now)
        assert Decimal(str(record["revenue_previous"])) == naive.revenue(before)
        # The label is a period, and has the same days.
        unit = parse_period(record[dimension], TODAY, calendar)
        assert all(unit.start <= row["date"] < unit.end for row in now)
    inside = {label for label in expected if label not in figures.partial}
    assert all(
        figures.period.start <= parse_period(label, TODAY, calendar).start for label in inside
    )


async def test_fiscal_units_filter_and_mark_what_they_hold_in_part(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    retail = asking(metrics, RETAIL)
    quarter = await retail.query(callers["seattle"], metrics=["revenue"], time_period="FY2025-Q3")
    filtered = await retail.query(
        callers["seattle"],
        metrics=["revenue"],
        filters=[MetricFilter("fiscal_quarter", "=", ("FY2025-Q3",))],
        time_period="2024..2025",
    )
    assert filtered.figures.rows == quarter.figures.rows
    by_month = await retail.query(
        callers["seattle"],
        metrics=["revenue"],
        dimensions=["fiscal_period"],  # what retailers call the month
        filters=[MetricFilter("fiscal_month", ">=", ("FY2025-M07",))],
        time_period="2025",
        order_by=[MetricOrder("revenue", is_descending=False)],
    )
    labels = [row[0] for row in by_month.figures.rows]
    assert sorted(labels) == [f"FY2025-M{number:02}" for number in range(7, 13)][:5]
    # December's fiscal month goes on in January: a ranking puts it last.
    assert labels[-1] == "FY2025-M11"
    assert by_month.figures.partial["FY2025-M11"] == "32 of 35 days"


async def test_series_of_fiscal_units_stands_beside_the_one_before(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    answer = await asking(metrics, RETAIL).query(
        callers["seattle"],
        metrics=["revenue"],
        dimensions=["fiscal_month"],
        time_period="FY2025-Q2",
        point_by_point=True,
    )
    before = await asking(metrics, RETAIL).query(
        callers["seattle"],
        metrics=["revenue"],
        dimensions=["fiscal_month"],
        time_period="FY2025-Q1",
    )
    assert [row[2] for row in answer.figures.rows] == [row[1] for row in before.figures.rows]


@pytest.mark.parametrize(
    ("calendar", "question", "told"),
    [
        (JULY, {"dimensions": ["fiscal_week"]}, "made of months and have no weeks"),
        (CALENDAR_YEARS, {"dimensions": ["fiscal_week"]}, "made of months and have no weeks"),
        (
            RETAIL,
            {"dimensions": ["fiscal_month"], "compare": Comparison.PREVIOUS_YEAR_DATE},
            "fiscal_month has no label of its own a year earlier",
        ),
        (
            RETAIL,
            {"dimensions": ["fiscal_month"], "compare": Comparison.PREVIOUS_PERIOD},
            "fiscal_month has no label in the previous period",
        ),
        (None, {"dimensions": ["fiscal_month"]}, "fiscal_month needs fiscal years"),
        (RETAIL, {"dimensions": ["fiscal_month"], "forecast_periods": 1}, "a forecast needs"),
        (
            RETAIL,
            {"filters": [MetricFilter("fiscal_month", "=", ("2025-01",))]},
            "a value of fiscal_month is written FY2025-M01",
        ),
    ],
)
async def test_question_without_an_answer_is_refused(
    metrics: MetricReader,
    callers: dict[str, Caller],
    calendar: FiscalCalendar,
    question: dict[str, Any],
    told: str,
) -> None:
    with pytest.raises(InvalidInput, match=told):
        await asking(metrics, calendar).query(callers["seattle"], metrics=["revenue"], **question)


async def test_fiscal_years_of_the_calendar_are_calendar_years(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    told = [
        (
            await asking(metrics, CALENDAR_YEARS).query(
                callers["seattle"], metrics=["revenue"], dimensions=[name], time_period="2025"
            )
        ).figures.rows
        for name in ("fiscal_quarter", "quarter")
    ]
    assert [[row[0].removeprefix("FY"), *row[1:]] for row in told[0]] == told[1]
