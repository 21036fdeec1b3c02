"""The tools over metrics that a declaration defines: figures, and a chart of them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from typing_extensions import TypedDict

from zava.adoption.declared_values import AdoptionDeclaration
from zava.adoption.metrics.served_catalogue import served_catalogue
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.reader import MetricReader
from zava.data.metrics.result_cache import ResultCache
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.infrastructure.cache_backends import MemoryStore
from zava.model.audiences import SQL_QUERY
from zava.model.core import Caller
from zava.model.domain import Domain
from zava.model.metrics import MetricAnswer
from zava.model.time_labels import UNITS
from zava.protocol.apps import sales_chart
from zava.protocol.rendering.metric_table import (
    ForecastContent,
    MetricColumnContent,
    PeriodContent,
    metric_content,
    metric_text,
)
from zava.protocol.rendering.scope import TenantScopeContent, tenant_scope_content
from zava.protocol.resources.resource import Resource
from zava.protocol.tools.metric_arguments import MetricArguments, answer_metrics
from zava.protocol.tools.tool import LONG_RESULT_CHARACTERS, Tool, ToolAnswer
from zava.service.analytics import Analytics
from zava.service.metrics.query import MetricQueries

METRICS_URI = "zava://metrics"
_QUERY = """\
Answer a question from the certified metrics of {title}, in one call. Prefer it to SQL.

Rankings: one dimension; series: one of time. Metrics without a time are as of now. Rows are \
groups, best first. Pass on period, scope and notes. Never add up what zava://metrics does not \
call additive. For figures that are no metric use query_database."""
_CHART = """\
Show the person a chart of the certified metrics of {title}, where the client can.

Arguments as in query_metrics: one dimension of time makes a line, another one bars. The rows come \
as text, too; state what stands out instead of repeating them."""
_PAGE = """\
# Metrics

Certified numbers of {title}: each is defined once and computed over your own rows. Money, \
percents, ratios and numbers have 2 decimals, days one. Percents are 0 to 100. Days are those of \
{time_zone}. Weeks are ISO weeks. A metric without a time is known as of now: it takes no period \
and no comparison.

"""
_MAX_POINTS = 400


class MeasuredAnalytics(Analytics):
    """The use cases of an adopted database with metrics."""

    def __init__(
        self, data: FreeQuery, clock: Callable[[], datetime], metrics: MetricQueries
    ) -> None:
        super().__init__(data, clock)
        self.metrics = metrics


class FiguresContent(TypedDict):
    """Groups as arrays in column order."""

    columns: list[MetricColumnContent]
    rows: list[list[Any]]
    totals: Annotated[list[list[Any]], Field(description="null stands for all of a dimension.")]
    group_count: int
    period: Annotated[PeriodContent | None, Field(description="null: known as of now.")]
    compared_with: PeriodContent | None
    forecasts: list[ForecastContent]
    notes: list[str]
    scope: TenantScopeContent
    as_of: str


class DrawnContent(FiguresContent):
    """The figures, and how they are drawn."""

    kind: Literal["time_series", "bars"]


def measured_analytics(
    data: FreeQuery,
    clock: Callable[[], datetime],
    tenancy: TenantDatabase,
    declaration: AdoptionDeclaration,
    domain: Domain,
) -> MeasuredAnalytics:
    """Return the use cases over the metrics of a declaration; no answer is kept."""
    zone = ZoneInfo(domain.time_zone)
    # No trigger of ours notes a change in another application's tables: nothing may be kept.
    cache = ResultCache(tenancy, MemoryStore(1), ttl_seconds=0, secret=b"", code_version="")
    reader = MetricReader(tenancy, cache, served_catalogue(declaration, domain), page_opening=_PAGE)
    queries = MetricQueries(reader, lambda: clock().astimezone(zone).date(), counted=None)
    return MeasuredAnalytics(data, clock, queries)


def metric_tools(declaration: AdoptionDeclaration, domain: Domain) -> Mapping[str, Tool]:
    """Return the tools by name, their texts in the words of the declaration."""
    catalogue = served_catalogue(declaration, domain)
    tools = (
        Tool(
            name="query_metrics",
            title="Query certified metrics",
            description=_QUERY.format(title=domain.name),
            arguments=_named_arguments(catalogue),
            answer=FiguresContent,
            permission=SQL_QUERY,
            call=_query,
            result_characters=LONG_RESULT_CHARACTERS,
        ),
        Tool(
            name="show_metric_chart",
            title="Show a chart of metrics",
            description=_CHART.format(title=domain.name),
            arguments=ChartArguments,
            answer=DrawnContent,
            permission=SQL_QUERY,
            call=_draw,
            app=sales_chart.URI,
            shorten=_without_parts,
        ),
    )
    return {tool.name: tool for tool in tools}


def metric_resources() -> Mapping[str, Resource]:
    """Return the page that charts are drawn in, and the page of the metrics."""
    return {
        METRICS_URI: Resource(
            uri=METRICS_URI,
            name="metrics",
            title="Metrics",
            description="Every metric and dimension: unit, meaning, and over what it adds up.",
            read=_describe,
            permission=SQL_QUERY,
            mime_type="text/markdown",
        ),
        sales_chart.URI: Resource(
            uri=sales_chart.URI,
            name="chart",
            title="Chart",
            description="The page in which a client with MCP Apps draws figures; it holds none.",
            read=_page,
            permission=SQL_QUERY,
            mime_type=sales_chart.MIME_TYPE,
        ),
    }


class ChartArguments(MetricArguments):
    """Arguments of show_metric_chart."""

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Describe no argument a second time: a model reads query_metrics, too."""
        schema = super().model_json_schema(*args, **options)
        for name, whole in schema["properties"].items():
            kept = {key: whole[key] for key in ("type", "items", "anyOf", "enum") if key in whole}
            schema["properties"][name] = kept | {"description": "As in query_metrics."}
        for part in schema["$defs"].values():
            for described in part["properties"].values():
                described.pop("description", None)
        return schema


