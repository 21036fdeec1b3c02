"""Arguments as models and clients write them, and schemas that model providers accept."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from tests.golden_tools import GOLDEN
from zava.errors import InvalidInput
from zava.protocol.tools.argument_forms import converted
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
        # Choices in other letters.
        (METRICS, "order_by", [{"by": "revenue", "direction": "ASC"}], [{"by": "revenue", "direction": "asc"}]),
        (METRICS, "compare", "Previous Year", "previous_year"),
        (METRICS, "compare", "previous-period", "previous_period"),
        ("show_sales_chart", "compare", "none", "none"),
        ("show_sales_chart", "kind", "Time Series", "time_series"),
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
        (SEARCH, "in_stock_only", "yes", "in_stock_only: should be a valid boolean, not a text"),
        (SEARCH, "category", ["Paint"], "category: should be a valid string, not a list"),
        (METRICS, "metrics", [], "metrics: should have at least 1 item"),
        (METRICS, "metrics", None, "metrics: should be a valid list, not null"),
        (METRICS, "metrics", {}, "metrics: should be a valid list, not an object"),
        (METRICS, "filters", "[", "filters.0: should be a valid dictionary"),
        (METRICS, "compare", "last_year", "compare: should be 'previous_period',"),
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


def test_hint_gives_the_type_of_each_argument() -> None:
    with pytest.raises(InvalidInput) as caught:
        TOOLS[METRICS].read_arguments({})
    assert caught.value.hint.startswith("Arguments of query_metrics: metrics (list of strings), ")
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
