"""Fiscal years of months and of weeks, and the periods that name their parts."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zava.errors import InvalidInput
from zava.model.core import Caller
from zava.model.fiscal_calendar import CALENDAR_YEARS, FiscalCalendar, fiscal_calendar
from zava.model.metrics import PeriodUnit
from zava.retail.service.sales_analytics import SalesAnalytics
from zava.service.metrics.periods import parse_period
from zava.settings import Settings

TODAY = date(2026, 11, 29)
NRF = fiscal_calendar(None, "4-5-4")
JULY = fiscal_calendar(7, "months")

# https://www.nrf.com/resources/4-5-4-calendar: "This anomaly has most recently occurred in FY'12
# and FY'17 and will occur in FY'23"; an older state of that page names FY'00 and FY'06 as well.
YEARS_OF_53_WEEKS = {2000, 2006, 2012, 2017, 2023}


def test_years_of_53_weeks_are_those_that_the_federation_published() -> None:
    weeks = {
        year: (NRF.year_start(year + 1) - NRF.year_start(year)).days / 7
        for year in range(2000, 2027)
    }
    assert {year for year, count in weeks.items() if count == 53} == YEARS_OF_53_WEEKS
    assert set(weeks.values()) == {52, 53}


def test_days_of_the_retail_calendar_are_those_published() -> None:
    # Coresight's guide to the retail year: fiscal 2023 has 53 weeks and ends on 3 February 2024.
    assert NRF.year(2023).end - timedelta(days=1) == date(2024, 2, 3)
    # README of the package nrf-calendar: fiscal October 2015 is from 4 to 31 October.
    october = NRF.month(2015, 9)
    assert (october.start, october.end) == (date(2015, 10, 4), date(2015, 11, 1))


@given(
    st.dates(date(1950, 1, 1), date(2150, 12, 31)),
    st.integers(1, 12),
    st.sampled_from(["months", "4-5-4", "4-4-5", "5-4-4"]),
)
def test_each_day_is_in_one_year_quarter_month_and_week(
    day: date, start_month: int, pattern: str
) -> None:
    calendar = fiscal_calendar(start_month, pattern)
    for unit in (PeriodUnit.YEAR, PeriodUnit.QUARTER, PeriodUnit.MONTH, PeriodUnit.WEEK):
        part = calendar.holding(day, unit)
        if part is None:
            assert (unit, pattern) == (PeriodUnit.WEEK, "months")
            continue
        assert part.start <= day < part.end
        before = calendar.holding(part.start - timedelta(days=1), unit)
        assert before is not None
        assert before.end == part.start
        if pattern != "months":
            assert part.start.weekday() == 6
            assert (part.end - part.start).days == 7 * part.count
    year = calendar.year(calendar.year_of(day))
    firsts = [date(year.start.year + later, start_month, 1) for later in (0, 1)]
    assert min(abs((year.start - first).days) for first in firsts) <= 3
    assert calendar.month(calendar.year_of(day), 12).end == year.end


@pytest.mark.parametrize(
    ("text", "first", "last", "label"),
    [
        ("this fiscal year", "2026-02-01", "2026-11-29", "FY2026"),
        ("fiscal year to date", "2026-02-01", "2026-11-29", "FY2026"),
        ("FYTD", "2026-02-01", "2026-11-29", "FY2026"),
        ("last fiscal year", "2025-02-02", "2026-01-31", "FY2025"),
        ("FY2023", "2023-01-29", "2024-02-03", "FY2023"),
        ("fy'23", "2023-01-29", "2024-02-03", "FY2023"),
        ("fiscal 2025", "2025-02-02", "2026-01-31", "FY2025"),
        ("fiscal year 2025", "2025-02-02", "2026-01-31", "FY2025"),
        ("fiscal Q1", "2026-02-01", "2026-05-02", "FY2026-Q1"),
        ("fiscal_q1_2025", "2025-02-02", "2025-05-03", "FY2025-Q1"),
        ("Q1 FY25", "2025-02-02", "2025-05-03", "FY2025-Q1"),
        ("FY2025-Q1", "2025-02-02", "2025-05-03", "FY2025-Q1"),
        ("FQ1", "2026-02-01", "2026-05-02", "FY2026-Q1"),
        ("first fiscal quarter of 2025", "2025-02-02", "2025-05-03", "FY2025-Q1"),
        ("this fiscal quarter", "2026-11-01", "2026-11-29", "FY2026-Q4"),
        ("last fiscal quarter", "2026-08-02", "2026-10-31", "FY2026-Q3"),
        ("last fiscal month", "2026-11-01", "2026-11-28", "FY2026-M10"),
        ("fiscal october 2015", "2015-10-04", "2015-10-31", "FY2015-M09"),
        ("fiscal month 12 2023", "2023-12-31", "2024-02-03", "FY2023-M12"),
        ("fiscal january", "2026-01-04", "2026-01-31", "FY2025-M12"),
        ("fiscal week 53 2023", "2024-01-28", "2024-02-03", "FY2023-W53"),
        ("last 2 fiscal quarters", "2026-05-03", "2026-10-31", "last 2 fiscal quarters"),
        ("fiscal q1 to fiscal q2 2025", "2025-02-02", "2025-08-02", None),
    ],
)
def test_fiscal_period_of_the_retail_calendar(
    text: str, first: str, last: str, label: str | None
) -> None:
    period = parse_period(text, TODAY, NRF)
    assert (str(period.start), str(period.last_day)) == (first, last)
    assert label in {None, period.expression}
    # Weeks are compared with the same weekdays, 52 weeks before.
    assert (period.start - period.previous_year().start).days == 364
    again = parse_period(period.expression, TODAY, NRF)
    assert (again.start, again.end) == (period.start, period.end)


@pytest.mark.parametrize(
    ("text", "first", "last", "year_before", "before"),
    [
        ("fiscal year", "2026-07-01", "2026-11-29", "2025-07-01", "2025-07-01"),
        ("FY2026", "2025-07-01", "2026-06-30", "2024-07-01", "2024-07-01"),
        ("fiscal q1", "2026-07-01", "2026-09-30", "2025-07-01", "2026-04-01"),
        ("last fiscal month", "2026-10-01", "2026-10-31", "2025-10-01", "2026-09-01"),
        ("last 3 fiscal years", "2023-07-01", "2026-06-30", "2022-07-01", "2020-07-01"),
    ],
)
def test_fiscal_period_of_months_from_july(
    text: str, first: str, last: str, year_before: str, before: str
) -> None:
    period = parse_period(text, TODAY, JULY)
    assert (str(period.start), str(period.last_day)) == (first, last)
    assert str(period.previous_year().start) == year_before
    assert str(period.previous().start) == before


def test_fiscal_years_are_those_of_the_calendar_where_nothing_is_set() -> None:
    assert fiscal_calendar(None, "months") == CALENDAR_YEARS == FiscalCalendar()
    for fiscal, calendar in (("fiscal q3 2025", "2025-Q3"), ("FY2025", "2025")):
        found, same = (parse_period(text, TODAY, CALENDAR_YEARS) for text in (fiscal, calendar))
        assert (found.start, found.end) == (same.start, same.end)


@pytest.mark.parametrize(
    "text",
    [
        *("fiscal dinner", "fy", "FY2025-W53", "fiscal week 0", "fiscal month 13 2025"),
        *("fiscal month 0", "last 0 fiscal years", "fiscal smarch", "FY9999", "fiscal q5"),
    ],
)
def test_fiscal_period_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_period(text, TODAY, NRF)


def test_years_of_months_have_no_fiscal_weeks() -> None:
    for text in ("this fiscal week", "last 2 fiscal weeks", "fiscal week 3"):
        with pytest.raises(InvalidInput):
            parse_period(text, TODAY, JULY)


def test_fiscal_period_is_refused_where_there_is_no_fiscal_calendar() -> None:
    """As in the comparison with the chain, whose cohorts must not overlap."""
    for text in ("fiscal q1", "FY2025", "this fiscal year"):
        with pytest.raises(InvalidInput):
            parse_period(text, TODAY)


class _Asked(Exception):
    """What reached the data layer."""


class _Data:
    """Takes the first question, and answers none."""

    async def measure(self, *asked: Any) -> Any:
        raise _Asked(next(iter(asked[1].values())).period)

    async def chain(self, *asked: Any) -> Any:
        raise _Asked(asked[-2])


async def test_tools_take_the_fiscal_calendar_and_the_comparison_with_the_chain_takes_none(
    callers: dict[str, Caller],
) -> None:
    data: Any = _Data()
    sales = SalesAnalytics(data, lambda: TODAY, NRF)
    caller = callers["seattle"]
    for asking in (
        sales.metrics.query(caller, metrics=["revenue"], time_period="FY2025-Q1"),
        sales.stores.performance(caller, None, "fiscal q1 2025"),
    ):
        with pytest.raises(_Asked) as caught:
            await asking
        period = caught.value.args[0]
        assert (period.start, period.end) == (date(2025, 2, 2), date(2025, 5, 4))
    with pytest.raises(InvalidInput, match="is not a period"):
        await sales.chain.compare(caller, "revenue", "fiscal q1 2025")
    with pytest.raises(_Asked):
        await sales.chain.compare(caller, "revenue", "2025-Q1")


@pytest.mark.parametrize(
    ("environment", "calendar"),
    [
        ({}, CALENDAR_YEARS),
        ({"ZAVA_FISCAL_YEAR_START": "7"}, JULY),
        ({"ZAVA_RETAIL_CALENDAR": "4-5-4"}, NRF),
        (
            {"ZAVA_RETAIL_CALENDAR": "4-4-5", "ZAVA_FISCAL_YEAR_START": "10"},
            FiscalCalendar(10, (4, 4, 5)),
        ),
    ],
)
def test_settings_name_the_fiscal_calendar(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], calendar: FiscalCalendar
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    read = Settings()
    assert fiscal_calendar(read.fiscal_year_start, read.retail_calendar) == calendar
