"""More callers than are served well: the excess is told to come back, the others keep their time."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from statistics import quantiles

import orjson
import psutil
import pytest

from tests.breakable import application_over, ask, pause
from tests.database import Database
from tests.protocol.rpc import MODERN, request
from zava.app import Application
from zava.infrastructure.home import Home
from zava.measures import Refusal
from zava.protocol.kernel import Answer

CAPACITY, TIMES = 8, 5
CALLS = 150
SQL = "SELECT count(*), sum(total_amount) FROM retail.orders"


@pytest.fixture
async def small(
    database: Database, home: Home, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The app with two connections and room for eight calls."""
    async with application_over(
        database.server, home, context_keys, ZAVA_POOL_MAX=2, ZAVA_MAX_CONCURRENT_CALLS=CAPACITY
    ) as application:
        yield application


async def post(application: Application, token: str) -> Answer:
    params = {"name": "execute_sales_query", "arguments": {"postgresql_query": SQL}}
    headers, body = request(MODERN, "tools/call", params, token)
    return await application.endpoint.handle("POST", "/mcp", headers, body)


async def load(application: Application, token: str, clients: int) -> tuple[list[float], int]:
    """Return how long each admitted call took, and how many were refused.

    A refused client comes back after a tenth of the time that it was told.
    """
    took: list[float] = []
    refused = 0

    async def client() -> None:
        nonlocal refused
        while len(took) < CALLS:
            started = time.perf_counter()
            answer = await post(application, token)
            if answer.status == 200:
                took.append(time.perf_counter() - started)
                continue
            assert answer.status == 503
            refused += 1
            await pause(int(answer.headers["retry-after"]) / 10)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return took, refused


async def test_refusal_says_when_to_come_back_and_is_cheap(
    small: Application, tokens: dict[str, str]
) -> None:
    await post(small, tokens["seattle"])
    with small.endpoint._admission.admitted():
        small.endpoint._admission._under_way += CAPACITY - 1
        before = small.metrics.counter("request_refused", Refusal.NO_CAPACITY)
        answer = await post(small, tokens["seattle"])
        live = await small.endpoint.handle("GET", "/health/live", {}, b"")
        small.endpoint._admission._under_way -= CAPACITY - 1
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    error = orjson.loads(answer.body)["error"]
    assert error["data"]["code"] == "BUSY"
    assert error["data"]["retryable"] is True
    assert live.status == 200, "health is never refused"
    assert small.metrics.counter("request_refused", Refusal.NO_CAPACITY) == before + 1
    assert (await post(small, tokens["seattle"])).status == 200


async def test_admitted_calls_keep_their_time_at_five_times_the_capacity(
    small: Application, tokens: dict[str, str]
) -> None:
    token = tokens["seattle"]
    await load(small, token, CAPACITY)  # warm
    memory = psutil.Process().memory_info().rss
    ratios = []
    for _ in range(5):  # in turns: the machine's other work falls on both alike
        at_capacity, refused = await load(small, token, CAPACITY)
        assert refused == 0
        beyond, refused = await load(small, token, CAPACITY * TIMES)
        assert refused > 0
        ratios.append(quantiles(beyond, n=20)[-1] / quantiles(at_capacity, n=20)[-1])
    assert min(ratios) <= 2, ratios
    assert psutil.Process().memory_info().rss <= 1.1 * memory


async def test_waiting_for_a_connection_is_part_of_the_calls_time(
    small: Application, tokens: dict[str, str]
) -> None:
    assert (await ask(small, tokens["seattle"], SQL))[0] == "OK"
    small.endpoint._call_seconds = 0.3
    codes: Counter[str] = Counter()
    async with small.pool.connection(), small.pool.connection():
        started = time.monotonic()
        for code, _ in await asyncio.gather(
            *(ask(small, tokens["seattle"], SQL) for _ in range(3))
        ):
            codes[code] += 1
        assert time.monotonic() - started < 2
    assert codes == {"BUSY": 3}
    small.endpoint._call_seconds = 32
    assert (await ask(small, tokens["seattle"], SQL))[0] == "OK"
