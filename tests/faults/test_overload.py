"""More callers than are served well: the excess is told to come back, the others keep their time."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from statistics import quantiles
from uuid import uuid4

import orjson
import psutil
import psycopg
import pytest

from tests.support.answers.rpc import MODERN, request
from tests.support.servers.breakable import application_over, ask, pause
from tests.support.servers.database import Database
from zava.app import Application
from zava.errors import Busy
from zava.infrastructure.local.state_dir import StateDirectory
from zava.model.core import Caller
from zava.protocol.capacity.concurrency_limit import Admission, ShareTaken
from zava.protocol.http_responses import HttpResponse
from zava.protocol.tools.tool import ERROR_META
from zava.telemetry.instruments import Refusal

CAPACITY, TIMES = 8, 5
CALLS = 150
SQL = "SELECT count(*), sum(total_amount) FROM retail.orders"


BLOCKED = "SELECT count(*) FROM retail.inventory WHERE stock_level > 0"
FLOODING, ASKED = 80, 40


@contextmanager
def admitted(admission: Admission, caller: Caller) -> Iterator[None]:
    """Hold one of the places."""
    admission.enter(caller.identity)
    try:
        yield
    finally:
        admission.leave(caller.identity)


@pytest.fixture
async def small(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The app with two connections and room for eight calls."""
    async with application_over(
        database.server, home, context_keys, ZAVA_POOL_MAX=2, ZAVA_MAX_CONCURRENT_CALLS=CAPACITY
    ) as application:
        yield application


async def post(application: Application, token: str) -> HttpResponse:
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
            if "retry-after" not in answer.headers:
                took.append(time.perf_counter() - started)
                continue
            assert answer.status == 200
            refused += 1
            await pause(int(answer.headers["retry-after"]) / 10)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return took, refused


async def test_refusal_says_when_to_come_back_and_is_cheap(
    small: Application, tokens: dict[str, str], callers: dict[str, Caller]
) -> None:
    await post(small, tokens["seattle"])
    with ExitStack() as places:
        for _ in range(CAPACITY):
            # Places are taken without a request that holds each of them.
            places.enter_context(admitted(small.endpoint._admission, callers["seattle"]))
        before = small.metrics.counter("request_refused", Refusal.NO_CAPACITY)
        answer = await post(small, tokens["seattle"])
        live = await small.endpoint.handle("GET", "/health/live", {}, b"")
    assert (answer.status, answer.headers["retry-after"]) == (200, "1")
    error = orjson.loads(answer.body)["result"]["_meta"][ERROR_META]
    assert (error["code"], error["retryable"], error["retry_after_seconds"]) == ("BUSY", True, 1)
    assert live.status == 200, "health is never refused"
    assert small.metrics.counter("request_refused", Refusal.NO_CAPACITY) == before + 1
    assert "retry-after" not in (await post(small, tokens["seattle"])).headers


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
    # No setting shortens the time of a call, and a test cannot wait for it.
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


