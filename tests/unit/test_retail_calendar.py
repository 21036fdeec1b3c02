"""Holidays and retail events, compared with published dates, and what a year earlier is."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zava.model.retail_calendar import days_to_year_before, easter, events, weekday_of_month

PUBLISHED = {
    "New Year's Day": "2026-01-01",
    "Martin Luther King Day": "2026-01-19",
    "Valentine's Day": "2026-02-14",
    "Presidents' Day": "2026-02-16",
    "Easter": "2026-04-05",
    "Mother's Day": "2026-05-10",
    "Memorial Day": "2026-05-25",
    "Juneteenth": "2026-06-19",
    "Father's Day": "2026-06-21",
    "Independence Day": "2026-07-04",
    "Labor Day": "2026-09-07",
    "Columbus Day": "2026-10-12",
    "Halloween": "2026-10-31",
    "Veterans Day": "2026-11-11",
    "Thanksgiving": "2026-11-26",
    "Black Friday": "2026-11-27",
    "Cyber Monday": "2026-11-30",
    "Christmas Eve": "2026-12-24",
    "Christmas Day": "2026-12-25",
    "New Year's Eve": "2026-12-31",
}


def test_events_of_a_year_are_those_published() -> None:
    found = events(date(2026, 1, 1), date(2026, 12, 31))
    assert {name: str(day) for name, day in found.items()} == PUBLISHED


@pytest.mark.parametrize(
    "sunday", ["1961-04-02", "2000-04-23", "2024-03-31", "2025-04-20", "2038-04-25", "2049-04-18"]
)
def test_easter_is_as_published(sunday: str) -> None:
    assert str(easter(int(sunday[:4]))) == sunday


@given(st.dates(date(1950, 1, 1), date(2190, 1, 1)))
def test_last_weekday_of_a_month_is_the_last_one(day: date) -> None:
    last = weekday_of_month(day.year, day.month, day.weekday(), -1)
    assert (last.month, last.weekday()) == (day.month, day.weekday())
    assert (last + timedelta(weeks=1)).month != day.month


@given(st.dates(date(1950, 1, 1), date(2190, 1, 1)), st.integers(1, 60))
def test_weekdays_are_kept_but_for_one_day_with_an_event(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    assert days_to_year_before(first, last) % 7 == 0
    if length > 14:
        assert days_to_year_before(first, last) == 364
    if not events(first, first):
        assert days_to_year_before(first, first) == 364
