"""A statement over the threshold is told with its plan, asked for as the caller, without a value."""

import asyncio
import json

import psycopg
import pytest

from tests.database import Database
from zava.data.context import ContextSigner
from zava.data.guard.parsing import parsing_thread
from zava.data.monitor import QueryMonitor
from zava.data.statements import statement
from zava.data.tenancy import Tenancy
from zava.data.verification import Verification
from zava.infrastructure.pool import DatabasePool
from zava.model import Caller

SLOW = "SELECT count(*) FROM retail.orders, pg_sleep(0.1) WHERE status <> 'planted'"


class OwnersExplainer:
    """Plans as the cluster's owner: the tests' own, since no runner may explain."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked: list[Caller] = []

    async def explain(self, caller: Caller, sql: str) -> str:
        self.asked.append(caller)

        def plan() -> str:
            with psycopg.connect(self._database.owner) as owner:
                row = owner.execute(f"EXPLAIN (FORMAT JSON) {sql}".encode()).fetchone()
            assert row is not None
            return json.dumps(row[0])

        return await asyncio.to_thread(plan)


@pytest.mark.requirement("S31")
@pytest.mark.requirement("S112")
async def test_slow_statement_is_told_with_the_plan_of_its_caller(
    database: Database,
    pool: DatabasePool,
    signer: ContextSigner,
    callers: dict[str, Caller],
    caplog: pytest.LogCaptureFixture,
) -> None:
    explainer = OwnersExplainer(database)
    monitor = QueryMonitor(slow_seconds=0.1)
    tenancy = Tenancy(
        pool, signer, Verification(pool, signer), monitor=monitor, explainer=explainer
    )
    await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    for _ in range(2):
        await tenancy.run(callers["seattle"], SLOW, max_rows=1)
    assert explainer.asked == [callers["seattle"]], "once for each shape"
    told = [record.__dict__ for record in caplog.records if record.getMessage() == "slow query"]
    assert len(told) == 2
    assert "on orders" in " ".join(told[0]["plan"])
    assert "planted" not in str(told)
    parsing_thread().submit(int).result()
    slow = next(one for one in tenancy.performance().costliest if one.slow)
    assert (slow.count, slow.slow, slow.query_type) == (2, 2, "free")
    assert list(slow.plan) == told[0]["plan"]


async def test_statements_of_ours_and_cancelled_ones_are_not_explained(
    database: Database, pool: DatabasePool, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    explainer = OwnersExplainer(database)
    tenancy = Tenancy(
        pool,
        signer,
        Verification(pool, signer),
        monitor=QueryMonitor(slow_seconds=0.00001),
        explainer=explainer,
    )
    await tenancy.read(callers["seattle"], statement("scope"), {"nothing": 1})
    asked = len(explainer.asked)
    call = asyncio.ensure_future(tenancy.run(callers["seattle"], "SELECT pg_sleep(20)", max_rows=1))
    await asyncio.wait({call}, timeout=0.3)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(explainer.asked) == asked
