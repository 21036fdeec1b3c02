"""Best weekday and hour, customers by name where that is allowed, brands, refunds, reorders."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.metrics import naive
from tests.support.answers.asking import AskTool
from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY
from zava.data.metrics.reader import MetricReader
from zava.errors import InvalidInput, NotPermitted
from zava.model.audiences import SQL_QUERY
from zava.model.core import Caller
from zava.model.metrics import Comparison, MetricFilter, MetricOrder, MetricQuery
from zava.service.metrics.periods import parse_period


def asked(metric: str, *dimensions: str, period: str = "2025", **parts: Any) -> MetricQuery:
    return MetricQuery(
        (metric,), parse_period(period, TODAY), TODAY, dimensions=dimensions, **parts
    )


async def answer(reader: MetricReader, caller: Caller, query: MetricQuery) -> list[list[Any]]:
    return (await reader.measure(caller, {"q": query})).answers["q"].rows


async def test_best_weekday_and_hour_come_first(
    metrics: MetricReader, callers: dict[str, Caller], exported: naive.Exported
) -> None:
    lines = [row for row in exported.of("seattle").lines if row["date"].year == 2025]
    for dimension in ("weekday", "hour"):
        rows = await answer(metrics, callers["seattle"], asked("revenue", dimension))
        sums: Counter[str] = Counter()
        for line in lines:
            sums[line[dimension]] += line["total_amount"]
        assert [row[0] for row in rows] == [label for label, _ in sums.most_common()]
        assert [Decimal(str(row[1])) for row in rows] == [value for _, value in sums.most_common()]


async def test_weekday_of_a_year_before_is_its_own(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    """By the calendar, the same dates lie on other weekdays: labels are not moved with them."""
    rows = await answer(
        metrics,
        callers["seattle"],
        asked("orders", "weekday", compare=Comparison.PREVIOUS_YEAR_DATE, period="2025"),
    )
    before = await answer(metrics, callers["seattle"], asked("orders", "weekday", period="2024"))
    assert {row[0]: row[2] for row in rows} == {row[0]: row[1] for row in before}


async def test_customers_are_told_apart_and_named_only_where_token_and_grant_allow_it(
    metrics: MetricReader, callers: dict[str, Caller], database: Database
) -> None:
    best = asked("revenue", "customer", limit=5)
    without = replace(callers["seattle"], permissions=frozenset({SQL_QUERY}))
    by_key = await answer(metrics, without, best)
    by_name = await answer(metrics, callers["seattle"], best)
    assert [row[1] for row in by_key] == [row[1] for row in by_name]
    with psycopg.connect(database.owner) as owner:
        for (label, _), (named, _) in zip(by_key, by_name, strict=True):
            key = label.removeprefix("Customer ")
            found = owner.execute(
                "SELECT first_name, last_name FROM retail.customers WHERE customer_id::text LIKE %s",
                [f"%{key}"],
            ).fetchall()
            (person,) = found
            assert named == f"{person[0]} {person[1]} [{key}]"
            assert person[1] not in label
    one = asked("revenue", filters=(MetricFilter("customer", "=", (by_key[0][0],)),))
    assert await answer(metrics, without, one) == [[by_key[0][1]]]
    named_one = asked("revenue", filters=(MetricFilter("customer", "=", (by_name[0][0],)),))
    assert await answer(metrics, callers["seattle"], named_one) == [[by_name[0][1]]]
    with pytest.raises(InvalidInput, match="no customer in your scope"):
        await answer(metrics, without, named_one)


async def test_refund_rate_counts_refunded_orders_among_those_not_cancelled(
    metrics: MetricReader, callers: dict[str, Caller], exported: naive.Exported
) -> None:
    placed = [row for row in exported.placed if row["date"].year == 2025]
    refunded = sum(row["status"] == "refunded" for row in placed)
    ((rate,),) = await answer(metrics, callers["head-office"], asked("refund_rate"))
    assert 0 < rate == pytest.approx(100 * refunded / len(placed), abs=0.006)


async def test_reorder_list_has_quantity_and_urgency(
    metrics: MetricReader, callers: dict[str, Caller], exported: naive.Exported
) -> None:
    rows = await answer(
        metrics,
        callers["seattle"],
        asked(
            "reorder_quantity",
            "product",
            "reorder_urgency",
            filters=(MetricFilter("reorder_urgency", "in", ("now", "high", "soon")),),
            order_by=(MetricOrder("reorder_quantity"),),
            limit=1000,
        ),
    )
    stock = {row["product"]: row for row in exported.of("seattle").stock}
    wanted = {name for name, row in stock.items() if row["reorder_urgency"] != "none"}
    assert {row[0] for row in rows} == wanted
    for product, urgency, quantity in rows:
        kept = stock[product]
        assert urgency == kept["reorder_urgency"]
        assert quantity == 2 * kept["reorder_point"] - kept["stock_level"]


@pytest.mark.parametrize(
    ("name", "metric"),
    [("basket size", "units_per_order"), ("stock_cover", "weeks_of_supply")],
)
async def test_words_of_the_shop_floor_name_the_same_metric(
    metrics: MetricReader, callers: dict[str, Caller], name: str, metric: str
) -> None:
    told = (await metrics.measure(callers["seattle"], {"q": asked(name)})).answers["q"]
    assert [column.name for column in told.columns] == [metric]


async def test_store_that_is_nearly_ones_own_is_a_mistake_and_no_denied_call(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    for name in ("Seatle", "Zava Retail Seattl", "SEATTEL"):
        with pytest.raises(InvalidInput) as caught:
            await answer(
                metrics,
                callers["seattle"],
                asked("revenue", filters=(MetricFilter("store", "=", (name,)),)),
            )
        assert caught.value.hint == "Nearest: Zava Retail Seattle."
    with pytest.raises(NotPermitted) as denied:
        await answer(
            metrics,
            callers["seattle"],
            asked("revenue", filters=(MetricFilter("store", "=", ("Redmond",)),)),
        )
    assert "compare_with_chain" in denied.value.hint


async def test_what_is_no_metric_points_to_the_tables(ask_tool: AskTool) -> None:
    for arguments in (
        {"metrics": ["shipping_cost"]},
        {"metrics": ["units"], "dimensions": ["age"]},
    ):
        told = await ask_tool("seattle", "query_metrics", arguments)
        assert told.is_error
        assert "execute_sales_query" in told.content["hint"]
        assert "retail.orders" in told.content["hint"]
