"""Statements that no cancellation reaches: their principal waits and pays until they end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from math import sqrt
from typing import Any

import psycopg
import pytest

from tests.support.answers.call_records import recorded
from tests.support.servers.database import Database, one
from tests.support.servers.proxy import counting_proxy
from tests.support.suite.patience import patient
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.overdue import TOOL
from zava.data.session.pipeline import Pipeline
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.usage.budgets import Budget, Budgets
from zava.errors import Busy, QueryTimeout
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller, CallRecord
from zava.retail.declaration import RETAIL

# Each works inside one function call, for a time that grows with the square of the size. The guard
# refuses them; here it is left out.
SHAPES = {
    "jsonpath": "SELECT jsonb_path_exists(jsonb_build_object('a', a, 'b', b),"
    " '$ ? (@.a[*] == @.b[*])') FROM (SELECT jsonb_agg(n) AS a, jsonb_agg(-n) AS b"
    " FROM generate_series(1, {size}) AS n) AS made",
    "search": "SELECT strpos(repeat('a', 2 * {size}), 'b' || repeat('a', {size}))",
}
SMALL = {"jsonpath": 2_000, "search": 10_000}
WORKS_ON_SECONDS = 3  # past a deadline of one second, and long enough to be charged
ENDS_SECONDS = 120
OURS = "SELECT pg_sleep(60)::text AS slept"
_MARK = """
SELECT pg_advisory_xact_lock(zava.proof(concat_ws('|', %(tenant)s::uuid, %(person)s::uuid, pg_backend_pid(), due)), due)
FROM (SELECT extract(epoch FROM now())::integer - 1577836800 - %(ago)s AS due) AS past
"""
_MARKS = """
SELECT count(*), max(l.objid::bigint) - (extract(epoch FROM clock_timestamp())::bigint - 1577836800)
FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.objsubid = 2
  AND a.datname = current_database() AND a.usename = 'zava_server' AND a.state = 'active'
"""


class Instance:
    """One process's worth of the server, without a guard."""

    def __init__(self, conninfo: str, signer: ContextSigner, timeout_seconds: int = 1) -> None:
        self.pool = DatabasePool(conninfo, max_size=4)
        self.trail = AuditWriter(self.pool)
        self.budgets = Budgets(Budget(), connections=4)
        self.tenancy = TenantDatabase(
            self.pool,
            signer,
            IsolationCheck(self.pool, signer, RETAIL),
            trail=self.trail,
            budgets=self.budgets,
            statement_timeout_seconds=timeout_seconds,
        )
        # Below the use cases no public name leads to the executor and its pool.
        self.overdue = self.tenancy._executor._primary.overdue

    async def call(self, caller: Caller, sql: str = "SELECT 1") -> Any:
        record = CallRecord(caller, "execute_sales_query", outcome="QUERY_TIMEOUT")
        try:
            with recorded(record):
                return (await self.tenancy.run(caller, sql, max_rows=1)).rows[0][0]
        finally:
            self.trail.record(record)

    async def close(self) -> None:
        await self.trail.close()
        await self.tenancy.close()
        await self.pool.close()


Make = Callable[..., Instance]


@pytest.fixture
async def make(
    seeded_clone: Database, signer: ContextSigner, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Make]:
    monkeypatch.setattr("zava.data.session.executor.GRACE_SECONDS", 0)
    async with AsyncExitStack() as opened:

        def join(conninfo: str = seeded_clone.server, timeout_seconds: int = 1) -> Instance:
            instance = Instance(conninfo, signer, timeout_seconds)
            opened.push_async_callback(instance.close)
            return instance

        yield join


@pytest.fixture(scope="module")
def endless(database: Database) -> dict[str, str]:
    """The shapes, each of a size at which it works for the same time on any machine."""
    with psycopg.connect(database.owner) as owner:
        return {shape: text.format(size=_size(owner, shape)) for shape, text in SHAPES.items()}


def _size(owner: psycopg.Connection, shape: str) -> int:
    took = []
    for _ in range(3):  # the shortest: other work may hold up one of them
        started = time.perf_counter()
        owner.execute(SHAPES[shape].format(size=SMALL[shape]).encode())
        took.append(time.perf_counter() - started)
    return int(SMALL[shape] * sqrt(WORKS_ON_SECONDS / min(took)))


