"""Reads on a streaming standby: fresh within the bound, from the primary otherwise, never older."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import orjson
import psycopg
import pytest
from psycopg import errors

from tests.support.answers.call_records import recorded
from tests.support.servers.breakable import TODAY, Breakable, application_over
from tests.support.servers.homes import open_directory
from tests.support.servers.proxy import counting_proxy
from tests.support.servers.standby import Pair, standby_of
from tests.support.suite.patience import patient
from zava.app import Application
from zava.cli.client import call_tool
from zava.data.session.executor import ReadServer
from zava.data.session.isolation_check import IsolationBroken, IsolationCheck
from zava.data.session.operations import ReadUsage, Statement
from zava.data.session.overdue import Overdue
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.data.session.standby.routing import PrimaryAway, StandbyChanged, StandbyRouting, refusal
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import AccessDenied, Busy
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.access_grants import grant, revoke
from zava.infrastructure.postgres.pool import DatabasePool, GivenUp
from zava.model.core import Caller, CallRecord
from zava.retail.declaration import RETAIL
from zava.telemetry.instruments import StandbyRefusal

WHERE = "SELECT pg_is_in_recovery()"
SHORT = 1.0  # seconds: the least that the table takes; a busy machine replays later
LONG = 300.0


@pytest.fixture(scope="module")
def pair(own_server: Breakable) -> Iterator[Pair]:
    with open_directory() as directory, standby_of(own_server, directory / "standby") as pair:
        pair.catch_up()
        yield pair
        pair.bound(5)


@pytest.fixture(autouse=True)
def generous(pair: Pair) -> None:
    """Let the standby answer however long nothing is committed, until a test decides otherwise."""
    pair.bound(LONG)
    pair.catch_up()


class Open(Protocol):
    """Opens the app over a primary and a standby."""

    def __call__(
        self, primary: str = "", replica: str = "", **settings: Any
    ) -> AbstractAsyncContextManager[Application]: ...


@pytest.fixture
def opened(pair: Pair, home: StateDirectory, context_keys: list[str]) -> Open:
    @asynccontextmanager
    async def opened(
        primary: str = "", replica: str = "", **settings: Any
    ) -> AsyncIterator[Application]:
        named = {"ZAVA_REPLICA_URL": replica or pair.replica, "ZAVA_POOL_MAX": 2, **settings}
        async with application_over(primary or pair.database, home, context_keys, **named) as app:
            yield app

    return opened


@pytest.fixture
async def app(opened: Open) -> AsyncIterator[Application]:
    async with opened() as app:
        yield app


async def read(app: Application, caller: Caller, sql: str = WHERE) -> Any:
    """Run a statement as a call of its own; return its first value."""
    return await read_in(app, CallRecord(caller, "probe"), sql)


async def read_in(app: Application, record: CallRecord, sql: str = WHERE) -> Any:
    """Run a statement as one of this call's; return its first value."""
    with recorded(record):
        table = await app.tenancy.run(record.caller, sql, max_rows=1)
    return table.rows[0][0]


async def standby_state(app: Application) -> Any:
    assert app.standby is not None
    # Time passes by moving what was noted, not by waiting.
    app.standby.watch._read_at = float("-inf")
    answer = await app.endpoint.handle("GET", "/health/ready", {}, b"")
    return orjson.loads(answer.body)["checks"]["standby"]


async def until_on_standby(app: Application, caller: Caller) -> None:
    """Ask until a call reads on the standby again: after a refusal it is left for a moment."""
    deadline = time.monotonic() + patient(20)
    while not await read(app, caller):
        assert time.monotonic() < deadline


async def test_statements_read_on_the_standby_and_records_are_on_the_primary(
    app: Application, callers: dict[str, Caller], pair: Pair
) -> None:
    assert await read(app, callers["seattle"])
    seen = await read(app, callers["seattle"], "SELECT count(*) FROM retail.stores")
    assert seen == 1, "the policies hold there, too"
    app.trail.record(CallRecord(callers["seattle"], "of the primary"))
    await app.trail.close()
    recorded = "SELECT count(*) FROM zava.audit_log WHERE tool = 'of the primary'"
    assert pair.on_primary(recorded) == (1,)


