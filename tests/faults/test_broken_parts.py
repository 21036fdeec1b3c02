"""Whatever breaks behind it, a caller gets a right answer or is told to come back; nothing else."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import orjson
import pytest

from tests.support.servers.breakable import (
    TOLD_TO_COME_BACK,
    Breakable,
    ask,
    nothing_is_lent,
    pause,
)
from tests.support.servers.proxy import Proxy
from tests.support.suite.patience import patient
from zava.app import Application
from zava.composition.backends import SPARE_CONNECTIONS
from zava.telemetry.instruments import Refusal

OWN_STORE = (
    "SELECT DISTINCT s.store_name FROM retail.orders AS o JOIN retail.stores AS s USING (store_id)"
)
NAMES = ("seattle", "redmond", "online")
POOL = 3  # of `over_the_line`
Fault = Callable[[Breakable, Proxy], Awaitable[None]]


async def restart(server: Breakable, _line: Proxy) -> None:
    await asyncio.to_thread(server.restart)


async def kill_postmaster(server: Breakable, _line: Proxy) -> None:
    await asyncio.to_thread(server.kill_postmaster)


async def kill_backend(server: Breakable, _line: Proxy) -> None:
    await asyncio.to_thread(server.kill_backend)


async def end_backends(server: Breakable, _line: Proxy) -> None:
    await asyncio.to_thread(server.end_backends)


async def cut(_server: Breakable, line: Proxy) -> None:
    line.cut()


async def half_close(_server: Breakable, line: Proxy) -> None:
    line.half_close()


async def delay(_server: Breakable, line: Proxy) -> None:
    line.delay_seconds = 0.2
    await pause(0.5)
    line.delay_seconds = 0


async def refuse(_server: Breakable, line: Proxy) -> None:
    line.refuses = True
    line.cut()
    await pause(1.0)
    line.refuses = False


async def silence(_server: Breakable, line: Proxy) -> None:
    line.answers_flow.clear()
    await pause(1.0)
    line.answers_flow.set()


async def no_connection_is_leaked(server: Breakable) -> None:
    """Wait until the server has no more than the pool holds: a replaced backend may be ending."""
    async with asyncio.timeout(patient(5)):
        while await asyncio.to_thread(server.backends) > POOL + SPARE_CONNECTIONS:
            await pause(0.05)


@pytest.mark.requirement("S82")
@pytest.mark.parametrize(
    "fault",
    [
        *(end_backends, cut, half_close, delay, refuse, silence),
        *(kill_backend, restart, kill_postmaster),
    ],
)
async def test_callers_get_right_answers_or_are_told_to_come_back_and_soon_all_is_well(
    over_the_line: Application,
    own_server: Breakable,
    line: Proxy,
    tokens: dict[str, str],
    fault: Fault,
) -> None:
    seen: Counter[str] = Counter()
    is_over = asyncio.Event()

    async def keep_asking(name: str) -> None:
        # Until the fault is over and three answers in a row are right.
        right = 0
        while right < 3:
            code, rows = await ask(over_the_line, tokens[name], OWN_STORE)
            seen[code] += 1
            if code == "OK":
                assert rows == [[f"Zava Retail {name.capitalize()}"]], "foreign rows"
                right += is_over.is_set()
            else:
                assert code in TOLD_TO_COME_BACK
                right = 0
                await pause(0.05)

    for name in NAMES:
        assert (await ask(over_the_line, tokens[name], OWN_STORE))[0] == "OK"
    async with asyncio.timeout(patient(40)), asyncio.TaskGroup() as callers:
        for name in NAMES:
            callers.create_task(keep_asking(name))
        await fault(own_server, line)
        ended = time.monotonic()
        is_over.set()
    recovery_seconds = time.monotonic() - ended
    assert recovery_seconds < patient(15), seen
    await no_connection_is_leaked(own_server)
    await nothing_is_lent(over_the_line.pool)


@pytest.mark.requirement("S82")
async def test_reading_whose_backend_is_ended_succeeds_on_the_second_try_unseen(
    over_the_line: Application, own_server: Breakable, tokens: dict[str, str]
) -> None:
    assert (await ask(over_the_line, tokens["seattle"], OWN_STORE))[0] == "OK"
    before = over_the_line.metrics.counter("query_retry")
    await asyncio.to_thread(own_server.end_backends)
    code, rows = await ask(over_the_line, tokens["seattle"], OWN_STORE)
    assert (code, rows) == ("OK", [["Zava Retail Seattle"]])
    assert over_the_line.metrics.counter("query_retry") - before == 1


async def test_dead_database_fails_fast_and_is_taken_back_by_itself(
    over_the_line: Application, line: Proxy, tokens: dict[str, str]
) -> None:
    assert (await ask(over_the_line, tokens["seattle"], OWN_STORE))[0] == "OK"
    line.refuses = True
    line.cut()
    circuit = over_the_line.pool.circuit
    async with asyncio.timeout(patient(20)):
        while not circuit.is_open:
            assert (await ask(over_the_line, tokens["seattle"], OWN_STORE))[0] == "BUSY"
    refused = over_the_line.metrics.counter("request_refused", Refusal.NO_DATABASE)
    # The circuit breaker is opened and tried again without a wait.
    circuit._next_trial = time.monotonic() + 60
    started = time.monotonic()
    for _ in range(20):
        assert (await ask(over_the_line, tokens["redmond"], OWN_STORE))[0] == "BUSY"
    assert time.monotonic() - started < 2, "nobody waits for what is known to be dead"
    assert over_the_line.metrics.counter("request_refused", Refusal.NO_DATABASE) == refused + 20
    # Time passes by moving what was noted, not by waiting.
    over_the_line.verification._proven_at -= 61
    started = time.monotonic()
    answer = await over_the_line.endpoint.handle("GET", "/health/ready", {}, b"")
    assert time.monotonic() - started < 0.5
    assert (answer.status, orjson.loads(answer.body)["checks"]["database"]) == (503, "unhealthy")
    line.refuses = False
    circuit._next_trial = 0.0
    assert await ask(over_the_line, tokens["redmond"], OWN_STORE) == (
        "OK",
        [["Zava Retail Redmond"]],
    )
    assert not circuit.is_open