def mark(owner: psycopg.Connection, caller: Caller, *, seconds_ago: int) -> None:
    """Stand for a backend of a caller whose deadline has passed; it works until a rollback."""
    who = {"tenant": caller.tenant_id, "person": caller.object_id, "ago": seconds_ago}
    owner.execute(_MARK, who)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
async def test_whose_statement_works_on_starts_nothing_and_pays_until_it_ends(
    make: Make,
    seeded_clone: Database,
    callers: dict[str, Caller],
    caplog: pytest.LogCaptureFixture,
    endless: dict[str, str],
    shape: str,
) -> None:
    instance, seattle = make(), callers["seattle"]
    await instance.call(seattle)
    with pytest.raises(QueryTimeout):
        await instance.call(seattle, endless[shape])
    with pytest.raises(Busy, match="An earlier statement of yours still runs") as caught:
        await instance.call(seattle)
    assert caught.value.retry_after_seconds == 5
    assert await instance.call(callers["redmond"]) == 1
    # The watcher runs beside the requests: the test waits for its end.
    assert instance.overdue._watcher is not None
    async with asyncio.timeout(patient(ENDS_SECONDS)):
        await instance.overdue._watcher
    assert await instance.call(seattle) == 1
    await instance.trail.close()
    with psycopg.connect(seeded_clone.owner) as owner:
        seconds = one(
            owner,
            "SELECT sum(database_milliseconds) / 1000 FROM zava.audit_log WHERE tool = %s",
            TOOL,
        )
        charged = one(
            owner,
            "SELECT busy_milliseconds / 1000 FROM zava.usage WHERE object_id = %s",
            seattle.object_id,
        )
    assert seconds > 0.5, "the time after the call"
    # An hour of the clock may end in between: the charge then begins anew with what came after.
    assert charged >= seconds
    (line,) = [message for message in caplog.messages if "worked on" in message]
    assert "fingerprint=" in line
    assert "SELECT" not in line


@pytest.mark.slow
async def test_client_that_leaves_does_not_leave_its_statement_unwatched(
    make: Make, seeded_clone: Database, callers: dict[str, Caller], endless: dict[str, str]
) -> None:
    instance, seattle = make(timeout_seconds=30), callers["seattle"]
    await instance.call(seattle)
    leaving = asyncio.create_task(instance.call(seattle, endless["search"]))
    await seeded_clone.wait_for_statements(1)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    with pytest.raises(Busy, match="An earlier statement of yours still runs"):
        await instance.call(seattle)
    assert instance.overdue._watcher is not None
    async with asyncio.timeout(patient(ENDS_SECONDS)):
        await instance.overdue._watcher
    assert await instance.call(seattle) == 1