async def test_without_a_call_and_for_the_budget_the_primary_answers(
    app: Application, callers: dict[str, Caller]
) -> None:
    table = await app.tenancy.run(callers["seattle"], WHERE, max_rows=1)
    assert table.rows == [[False]], "nothing keeps statements without a call on one server"
    # The counts are in an unlogged table, which no standby can read.
    with recorded(CallRecord(callers["everett"], "budget")) as record:
        used = await app.tenancy.budget(record.caller)
    assert used.calls == 0


async def test_a_late_standby_is_left_and_returned_to(
    app: Application, callers: dict[str, Caller], pair: Pair
) -> None:
    short = patient(SHORT)
    pair.bound(short)
    pair.catch_up()
    assert await read(app, callers["seattle"])
    pair.hold()
    try:
        pair.on_primary("UPDATE retail.inventory SET stock_level = stock_level + 1")
        pair.until_late(short)
        stock = "SELECT sum(stock_level) FROM retail.inventory"
        fresh = await read(app, callers["head-office"], stock)
        assert (fresh,) == pair.on_primary(stock), "no answer is older than the bound"
        assert await read(app, callers["head-office"], WHERE) is False
        assert await standby_state(app) == "late"
    finally:
        pair.resume()
        pair.on_primary("UPDATE retail.inventory SET stock_level = stock_level - 1")
    pair.bound(LONG)
    pair.catch_up()
    await until_on_standby(app, callers["seattle"])


async def test_the_database_itself_refuses_a_late_standby(
    callers: dict[str, Caller], pair: Pair
) -> None:
    """Without any routing, as where DATABASE_URL leads to a standby."""
    short = patient(SHORT)
    pair.bound(short)
    pair.catch_up()
    signer = ContextSigner([ContextKey(1, bytes(range(32)))])
    pool = DatabasePool(pair.replica, max_size=1)
    alone = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    try:
        assert (await alone.run(callers["seattle"], WHERE, max_rows=1)).rows == [[True]]
        pair.hold()
        pair.until_late(short)
        with pytest.raises(Busy) as refused:
            await alone.run(callers["seattle"], WHERE, max_rows=1)
        assert getattr(refused.value.__cause__, "sqlstate", "") == "ZA008"
        unproven = IsolationCheck(pool, signer, RETAIL)
        with pytest.raises(Busy):
            await unproven.ensure()
    finally:
        pair.resume()
        await pool.close()


async def test_a_revocation_holds_within_the_bound_whatever_the_standby_does(
    app: Application, callers: dict[str, Caller], pair: Pair
) -> None:
    short = patient(SHORT)
    pair.bound(short)
    pair.catch_up()
    assert await read(app, callers["redmond"])
    pair.hold()
    with psycopg.connect(pair.primary.database.admin, autocommit=True) as admin:
        revoke(admin, RETAIL, callers["redmond"])
        try:
            pair.until_late(short)
            with pytest.raises(AccessDenied):
                await read(app, callers["redmond"])
            pair.resume()
            pair.on_primary("SELECT pg_current_xact_id()")
            pair.catch_up()
            with pytest.raises(AccessDenied):
                await read(app, callers["redmond"])
        finally:
            grant(
                admin,
                RETAIL,
                caller=callers["redmond"],
                display_name="redmond",
                audience="store_managers",
                stores=["Redmond"],
                reads_personal=True,
            )
    pair.catch_up()


async def test_silence_of_the_primary_counts_as_lag(
    app: Application, callers: dict[str, Caller], pair: Pair
) -> None:
    short = patient(SHORT)
    pair.bound(short)
    pair.catch_up()
    pair.until_late(short)
    assert await read(app, callers["seattle"]) is False
    # Readiness commits before it looks: nothing else is committed here.
    deadline = time.monotonic() + patient(20)
    while await standby_state(app) != "healthy":
        assert time.monotonic() < deadline


@pytest.mark.parametrize("mode", ["required", "best-effort"])
async def test_without_the_primary_the_standby_answers_only_what_needs_no_record(
    opened: Open, callers: dict[str, Caller], pair: Pair, mode: str
) -> None:
    async with (
        counting_proxy(pair.database) as line,
        opened(primary=line.conninfo, ZAVA_AUDIT=mode) as app,
    ):
        assert await read(app, callers["seattle"])
        line.refuses = True
        line.cut()
        if mode == "required":
            with pytest.raises(Busy):
                await read(app, callers["seattle"])
        else:
            assert await read(app, callers["seattle"])
            short = patient(SHORT)
            pair.bound(short)
            pair.catch_up()
            pair.until_late(short)
            with pytest.raises(Busy):
                await read(app, callers["seattle"])
        line.refuses = False


