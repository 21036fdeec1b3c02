"""What the console keeps: through its functions alone, within the quota and the budgets."""

import asyncio

import psycopg
import pytest

from tests.support.suite.patience import patient
from zava.data.console_records import ConsoleRecords
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.usage.budgets import Budget, Budgets
from zava.errors import Busy, ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller

LIST = {"action": "list", "address": None, "title": None, "is_pinned": None}
SIGNED = "1, gen_random_uuid(), gen_random_uuid(), 0, gen_random_uuid(), '\\x00'::bytea, '{}'"


class Uncounted(AuditWriter):
    """A trail that holds two calls of a second each, which the database has not counted."""

    def unwritten(self, caller: Caller) -> tuple[int, float]:  # noqa: ARG002  # as the writer's
        return 2, 2000.0


@pytest.mark.parametrize("who", ["seattle", "head-office"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT address FROM zava.kept_questions",
        f"SELECT zava.keep_questions({SIGNED})",
        f"SELECT zava.operator_page({SIGNED})",
        "SELECT zava.audited(1, '')",
        "SELECT zava.forget_questions(NULL, true)",
    ],
)
async def test_role_of_an_audience_reaches_nothing_of_the_console(
    unguarded: TenantDatabase, callers: dict[str, Caller], who: str, statement: str
) -> None:
    with pytest.raises(ZavaError) as refused:
        await unguarded.run(callers[who], statement, max_rows=1)
    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        (Budget(calls_per_minute=2), "this minute's calls"),
        (Budget(database_seconds_per_hour=1), "this hour's database time"),
    ],
)
async def test_call_beyond_its_budget_is_refused_and_the_next_one_at_the_edge(
    pool: DatabasePool,
    signer: ContextSigner,
    callers: dict[str, Caller],
    budget: Budget,
    sentence: str,
) -> None:
    caller, trail = callers["kirkland"], Uncounted(pool)
    generous = Budgets(Budget(9, 100, 100), connections=1)
    assert await ConsoleRecords(pool, signer, generous, trail).change(caller, LIST) == []
    spent = Budgets(budget, connections=1)
    with pytest.raises(Busy, match=sentence):
        await ConsoleRecords(pool, signer, spent, trail).change(caller, LIST)
    with pytest.raises(Busy, match=sentence):
        spent.count_request(caller)


async def test_call_waits_for_its_callers_share_of_the_connections(
    pool: DatabasePool, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    budgets = Budgets(Budget(), connections=1)
    records = ConsoleRecords(pool, signer, budgets, Uncounted(pool))
    caller = callers["kirkland"]
    await budgets.quota.acquire(caller.identity, is_heavy=False)
    waiting = asyncio.ensure_future(records.change(caller, LIST))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await asyncio.shield(waiting)
    budgets.quota.release(caller.identity)
    async with asyncio.timeout(patient(10)):
        assert await waiting == []
