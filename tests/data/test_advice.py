"""Errors about columns name those that would have worked."""

import pytest

from zava.data.sql_query.free_query import FreeQuery
from zava.errors import DatabaseFault, QueryRefused
from zava.model.core import Caller


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM retail.products",
        "SELECT p FROM retail.products p",
        "SELECT row_to_json(p) FROM retail.products p",
    ],
)
async def test_hidden_column_is_answered_with_the_readable_ones(
    free_query: FreeQuery, callers: dict[str, Caller], sql: str
) -> None:
    with pytest.raises(QueryRefused) as caught:
        await free_query.run(callers["seattle"], sql, max_rows=1)
    assert caught.value.hint.startswith("Of retail.products you can read: product_id, sku, ")
    assert "cost" not in caught.value.hint
    assert "gross_margin" not in caught.value.hint


async def test_hidden_column_that_is_named_is_repeated_with_the_readable_ones(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = "SELECT p.sku, p.cost AS price FROM retail.products p ORDER BY price"
    with pytest.raises(QueryRefused) as caught:
        await free_query.run(callers["seattle"], sql, max_rows=1)
    assert caught.value.hint.startswith("You may not read cost. Of retail.products you can read: ")
    assert "gross_margin" not in caught.value.hint


async def test_head_office_reads_the_whole_product(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    table = await free_query.run(
        callers["head-office"], "SELECT * FROM retail.products", max_rows=1
    )
    assert "cost" in [column.name for column in table.columns]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "SELECT o.total FROM retail.orders o",
            "total_amount of retail.orders.",
        ),
        ("SELECT store_nam FROM retail.stores", "store_name of retail.stores"),
        ("SELECT Product_Nam FROM retail.products", "product_name of retail.products"),
    ],
)
async def test_unknown_column_is_answered_with_the_nearest(
    free_query: FreeQuery, callers: dict[str, Caller], sql: str, said: str
) -> None:
    with pytest.raises(DatabaseFault) as caught:
        await free_query.run(callers["seattle"], sql, max_rows=1)
    assert said in caught.value.hint


async def test_column_like_no_other_is_sent_to_the_schema_tool(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    with pytest.raises(DatabaseFault) as caught:
        await free_query.run(callers["seattle"], "SELECT zzzzqqq FROM retail.orders", max_rows=1)
    assert "get_multiple_table_schemas" in caught.value.hint
    assert "of retail.orders store_id, order_id, customer_id, order_date" in caught.value.hint
    with pytest.raises(DatabaseFault) as caught:
        await free_query.run(callers["seattle"], "SELECT zzzzqqq", max_rows=1)
    assert caught.value.hint == "Fetch the exact column names with get_multiple_table_schemas."


async def test_advice_never_names_what_another_audience_reads(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    await free_query.run(callers["head-office"], "SELECT 1", max_rows=1)
    with pytest.raises(DatabaseFault) as caught:
        await free_query.run(callers["seattle"], "SELECT costs FROM retail.products", max_rows=1)
    assert "cost " not in caught.value.hint
