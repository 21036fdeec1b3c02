"""How a store did: figures, the previous period and year, rankings, risks and findings."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from zava.model.core import Caller, Scope
from zava.model.data_reach import DataReach
from zava.model.fiscal_calendar import CALENDAR_YEARS, FiscalCalendar
from zava.model.metrics import (
    Comparison,
    Measured,
    MetricFilter,
    MetricOrder,
    MetricQuery,
    MetricRows,
    Period,
    PeriodUnit,
)
from zava.retail.declaration import RETAIL
from zava.retail.sales_values import StorePerformance
from zava.retail.service.insights import (
    MIN_DAYS_OF_SUPPLY,
    MIN_ORDERS,
    StoreFigures,
    find_insights,
    is_small_sample,
    short_of_supply,
)
from zava.service.metrics.comparability import comparable, period_notes
from zava.service.metrics.periods import parse_period
from zava.service.metrics.place_notes import place_notes
from zava.service.metrics.query import MetricData

DEFAULT_PERIOD = "last month"

_FIGURES = (
    *("revenue", "orders", "average_order_value", "units", "customers", "discount_rate"),
    *("new_customers", "returning_customers", "gross_margin", "gross_margin_percent"),
)
_STOCK = ("stock_value", "stock_outs", "low_stock_products", "products_to_reorder")
_SAID_BY_NAME = ("_previous", "_change", "_percent")
_FOUR_WEEKS = timedelta(weeks=4)
_MAX_STORES, _MAX_CATEGORIES, _MAX_CONSIDERED, _LISTED = 20, 50, 50, 5


class StoreAnalysis:
    """The use case of one tool: its whole answer comes from one statement."""

    def __init__(
        self,
        data: MetricData,
        today: Callable[[], date],
        fiscal: FiscalCalendar = CALENDAR_YEARS,
    ) -> None:
        self._data = data
        self._today = today
        self._fiscal = fiscal

    async def performance(
        self, caller: Caller, store: str | None, time_period: str | None
    ) -> StorePerformance:
        """Return how the named store, or all in scope together, did in the period.

        Raises:
            InvalidInput: the period is not in the grammar.
            NotPermitted: no store of that name is in scope; it may exist or not.
        """
        filters = (MetricFilter("store", "=", (store,)),) if store is not None else ()

        def questions(today: date) -> Mapping[str, MetricQuery]:
            period = parse_period(time_period or DEFAULT_PERIOD, today, self._fiscal)
            return _questions(
                MetricQuery(_FIGURES, period, today, filters=filters, leaves_out_restricted=True)
            )

        measured = await self._data.measure(caller, questions(self._today()), questions)
        basis = replace(measured.queries["figures"], compare=None)
        answers = {
            name: comparable(rows, measured.queries[name], measured.reach)
            for name, rows in measured.answers.items()
        }
        return _performance(
            replace(measured, answers=answers),
            basis,
            _full_name(store, measured.scope) if store is not None else None,
        )


def _questions(basis: MetricQuery) -> dict[str, MetricQuery]:
    beside = replace(basis, compare=Comparison.PREVIOUS_PERIOD)
    by_product = replace(basis, dimensions=("product",), limit=_LISTED)
    return {
        "figures": beside,
        "year": replace(basis, alone=Comparison.PREVIOUS_YEAR),
        "stock": replace(basis, metrics=(*_STOCK, "products_stocked")),
        "stores": replace(
            beside, metrics=("revenue", "orders"), dimensions=("store",), limit=_MAX_STORES
        ),
        "categories": replace(
            beside, metrics=("revenue", "units"), dimensions=("category",), limit=_MAX_CATEGORIES
        ),
        "top_products": replace(by_product, metrics=("revenue", "units")),
        "bottom_products": replace(
            by_product,
            metrics=("revenue", "units"),
            order_by=(MetricOrder("revenue", is_descending=False),),
        ),
        "supply": replace(
            by_product,
            period=_supply_period(basis.period),
            limit=_MAX_CONSIDERED,
            metrics=("weeks_of_supply", "units", "stock_on_hand"),
            order_by=(MetricOrder("weeks_of_supply", is_descending=False), MetricOrder("units")),
        ),
    }


def _supply_period(period: Period) -> Period:
    """Return the days of a rate of sale: those of the period, or four weeks to its end."""
    if period.days >= MIN_DAYS_OF_SUPPLY:
        return period
    return Period("four weeks", period.end - _FOUR_WEEKS, period.end, PeriodUnit.WEEK, 4)


def _full_name(store: str, scope: Scope) -> str:
    """Return the name as written in the data; the data layer has found it in scope."""
    wanted = store.strip().casefold()
    return next(
        name for name in scope.stores if name.casefold() in {wanted, f"zava retail {wanted}"}
    )


def _performance(measured: Measured, basis: MetricQuery, store: str | None) -> StorePerformance:
    answers = measured.answers
    metrics = _beside(answers["figures"].records()[0], answers["year"].records()[0])
    stock = answers["stock"].records()[0]
    metrics |= {name: {"value": stock[name]} for name in _STOCK}
    own = measured.reach.within(basis.filters)
    missing = max(
        own.missing_days(each, basis.today)
        for each in (basis.period, basis.period.previous(), basis.period.previous_year())
    )
    findings = StoreFigures(
        metrics=metrics,
        has_missing_days=missing > 0,
        supply_days=_supply_period(basis.period).days,
        stores=answers["stores"].records(),
        categories=answers["categories"].records(),
        supply=answers["supply"].records(),
        stock=stock,
        currency=places.answered_in if (places := measured.reach.places) else RETAIL.currency,
    )
    parts = ("categories", "top_products", "bottom_products")
    return StorePerformance(
        store=store,
        period=basis.period,
        previous_period=basis.period.previous(),
        previous_year=basis.period.previous_year(),
        metrics=metrics,
        units=_units(answers.values()),
        parts={name: answers[name] for name in (*(() if store else ("stores",)), *parts)}
        | {"stock_risks": _stock_risks(answers["supply"])},
        insights=find_insights(findings),
        notes=(
            *_period_notes(basis, own),
            *place_notes(answers["figures"], measured.reach.places, basis.today),
            *_notes(findings, measured, is_one_store=store is not None),
        ),
        scope=measured.scope,
        as_of=measured.as_of,
        is_cached=measured.is_cached,
        reach=measured.reach,
        missing_days=missing,
    )


def _units(answers: Iterable[MetricRows]) -> dict[str, str]:
    return {
        column.name: column.unit
        for rows in answers
        for column in rows.columns
        if column.unit not in {None, "count"} and not column.name.endswith(_SAID_BY_NAME)
    }


def _beside(now: Mapping[str, Any], year: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name.removesuffix("_previous"): {
            "value": now[name.removesuffix("_previous")],
            "previous_period": now[name],
            "previous_year": year[name.removesuffix("_previous")],
        }
        for name in now
        if name.endswith("_previous")
    }


def _stock_risks(supply: MetricRows) -> MetricRows:
    """Keep the products that sell and run out soon, the best sellers first."""
    names = [column.name for column in supply.columns]
    short = short_of_supply(supply.records())
    rows = [[row[name] for name in names] for row in short[:_LISTED]]
    return replace(supply, rows=rows, group_count=len(short))


def _period_notes(basis: MetricQuery, own: DataReach) -> list[str]:
    """Return the notes on both comparisons, each once."""
    told: list[str] = []
    for compared in (basis.period.previous(), basis.period.previous_year()):
        told += period_notes(basis.period, compared, own, basis.today)
    return list(dict.fromkeys(told))


def _notes(findings: StoreFigures, measured: Measured, *, is_one_store: bool) -> list[str]:
    notes = []
    scope = measured.scope
    if not is_one_store and len(scope.stores) < scope.store_count:
        notes.append(
            f"You see {len(scope.stores)} of {scope.store_count} stores; a best or worst store is"
            " one among these. compare_with_chain compares yours with the chain's quartiles."
        )
    for beside, words in (("previous_period", "previous period"), ("previous_year", "year before")):
        if is_small_sample(findings, beside):
            orders = findings.metrics["orders"]
            notes.append(
                f"{orders['value']} orders after {orders[beside] or 0} in the {words}: fewer than"
                f" {MIN_ORDERS}, too few to call a change more than chance."
            )
    return notes
