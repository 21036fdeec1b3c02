"""The catalogue: its form is held, every entry of it runs, and names that it lacks are answered."""

from dataclasses import replace
from datetime import date
from importlib.resources import files

import psycopg
import pytest

from tests.metrics import naive
from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY, result_cache
from zava.data.metrics.catalog import Catalogue, CatalogueError, read_catalogue
from zava.data.metrics.compiler import compile_plans
from zava.data.metrics.planner import plan
from zava.data.metrics.reader import MetricReader
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import InvalidInput, NotPermitted, QueryRefused
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.fiscal_calendar import fiscal_calendar
from zava.model.metrics import (
    Comparison,
    MetricFilter,
    MetricOrder,
    MetricQuery,
    Period,
    PeriodUnit,
)
from zava.retail.declaration import RETAIL
from zava.retail.tools.query_metrics import DIMENSIONS, METRICS

TEXT = (files("zava.retail") / "metrics.toml").read_text(encoding="utf-8")
MAY = Period("2026-05", date(2026, 5, 1), date(2026, 6, 1), PeriodUnit.MONTH)


def asked(*metrics: str, **parts: object) -> MetricQuery:
    fiscal = fiscal_calendar(None, "4-5-4")
    return MetricQuery(metrics, MAY, TODAY, fiscal=fiscal, **parts)  # type: ignore[arg-type]  # keyword arguments of several types


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[metrics.units]", "[metrics.units]\nunits = 1", "units: "),
        ('unit = "percent"', 'unit = "percentage"', "the unit percentage is unknown"),
        ("{discounts}", "{discount}", "discount has no SQL of its own"),
        ("sum(f.quantity)", "sum({quantity})", "an unknown place in braces"),
        ('aliases = ["aov", ', 'aliases = ["sales", ', "sales names two metrics"),
        ('aliases = ["week", ', 'aliases = ["day", ', "a word names two dimensions"),
        ('joins = ["product", "category"]', 'joins = ["aisle"]', "a join is unknown"),
        ('sources = ["stock"]', 'sources = ["shelf"]', "a source is unknown"),
        (
            '"placed", "targets"]\npattern',
            '"stock"]\npattern',
            "has no time",
        ),
        ('sums = "month"', 'sums = "week"', "the unit of its sums is unknown"),
        ('sums = "now"', 'sums = "day"', "sums need a part"),
        ("o.order_date >= {since} AND", "", "a part is of all time"),
        ('requires = "product"', 'requires = "shelf"', "a dimension is unknown"),
        ("[shared_from_sums]", '[shared_from_sums]\nx = "SELECT 1"', "not shared"),
        ('choices = ["online", "store"]', "", "it needs a relation"),
        ("is_restricted = true", "is_restricted = false", "is restricted, so it must be"),
        ("[metrics.units]", "[metrics.Units]", "lower case"),
        ("[joins]", "[tools]\nx = 1\n[joins]", "no kind of entry tools"),
        ("[joins]", "[joins", "metrics.toml"),
        ('additive_over = ["store"', 'additive_over = ["shop"', "a dimension is unknown"),
    ],
)
def test_catalogue_that_breaks_its_form_is_refused(old: str, new: str, told: str) -> None:
    assert old in TEXT
    # Of restrictions the one on a formula: the first is on SQL of its own.
    at = TEXT.rindex(old) if "restricted" in old and TEXT.count(old) > 1 else TEXT.index(old)
    if "restricted" in old:
        at = TEXT.index(old, TEXT.index("[metrics.gross_margin]"))
    with pytest.raises(CatalogueError, match=told):
        read_catalogue(TEXT[:at] + new + TEXT[at + len(old) :], RETAIL)


