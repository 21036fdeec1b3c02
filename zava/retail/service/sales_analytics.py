"""Business questions about sales: certified metrics, how a store did, its place in the chain."""

from collections.abc import Callable
from datetime import date
from typing import Protocol

from zava.model.fiscal_calendar import CALENDAR_YEARS, FiscalCalendar
from zava.retail.declaration import RETAIL
from zava.retail.service.chain_comparison import ChainAnalysis, ChainData
from zava.retail.service.store_performance import StoreAnalysis
from zava.service.metrics.query import MetricData, MetricQueries


class SalesData(MetricData, ChainData, Protocol):
    """The data layer of all of them."""


class SalesAnalytics:
    """The business layer's use cases by subject; every one of them acts for a caller.

    `today` is the stores' own day, from which periods such as "last month" are resolved. `fiscal`
    has the fiscal years. The comparison with the chain has none: a fiscal quarter would overlap
    calendar ones, and two overlapping cohorts let a single store be computed.
    """

    def __init__(
        self, data: SalesData, today: Callable[[], date], fiscal: FiscalCalendar = CALENDAR_YEARS
    ) -> None:
        self.metrics = MetricQueries(data, today, fiscal, peers_hint=RETAIL.peers_hint)
        self.stores = StoreAnalysis(data, today, fiscal)
        self.chain = ChainAnalysis(data, today)
