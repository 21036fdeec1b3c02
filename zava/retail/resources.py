"""The resources of the retail domain, and those of the server itself."""

from collections.abc import Mapping

from zava.model.audiences import SQL_QUERY
from zava.model.core import Caller
from zava.protocol.apps import sales_chart
from zava.protocol.rendering.schema import schemas_text
from zava.protocol.resources import budget, performance
from zava.protocol.resources.resource import Resource
from zava.retail import quality_report
from zava.retail.access_rules import SALES_READ
from zava.retail.service.insights import insight_page
from zava.retail.service.use_cases import RetailAnalytics


async def _schema(analytics: RetailAnalytics, caller: Caller, _values: Mapping[str, str]) -> str:
    return schemas_text(*await analytics.data.table_schemas(caller, None))


async def _table(analytics: RetailAnalytics, caller: Caller, values: Mapping[str, str]) -> str:
    return schemas_text(*await analytics.data.table_schemas(caller, [values["table"]]))


async def _metrics(analytics: RetailAnalytics, _caller: Caller, _values: Mapping[str, str]) -> str:
    return analytics.sales.metrics.describe() + insight_page()


async def _sales_chart(
    _analytics: RetailAnalytics, _caller: Caller, _values: Mapping[str, str]
) -> str:
    return sales_chart.page()


RESOURCES: dict[str, Resource] = {
    resource.uri: resource
    for resource in (
        Resource(
            uri="retail://schema",
            name="schema",
            title="Retail schema",
            description="Every retail table that you may read: columns, keys, comments and known"
            " values.",
            read=_schema,
            permission=SQL_QUERY,
        ),
        Resource(
            uri="retail://tables/{table}",
            name="table",
            title="Retail table",
            description="One table, such as retail://tables/orders: columns, keys, comments and"
            " known values.",
            read=_table,
            permission=SQL_QUERY,
        ),
        Resource(
            uri="retail://metrics",
            name="metrics",
            title="Metric catalogue",
            description="Every certified metric and dimension: unit, meaning, and over what it adds"
            " up.",
            read=_metrics,
            permission=SALES_READ,
            mime_type="text/markdown",
        ),
        Resource(
            uri=sales_chart.URI,
            name="sales_chart",
            title="Sales chart",
            description="The page in which a client with MCP Apps draws figures; it holds none.",
            read=_sales_chart,
            permission=SALES_READ,
            mime_type=sales_chart.MIME_TYPE,
        ),
        Resource(
            uri=quality_report.URI,
            name="data_quality",
            title="Data quality",
            description="Of each store that you may see: last day with an order, days without one,"
            " totals unlike their lines, orders by day.",
            read=quality_report.read,
            permission=SALES_READ,
            is_live=True,
        ),
        Resource(
            uri=performance.URI,
            name="performance",
            title="Query performance",
            description="Which statements of this server take the time, by shape; for the head"
            " office alone.",
            read=performance.read,
            permission=SQL_QUERY,
            is_live=True,
        ),
        Resource(
            uri=budget.URI,
            name="budget",
            title="Your budget",
            description="What you have used of your calls and database time, and what is left.",
            read=budget.read,
            permission=None,
            is_live=True,
        ),
    )
}
"""Every resource and template by URI, in the order in which they are listed."""
