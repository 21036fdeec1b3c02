"""The use cases behind the retail tools."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from zava.data.sql_query.free_query import FreeQuery
from zava.model.core import Caller
from zava.retail.access_rules import SALES_READ
from zava.service.analytics import Analytics

if TYPE_CHECKING:
    from zava.retail.data.store_quality import DataQuality
    from zava.retail.service.product_search import ProductSearch
    from zava.retail.service.sales_analytics import SalesAnalytics
    from zava.service.sql_answers import SqlAnswers


class RetailAnalytics(Analytics):
    """Use cases of the retail data; every one of them acts for a caller.

    Metrics and product search are constructed lazily, and their modules loaded with them: a cold
    instance's first call needs one part of three.
    """

    def __init__(
        self,
        data: FreeQuery,
        *,
        make_sales: "Callable[[], SalesAnalytics]",
        make_products: "Callable[[], ProductSearch]",
        read_quality: "Callable[[Caller], Awaitable[DataQuality]]",
        clock: Callable[[], datetime],
        today: Callable[[], date],
    ) -> None:
        super().__init__(data, clock)
        self._today = today
        self._make_sales = make_sales
        self._make_products = make_products
        self._read_quality = read_quality

    @cached_property
    def sales(self) -> "SalesAnalytics":
        """Figures from certified metrics."""
        return self._make_sales()

    @cached_property
    def products(self) -> "ProductSearch":
        """Products by meaning and by words."""
        return self._make_products()

    async def quality(self, caller: Caller) -> "DataQuality":
        """Return how fresh and whole the orders of the caller's stores are.

        Raises:
            AccessDenied: the caller has no grant.
        """
        return await self._read_quality(caller)

    @cached_property
    def sql_answers(self) -> "SqlAnswers":
        """Notes on the figures of free SQL."""
        from zava.service.sql_answers import SqlAnswers

        return SqlAnswers(self.data, lambda: self.sales.metrics, self._today, SALES_READ)
