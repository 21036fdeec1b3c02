"""The head office's answer is the sum of what its stores answer, for each metric that adds up.

A database of several nodes may so ask each store's node and add the answers.
"""

import random
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.metrics import naive
from tests.support.servers.seeded import TODAY
from zava.data.metrics.catalog import UNITS, Catalogue
from zava.data.metrics.reader import MetricReader
from zava.model.core import Caller
from zava.model.fiscal_calendar import fiscal_calendar
from zava.model.metrics import MetricFilter, MetricQuery
from zava.retail.demo.stores import STORES
from zava.service.metrics.periods import parse_period

QUESTIONS_EACH = 3
OF_STORES = {"store", "region", "channel"}
PERIODS = ("last month", "last quarter", "this year", "last 12 months", "2024-02-10..2024-03-05")
# Each counts or divides something that several stores share.
NOT_OVER_STORES = {
    *("discount_rate", "average_order_value", "units_per_order", "average_unit_price"),
    *("products_sold", "gross_margin_percent", "refund_rate", "repeat_rate", "lifetime_value"),
    *("days_since_last_purchase", "weeks_of_supply", "sell_through", "like_for_like_growth"),
    *("people", "target_attainment"),
}


def test_each_metric_states_whether_it_adds_up_over_stores(catalogue: Catalogue) -> None:
    adding = {name for name, each in catalogue.metrics.items() if "store" in each.additive_over}
    assert set(catalogue.metrics) - adding == NOT_OVER_STORES
    for name in adding:
        assert set(catalogue.metrics[name].additive_over) >= OF_STORES, name


@pytest.mark.slow
async def test_the_chain_is_the_sum_of_its_stores(
    metrics: MetricReader, callers: dict[str, Caller], catalogue: Catalogue
) -> None:
    draw = random.Random(20260630)  # noqa: S311  # the same cases in each run
    compared = 0
    for metric in sorted(set(catalogue.metrics) - NOT_OVER_STORES):
        free = [each for each in naive.allowed_dimensions(metric) if each not in OF_STORES]
        for number in range(QUESTIONS_EACH):
            dimensions = tuple(draw.sample(free, min(number, len(free))))
            period = parse_period(draw.choice(PERIODS), TODAY)
            query = MetricQuery(
                (metric,),
                period,
                TODAY,
                dimensions=dimensions,
                limit=100_000,
                fiscal=fiscal_calendar(None, "4-5-4"),
            )
            chain = await _groups(metrics, callers["head-office"], query)
            stores: dict[Any, Decimal] = defaultdict(Decimal)
            for store in STORES:
                caller, asked = callers[store.short_name.lower()], query
                if metric in naive.RESTRICTED:  # a store's manager reads no cost
                    caller = callers["head-office"]
                    asked = replace(query, filters=(MetricFilter("store", "=", (store.name,)),))
                for group, value in (await _groups(metrics, caller, asked)).items():
                    stores[group] += value
            # Each store's answer was rounded for itself.
            slack = len(STORES) * Decimal(1).scaleb(-UNITS[catalogue.metrics[metric].unit])
            assert chain.keys() == stores.keys(), query
            for group, value in chain.items():
                assert abs(value - stores[group]) <= slack / 2, (query, group)
                compared += 1
    assert compared > 500


async def _groups(
    metrics: MetricReader, caller: Caller, query: MetricQuery
) -> dict[tuple[Any, ...], Decimal]:
    """Return the figure of each group; customers by their keys."""
    asking = replace(caller, permissions=frozenset())
    answer = (await metrics.measure(asking, {"q": query})).answers["q"]
    assert answer.group_count == len(answer.rows)
    return {tuple(row[:-1]): Decimal(str(row[-1] or 0)) for row in answer.rows}
