"""How a store did: figures computed by hand, one statement, another's store and none alike."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from tests.metrics import naive
from tests.support.answers.asking import AskTool
from tests.support.servers.seeded import TODAY
from zava.model.core import Caller, Scope
from zava.model.metrics import Comparison, Measured, MetricColumn, MetricQuery, MetricRows
from zava.retail.access_rules import STORE_MANAGERS
from zava.retail.service.store_performance import StoreAnalysis
from zava.retail.tools.registry import TOOLS

QUARTER = {"time_period": "last quarter"}
SPANS = {
    "value": (date(2026, 1, 1), date(2026, 4, 1)),
    "previous_period": (date(2025, 10, 1), date(2026, 1, 1)),
    "previous_year": (date(2025, 1, 1), date(2025, 4, 1)),
}


def figures_of(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return value, previous_period and previous_year of each figure."""
    _, *beside = content["metrics"]["columns"]
    return {
        name: dict(zip(beside, values, strict=True)) for name, *values in content["metrics"]["rows"]
    }


@pytest.mark.requirement("S12")
@pytest.mark.requirement("S18")
@pytest.mark.parametrize(
    ("principal", "store"), [("seattle", None), ("eastside", None), ("head-office", "tacoma")]
)
async def test_figures_and_both_comparisons_equal_the_rows(
    ask_tool: AskTool, exported: naive.Exported, principal: str, store: str | None
) -> None:
    arguments = QUARTER | ({"store": store} if store else {})
    told = (await ask_tool(principal, "get_store_performance", arguments)).content
    figures = figures_of(told)
    rows = exported.of(store or principal)
    jsonschema.validate(told, TOOLS["get_store_performance"].output_schema)
    assert {"store", "period", "metrics", "insights"} <= set(told)
    assert told["store"] == ("Zava Retail Tacoma" if store else None)
    checked = 0
    for metric, values in figures.items():
        for beside, (start, end) in SPANS.items():
            if beside != "value" and values[beside] is None:
                continue
            lines = [row for row in rows.lines if start <= row["date"] < end]
            expected = naive.METRICS[metric](naive.Facts(lines, rows.stock))
            assert values[beside] == pytest.approx(float(expected), abs=0.006), (metric, beside)
            checked += 1
    margins = {"gross_margin", "gross_margin_percent"}
    assert (margins <= set(figures)) == (principal != "seattle")
    assert checked == (28 if principal == "seattle" else 34)


@pytest.mark.requirement("S16")
async def test_parts_add_up_to_the_figures(ask_tool: AskTool) -> None:
    told = (await ask_tool("eastside", "get_store_performance", QUARTER)).content
    revenue = Decimal(str(figures_of(told)["revenue"]["value"]))
    for part in ("stores", "categories"):
        place = told[part]["columns"].index("revenue")
        assert sum(Decimal(str(row[place])) for row in told[part]["rows"]) == revenue
    assert len(told["top_products"]["rows"]) == len(told["bottom_products"]["rows"]) == 5
    best = [row[1] for row in told["top_products"]["rows"]]
    worst = [row[1] for row in told["bottom_products"]["rows"]]
    assert best == sorted(best, reverse=True)
    assert worst == sorted(worst)
    assert max(worst) < min(best)


async def test_stock_risks_are_the_products_that_sell_and_will_soon_be_gone(
    ask_tool: AskTool, exported: naive.Exported
) -> None:
    start, end = date(2020, 1, 1), date(2026, 7, 1)
    whole = {"time_period": "2020-01-01..2026-06-30"}
    told = (await ask_tool("seattle", "get_store_performance", whole)).content["stock_risks"]
    rows = exported.of("seattle")
    kept = {row["product"]: row for row in rows.stock}
    risks = []
    for product in {row["product"] for row in rows.lines}:
        lines = [row for row in rows.lines if row["product"] == product]
        facts = naive.Facts(lines, [kept[product]], days=(end - start).days)
        units = naive.units(lines)
        if units >= 5 and naive.METRICS["weeks_of_supply"](facts) < 2:
            risks.append((-units, product))
    assert risks
    assert told["group_count"] == len(risks)
    assert [row[0] for row in told["rows"]] == [product for _, product in sorted(risks)[:5]]


