"""Arguments as models and clients write them, and schemas that model providers accept."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from tests.support.generators.golden_tools import GOLDEN
from zava.errors import InvalidInput
from zava.protocol.tools.argument_forms import converted, parsed
from zava.retail.tools.registry import TOOLS

METRICS, SQL, SEARCH = "query_metrics", "execute_sales_query", "semantic_search_products"
REQUIRED: dict[str, dict[str, Any]] = {
    METRICS: {"metrics": ["revenue"]},
    SQL: {"postgresql_query": "SELECT 1"},
    SEARCH: {"query_description": "paint"},
    "compare_with_chain": {"metric": "revenue"},
    "get_multiple_table_schemas": {"table_names": ["retail.orders"]},
    "get_store_performance": {},
    "get_current_utc_date": {},
    "show_sales_chart": {},
}
FILTER = {"dimension": "store", "op": "in", "value": ["Seattle"]}


@pytest.mark.parametrize(
    ("tool", "name", "value", "expected"),
    [
        # Whole numbers with a fraction of zero, and numbers as text.
        (SQL, "max_rows", 10.0, 10),
        (SQL, "max_rows", "10", 10),
        (SQL, "max_rows", "10.0", 10),
        (METRICS, "limit", " 5 ", 5),
        (SEARCH, "similarity_threshold", "40", 40.0),
        (SEARCH, "similarity_threshold", 40, 40.0),
        # Booleans as text.
        (METRICS, "totals", "true", True),
        (SEARCH, "in_stock_only", "False", False),
        # Absent arguments of every type.
        *[
            (tool, name, absent, TOOLS[tool].arguments.model_fields[name].get_default())
            for tool in TOOLS
            for name in TOOLS[tool].arguments.model_fields
            if name not in REQUIRED[tool]
            for absent in (None, "", "null", " None ")
        ],
        # Lists and objects as JSON text, one value for a list, names with commas.
        (METRICS, "metrics", '["revenue", "orders"]', ["revenue", "orders"]),
        (METRICS, "metrics", "revenue", ["revenue"]),
        (METRICS, "metrics", "revenue, orders", ["revenue", "orders"]),
        (METRICS, "dimensions", "store,month", ["store", "month"]),
        ("get_multiple_table_schemas", "table_names", "orders, stores", ["orders", "stores"]),
        (METRICS, "filters", json.dumps([FILTER]), [FILTER]),
        (METRICS, "filters", json.dumps(FILTER), [FILTER]),
        (METRICS, "filters", FILTER, [FILTER]),
        (METRICS, "filters", [json.dumps(FILTER)], [FILTER]),
        (METRICS, "filters", [FILTER | {"value": '["Seattle"]'}], [FILTER]),
        (METRICS, "filters", [FILTER | {"value": "Seattle"}], [FILTER]),
        (METRICS, "filters", [FILTER | {"value": 2025}], [FILTER | {"value": ["2025"]}]),
        (METRICS, "filters", [FILTER | {"value": [2024, "2025"]}], [FILTER | {"value": ["2024", "2025"]}]),
        (METRICS, "filters", [FILTER | {"value": "Nuts, bolts"}], [FILTER | {"value": ["Nuts, bolts"]}]),
        (METRICS, "order_by", {"by": "revenue"}, [{"by": "revenue", "direction": "desc"}]),
        (METRICS, "metrics", "['revenue', 'orders']", ["revenue", "orders"]),
        (METRICS, "metrics", ["revenue, orders", None], ["revenue", "orders"]),
        (METRICS, "metrics", "revenue,", ["revenue"]),
        (METRICS, "totals", 1, True),
        (METRICS, "totals", "0", False),
        (METRICS, "time_period", 2025, "2025"),
        (METRICS, "time_period", {"start": "2025-01-01", "end": "2025-01-31"}, "2025-01-01..2025-01-31"),
        (METRICS, "time_period", ["2025-01-01", "2025-01-31"], "2025-01-01..2025-01-31"),
        ("get_store_performance", "time_period", ["2025"], "2025"),
        ("compare_with_chain", "time_period", '{"from": "2025-01-01", "to": "2025-01-31"}', "2025-01-01..2025-01-31"),
        # Filters in other forms than the published one.
        *[
            (METRICS, "filters", form, [{"dimension": "category", "op": "=", "value": ["Plumbing"]}])
            for form in (
                {"category": "Plumbing"},
                {"category": ["Plumbing"]},
                {"category": {"eq": "Plumbing"}},
                {"category": {"$eq": "Plumbing"}},
                {"category": {"op": "==", "value": "Plumbing"}},
                [{"category": "Plumbing"}],
                [{"field": "category", "operator": "equals", "value": "Plumbing"}],
                [{"dimension": "category", "value": "Plumbing"}],
                [{"column": "category", "op": "IS", "values": ["Plumbing"]}],
                {"category": "Plumbing", "store": None},
                '{"category": "Plumbing"}',
                "{'category': 'Plumbing'}",
                "category = 'Plumbing'",
                ["category=Plumbing"],
                ["category: Plumbing"],
                ["category", "=", "Plumbing"],
                [["category", "==", "Plumbing"]],
                '["category", "=", "Plumbing"]',
            )
        ],
        *[
            (METRICS, "filters", form, [{"dimension": "store", "op": op, "value": value}])
            for form, op, value in (
                ({"store": ["Seattle", "Redmond"]}, "in", ["Seattle", "Redmond"]),
                ("store in (Seattle, 'Redmond')", "in", ["Seattle", "Redmond"]),
                ([FILTER | {"op": "IN"}], "in", ["Seattle"]),
                ([FILTER | {"op": "=", "value": ["a", "b"]}], "in", ["a", "b"]),
                ("store != Seattle", "!=", ["Seattle"]),
                ([FILTER | {"op": "<>"}], "!=", ["Seattle"]),
                ([FILTER | {"op": "not in"}], "!=", ["Seattle"]),
                ({"store": {"nin": ["a", "b"]}}, "!=", ["a", "b"]),
                ([FILTER | {"op": "LIKE", "value": "%Sea%"}], "contains", ["Sea"]),
                ("store contains Sea", "contains", ["Sea"]),
            )
        ],
        *[
            (METRICS, "filters", form, [{"dimension": "month", "op": op, "value": value}])
            for form, op, value in (
                ("month >= 2025-01", ">=", ["2025-01"]),
                ({"month": {"gte": "2025-01"}}, ">=", ["2025-01"]),
                ([{"dimension": "month", "op": "after", "value": "2025-01"}], ">", ["2025-01"]),
                ("month between 2025-01 and 2025-03", "between", ["2025-01", "2025-03"]),
                ({"month": {"between": "2025-01..2025-03"}}, "between", ["2025-01", "2025-03"]),
                ({"month": {"between": ["2025-01", "2025-03"]}}, "between", ["2025-01", "2025-03"]),
            )
        ],
        (
            METRICS, "filters", {"store": "Seattle", "month": {">=": "2025-01", "<=": "2025-03"}},
            [
                {"dimension": "store", "op": "=", "value": ["Seattle"]},
                {"dimension": "month", "op": ">=", "value": ["2025-01"]},
                {"dimension": "month", "op": "<=", "value": ["2025-03"]},
            ],
        ),
        # Sort keys in other forms than the published one.
        *[
            (METRICS, "order_by", form, [{"by": "revenue", "direction": direction}])
            for form, direction in (
                ("revenue", "desc"),
                ("revenue DESC", "desc"),
                ("revenue: ascending", "asc"),
                ("-revenue", "desc"),
                ("+revenue", "asc"),
                (["revenue asc"], "asc"),
                (["revenue", "desc"], "desc"),
                ({"revenue": "ASC"}, "asc"),
                ([{"metric": "revenue", "order": "Ascending"}], "asc"),
                ([{"field": "revenue", "descending": False}], "asc"),
                ([{"by": "revenue", "descending": True}], "desc"),
                ('[{"by": "revenue"}]', "desc"),
            )
        ],
        (
            METRICS, "order_by", "revenue desc, orders asc",
            [{"by": "revenue", "direction": "desc"}, {"by": "orders", "direction": "asc"}],
        ),
        # Choices in other letters.
        (METRICS, "order_by", [{"by": "revenue", "direction": "ASC"}], [{"by": "revenue", "direction": "asc"}]),
        (METRICS, "compare", "Previous Year", "previous_year"),
        (METRICS, "compare", "previous-period", "previous_period"),
        ("show_sales_chart", "compare", "none", "none"),
        ("show_sales_chart", "kind", "Time Series", "time_series"),
        ("show_sales_chart", "kind", "bar", "bars"),
        *(("show_sales_chart", "kind", text, "time_series") for text in ("line", "Line chart", "trend")),
        *(("show_sales_chart", "kind", text, "bars") for text in ("column", "bar chart", "Column Chart")),
        ("show_sales_chart", "kind", "timeseries", "time_series"),
        (METRICS, "compare", ["previous_year"], "previous_year"),
        # A list of one for a text, names in other wrappings, numbers with commas.
        ("get_store_performance", "store", ["Seattle"], "Seattle"),
        ("get_store_performance", "store", '["Seattle"]', "Seattle"),
        ("get_store_performance", "store", "All stores", None),
        ("compare_with_chain", "metric", ["revenue"], "revenue"),
        (SEARCH, "category", '["Plumbing"]', "Plumbing"),
        (METRICS, "metrics", [{"name": "revenue"}, {"metric": "orders"}], ["revenue", "orders"]),
        (METRICS, "metrics", "revenue and orders; units", ["revenue", "orders", "units"]),
        (METRICS, "filters", {}, []),
        (METRICS, "order_by", {}, []),
        (SQL, "max_rows", "1,000", 1000),
        # Numbers with words, and flags in other words.
        *[(METRICS, "limit", form, 10) for form in ("10 rows", "top 10", [10], ["10"], {"value": 10})],
        *[(METRICS, "limit", form, 1000) for form in ("all", "unlimited", "Max")],
        *[(METRICS, "totals", form, True) for form in ("yes", "on", "Y", [True], ["true"], 1.0)],
        *[(METRICS, "totals", form, False) for form in ("no", "off", "f", 0.0)],
        # Names in other lists: of no JSON, of bullets, of one more list, in an object, in a call.
        *[
            (METRICS, "metrics", form, ["revenue", "orders"])
            for form in (
                "[revenue, orders]", "('revenue', 'orders')", "(revenue, orders)", "revenue|orders",
                "- revenue\n- orders", "* `revenue`\n* `orders`", [["revenue", "orders"]],
                '"revenue", "orders"', [{"id": "revenue"}, {"field": "orders"}], "sum(revenue), count(orders)",
            )
        ],
        (METRICS, "dimensions", {"dimension": "store"}, ["store"]),
        # As PHP, Lua and Java write lists and maps, and JSON in JSON.
        (METRICS, "metrics", {"0": "revenue", "1": "orders"}, ["revenue", "orders"]),
        (METRICS, "metrics", '{"1": "revenue", "2": "orders"}', ["revenue", "orders"]),
        (METRICS, "metrics", '"[\\"revenue\\", \\"orders\\"]"', ["revenue", "orders"]),
        (METRICS, "filters", {"0": FILTER}, [FILTER]),
        (METRICS, "filters", "{store=Seattle}", [FILTER | {"op": "="}]),
        ("get_multiple_table_schemas", "table_names", "*", ["*"]),
        (SQL, "postgresql_query", {"query": "SELECT 1"}, "SELECT 1"),
        (SQL, "postgresql_query", '{"sql": "SELECT 1"}', "SELECT 1"),
        ("get_store_performance", "store", {"name": "Seattle"}, "Seattle"),
        # Filters as query builders, frames and ORMs write them.
        *[
            (METRICS, "filters", form, [{"dimension": "store", "op": op, "value": value}])
            for form, op, value in (
                ({"and": [{"store": "Seattle"}]}, "=", ["Seattle"]),
                ({"AND": [FILTER]}, "in", ["Seattle"]),
                ({"filters": [{"store": "Seattle"}]}, "=", ["Seattle"]),
                ([{"member": "store", "operator": "equals", "values": ["Seattle"]}], "=", ["Seattle"]),
                ([{"property": "store", "value": "Seattle"}], "=", ["Seattle"]),
                ([{"lhs": "store", "op": "=", "rhs": "Seattle"}], "=", ["Seattle"]),
                ([{"id": "store", "val": "Seattle"}], "=", ["Seattle"]),
                ({"store": "Seattle", "op": "!="}, "!=", ["Seattle"]),
                ([{"type": "in", "dimension": "store", "values": ["Seattle"]}], "in", ["Seattle"]),
                ([FILTER | {"type": "string"}], "in", ["Seattle"]),
                ({"store__in": ["a", "b"]}, "in", ["a", "b"]),
                ({"store": ["!=", "Seattle"]}, "!=", ["Seattle"]),
                ({"store": "!= Seattle"}, "!=", ["Seattle"]),
                ([FILTER | {"value": "(Seattle, Redmond)"}], "in", ["Seattle", "Redmond"]),
                ([FILTER | {"value": "Seattle|Redmond"}], "in", ["Seattle", "Redmond"]),
                ("WHERE store = 'Seattle'", "=", ["Seattle"]),
                ([{}, {"store": "Seattle"}], "=", ["Seattle"]),
            )
        ],
        *[
            (METRICS, "filters", form, [{"dimension": "month", "op": op, "value": value}])
            for form, op, value in (
                ({"month": ">= 2025-01"}, ">=", ["2025-01"]),
                ({"month__gte": "2025-01"}, ">=", ["2025-01"]),
                ([{"dimension": "month", "op": "between", "from": "2025-01", "to": "2025-03"}], "between", ["2025-01", "2025-03"]),
                ([{"dimension": "month", "min": "2025-01", "max": "2025-03"}], "between", ["2025-01", "2025-03"]),
                ([{"dimension": "month", "op": "between", "value": {"start": "2025-01", "end": "2025-03"}}], "between", ["2025-01", "2025-03"]),
            )
        ],
        *[
            (
                METRICS, "filters", form,
                [
                    {"dimension": "store", "op": "=", "value": ["Seattle"]},
                    {"dimension": "category", "op": "=", "value": ["Plumbing"]},
                ],
            )
            for form in (
                "store = 'Seattle' AND category = 'Plumbing'", "store=Seattle;category=Plumbing",
                "store=Seattle, category=Plumbing", [{"and": [{"store": "Seattle"}, {"category": "Plumbing"}]}],
            )
        ],
        # Sort keys as frames, ORMs and SQL write them.
        *[
            (METRICS, "order_by", form, [{"by": "revenue", "direction": direction}])
            for form, direction in (
                ("revenue desc nulls last", "desc"), ("revenue (asc)", "asc"), ("ORDER BY revenue ASC", "asc"),
                ("revenue↓", "desc"), ({"id": "revenue", "desc": True}, "desc"),
                ([{"by": "revenue", "ascending": False}], "desc"), ([{"by": "revenue", "asc": True}], "asc"),
                ([["revenue", "asc"]], "asc"), ({"revenue": -1}, "desc"), ({"revenue": 1}, "asc"),
                ([{"by": "revenue", "direction": "high to low"}], "desc"),
                ([{"by": "revenue", "direction": "1"}], "asc"), ({"orderBy": "revenue"}, "desc"),
            )
        ],
        # Comparisons in words.
        *[
            (METRICS, "compare", form, "previous_year")
            for form in ("yoy", "YoY", "year over year", "last_year", "prior-year", "same period last year", {"type": "previous_year"})
        ],
        *[(METRICS, "compare", form, "previous_period") for form in ("prior_period", "pop", "previous")],
        *[(METRICS, "compare", form, "none") for form in (False, "no", "off")],
        # Periods as objects.
        *[
            (METRICS, "time_period", form, expected)
            for form, expected in (
                ({"type": "relative", "value": "last month"}, "last month"), ({"period": "last month"}, "last month"),
                ({"last": 7, "unit": "days"}, "last 7 days"), ({"unit": "month", "count": 3}, "last 3 months"),
                ({"days": 30}, "last 30 days"), ({"last_n_days": 30}, "last 30 days"), ({"last": "30 days"}, "last 30 days"),
                ({"year": 2025}, "2025"), ({"year": 2025, "month": 3}, "2025-03"), ({"year": 2025, "quarter": 3}, "2025-Q3"),
                ({"year": 2025, "week": "9"}, "2025-W09"), ({"year": "2025", "month": "November"}, "November 2025"),
                ({"startDate": "2025-01-01", "endDate": "2025-01-31"}, "2025-01-01..2025-01-31"),
                ({"start": "2025-01-01", "end": None}, "since 2025-01-01"), ({"until": "2025-01-31"}, "until 2025-01-31"),
                ({"range": ["2025-01-01", "2025-01-31"]}, "2025-01-01..2025-01-31"), ([2024, 2025], "2024..2025"),
                ({"month": "2025-11"}, "2025-11"), ({"start": 2024, "end": 2025}, "2024..2025"),
            )
        ],
        # Texts stay as they are.
        (SQL, "postgresql_query", "[1]", "[1]"),
        (SEARCH, "query_description", "null", "null"),
    ],
    ids=repr,
)  # fmt: skip
def test_form_with_one_meaning_is_read_as_that(
    tool: str, name: str, value: Any, expected: Any
) -> None:
    read = TOOLS[tool].read_arguments(REQUIRED[tool] | {name: value})
    told = read.model_dump()[name]
    assert told == expected
    assert type(told) is type(expected)


@pytest.mark.parametrize(
    ("tool", "name", "value", "message"),
    [
        (SQL, "max_rows", 10.5, "max_rows: should be a valid integer, not a number"),
        (SQL, "max_rows", "ten", "max_rows: should be a valid integer, not a text"),
        (SQL, "max_rows", True, "max_rows: should be a valid integer, not a boolean"),
        (SQL, "max_rows", "9" * 5000, "max_rows: should be a valid integer, not a text"),
        (SQL, "max_rows", 1001, "max_rows: should be less than or equal to 1000"),
        (SQL, "postgresql_query", None, "postgresql_query: should be a valid string, not null"),
        (SQL, "postgresql_query", 7, "postgresql_query: should be a valid string, not a number"),
        (SEARCH, "in_stock_only", "maybe", "in_stock_only: should be a valid boolean, not a text"),
        (SEARCH, "category", ["Paint", "Lumber"], "category: should be a valid string, not a list"),
        (METRICS, "metrics", [], "metrics: should have at least 1 item"),
        (METRICS, "metrics", None, "metrics: should be a valid list, not null"),
        (METRICS, "metrics", {}, "metrics: should be a valid list, not an object"),
        (METRICS, "metrics", {"0": "revenue", "7": "orders"}, "metrics: should be a valid list"),
        (
            METRICS,
            "metrics",
            [{"name": "revenue", "as": "r"}],
            "metrics.0: should be a valid string",
        ),
        (SQL, "max_rows", "1,00", "max_rows: should be a valid integer, not a text"),
        (METRICS, "filters", "[", "filters.0: should be a valid object"),
        (METRICS, "compare", "last_month", "compare: should be 'previous_period',"),
        (METRICS, "colour", None, "colour: query_metrics has no such argument"),
    ],
)
def test_value_without_such_a_meaning_is_rejected_in_words(
    tool: str, name: str, value: Any, message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        TOOLS[tool].read_arguments(REQUIRED[tool] | {name: value})
    assert message in caught.value.message
    assert "after validation" not in caught.value.message
    assert "union[" not in caught.value.message


@pytest.mark.parametrize(
    ("tool", "given", "expected"),
    [
        (METRICS, {"metric": "revenue"}, {"metrics": ["revenue"]}),
        (METRICS, {"metrics": "revenue", "timePeriod": "2025"}, {"time_period": "2025"}),
        (METRICS, {"metrics": "revenue", "order-by": "revenue"}, {"order_by": [{"by": "revenue", "direction": "desc"}]}),
        (SQL, {"postgresqlQuery": "SELECT 1", "maxRows": 5}, {"postgresql_query": "SELECT 1", "max_rows": 5}),
        ("get_store_performance", {"stores": "Seattle"}, {"store": "Seattle"}),
        # Other names, and objects around the arguments.
        (SQL, {"query": "SELECT 1"}, {"postgresql_query": "SELECT 1"}),
        (SQL, {"SQL": "SELECT 1"}, {"postgresql_query": "SELECT 1"}),
        (SEARCH, {"query": "paint", "limit": 3}, {"query_description": "paint", "max_rows": 3}),
        (METRICS, {"metric": "revenue", "group_by": "store", "period": "2025"}, {"dimensions": ["store"], "time_period": "2025"}),
        ("get_multiple_table_schemas", {"tables": "orders"}, {"table_names": ["orders"]}),
        ("get_store_performance", {"store_name": "Seattle"}, {"store": "Seattle"}),
        *[
            (METRICS, {wrapper: inner}, {"metrics": ["revenue"]})
            for wrapper in ("arguments", "kwargs", "input")
            for inner in ({"metrics": ["revenue"]}, '{"metrics": ["revenue"]}')
        ],
        ("get_current_utc_date", {"random_string": "dummy"}, {}),
        # Names of other systems.
        (METRICS, {"measures": "revenue", "by": "store", "top_n": 5}, {"metrics": ["revenue"], "dimensions": ["store"], "limit": 5}),
        (METRICS, {"metric": "revenue", "start_date": "2025-01-01", "end_date": "2025-01-31"}, {"time_period": "2025-01-01..2025-01-31"}),
        (METRICS, {"metric": "revenue", "start_date": "2025-01-01"}, {"time_period": "since 2025-01-01"}),
        (METRICS, {"metric": "revenue", "granularity": "month", "timeframe": "2025"}, {"dimensions": ["month"], "time_period": "2025"}),
        (METRICS, {"metric": "revenue", "where": "store=Seattle", "comparison": "yoy"}, {"filters": [FILTER | {"op": "="}], "compare": "previous_year"}),
        (METRICS, {"metric": "revenue", "reasoning": "because"}, {"metrics": ["revenue"]}),
        (SQL, {"sql_query": "SELECT 1", "limit": 5}, {"postgresql_query": "SELECT 1", "max_rows": 5}),
        (SEARCH, {"q": "paint", "top_k": 3, "in_stock": "yes"}, {"query_description": "paint", "max_rows": 3, "in_stock_only": True}),
        ("get_store_performance", {"location": "Seattle", "date_range": ["2025-01-01", "2025-01-31"]}, {"store": "Seattle", "time_period": "2025-01-01..2025-01-31"}),
        ("compare_with_chain", {"kpi": "revenue", "timeframe": "2025"}, {"metric": "revenue", "time_period": "2025"}),
    ],
)  # fmt: skip
def test_name_in_other_letters_is_the_published_one(
    tool: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    read = TOOLS[tool].read_arguments(given).model_dump()
    assert {name: read[name] for name in expected} == expected


@pytest.mark.parametrize("name", ["Metrics", "metric", "METRIC"])
def test_name_that_is_given_twice_is_not_merged(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name}: query_metrics has no such argument"):
        TOOLS[METRICS].read_arguments({"metrics": ["revenue"], name: ["orders"]})
    with pytest.raises(InvalidInput, match="sql: execute_sales_query has no such argument"):
        TOOLS[SQL].read_arguments({"query": "SELECT 1", "sql": "SELECT 2"})
    with pytest.raises(InvalidInput, match="start_date: query_metrics has no such argument"):
        TOOLS[METRICS].read_arguments(
            {"metrics": "revenue", "time_period": "2025", "start_date": "2025-01-01"}
        )


@pytest.mark.parametrize("tool", TOOLS)
def test_each_argument_has_an_example_that_is_valid(tool: str) -> None:
    """What cannot be read is answered with the wanted type and an example."""
    for name, field in TOOLS[tool].arguments.model_fields.items():
        with pytest.raises(InvalidInput) as caught:
            TOOLS[tool].read_arguments(REQUIRED[tool] | {name: object()})
        start, end = "For example ", f". Arguments of {tool}: "
        hint = caught.value.hint
        assert hint.startswith(start)
        example = json.loads(hint[len(start) : hint.index(end)])
        assert list(example) == [name], field
        read = TOOLS[tool].read_arguments(REQUIRED[tool] | example)
        assert read.model_dump()[name] == example[name]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no condition", "filters.0: should be a valid object, not a text"),
        ([["category", "Plumbing"]], "filters.0: should be a valid object, not a list"),
        ({"category": {"near": "Plumbing"}}, "filters.0.op: should be '=',"),
        ([{"op": "=", "value": "Plumbing"}], "filters.0.dimension: required"),
        ([FILTER | {"colour": 1}], "filters.0.colour: query_metrics has no such argument"),
        (7, "filters: should be a valid list, not a number"),
    ],
)
def test_filter_without_a_meaning_is_rejected_with_an_example(value: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        TOOLS[METRICS].read_arguments(REQUIRED[METRICS] | {"filters": value})
    assert message in caught.value.message
    assert (
        '{"filters":[{"dimension":"category","op":"in","value":["Plumbing"]}]}' in caught.value.hint
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("revenue desc now", "order_by.0: should be a valid object, not a text"),
        ([{"by": "revenue", "direction": "sideways"}], "order_by.0.direction: should be 'asc' or"),
        ([{"direction": "asc"}], "order_by.0.by: "),
        (7, "order_by: should be a valid list, not a number"),
    ],
)
def test_sort_key_without_a_meaning_is_rejected(value: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        TOOLS[METRICS].read_arguments(REQUIRED[METRICS] | {"order_by": value})
    assert message in caught.value.message


def test_unknown_argument_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(InvalidInput) as caught:
        TOOLS[SQL].read_arguments({"postgresql_qry": "SELECT 1"})
    assert "has no such argument; the nearest is postgresql_query" in caught.value.message


def test_long_or_deep_text_is_no_list() -> None:
    for text in ("['a', " * 2000, "[" * 300 + "'"):
        with pytest.raises(InvalidInput, match="dimensions"):
            TOOLS[METRICS].read_arguments({"metrics": "revenue", "dimensions": {"a": text}})
        assert parsed(text, list) == text


def test_hint_gives_the_type_of_each_argument() -> None:
    with pytest.raises(InvalidInput) as caught:
        TOOLS[METRICS].read_arguments({})
    assert caught.value.hint.startswith(
        'For example {"metrics":["revenue","orders"]}. '
        "Arguments of query_metrics: metrics (list of strings), "
    )
    assert "limit (integer from 1 to 1000)" in caught.value.hint
    assert "compare (previous_period|previous_year|previous_year_date|none)" in caught.value.hint
    with pytest.raises(InvalidInput) as caught:
        TOOLS["get_current_utc_date"].read_arguments({"zone": "UTC"})
    assert caught.value.hint == "Arguments of get_current_utc_date: none."


def test_unknown_argument_reaches_validation() -> None:
    assert converted({"x": "1"}, {"type": "object", "properties": {}}) == {"x": "1"}


def _nodes(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each schema within one, `properties` by their names."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _nodes(inner, f"{path}.{name}")
    if "items" in schema:
        yield from _nodes(schema["items"], f"{path}[]")


KEYWORDS = {
    *("type", "description", "properties", "required", "additionalProperties", "items", "enum"),
    *("minimum", "maximum", "minItems", "maxItems"),
}
"""Keywords that OpenAI (in its strict mode, too), Gemini and Anthropic document."""


@pytest.mark.parametrize("name", TOOLS)
def test_input_schema_stays_within_what_providers_document(name: str) -> None:
    (listed,) = [
        tool
        for tool in json.loads(GOLDEN.read_text(encoding="utf-8"))["tools"]
        if tool["name"] == name
    ]
    assert len(listed["description"].encode()) <= 2048
    for path, node in _nodes(listed["inputSchema"], name):
        assert node.keys() <= KEYWORDS, path
        assert isinstance(node["type"], str), f"{path}: one type"
        assert (node["type"] == "array") == ("items" in node), f"{path}: an array has items"
        assert (node["type"] == "object") == ("properties" in node), path
        assert all(isinstance(choice, str) for choice in node.get("enum", [])), path
        if node["type"] == "object":
            assert node["additionalProperties"] is False, path


@pytest.mark.parametrize("name", TOOLS)
def test_arguments_within_the_schema_are_valid(name: str) -> None:
    jsonschema.validate(REQUIRED[name], TOOLS[name].input_schema)
    assert TOOLS[name].read_arguments(REQUIRED[name])