async def test_statement_that_heeds_its_cancellation_is_not_watched(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    instance, seattle = make(timeout_seconds=30), callers["seattle"]
    await instance.call(seattle)
    leaving = asyncio.create_task(instance.call(seattle, "SELECT pg_sleep(20)"))
    await seeded_clone.wait_for_statements(1)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await instance.call(seattle) == 1
    assert instance.overdue._watcher is None


async def test_every_instance_refuses_whose_backend_works_past_its_deadline(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    seattle, ready = callers["seattle"], make()
    await ready.call(callers["redmond"])  # connected and proven: the next call takes no time
    with psycopg.connect(seeded_clone.owner) as owner:
        mark(owner, seattle, seconds_ago=1)  # its cancellation may be on its way
        assert await ready.call(seattle) == 1
        mark(owner, seattle, seconds_ago=60)
        instance = make()
        with pytest.raises(Busy, match="An earlier statement of yours still runs"):
            await instance.call(seattle)
        with pytest.raises(Busy):  # at the edge: the next seconds cost the database nothing
            instance.budgets.count_request(seattle)
        assert await instance.call(callers["redmond"]) == 1
        taken = owner.execute(
            "SELECT classid::bigint::bit(32)::integer, objid::bigint::integer FROM pg_locks"
            " WHERE locktype = 'advisory' AND objsubid = 2 AND pid = pg_backend_pid()"
        ).fetchall()
        owner.rollback()
        with psycopg.connect(seeded_clone.owner) as peer:
            for both in taken:  # a copy on another backend is no mark
                peer.execute("SELECT pg_advisory_xact_lock(%s, %s)", both)
            assert await make().call(seattle) == 1


async def test_locks_of_all_backends_are_searched_once_a_second_for_each_principal(
    callers: dict[str, Caller],
) -> None:
    now = 100.0
    budgets = Budgets(Budget(), connections=1, clock=lambda: now)
    seattle = callers["seattle"]
    assert [budgets.searches_overdue(seattle) for _ in range(3)] == [True, False, False]
    assert budgets.searches_overdue(callers["redmond"])
    now += 1
    assert budgets.searches_overdue(seattle)
    budgets.close_until(seattle, "overdue", 5)
    assert budgets.searches_overdue(seattle), "who was refused is searched for at once"


async def marks_of(
    database: Database, instance: Instance, caller: Caller, sql: str
) -> tuple[int, int]:
    """Return how many marks a statement has while it runs, and the seconds to their deadline."""
    await instance.call(caller)  # the proof of isolation is done: it is no statement of a caller
    running = asyncio.ensure_future(
        instance.tenancy.read(caller, sql) if sql == OURS else instance.call(caller, sql)
    )
    await database.wait_for_statements(1)
    with psycopg.connect(database.owner) as owner:
        row = owner.execute(_MARKS).fetchone()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert row is not None
    return row[0], row[1]


async def test_statement_cannot_end_its_own_marks(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    freeing = "SELECT pg_advisory_unlock_all()::text, pg_sleep(60)::text"
    instance = make(timeout_seconds=90)
    count, _ = await marks_of(seeded_clone, instance, callers["seattle"], freeing)
    assert count == 2


async def test_call_without_a_limit_runs_one_function_that_marks_it(
    make: Make,
    seeded_clone: Database,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance, seattle, sent = make(timeout_seconds=90), callers["seattle"], list[bytes]()
    instance.budgets._clock = lambda: 100.0  # within the second in which a search is enough
    execute = Pipeline._execute

    def seen(pipeline: Pipeline, *steps: Any) -> None:
        sent.extend(command for _, command, _ in steps if b"zava." in command)
        execute(pipeline, *steps)

    await instance.call(seattle)  # the proof of isolation, and the search
    monkeypatch.setattr(Pipeline, "_execute", seen)
    count, _ = await marks_of(seeded_clone, instance, seattle, "SELECT pg_sleep(60)::text")
    assert count == 2
    assert [b"zava.run_" in command for command in sent] == [True, True]
    assert not any(b"zava.admit" in command for command in sent)


async def test_statement_of_ours_is_marked_as_well(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    instance = make(timeout_seconds=90)
    count, _ = await marks_of(seeded_clone, instance, callers["seattle"], OURS)
    assert count == 2


@pytest.mark.parametrize("timeout_seconds", [30, 90])
async def test_mark_names_the_deadline_that_holds(
    make: Make, seeded_clone: Database, callers: dict[str, Caller], timeout_seconds: int
) -> None:
    instance = make(timeout_seconds=timeout_seconds)
    started = time.monotonic()  # before its deadline can begin
    _, seconds = await marks_of(
        seeded_clone, instance, callers["seattle"], "SELECT pg_sleep(60)::text"
    )
    passed = time.monotonic() - started
    assert timeout_seconds - 1 - passed <= seconds <= timeout_seconds + 1


@pytest.mark.slow
async def test_silent_statement_does_not_give_up_a_database_that_answers(
    make: Make,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
    endless: dict[str, str],
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.circuit_breaker._PATIENCE_SECONDS", 0.0)
    instance = make()
    with pytest.raises(QueryTimeout):
        await instance.call(callers["seattle"], endless["search"])
    # The trial runs beside the requests: the test waits for its end.
    assert instance.pool._probing is not None
    await instance.pool._probing
    assert not instance.pool.circuit.is_open
    assert await instance.call(callers["redmond"]) == 1
    assert instance.overdue._watcher is not None
    async with asyncio.timeout(patient(ENDS_SECONDS)):
        await instance.overdue._watcher


async def test_silent_statement_gives_up_a_database_that_does_not_answer(
    make: Make,
    seeded_clone: Database,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zava.infrastructure.circuit_breaker._PATIENCE_SECONDS", 0.0)
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.postgres.pool._PROBE_SECONDS", 0.3)
    async with counting_proxy(seeded_clone.server) as proxy:
        instance = make(proxy.conninfo)
        await instance.call(callers["seattle"])
        proxy.answers_flow.clear()
        with pytest.raises(QueryTimeout):
            await instance.call(callers["seattle"])
        assert instance.pool._probing is not None
        await instance.pool._probing
        assert instance.pool.circuit.is_open
        proxy.answers_flow.set()
        await instance.close()
