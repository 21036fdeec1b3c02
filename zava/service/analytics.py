"""The use cases that no domain adds: what a caller may do with any tenant database."""

from collections.abc import Callable
from datetime import UTC, datetime

from zava.data.sql_query.free_query import FreeQuery


class Analytics:
    """Use cases of every domain: free SQL, the schema, use of the budgets, today's date."""

    def __init__(self, data: FreeQuery, clock: Callable[[], datetime]) -> None:
        self.data = data
        """Free SQL, schemas, statistics and budgets."""
        self._clock = clock

    def current_utc_date(self) -> datetime:
        """Return the moment, in UTC; on the stores' day if that was moved."""
        return self._clock().astimezone(UTC)
