"""Notations of programs and dashboards, ranges up to today, and what is no period at all."""

from datetime import date

import pytest

from zava.errors import InvalidInput
from zava.model.fiscal_calendar import FiscalCalendar
from zava.service.metrics.periods import parse_period

TODAY = date(2026, 11, 29)  # a Sunday, the last day of ISO week 48


@pytest.mark.parametrize(
    ("phrase", "first", "last"),
    [
        # A range up to today begins with its first unit; it is never that unit alone.
        ("2026-11-27 to today", "2026-11-27", "2026-11-29"),
        ("2026-11-27 to date", "2026-11-27", "2026-11-29"),
        ("2026-11-27 up to now", "2026-11-27", "2026-11-29"),
        ("Nov 20 until now", "2026-11-20", "2026-11-29"),
        ("Nov 20 until today", "2026-11-20", "2026-11-29"),
        ("October to date", "2026-10-01", "2026-11-29"),
        ("Q3 to today", "2026-07-01", "2026-11-29"),
        ("last month to today", "2026-10-01", "2026-11-29"),
        ("from 2026-11-20 to today", "2026-11-20", "2026-11-29"),
        ("start of the month until today", "2026-11-01", "2026-11-29"),
        ("the beginning of the year through yesterday", "2026-01-01", "2026-11-28"),
        ("Nov 20 onwards", "2026-11-20", "2026-11-29"),
        ("2026-11-20+", "2026-11-20", "2026-11-29"),
        ("today-7..today", "2026-11-22", "2026-11-29"),
        ("now-2w to now", "2026-11-15", "2026-11-29"),
        # Brackets and separators.
        ('["2026-01-01", "2026-03-31"]', "2026-01-01", "2026-03-31"),
        ("(2026-01-01, 2026-03-31)", "2026-01-01", "2026-03-31"),
        ('{"start": "2026-01-01", "end": "2026-03-31"}', "2026-01-01", "2026-03-31"),
        ("2026-01-01:2026-03-31", "2026-01-01", "2026-03-31"),
        ("2026-01-01 ~ 2026-03-31", "2026-01-01", "2026-03-31"),
        ("2026-01-01→2026-03-31", "2026-01-01", "2026-03-31"),
        ("20260101-20260331", "2026-01-01", "2026-03-31"),
        # Tokens of dashboards and short forms of reports.
        ("LAST_N_DAYS:30", "2026-10-30", "2026-11-28"),
        ("last7d", "2026-11-22", "2026-11-28"),
        ("LY", "2025-01-01", "2025-12-31"),
        ("LM", "2026-10-01", "2026-10-31"),
        ("TY", "2026-01-01", "2026-11-29"),
        ("PQ", "2026-07-01", "2026-09-30"),
        ("all-time", "1900-01-01", "2026-11-29"),
        ("last dozen weeks", "2026-08-31", "2026-11-22"),
        ("last half a dozen months", "2026-05-01", "2026-10-31"),
        # Numbers of units in another order.
        ("47th week of 2026", "2026-11-16", "2026-11-22"),
        ("weeks 40-47", "2026-09-28", "2026-11-22"),
        ("weeks 40 to 47 of 2026", "2026-09-28", "2026-11-22"),
        ("W40-W47", "2026-09-28", "2026-11-22"),
        ("2026-W40 to W47", "2026-09-28", "2026-11-22"),
        ("2026-Q1..Q3", "2026-01-01", "2026-09-30"),
        ("quarter 3 of 2026", "2026-07-01", "2026-09-30"),
        ("q 3 2026", "2026-07-01", "2026-09-30"),
        ("2026 Q 3", "2026-07-01", "2026-09-30"),
        ("2026, Q3", "2026-07-01", "2026-09-30"),
        ("2026 third quarter", "2026-07-01", "2026-09-30"),
        ("weekend of nov 21", "2026-11-21", "2026-11-22"),
        ("a year ago today", "2025-11-29", "2025-11-29"),
        ("month ago", "2026-10-01", "2026-10-31"),
    ],
)
def test_notation_is_read_as_its_days(phrase: str, first: str, last: str) -> None:
    period = parse_period(phrase, TODAY)
    assert (str(period.start), str(period.last_day)) == (first, last)
    again = parse_period(str(period), TODAY)
    assert (again.start, again.end) == (period.start, period.end)


@pytest.mark.parametrize("phrase", ["this month to today", "November until now", "2026 to date"])
def test_unit_under_way_stays_that_unit_up_to_today(phrase: str) -> None:
    assert parse_period(phrase, TODAY).is_to_date


@pytest.mark.parametrize(
    ("phrase", "told"),
    [
        ("recently", "Perhaps 'last 7 days' or 'last 30 days'."),
        ("past few weeks", "Perhaps 'last 3 weeks'."),
        ("as of 2026-10-31", "Perhaps '2026-10-31' or '1900-01-01..2026-10-31'."),
        ("11/26", "Perhaps '2026-11-26' or '2026-11'."),
        ("02/30", "Perhaps '2030-02'."),
        ("start of 2026", "Perhaps '2026-01' or '2026-Q1'."),
        ("end of 2025", "Perhaps '2025-12' or '2025-Q4'."),
        ("end of Q3", "Perhaps '2026-09'."),
        ("beginning of 2025-Q2", "Perhaps '2025-04'."),
        ("last 3 saturdays", "Perhaps 'last 3 weeks'. The weekday is a dimension"),
        ("every saturday", ". The weekday is a dimension of query_metrics: filter by it."),
        ("Nov 27 2026 9am", "The hour is a dimension of query_metrics: filter by it."),
        ("last 24 hours", "Perhaps 'today' or 'yesterday'. The hour is a dimension"),
        ("rest of the year", "Days to come have no sales"),
        ("same time last year", "Comparisons are the argument compare"),
        ("FY2025", "This server has no fiscal year; YYYY is a calendar year."),
    ],
)
def test_text_that_is_no_period_is_refused_with_where_it_is_answered(
    phrase: str, told: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(phrase, TODAY)
    assert told in f". {caught.value.hint}"


@pytest.mark.parametrize(
    ("phrase", "misread"),
    [
        ("rest of the year", "last year"),
        ("every saturday", "yesterday"),
        ("weeks 40 to smarch", "smarch"),
        ("today 9am to noon", "noon.."),
    ],
)
def test_proposal_is_never_another_period_or_no_period(phrase: str, misread: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(phrase, TODAY)
    proposed = caught.value.hint.partition("Use one of")[0]
    assert misread not in proposed


@pytest.mark.parametrize(
    "phrase", ["end of the smarch", "as of smarch", "13/26", "end of 2026-10-31", "weekend of x"]
)
def test_text_without_a_meaning_is_refused_without_a_proposal(phrase: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(phrase, TODAY)
    assert caught.value.hint.startswith("Use one of")


def test_fiscal_year_of_the_server_is_not_denied() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period("FY2025-Q9", TODAY, FiscalCalendar(start_month=2))
    assert "no fiscal year" not in caught.value.hint