@pytest.mark.requirement("S13")
@pytest.mark.requirement("S14")
async def test_another_store_and_no_store_are_one_tool_error(ask_tool: AskTool) -> None:
    """An error of the tool, not of the exchange: this caller is known and may go on asking."""
    told = [
        await ask_tool("seattle", "get_store_performance", {"store": name})
        for name in ("Redmond", "Zava Retail Redmond", "Nowhere")
    ]
    for answer, name in zip(told, ("Redmond", "Zava Retail Redmond", "Nowhere"), strict=True):
        assert answer.is_error
        assert answer.content["code"] == "AUTHORIZATION_ERROR"
        assert answer.content["message"] == f"No store in your scope is named '{name}'."
        assert answer.content["hint"] == (
            "You see 1 of 8 stores: Zava Retail Seattle."
            " compare_with_chain compares yours with the chain's quartiles."
        )
    assert not (await ask_tool("seattle", "get_store_performance", {"store": " SEATTLE "})).is_error


async def test_best_store_is_answered_with_what_is_seen(ask_tool: AskTool) -> None:
    for principal, seen in (("seattle", 1), ("eastside", 3)):
        told = await ask_tool(principal, "get_store_performance", {})
        assert f"You see {seen} of 8 stores; a best or worst store is one among these." in told.text
    assert "You see" not in (await ask_tool("head-office", "get_store_performance", {})).text


@pytest.mark.requirement("S17")
async def test_small_samples_are_said_and_findings_stand_on_numbers_of_the_answer(
    ask_tool: AskTool,
) -> None:
    small = await ask_tool("kirkland", "get_store_performance", QUARTER)
    assert "too few to call a change more than chance" in small.text
    assert not [i for i in small.content["insights"] if i["rule"].startswith("revenue")]
    large = await ask_tool("head-office", "get_store_performance", {"time_period": "2025"})
    findings = {insight["rule"]: insight for insight in large.content["insights"]}
    for insight in findings.values():
        assert insight["text"] in large.text
    revenue = figures_of(large.content)["revenue"]
    change = 100 * (revenue["value"] - revenue["previous_period"]) / revenue["previous_period"]
    told = findings.get("revenue_against_previous_period")
    assert (told is not None) == (abs(round(change, 1)) >= 5)
    if told:
        assert f"{abs(round(change, 1))} %" in told["text"]


async def test_period_without_sales_is_zeros_not_an_error(ask_tool: AskTool) -> None:
    told = await ask_tool(
        "head-office", "get_store_performance", {"time_period": "2031", "store": "tacoma"}
    )
    assert not told.is_error
    assert told.content["store"] == "Zava Retail Tacoma"
    figures = figures_of(told.content)
    assert figures["revenue"] == {"value": 0.0, "previous_period": 0.0, "previous_year": 0.0}
    assert figures["average_order_value"]["value"] is None


class GivenData:
    """The use case alone: whatever is asked, these rows."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, MetricQuery]] = []

    async def measure(
        self, _: Caller, queries: Mapping[str, MetricQuery], __: Any = None
    ) -> Measured:
        self.asked.append(queries)
        return Measured(
            {name: self._rows(query) for name, query in queries.items()},
            Scope(STORE_MANAGERS, ("Zava Retail One",), 8),
            as_of=datetime(2026, 6, 30, tzinfo=UTC),
            queries=queries,
        )

    def describe(self) -> str:
        return ""

    @staticmethod
    def _rows(query: MetricQuery) -> MetricRows:
        columns = [*query.dimensions]
        for metric in query.metrics:
            columns += [metric]
            if query.compare:
                columns += [f"{metric}_previous", f"{metric}_change"]
        row: list[Any] = [
            "one" if name in query.dimensions else 100 if "previous" not in name else 50
            for name in columns
        ]
        return MetricRows(tuple(map(MetricColumn, columns)), [row], [], 1, query.period)


@pytest.mark.requirement("S11")
@pytest.mark.requirement("S15")
async def test_use_case_needs_no_database_and_asks_once(callers: dict[str, Caller]) -> None:
    data = GivenData()
    told = await StoreAnalysis(data, lambda: TODAY).performance(callers["seattle"], "one", None)
    assert len(data.asked) == 1
    assert told.store == "Zava Retail One"
    assert told.metrics["revenue"] == {"value": 100, "previous_period": 50, "previous_year": 100}
    (filters,) = {query.filters for query in data.asked[0].values()}
    assert [(each.dimension, each.values) for each in filters] == [("store", ("one",))]
    assert {query.period.expression for query in data.asked[0].values()} == {"last month"}
    assert data.asked[0]["year"].alone is Comparison.PREVIOUS_YEAR
