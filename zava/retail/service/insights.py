"""Findings about a store's figures: stated, deterministic rules, each with its threshold.

A rule fires on a change that is large enough and has enough orders; otherwise it returns nothing.
Its text contains only numbers that the answer contains too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zava.retail.declaration import RETAIL
from zava.retail.sales_values import Insight

MIN_ORDERS = 30
"""Below so many orders in either period, a change is noise and no rule speaks of it."""

CHANGE_PERCENT = 5.0
CATEGORY_CHANGE_PERCENT = 15.0
RATE_CHANGE_POINTS = 1.0
STOCK_OUT_PERCENT = 5.0
SHORT_SUPPLY_WEEKS = 2.0
MIN_UNITS = 5
MIN_UNITS_OF_CATEGORY = 50
DRIVER_SHARE = 0.6
MIN_DAYS_OF_SUPPLY = 14
"""Below so many days a rate of sale is chance."""

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """The input of the rules: figures by name, and rows by column."""

    metrics: Mapping[str, Mapping[str, Any]]
    stores: Sequence[Record] = ()
    categories: Sequence[Record] = ()
    supply: Sequence[Record] = ()
    stock: Record | None = None
    has_missing_days: bool = False
    """Whether orders of some day of the period, or of one compared with it, are not loaded."""
    supply_days: int = 28
    currency: str = RETAIL.currency

    def money(self, amount: float) -> str:
        """Return an amount as a finding states it."""
        sign = "$" if self.currency == RETAIL.currency else f"{self.currency} "
        return f"{sign}{amount:,.2f}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its condition, and the finding that it returns."""

    name: str
    threshold: str
    find: Callable[[StoreFigures], Insight | None]
    is_of_now: bool = False
    """Whether it rests on today's stock alone, and on no order."""


def insight_page() -> str:
    """Return the rules and their thresholds in Markdown, as the page of metrics ends."""
    rows = "".join(f"| `{rule.name}` | {rule.threshold} |\n" for rule in RULES)
    return (
        "\n## Findings of get_store_performance\n\nEach speaks only where its threshold is met;"
        " the answer carries the numbers it names. Where days of a period are not loaded, only"
        " those on today's stock speak.\n\n| rule | speaks when |\n|---|---|\n" + rows
    )


def find_insights(findings: StoreFigures) -> tuple[Insight, ...]:
    """Return what the rules find, in their order."""
    found = (
        rule.find(findings) for rule in RULES if rule.is_of_now or not findings.has_missing_days
    )
    return tuple(insight for insight in found if insight is not None)


def is_small_sample(findings: StoreFigures, beside: str = "previous_period") -> bool:
    """Whether a comparison has too few orders to call the difference a change."""
    orders = findings.metrics["orders"]
    return min(orders["value"] or 0, orders[beside] or 0) < MIN_ORDERS


def change_percent(now: float | None, before: float | None) -> float | None:
    """Return the change in percent, or nothing where there was nothing before."""
    if now is None or not before:
        return None
    return round(100 * (now - before) / before, 1)


def _revenue_change(findings: StoreFigures, beside: str, words: str) -> Insight | None:
    revenue = findings.metrics["revenue"]
    change = change_percent(revenue["value"], revenue[beside])
    if is_small_sample(findings, beside) or change is None or abs(change) < CHANGE_PERCENT:
        return None
    return Insight(
        f"revenue_against_{beside}",
        f"Revenue {_moved(change)} {abs(change)} % against {words}:"
        f" {findings.money(revenue['value'])} after {findings.money(revenue[beside])}.",
    )


def _driver(findings: StoreFigures) -> Insight | None:
    """Split the change of revenue into the share of more orders and that of larger ones."""
    revenue, orders = findings.metrics["revenue"], findings.metrics["orders"]
    change = change_percent(revenue["value"], revenue["previous_period"])
    if is_small_sample(findings) or change is None or abs(change) < CHANGE_PERCENT:
        return None
    value_before = revenue["previous_period"] / orders["previous_period"]
    value_now = revenue["value"] / orders["value"]
    difference = revenue["value"] - revenue["previous_period"]
    # The midpoints leave no rest between the two shares.
    by_orders = (
        (orders["value"] - orders["previous_period"]) * (value_now + value_before) / 2 / difference
    )
    if 1 - DRIVER_SHARE < by_orders < DRIVER_SHARE:
        return None
    driver = "number of orders" if by_orders >= DRIVER_SHARE else "value of an order"
    return Insight(
        "driver_of_revenue",
        f"The {driver} moved revenue since the previous period: {orders['value']} orders of"
        f" {findings.money(value_now)} after {orders['previous_period']} of"
        f" {findings.money(value_before)}.",
    )


def _discounts(findings: StoreFigures) -> Insight | None:
    rate = findings.metrics["discount_rate"]
    now, before = rate["value"], rate["previous_period"]
    if is_small_sample(findings) or now is None or before is None:
        return None
    points = round(now - before, 2)
    if abs(points) < RATE_CHANGE_POINTS:
        return None
    return Insight(
        "discount_rate",
        f"The discount rate {_moved(points)} {abs(points)} points against the previous period,"
        f" to {now} % of gross sales.",
    )