def _named_arguments(catalogue: Catalogue) -> type[MetricArguments]:
    """Return the arguments with the names of the metrics and dimensions that there are."""
    named, split = ", ".join(catalogue.metrics), ", ".join(catalogue.dimensions)
    first = next(iter(catalogue.metrics))

    class DeclaredMetricArguments(MetricArguments):
        """Arguments of query_metrics."""

        metrics: Annotated[
            list[str],
            Field(min_length=1, max_length=8, description=f"Among: {named}.", examples=[[first]]),
        ]
        dimensions: Annotated[
            list[str], Field(max_length=3, description=f"What to split by: {split}.")
        ] = []  # noqa: RUF012  # pydantic copies it

    return DeclaredMetricArguments


async def _describe(
    analytics: MeasuredAnalytics, _caller: Caller, _values: Mapping[str, str]
) -> str:
    return analytics.metrics.describe()


async def _page(_analytics: Analytics, _caller: Caller, _values: Mapping[str, str]) -> str:
    return sales_chart.page()


async def _query(
    analytics: MeasuredAnalytics, caller: Caller, arguments: MetricArguments
) -> ToolAnswer:
    answer = await answer_metrics(analytics.metrics, caller, arguments)
    return ToolAnswer(_figures(answer), metric_text(answer))


async def _draw(
    analytics: MeasuredAnalytics, caller: Caller, arguments: MetricArguments
) -> ToolAnswer:
    chosen: dict[str, Any] = {"limit": _MAX_POINTS}
    if not arguments.dimensions:
        chosen["dimensions"] = ["month"]
    missing = {name: value for name, value in chosen.items() if not _is_given(arguments, name)}
    question = arguments.model_copy(update=missing)
    answer = await answer_metrics(analytics.metrics, caller, question)
    kind: Literal["time_series", "bars"] = (
        "time_series" if UNITS.keys() & question.dimensions else "bars"
    )
    content: DrawnContent = {**_figures(answer), "kind": kind}
    return ToolAnswer(content, metric_text(answer))


def _is_given(arguments: MetricArguments, name: str) -> bool:
    return name in arguments.model_fields_set and bool(getattr(arguments, name))


def _figures(answer: MetricAnswer) -> FiguresContent:
    """Return an answer without what only Zava's own tables have."""
    content = metric_content(answer)
    return {
        "columns": content["columns"],
        "rows": content["rows"],
        "totals": content["totals"],
        "group_count": content["group_count"],
        "period": content["period"],
        "compared_with": content["compared_with"],
        "forecasts": content["forecasts"],
        "notes": content["notes"],
        "scope": tenant_scope_content(answer.scope),
        "as_of": content["as_of"],
    }


def _without_parts(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of figures with objects in place of what query_metrics describes."""

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        return {"type": "object"} if "$ref" in node else {k: plain(v) for k, v in node.items()}

    for described in schema["properties"].values():
        described.pop("description", None)
    found: dict[str, Any] = plain({k: v for k, v in schema.items() if k != "$defs"})
    return found
