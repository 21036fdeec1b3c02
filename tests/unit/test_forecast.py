"""The seasonal-naive forecast: what it repeats, how wide it is, and what its error is."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zava.service.metrics.forecast import back_test, seasonal_naive

SERIES = st.lists(st.floats(0, 1e6), min_size=8, max_size=60)


def labels(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_series_that_repeats_itself_is_forecast_exactly() -> None:
    points = seasonal_naive([1.0, 2.0, 3.0, 4.0] * 3, 4, labels(6))
    assert [point.value for point in points] == [1, 2, 3, 4, 1, 2]
    assert all(point.low == point.value == point.high for point in points)
    assert back_test([1.0, 2.0, 3.0, 4.0] * 3, 4) == (0.0, 4)


def test_interval_is_that_of_past_misses_and_widens_with_each_season() -> None:
    # Each season lies 10 above the one before: every miss is 10.
    values = [100.0, 200.0, 110.0, 210.0, 120.0, 220.0]
    points = seasonal_naive(values, 2, labels(4))
    assert [point.value for point in points] == [120, 220, 120, 220]
    assert points[0].high - points[0].value == pytest.approx(12.816, abs=0.01)
    assert points[2].high - points[2].value == pytest.approx(12.816 * sqrt(2), abs=0.01)
    assert back_test(values, 2) == (round(100 * (10 / 120 + 10 / 220) / 2, 1), 2)


def test_what_was_never_negative_is_not_forecast_below_zero() -> None:
    points = seasonal_naive([0.0, 100.0, 50.0, 0.0], 2, labels(2))
    assert all(point.low >= 0 for point in points)
    assert seasonal_naive([-5.0, 100.0, 50.0, 0.0], 2, labels(1))[0].low < 0


def test_two_seasons_are_needed() -> None:
    with pytest.raises(ValueError, match="8 periods are needed, 7 are known"):
        seasonal_naive([1.0] * 7, 4, labels(1))


def test_periods_of_nothing_have_no_error_in_percent() -> None:
    assert back_test([1.0, 1.0, 0.0, 2.0], 2) == (50.0, 1)
    assert back_test([1.0, 1.0, 0.0, 0.0], 2) == (None, 0)


@given(SERIES, st.integers(1, 4), st.integers(1, 13))
def test_forecast_lies_within_its_interval_and_repeats_the_last_season(
    values: list[float], season: int, ahead: int
) -> None:
    points = seasonal_naive(values, season, labels(ahead))
    last = values[-season:]
    for step, point in enumerate(points):
        assert point.value == round(last[step % season], 2)
        assert point.low <= point.value <= point.high
    widths = [point.high - point.value for point in points]
    assert all(
        later >= earlier - 0.02 for earlier, later in zip(widths, widths[season:], strict=False)
    )
