"""The tool that compares a caller's stores with the chain."""

from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from zava.model.core import Caller
from zava.protocol.apps import sales_chart
from zava.protocol.rendering.metric_table import PeriodContent, period_content, reach_content
from zava.protocol.rendering.scope import ScopeContent, scope_content, scope_text
from zava.protocol.tools.argument_forms import aliases
from zava.protocol.tools.time_arguments import PERIOD_NAMES, read_period
from zava.protocol.tools.tool import Arguments, Tool, ToolAnswer, product_text
from zava.retail.access_rules import CHAIN_COMPARE
from zava.retail.sales_values import ChainComparison
from zava.retail.service.chain_comparison import DEFAULT_PERIOD
from zava.retail.service.use_cases import RetailAnalytics

DESCRIPTION = product_text(
    """
    Compare your stores with the median and quartiles of all stores of the chain.

    Use it for "how do we compare with other stores" when you see only some of them: one metric, one
    whole month, quarter or year that is over. Other stores' own values are never shown: quartiles
    are rounded, and withheld with fewer than five other stores. For stores that you see,
    query_metrics by store is exact.
    """
)


class CompareWithChain(Arguments):
    """Arguments of compare_with_chain."""

    FORMS = MappingProxyType({"time_period": read_period})
    ALIASES = aliases(
        metric="measure kpi metric_name",
        time_period=PERIOD_NAMES,
        time_period__start="start_date start",
        time_period__end="end_date end",
    )

    metric: Annotated[
        str,
        Field(
            description="revenue, orders, average_order_value, customers, units or discount_rate.",
            examples=["revenue"],
        ),
    ]
    time_period: Annotated[
        str | None,
        Field(
            description="last month|quarter|year, YYYY-MM, YYYY-Qn or YYYY, over by now."
            f" Default: {DEFAULT_PERIOD}.",
            examples=["last month"],
        ),
    ] = None


class OwnContent(TypedDict):
    """One of the caller's stores."""

    store: str
    value: float | None
    place: Annotated[str | None, Field(description="Among the quartiles.")]


class ChainContent(TypedDict):
    """The comparison; the chain's part is null where it is withheld."""

    metric: str
    unit: str
    period: PeriodContent
    own: list[OwnContent]
    store_count: int | None
    lower_quartile: float | None
    median: float | None
    upper_quartile: float | None
    notes: list[str]
    scope: ScopeContent
    as_of: str
    data_through: dict[str, Any]
    cached: bool


async def call(
    analytics: RetailAnalytics, caller: Caller, arguments: CompareWithChain
) -> ToolAnswer:
    """Compare as the caller."""
    comparison = await analytics.sales.chain.compare(
        caller, arguments.metric, arguments.time_period
    )
    low, median, high = comparison.quartiles or (None, None, None)
    notes = _notes(comparison)
    quartiles = None if comparison.missing_days else comparison.quartiles
    own: list[OwnContent] = [
        {"store": store, "value": value, "place": place(value, quartiles)}
        for store, value in comparison.own.items()
    ]
    content: ChainContent = {
        "metric": comparison.metric,
        "unit": comparison.unit,
        "period": period_content(comparison.period),
        "own": own,
        "store_count": comparison.store_count,
        "lower_quartile": low,
        "median": median,
        "upper_quartile": high,
        "notes": notes,
        "scope": scope_content(comparison.scope),
        "as_of": comparison.as_of.isoformat(timespec="seconds"),
        "data_through": reach_content(comparison.reach, comparison.missing_days),
        "cached": comparison.is_cached,
    }
    unit = "" if comparison.unit == "count" else f" ({comparison.unit})"
    lines = [f"{comparison.metric}{unit}, {comparison.period}"]
    lines += [
        f"{each['store']}: {each['value']}" + (f", {each['place']}" if each["place"] else "")
        for each in own
    ]
    if comparison.quartiles:
        lines.append(
            f"Chain, {comparison.store_count} stores: lower quartile {low:,.10g},"
            f" median {median:,.10g}, upper quartile {high:,.10g}"
        )
    lines += [f"({note})" for note in notes]
    lines.append(scope_text(comparison.scope))
    return ToolAnswer(content, "\n".join(lines))


def place(value: float | None, quartiles: tuple[float, float, float] | None) -> str | None:
    """Return between which of the quartiles, as they are shown, a value lies."""
    if value is None or quartiles is None:
        return None
    low, median, high = quartiles
    if value < low:
        return "below the lower quartile"
    if value > high:
        return "above the upper quartile"
    return (
        "between lower quartile and median"
        if value < median
        else ("between median and upper quartile")
    )


def _notes(comparison: ChainComparison) -> list[str]:
    if comparison.missing_days:
        return [
            (
                f"Orders of {comparison.missing_days} of the period's {comparison.period.days} days"
                " are not loaded: values are those of the other days, and no store has a place."
            )
        ]
    if comparison.quartiles is None:
        return [
            (
                "The chain's quartiles are withheld: fewer than five other stores sold then,"
                " and their own values could be computed."
            )
        ]
    if len(comparison.scope.stores) < comparison.scope.store_count:
        return ["Quartiles are rounded to two digits. One can still be close to a store's value."]
    return []


TOOL = Tool(
    name="compare_with_chain",
    title="Compare with the chain",
    description=DESCRIPTION,
    arguments=CompareWithChain,
    answer=ChainContent,
    call=call,
    permission=CHAIN_COMPARE,
    app=sales_chart.URI,
)
