"""Forecasts: what is repeated, how wide an interval is, what a back-test chooses, and its error."""

from collections import Counter
from datetime import date
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zava.model.metrics import ForecastPoint
from zava.retail.demo.generated_rows import orders_by_day, seed_catalogue
from zava.service.metrics.forecast import SeasonalForecast, forecast, points, under_way

SERIES = st.lists(st.floats(0, 1e6), min_size=8, max_size=60)


def labels(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def shown(values: list[float], season: int, ahead: int) -> tuple[ForecastPoint, ...]:
    told = forecast(values, season, ahead)
    return points(told, season, labels(ahead), is_never_negative=min(values) >= 0)


def test_series_that_repeats_itself_is_forecast_exactly() -> None:
    told = shown([1.0, 2.0, 3.0, 4.0] * 3, 4, 6)
    assert [point.value for point in told] == [1, 2, 3, 4, 1, 2]
    assert all(point.low == point.value == point.high for point in told)
    chosen = forecast([1.0, 2.0, 3.0, 4.0] * 3, 4, 6)
    assert (chosen.error_percent, chosen.tested) == (0.0, 4)


def test_interval_is_that_of_past_misses_and_widens_with_each_season() -> None:
    # Each season lies 10 above the one before; two seasons test repetition alone.
    values = [100.0, 200.0, 110.0, 210.0]
    told = shown(values, 2, 4)
    assert [point.value for point in told] == [110, 210, 110, 210]
    assert told[0].high - told[0].value == pytest.approx(12.816, abs=0.01)
    assert told[2].high - told[2].value == pytest.approx(12.816 * sqrt(2), abs=0.01)
    chosen = forecast(values, 2, 4)
    assert (chosen.error_percent, chosen.tested) == (round(100 * (10 / 110 + 10 / 210) / 2, 1), 2)


def test_series_that_grows_is_forecast_with_its_growth_and_both_errors_are_told() -> None:
    season = [100.0, 80.0, 120.0, 140.0]
    values = [value * 1.1**year for year in range(4) for value in season]
    told = forecast(values, 4, 5)
    expected = [value * 1.1**4 for value in season] + [season[0] * 1.1**5]
    assert told.values == pytest.approx(expected, rel=1e-6)
    assert told.error_percent == 0.0
    assert told.repeated_percent == pytest.approx(100 * (1 - 1 / 1.1), abs=0.1)
    assert "growth" in told.words


def test_series_without_growth_is_not_moved() -> None:
    assert "no trend" in forecast([100.0, 200.0] * 5, 2, 1).words
    # Two seasons are too few to test a growth.
    assert "no trend" in forecast([100.0, 200.0, 300.0, 400.0], 2, 1).words


def test_noise_around_a_level_is_forecast_by_its_mean() -> None:
    values = [8.0, 12.0, 10.0, 9.0, 11.0, 8.0, 12.0, 9.0, 11.0, 10.0, 12.0, 8.0, 10.0, 11.0] * 4
    told = forecast(values, 7, 1)
    assert told.words == "mean of the last four seasons"
    assert told.error_percent is not None
    assert told.repeated_percent is not None
    assert told.error_percent < told.repeated_percent


def test_what_was_never_negative_is_not_forecast_below_zero() -> None:
    assert all(point.low >= 0 for point in shown([0.0, 100.0, 50.0, 0.0], 2, 2))
    assert shown([-5.0, 100.0, 50.0, 0.0], 2, 1)[0].low < 0


def test_two_seasons_are_needed() -> None:
    with pytest.raises(ValueError, match="8 periods are needed, 7 are known"):
        forecast([1.0] * 7, 4, 1)


def test_periods_of_nothing_have_no_error_in_percent() -> None:
    told = forecast([1.0, 1.0, 0.0, 2.0], 2, 1)
    assert (told.error_percent, told.tested) == (50.0, 1)
    told = forecast([1.0, 1.0, 0.0, 0.0], 2, 1)
    assert (told.error_percent, told.tested) == (None, 0)


@given(SERIES, st.integers(1, 4), st.integers(1, 13))
def test_forecast_lies_within_its_interval_and_is_as_long_as_asked(
    values: list[float], season: int, ahead: int
) -> None:
    told = shown(values, season, ahead)
    assert [point.label for point in told] == labels(ahead)
    assert all(point.low <= point.value <= point.high for point in told)
    widths = [point.high - point.value for point in told]
    assert all(
        later >= earlier - 0.02 for earlier, later in zip(widths, widths[season:], strict=False)
    )


def test_unit_under_way_is_what_is_sold_and_the_rest_of_the_season_ago() -> None:
    told = SeasonalForecast((1000.0,), 100.0, "", None, None, 0)
    (point,) = points(told, 12, ["2026-11"], is_never_negative=True)
    # A quarter of the same unit a season ago came after this day.
    conditioned = under_way(point, 900.0, whole_before=800.0, rest_before=200.0)
    assert conditioned.value == 900 + 1000 * 0.25
    assert conditioned.high - conditioned.value == pytest.approx(50)
    assert conditioned.low == pytest.approx(1100)
    over = under_way(point, 900.0, whole_before=800.0, rest_before=0.0)
    assert (over.value, over.low, over.high) == (900, 900, 900)


@given(*[st.floats(0, 1e6)] * 4)
def test_no_forecast_lies_below_what_is_sold(
    value: float, so_far: float, whole: float, rest: float
) -> None:
    point = under_way(
        ForecastPoint("now", value, value / 2, value * 2),
        so_far,
        whole_before=whole,
        rest_before=rest,
    )
    assert point.value >= so_far - 0.01
    assert point.low >= so_far - 0.01
    assert point.low <= point.value <= point.high


def test_back_test_chooses_what_is_closer_on_months_that_it_has_not_seen() -> None:
    """The demo chain grows by a tenth a year, and each month has its own season."""
    today = date(2026, 11, 29)
    months: Counter[str] = Counter()
    for day, orders in orders_by_day(seed_catalogue(), today, 200_000).items():
        months[f"{day:%Y-%m}"] += orders
    values = [float(months[name]) for name in sorted(months) if name < f"{today:%Y-%m}"]
    chosen, repeated = [], []
    for at in range(len(values) - 12, len(values)):
        known = values[at - 36 : at]
        (expected,) = forecast(known, 12, 1).values
        chosen.append(abs(expected / values[at] - 1))
        repeated.append(abs(known[-12] / values[at] - 1))
    assert sum(chosen) / 12 < 0.02
    assert sum(repeated) / 12 > 0.08
