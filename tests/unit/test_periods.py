"""The period grammar: what each form means, what it never means, and how a refusal reads."""

import re
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zava.errors import InvalidInput
from zava.model.metrics import Period, PeriodUnit
from zava.model.time_labels import labels_of
from zava.service.metrics.periods import GRAMMAR, parse_period

TODAY = date(2026, 6, 30)  # a Tuesday
DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))
EXPRESSIONS = [
    *("today", "yesterday", "this week", "this month", "this quarter", "this year", "last week"),
    *("last month", "last 3 years", "last 30 days", "Q3", "November", "since March", "week 12"),
    *("same week last year", "last year to date", "H1", "last weekend", "all time", "friday"),
]
UNITS = st.sampled_from(["day", "week", "month", "quarter"])


@pytest.mark.parametrize(
    ("expression", "start", "last", "is_to_date"),
    [
        ("today", "2026-06-30", "2026-06-30", False),
        ("yesterday", "2026-06-29", "2026-06-29", False),
        ("this week", "2026-06-29", "2026-06-30", True),
        ("last week", "2026-06-22", "2026-06-28", False),
        ("this month", "2026-06-01", "2026-06-30", False),
        ("last month", "2026-05-01", "2026-05-31", False),
        ("this quarter", "2026-04-01", "2026-06-30", False),
        ("last quarter", "2026-01-01", "2026-03-31", False),
        ("this year", "2026-01-01", "2026-06-30", True),
        ("last year", "2025-01-01", "2025-12-31", False),
        ("last 30 days", "2026-05-31", "2026-06-29", False),
        ("last 1 day", "2026-06-29", "2026-06-29", False),
        ("last 2 weeks", "2026-06-15", "2026-06-28", False),
        ("last 12 months", "2025-06-01", "2026-05-31", False),
        ("last 4 quarters", "2025-04-01", "2026-03-31", False),
        ("2024", "2024-01-01", "2024-12-31", False),
        ("2026", "2026-01-01", "2026-06-30", True),
        ("2024-Q4", "2024-10-01", "2024-12-31", False),
        ("2024-02", "2024-02-01", "2024-02-29", False),
        ("2024-02-29..2024-02-29", "2024-02-29", "2024-02-29", False),
        ("  LAST   Month ", "2026-05-01", "2026-05-31", False),
        ("2026-01-01 .. 2026-01-31", "2026-01-01", "2026-01-31", False),
        ("2027", "2027-01-01", "2027-12-31", False),
        ("last_month", "2026-05-01", "2026-05-31", False),
        ("Last-Month", "2026-05-01", "2026-05-31", False),
        ("last-12-months", "2025-06-01", "2026-05-31", False),
        ("year-to-date", "2026-01-01", "2026-06-30", True),
        ("last_30_days", "2026-05-31", "2026-06-29", False),
        ("YTD", "2026-01-01", "2026-06-30", True),
        ("month to date", "2026-06-01", "2026-06-30", False),
        ("Q4 2024", "2024-10-01", "2024-12-31", False),
        ("q1-2025", "2025-01-01", "2025-03-31", False),
        ("2026-01-01 to 2026-01-31", "2026-01-01", "2026-01-31", False),
        ("2026-01-01 TO 2026-01-31", "2026-01-01", "2026-01-31", False),
        # Labels that answers print, and whole answers' periods.
        ("2026-06-15", "2026-06-15", "2026-06-15", False),
        ("2026-W24", "2026-06-08", "2026-06-14", False),
        ("2026-W27", "2026-06-29", "2026-06-30", True),
        ("2025-11..2026-01", "2025-11-01", "2026-01-31", False),
        ("2025-W52..2026-W02", "2025-12-22", "2026-01-11", False),
        ("2026-01-01 to 2026-06-30 (this year, to date)", "2026-01-01", "2026-06-30", False),
        ("Saturday 2025-11-29", "2025-11-29", "2025-11-29", False),
        ("2026-06-29T16:20:00+00:00", "2026-06-29", "2026-06-29", False),
        # To date, and open ranges.
        ("this week so far", "2026-06-29", "2026-06-30", True),
        ("2026 to date", "2026-01-01", "2026-06-30", True),
        ("MTD", "2026-06-01", "2026-06-30", False),
        ("QTD", "2026-04-01", "2026-06-30", False),
        ("wtd", "2026-06-29", "2026-06-30", True),
        ("last year to date", "2025-01-01", "2025-06-30", False),
        ("mtd last year", "2025-06-01", "2025-06-30", False),
        ("since March", "2026-03-01", "2026-06-30", False),
        ("since 2026-06-01", "2026-06-01", "2026-06-30", False),
        ("since the beginning of the year", "2026-01-01", "2026-06-30", False),
        ("from 2026-01-01 to 2026-01-31", "2026-01-01", "2026-01-31", False),
        ("between jan and mar 2025", "2025-01-01", "2025-03-31", False),
        ("until 2026-03", "1900-01-01", "2026-03-31", False),
        ("all time", "1900-01-01", "2026-06-30", False),
        ("2025-11-01/2025-11-30", "2025-11-01", "2025-11-30", False),
        ("2025-11-01 \u2013 2025-11-30", "2025-11-01", "2025-11-30", False),
        ("jan-mar 2025", "2025-01-01", "2025-03-31", False),
        ("Q1 to Q3 2025", "2025-01-01", "2025-09-30", False),
        ("2024-2025", "2024-01-01", "2025-12-31", False),
        # Units by number, by name and in words.
        ("last 3 years", "2023-01-01", "2025-12-31", False),
        ("last two quarters", "2025-10-01", "2026-03-31", False),
        ("past 7 days", "2026-06-23", "2026-06-29", False),
        ("trailing 12 months", "2025-06-01", "2026-05-31", False),
        ("last 90d", "2026-04-01", "2026-06-29", False),
        ("L4W", "2026-06-01", "2026-06-28", False),
        ("previous month", "2026-05-01", "2026-05-31", False),
        ("last full month", "2026-05-01", "2026-05-31", False),
        ("current quarter", "2026-04-01", "2026-06-30", False),
        ("day before yesterday", "2026-06-28", "2026-06-28", False),
        ("month before last", "2026-04-01", "2026-04-30", False),
        ("2 weeks ago", "2026-06-15", "2026-06-21", False),
        ("a year ago", "2025-01-01", "2025-12-31", False),
        ("5 quarters ago", "2025-01-01", "2025-03-31", False),
        ("3 days ago", "2026-06-27", "2026-06-27", False),
        ("Q2", "2026-04-01", "2026-06-30", False),
        ("Q3", "2025-07-01", "2025-09-30", False),
        ("Q3 2025", "2025-07-01", "2025-09-30", False),
        ("2025 Q3", "2025-07-01", "2025-09-30", False),
        ("third quarter of last year", "2025-07-01", "2025-09-30", False),
        ("H1 2025", "2025-01-01", "2025-06-30", False),
        ("2025-H2", "2025-07-01", "2025-12-31", False),
        ("second half", "2025-07-01", "2025-12-31", False),
        ("H1 2025 to H2 2025", "2025-01-01", "2025-12-31", False),
        ("May", "2026-05-01", "2026-05-31", False),
        ("November", "2025-11-01", "2025-11-30", False),
        ("last June", "2025-06-01", "2025-06-30", False),
        ("last May", "2026-05-01", "2026-05-31", False),
        ("this November", "2026-11-01", "2026-11-30", False),
        ("sept '25", "2025-09-01", "2025-09-30", False),
        ("2025 November", "2025-11-01", "2025-11-30", False),
        ("month of november", "2025-11-01", "2025-11-30", False),
        ("11/2025", "2025-11-01", "2025-11-30", False),
        ("2024-1", "2024-01-01", "2024-01-31", False),
        ("Nov 27", "2025-11-27", "2025-11-27", False),
        ("27th of November, 2025", "2025-11-27", "2025-11-27", False),
        ("November 27, 2025", "2025-11-27", "2025-11-27", False),
        ("11/27/2025", "2025-11-27", "2025-11-27", False),
        ("27/11/2025", "2025-11-27", "2025-11-27", False),
        ("05/05/2026", "2026-05-05", "2026-05-05", False),
        ("27.11.2025", "2025-11-27", "2025-11-27", False),
        ("20251127", "2025-11-27", "2025-11-27", False),
        ("week 24", "2026-06-08", "2026-06-14", False),
        ("CW 47 2025", "2025-11-17", "2025-11-23", False),
        ("2025W47", "2025-11-17", "2025-11-23", False),
        ("week 47", "2025-11-17", "2025-11-23", False),
        ("week of 2026-06-10", "2026-06-08", "2026-06-14", False),
        ("quarter of nov 10", "2025-10-01", "2025-12-31", False),
        ("week ending June 14", "2026-06-08", "2026-06-14", False),
        ("year 2025", "2025-01-01", "2025-12-31", False),
        ("Friday", "2026-06-26", "2026-06-26", False),
        ("tuesday", "2026-06-30", "2026-06-30", False),
        ("last tuesday", "2026-06-23", "2026-06-23", False),
        ("last weekend", "2026-06-27", "2026-06-28", False),
        # A year ago: weeks and days by their weekdays.
        ("same week last year", "2025-06-30", "2025-07-06", False),
        ("last week a year ago", "2025-06-23", "2025-06-29", False),
        ("same day last year", "2025-07-01", "2025-07-01", False),
        ("same date last year", "2025-06-30", "2025-06-30", False),
        ("same month last year", "2025-06-01", "2025-06-30", False),
        ("last quarter of last year", "2025-10-01", "2025-12-31", False),
        ("this quarter last year", "2025-04-01", "2025-06-30", False),
    ],
)
def test_each_form_names_its_days(expression: str, start: str, last: str, is_to_date: bool) -> None:
    period = parse_period(expression, TODAY)
    assert (str(period.start), str(period.last_day)) == (start, last)
    assert period.is_to_date == is_to_date


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "last 0 days",
        "last 99999 days",
        "last 4001 days",
        "next month",
        "2024-13",
        "2024-00",
        "2024-Q5",
        "0000",
        "1899",
        "9999",
        "2200",
        "2024-02-30..2024-03-01",
        "2024-03-02..2024-03-01",
        "last month; drop table",
        "last month\n2024",
        "\u0661\u0669\u0669\u0669-\u0660\u0661",  # digits of another script
    ],
)
@pytest.mark.requirement("S12")
def test_anything_else_is_refused_with_the_grammar(expression: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(expression, TODAY)
    assert caught.value.message.startswith("time_period: ")
    assert GRAMMAR in caught.value.hint


@pytest.mark.parametrize(
    ("expression", "proposed"),
    [
        ("05/11/2026", "'2026-05-11' or '2026-11-05'"),
        ("2024-02-30", "'2024-02-29'"),
        ("2024-13", "'2024-12'"),
        ("2024-Q5", "'2024-Q4'"),
        ("last mnth", "'last month'"),
        ("yestreday", "'yesterday'"),
        ("next month", "'this month'"),
        ("next day", "'today'"),
        ("2024-03-02..2024-03-01", "'2024-03-01..2024-03-02'"),
        ("last 99999 days", "'last 4000 days'"),
        ("last 0 weeks", "'last 1 weeks'"),
    ],
)
def test_refusal_proposes_the_nearest_reading(expression: str, proposed: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(expression, TODAY)
    assert caught.value.hint.startswith(f"Perhaps {proposed}")
    for period in re.findall("'([^']+)'", caught.value.hint.partition(". ")[0]):
        assert parse_period(period, TODAY)


@pytest.mark.parametrize("expression", ["previous period", "same period last year"])
def test_comparison_is_no_period(expression: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(expression, TODAY)
    assert caught.value.hint.startswith("Comparisons are the argument compare of query_metrics.")


@pytest.mark.parametrize(
    "expression",
    [
        "decade",
        "after 2026-01-01",
        "before March",
        "few days",
        "last month" + " " * 200,
        "(" * 100_000,
        ".." * 100_000,
        "13/13/2025",
        "31 feb 2025",
        "week 60",
        "00/2025",
        "0000-01-01",
        "last month so far",
    ],
)
def test_form_that_looks_like_another_is_refused(expression: str) -> None:
    with pytest.raises(InvalidInput):
        parse_period(expression, TODAY)


@pytest.mark.slow
@given(DAYS, st.integers(0, 1500), st.sampled_from(list(PeriodUnit)))
def test_each_label_that_an_answer_prints_is_the_period_of_that_label(
    start: date, length: int, unit: PeriodUnit
) -> None:
    period = Period("", start, start + timedelta(days=length + 1), PeriodUnit.DAY, length + 1)
    printed = labels_of(period, unit)
    told = [parse_period(label, date(2199, 12, 31)) for label in printed]
    assert [(one.expression, one.unit, one.count) for one in told] == [
        (label, unit, 1) for label in printed
    ]
    assert told[0].start <= period.start < told[0].end
    assert told[-1].start <= period.last_day < told[-1].end
    assert all(one.end == other.start for one, other in pairwise(told))
    whole = parse_period(f"{printed[0]}..{printed[-1]}", date(2199, 12, 31))
    assert (whole.start, whole.end, whole.count) == (told[0].start, told[-1].end, len(told))


@given(DAYS, st.sampled_from(EXPRESSIONS))
def test_each_period_that_an_answer_prints_has_the_same_days_again(
    today: date, expression: str
) -> None:
    period = parse_period(expression, today)
    for printed in (str(period), period.expression, f"{period.start}..{period.last_day}"):
        again = parse_period(printed, today)
        assert (again.start, again.end) == (period.start, period.end), printed


@given(st.text(max_size=40), DAYS)
def test_no_text_does_anything_but_parse_or_be_refused(text: str, today: date) -> None:
    try:
        period = parse_period(text, today)
    except InvalidInput:
        return
    assert period.start < period.end


@pytest.mark.slow
@given(DAYS, UNITS, st.integers(1, 200))
def test_last_units_end_where_the_current_one_begins(today: date, unit: str, count: int) -> None:
    whole = parse_period(f"last {count} {unit}s", today)
    assert whole.end <= today
    # So many units, laid end to end, are the same days.
    reached = whole.start
    for _ in range(count):
        one = parse_period(f"last 1 {unit}", _within_the_next(reached, unit))
        assert one.start == reached
        reached = one.end
    assert reached == whole.end


def _within_the_next(start: date, unit: str) -> date:
    return start + timedelta(days={"day": 1, "week": 7, "month": 31, "quarter": 92}[unit])


@given(DAYS, st.sampled_from(["week", "month", "quarter", "year"]))
def test_this_and_last_meet_and_this_holds_today(today: date, unit: str) -> None:
    this, last = parse_period(f"this {unit}", today), parse_period(f"last {unit}", today)
    assert last.end == this.start
    assert this.start <= today == this.last_day or not this.is_to_date
    assert this.start <= today < this.end
    assert this.start.weekday() == 0 or unit != "week"


@given(DAYS, UNITS, st.integers(1, 60))
def test_previous_period_is_as_long_and_adjoins(today: date, unit: str, count: int) -> None:
    period = parse_period(f"last {count} {unit}s", today)
    previous = period.previous()
    if unit == "day" and count < 7:  # the same weekdays of the week before
        assert period.start - previous.start == period.end - previous.end == timedelta(weeks=1)
        return
    assert previous.end == period.start
    assert (previous.unit, previous.count) == (period.unit, period.count)
    assert abs(previous.days - period.days) <= 4 * count  # months differ by three days, no more
    if unit in {"day", "week"}:
        assert previous.days == period.days


@given(DAYS, st.sampled_from(["this week", "this month", "this quarter", "this year"]))
def test_period_to_date_is_compared_with_as_many_days(today: date, expression: str) -> None:
    period = parse_period(expression, today)
    previous = period.previous()
    assert previous.end <= period.start
    if period.is_to_date:
        assert previous.days == min(period.days, (period.start - previous.start).days)


@given(DAYS, st.integers(0, 800))
def test_previous_year_keeps_the_calendar(start: date, length: int) -> None:
    period = Period("", start, start + timedelta(days=length + 1), PeriodUnit.DAY, length + 1)
    before = period.previous_year_date()
    assert before.start.year == start.year - 1
    assert (before.start.month, before.start.day) == (
        (2, 28) if (start.month, start.day) == (2, 29) else (start.month, start.day)
    )
    assert before.days > 0
    assert abs(before.days - period.days) <= 1


@given(DAYS, st.sampled_from(["yesterday", "last week", "last 30 days", "this week"]))
def test_days_and_weeks_meet_the_same_weekdays_a_year_earlier(today: date, expression: str) -> None:
    period = parse_period(expression, today)
    before = period.previous_year()
    if not period.keeps_weekdays:  # from the first to the last of a month
        assert period.start.day == period.end.day == 1
        return
    assert before.days == period.days
    back = (period.start - before.start).days
    if back % 7:  # one day, and an event with a date of its own
        assert period.days == 1
        assert (before.start.month, before.start.day) == (period.start.month, period.start.day)
    else:
        assert before.start.weekday() == period.start.weekday()
        assert 343 <= back <= 392


@given(DAYS, st.sampled_from(["last month", "this quarter", "last year", "2024-02"]))
def test_months_and_longer_meet_the_same_months_a_year_earlier(
    today: date, expression: str
) -> None:
    period = parse_period(expression, today)
    assert period.previous_year() == period.previous_year_date()


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2026-11-28", "2025-11-29"),  # Saturdays
        ("2026-11-27", "2025-11-28"),  # Black Fridays
        ("2024-11-29", "2023-11-24"),  # Black Fridays 371 days apart
        ("2024-12-02", "2023-11-27"),  # Cyber Mondays
        ("2026-04-05", "2025-04-20"),  # Easter
        ("2026-12-25", "2025-12-25"),  # Christmas Day on different weekdays
        ("2024-02-29", "2023-03-02"),  # a leap day, a Thursday
    ],
)
def test_day_meets_its_weekday_or_its_event(day: str, before: str) -> None:
    period = parse_period(f"{day}..{day}", date(2027, 1, 10))
    assert str(period.previous_year().start) == before


def test_week_of_black_friday_meets_that_of_the_year_before() -> None:
    period = parse_period("2024-11-25..2024-12-01", TODAY)
    assert str(period.previous_year().start) == "2023-11-20"


def test_answer_states_its_days_and_where_it_matters_their_weekdays() -> None:
    assert str(parse_period("this year", TODAY)) == "2026-01-01 to 2026-06-30 (this year, to date)"
    assert str(parse_period("yesterday", TODAY)) == "2026-06-29 to 2026-06-29 (yesterday), Mon"
    week = parse_period("last week", TODAY)
    assert str(week) == "2026-06-22 to 2026-06-28 (last week), Mon to Sun"
    assert week.weekdays == "Mon to Sun"
