"""Budgets: what one principal may use, on every instance together, and how refusal is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from tests.support.answers.call_records import recorded
from tests.support.answers.rpc import MODERN, request
from tests.support.servers.database import Database, until_asleep
from tests.support.servers.proxy import counting_proxy
from tests.support.suite.patience import patient
from zava.app import compose
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.usage.budgets import Budget, Budgets, ConnectionQuota
from zava.errors import AccessDenied, Busy
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller, CallRecord
from zava.protocol.tools.tool import ERROR_META
from zava.retail.declaration import RETAIL
from zava.settings import Settings

NOW = 1_800_000_000.0


class Instance:
    """One process's worth of the server, with the given budget."""

    def __init__(self, conninfo: str, signer: ContextSigner, budget: Budget, size: int = 4) -> None:
        self.pool = DatabasePool(conninfo, max_size=size)
        self.trail = AuditWriter(self.pool)
        self.budgets = Budgets(budget, connections=size, max_waiting=4)
        verification = IsolationCheck(self.pool, signer, RETAIL)
        self.tenancy = TenantDatabase(
            self.pool, signer, verification, trail=self.trail, budgets=self.budgets
        )

    async def call(self, caller: Caller, sql: str = "SELECT 1") -> None:
        record = CallRecord(caller, "execute_sales_query", outcome="OK")
        try:
            with recorded(record):
                await self.tenancy.run(caller, sql, max_rows=1)
        finally:
            self.trail.record(record)

    async def close(self) -> None:
        await self.trail.close()
        await self.pool.close()


Make = Callable[..., Instance]


@pytest.fixture
async def make(seeded_clone: Database, signer: ContextSigner) -> AsyncIterator[Make]:
    async with AsyncExitStack() as opened:

        def join(budget: Budget, conninfo: str = seeded_clone.server, size: int = 4) -> Instance:
            instance = Instance(conninfo, signer, budget, size)
            opened.push_async_callback(instance.close)
            return instance

        yield join


