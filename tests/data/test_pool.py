"""The pool: who is lent a connection, and what becomes of it when they leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import anyio
import pytest
from psycopg import OperationalError
from psycopg.conninfo import make_conninfo

from tests.support.servers.database import Cluster, Database
from tests.support.servers.proxy import counting_proxy
from tests.support.suite.patience import patient
from zava.errors import Busy
from zava.infrastructure.postgres.connection import reason
from zava.infrastructure.postgres.pool import DatabasePool, Unreachable


@pytest.fixture
async def one(database: Database) -> AsyncIterator[DatabasePool]:
    """A pool of one connection."""
    pool = DatabasePool(database.server, max_size=1)
    yield pool
    await pool.close()


async def queued(pool: DatabasePool) -> asyncio.Task[Any]:
    """Return a caller who waits for a connection."""
    waiting = asyncio.create_task(pool.take())
    # That a caller waits shows here alone.
    while not pool._queue.waiting:
        await asyncio.wait([waiting], timeout=0)
    return waiting


def requests(pool: DatabasePool) -> int:
    """How often psycopg_pool was asked for a connection."""
    # The driver's pool lies below ours; its waits and its figures have no other name.
    return pool._pool.get_stats().get("requests_num", 0)


async def test_caller_who_leaves_during_a_test_of_the_connections_takes_none_along(
    database: Database,
) -> None:
    async with asyncio.timeout(patient(20)), counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=2)
        async with pool.connection(), pool.connection():
            pass
        proxy.answers_flow.clear()
        leaving = [asyncio.create_task(pool.drop_dead_connections()) for _ in range(2)]
        # The check runs beside the requests: the test waits for its end.
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


async def test_connection_goes_from_caller_to_caller_on_one_lease(one: DatabasePool) -> None:
    seen = set()

    async def borrow() -> None:
        async with one.connection() as connection:
            await connection.execute("SELECT 1")
            seen.add(connection)

    await asyncio.gather(*(borrow() for _ in range(20)))
    assert len(seen) == 1
    assert requests(one) == 1


async def test_connection_that_has_rested_passes_the_pool_before_it_is_lent_again(
    one: DatabasePool,
) -> None:
    async with one.connection() as connection:
        pass
    connection.idle_since -= 6
    async with one.connection() as again:
        assert again is connection
    assert requests(one) == 2


async def test_rested_connections_return_by_themselves(
    one: DatabasePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.postgres.pool._REST_SECONDS", 0.05)
    returned = asyncio.Event()
    put = one._pool.putconn

    async def watched(connection: object) -> None:
        await put(connection)  # type: ignore[arg-type]  # whatever it is given
        returned.set()

    monkeypatch.setattr(one._pool, "putconn", watched)
    async with one.connection():
        pass
    async with asyncio.timeout(patient(5)):
        await returned.wait()
    # That the pool lost no connection shows here alone.
    assert (one._resting, one._leased) == ([], 0)


async def test_lease_ends_and_the_next_caller_gets_another(
    one: DatabasePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.postgres.pool._LEASE_SECONDS", 0.0)
    for _ in range(3):
        async with one.connection():
            pass
    assert requests(one) == 3


async def test_caller_who_leaves_while_waiting_takes_no_connection_along(
    one: DatabasePool,
) -> None:
    async with asyncio.timeout(patient(10)):
        async with one.connection():
            waiting = await queued(one)
        # Handed over, and its caller leaves before it has looked.
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        async with one.connection():
            pass


async def test_caller_who_leaves_the_queue_leaves_no_place_in_it(one: DatabasePool) -> None:
    async with one.connection():
        waiting = await queued(one)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        assert not one._queue.waiting


async def test_wait_for_a_connection_ends(
    one: DatabasePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with one.connection():
        with monkeypatch.context() as patch:
            patch.setattr(one._pool, "timeout", 0.05)
            with pytest.raises(Busy):
                await one.take()
    async with one.connection():
        pass


async def test_those_who_wait_are_served_when_the_one_before_them_broke_it(
    one: DatabasePool,
) -> None:
    async with asyncio.timeout(patient(10)):

        async def borrow() -> int:
            async with one.connection() as connection:
                return connection.info.backend_pid

        async with one.connection() as broken:
            waiting = [asyncio.create_task(borrow()) for _ in range(3)]
            while len(one._queue.waiting) < len(waiting):
                await asyncio.wait(waiting, timeout=0)
            await broken.close()
        pids = await asyncio.gather(*waiting)
    assert len(set(pids)) == 1


async def test_waiting_callers_are_told_when_no_server_is_there(database: Database) -> None:
    nowhere = make_conninfo(database.server, port=1)
    pool = DatabasePool(nowhere, max_size=1)
    pool._pool.timeout = 0.2
    outcomes = await asyncio.gather(*(pool.take() for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unreachable] * 3
    await pool.close()


async def test_connection_in_use_at_the_end_is_closed_when_it_comes_back(
    database: Database,
) -> None:
    pool = DatabasePool(database.server, max_size=2)
    async with pool.connection() as busy:
        async with pool.connection() as resting:
            pass
        await pool.close()
        assert resting.closed
    # Connections are returned beside the answers: the test waits for the last.
    await asyncio.gather(*pool._returning)
    assert busy.closed


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"password": "wrong"}, "the login was refused"),
        ({"dbname": "nothing"}, "there is no such database or login"),
        ({"port": 1}, "nothing listens there"),
        ({"host": "no.such.host.invalid"}, "the host's name is not known"),
    ],
)
async def test_reason_why_no_connection_is_made_is_told_and_names_nobody(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, change: dict[str, Any], why: str
) -> None:
    direct = Database(cluster.superuser, cluster.template.name)
    pool = DatabasePool(make_conninfo(direct.server, **change), max_size=1)
    with pytest.raises(Unreachable):
        async with pool.connection():
            pass
    await pool.close()
    told = [record.__dict__["reason"] for record in caplog.records if "reason" in record.__dict__]
    assert set(told) == {why}
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("zava")]
    assert not any(word in " ".join(ours) for word in ("zava_server", "127.0.0.1", "invalid"))


def test_reason_that_nobody_knows_is_another_one() -> None:
    assert reason(OperationalError("planted")) == "another reason"
