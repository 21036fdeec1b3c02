"""Kept answers: behind the entry, shared by one scope and no other, never stale, never an error."""

import asyncio
import time

import psycopg
import pytest

from tests.cache.cached import SQL, Asking, CountingTenancy, asking
from tests.support.servers.database import Database
from tests.support.servers.proxy import counting_proxy
from tests.support.servers.seeded import result_cache
from zava import call_context
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.errors import AccessDenied, Busy, DatabaseFault, QueryTimeout, ZavaError
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller, CallRecord
from zava.retail.declaration import RETAIL
from zava.retail.demo.stores import store_id


@pytest.mark.requirement("S116")
@pytest.mark.requirement("S119")
async def test_second_call_is_answered_from_memory_with_the_time_of_the_first(
    ask: Asking, callers: dict[str, Caller]
) -> None:
    first, second = await ask(callers["seattle"]), await ask(callers["seattle"])
    assert (first.is_cached, second.is_cached) == (False, True)
    assert second.reading == first.reading
    assert second.as_of == first.as_of
    assert second.reading.rows is not first.reading.rows  # nobody's change reaches another's answer
    assert ask.tenancy.statements == 1


@pytest.mark.requirement("S22")
@pytest.mark.requirement("S121")
async def test_hits_and_misses_are_counted(ask: Asking, callers: dict[str, Caller]) -> None:
    for name in ("seattle", "seattle", "redmond", "seattle"):
        await ask(callers[name])
    told = ask.cache.statistics
    assert (told.hits, told.misses, told.joined) == (2, 2, 0)
    assert told.hit_ratio == 0.5


async def test_hit_passes_the_entry_in_one_trip_and_a_miss_takes_two(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=1)
        tenancy = CountingTenancy(pool, signer, IsolationCheck(pool, signer, RETAIL))
        ask = Asking(tenancy, result_cache(tenancy, MemoryStore(300)))
        await ask(callers["seattle"], "SELECT 1 AS one")  # learns the scope's names
        trips = []
        for _ in range(2):
            before = proxy.round_trips
            await ask(callers["seattle"])
            trips.append(proxy.round_trips - before)
        assert trips == [2, 1]
        await pool.close()


async def test_no_two_scopes_share_an_answer(ask: Asking, callers: dict[str, Caller]) -> None:
    answers = {name: (await ask(caller)).reading for name, caller in callers.items()}
    again = {name: (await ask(caller)).reading for name, caller in callers.items()}
    assert again == answers
    assert len({str(answer.rows) for answer in answers.values()}) == len(callers)
    assert ask.tenancy.statements == len(callers)


@pytest.mark.requirement("S119")
async def test_fifty_that_miss_at_once_run_one_statement(
    ask: Asking, callers: dict[str, Caller]
) -> None:
    answers = await asyncio.gather(*(ask(callers["seattle"]) for _ in range(50)))
    assert ask.tenancy.statements == 1
    assert len({str(answer.reading.rows) for answer in answers}) == 1


