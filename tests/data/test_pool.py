"""The pool when those who borrow from it leave."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from psycopg import OperationalError
from psycopg.conninfo import make_conninfo

from tests.database import Cluster, Database
from tests.proxy import counting_proxy
from zava.infrastructure.pool import DatabasePool, Unreachable, _reason


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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"password": "wrong"}, "the login was refused"),
        ({"dbname": "nothing"}, "there is no such database or login"),
        ({"port": 1}, "nothing listens there"),
        ({"host": "no.such.host.invalid"}, "the host's name is not known"),
    ],
)
async def test_reason_why_no_connection_is_made_is_told_and_names_nobody(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, change: dict[str, Any], reason: str
) -> None:
    direct = Database(cluster.superuser, cluster.template.name)
    pool = DatabasePool(make_conninfo(direct.server, **change), max_size=1)
    with pytest.raises(Unreachable):
        async with pool.connection():
            pass
    await pool.close()
    told = [record.__dict__["reason"] for record in caplog.records if "reason" in record.__dict__]
    assert set(told) == {reason}
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("zava")]
    assert not any(word in " ".join(ours) for word in ("zava_server", "127.0.0.1", "invalid"))


def test_reason_that_nobody_knows_is_another_one() -> None:
    assert _reason(OperationalError("planted")) == "another reason"
