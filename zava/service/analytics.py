"""The use cases behind the tools: what a caller may do with the retail data."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from zava.model.core import BudgetUse, Caller, PerformanceSummary, Scope, Table, TableSchema

if TYPE_CHECKING:
    from zava.retail.service.product_search import ProductSearch
    from zava.retail.service.sales_analytics import SalesAnalytics


class RetailData(Protocol):
    """The data layer, as the use cases see it."""

    async def run(self, caller: Caller, sql: str, *, max_rows: int) -> Table:
        """Run one statement written by the caller's model, as that caller."""

    async def table_schemas(
        self, caller: Caller, names: Sequence[str] | None
    ) -> tuple[list[TableSchema], Scope]:
        """Describe tables as this caller's audience may read them; None means all of them."""

    async def readable_tables(self, caller: Caller) -> list[str]:
        """Return the bare names of the tables that this caller's audience may read."""

    async def performance(self, caller: Caller) -> PerformanceSummary:
        """Return query statistics, to the head office alone."""

    async def budget(self, caller: Caller) -> BudgetUse:
        """Return what this caller has used of the budgets."""


class Analytics:
    """Use cases of the retail data; every one of them acts for a caller.

    Metrics and product search are constructed lazily, and their modules loaded with them: a cold
    instance's first call needs one part of three.
    """

    def __init__(
        self,
        data: RetailData,
        *,
        make_sales: "Callable[[], SalesAnalytics]",
        make_products: "Callable[[], ProductSearch]",
        clock: Callable[[], datetime],
    ) -> None:
        self._data = data
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

    async def execute_sales_query(
        self, caller: Caller, postgresql_query: str, *, max_rows: int
    ) -> Table:
        """Run one read-only statement and return at most `max_rows` rows of it."""
        return await self._data.run(caller, postgresql_query, max_rows=max_rows)

    async def get_multiple_table_schemas(
        self, caller: Caller, table_names: Sequence[str]
    ) -> tuple[list[TableSchema], Scope]:
        """Describe tables of the retail schema.

        Raises:
            InvalidInput: a name is not a table that this caller can read.
        """
        return await self._data.table_schemas(caller, table_names)

    async def every_table_schema(self, caller: Caller) -> tuple[list[TableSchema], Scope]:
        """Describe every table that the caller can read."""
        return await self._data.table_schemas(caller, None)

    async def readable_tables(self, caller: Caller) -> list[str]:
        """Return the names of the tables that the caller can read, without their schema."""
        return await self._data.readable_tables(caller)

    async def performance(self, caller: Caller) -> PerformanceSummary:
        """Return which statements take the time.

        Raises:
            NotPermitted: the caller is not of the head office.
        """
        return await self._data.performance(caller)

    async def budget(self, caller: Caller) -> BudgetUse:
        """Return what the caller has used of the budgets, and what they are."""
        return await self._data.budget(caller)

    def current_utc_date(self) -> datetime:
        """Return the moment, in UTC; on the stores' day if that was moved."""
        return self._clock().astimezone(UTC)
