"""The use cases that no domain adds: what a caller may do with any tenant database."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from zava.model.core import BudgetUse, Caller, PerformanceSummary, Scope, Table, TableSchema


class QueryData(Protocol):
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
    """Use cases of every domain: free SQL, the schema, use of the budgets, today's date."""

    def __init__(self, data: QueryData, clock: Callable[[], datetime]) -> None:
        self._data = data
        self._clock = clock

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
