"""Forecasts of a series with a season, by the method that would have been closest lately.

Each method repeats earlier seasons; some move them by how much the series has grown. A back-test
decides between them: each period of the last season is forecast from those before it, as it would
have been then. Intervals come from the same errors (Hyndman and Athanasopoulos, Forecasting:
Principles and Practice, 5.5 and 5.10).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, sqrt

from zava.model.metrics import ForecastPoint

SEASONS_NEEDED = 2
_Z_80_PERCENT = 1.2816
_LEAST_GROWTH, _MAX_GROWTH = 0.5, 2.0
_SEASONS_OF_MEAN = 4

Values = Sequence[float]
_Next = Callable[[Values, int], float]


def _repeated(values: Values, season: int) -> float:
    return values[-season]


def _grown(values: Values, season: int, over: int) -> float:
    """Move the value of a season ago by the growth of the last `over` periods against theirs."""
    before = sum(values[-over - season : -season])
    growth = sum(values[-over:]) / before if before > 0 else 1.0
    return values[-season] * min(max(growth, _LEAST_GROWTH), _MAX_GROWTH)


def _by_year(values: Values, season: int) -> float:
    return _grown(values, season, season)


def _by_quarter(values: Values, season: int) -> float:
    return _grown(values, season, max(1, season // 4))


def _mean(values: Values, season: int) -> float:
    return sum(values[-season * back] for back in range(1, _SEASONS_OF_MEAN + 1)) / _SEASONS_OF_MEAN


@dataclass(frozen=True, slots=True)
class _Method:
    words: str
    next: _Next
    seasons: int
    """How many seasons it has to know."""


_METHODS = (
    _Method("as a season before, no trend", _repeated, 1),
    _Method("as a season before, moved by the growth of the last season", _by_year, 2),
    _Method("as a season before, moved by the growth of the last quarter season", _by_quarter, 2),
    _Method("mean of the last four seasons", _mean, _SEASONS_OF_MEAN),
)


@dataclass(frozen=True, slots=True)
class SeasonalForecast:
    """The coming values by the chosen method, with its error and that of mere repetition."""

    values: tuple[float, ...]
    spread: float
    words: str
    error_percent: float | None
    repeated_percent: float | None
    tested: int


def forecast(values: Values, season: int, ahead: int) -> SeasonalForecast:
    """Forecast the periods that follow `values`, oldest first.

    Raises:
        ValueError: fewer than two seasons are known.
    """
    if len(values) < SEASONS_NEEDED * season:
        raise ValueError(f"{SEASONS_NEEDED * season} periods are needed, {len(values)} are known")
    tested = range(len(values) - season, len(values))
    misses = {
        method.words: [values[at] - method.next(values[:at], season) for at in tested]
        for method in _METHODS
        if len(values) >= (method.seasons + 1) * season
    }
    chosen = min(
        (method for method in _METHODS if method.words in misses),
        key=lambda method: sum(map(abs, misses[method.words])),
    )
    known = list(values)
    for _ in range(ahead):
        known.append(chosen.next(known, season))
    own = misses[chosen.words]
    error, counted = _percent(own, values[-season:])
    return SeasonalForecast(
        values=tuple(known[len(values) :]),
        spread=_Z_80_PERCENT * sqrt(sum(miss * miss for miss in own) / len(own)),
        words=chosen.words,
        error_percent=error,
        repeated_percent=_percent(misses[_METHODS[0].words], values[-season:])[0],
        tested=counted,
    )


def points(
    fitted: SeasonalForecast, season: int, labels: Sequence[str], *, is_never_negative: bool
) -> tuple[ForecastPoint, ...]:
    """Return the forecast's points with their intervals.

    An interval holds four of five outcomes if the errors are normally distributed. It widens with
    each further season, and does not go below zero where no value did.
    """
    floor = 0.0 if is_never_negative else -inf
    found = []
    for step, (label, value) in enumerate(zip(labels, fitted.values, strict=True)):
        reach = fitted.spread * sqrt(step // season + 1)
        low, high = max(value - reach, floor), value + reach
        found.append(ForecastPoint(label, round(value, 2), round(low, 2), round(high, 2)))
    return tuple(found)


def under_way(
    point: ForecastPoint, so_far: float, whole_before: float, rest_before: float
) -> ForecastPoint:
    """Return the point of a period under way: what is counted, and the rest as it is expected.

    `whole_before` and `rest_before` are the value a season ago, and that of its days that have not
    come yet in this one. Each of low, value and high holds at least what is counted.
    """
    if whole_before <= 0:
        return ForecastPoint(point.label, *(max(each, so_far) for each in _of(point)))
    share = min(max(rest_before / whole_before, 0.0), 1.0)
    value = so_far + point.value * share
    reach = sqrt(share)
    low = max(so_far, value - (point.value - point.low) * reach)
    high = value + (point.high - point.value) * reach
    return ForecastPoint(point.label, round(value, 2), round(low, 2), round(high, 2))


def _of(point: ForecastPoint) -> tuple[float, float, float]:
    return point.value, point.low, point.high


def _percent(misses: Values, actual: Values) -> tuple[float | None, int]:
    """Return the mean absolute error in percent: there is no percent of nothing."""
    errors = [abs(miss) / value for miss, value in zip(misses, actual, strict=True) if value > 0]
    return (round(100 * sum(errors) / len(errors), 1) if errors else None), len(errors)
