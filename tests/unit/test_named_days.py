"""Holidays and retail events as periods, and what they are compared with."""

from datetime import date

import pytest

from zava.errors import InvalidInput
from zava.service.metrics.periods import parse_period

SUNDAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("text", "first", "last", "before"),
    [
        ("black friday", "2026-11-27", "2026-11-27", "2025-11-28"),
        ("Black Friday 2025", "2025-11-28", "2025-11-28", "2024-11-29"),
        ("black_friday_2025", "2025-11-28", "2025-11-28", "2024-11-29"),
        ("2025 black friday", "2025-11-28", "2025-11-28", "2024-11-29"),
        ("black friday, 2025", "2025-11-28", "2025-11-28", "2024-11-29"),
        ("black friday of 2025", "2025-11-28", "2025-11-28", "2024-11-29"),
        ("on Black Friday", "2026-11-27", "2026-11-27", "2025-11-28"),
        ("last year's Black Friday", "2025-11-28", "2025-11-28", "2024-11-29"),
        ("this year's black friday", "2026-11-27", "2026-11-27", "2025-11-28"),
        ("black friday last year", "2025-11-28", "2025-11-28", "2024-11-29"),
        ("the day after thanksgiving", "2026-11-27", "2026-11-27", "2025-11-28"),
        ("thanksgiving week", "2026-11-23", "2026-11-29", "2025-11-24"),
        ("Thanksgiving week 2025", "2025-11-24", "2025-11-30", "2024-11-25"),
        ("week of thanksgiving", "2026-11-23", "2026-11-29", "2025-11-24"),
        ("thanksgiving weekend", "2026-11-26", "2026-11-29", "2025-11-27"),
        ("black friday weekend 2025", "2025-11-28", "2025-11-30", "2024-11-29"),
        ("black friday to cyber monday 2025", "2025-11-28", "2025-12-01", "2024-11-29"),
        ("black friday to cyber monday", "2026-11-27", "2026-11-29", "2025-11-28"),
        ("thanksgiving 2025 to christmas", "2025-11-27", "2025-12-25", "2024-11-28"),
        ("since black friday", "2026-11-27", "2026-11-29", "2025-11-28"),
        ("cyber monday", "2025-12-01", "2025-12-01", "2024-12-02"),
        ("christmas", "2025-12-25", "2025-12-25", "2024-12-25"),
        ("Xmas 2024", "2024-12-25", "2024-12-25", "2023-12-25"),
        ("this christmas", "2026-12-25", "2026-12-25", "2025-12-25"),
        ("christmas eve", "2025-12-24", "2025-12-24", "2024-12-24"),
        ("christmas week", "2025-12-22", "2025-12-28", "2024-12-23"),
        ("the week before christmas", "2025-12-15", "2025-12-21", "2024-12-16"),
        ("week after christmas 2024", "2024-12-30", "2025-01-05", "2024-01-01"),
        ("new year's eve", "2025-12-31", "2025-12-31", "2024-12-31"),
        ("new years day", "2026-01-01", "2026-01-01", "2025-01-01"),
        ("easter 2025", "2025-04-20", "2025-04-20", "2024-03-31"),
        ("mother\u2019s day", "2026-05-10", "2026-05-10", "2025-05-11"),
        ("labor day weekend", "2026-09-05", "2026-09-07", "2025-08-30"),
        ("memorial day", "2026-05-25", "2026-05-25", "2025-05-26"),
        ("4th of july", "2026-07-04", "2026-07-04", "2025-07-04"),
        ("fourth of july 2025", "2025-07-04", "2025-07-04", "2024-07-04"),
        ("last halloween", "2026-10-31", "2026-10-31", "2025-10-31"),
        ("mlk day", "2026-01-19", "2026-01-19", "2025-01-20"),
        # Father's Day is in it, and decides.
        ("juneteenth weekend", "2026-06-19", "2026-06-21", "2025-06-13"),
        ("halloween weekend 2024", "2024-10-31", "2024-11-03", "2023-11-02"),
        ("veterans day weekend", "2026-11-14", "2026-11-15", "2025-11-15"),
    ],
)
def test_event_is_a_period_and_is_compared_with_the_same_event(
    text: str, first: str, last: str, before: str
) -> None:
    period = parse_period(text, SUNDAY)
    assert (str(period.start), str(period.last_day)) == (first, last)
    assert str(period.previous_year().start) == before
    again = parse_period(period.expression, SUNDAY)
    assert (again.start, again.end) == (period.start, period.end)


def test_event_that_is_today_is_today_and_the_last_one_a_year_ago() -> None:
    friday = date(2026, 11, 27)
    assert parse_period("black friday", friday).start == friday
    assert parse_period("last black friday", friday).start == date(2025, 11, 28)
    assert parse_period("black friday weekend", friday).last_day == friday
    assert parse_period("thanksgiving week", date(2026, 11, 24)).start == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        ("blak friday", "'black friday'"),
        ("christmas dayy", "'christmas day'"),
        ("black friday 9999", "black friday"),
        ("week before", "week"),
    ],
)
def test_text_that_is_no_event_is_refused_with_the_nearest(text: str, proposed: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(text, SUNDAY)
    assert proposed in caught.value.hint


@pytest.mark.parametrize(
    "text", ["9999-12-01 to christmas", "christmas to 0001-01-02", "week before nothing"]
)
def test_event_beside_a_year_that_no_calendar_has_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_period(text, SUNDAY)
