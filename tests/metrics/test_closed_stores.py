"""A store that closed: no forecast goes on with it, and no ranking counts it among whole ones."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from tests.support.servers.database import Cluster, Database
from tests.support.servers.seeded import TODAY, result_cache
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.reader import MetricReader
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.metrics import MetricAnswer, MetricFilter, MetricOrder
from zava.retail.declaration import RETAIL
from zava.service.metrics.query import MetricQueries

CLOSED = "Zava Retail Tacoma"
_OTHERS = (MetricFilter("store", "!=", (CLOSED,)),)
_FORECAST: dict[str, Any] = {
    "metrics": ["revenue", "orders"],
    "dimensions": ["month"],
    "forecast_periods": 3,
}


@pytest.fixture(scope="module")
async def closing(
    cluster: Cluster, seeded_template: Database, signer: ContextSigner, catalogue: Catalogue
) -> AsyncIterator[MetricQueries]:
    """The metrics of a chain of which one store closed on 20 May."""
    with cluster.database("closed", template=seeded_template) as database:
        with psycopg.connect(database.owner) as owner:
            owner.execute(
                "UPDATE retail.stores SET closed_on = '2026-05-20' WHERE store_name = %s", [CLOSED]
            )
            owner.execute(
                "UPDATE retail.orders SET status = 'cancelled' WHERE order_date >= '2026-05-21'"
                " AND store_id = (SELECT store_id FROM retail.stores WHERE store_name = %s)",
                [CLOSED],
            )
        pool = DatabasePool(database.server, max_size=1, max_waiting=16)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        cache = result_cache(tenancy, MemoryStore(1), ttl_seconds=0)
        yield MetricQueries(MetricReader(tenancy, cache, catalogue), lambda: TODAY)
        await pool.close()


async def test_forecast_leaves_out_the_closed_store_and_names_it(
    closing: MetricQueries, callers: dict[str, Caller]
) -> None:
    office = callers["head-office"]
    everything = await closing.query(office, **_FORECAST)
    others = await closing.query(office, **_FORECAST, filters=_OTHERS)
    assert everything.forecasts == others.forecasts
    assert len(everything.forecasts) == 2
    note = f"The forecast leaves out closed stores: {CLOSED}."
    assert note in everything.notes
    assert note not in others.notes
    # What it sold stays in the figures.
    assert everything.figures.rows != others.figures.rows


async def test_store_that_is_closed_has_no_forecast(
    closing: MetricQueries, callers: dict[str, Caller]
) -> None:
    alone = (MetricFilter("store", "=", (CLOSED,)),)
    answer = await closing.query(callers["head-office"], **_FORECAST, filters=alone)
    assert answer.forecasts == ()
    assert f"The forecast leaves out closed stores: {CLOSED}." in answer.notes


async def rank(
    closing: MetricQueries, caller: Caller, period: str, *, is_descending: bool
) -> MetricAnswer:
    return await closing.query(
        caller,
        metrics=["revenue"],
        dimensions=["store"],
        time_period=period,
        order_by=[MetricOrder("revenue", is_descending)],
    )


@pytest.mark.parametrize("is_descending", [True, False])
async def test_store_that_closed_within_the_period_comes_last_and_is_marked(
    closing: MetricQueries, callers: dict[str, Caller], *, is_descending: bool
) -> None:
    office = callers["head-office"]
    cut = await rank(closing, office, "2026-05", is_descending=is_descending)
    assert cut.figures.rows[-1][0] == CLOSED
    assert cut.figures.partial == {CLOSED: "closed after 2026-05-20"}
    whole = await rank(closing, office, "2026-04", is_descending=is_descending)
    values = [row[1] for row in whole.figures.rows]
    assert values == sorted(values, reverse=is_descending)
    assert whole.figures.partial == {}
    without = await rank(closing, callers["seattle"], "2026-05", is_descending=is_descending)
    assert without.figures.partial == {}
