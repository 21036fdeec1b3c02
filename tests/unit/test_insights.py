"""Each rule speaks exactly from its threshold on, cites its numbers, and is silent on noise."""

from typing import Any

import pytest

from zava.retail.sales_values import Insight
from zava.retail.service.insights import (
    MIN_ORDERS,
    MIN_UNITS_OF_CATEGORY,
    RULES,
    StoreFigures,
    change_percent,
    find_insights,
    is_small_sample,
    short_of_supply,
)


def figures(**changed: tuple[float | None, float | None, float | None]) -> dict[str, Any]:
    told = {
        "revenue": (10_000.0, 10_000.0, 10_000.0),
        "orders": (100, 100, 100),
        "discount_rate": (2.0, 2.0, 2.0),
    } | changed
    return {
        name: {"value": now, "previous_period": before, "previous_year": year}
        for name, (now, before, year) in told.items()
    }


def found(findings: StoreFigures) -> dict[str, Insight]:
    return {insight.rule: insight for insight in find_insights(findings)}


def row(name: str, now: float, before: float, orders: tuple[int, int] = (50, 50)) -> dict[str, Any]:
    return {
        "category": name,
        "store": name,
        "revenue": now,
        "revenue_previous": before,
        "revenue_change": now - before,
        "orders": orders[0],
        "orders_previous": orders[1],
        "units": orders[0],
        "units_previous": orders[1],
    }


@pytest.mark.requirement("S17")
def test_nothing_changed_is_nothing_told() -> None:
    assert find_insights(StoreFigures(figures())) == ()


@pytest.mark.requirement("S17")
@pytest.mark.parametrize(
    ("now", "speaks"), [(10_494.0, False), (10_500.0, True), (9_506.0, False), (9_500.0, True)]
)
@pytest.mark.parametrize("beside", ["previous_period", "previous_year"])
def test_revenue_speaks_from_five_percent_on(now: float, beside: str, speaks: bool) -> None:
    told = found(StoreFigures(figures(revenue=(now, 10_000.0, 10_000.0))))
    assert (f"revenue_against_{beside}" in told) == speaks
    if speaks:
        insight = told[f"revenue_against_{beside}"]
        assert ("rose 5.0 %" if now > 10_000 else "fell 5.0 %") in insight.text
        assert f"${now:,.2f} after $10,000.00" in insight.text


@pytest.mark.parametrize("orders", [(MIN_ORDERS - 1, 100, 100), (100, MIN_ORDERS - 1, 100)])
def test_few_orders_are_noise_however_large_the_change(orders: tuple[int, int, int]) -> None:
    findings = StoreFigures(
        figures(
            revenue=(90_000.0, 10_000.0, 90_000.0), orders=orders, discount_rate=(9.0, 1.0, 1.0)
        )
    )
    assert is_small_sample(findings)
    assert set(found(findings)) <= {"revenue_against_previous_year"}


@pytest.mark.parametrize("nothing", [None, 0])
def test_period_without_sales_is_told_of_by_no_rule(nothing: float | None) -> None:
    gone = figures(
        revenue=(0, nothing, nothing), orders=(0, nothing, nothing), discount_rate=(None,) * 3
    )
    assert find_insights(StoreFigures(gone)) == ()


def test_driver_is_the_larger_part_of_the_change_and_nothing_when_both_share_it() -> None:
    by_orders = found(
        StoreFigures(figures(revenue=(20_000.0, 10_000.0, 1.0), orders=(200, 100, 1)))
    )
    assert (
        "The number of orders moved revenue since the previous period:"
        " 200 orders of $100.00 after 100 of $100.00." in by_orders["driver_of_revenue"].text
    )
    by_value = found(StoreFigures(figures(revenue=(20_000.0, 10_000.0, 1.0), orders=(100, 100, 1))))
    assert "The value of an order moved revenue" in by_value["driver_of_revenue"].text
    both = found(StoreFigures(figures(revenue=(14_400.0, 10_000.0, 1.0), orders=(120, 100, 1))))
    assert "driver_of_revenue" not in both


