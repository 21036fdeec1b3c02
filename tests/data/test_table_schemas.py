"""What the schema tool says, to whom."""

import pytest

from zava.data.retail import RetailData
from zava.errors import InvalidInput
from zava.model import Caller


async def test_table_schemas_show_what_the_audience_reads_and_own_values(
    tenancy: RetailData, callers: dict[str, Caller]
) -> None:
    for name, hidden in (("seattle", True), ("head-office", False), ("redmond", True)):
        tables, scope = await tenancy.table_schemas(
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


async def test_unknown_table_is_answered_with_the_nearest(
    tenancy: RetailData, callers: dict[str, Caller]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await tenancy.table_schemas(callers["seattle"], ["retail.order_item"])
    assert "retail.order_items" in caught.value.hint
