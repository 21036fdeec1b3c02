"""A seasonal-naive forecast: each period is expected to be what it was a season ago.

The simplest method with a season, without a trend; a better method has to beat it. Its intervals
come from its past errors (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 5.5).
The same errors are shown as its back-test error.
"""

from collections.abc import Sequence
from math import sqrt

from zava.model.metrics import ForecastPoint

SEASONS_NEEDED = 2
_Z_80_PERCENT = 1.2816


def seasonal_naive(
    values: Sequence[float], season: int, labels: Sequence[str]
) -> tuple[ForecastPoint, ...]:
    """Forecast the periods named by `labels`, which follow `values`, oldest first.

    An interval holds four of five outcomes if the errors are normally distributed. It widens with
    each further season, and does not go below zero where no value did.

    Raises:
        ValueError: fewer than two seasons are known.
    """
    if len(values) < SEASONS_NEEDED * season:
        raise ValueError(f"{SEASONS_NEEDED * season} periods are needed, {len(values)} are known")
    misses = _misses(values, season)
    spread = _Z_80_PERCENT * sqrt(sum(miss * miss for miss in misses) / len(misses))
    floor = 0.0 if min(values) >= 0 else float("-inf")
    points = []
    for step, label in enumerate(labels):
        value = values[len(values) - season + step % season]
        reach = spread * sqrt(step // season + 1)
        low, high = max(value - reach, floor), value + reach
        points.append(ForecastPoint(label, round(value, 2), round(low, 2), round(high, 2)))
    return tuple(points)


def back_test(values: Sequence[float], season: int) -> tuple[float | None, int]:
    """Return the mean absolute error in percent over the last season, and how many it counts.

    Each period of that season is forecast from the one a season earlier, as it would have been
    then. Periods without any value are left out: there is no percent of nothing.
    """
    actual = values[-season:]
    missed = _misses(values, season)[-season:]
    errors = [abs(miss) / value for miss, value in zip(missed, actual, strict=True) if value > 0]
    return (round(100 * sum(errors) / len(errors), 1) if errors else None), len(errors)


def _misses(values: Sequence[float], season: int) -> list[float]:
    return [now - before for before, now in zip(values, values[season:], strict=False)]