@pytest.mark.parametrize("capacity", [1, 8, 64])
def test_place_is_refused_to_who_holds_half_beside_another_and_never_to_a_newcomer(
    callers: dict[str, Caller], capacity: int
) -> None:
    now = 0.0
    admission = Admission(capacity, clock=lambda: now)
    seattle, redmond = callers["seattle"], callers["redmond"]
    with ExitStack() as places:
        for _ in range(capacity):
            places.enter_context(admitted(admission, seattle))
        with pytest.raises(Busy) as full, admitted(admission, seattle):
            pass
        assert not isinstance(full.value, ShareTaken)
        with admitted(admission, redmond):
            pass
    # That nothing stays behind shows here alone.
    assert not admission._held
    with ExitStack() as places:
        for _ in range(max(1, capacity // 2)):
            places.enter_context(admitted(admission, seattle))
        with pytest.raises(ShareTaken), admitted(admission, seattle):
            pass
        with admitted(admission, redmond):
            pass
        now = 60.5
        if capacity > 1:  # alone again
            with admitted(admission, seattle):
                pass


async def test_tokens_that_are_being_checked_take_no_place(
    small: Application, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # No public name leads to this part: the test changes its sources or calls it alone.
    authenticate = small.endpoint._authenticator.authenticate
    checked = asyncio.Event()

    async def slow(authorization: str | None) -> Caller:
        if authorization == "Bearer of.nobody.here":
            await checked.wait()
        return await authenticate(authorization)

    monkeypatch.setattr(small.endpoint._authenticator, "authenticate", slow)
    bad = [asyncio.create_task(post(small, "of.nobody.here")) for _ in range(CAPACITY * TIMES)]
    await asyncio.wait(bad, timeout=0)
    assert "retry-after" not in (await post(small, tokens["seattle"])).headers
    checked.set()
    assert {answer.status for answer in await asyncio.gather(*bad)} == {401}


async def test_refusals_are_held_back_from_a_client_that_does_not_wait(
    callers: dict[str, Caller],
) -> None:
    now = 0.0
    admission = Admission(8, clock=lambda: now)

    async def refused(name: str, count: int) -> int:
        """Return how many of so many refusals are sent at once."""
        sent = [asyncio.create_task(admission.hold_back(callers[name])) for _ in range(count)]
        await asyncio.wait(sent, timeout=0.1)
        at_once = sum(task.done() for task in sent)
        for task in sent:
            task.cancel()
        await asyncio.gather(*sent, return_exceptions=True)
        return at_once

    assert await refused("seattle", 40) == 16
    assert await refused("redmond", 16) == 16
    assert await refused("seattle", 1) == 0
    assert await refused("seattle", 300) == 300 - (256 - 41), "a bounded number waits in memory"
    now = 1.0
    assert await refused("seattle", 1) == 1
    started = time.monotonic()
    for _ in range(15):
        await admission.hold_back(callers["seattle"])
    await admission.hold_back(callers["seattle"])
    assert 0.9 < time.monotonic() - started < 10


REFUSED = "SELECT order_id, pg_sleep(1) FROM retail.orders WHERE status = 'pending'"


@pytest.mark.parametrize("kind", ["refused", "listed", "by the SDK", "of nobody", "elsewhere"])
async def test_newcomer_is_answered_before_most_of_a_crowd(
    application: Application, tokens: dict[str, str], kind: str
) -> None:
    def calls(number: int) -> tuple[dict[str, str], bytes]:
        if kind == "listed":
            return request(MODERN, "tools/list", {}, tokens["seattle"])
        if kind == "by the SDK":
            return request(MODERN, "prompts/list", {}, tokens["seattle"])
        if kind == "elsewhere":
            headers, body = request(MODERN, "tools/list", {}, tokens["seattle"])
            return headers | {"host": "elsewhere.example"}, body
        token = f"e30.e30.{number}" if kind == "of nobody" else tokens["seattle"]
        arguments = {"postgresql_query": f"{REFUSED} LIMIT {number}"}
        params = {"name": "execute_sales_query", "arguments": arguments}
        return request(MODERN, "tools/call", params, token)

    async def send(headers: dict[str, str], body: bytes) -> int:
        answer = await application.endpoint.handle("POST", "/mcp", headers, body)
        return answer.status

    ping = request("2025-11-25", "ping", {}, tokens["redmond"])
    assert await send(*ping) == 200
    await send(*calls(0))  # warm
    crowd = [asyncio.create_task(send(*calls(number))) for number in range(1, 33)]
    newcomer = asyncio.create_task(send(*ping))
    assert await newcomer == 200
    assert sum(task.done() for task in crowd) <= 16
    statuses = set(await asyncio.gather(*crowd))
    assert statuses == {{"of nobody": 401, "elsewhere": 421}.get(kind, 200)}


def test_newcomers_find_no_room_without_bound() -> None:
    admission = Admission(16)
    with ExitStack() as places:
        for _ in range(16 + 4):
            places.enter_context(admitted(admission, Caller(uuid4(), uuid4())))
        with pytest.raises(Busy), admitted(admission, Caller(uuid4(), uuid4())):
            pass


def test_principals_that_were_seen_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    # No setting changes this bound, and a test cannot fill it.
    monkeypatch.setattr("zava.infrastructure.recent_principals._MAX_REMEMBERED", 3)
    admission = Admission(4)
    for _ in range(5):
        with admitted(admission, Caller(uuid4(), uuid4())):
            pass
    # That memory is bounded shows here alone.
    assert len(admission._seen) == 3


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {
            "ZAVA_BUDGET_CALLS_AT_ONCE": "16",
            "ZAVA_BUDGET_CALLS_PER_MINUTE": "1200",
            "ZAVA_BUDGET_DATABASE_SECONDS_PER_HOUR": "900",
        },
        {"ZAVA_STATEMENT_TIMEOUT_SECONDS": "2"},
    ],
    ids=["no budgets", "the budgets of Azure", "a deadline of 2 s"],
)
async def test_nobody_is_refused_beside_80_calls_that_each_take_the_whole_deadline(
    seeded_clone: Database,
    home: StateDirectory,
    context_keys: list[str],
    tokens: dict[str, str],
    limits: dict[str, str],
) -> None:
    async with application_over(
        seeded_clone.server, home, context_keys, ZAVA_POOL_MAX=3, **limits
    ) as served:
        assert await ask(served, tokens["seattle"], "SELECT 1") == ("OK", [[1]])
        with psycopg.connect(seeded_clone.owner) as owner:
            owner.execute("LOCK TABLE retail.inventory IN ACCESS EXCLUSIVE MODE")
            flood = [
                asyncio.create_task(ask(served, tokens["seattle"], BLOCKED))
                for _ in range(FLOODING)
            ]
            await seeded_clone.wait_for_statements(3)
            codes = Counter(
                [(await ask(served, tokens["redmond"], "SELECT 1"))[0] for _ in range(ASKED)]
            )
            for task in flood:
                task.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
    assert codes == {"OK": ASKED}
