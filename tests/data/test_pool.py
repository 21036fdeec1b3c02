"""The pool when those who borrow from it leave."""

import asyncio
from contextlib import suppress

import anyio

from tests.database import Database
from tests.proxy import counting_proxy
from zava.infrastructure.pool import DatabasePool


async def test_caller_who_leaves_during_a_test_of_the_connections_takes_none_along(
    database: Database,
) -> None:
    async with asyncio.timeout(20), counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=2)
        async with pool.connection(), pool.connection():
            pass
        proxy.answers_flow.clear()
        leaving = [asyncio.create_task(pool.drop_dead_connections()) for _ in range(2)]
        while pool._checking is None:
            await asyncio.wait(leaving, timeout=0)
        for task in leaving:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        proxy.answers_flow.set()
        await pool._checking
        async with pool.connection(), pool.connection():
            pass
        assert proxy.connections == 2, "the two that were tested live on"
        await pool.close()


async def test_statement_ends_with_the_anyio_scope_around_it_and_its_connection_is_replaced(
    seeded_clone: Database,
) -> None:
    # Such a scope interrupts again at every wait: also at those of the clean-up.
    pool = DatabasePool(seeded_clone.server, max_size=1)

    async def wait_long() -> None:
        async with pool.connection() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    for _ in range(5):
        async with anyio.create_task_group() as group:
            group.start_soon(wait_long)
            await seeded_clone.wait_for_statements(1)
            group.cancel_scope.cancel()
        assert await seeded_clone.wait_for_statements(0) < 5
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT 1")
        assert await cursor.fetchone() == (1,)
    await pool.close()
