"""Totals, comparisons, order and limits of the metrics' answers."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.support.servers.seeded import TODAY
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.reader import MetricReader
from zava.errors import NotPermitted
from zava.model.core import Caller
from zava.model.fiscal_calendar import fiscal_calendar
from zava.model.metrics import Comparison, MetricFilter, MetricOrder, MetricQuery, MetricRows
from zava.service.metrics.periods import parse_period


@pytest.fixture
def ask(metrics: MetricReader, callers: dict[str, Caller]) -> Any:
    async def ask(principal: str, *names: str, period: str = "2025", **parts: Any) -> MetricRows:
        fiscal = fiscal_calendar(None, "4-5-4")
        query = MetricQuery(names, parse_period(period, TODAY), TODAY, fiscal=fiscal, **parts)
        return (await metrics.measure(callers[principal], {"q": query})).answers["q"]

    return ask


@pytest.mark.slow
@pytest.mark.requirement("S16")
@pytest.mark.parametrize("principal", ["seattle", "eastside", "head-office"])
async def test_sum_over_a_dimension_is_the_total_exactly_where_the_catalogue_says_so(
    ask: Any, catalogue: Catalogue, principal: str
) -> None:
    """Also the other way round: a dimension that is not named does not add up somewhere."""
    adds_up: dict[tuple[str, str], bool] = {}
    for metric in catalogue.metrics.values():
        if metric.unit not in {"USD", "count"} or (metric.is_restricted and principal == "seattle"):
            continue
        if metric.needs_persons and principal != "head-office":
            continue
        for dimension in catalogue.dimensions.values():
            sources = {
                s
                for name, _ in catalogue.base_metrics(metric)
                for s in catalogue.metrics[name].expressions
            }
            if not sources & set(dimension.sources):
                continue
            if metric.formula and dimension.name not in metric.additive_over:
                continue
            answer = await ask(
                principal, metric.name, dimensions=(dimension.name,), limit=1000, with_totals=True
            )
            parts = sum(
                (Decimal(str(row[1])) for row in answer.rows if row[1] is not None), Decimal()
            )
            ((label, total),) = answer.totals
            assert label is None
            adds_up[metric.name, dimension.name] = parts == Decimal(str(total or 0))
    for (name, dimension_name), does in adds_up.items():
        if dimension_name in catalogue.metrics[name].additive_over:
            assert does, (name, dimension_name)
    assert not adds_up["orders", "category"]
    assert not adds_up["customers", "month"]
    assert not adds_up["products_sold", "month"]
    assert not adds_up["new_customers", "product"]


async def test_totals_of_two_dimensions_are_those_of_each_and_of_all(ask: Any) -> None:
    answer = await ask(
        "eastside",
        "revenue",
        "customers",
        dimensions=("store", "quarter"),
        with_totals=True,
        limit=100,
    )
    by_store = await ask("eastside", "revenue", "customers", dimensions=("store",))
    whole = await ask("eastside", "revenue", "customers")
    subtotals = {row[0]: row[2:] for row in answer.totals if row[0] is not None}
    assert subtotals == {row[0]: row[1:] for row in by_store.rows}
    assert [row[2:] for row in answer.totals if row[:2] == [None, None]] == whole.rows
    assert len(answer.rows) == answer.group_count == 12


async def test_comparison_is_the_same_question_to_the_other_period(ask: Any) -> None:
    for compare, before in (
        (Comparison.PREVIOUS_PERIOD, "2025-Q1"),
        (Comparison.PREVIOUS_YEAR, "2024-Q2"),
    ):
        beside = await ask(
            "head-office",
            "revenue",
            "discount_rate",
            period="2025-Q2",
            dimensions=("region",),
            compare=compare,
        )
        assert [column.name for column in beside.columns] == [
            *("region", "revenue", "revenue_previous", "revenue_change", "revenue_change_percent"),
            *("discount_rate", "discount_rate_previous", "discount_rate_change"),
        ]
        assert [c.unit for c in beside.columns] == [
            None,
            "USD",
            "USD",
            "USD",
            "percent",
            *["percent"] * 3,
        ]
        now = await ask(
            "head-office", "revenue", "discount_rate", period="2025-Q2", dimensions=("region",)
        )
        then = await ask(
            "head-office", "revenue", "discount_rate", period=before, dimensions=("region",)
        )
        earlier = {row[0]: row for row in then.rows}
        assert len(beside.rows) == len(now.rows) == 4
        for row, current in zip(beside.rows, now.rows, strict=True):
            region, revenue, previous, change, percent, rate, rate_before, points = row
            assert [region, revenue, rate] == current
            assert [previous, rate_before] == earlier[region][1:]
            assert change == pytest.approx(revenue - previous, abs=0.001)
            assert percent == pytest.approx(100 * (revenue - previous) / previous, abs=0.006)
            assert points == pytest.approx(rate - rate_before, abs=0.001)


async def test_months_stand_beside_the_same_months_a_year_earlier(ask: Any) -> None:
    answer = await ask(
        "seattle", "orders", period="2024", dimensions=("month",), compare=Comparison.PREVIOUS_YEAR
    )
    before = await ask("seattle", "orders", period="2023", dimensions=("month",))
    assert [row[0] for row in answer.rows] == [f"2024-{month:02}" for month in range(1, 13)]
    assert [row[2] for row in answer.rows] == [row[1] for row in before.rows]


async def test_group_of_one_period_alone_is_compared_with_nothing(ask: Any) -> None:
    answer = await ask(
        "seattle",
        "revenue",
        period="last month",
        dimensions=("product",),
        compare=Comparison.PREVIOUS_PERIOD,
        limit=1000,
    )
    gone = [row for row in answer.rows if row[1] == 0]
    came = [row for row in answer.rows if row[2] == 0]
    assert gone
    assert came
    assert all(row[4] is None for row in came)
    assert all(row[4] == -100 for row in gone)


async def test_series_run_forward_and_rankings_downward_and_both_may_be_turned(ask: Any) -> None:
    months = await ask("seattle", "revenue", dimensions=("month",))
    assert [row[0] for row in months.rows] == sorted(row[0] for row in months.rows)
    ranked = await ask("seattle", "revenue", "units", dimensions=("product",), limit=20)
    assert [row[1] for row in ranked.rows] == sorted((row[1] for row in ranked.rows), reverse=True)
    assert len(ranked.rows) == 20
    assert ranked.group_count > 20
    turned = await ask(
        "seattle",
        "revenue",
        "units",
        dimensions=("product",),
        order_by=(MetricOrder("units", is_descending=False), MetricOrder("product")),
        limit=20,
    )
    assert [row[2] for row in turned.rows] == sorted(row[2] for row in turned.rows)
    assert ranked.columns[0].is_outside_text


async def test_empty_period_gives_zeros_and_undefined_shares(ask: Any) -> None:
    names = ("revenue", "orders", "units", "average_order_value", "discount_rate", "customers")
    nothing = await ask("seattle", *names, period="2027")
    assert nothing.rows == [[0, 0, 0, None, None, 0]]
    assert (await ask("seattle", *names, period="2027", dimensions=("store",))).rows == []


async def test_day_ends_at_midnight_of_the_stores_and_not_of_utc(ask: Any) -> None:
    """Orders of the demo come until 20:00 in Los Angeles, which is the next day in UTC."""
    answer = await ask(
        "online", "orders", period="2025-07-01..2025-07-31", dimensions=("day",), limit=100
    )
    assert min(row[0] for row in answer.rows) >= "2025-07-01"
    assert max(row[0] for row in answer.rows) <= "2025-07-31"
    one = await ask("online", "orders", period="2025-07-04..2025-07-04")
    assert one.rows[0][0] == dict(answer.rows).get(str(date(2025, 7, 4)), 0)


async def test_each_operator_keeps_the_groups_that_it_names(ask: Any) -> None:
    async def kept(dimension: str, op: str, *values: str) -> set[str]:
        filters = (MetricFilter(dimension, op, values),)
        answer = await ask(
            "eastside", "units", dimensions=(dimension,), filters=filters, limit=1000
        )
        return {row[0] for row in answer.rows}

    whole = {
        dimension: {
            row[0] for row in (await ask("eastside", "units", dimensions=(dimension,))).rows
        }
        for dimension in ("category", "store", "month", "channel")
    }
    category, other, *_ = sorted(whole["category"])
    assert await kept("category", "!=", category.upper()) == whole["category"] - {category}
    assert await kept("category", "!=", category, other) == whole["category"] - {category, other}
    tools = {name for name in whole["category"] if "tool" in name.lower()}
    assert 0 < len(tools) < len(whole["category"])
    assert await kept("category", "contains", "TOOL") == tools
    assert await kept("category", "contains", "TOOL", category) == tools | {category}
    assert await kept("store", "contains", "redm") == {"Zava Retail Redmond"}
    assert await kept("store", "!=", "Redmond") == whole["store"] - {"Zava Retail Redmond"}
    assert await kept("channel", "contains", "sto") == {"store"}
    assert await kept("month", ">", "2025-06") == {m for m in whole["month"] if m > "2025-06"}
    assert await kept("month", "<", "2025-06") == {m for m in whole["month"] if m < "2025-06"}
    assert await kept("month", "!=", "2025-06", "2025-07") == whole["month"] - {
        "2025-06",
        "2025-07",
    }


@pytest.mark.parametrize("op", ["!=", "contains"])
async def test_another_store_and_no_store_are_one_answer_to_each_operator(
    ask: Any, op: str
) -> None:
    told = []
    for name in ("Redmond", "Nowhere"):
        with pytest.raises(NotPermitted) as caught:
            await ask("seattle", "units", filters=(MetricFilter("store", op, (name,)),))
        told.append((caught.value.message.replace(name, "…"), caught.value.hint))
    assert told[0] == told[1]


async def test_filters_on_different_dimensions_hold_together(ask: Any) -> None:
    filters = (
        MetricFilter("category", "in", ("Hand Tools", "Power Tools")),
        MetricFilter("month", "between", ("2025-03", "2025-05")),
    )
    answer = await ask("head-office", "units", dimensions=("category", "month"), filters=filters)
    assert {row[0] for row in answer.rows} == {"Hand Tools", "Power Tools"}
    assert {row[1] for row in answer.rows} == {"2025-03", "2025-04", "2025-05"}
