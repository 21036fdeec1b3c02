"""What the schema tool says, to whom."""

import pytest

from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import InvalidInput
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
