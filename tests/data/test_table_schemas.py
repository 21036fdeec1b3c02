"""What the schema tool says, to whom."""

import psycopg
import pytest

from tests.support.servers.database import Cluster
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import InvalidInput
from zava.infrastructure.postgres.access_grants import grant
from zava.infrastructure.postgres.pool import DatabasePool
from zava.infrastructure.telemetry.aggregator import InstrumentAggregator
from zava.model.core import Caller
from zava.retail.declaration import RETAIL
from zava.telemetry import sinks
from zava.telemetry.instruments import CacheType


async def test_table_schemas_show_what_the_audience_reads_and_own_values(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    for name, hidden in (("seattle", True), ("head-office", False), ("redmond", True)):
        tables, scope = await free_query.table_schemas(
            callers[name], ["retail.products", "Stores", "orders", "retail.orders"]
        )
        products, stores, orders = tables
        assert [column.name == "cost" for column in products.columns].count(True) == (not hidden)
        names = next(column for column in stores.columns if column.name == "store_name").values
        assert names == scope.stores
        status = next(column for column in orders.columns if column.name == "status")
        assert status.values == ("pending", "completed", "cancelled", "refunded")
        assert orders.primary_key == ("store_id", "order_id")
        assert {key.table for key in orders.foreign_keys} == {"retail.customers", "retail.stores"}


@pytest.mark.requirement("S121")
async def test_structure_is_learnt_once_for_each_audience(
    unguarded: TenantDatabase, callers: dict[str, Caller]
) -> None:
    metrics = InstrumentAggregator()
    sinks.attach(metrics)
    data = FreeQuery(unguarded, RETAIL)
    for name in ("seattle", "redmond", "head-office"):
        await data.table_schemas(callers[name], ["stores"])
    sinks.detach(metrics)
    told = [metrics.counter(name, CacheType.SCHEMA) for name in ("cache_hit", "cache_miss")]
    assert told == [1, 2]


async def test_unknown_table_is_answered_with_the_nearest(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await free_query.table_schemas(callers["seattle"], ["retail.order_item"])
    assert "retail.order_items" in caught.value.hint


async def test_structure_is_described_before_the_first_store(
    cluster: Cluster, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    office = callers["head-office"]
    with cluster.database("no_store") as empty:
        with psycopg.connect(empty.admin, autocommit=True) as admin:
            grant(
                admin,
                RETAIL,
                caller=office,
                display_name="office",
                audience="head_office",
                stores=(),
            )
        pool = DatabasePool(empty.server, max_size=1)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        tables, scope = await FreeQuery(tenancy, RETAIL).table_schemas(office, ["stores", "orders"])
        await pool.close()
    assert scope.stores == ()
    assert [table.name for table in tables] == ["retail.stores", "retail.orders"]
    names = next(column for column in tables[0].columns if column.name == "store_name")
    assert names.values == ()