@asynccontextmanager
async def sleeping(
    instance: Instance, database: Database, caller: Caller, count: int
) -> AsyncIterator[None]:
    """Statements that run until the block ends."""
    calls = [
        asyncio.ensure_future(instance.call(caller, "SELECT pg_sleep(30)")) for _ in range(count)
    ]
    await until_asleep(database, count)
    try:
        yield
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_calls_at_once_are_counted_over_all_instances_and_given_back(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    first, second = make(Budget(calls_at_once=2)), make(Budget(calls_at_once=2))
    seattle = callers["seattle"]
    async with sleeping(first, seeded_clone, seattle, 2):
        with pytest.raises(Busy, match="limit of concurrent calls") as caught:
            await second.call(seattle)
        assert caught.value.retry_after_seconds == 1
        assert "Try again in 1 second." in caught.value.hint
        # It is refused before it runs, though in the same command.
        async with asyncio.timeout(patient(30)):
            with pytest.raises(Busy, match="limit of concurrent calls"):
                await second.call(seattle, "SELECT pg_sleep(60)")
        await second.call(callers["redmond"])  # another one's places are free
        second.budgets.count_request(seattle)  # a place comes free too soon to turn the caller away
    await second.call(seattle)


async def test_calls_of_a_minute_are_counted_over_all_instances(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    first, second = make(Budget(calls_per_minute=3)), make(Budget(calls_per_minute=3))
    seattle = callers["seattle"]
    for _ in range(3):
        await first.call(seattle)
    with pytest.raises(Busy, match="this minute's calls"):
        await first.call(seattle)  # knows its own calls before they are written
    await first.trail.close()
    with pytest.raises(Busy, match="this minute's calls") as caught:
        await second.call(seattle)
    assert 1 <= caught.value.retry_after_seconds <= 60
    with pytest.raises(Busy, match="this minute's calls"):
        second.budgets.count_request(seattle)  # remembered: turned away before any database work
    second.budgets.count_request(callers["redmond"])
    await second.call(callers["redmond"])
    await second.trail.close()
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("UPDATE zava.usage SET minute = minute - interval '1 minute'")
    await make(Budget(calls_per_minute=3)).call(seattle)


async def test_call_that_is_not_admitted_does_not_run(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    seattle, budget = callers["seattle"], Budget(calls_at_once=1)
    async with sleeping(make(budget), seeded_clone, seattle, 1):
        with pytest.raises(Busy, match="concurrent"):
            await make(budget).call(seattle, "SELECT 1 / 0")


async def test_database_time_of_an_hour_is_counted_over_all_instances(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    first, second = (make(Budget(database_seconds_per_hour=1)) for _ in range(2))
    seattle = callers["seattle"]
    await first.call(seattle, "SELECT pg_sleep(1.05)")
    await first.trail.close()
    with pytest.raises(Busy, match="this hour's database time") as caught:
        await second.call(seattle)
    assert 1 <= caught.value.retry_after_seconds <= 3600
    await second.call(callers["redmond"])
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("UPDATE zava.usage SET hour = hour - interval '1 hour'")
    await make(Budget(database_seconds_per_hour=1)).call(seattle)


async def test_budget_costs_no_round_trip_also_when_it_refuses(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    async with counting_proxy(seeded_clone.server) as proxy:
        limited = make(Budget(8, 5, 600), proxy.conninfo)
        for _ in range(2):
            await limited.call(callers["seattle"])
        before = proxy.round_trips
        await limited.call(callers["seattle"])
        assert proxy.round_trips - before == 1
        # Calls that are not charged yet, without making each of them.
        limited.trail._unwritten[callers["seattle"].identity] = (5, 0.0)
        before = proxy.round_trips
        with pytest.raises(Busy):
            await limited.call(callers["seattle"])
        assert proxy.round_trips - before == 1
        await limited.close()


async def test_use_is_what_all_instances_counted_and_costs_one_round_trip(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    seattle = callers["seattle"]
    who = seattle.tenant_id, seattle.object_id
    async with counting_proxy(seeded_clone.server) as proxy:
        instance = make(Budget(2, 20, 60), proxy.conninfo)
        # The parts of a composed app take no clock from outside.
        instance.budgets._clock = lambda: NOW
        for caller in (seattle, callers["redmond"]):
            await instance.tenancy.budget(caller)
        instance.trail._unwritten[seattle.identity] = (3, 1500.0)
        before = proxy.round_trips
        await instance.tenancy.budget(seattle)
        assert proxy.round_trips - before == 1
        with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
            for _ in range(2):  # a minute may end in between: then it is counted anew
                owner.execute("DELETE FROM zava.usage")
                owner.execute(
                    "INSERT INTO zava.usage SELECT %s, %s, date_trunc('minute', moment), 7,"
                    " date_trunc('hour', moment), 2500 FROM clock_timestamp() AS moment",
                    who,
                )
                use = await instance.tenancy.budget(seattle)
                if use.calls > 3:
                    break
            assert (use.calls, use.calls_per_minute) == (10, 20)
            assert (use.database_seconds, use.database_seconds_per_hour) == (4.0, 60)
            assert use.calls_at_once == 2
            assert 1 <= use.minute_seconds_left <= 60
            assert 1 <= use.hour_seconds_left <= 3600
            assert (use.hour_seconds_left - use.minute_seconds_left) % 60 == 0
            assert (await instance.tenancy.budget(callers["redmond"])).calls == 0
            owner.execute(
                "UPDATE zava.usage SET minute = minute - interval '1 minute',"
                " hour = hour - interval '1 hour'"
            )
        past = await instance.tenancy.budget(seattle)
        assert (past.calls, past.database_seconds) == (3, 1.5)
        for _ in range(12):
            instance.budgets.count_request(seattle)
        assert (await instance.tenancy.budget(seattle)).calls == 12
        instance.trail._unwritten.clear()
        await instance.close()


async def test_stranger_is_told_no_use(make: Make) -> None:
    with pytest.raises(AccessDenied):
        await make(Budget()).tenancy.budget(Caller(uuid4(), uuid4()))


async def test_one_principal_leaves_another_one_a_connection(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    instance = make(Budget(), size=4)
    await instance.call(callers["redmond"])
    async with sleeping(instance, seeded_clone, callers["seattle"], 2):
        waiting = [asyncio.ensure_future(instance.call(callers["seattle"])) for _ in range(4)]
        await asyncio.wait_for(instance.call(callers["redmond"]), patient(5))
        assert not any(call.done() for call in waiting)
        with pytest.raises(Busy):  # two run, four wait
            await instance.call(callers["seattle"])
    await asyncio.gather(*waiting)
    # That nothing stays behind shows here alone.
    assert not instance.budgets.quota._held
    # That nothing stays behind shows here alone.
    assert not instance.budgets.quota._waiting


async def test_principal_who_is_alone_uses_every_connection(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    instance = make(Budget(), size=3)
    async with sleeping(instance, seeded_clone, callers["seattle"], 3):
        pass


async def test_waiting_for_an_own_place_ends_in_time(
    make: Make,
    seeded_clone: Database,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.data.usage.budgets._WAIT_SECONDS", 0.1)
    instance = make(Budget(), size=1)
    async with sleeping(instance, seeded_clone, callers["seattle"], 1):
        with pytest.raises(Busy):
            await instance.call(callers["seattle"])


def hold(quota: ConnectionQuota, caller: Caller, *, is_heavy: bool = False) -> "asyncio.Task[Any]":
    return asyncio.ensure_future(quota.acquire(caller.identity, is_heavy=is_heavy))


async def settled(*tasks: "asyncio.Task[Any]") -> list[bool]:
    """Whether each has its place, once all that can happen has happened."""
    for _ in range(3):
        await asyncio.wait({asyncio.ensure_future(asyncio.Event().wait())}, timeout=0)
    return [task.done() and not task.cancelled() for task in tasks]


async def test_heavy_statements_of_one_who_is_alone_leave_a_place_free(
    callers: dict[str, Caller],
) -> None:
    quota = ConnectionQuota(3, 10, lambda: NOW)
    # A principal counts as present without a request of its own.
    quota._seen.see(callers["seattle"].identity)
    heavy = [hold(quota, callers["seattle"], is_heavy=True) for _ in range(3)]
    assert await settled(*heavy) == [True, True, False]
    assert await settled(hold(quota, callers["seattle"])) == [True]
    heavy[2].cancel()


async def test_next_place_goes_to_whoever_holds_the_fewest(callers: dict[str, Caller]) -> None:
    quota = ConnectionQuota(2, 10, lambda: NOW)
    seattle, redmond = callers["seattle"], callers["redmond"]
    quota._seen.see(seattle.identity)
    first = [hold(quota, seattle) for _ in range(4)]
    assert await settled(*first) == [True, True, False, False]
    quota._seen.see(redmond.identity)
    later = hold(quota, redmond)
    assert await settled(later) == [False]
    quota.release(seattle.identity)
    assert await settled(later, *first) == [True, True, True, False, False]
    quota.release(seattle.identity)  # half of two: one place for each of two principals
    assert await settled(*first) == [True, True, True, False]
    first[3].cancel()
    assert await settled(first[3]) == [False]
    quota.release(redmond.identity)
    quota.release(seattle.identity)
    assert not quota._waiting
    assert not quota._held


async def test_of_two_who_may_the_one_with_fewer_places_is_next_though_later(
    callers: dict[str, Caller],
) -> None:
    quota = ConnectionQuota(4, 10, lambda: NOW)
    tacoma, seattle, redmond, kirkland = (
        callers[name] for name in ("tacoma", "seattle", "redmond", "kirkland")
    )
    for caller in (tacoma, seattle, redmond, kirkland):
        quota._seen.see(caller.identity)
    held = [hold(quota, caller) for caller in (tacoma, tacoma, seattle, redmond)]
    assert all(await settled(*held))
    second_of_seattle, first_of_kirkland = hold(quota, seattle), hold(quota, kirkland)
    assert await settled(second_of_seattle, first_of_kirkland) == [False, False]
    quota.release(tacoma.identity)
    assert await settled(second_of_seattle, first_of_kirkland) == [False, True]
    quota.release(tacoma.identity)
    assert await settled(second_of_seattle) == [True]


async def test_spare_place_is_for_one_who_holds_none(callers: dict[str, Caller]) -> None:
    quota = ConnectionQuota(2, 10, lambda: NOW, spare=1)
    seattle, redmond, tacoma = (callers[name] for name in ("seattle", "redmond", "tacoma"))
    alone = [hold(quota, seattle) for _ in range(3)]
    assert await settled(*alone) == [True, True, False]
    assert [task.result() for task in alone[:2]] == [False, False]
    newcomer, second, third = hold(quota, redmond), hold(quota, redmond), hold(quota, tacoma)
    assert await settled(newcomer, second, third) == [True, False, False]
    assert newcomer.result() is True
    quota.release(redmond.identity)
    # Both principals hold none and would do: the one who waits longest comes first.
    assert await settled(second, third, alone[2]) == [True, False, False]
    for waiting in (third, alone[2]):
        waiting.cancel()


async def test_statements_that_gather_run_one_at_a_time_for_each_principal(
    callers: dict[str, Caller],
) -> None:
    quota = ConnectionQuota(8, 10, lambda: NOW)
    seattle, redmond = callers["seattle"], callers["redmond"]

    def gather(caller: Caller) -> "asyncio.Task[Any]":
        return asyncio.ensure_future(quota.acquire(caller.identity, is_heavy=True, gathers=True))

    first, second, other = gather(seattle), gather(seattle), gather(redmond)
    assert await settled(first, second, other) == [True, False, True]
    assert await settled(hold(quota, seattle), hold(quota, seattle)) == [True, True]
    quota.release(seattle.identity)  # one that gathers nothing: the gathering one goes on
    assert await settled(second) == [False]
    quota.release(seattle.identity, gathers=True)
    assert await settled(second) == [True]


async def test_gathering_statement_waits_while_another_of_its_caller_runs(
    make: Make, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    instance, seattle = make(Budget()), callers["seattle"]
    sql = "SELECT pg_sleep(30)"
    gathering = [
        asyncio.ensure_future(instance.tenancy.run(seattle, sql, max_rows=1, gathers=True))
        for _ in range(2)
    ]
    await until_asleep(seeded_clone, 1)
    assert [turn.gathers for turn in instance.budgets.quota._waiting] == [True]
    await instance.call(seattle)
    for call in gathering:
        call.cancel()
    await asyncio.gather(*gathering, return_exceptions=True)
    # That nothing stays behind shows here alone.
    assert not instance.budgets.quota._gathering


async def test_place_that_is_given_to_one_who_leaves_goes_on(callers: dict[str, Caller]) -> None:
    quota = ConnectionQuota(1, 10, lambda: NOW)
    seattle = callers["seattle"]
    assert await settled(hold(quota, seattle)) == [True]
    leaving = hold(quota, seattle)
    assert await settled(leaving) == [False]
    quota.release(seattle.identity)  # to the one who leaves in the same moment
    leaving.cancel()
    await settled(leaving)
    assert await settled(hold(quota, seattle)) == [True]


async def test_one_whose_time_is_up_is_passed_over(callers: dict[str, Caller]) -> None:
    quota = ConnectionQuota(1, 10, lambda: NOW)
    seattle = callers["seattle"]
    assert await settled(hold(quota, seattle)) == [True]
    leaving, waiting = hold(quota, seattle), hold(quota, seattle)
    assert await settled(leaving, waiting) == [False, False]
    leaving.cancel()
    quota.release(seattle.identity)  # while the one who leaves has not run since
    assert await settled(leaving, waiting) == [False, True]
    quota.release(seattle.identity)
    assert not quota._waiting
    assert not quota._held


def test_requests_of_a_minute_are_counted_in_this_process(callers: dict[str, Caller]) -> None:
    now = NOW + 7
    budgets = Budgets(Budget(calls_per_minute=2), connections=2, clock=lambda: now)
    budgets.count_request(callers["seattle"])
    budgets.count_request(callers["seattle"])
    with pytest.raises(Busy) as caught:
        budgets.count_request(callers["seattle"])
    assert caught.value.retry_after_seconds == 53
    budgets.count_request(callers["redmond"])
    assert budgets.requests(callers["redmond"]) == 1
    now += 53
    assert budgets.requests(callers["redmond"]) == 0
    budgets.count_request(callers["seattle"])


async def test_flood_is_turned_away_at_the_edge(
    seeded_clone: Database, home: StateDirectory, context_keys: list[str], tokens: dict[str, str]
) -> None:
    settings = Settings.model_validate(
        {"ZAVA_HOME": home.path, "ZAVA_BUDGET_CALLS_PER_MINUTE": "2"}
    )
    served = compose(settings, conninfo=seeded_clone.server, context_keys=context_keys)

    async def ask(name: str) -> Any:
        params = {"name": "get_current_utc_date", "arguments": {}}
        headers, body = request(MODERN, "tools/call", params, tokens[name])
        return await served.endpoint.handle("POST", "/mcp", headers, body)

    refused = ["retry-after" in (await ask("seattle")).headers for _ in range(4)]
    # A minute of the clock may end in between: then the count begins anew.
    assert 1 <= sum(refused) <= 2
    served.pool.times_opened = 0
    for _ in range(3):
        answer = await ask("seattle")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    result = orjson.loads(answer.body)["result"]
    assert result["isError"] is True
    assert result["content"][0]["text"].startswith("BUSY: You have used this minute's calls. Hint:")
    error = result["_meta"][ERROR_META]
    assert error["code"] == "BUSY"
    assert error["retry_after_seconds"] == int(answer.headers["retry-after"])
    assert "Try again in" in error["hint"]
    assert served.pool.times_opened == 0
    assert "retry-after" not in (await ask("redmond")).headers
    await served.close()


def test_defaults_are_such_that_a_person_never_meets_them() -> None:
    laptop = Settings()
    assert laptop.calls_at_once == laptop.calls_per_minute == 0
    assert laptop.database_seconds_per_hour == 0
    azure = Settings.model_validate({"WEBSITE_INSTANCE_ID": "1"})
    assert azure.calls_per_minute >= 20 * 60
    assert azure.database_seconds_per_hour >= 15 * 60
    assert azure.calls_at_once >= 16
    chosen = Settings.model_validate(
        {"ZAVA_BUDGET_CALLS_PER_MINUTE": 7, "ZAVA_BUDGET_DATABASE_SECONDS_PER_HOUR": 9}
    )
    assert (chosen.calls_per_minute, chosen.database_seconds_per_hour) == (7, 9)
