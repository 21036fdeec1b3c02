"""MCP Apps: which tools show their answer in which page, and what that page may not need."""

import re
from datetime import date, timedelta
from typing import Any

import pytest

from tests.metrics import naive
from tests.support.answers.asking import AskTool
from tests.support.answers.rpc import ERAS, ask
from tests.support.servers.seeded import TODAY
from zava.app import Application
from zava.protocol.apps.sales_chart import MIME_TYPE, URI, page

MAX_BYTES = 30_000


@pytest.mark.parametrize("era", ERAS)
async def test_metric_tools_name_a_page_that_can_be_read(
    application: Application, tokens: dict[str, str], era: str
) -> None:
    _, listed = await ask(application, tokens["seattle"], era, "tools/list")
    apps = {
        tool["name"]: tool["_meta"]["ui"]["resourceUri"]
        for tool in listed["result"]["tools"]
        if "ui" in tool.get("_meta", {})
    }
    assert apps == dict.fromkeys(
        ("query_metrics", "show_sales_chart", "get_store_performance", "compare_with_chain"), URI
    )
    _, read = await ask(application, tokens["seattle"], era, "resources/read", {"uri": URI})
    (content,) = read["result"]["contents"]
    assert content["mimeType"] == MIME_TYPE
    assert content["text"] == page()


def test_page_is_one_small_file_that_needs_nobody() -> None:
    html = page()
    assert len(html.encode()) <= MAX_BYTES
    addresses = set(re.findall(r"\w+://[^\s\"'`)]+", html)) - {"http://www.w3.org/2000/svg"}
    assert addresses == {"file:///${name}"}, "the name under which a host saves the rows"
    assert not re.search(r"^\s*(import|export) ", html, re.MULTILINE)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", html)
    assert not re.search(r"<(script|link|img)[^>]*\s(src|href)=", html)
    assert html.count("</script>") == 1


@pytest.mark.parametrize(
    ("asked", "kind", "columns"),
    [
        ({}, "bars", ["category", "revenue", "revenue_previous"]),
        ({"kind": "time_series"}, "time_series", ["month", "revenue", "revenue_previous"]),
        (
            {"metrics": ["orders"], "dimensions": ["day"], "time_period": "last 7 days"},
            "time_series",
            ["day", "orders", "orders_previous"],
        ),
        (
            {"metrics": ["orders"], "dimensions": ["fiscal_month"], "kind": "time_series"},
            "bars",
            ["fiscal_month", "orders", "orders_previous"],
        ),
        (
            {"metrics": ["orders"], "dimensions": ["month"], "compare": "none"},
            "time_series",
            ["month", "orders"],
        ),
        (
            {"metrics": ["orders"], "dimensions": ["month"], "forecast_periods": 2},
            "time_series",
            ["month", "orders"],
        ),
        ({"metrics": ["stock_value"]}, "bars", ["category", "stock_value"]),
        (
            {"kind": "stock_risks"},
            "stock_risks",
            ["product", "store", "weeks_of_supply", "stock_on_hand", "units"],
        ),
        ({"metrics": ["weeks_of_supply"]}, "stock_risks", ["product", "store", "weeks_of_supply"]),
    ],
)
async def test_what_was_left_out_is_chosen_for_the_kind(
    ask_tool: AskTool, asked: dict[str, Any], kind: str, columns: list[str]
) -> None:
    told = await ask_tool("eastside", "show_sales_chart", asked)
    assert not told.is_error, told.text
    assert told.content["kind"] == kind
    names = [column["name"] for column in told.content["columns"]]
    assert [name for name in names if not name.endswith(("_change", "_change_percent"))] == columns


async def test_text_says_what_the_chart_shows(ask_tool: AskTool) -> None:
    told = await ask_tool("redmond", "show_sales_chart", {"kind": "bars"})
    first, best = told.text.splitlines()[0], told.content["rows"][0]
    assert first == "Bars, one for each of these rows."
    assert f"{best[0]} | {best[1]}" in told.text
    assert "1 of 8 stores" in told.text


@pytest.mark.slow
async def test_series_stands_day_by_day_beside_the_period_before(
    ask_tool: AskTool, exported: naive.Exported
) -> None:
    told = await ask_tool(
        "head-office", "show_sales_chart", {"dimensions": ["day"], "time_period": "last 30 days"}
    )
    by_day: dict[date, float] = {}
    for day in {line["date"] for line in exported.lines}:
        sold = (line["total_amount"] for line in exported.lines if line["date"] == day)
        by_day[day] = float(sum(sold))
    first = TODAY - timedelta(days=30)
    # The same weekdays.
    assert told.content["compared_with"]["first_day"] == str(first - timedelta(days=35))
    expected = [
        [str(day), by_day[day], by_day.get(day - timedelta(days=35))]
        for day in (first + timedelta(days=place) for place in range(30))
        if day in by_day
    ]
    assert len(expected) > 10
    assert told.content["rows"] == expected
