"""Readiness while the database is away, silent, busy or no longer isolating: soon, and tersely."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import orjson
import psycopg
import pytest

from tests.support.servers.database import Database
from tests.support.servers.proxy import counting_proxy
from tests.support.suite.patience import patient
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.protocol.http_responses import HttpResponse
from zava.settings import Settings

Compose = Callable[[str], Application]
AWAY = {
    "status": "unhealthy",
    "checks": {"database": "unhealthy", "isolation": "unknown", "embeddings": "unknown"},
}


@pytest.fixture
async def over(
    home: StateDirectory, context_keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Compose]:
    """Composes the app, with two connections, over a connection string."""
    # A pool that still tries to connect is not waited for.
    monkeypatch.setattr("zava.infrastructure.postgres.pool._CLOSE_TIMEOUT_SECONDS", 0.1)
    settings = Settings.model_validate({"ZAVA_HOME": home.path, "ZAVA_POOL_MAX": 2})
    async with AsyncExitStack() as opened:

        def composed(conninfo: str) -> Application:
            application = compose(settings, conninfo=conninfo, context_keys=context_keys)
            opened.push_async_callback(application.close)
            return application

        yield composed


async def get(application: Application, path: str) -> HttpResponse:
    return await application.endpoint.handle("GET", path, {}, b"")


async def ready(application: Application) -> HttpResponse:
    """Ask for readiness, which must answer in under two seconds whatever the database does."""
    started = time.monotonic()
    answer = await get(application, "/health/ready")
    assert time.monotonic() - started < 2
    return answer


def proof_is_old(application: Application) -> None:
    # Time passes by moving what was noted, not by waiting.
    application.verification._proven_at -= 61


async def is_ready_again(application: Application) -> None:
    """Wait until it is: on an idle machine the first answer already says so."""
    async with asyncio.timeout(patient(2)):
        while (await ready(application)).status != 200:
            pass


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """A server that accepts connections and never says a word."""
    closing = asyncio.Event()

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await closing.wait()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"host=127.0.0.1 port={port} dbname=secretdb user=secretuser password=secret"
    finally:
        closing.set()
        server.close()
        await server.wait_closed()


@pytest.mark.requirement("S92")
@pytest.mark.requirement("S93")
async def test_database_that_refuses_is_told_soon_and_without_its_name(over: Compose) -> None:
    application = over("host=127.0.0.1 port=1 dbname=secretdb user=secretuser password=secret")
    answer = await ready(application)
    assert answer.status == 503
    assert orjson.loads(answer.body) == AWAY
    assert (await get(application, "/health/live")).status == 200


@pytest.mark.requirement("S92")
@pytest.mark.requirement("S93")
async def test_database_that_never_answers_is_told_soon(over: Compose) -> None:
    async with silent_server() as conninfo:
        application = over(conninfo)
        answers = await asyncio.gather(*(ready(application) for _ in range(3)))
        assert [answer.status for answer in answers] == [503] * 3
        assert orjson.loads(answers[0].body) == AWAY
        assert (await get(application, "/health/live")).status == 200


@pytest.mark.requirement("S92")
@pytest.mark.parametrize("rested", [False, True])
async def test_database_that_falls_silent_is_told_soon_and_ready_again_when_it_speaks(
    over: Compose, database: Database, rested: bool
) -> None:
    async with counting_proxy(database.server) as proxy:
        application = over(proxy.conninfo)
        assert (await ready(application)).status == 200
        async with application.pool.connection() as connection:
            pass
        if rested:  # such a connection is tested first, over the same silent line
            connection.idle_since -= 31
        proof_is_old(application)
        proxy.answers_flow.clear()
        answer = await ready(application)
        assert (answer.status, orjson.loads(answer.body)) == (503, AWAY)
        assert (await get(application, "/health/live")).status == 200
        proxy.answers_flow.set()
        await is_ready_again(application)


@pytest.mark.requirement("S92")
async def test_busy_pool_is_told_soon_and_ready_again_when_it_is_not(
    over: Compose, database: Database
) -> None:
    application = over(database.server)
    async with application.pool.connection(), application.pool.connection():
        answer = await ready(application)
        assert (answer.status, orjson.loads(answer.body)) == (503, AWAY)
        assert (await get(application, "/health/live")).status == 200
    assert (await ready(application)).status == 200


@pytest.mark.requirement("S92")
async def test_proof_of_the_last_minute_costs_no_connection(
    over: Compose, database: Database
) -> None:
    application = over(database.server)
    assert (await ready(application)).status == 200
    async with application.pool.connection(), application.pool.connection():
        assert (await ready(application)).status == 200


@pytest.mark.requirement("S93")
async def test_broken_isolation_is_not_ready_until_it_is_mended(
    over: Compose, seeded_clone: Database
) -> None:
    application = over(seeded_clone.server)
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE retail.orders NO FORCE ROW LEVEL SECURITY")
        answer = await ready(application)
        assert answer.status == 503
        assert orjson.loads(answer.body) == {
            "status": "unhealthy",
            "checks": {
                "database": "healthy",
                "isolation": "unhealthy",
                "embeddings": "unknown",
            },
        }
        assert (await get(application, "/health/live")).status == 200
        owner.execute("ALTER TABLE retail.orders FORCE ROW LEVEL SECURITY")
    assert (await ready(application)).status == 200