async def test_the_intent_is_committed_before_the_standby_reads(
    opened: Open, callers: dict[str, Caller], pair: Pair
) -> None:
    record = CallRecord(callers["seattle"], "intended")
    async with (
        counting_proxy(pair.database) as line,
        opened(primary=line.conninfo, ZAVA_AUDIT="required") as app,
    ):
        await read(app, callers["seattle"])
        before = line.round_trips
        for _ in range(2):
            assert await read_in(app, record)
        assert line.round_trips == before + 1, "one trip to the primary for the whole call"
    intent = "SELECT phase FROM zava.audit_log WHERE call_id = %s"
    assert pair.on_primary(intent, record.call_id) == ("intent",)


async def test_a_refused_record_lets_nothing_run(
    opened: Open, callers: dict[str, Caller], pair: Pair
) -> None:
    async with opened(ZAVA_AUDIT="required", ZAVA_BUDGET_CALLS_PER_MINUTE=1000) as app:
        await read(app, callers["seattle"])
        pair.on_primary("ALTER TABLE zava.audit_log ADD CHECK (tool <> 'probe') NOT VALID")
        try:
            with pytest.raises(Busy, match="not run"):
                await read(app, callers["seattle"])
        finally:
            pair.on_primary("ALTER TABLE zava.audit_log DROP CONSTRAINT audit_log_tool_check1")
        await until_on_standby(app, callers["seattle"])


async def test_budgets_are_counted_on_the_primary_for_reads_on_the_standby(
    opened: Open, callers: dict[str, Caller]
) -> None:
    async with opened(ZAVA_BUDGET_CALLS_PER_MINUTE=2, ZAVA_BUDGET_CALLS_AT_ONCE=1) as app:
        for _ in range(2):
            record = CallRecord(callers["tacoma"], "probe")
            assert await read_in(app, record)
            app.trail.record(record)
        with pytest.raises(Busy, match="this minute"):
            await read(app, callers["tacoma"])


