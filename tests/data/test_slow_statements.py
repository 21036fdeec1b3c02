"""A slow statement is told after its answer, with the plan that its caller has, without a value."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest

from tests.security.legitimate import COST, read_legitimate
from tests.support.servers.database import Database, until_asleep
from zava import call_context
from zava.data.named_queries import statement
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.operations import Statement
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.usage.budgets import Budget, Budgets
from zava.data.usage.query_stats import QueryStatsCollector
from zava.errors import Busy, DatabaseFault, QueryRefused, QueryTimeout, ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.access_rules import STORE_MANAGERS
from zava.retail.declaration import RETAIL

SLOW = "SELECT count(*) FROM retail.orders AS planted_name, pg_sleep(0.1) WHERE status <> 'planted'"
LINE = re.compile(
    r" *[A-Z][A-Za-z]+( [A-Z][A-Za-z]+)*( left| right| full| semi| anti| right semi| right anti)?"
    r"( using (?P<index>\w+))?( on (?P<table>\w+))?  rows=\d+ cost=\d+|…"
)

Make = Callable[..., TenantDatabase]


@pytest.fixture
async def make(database: Database, signer: ContextSigner) -> AsyncIterator[Make]:
    """Make tenancies to which almost every statement is slow; all is told when they close."""
    async with AsyncExitStack() as opened:

        def join(*, slow_seconds: float = 0.000001, **options: Any) -> TenantDatabase:
            pool = DatabasePool(database.server, max_size=3)
            monitor = QueryStatsCollector(slow_seconds=slow_seconds)
            tenancy = TenantDatabase(
                pool, signer, IsolationCheck(pool, signer, RETAIL), monitor=monitor, **options
            )
            opened.push_async_callback(pool.close)
            opened.push_async_callback(tenancy.close)
            return tenancy

        yield join


async def told(
    tenancy: TenantDatabase, caplog: pytest.LogCaptureFixture, query_type: str = "free"
) -> list[dict[str, Any]]:
    """Return the lines about slow statements, once all of them have been told."""
    await tenancy.close()
    records = [one.__dict__ for one in caplog.records if one.getMessage() == "slow query"]
    return [one for one in records if one["type"] == query_type]


@pytest.mark.requirement("S31")
@pytest.mark.requirement("S112")
@pytest.mark.parametrize("name", ["seattle", "eastside", "head-office"])
async def test_slow_statement_is_told_with_the_plan_of_its_caller(
    make: Make, callers: dict[str, Caller], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    tenancy = make(slow_seconds=0.1)
    for _ in range(2):
        before = len(caplog.records)
        assert (await tenancy.run(callers[name], SLOW, max_rows=1)).rows
        while len(caplog.records) == before:  # a second one meanwhile would have no plan yet
            await tenancy.effective_access(callers[name])  # time passes
    first, second = await told(tenancy, caplog)
    assert any("on orders" in line for line in first["plan"])
    assert first["plan"] == second["plan"]
    assert "planted" not in str([first, second])
    slow = next(one for one in tenancy.performance().costliest if one.slow)
    assert (slow.count, slow.slow, slow.query_type) == (2, 2, "free")
    assert list(slow.plan) == first["plan"]


async def test_answer_does_not_wait_for_the_plan(
    make: Make,
    callers: dict[str, Caller],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zava.data.usage.query_stats._CLOSE_SECONDS", 0)
    tenancy = make()
    asked = asyncio.Event()

    async def never(*_: object) -> list[str]:
        asked.set()
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(tenancy._executor, "explain", never)
    assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows
    await asked.wait()
    assert await told(tenancy, caplog) == []  # it ended with the process


async def test_plan_of_every_legitimate_statement_names_tables_indexes_and_nothing_else(
    make: Make, database: Database, callers: dict[str, Caller]
) -> None:
    tenancy = make(slow_seconds=60)
    seattle = callers["seattle"]
    await tenancy.run(seattle, "SELECT 1", max_rows=1)
    with psycopg.connect(database.owner) as owner:
        rows = owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'retail'::regnamespace"
        )
        known = {name for (name,) in rows}
    steps = 0
    for legitimate in read_legitimate():
        try:
            plan = await tenancy._executor.explain(seattle, Statement(legitimate.sql))
        except QueryRefused:  # a column that is not for store managers: neither answer nor plan
            assert COST in legitimate.marks, legitimate.sql
            continue
        steps += len(plan)
        assert 0 < len(plan) <= 61
        for line in plan:
            found = LINE.fullmatch(line)
            assert found is not None, (legitimate.sql, line)
            assert {found["index"], found["table"]} <= known | {None}, legitimate.sql
    assert steps > 1000


async def test_our_own_statement_is_explained_with_its_values_and_shows_none(
    make: Make, callers: dict[str, Caller], caplog: pytest.LogCaptureFixture
) -> None:
    tenancy = make()
    sql = "SELECT order_id FROM retail.orders WHERE status = ($1->>'planted')"
    await tenancy.read(callers["seattle"], sql, {"planted": "planted"})
    (line,) = [one for one in await told(tenancy, caplog, "own") if "on orders" in str(one["plan"])]
    assert "planted" not in str(line)


async def test_question_who_somebody_is_has_no_plan(
    make: Make, callers: dict[str, Caller], caplog: pytest.LogCaptureFixture
) -> None:
    tenancy = make()
    await tenancy.effective_access(callers["seattle"])
    (line,) = await told(tenancy, caplog, "own")
    assert line["plan"] == []


async def test_statement_that_ran_out_of_time_is_explained(
    make: Make, callers: dict[str, Caller], caplog: pytest.LogCaptureFixture
) -> None:
    tenancy = make(slow_seconds=0.1)
    await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    call = call_context.begin(None, seconds=2.2)  # two of them are for the server's own end
    with call_context.use(call), pytest.raises(QueryTimeout):
        await tenancy.run(callers["seattle"], SLOW.replace("0.1", "20"), max_rows=1)
    (line,) = await told(tenancy, caplog)
    assert "on orders" in str(line["plan"])


async def test_statement_that_was_refused_is_not_explained(
    make: Make, callers: dict[str, Caller], caplog: pytest.LogCaptureFixture
) -> None:
    tenancy = make()
    with pytest.raises(DatabaseFault):
        await tenancy.run(
            callers["seattle"], "SELECT nothing FROM retail.orders", max_rows=1, is_heavy=True
        )
    (line,) = await told(tenancy, caplog)
    assert line["plan"] == []


async def test_statement_that_was_cancelled_is_not_told(
    make: Make, callers: dict[str, Caller], caplog: pytest.LogCaptureFixture
) -> None:
    tenancy = make(slow_seconds=0.1)
    await tenancy.read(callers["seattle"], statement("scope", RETAIL.package))
    call = asyncio.ensure_future(tenancy.run(callers["seattle"], "SELECT pg_sleep(20)", max_rows=1))
    await asyncio.wait({call}, timeout=0.3)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await told(tenancy, caplog) == []


async def test_plan_is_asked_for_within_the_budget_and_takes_none_of_the_calls_at_once(
    make: Make, callers: dict[str, Caller], database: Database
) -> None:
    seattle = callers["seattle"]
    single = make(budgets=Budgets(Budget(calls_at_once=1), connections=3), slow_seconds=60)
    await single.run(seattle, "SELECT 1", max_rows=1)
    running = asyncio.ensure_future(single.run(seattle, "SELECT pg_sleep(20)", max_rows=1))
    await until_asleep(database, 1)
    with pytest.raises(Busy, match="limit of concurrent calls"):
        await single.run(seattle, "SELECT 1", max_rows=1)
    assert await single._executor.explain(seattle, Statement("SELECT 1")) == [
        "Result  rows=1 cost=0"
    ]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    spent = make(budgets=Budgets(Budget(calls_per_minute=1), connections=3), slow_seconds=60)
    spent._executor.learn(seattle, STORE_MANAGERS.personal_role)
    spent._executor.trail._unwritten[seattle.identity] = (1, 0.0)
    with pytest.raises(Busy):
        await spent._executor.explain(seattle, Statement("SELECT 1"))


async def test_caller_s_own_statement_gets_no_plan_from_the_weigher(
    make: Make, callers: dict[str, Caller]
) -> None:
    """Behind the guard, too: it holds no signature of the text that it wants explained."""
    weighing = (
        "SELECT zava.weigh_store_managers(1, gen_random_uuid(), gen_random_uuid(),"
        " extract(epoch FROM now())::bigint + 60, gen_random_uuid(), ''::bytea,"
        " 'SELECT 1', '')"
    )
    with pytest.raises(ZavaError):
        await make().run(callers["seattle"], weighing, max_rows=1)