@pytest.mark.requirement("S118")
async def test_lifetime_of_zero_keeps_nothing(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    memory = MemoryStore(300)
    async with asking(database.server, signer, memory, ttl_seconds=0) as ask:
        assert not (await ask(callers["seattle"])).is_cached
        assert not (await ask(callers["seattle"])).is_cached
        assert ask.tenancy.statements == 2
    assert memory.size_bytes == 0


@pytest.mark.requirement("S119")
async def test_errors_are_never_kept(ask: Asking, callers: dict[str, Caller]) -> None:
    for _ in range(2):
        with pytest.raises(DatabaseFault):
            await ask(callers["seattle"], "SELECT 1 / 0 AS x")
    assert ask.tenancy.statements == 2


@pytest.mark.requirement("S124")
async def test_revocation_holds_at_the_next_call_though_the_answer_is_kept(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        await ask(callers["seattle"])
        changing.execute(
            "UPDATE zava.principals SET active = false WHERE object_id = %s",
            [callers["seattle"].object_id],
        )
        with pytest.raises(AccessDenied):
            await ask(callers["seattle"])


@pytest.mark.requirement("S124")
async def test_another_scope_and_another_audience_hold_at_the_next_call(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        before = await ask(callers["seattle"])
        redmond = await ask(callers["redmond"])
        changing.execute(
            "UPDATE zava.principals SET store_ids = %s WHERE object_id = %s",
            [[store_id("Redmond")], callers["seattle"].object_id],
        )
        moved = await ask(callers["seattle"])
        assert moved.reading == redmond.reading  # the same scope: Redmond's kept answer
        assert moved.is_cached
        changing.execute(
            "UPDATE zava.principals SET audience = 'regional_managers', store_ids = %s WHERE object_id = %s",
            [[store_id("Redmond"), store_id("Seattle")], callers["seattle"].object_id],
        )
        both = await ask(callers["seattle"])
        assert both.reading.rows[0]["orders"] == (
            before.reading.rows[0]["orders"] + redmond.reading.rows[0]["orders"]
        )


async def test_one_that_leaves_does_not_end_what_others_wait_for(
    ask: Asking, callers: dict[str, Caller]
) -> None:
    gate, reached = asyncio.Event(), asyncio.Event()

    async def wait(_: Caller) -> None:
        reached.set()
        await gate.wait()

    ask.tenancy.before = wait
    first = asyncio.create_task(ask(callers["seattle"]))
    await reached.wait()
    second = asyncio.create_task(ask(callers["seattle"]))
    while ask.cache.statistics.joined == 0:
        await ask.tenancy.effective_access(callers["redmond"])  # time passes
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    assert (await second).reading.rows[0]["orders"] > 0
    assert ask.tenancy.statements == 1


async def test_statement_ends_when_the_last_that_waits_has_left(
    ask: Asking, callers: dict[str, Caller]
) -> None:
    ended, reached = asyncio.Event(), asyncio.Event()

    async def wait(_: Caller) -> None:
        reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    ask.tenancy.before = wait
    only = asyncio.create_task(ask(callers["seattle"]))
    await reached.wait()
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    await ended.wait()
    ask.tenancy.before = None
    assert (await ask(callers["seattle"])).reading.rows[0]["orders"] > 0


@pytest.mark.parametrize("leaving", [("first",), ("second", "first"), ("first", "second")])
async def test_time_of_a_statement_is_charged_whoever_leaves(
    ask: Asking, callers: dict[str, Caller], leaving: tuple[str, ...]
) -> None:
    reached, gate, working, charged = asyncio.Event(), asyncio.Event(), 0.0, 0.0

    async def work(_: Caller) -> None:
        nonlocal working
        record = call_context.record()
        assert record is not None
        reached.set()
        started = time.monotonic()
        try:
            await gate.wait()
        finally:  # as the executor does
            working = time.monotonic() - started
            record.database_seconds += working

    async def call(name: str) -> None:
        nonlocal charged
        caller = callers["seattle"]
        trace = call_context.begin(None)
        trace.record = CallRecord(caller, name)
        with call_context.use(trace):
            access = await ask.tenancy.effective_access(caller)
            before = trace.record.database_seconds
            try:
                await ask.cache.read(caller, access, SQL, {})
            finally:  # where the record is written: a later change would not be in it
                charged += trace.record.database_seconds - before

    ask.tenancy.before = work
    tasks = {"first": asyncio.create_task(call("first"))}
    await reached.wait()
    tasks["second"] = asyncio.create_task(call("second"))
    while ask.cache.statistics.joined == 0:
        await ask.tenancy.effective_access(callers["redmond"])  # time passes
    for name in leaving:
        tasks[name].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[name]
    gate.set()
    for name in tasks.keys() - set(leaving):
        await tasks[name]
    assert charged >= working > 0


async def test_waiting_caller_does_not_share_the_denial_or_the_new_scope_of_who_ran_it(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    """Two people of one scope; the one whose statement runs is changed just before it runs."""
    changing.execute(
        "UPDATE zava.principals SET store_ids = %s WHERE object_id = %s",
        [[store_id("Seattle")], callers["redmond"].object_id],
    )
    for change in ("active = false", f"store_ids = '{{{store_id('Tacoma')}}}'"):
        async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
            gate, reached = asyncio.Event(), asyncio.Event()

            async def wait(
                caller: Caller, gate: asyncio.Event = gate, reached: asyncio.Event = reached
            ) -> None:
                if caller == callers["seattle"]:
                    reached.set()
                    await gate.wait()

            ask.tenancy.before = wait
            ran = asyncio.create_task(ask(callers["seattle"]))
            await reached.wait()
            waits = asyncio.create_task(ask(callers["redmond"]))
            while ask.cache.statistics.joined == 0:
                await ask.tenancy.effective_access(callers["everett"])
            changing.execute(
                f"UPDATE zava.principals SET {change} WHERE object_id = %s",
                [callers["seattle"].object_id],
            )
            gate.set()
            assert (await waits).reading.scope.stores == ("Zava Retail Seattle",)
            if "active" in change:
                with pytest.raises(AccessDenied):
                    await ran
            else:
                assert (await ran).reading.scope.stores == ("Zava Retail Tacoma",)
            # What was read under another scope was not kept under this one's key.
            assert (await ask(callers["redmond"])).reading.scope.stores == ("Zava Retail Seattle",)
        changing.execute(
            "UPDATE zava.principals SET active = true, store_ids = %s WHERE object_id = %s",
            [[store_id("Seattle")], callers["seattle"].object_id],
        )


@pytest.mark.parametrize("failure", [Busy("The hour is used up."), QueryTimeout("Too slow.")])
async def test_waiting_caller_does_not_share_the_budget_or_deadline_of_who_ran_it(
    ask: Asking, callers: dict[str, Caller], failure: ZavaError
) -> None:
    gate, reached = asyncio.Event(), asyncio.Event()

    async def fail_first(_: Caller) -> None:
        if not reached.is_set():
            reached.set()
            await gate.wait()
            raise failure

    ask.tenancy.before = fail_first
    ran = asyncio.create_task(ask(callers["seattle"]))
    await reached.wait()
    waits = asyncio.create_task(ask(callers["seattle"]))
    while ask.cache.statistics.joined == 0:
        await ask.tenancy.effective_access(callers["redmond"])  # time passes
    gate.set()
    with pytest.raises(type(failure)):
        await ran
    assert (await waits).reading.rows[0]["orders"] > 0
    assert ask.tenancy.statements == 2


async def test_no_kept_answer_is_served_before_the_entry_answers(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with asking(database.server, signer, MemoryStore(300)) as ask:
        await ask(callers["seattle"])
        stranger = Caller(callers["seattle"].tenant_id, callers["seattle"].tenant_id)
        with pytest.raises(AccessDenied):
            await ask(stranger)


async def test_signature_of_a_statement_opens_no_scope_and_the_other_way_round(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    """What one function accepts the other refuses: each signs its own text."""
    signed = signer.sign(callers["seattle"], SQL)
    with psycopg.connect(database.server) as login:
        for call, accepted in ((signed, False), (signer.sign(callers["seattle"], "scope"), True)):
            login.execute("BEGIN READ ONLY")
            values = (
                call.key_id,
                call.tenant_id,
                call.object_id,
                call.expires,
                call.nonce,
                call.mac,
            )
            question = "SELECT audience FROM zava.scope(%s::int, %s::uuid, %s::uuid, %s::bigint, %s::uuid, %s)"
            if accepted:
                assert login.execute(question, values).fetchone() == ("store_managers_personal",)
                row = login.execute("SELECT current_setting('zava.context', true)").fetchone()
                assert row in {(None,), ("",)}  # asking mints no context
            else:
                with pytest.raises(psycopg.Error) as refused:
                    login.execute(question, values)
                assert refused.value.sqlstate == "ZA001"
            login.execute("ROLLBACK")
