"""No verdict on cost follows another store's rows: bisecting it gives one answer for all."""

import pytest

from tests.security.oracle import LIMIT, NO_STORE, VERDICTS, correlation, largest_allowed
from tests.support.servers.database import Database
from zava.data.guard.cost.work import Work
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.data.syntax.parser import parse
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.declaration import RETAIL
from zava.retail.demo.stores import STORES


@pytest.mark.parametrize("comparison", VERDICTS)
async def test_bisected_verdict_is_the_same_for_every_store_and_for_none(
    database: Database, signer: ContextSigner, callers: dict[str, Caller], comparison: str
) -> None:
    pool = DatabasePool(database.server, max_size=1)
    data = FreeQuery(
        TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL)), RETAIL, most_rows=LIMIT
    )
    found = {
        await largest_allowed(data, callers["seattle"], "orders", comparison, store)
        for store in (*(str(store.store_id) for store in STORES), NO_STORE)
    }
    await pool.close()
    assert len(found) == 1
    assert found != {0}


@pytest.mark.parametrize("steps", [10, 1000, 100_000, 10_000_000])
def test_estimate_of_a_recursion_over_a_store_s_rows_is_the_same_for_every_store(
    steps: int,
) -> None:
    statement = (
        "WITH RECURSIVE r (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM r, retail.orders AS o"
        " WHERE o.store_id = '{}' AND k < {}) SELECT count(*) FROM r,"
        " generate_series(1, 100000) AS h WHERE (SELECT false)"
    )
    estimates = {
        Work(parse(statement.format(store, steps))[0]["stmt"]).visited
        for store in (*(str(store.store_id) for store in STORES), NO_STORE)
    }
    assert len(estimates) == 1


def test_guess_is_measured_against_the_truth() -> None:
    truth = {"a": 1, "b": 2, "c": 3}
    assert correlation({"a": 0.1, "b": 0.2, "c": 0.3}, truth) == 1
    assert correlation({"a": 0.3, "b": 0.2, "c": 0.1}, truth) == -1