@pytest.mark.slow
async def test_every_metric_runs_by_each_dimension_that_makes_sense_of_it_and_no_other(
    metrics: MetricReader, callers: dict[str, Caller], catalogue: Catalogue
) -> None:
    for metric in catalogue.metrics:
        allowed = naive.allowed_dimensions(metric)
        for dimension in catalogue.dimensions:
            query = asked(metric, dimensions=(dimension,), limit=3, with_totals=True)
            if dimension in allowed:
                caller = "head-office" if metric in naive.OF_PERSONS else "eastside"
                measured = await metrics.measure(callers[caller], {"q": query})
                answer = measured.answers["q"]
                assert [column.name for column in answer.columns] == [dimension, metric]
                assert len(answer.totals) == 1
            else:
                with pytest.raises(InvalidInput, match=r"cannot be split|no label of its own"):
                    await metrics.measure(callers["eastside"], {"q": query})


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        (asked("profit"), "metrics: there is no metric 'profit'.", "Nearest: gross_margin. All: "),
        (asked("stockouts"), "metrics: there is no metric 'stockouts'.", "Nearest: stock_outs, "),
        # A name that is little like another means something else.
        *(
            (asked(name), f"metrics: there is no metric '{name}'.", "All: revenue, gross_sales, ")
            for name in ("returns", "conversion_rate", "footfall")
        ),
        (
            asked("units", dimensions=("color",)),
            "dimensions: there is no dimension 'color'.",
            "the rows are in retail.orders, order_items, customers, products, suppliers, ",
        ),
        (asked("tier"), "metrics: there is no metric 'tier'.", "All: revenue, gross_sales, "),
        (
            asked("units", dimensions=("categroy",)),
            "dimensions: there is no dimension 'categroy'.",
            "Nearest: category. ",
        ),
        (
            asked("units", filters=(MetricFilter("shop", "=", ("x",)),)),
            "filters: there is no dimension 'shop'.",
            "All: store, region, ",
        ),
        (
            asked("stock_on_hand", dimensions=("month",)),
            "dimensions: stock_on_hand cannot be split or filtered by month.",
            "stock_on_hand goes with: store, region, channel, category, product_type, product, brand, stock_status, reorder_urgency.",
        ),
        (
            asked("units", filters=(MetricFilter("category", ">=", ("x",)),)),
            "filters: category is text; op '>=' does not fit.",
            "Use one of =, !=, in, contains.",
        ),
        (
            asked("units", filters=(MetricFilter("month", "contains", ("2024",)),)),
            "filters: month is a time; op 'contains' does not fit.",
            "Use one of =, !=, in, between, >=, <=, >, <.",
        ),
        (
            asked("units", filters=(MetricFilter("channel", "contains", ("phone",)),)),
            "filters: no channel contains 'phone'.",
            "Use online, store.",
        ),
        (asked("units", filters=(MetricFilter("month", "between", ("2024-01",)),)), "takes 2", ""),
        (asked("units", filters=(MetricFilter("category", "=", ()),)), "= takes 1 values", ""),
        (
            asked("units", filters=(MetricFilter("month", "=", ("May",)),)),
            "filters: a value of month is written YYYY-MM.",
            "'May' is not",
        ),
        (
            asked("units", filters=(MetricFilter("channel", "=", ("phone",)),)),
            "filters: channel has no value 'phone'.",
            "Use online, store.",
        ),
        (asked("units", filters=(MetricFilter("category", "=", ("a\0",)),)), "unprintable", ""),
        (
            asked("units", order_by=(MetricOrder("revenue"),)),
            "order_by: 'revenue' is not in the answer.",
            "Use units.",
        ),
        (
            asked("units", order_by=(MetricOrder("units_change_percent"),)),
            "order_by: 'units_change_percent' is not in the answer.",
            "It needs compare, such as compare: previous_year. Use units.",
        ),
        (
            asked("units", order_by=(MetricOrder("growth"),)),
            "order_by: 'growth' is not in the answer.",
            "It needs compare",
        ),
        (
            asked("stock_value", compare=Comparison.PREVIOUS_YEAR),
            "compare: stock_value is known as of now, not for the past.",
            "",
        ),
        (
            asked("like_for_like_growth", compare=Comparison.PREVIOUS_YEAR),
            "compare: like_for_like_growth is itself a comparison.",
            "",
        ),
        (
            asked("units", dimensions=("month",), compare=Comparison.PREVIOUS_PERIOD),
            "compare: month has no label in the previous period.",
            "",
        ),
        (asked(), "metrics: 1 to 12", ""),
        (asked("units", dimensions=("store", "region", "day", "month")), "dimensions: at most", ""),
        (asked("units", filters=(MetricFilter("store", "=", ("x",)),) * 9), "filters: at most", ""),
    ],
)
async def test_question_that_the_catalogue_does_not_allow_is_answered_with_what_it_does(
    metrics: MetricReader, callers: dict[str, Caller], query: MetricQuery, message: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await metrics.measure(callers["seattle"], {"q": query})
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "column"),
    [("growth", "units_change_percent"), ("change", "units_change"), ("Units", "units")],
)
async def test_change_of_the_only_metric_needs_no_other_name(
    metrics: MetricReader, callers: dict[str, Caller], name: str, column: str
) -> None:
    query = replace(
        asked("units", dimensions=("category",), compare=Comparison.PREVIOUS_YEAR),
        order_by=(MetricOrder(name, is_descending=False),),
    )
    answer = (await metrics.measure(callers["seattle"], {"q": query})).answers["q"]
    place = [each.name for each in answer.columns].index(column)
    values = [row[place] for row in answer.rows if row[place] is not None]
    assert values == sorted(values)
    assert len(values) > 1


