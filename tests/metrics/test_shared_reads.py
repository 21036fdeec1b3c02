"""Questions of one statement share what they read, and answer as each does by itself."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.compiler import compile_plans
from zava.data.metrics.planner import plan
from zava.data.metrics.reader import MetricReader
from zava.model.core import Caller
from zava.model.metrics import Comparison, MetricFilter, MetricQuery
from zava.service.metrics.periods import parse_period

BASIS = MetricQuery(
    ("revenue", "orders", "customers", "units", "products_sold"),
    parse_period("last quarter", TODAY),
    TODAY,
    limit=1000,
)
QUESTIONS = {
    "whole": BASIS,
    "stores": replace(BASIS, dimensions=("store",), with_totals=True),
    "categories": replace(BASIS, dimensions=("category", "product_type"), with_totals=True),
    "products": replace(BASIS, dimensions=("product",)),
    "months": replace(BASIS, dimensions=("month",), compare=Comparison.PREVIOUS_YEAR),
    "year before": replace(BASIS, dimensions=("month",), period=BASIS.period.previous_year()),
    "before": replace(BASIS, compare=Comparison.PREVIOUS_PERIOD),
    "new": replace(BASIS, metrics=("new_customers", "repeat_rate", "lifetime_value")),
    "stock": replace(BASIS, metrics=("stock_value", "weeks_of_supply"), dimensions=("product",)),
    "tools": replace(BASIS, filters=(MetricFilter("category", "=", ("hand tools",)),)),
    "one store": replace(BASIS, filters=(MetricFilter("store", "=", ("redmond",)),)),
}


async def test_questions_asked_together_are_answered_as_each_by_itself(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    together = (await metrics.measure(callers["eastside"], QUESTIONS)).answers
    for name, query in QUESTIONS.items():
        alone = (await metrics.measure(callers["eastside"], {"q": query})).answers["q"]
        assert together[name] == alone, name
    assert together["stores"].rows
    assert together["categories"].totals


@pytest.mark.parametrize(
    ("reads_sums", "rows"),
    [(False, "FROM retail.order_items"), (True, "FROM zava.current_product_months")],
)
def test_rows_are_read_once_for_all_that_adds_up(
    catalogue: Catalogue, rows: str, *, reads_sums: bool
) -> None:
    def text(questions: list[MetricQuery]) -> str:
        plans = {
            f"q{number}": plan(query, catalogue, reads_sums=reads_sums)
            for number, query in enumerate(questions)
        }
        return compile_plans(plans, catalogue)[0]

    revenue = replace(BASIS, metrics=("revenue", "units"), dimensions=("category",))
    questions = [replace(revenue, dimensions=("category", more)) for more in ("product", "brand")]
    assert text([revenue, *questions]).count(rows) == 1
    # Different products are not a sum: months share rows with the whole, but not their count.
    apart = [replace(BASIS, metrics=("products_sold",), dimensions=d) for d in ((), ("month",))]
    assert text(apart).count(rows) == 2


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


@pytest.mark.parametrize("dimensions", [(), ("store",)])
def test_no_order_is_compared_with_all_customers_of_its_store(
    database: Database, catalogue: Catalogue, dimensions: tuple[str, ...]
) -> None:
    """The planner thinks little of tables that a statement makes itself."""
    query = replace(BASIS, metrics=("new_customers",), dimensions=dimensions)
    sql, values = compile_plans({"q": plan(query, catalogue)}, catalogue)
    sql = sql.replace("$1", f"'{json.dumps(values)}'::jsonb")
    with psycopg.connect(database.owner) as owner:
        owner.execute("SET random_page_cost = 1.1")  # as the server's own login has it
        explained = owner.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}".encode())
        [([told],)] = explained.fetchall()
        orders = owner.execute("SELECT count(*) FROM retail.orders").fetchone()
    compared = sum(
        node.get("Rows Removed by Join Filter", 0) * node["Actual Loops"]
        for node in nodes(told["Plan"])
    )
    assert orders
    assert compared <= orders[0]


def test_equal_values_stand_in_the_parameter_once(catalogue: Catalogue) -> None:
    tools = replace(BASIS, filters=(MetricFilter("category", "=", ("Hand Tools",)),))
    _, values = compile_plans(
        {name: plan(query, catalogue) for name, query in (("a", tools), ("b", tools))}, catalogue
    )
    assert values == {
        "day0": "2026-01-01",
        "day1": "2026-04-01",
        "filter0": ["Hand Tools"],
        "limit0": 1000,
    }
