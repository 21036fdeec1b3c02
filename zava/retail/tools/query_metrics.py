"""Certified metrics: figures that are defined once."""

from typing import Annotated

from pydantic import Field

from zava.model.core import Caller
from zava.model.metrics import MetricAnswer
from zava.protocol.apps import sales_chart
from zava.protocol.rendering.metric_table import MetricsContent, metric_content, metric_text
from zava.protocol.tools.metric_arguments import (
    FilterArgument,
    MetricArguments,
    OrderArgument,
    answer_metrics,
)
from zava.protocol.tools.tool import LONG_RESULT_CHARACTERS, Tool, ToolAnswer, product_text
from zava.retail.access_rules import SALES_READ
from zava.retail.service.use_cases import RetailAnalytics

DESCRIPTION = product_text(
    """
    Answer a question about sales, customers or stock from certified metrics, in one call.

    Prefer it to SQL. Rankings: one dimension; series: one of time; trending:
    compare=previous_period and order_by `<metric>_change`; forecasts: one dimension of time and
    forecast_periods. Stock and lifetime metrics are as of now. For figures that are no metric use
    execute_sales_query; for a summary get_store_performance.

    Rows are groups, best first; pass on period, scope and omissions. Never add up what
    retail://metrics does not call additive.
    """
)
METRICS = (
    "revenue, gross_sales, discounts, discount_rate, units, orders, average_order_value, "
    "products_sold, gross_margin, gross_margin_percent, "
    "refund_rate, customers, new_customers, returning_customers, repeat_rate, lifetime_value, "
    "days_since_last_purchase, lapsed_customers, stock_on_hand, stock_value, stock_outs, "
    "low_stock_products, reorder_quantity, weeks_of_supply, sell_through, "
    "like_for_like_growth, target_attainment"
)
DIMENSIONS = (
    "store, region, channel, category, product_type, product, brand, promotion, customer, "
    "stock_status, reorder_urgency, day, iso_week, month, quarter, year, fiscal_week, "
    "fiscal_month, fiscal_quarter, fiscal_year, weekday, hour, cohort"
)


class QueryMetrics(MetricArguments):
    """Arguments of query_metrics."""

    metrics: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=8,
            description=f"Among: {METRICS}.",
            examples=[["revenue", "orders"]],
        ),
    ]
    dimensions: Annotated[
        list[str],
        Field(
            max_length=3,
            description=f"What to split by: {DIMENSIONS}.",
            examples=[["category"]],
        ),
    ] = []  # noqa: RUF012  # pydantic copies it
    filters: Annotated[
        list[FilterArgument],
        Field(
            max_length=8,
            description="Conditions on dimensions.",
            examples=[[{"dimension": "category", "op": "in", "value": ["Plumbing"]}]],
        ),
    ] = []  # noqa: RUF012  # same
    order_by: Annotated[
        list[OrderArgument],
        Field(
            max_length=4,
            description="Default: time forward, else first metric downward.",
            examples=[[{"by": "revenue", "direction": "desc"}]],
        ),
    ] = []  # noqa: RUF012  # same


async def call(analytics: RetailAnalytics, caller: Caller, arguments: QueryMetrics) -> ToolAnswer:
    """Answer from the metrics as the caller."""
    answer = await answer_query(analytics, caller, arguments)
    return ToolAnswer(metric_content(answer), metric_text(answer))


async def answer_query(
    analytics: RetailAnalytics,
    caller: Caller,
    arguments: QueryMetrics,
    *,
    point_by_point: bool = False,
) -> MetricAnswer:
    """Query the metrics with valid arguments."""
    return await answer_metrics(
        analytics.sales.metrics, caller, arguments, point_by_point=point_by_point
    )


TOOL = Tool(
    name="query_metrics",
    title="Query certified metrics",
    description=DESCRIPTION,
    arguments=QueryMetrics,
    answer=MetricsContent,
    call=call,
    permission=SALES_READ,
    app=sales_chart.URI,
    result_characters=LONG_RESULT_CHARACTERS,
)