def _category(findings: StoreFigures) -> Insight | None:
    """Name the category that moved most money, where that is much of its own."""
    moved = []
    for row in findings.categories:
        change = change_percent(row["revenue"], row["revenue_previous"])
        enough = min(row["units"], row["units_previous"]) >= MIN_UNITS_OF_CATEGORY
        if enough and change is not None and abs(change) >= CATEGORY_CHANGE_PERCENT:
            moved.append((abs(row["revenue_change"]), change, row))
    if not moved:
        return None
    _, change, row = max(moved, key=lambda each: (each[0], each[2]["category"]))
    return Insight(
        "category_change",
        f"{row['category']} {_moved(change)} {abs(change)} % against the previous period:"
        f" {findings.money(row['revenue'])} after {findings.money(row['revenue_previous'])}.",
    )


def _stores(findings: StoreFigures) -> Insight | None:
    """Compare the store that grew most with the one that grew least."""
    grown = [
        (change, row)
        for row in findings.stores
        if min(row["orders"], row["orders_previous"]) >= MIN_ORDERS
        and (change := change_percent(row["revenue"], row["revenue_previous"])) is not None
    ]
    if len(grown) < 2:  # noqa: PLR2004  # a comparison needs two
        return None
    (low, last), (high, first) = (
        pick(grown, key=lambda each: (each[0], each[1]["store"])) for pick in (min, max)
    )
    if high - low < CHANGE_PERCENT:
        return None
    return Insight(
        "stores_apart",
        f"{first['store']} {_moved(high)} {abs(high)} % in revenue against the previous period,"
        f" {last['store']} {_moved(low)} {abs(low)} %.",
    )


def _stock_outs(findings: StoreFigures) -> Insight | None:
    stock = findings.stock
    if not stock or not stock["products_stocked"]:
        return None
    share = round(100 * stock["stock_outs"] / stock["products_stocked"], 1)
    if share < STOCK_OUT_PERCENT:
        return None
    return Insight(
        "stock_outs",
        f"{stock['stock_outs']} of {stock['products_stocked']} products kept are out of stock"
        f" ({share} %); {stock['products_to_reorder']} are to be reordered.",
    )


def _short_supply(findings: StoreFigures) -> Insight | None:
    short = short_of_supply(findings.supply)
    if not short:
        return None
    row = short[0]
    # Suppliers wrote its name, so that only the rows of stock_risks hold it.
    return Insight(
        "short_supply",
        f"The first product of stock_risks sold {row['units']} units in {findings.supply_days}"
        f" days and has {row['stock_on_hand']} left: {row['weeks_of_supply']} weeks at that rate.",
    )


def short_of_supply(supply: Sequence[Record]) -> list[Record]:
    """Return the products that sell and run out soon, the best sellers first."""
    short = (
        row
        for row in supply
        if row["units"] >= MIN_UNITS
        and row["weeks_of_supply"] is not None
        and row["weeks_of_supply"] < SHORT_SUPPLY_WEEKS
    )
    return sorted(short, key=lambda row: (-row["units"], row["product"]))


def _moved(change: float) -> str:
    return "rose" if change > 0 else "fell"


_ENOUGH = f"at least {MIN_ORDERS} orders in both periods"
RULES = (
    Rule(
        "revenue_against_previous_period",
        f"change of {CHANGE_PERCENT:g} % or more, {_ENOUGH}",
        lambda found: _revenue_change(found, "previous_period", "the previous period"),
    ),
    Rule(
        "revenue_against_previous_year",
        f"change of {CHANGE_PERCENT:g} % or more, {_ENOUGH}",
        lambda found: _revenue_change(found, "previous_year", "the comparable days a year earlier"),
    ),
    Rule(
        "driver_of_revenue",
        f"revenue changed by {CHANGE_PERCENT:g} % or more, {_ENOUGH}, and one of number and value"
        f" of orders explains {DRIVER_SHARE:.0%} or more",
        _driver,
    ),
    Rule("discount_rate", f"change of {RATE_CHANGE_POINTS:g} point or more, {_ENOUGH}", _discounts),
    Rule(
        "category_change",
        f"the largest change in money of a category that changed by {CATEGORY_CHANGE_PERCENT:g} %"
        f" or more, at least {MIN_UNITS_OF_CATEGORY} units in both periods",
        _category,
    ),
    Rule(
        "stores_apart",
        f"changes of two stores lie {CHANGE_PERCENT:g} points apart, {_ENOUGH} at each",
        _stores,
    ),
    Rule(
        "stock_outs",
        f"{STOCK_OUT_PERCENT:g} % or more of the products kept are out",
        _stock_outs,
        is_of_now=True,
    ),
    Rule(
        "short_supply",
        f"a product with {MIN_UNITS} units sold or more lasts less than"
        f" {SHORT_SUPPLY_WEEKS:g} weeks (under {MIN_DAYS_OF_SUPPLY} days: by four weeks)",
        _short_supply,
    ),
)
"""Every rule with its threshold, in the order in which findings are told."""
