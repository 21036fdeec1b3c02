"""The arguments that every tool over certified metrics takes, and the question that they make."""

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from zava.model.core import Caller
from zava.model.metrics import Comparison, MetricAnswer, MetricFilter, MetricOrder
from zava.protocol.tools.argument_forms import LIMIT_NAMES, aliases
from zava.protocol.tools.metric_forms import read_filters, read_orders
from zava.protocol.tools.time_arguments import PERIOD_NAMES, read_comparison, read_period
from zava.protocol.tools.tool import Arguments
from zava.service.metrics.periods import FISCAL_GRAMMAR
from zava.service.metrics.query import DEFAULT_PERIOD, MAX_FORECASTS, MetricQueries

MAX_GROUPS, DEFAULT_GROUPS = 1000, 50
NO_COMPARISON: Literal["none"] = "none"


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


class MetricArguments(Arguments):
    """Arguments of a metric tool; a domain's own tool names its metrics and dimensions."""

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

    metrics: Annotated[list[str], Field(min_length=1, max_length=8)]
    dimensions: Annotated[list[str], Field(max_length=3)] = []  # noqa: RUF012  # pydantic copies it
    filters: Annotated[list[FilterArgument], Field(max_length=8)] = []  # noqa: RUF012  # same
    time_period: Annotated[
        str | None,
        Field(description=f"{FISCAL_GRAMMAR}. Default: {DEFAULT_PERIOD}.", examples=["last month"]),
    ] = None
    order_by: Annotated[
        list[OrderArgument],
        Field(
            max_length=4,
            description="Default: time forward, else first metric downward.",
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


async def answer_metrics(
    metrics: MetricQueries,
    caller: Caller,
    arguments: MetricArguments,
    *,
    point_by_point: bool = False,
) -> MetricAnswer:
    """Query the metrics with valid arguments.

    Raises:
        InvalidInput: a name, value, period or combination is not one that is answered.
        NotPermitted: a metric, dimension or tenant is not this caller's.
    """
    return await metrics.query(
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