async def test_a_silent_primary_ends_the_call_in_time(
    opened: Open, callers: dict[str, Caller], pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.data.session.standby.routing._ADMIT_SECONDS", 0.2)
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.postgres.pool._CLOSE_TIMEOUT_SECONDS", 0.2)
    async with (
        counting_proxy(pair.database) as line,
        opened(primary=line.conninfo, ZAVA_AUDIT="required") as app,
    ):
        await read(app, callers["seattle"])
        line.answers_flow.clear()
        with pytest.raises(Exception, match="in time"):
            await read(app, callers["seattle"])
        line.answers_flow.set()


async def test_a_standby_that_is_gone_leaves_the_primary(
    app: Application, callers: dict[str, Caller], pair: Pair
) -> None:
    assert await read(app, callers["seattle"])
    pair.standby.stop()
    try:
        started = time.monotonic()
        while not app.standby or not app.standby.pool.circuit.is_open:
            assert await read(app, callers["seattle"]) is False, "no call fails"
            assert time.monotonic() < started + patient(30)
        assert await read(app, callers["seattle"]) is False, "the trial runs beside the calls"
        assert await standby_state(app) == "unreachable"
    finally:
        pair.standby.start()
    pair.catch_up()
    await until_on_standby(app, callers["seattle"])


async def test_a_call_stays_on_the_server_that_it_began_on(
    app: Application, callers: dict[str, Caller]
) -> None:
    """A kept answer has the version that the call read first, so its rows must not be older."""
    elsewhere = CallRecord(callers["seattle"], "moved", server="192.0.2.1:5432")
    assert await read_in(app, elsewhere) is False
    await until_on_standby(app, callers["seattle"])
    assert await read_in(app, elsewhere) is False


async def test_a_statement_that_works_on_at_the_standby_refuses_its_caller(
    app: Application, callers: dict[str, Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert app.standby is not None
    caller = callers["seattle"]
    asked: set[Overdue] = set()

    async def check(overdue: Overdue, who: Caller) -> None:
        assert who is caller
        asked.add(overdue)

    monkeypatch.setattr(Overdue, "is_watching", property(lambda _: True))
    monkeypatch.setattr(Overdue, "check", check)
    await read(app, caller)
    assert len(asked) == 2, "on both servers"


async def test_the_metrics_answer_from_the_standby(
    opened: Open, tokens: dict[str, str], pair: Pair
) -> None:
    """The scope, the figures, and an answer that is kept: all on the standby."""
    arguments = {"metrics": ["revenue"], "dimensions": ["store"], "time_period": "2026-05"}
    async with (
        counting_proxy(pair.replica) as line,
        opened(replica=line.conninfo, ZAVA_TODAY=TODAY.isoformat()) as app,
    ):
        told = []
        for _ in range(2):
            _, body = await call_tool(app.endpoint, tokens["seattle"], "query_metrics", arguments)
            told.append(body["result"]["structuredContent"])
        assert line.connections > 0
        assert told[0]["rows"] == told[1]["rows"]
        assert [each["cached"] for each in told] == [False, True]


def test_each_failure_has_its_reason() -> None:
    unproven = IsolationBroken(["one"])
    assert refusal(unproven) is StandbyRefusal.UNPROVEN
    assert refusal(StandbyChanged()) is StandbyRefusal.CHANGED
    assert refusal(errors.SerializationFailure("replay goes first")) is StandbyRefusal.CONFLICT
    assert refusal(GivenUp("away")) is StandbyRefusal.UNREACHABLE
    assert refusal(psycopg.OperationalError("cut")) is StandbyRefusal.UNREACHABLE
    assert refusal(errors.DivisionByZero("theirs")) is None
    assert refusal(Busy("full")) is None
    assert refusal(None) is None


async def test_a_conflict_leaves_one_statement_and_a_lost_primary_is_no_fault_of_the_standby(
    pair: Pair, callers: dict[str, Caller]
) -> None:
    signer = ContextSigner([ContextKey(1, bytes(range(32)))])
    pool = DatabasePool(pair.replica, max_size=1)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    # Below the use cases no public name leads to the executor and its pool.
    executor = tenancy._executor
    # Below the use cases no public name leads to the executor and its pool.
    primary = executor._primary
    server = ReadServer(pool, primary.verification, primary.quota, primary.overdue, is_standby=True)
    routing = StandbyRouting(server, pool, trail=executor.trail, budgets=executor.budgets)
    statement = Statement(WHERE)
    for error in (errors.SerializationFailure("replay goes first"), PrimaryAway()):
        record = CallRecord(callers["seattle"], "probe")
        assert routing.chosen_for(record, statement) is server
        assert routing.falls_back(record, error)
        assert routing.chosen_for(record, statement) is None, "the whole call stays there"
        assert routing.chosen_for(CallRecord(callers["seattle"], "next"), statement) is server
    assert not routing.falls_back(None, errors.DivisionByZero("theirs"))
    assert routing.falls_back(None, GivenUp("away")), "without a call, too"
    usage = CallRecord(callers["seattle"], "usage")
    assert routing.chosen_for(usage, ReadUsage(RETAIL.audiences)) is None


async def test_one_trial_at_a_time_runs_beside_the_calls(
    pair: Pair, callers: dict[str, Caller]
) -> None:
    pool = DatabasePool(pair.replica, max_size=1)
    signer = ContextSigner([ContextKey(1, bytes(range(32)))])
    executor = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))._executor
    primary = executor._primary
    server = ReadServer(pool, primary.verification, primary.quota, primary.overdue, is_standby=True)
    routing = StandbyRouting(server, pool, trail=executor.trail, budgets=executor.budgets)
    pool.circuit.failed(time.monotonic() - 3)
    # The circuit breaker is opened and tried again without a wait.
    pool.circuit._next_trial = 0
    probe, statement = CallRecord(callers["seattle"], "probe"), Statement(WHERE)
    for _ in range(2):
        assert routing.chosen_for(replace(probe), statement) is None
    # The trial runs beside the requests: the test waits for its end.
    assert pool._probing is not None
    await pool._probing
    assert routing.chosen_for(probe, statement) is server
    await pool.close()


async def test_a_promoted_standby_is_no_standby(
    app: Application, callers: dict[str, Caller], pair: Pair
) -> None:
    """The last test: what is a primary of its own replays nothing any more."""
    assert await read(app, callers["seattle"])
    pair.promote()
    pair.on_primary("UPDATE retail.inventory SET stock_level = stock_level + 1")
    try:
        stock = "SELECT sum(stock_level) FROM retail.inventory"
        assert (await read(app, callers["head-office"], stock),) == pair.on_primary(stock)
        assert await standby_state(app) == "promoted"
    finally:
        pair.on_primary("UPDATE retail.inventory SET stock_level = stock_level - 1")
