"""Three tools as one writes them on a psycopg pool, each the faster way that psycopg documents.

No identity, no row security, no guard; the login is read-only, so one statement is one round trip.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

_POOL_MAX = int(os.environ["ZAVA_POOL_MAX"])  # noqa: TID251  # a process of its own

pool = AsyncConnectionPool[AsyncConnection[dict[str, Any]]](
    os.environ["DATABASE_URL"],  # noqa: TID251  # same
    kwargs={"autocommit": True, "row_factory": dict_row},
    min_size=_POOL_MAX,
    max_size=_POOL_MAX,
    open=False,
)


@asynccontextmanager
async def lifespan(_server: Any) -> AsyncIterator[None]:
    """Hold the pool open while the server runs."""
    async with pool:
        yield


async def execute_sales_query(postgresql_query: str, max_rows: int = 50) -> list[dict[str, Any]]:
    """Run one read-only PostgreSQL SELECT over the retail data."""
    async with pool.connection() as connection:
        cursor = await connection.execute(postgresql_query.encode())
        return await cursor.fetchmany(max_rows)


async def get_multiple_table_schemas(table_names: list[str]) -> list[dict[str, Any]]:
    """Describe the columns of retail tables."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable"
            " FROM information_schema.columns"
            " WHERE table_schema || '.' || table_name = ANY (%s)",
            [table_names],
        )
        return await cursor.fetchall()


async def get_current_utc_date() -> str:
    """Return the current date and time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat()


TOOLS = (execute_sales_query, get_multiple_table_schemas, get_current_utc_date)
