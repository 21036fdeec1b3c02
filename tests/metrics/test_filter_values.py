"""Values of filters as people write them: months by name, hours, shortened weekdays."""

import pytest

from tests.support.servers.seeded import TODAY
from zava.data.metrics.reader import MetricReader
from zava.errors import InvalidInput
from zava.model.core import Caller
from zava.model.fiscal_calendar import fiscal_calendar
from zava.model.metrics import MetricFilter
from zava.service.metrics.periods import labelled
from zava.service.metrics.query import MetricQueries

RETAIL = fiscal_calendar(None, "4-5-4")


@pytest.mark.parametrize(
    ("dimension", "text", "label"),
    [
        ("month", "Nov 2024", "2024-11"),
        ("month", "202411", "2024-11"),
        ("month", "11/2024", "2024-11"),
        ("month", "last month", "2026-05"),
        ("quarter", "Q3 2025", "2025-Q3"),
        ("quarter", "3Q25", "2025-Q3"),
        ("year", "this year", "2026"),
        ("iso_week", "week 12 of 2026", "2026-W12"),
        ("day", "yesterday", "2026-06-29"),
        ("day", "20260105", "2026-01-05"),
        ("fiscal_quarter", "fiscal q1 2025", "FY2025-Q1"),
        ("fiscal_month", "fiscal october 2025", "FY2025-M09"),
        ("fiscal_year", "FY25", "FY2025"),
        # No single unit of the dimension.
        ("month", "2025", "2025"),
        ("month", "2025-05-17", "2025-05-17"),
        ("quarter", "last 2 quarters", "last 2 quarters"),
        ("day", "whenever", "whenever"),
        ("day", "all time", "all time"),
        ("store", "May", "May"),
    ],
)
def test_value_of_time_is_the_label_that_it_names(dimension: str, text: str, label: str) -> None:
    assert labelled(MetricFilter(dimension, "=", (text,)), TODAY, RETAIL).values == (label,)


@pytest.mark.parametrize(
    ("dimension", "short", "full"),
    [
        ("weekday", "Sat", "saturday"),
        ("weekday", "Tues", "tuesday"),
        ("hour", "9", "09:00"),
        ("hour", "9:00", "09:00"),
        ("hour", "9 am", "09:00"),
        ("hour", "2pm", "14:00"),
        ("hour", "12 p.m.", "12:00"),
        ("hour", "12am", "00:00"),
        ("month", "March 2026", "2026-03"),
    ],
)
async def test_shortened_value_filters_as_the_full_one(
    metrics: MetricReader, callers: dict[str, Caller], dimension: str, short: str, full: str
) -> None:
    rows = []
    for value in (short, full):
        answer = await MetricQueries(metrics, lambda: TODAY).query(
            callers["head-office"],
            metrics=["revenue"],
            filters=[MetricFilter(dimension, "=", (value,))],
            time_period="2026",
        )
        rows.append(answer.figures.rows)
    assert rows[0] == rows[1]
    whole = await MetricQueries(metrics, lambda: TODAY).query(
        callers["head-office"], metrics=["revenue"], time_period="2026"
    )
    assert whole.figures.rows != rows[0]


@pytest.mark.parametrize(
    ("dimension", "value"), [("weekday", "t"), ("hour", "25"), ("hour", "13 pm"), ("hour", ":")]
)
async def test_value_that_shortens_no_single_choice_is_refused(
    metrics: MetricReader, callers: dict[str, Caller], dimension: str, value: str
) -> None:
    with pytest.raises(InvalidInput, match=f"{dimension} has no value"):
        await MetricQueries(metrics, lambda: TODAY).query(
            callers["seattle"],
            metrics=["revenue"],
            filters=[MetricFilter(dimension, "=", (value,))],
        )
