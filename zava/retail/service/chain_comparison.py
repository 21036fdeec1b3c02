"""Compare a caller's stores with the chain, without another store's value."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Protocol

from zava.errors import InvalidInput
from zava.model.core import Caller
from zava.model.metrics import Period, PeriodUnit
from zava.retail.sales_values import ChainComparison
from zava.service.metrics.periods import parse_period

DEFAULT_PERIOD = "last month"

_COHORTS = frozenset({PeriodUnit.MONTH, PeriodUnit.QUARTER, PeriodUnit.YEAR})


class ChainData(Protocol):
    """The data layer of the comparison, as the use case sees it."""

    async def chain(
        self, caller: Caller, metric: str, period: Period, today: date
    ) -> ChainComparison:
        """Read the caller's values and the chain's quartiles, which may be withheld."""


class ChainAnalysis:
    """The use case of one tool; the database computes only values that it may return."""

    def __init__(self, data: ChainData, today: Callable[[], date]) -> None:
        self._data = data
        self._today = today

    async def compare(
        self, caller: Caller, metric: str, time_period: str | None
    ) -> ChainComparison:
        """Compare the caller's stores with the chain's median and quartiles.

        Raises:
            InvalidInput: the metric is not compared, or the period is not one whole month, quarter
                or year that is over.
        """
        today = self._today()
        period = parse_period(time_period or DEFAULT_PERIOD, today)
        if period.unit not in _COHORTS or period.count != 1 or period.end > today:
            raise InvalidInput(
                f"time_period: {period.expression!r} is not one whole month, quarter or year that"
                " is over.",
                hint="Others would let single stores be computed. Use last month|quarter|year,"
                " YYYY-MM, YYYY-Qn or YYYY.",
            )
        comparison = await self._data.chain(caller, metric, period, today)
        missing = comparison.reach.missing_days(period, today)
        return replace(comparison, missing_days=missing)