@pytest.mark.parametrize(
    "name", ["net sales", "Net-Sales", "SALES", " revenue ", "netSales", "'revenue'", "revenue."]
)
async def test_metric_answers_to_its_other_names(
    metrics: MetricReader, callers: dict[str, Caller], name: str
) -> None:
    answer = (await metrics.measure(callers["seattle"], {"q": asked(name)})).answers["q"]
    assert [column.name for column in answer.columns] == ["revenue"]


@pytest.mark.parametrize(
    "metric", ["cost_of_goods", "gross_margin", "gross_margin_percent", "stock_value_at_cost"]
)
async def test_cost_is_not_a_store_managers_business(
    metrics: MetricReader,
    unguarded: TenantDatabase,
    callers: dict[str, Caller],
    catalogue: Catalogue,
    metric: str,
) -> None:
    with pytest.raises(NotPermitted, match=metric) as caught:
        await metrics.measure(callers["seattle"], {"q": asked(metric)})
    assert "revenue" in caught.value.hint
    assert metric not in caught.value.hint.split(", ")
    # Without our words the database refuses all the same.
    sql, params = compile_plans({"q": plan(asked(metric), catalogue)}, catalogue)
    with pytest.raises(QueryRefused, match="Permission denied for table products"):
        await unguarded.read(callers["seattle"], sql, params)
    assert (
        (await metrics.measure(callers["eastside"], {"q": asked(metric)})).answers["q"].rows[0][0]
    )