@pytest.mark.parametrize(
    ("rate", "speaks"), [(2.99, False), (3.0, True), (1.01, False), (1.0, True)]
)
def test_discounts_speak_from_one_point_on(rate: float, speaks: bool) -> None:
    told = found(StoreFigures(figures(discount_rate=(rate, 2.0, 2.0))))
    assert ("discount_rate" in told) == speaks
    if speaks:
        moved = "rose" if rate > 2 else "fell"
        assert told["discount_rate"].text == (
            f"The discount rate {moved} {abs(round(rate - 2.0, 2))} points against the previous"
            f" period, to {rate} % of gross sales."
        )


def test_category_that_moved_most_money_is_named_where_enough_orders_hold_it() -> None:
    rows = [
        row("Small", 100.0, 10.0),  # grew most in percent
        row("Large", 6_000.0, 9_000.0),
        row("Steady", 100_000.0, 90_000.0),  # moved more, by less than the threshold
        row("Rare", 50_000.0, 1_000.0, orders=(50, MIN_UNITS_OF_CATEGORY - 1)),
    ]
    insight = found(StoreFigures(figures(), categories=rows))["category_change"]
    assert (
        insight.text == "Large fell 33.3 % against the previous period: $6,000.00 after $9,000.00."
    )
    assert "category_change" not in found(StoreFigures(figures(), categories=rows[2:]))


def test_stores_apart_need_two_with_enough_orders() -> None:
    rows = [
        row("Seattle", 120.0, 100.0),
        row("Tacoma", 90.0, 100.0),
        row("Kirkland", 900.0, 1.0, (3, 3)),
    ]
    insight = found(StoreFigures(figures(), stores=rows))["stores_apart"]
    assert insight.text == (
        "Seattle rose 20.0 % in revenue against the previous period, Tacoma fell 10.0 %."
    )
    assert "stores_apart" not in found(StoreFigures(figures(), stores=rows[:1]))
    close = [row("Seattle", 104.0, 100.0), row("Tacoma", 100.0, 100.0)]
    assert "stores_apart" not in found(StoreFigures(figures(), stores=close))


@pytest.mark.parametrize(("out", "speaks"), [(49, False), (50, True)])
def test_stock_outs_speak_from_five_percent_on(out: int, speaks: bool) -> None:
    stock = {"stock_outs": out, "products_stocked": 1000, "products_to_reorder": 70}
    told = found(StoreFigures(figures(), stock=stock))
    assert ("stock_outs" in told) == speaks
    if speaks:
        assert told["stock_outs"].text == (
            "50 of 1000 products kept are out of stock (5.0 %); 70 are to be reordered."
        )
    assert "stock_outs" not in found(StoreFigures(figures(), stock=stock | {"products_stocked": 0}))


@pytest.mark.parametrize(
    ("units", "weeks", "speaks"),
    [(5, 1.99, True), (4, 0.0, False), (5, 2.0, False), (50, None, False)],
)
def test_short_supply_needs_units_and_less_than_two_weeks(
    units: int, weeks: float | None, speaks: bool
) -> None:
    supply = [{"product": "Hammer", "units": units, "stock_on_hand": 1, "weeks_of_supply": weeks}]
    assert bool(short_of_supply(supply)) == speaks
    assert ("short_supply" in found(StoreFigures(figures(), supply=supply))) == speaks


@pytest.mark.requirement("S19")
def test_rules_are_named_once_state_a_threshold_and_cite_numbers() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(any(letter.isdigit() for letter in rule.threshold) for rule in RULES)
    everything = StoreFigures(
        figures(
            revenue=(20_000.0, 10_000.0, 10_000.0),
            orders=(200, 100, 100),
            discount_rate=(9.0, 2.0, 2.0),
        ),
        stores=[row("Seattle", 120.0, 100.0), row("Tacoma", 90.0, 100.0)],
        categories=[row("Large", 6_000.0, 9_000.0)],
        supply=[{"product": "Hammer", "units": 9, "stock_on_hand": 1, "weeks_of_supply": 0.5}],
        stock={"stock_outs": 90, "products_stocked": 1000, "products_to_reorder": 70},
    )
    told = find_insights(everything)
    assert [insight.rule for insight in told] == [rule.name for rule in RULES]
    assert find_insights(everything) == told
    assert all(any(letter.isdigit() for letter in insight.text) for insight in told)


@pytest.mark.parametrize(
    ("now", "before", "change"), [(110, 100, 10.0), (0, 100, -100.0), (5, 0, None), (None, 5, None)]
)
def test_change_in_percent(now: float | None, before: float, change: float | None) -> None:
    assert change_percent(now, before) == change
