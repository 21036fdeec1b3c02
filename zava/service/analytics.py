"""The use cases behind the tools: what a caller may do with the retail data."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from zava.data.sql_query.free_query import FreeQuery

if TYPE_CHECKING:
    from zava.retail.service.product_search import ProductSearch
    from zava.retail.service.sales_analytics import SalesAnalytics


class Analytics:
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
        clock: Callable[[], datetime],
    ) -> None:
        self.data = data
        """Free SQL, schemas, statistics and budgets."""
        self._make_sales = make_sales
        self._make_products = make_products
        self._clock = clock

    @cached_property
    def sales(self) -> "SalesAnalytics":
        """Figures from certified metrics."""
        return self._make_sales()

    @cached_property
    def products(self) -> "ProductSearch":
        """Products by meaning and by words."""
        return self._make_products()

    def current_utc_date(self) -> datetime:
        """Return the tools' day with the current time, in UTC."""
        return self._clock().astimezone(UTC)
