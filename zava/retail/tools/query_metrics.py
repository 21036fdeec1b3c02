"""Certified metrics: figures that are defined once."""

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from zava.model.core import Caller
from zava.model.metrics import Comparison, MetricAnswer, MetricFilter, MetricOrder
from zava.protocol.apps import sales_chart
from zava.protocol.rendering.metric_table import MetricsContent, metric_content, metric_text
from zava.protocol.tools.argument_forms import LIMIT_NAMES, aliases
from zava.protocol.tools.metric_forms import read_filters, read_orders
from zava.protocol.tools.time_arguments import PERIOD_NAMES, read_comparison, read_period
from zava.protocol.tools.tool import (
    LONG_RESULT_CHARACTERS,
    Arguments,
    Tool,
    ToolAnswer,
    product_text,
)
from zava.retail.access_rules import SALES_READ
from zava.retail.service.use_cases import RetailAnalytics
from zava.service.metrics.periods import FISCAL_GRAMMAR
from zava.service.metrics.query import DEFAULT_PERIOD, MAX_FORECASTS

MAX_GROUPS, DEFAULT_GROUPS = 1000, 50
NO_COMPARISON: Literal["none"] = "none"

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


class FilterArgument(Arguments):
    """One condition; several hold together."""

    dimension: str
    op: Annotated[
        Literal["=", "!=", "in", "contains", "between", ">=", "<=", ">", "<"],
        Field(
            description="=, !=, in, contains for text; all but contains for times such as 2024-05"
            " or 2024-Q2."
        ),
    ]
    value: Annotated[
        list[str],
        Field(min_length=1, description="One; any for in, != and contains, two for between."),
    ]


class OrderArgument(Arguments):
    """One key to sort by."""

    by: Annotated[str, Field(description="A metric or dimension of the answer.")]
    direction: Literal["asc", "desc"] = "desc"


class QueryMetrics(Arguments):
    """Arguments of query_metrics."""

    SEPARATED = frozenset({"metrics", "dimensions"})
    FORMS = MappingProxyType(
        {
            "filters": read_filters,
            "order_by": read_orders,
            "time_period": read_period,
            "compare": read_comparison,
        }
    )
    ALIASES = aliases(
        metrics="measures kpis",
        dimensions="group_by by breakdown break_down_by split_by dims group granularity time_grain"
        " time_granularity",
        filters="where conditions filter_by",
        time_period=PERIOD_NAMES,
        time_period__start="start_date start from_date date_from",
        time_period__end="end_date end to_date date_to",
        order_by="sort_by sort order ordering",
        limit=LIMIT_NAMES,
        compare="comparison compare_to compare_with comparison_period versus vs",
        totals="include_totals with_totals show_totals subtotals",
        forecast_periods="forecast horizon forecast_horizon",
    )

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
    time_period: Annotated[
        str | None,
        Field(description=f"{FISCAL_GRAMMAR}. Default: {DEFAULT_PERIOD}.", examples=["last month"]),
    ] = None
    order_by: Annotated[
        list[OrderArgument],
        Field(
            max_length=4,
            description="Default: time forward, else first metric downward.",
            examples=[[{"by": "revenue", "direction": "desc"}]],
        ),
    ] = []  # noqa: RUF012  # same
    limit: Annotated[int, Field(ge=1, le=MAX_GROUPS, description="Most groups to return.")] = (
        DEFAULT_GROUPS
    )
    compare: Annotated[
        Literal["previous_period", "previous_year", "previous_year_date", "none"],
        Field(
            description="Adds <metric>_previous, _change and _change_percent. previous_year: days"
            " and weeks meet the same weekdays; previous_year_date: the calendar date."
        ),
    ] = NO_COMPARISON
    totals: Annotated[bool, Field(description="Adds totals and subtotals.")] = False
    forecast_periods: Annotated[
        int,
        Field(ge=0, le=MAX_FORECASTS, description="Coming periods to forecast."),
    ] = 0


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
    return await analytics.sales.metrics.query(
        caller,
        metrics=arguments.metrics,
        dimensions=arguments.dimensions,
        filters=[
            MetricFilter(each.dimension, each.op, tuple(each.value)) for each in arguments.filters
        ],
        time_period=arguments.time_period,
        order_by=[MetricOrder(each.by, each.direction == "desc") for each in arguments.order_by],
        limit=arguments.limit,
        compare=None if arguments.compare == NO_COMPARISON else Comparison(arguments.compare),
        with_totals=arguments.totals,
        forecast_periods=arguments.forecast_periods,
        point_by_point=point_by_point,
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