async def test_filters_take_a_store_by_either_name_in_any_case(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    told = []
    for name in ("Zava Retail Redmond", "redmond", " REDMOND "):
        query = asked("revenue", filters=(MetricFilter("store", "=", (name,)),))
        told.append((await metrics.measure(callers["eastside"], {"q": query})).answers["q"].rows)
    assert told[0] == told[1] == told[2]
    assert (
        told[0]
        != (await metrics.measure(callers["eastside"], {"q": asked("revenue")})).answers["q"].rows
    )


@pytest.mark.requirement("S13")
@pytest.mark.requirement("S14")
async def test_another_store_and_no_store_are_one_answer(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    told = []
    for name in ("Redmond", "Nowhere"):
        query = asked("revenue", filters=(MetricFilter("store", "in", ("Seattle", name)),))
        with pytest.raises(NotPermitted) as caught:
            await metrics.measure(callers["seattle"], {"q": query})
        assert caught.value.code == "AUTHORIZATION_ERROR"
        assert caught.value.hint == (
            "You see 1 of 8 stores: Zava Retail Seattle."
            " compare_with_chain compares yours with the chain's quartiles."
        )
        told.append(caught.value.message.replace(name, "…"))
    assert told[0] == told[1]


async def test_value_that_does_not_exist_is_answered_with_the_nearest_not_with_zero(
    metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    query = asked("revenue", filters=(MetricFilter("category", "=", ("power tool",)),))
    with pytest.raises(InvalidInput) as caught:
        await metrics.measure(callers["seattle"], {"q": query})
    assert caught.value.message == "filters: no category in your scope is named 'power tool'."
    assert caught.value.hint.startswith("Nearest: Power Tools")
    query = asked("revenue", filters=(MetricFilter("product", "=", ("running shoe",)),))
    with pytest.raises(InvalidInput) as caught:
        await metrics.measure(callers["seattle"], {"q": query})
    assert "semantic_search_products" in caught.value.hint  # product names are outsiders' text


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE retail.orders; --", '" || $1 || "', "{store}", "$1", "\\'", "%s"]
)
async def test_values_never_become_sql(
    metrics: MetricReader, callers: dict[str, Caller], catalogue: Catalogue, value: str
) -> None:
    query = asked("revenue", filters=(MetricFilter("category", "in", (value,)),))
    sql, params = compile_plans({"q": plan(query, catalogue)}, catalogue)
    assert value not in sql.replace("$1->", "")
    assert params["filter0"] == [value.strip()]
    with pytest.raises(InvalidInput, match="no category in your scope is named"):
        await metrics.measure(callers["seattle"], {"q": query})


async def test_statement_text_depends_on_no_value(catalogue: Catalogue) -> None:
    texts = {
        compile_plans(
            {
                "q": plan(
                    asked("units", filters=(MetricFilter("store", "=", (v,)),), limit=n), catalogue
                )
            },
            catalogue,
        )[0]
        for v, n in (("a", 1), ("b", 2))
    }
    assert len(texts) == 1


async def test_stores_are_narrowed_beside_the_policy(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
    catalogue: Catalogue,
    metrics: MetricReader,
) -> None:
    """With the policies of the facts gone, the list of visible stores still holds."""
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        for table in ("orders", "order_items", "inventory", "customers"):
            owner.execute(f"CREATE POLICY hole ON retail.{table} FOR SELECT USING (true)")
    pool = DatabasePool(seeded_clone.server, max_size=1)
    verification = IsolationCheck(pool, signer, RETAIL)
    verification._holds = True  # which has noticed, and would serve nothing
    tenancy = TenantDatabase(pool, signer, verification)
    everything = await tenancy.run(
        callers["redmond"], "SELECT count(DISTINCT store_id) FROM retail.orders", max_rows=1
    )
    assert everything.rows == [[8]]
    reader = MetricReader(tenancy, result_cache(tenancy, MemoryStore(1), ttl_seconds=0), catalogue)
    names = ("orders", "units", "stock_on_hand", "lifetime_value", "new_customers")
    through_the_hole = await reader.measure(callers["redmond"], {"q": asked(*names)})
    behind_policies = await metrics.measure(callers["redmond"], {"q": asked(*names)})
    assert through_the_hole.answers["q"].rows == behind_policies.answers["q"].rows
    await pool.close()


def test_tool_names_every_dimension_and_no_metric_that_does_not_exist(catalogue: Catalogue) -> None:
    assert DIMENSIONS.split(", ") == list(catalogue.dimensions)
    named = METRICS.split(", ")
    assert set(named) <= set(catalogue.metrics)
    # Left to the catalogue's page: what is rarely asked for by itself.
    assert set(catalogue.metrics) - set(named) == {
        *("cost_of_goods", "stock_value_at_cost", "reorder_point"),
        *("products_stocked", "products_to_reorder", "comparable_revenue", "people"),
        *("targeted_revenue", "revenue_target", "units_per_order", "average_unit_price"),
    }
