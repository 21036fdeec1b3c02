"""Certified metrics as a chart."""

import re
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from zava.model.core import Caller
from zava.model.metrics import Comparison
from zava.model.time_labels import FISCAL_UNITS, OF_TIME, UNITS
from zava.protocol.apps import sales_chart
from zava.protocol.rendering.metric_table import MetricsContent, metric_content, metric_text
from zava.protocol.tools.argument_forms import aliases
from zava.protocol.tools.metric_arguments import NO_COMPARISON, OrderArgument
from zava.protocol.tools.tool import Tool, ToolAnswer, product_text
from zava.retail.access_rules import SALES_READ
from zava.retail.service.use_cases import RetailAnalytics
from zava.retail.tools import query_metrics
from zava.retail.tools.query_metrics import QueryMetrics

Kind = Literal["time_series", "bars", "stock_risks"]

DESCRIPTION = product_text(
    """
    Show the person a chart of certified metrics, where the client can.

    Kinds: time_series (over time, with the previous period), bars (by category, store …),
    stock_risks (products that sell and run out soon). Arguments as in query_metrics, which answers
    without a picture; omitted arguments are chosen for the kind.

    The rows come as text, too. Where a chart is shown, state what stands out instead of repeating
    them. Pass on period, scope and notes.
    """
)
_DIMENSIONS: dict[Kind, list[str]] = {
    "time_series": ["month"],
    "bars": ["category"],
    "stock_risks": ["product", "store"],
}
_QUESTIONS: dict[Kind, dict[str, Any]] = {
    "time_series": {"metrics": ["revenue"]},
    "bars": {"metrics": ["revenue"], "compare": Comparison.PREVIOUS_PERIOD.value},
    "stock_risks": {
        "metrics": ["weeks_of_supply", "stock_on_hand", "units"],
        "time_period": "last 30 days",
        "order_by": [
            OrderArgument(by="weeks_of_supply", direction="asc"),
            OrderArgument(by="units"),
        ],
        "limit": 20,
    },
}
_OPENINGS: dict[Kind, str] = {
    "time_series": "A line over time; its points are these rows.",
    "bars": "Bars, one for each of these rows.",
    "stock_risks": "How many weeks the stock lasts, the shortest first; these are the rows.",
}
_MAX_POINTS = 400


_NAMES_OF_KINDS = {
    **dict.fromkeys(("line", "lines", "trend", "area", "over_time"), "time_series"),
    **dict.fromkeys(("column", "columns", "barchart", "histogram"), "bars"),
}


def read_kind(value: Any) -> Any:
    """Return a kind of chart by its published name: "line chart" is time_series."""
    if not isinstance(value, str):
        return value
    name = "_".join(re.split(r"[\s_-]+", value.strip().lower()))
    kind = name.removesuffix("_chart").removesuffix("_graph").removesuffix("_plot")
    return _NAMES_OF_KINDS.get(kind, value if kind == name else kind)


class ShowSalesChart(QueryMetrics):
    """Arguments of show_sales_chart."""

    FORMS = MappingProxyType({**QueryMetrics.FORMS, "kind": read_kind})
    ALIASES = MappingProxyType(
        {**QueryMetrics.ALIASES, **aliases(kind="chart_type chart chart_kind type")}
    )

    metrics: Annotated[
        list[str],
        Field(
            max_length=8,
            description="Default: revenue, or what stock_risks needs.",
            examples=[["revenue"]],
        ),
    ] = []  # noqa: RUF012  # pydantic copies it
    kind: Annotated[
        Kind | None,
        Field(description="Default: time_series over time, else bars."),
    ] = None

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Describe only what differs from query_metrics: a model reads both."""
        schema = super().model_json_schema(*args, **options)
        for name in QueryMetrics.model_fields.keys() - {"metrics"}:
            whole = schema["properties"][name]
            kept = {key: whole[key] for key in ("type", "items", "anyOf", "enum") if key in whole}
            schema["properties"][name] = kept | {"description": "As in query_metrics."}
        for part in schema["$defs"].values():
            for described in part["properties"].values():
                described.pop("description", None)
        return schema


class ChartContent(MetricsContent):
    """The figures, as query_metrics answers them, and how they are drawn."""

    kind: Kind


def _shallow(schema: dict[str, Any]) -> dict[str, Any]:
    """Describe the figures only as deep as they differ; query_metrics has the rest.

    Each part of the schema becomes an object without a further schema.
    """
    for described in schema["properties"].values():
        described.pop("description", None)

    def without_parts(node: Any) -> Any:
        if isinstance(node, list):
            return [without_parts(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return {"type": "object"}
        return {key: without_parts(inner) for key, inner in node.items()}

    plain: dict[str, Any] = without_parts({k: v for k, v in schema.items() if k != "$defs"})
    return plain


async def call(analytics: RetailAnalytics, caller: Caller, arguments: ShowSalesChart) -> ToolAnswer:
    """Answer from the metrics as the caller, with the kind of chart that fits."""
    kind = arguments.kind or _kind(arguments)
    if FISCAL_UNITS.keys() & arguments.dimensions:
        kind = "bars"  # the page places labels of the calendar alone on an axis of time
    question = _question(arguments, kind)
    beside = question.compare == Comparison.PREVIOUS_PERIOD.value or (
        "compare" not in arguments.model_fields_set and not question.forecast_periods
    )
    is_series = len(question.dimensions) == 1 and question.dimensions[0] in OF_TIME
    if is_series and beside:
        question = question.model_copy(update={"compare": NO_COMPARISON})
    answer = await query_metrics.answer_query(
        analytics, caller, question, point_by_point=is_series and beside
    )
    content: ChartContent = {**metric_content(answer), "kind": kind}
    return ToolAnswer(content, f"{_OPENINGS[kind]}\n{metric_text(answer)}")


def _kind(arguments: ShowSalesChart) -> Kind:
    if "weeks_of_supply" in arguments.metrics:
        return "stock_risks"
    return "time_series" if UNITS.keys() & arguments.dimensions else "bars"


def _question(arguments: ShowSalesChart, kind: Kind) -> QueryMetrics:
    """Return the question; what was left out is chosen for the kind."""
    given = {
        name: value
        for name, value in arguments
        if name in arguments.model_fields_set - {"kind"} and value not in ([], None)
    }
    question = {} if "metrics" in given else _QUESTIONS[kind]
    if "compare" in arguments.model_fields_set:
        question = {name: value for name, value in question.items() if name != "compare"}
    chosen: dict[str, Any] = {"dimensions": _DIMENSIONS[kind]}
    if kind == "time_series":
        chosen |= {"limit": _MAX_POINTS}
    return QueryMetrics.model_validate({**chosen, **question, **given})


TOOL = Tool(
    name="show_sales_chart",
    title="Show a sales chart",
    description=DESCRIPTION,
    arguments=ShowSalesChart,
    answer=ChartContent,
    shorten=_shallow,
    call=call,
    app=sales_chart.URI,
    permission=SALES_READ,
)
