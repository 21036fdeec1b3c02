"""The frozen values of the retail tools on sales: findings, a store's performance, the chain."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zava.model.core import Scope
from zava.model.data_reach import NOTHING_LOADED, DataReach
from zava.model.metrics import MetricRows, Period


@dataclass(frozen=True, slots=True)
class Insight:
    """A finding of one stated rule; the text cites the numbers that it stands on."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class StorePerformance:
    """How one store or all stores in scope did in a period.

    `metrics` hold value, previous_period and previous_year of each figure. `units` has the units of
    figures that are no counts and have no unit in their name.
    """

    store: str | None
    period: Period
    previous_period: Period
    previous_year: Period
    metrics: dict[str, dict[str, Any]]
    units: dict[str, str]
    parts: dict[str, MetricRows]
    insights: tuple[Insight, ...]
    notes: tuple[str, ...]
    scope: Scope
    as_of: datetime
    is_cached: bool
    reach: DataReach = NOTHING_LOADED
    missing_days: int = 0


@dataclass(frozen=True, slots=True)
class ChainComparison:
    """The caller's values and the chain's quartiles, which are None with too few stores.

    Quartiles are rounded to two digits unless the caller sees every store of them.
    """

    metric: str
    unit: str
    period: Period
    own: dict[str, float]
    store_count: int | None
    quartiles: tuple[float, float, float] | None
    scope: Scope
    as_of: datetime
    is_cached: bool
    reach: DataReach = NOTHING_LOADED
    missing_days: int = 0
