"""The metrics once more, in plain Python over exported rows: no SQL of the product, no policy."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from zava.retail.demo.principals import PRINCIPALS

ZONE = ZoneInfo("America/Los_Angeles")
"""The zone of the demo's stores."""

Row = Mapping[str, Any]
Label = tuple[str | None, ...]

_STORES = """
SELECT store_id, store_name, region, is_online, created_at, time_zone, currency FROM retail.stores
"""
_PRODUCTS = """
SELECT product_id, sku, product_name, cost, base_price, discontinued, category_name, type_name
FROM retail.products JOIN retail.categories USING (category_id) JOIN retail.product_types USING (type_id)
"""
_ORDERS = "SELECT store_id, order_id, customer_id, order_date, status FROM retail.orders"
_LINES = """
SELECT order_id, product_id, quantity, unit_price, discount_amount, total_amount
FROM retail.order_items
"""
_TARGETS = "SELECT store_id, month, revenue_target FROM retail.store_targets"
_PERSONS = "SELECT store_id, customer_id, person_id FROM retail.customer_persons"
_STOCK = "SELECT store_id, product_id, stock_level, reorder_point FROM retail.inventory"


@dataclass(frozen=True)
class Exported:
    """Every row of the chain, told apart by store, in the words of the catalogue's dimensions."""

    lines: list[dict[str, Any]]
    stock: list[dict[str, Any]]
    stores: list[dict[str, Any]]
    placed: list[dict[str, Any]]
    """Orders that were not cancelled, refunded or not."""
    targets: list[dict[str, Any]]
    """The part of each day in the target of its month."""

    def of(self, principal: str) -> "Exported":
        """Return the rows that a demo principal may see."""
        granted = next(p.stores for p in PRINCIPALS if p.name == principal)
        names = {name if name.startswith("Zava") else f"Zava Retail {name}" for name in granted}
        return Exported(
            *(
                [row for row in rows if row["store"] in names]
                for rows in (self.lines, self.stock, self.stores, self.placed, self.targets)
            )
        )


def export(conninfo: str) -> Exported:
    """Read everything as the superuser and join it here."""
    with psycopg.connect(conninfo, row_factory=dict_row) as connection:
        stores = {row["store_id"]: _store(row) for row in connection.execute(_STORES)}
        products = {row["product_id"]: _product(row) for row in connection.execute(_PRODUCTS)}
        orders = {row["order_id"]: row for row in connection.execute(_ORDERS)}
        kept = {k: o for k, o in orders.items() if o["status"] not in {"cancelled", "refunded"}}
        first: dict[Any, datetime] = {}
        for order in kept.values():
            customer = (order["store_id"], order["customer_id"])
            first[customer] = min(first.get(customer, order["order_date"]), order["order_date"])
        targets = {(row["store_id"], row["month"]): row for row in connection.execute(_TARGETS)}
        persons = {
            (row["store_id"], row["customer_id"]): row["person_id"]
            for row in connection.execute(_PERSONS)
        }
        lines = []
        for line in connection.execute(_LINES):
            if line["order_id"] not in kept:
                continue
            order = kept[line["order_id"]]
            customer = (order["store_id"], order["customer_id"])
            lines.append(
                {
                    **stores[order["store_id"]],
                    **products[line["product_id"]],
                    **line,
                    **(own := _order(order, stores)),
                    "has_target": (order["store_id"], own["date"].replace(day=1)) in targets,
                    "person": persons.get(customer, order["customer_id"]),
                    "is_first": order["order_date"] == first[customer],
                    "cohort": f"{first[customer].astimezone(zone_of(order, stores)):%Y-%m}",
                }
            )
        stock = [
            {
                **stores[row["store_id"]],
                **products[row["product_id"]],
                **row,
                "stock_status": _status(row),
                "reorder_urgency": _urgency({**products[row["product_id"]], **row}),
            }
            for row in connection.execute(_STOCK)
        ]
        placed = [
            {**stores[order["store_id"]], **_order(order, stores)}
            for order in orders.values()
            if order["status"] != "cancelled"
        ]
    of_days = [{**stores[row["store_id"]], **day} for row in targets.values() for day in _days(row)]
    return Exported(lines, stock, list(stores.values()), placed, of_days)


def _days(target: Row) -> list[dict[str, Any]]:
    first = target["month"]
    days = [first + timedelta(days=number) for number in range(31)]
    days = [day for day in days if day.month == first.month]
    return [{"date": day, "target": Fraction(target["revenue_target"]) / len(days)} for day in days]


def zone_of(row: Row, stores: Mapping[Any, Row]) -> ZoneInfo:
    return ZoneInfo(stores[row["store_id"]]["time_zone"])


def _order(row: Row, stores: Mapping[Any, Row]) -> dict[str, Any]:
    local = row["order_date"].astimezone(zone_of(row, stores))
    return {
        "buyer": (row["store_id"], row["customer_id"]),
        "customer": f"Customer {str(row['customer_id'])[-12:]}",
        "at": row["order_date"],
        "date": local.date(),
        "weekday": f"{local:%A}",
        "hour": f"{local:%H}:00",
        "status": row["status"],
    }


def _store(row: Row) -> dict[str, Any]:
    return {
        "store": row["store_name"],
        "region": row["region"],
        "channel": "online" if row["is_online"] else "store",
        "opened": row["created_at"].astimezone(ZoneInfo(row["time_zone"])).date(),
        "time_zone": row["time_zone"],
        "currency": row["currency"],
    }


def _product(row: Row) -> dict[str, Any]:
    return {
        "brand": row["product_name"].partition(f" {row['type_name']}")[0],
        "category": row["category_name"],
        "product_type": row["type_name"],
        "sku": row["sku"],
        "product": f"{row['product_name']} [{row['sku']}]",
        "cost": row["cost"],
        "base_price": row["base_price"],
        "discontinued": row["discontinued"],
        "promotion": "none",  # the demo has none; tests/metrics/test_promotions.py does
    }


def _status(row: Row) -> str:
    if row["stock_level"] == 0:
        return "out of stock"
    return "low" if row["stock_level"] <= row["reorder_point"] else "sufficient"


def _urgency(row: Row) -> str:
    if row["discontinued"] or row["stock_level"] > row["reorder_point"]:
        return "none"
    if row["stock_level"] <= 0:
        return "now"
    return "high" if row["stock_level"] <= row["reorder_point"] / 2 else "soon"


# The months of the retail calendar's quarters have 4, 5 and 4 weeks: each month's last week.
_LAST_WEEKS = (4, 9, 13, 17, 22, 26, 30, 35, 39, 43, 48, 53)


def in_retail_weeks(day: date, dimension: str) -> str:
    """Return a label of the retail calendar, counted in weeks from the year's first Sunday."""
    years = [(_nearest_sunday(year), year) for year in (day.year - 1, day.year)]
    start, year = max(each for each in years if each[0] <= day)
    week = (day - start).days // 7 + 1
    month = next(number for number, last in enumerate(_LAST_WEEKS, 1) if week <= last)
    return fiscal_label(year, dimension, week, month)


def _nearest_sunday(year: int) -> date:
    near = (date(year, 2, 1) + timedelta(days=step) for step in range(-3, 4))
    return next(day for day in near if day.isoweekday() == 7)


def fiscal_label(year: int, dimension: str, week: int, month: int) -> str:
    """Return the label of a fiscal unit from the numbers of its parts."""
    parts = {"week": f"-W{week:02}", "month": f"-M{month:02}", "quarter": f"-Q{(month + 2) // 3}"}
    return f"FY{year}{parts.get(dimension.removeprefix('fiscal_'), '')}"


TIME_LABELS: dict[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "iso_week": lambda day: f"{day.isocalendar().year}-W{day.isocalendar().week:02}",
    "month": lambda day: f"{day:%Y-%m}",
    "quarter": lambda day: f"{day.year}-Q{(day.month + 2) // 3}",
    "year": lambda day: f"{day.year:04}",
    **{
        name: partial(in_retail_weeks, dimension=name)
        for name in ("fiscal_week", "fiscal_month", "fiscal_quarter", "fiscal_year")
    },
}


def label(
    row: Row, dimension: str, *, is_year_before: bool = False, days_earlier: int | None = None
) -> str:
    """Return the label of a row, or the one that it is compared with a year later."""
    if dimension not in TIME_LABELS:
        return str(row[dimension])
    day = row["date"]
    if is_year_before and days_earlier:
        day += timedelta(days=days_earlier)
    elif is_year_before:
        # 29 February falls on the 28th of the next year.
        leap = (day.month, day.day) == (2, 29)
        day = day.replace(year=day.year + 1, day=28 if leap else day.day)
    return TIME_LABELS[dimension](day)


@dataclass(frozen=True)
class Facts:
    """The rows of one group: sold in the period, in stock now, and each customer's whole past."""

    lines: Sequence[Row]
    stock: Sequence[Row] = ()
    past: Sequence[Row] = ()
    placed: Sequence[Row] = ()
    targets: Sequence[Row] = ()
    year_before: Sequence[Row] = ()
    days: int = 1
    start_before: date = date.max
    today: date = date.max


def total(rows: Iterable[Row], value: Callable[[Row], Any]) -> Decimal:
    return sum((Decimal(value(row)) for row in rows), Decimal())


def distinct(rows: Iterable[Row], key: str) -> int:
    return len({row[key] for row in rows})


def ratio(upper: Any, lower: Any) -> Decimal | None:
    return Decimal(upper) / Decimal(lower) if lower else None


def percent(upper: Any, lower: Any) -> Decimal | None:
    return ratio(100 * Decimal(upper), lower)


def by_customer(rows: Iterable[Row]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row["buyer"], []).append(row)
    return found


def revenue(rows: Iterable[Row]) -> Decimal:
    return total(rows, lambda r: r["total_amount"])


def gross(rows: Iterable[Row]) -> Decimal:
    return total(rows, lambda r: r["quantity"] * r["unit_price"])


def discounts(rows: Iterable[Row]) -> Decimal:
    return total(rows, lambda r: r["discount_amount"])


def units(rows: Iterable[Row]) -> Decimal:
    return total(rows, lambda r: r["quantity"])


def margin(rows: Sequence[Row]) -> Decimal:
    return revenue(rows) - total(rows, lambda r: r["quantity"] * r["cost"])


def in_stock(rows: Iterable[Row]) -> Decimal:
    return total(rows, lambda r: r["stock_level"])


def new_customers(rows: Iterable[Row]) -> int:
    return distinct([row for row in rows if row["is_first"]], "buyer")


def last_purchases(facts: Facts) -> list[int]:
    return [
        (facts.today - max(row["date"] for row in own)).days
        for own in by_customer(facts.past).values()
    ]


def comparable(rows: Iterable[Row], facts: Facts) -> Decimal:
    return revenue(row for row in rows if row["opened"] <= facts.start_before)


def targeted(rows: Iterable[Row]) -> Decimal:
    return revenue(row for row in rows if row["has_target"])


def target(rows: Iterable[Row]) -> Decimal:
    found = sum((row["target"] for row in rows), Fraction())
    return Decimal(found.numerator) / found.denominator


METRICS: dict[str, Callable[[Facts], Any]] = {
    "revenue": lambda f: revenue(f.lines),
    "gross_sales": lambda f: gross(f.lines),
    "discounts": lambda f: discounts(f.lines),
    "discount_rate": lambda f: percent(discounts(f.lines), gross(f.lines)),
    "units": lambda f: units(f.lines),
    "orders": lambda f: distinct(f.lines, "order_id"),
    "average_order_value": lambda f: ratio(revenue(f.lines), distinct(f.lines, "order_id")),
    "units_per_order": lambda f: ratio(units(f.lines), distinct(f.lines, "order_id")),
    "average_unit_price": lambda f: ratio(revenue(f.lines), units(f.lines)),
    "products_sold": lambda f: distinct(f.lines, "product_id"),
    "cost_of_goods": lambda f: total(f.lines, lambda r: r["quantity"] * r["cost"]),
    "gross_margin": lambda f: margin(f.lines),
    "gross_margin_percent": lambda f: percent(margin(f.lines), revenue(f.lines)),
    "customers": lambda f: distinct(f.lines, "buyer"),
    "people": lambda f: distinct(f.lines, "person"),
    "new_customers": lambda f: new_customers(f.lines),
    "returning_customers": lambda f: distinct(f.lines, "buyer") - new_customers(f.lines),
    "repeat_rate": lambda f: percent(
        sum(distinct(own, "order_id") > 1 for own in by_customer(f.past).values()),
        len(by_customer(f.past)),
    ),
    "lifetime_value": lambda f: ratio(revenue(f.past), len(by_customer(f.past))),
    "days_since_last_purchase": lambda f: ratio(sum(last_purchases(f)), len(last_purchases(f))),
    "lapsed_customers": lambda f: sum(days > 90 for days in last_purchases(f)),
    "stock_on_hand": lambda f: in_stock(f.stock),
    "stock_value": lambda f: total(f.stock, lambda r: r["stock_level"] * r["base_price"]),
    "stock_value_at_cost": lambda f: total(f.stock, lambda r: r["stock_level"] * r["cost"]),
    "reorder_point": lambda f: total(f.stock, lambda r: r["reorder_point"]),
    "stock_outs": lambda f: sum(r["stock_level"] == 0 for r in f.stock),
    "low_stock_products": lambda f: sum(r["stock_status"] == "low" for r in f.stock),
    "products_to_reorder": lambda f: sum(
        r["stock_status"] != "sufficient" and not r["discontinued"] for r in f.stock
    ),
    "reorder_quantity": lambda f: sum(
        max(2 * r["reorder_point"] - r["stock_level"], 0)
        for r in f.stock
        if r["reorder_urgency"] != "none"
    ),
    "refund_rate": lambda f: percent(
        sum(r["status"] == "refunded" for r in f.placed), len(f.placed)
    ),
    "products_stocked": lambda f: len(f.stock),
    "weeks_of_supply": lambda f: ratio(in_stock(f.stock) * f.days, 7 * units(f.lines)),
    "sell_through": lambda f: percent(units(f.lines), units(f.lines) + in_stock(f.stock)),
    "revenue_target": lambda f: target(f.targets),
    "targeted_revenue": lambda f: targeted(f.lines),
    "target_attainment": lambda f: percent(targeted(f.lines), target(f.targets)),
    "comparable_revenue": lambda f: comparable(f.lines, f),
    "like_for_like_growth": lambda f: percent(
        comparable(f.lines, f) - comparable(f.year_before, f), comparable(f.year_before, f)
    ),
}
"""Each metric of the catalogue, from the rows of one group."""

OF_HISTORY = frozenset(
    {"repeat_rate", "lifetime_value", "days_since_last_purchase", "lapsed_customers"}
)
OF_STOCK = frozenset(
    {"stock_on_hand", "stock_value", "stock_value_at_cost", "reorder_point", "stock_outs"}
    | {"low_stock_products", "products_to_reorder", "products_stocked", "reorder_quantity"}
)
OF_SALES_AND_STOCK = frozenset({"weeks_of_supply", "sell_through"})
OF_PERSONS = frozenset({"people"})
"""Asked by the head office alone, with the permission to read personal data."""
OF_TARGETS = frozenset({"revenue_target", "target_attainment"})
RESTRICTED = frozenset(
    {"cost_of_goods", "gross_margin", "gross_margin_percent", "stock_value_at_cost"}
)
STORE = ("store", "region", "channel")
PRODUCT = ("category", "product_type", "product", "brand")
SOLD = (*PRODUCT, "promotion")
MOMENTS = ("weekday", "hour")


def allowed_dimensions(metric: str) -> tuple[str, ...]:
    """Return the dimensions that make sense of a metric, as the documentation says."""
    if metric in OF_HISTORY:
        return (*STORE, "cohort", "customer")
    if metric in OF_STOCK:
        return (*STORE, *PRODUCT, "stock_status", "reorder_urgency")
    if metric in OF_SALES_AND_STOCK:
        return (*STORE, *PRODUCT)
    if metric == "refund_rate":
        return (*STORE, *TIME_LABELS, *MOMENTS, "customer")
    if metric in OF_TARGETS:
        return (*STORE, *TIME_LABELS)
    if metric == "targeted_revenue":
        return (*STORE, *TIME_LABELS, *MOMENTS, "customer", "cohort")
    times = ("month", "quarter", "year") if metric == "like_for_like_growth" else tuple(TIME_LABELS)
    return (*STORE, *SOLD, *times, *MOMENTS, "customer", "cohort")


@dataclass(frozen=True)
class Asked:
    """A question as the naive computation takes it; `keeps` is the filters, as a test of a row."""

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    start: date
    end: date
    today: date
    keeps: Callable[[Callable[[str], str]], bool]
    start_before: date
    end_before: date
    days_earlier: int | None = None


def answer(rows: Exported, asked: Asked) -> dict[Label, dict[str, Any]]:
    """Return each group's figures, unrounded, by its labels."""
    wanted = set(asked.metrics)
    sold: dict[Label, list[Row]] = {}
    before: dict[Label, list[Row]] = {}
    past: dict[Label, list[Row]] = {}
    stock: dict[Label, list[Row]] = {}
    placed: dict[Label, list[Row]] = {}
    targets: dict[Label, list[Row]] = {}
    if wanted & OF_TARGETS:
        targets = _grouped(rows.targets, asked, asked.start, asked.end)
    if "refund_rate" in wanted:
        placed = _grouped(rows.placed, asked, asked.start, asked.end)
    if wanted - OF_HISTORY - OF_STOCK - {"refund_rate", "revenue_target"}:
        sold = _grouped(rows.lines, asked, asked.start, asked.end)
    if "like_for_like_growth" in wanted:
        before = _grouped(rows.lines, asked, asked.start_before, asked.end_before, is_before=True)
    if wanted & OF_HISTORY:
        past = _grouped(rows.lines, asked, date.min, asked.today + timedelta(days=1))
    if wanted & (OF_STOCK | OF_SALES_AND_STOCK):
        stock = _grouped(rows.stock, asked)
    labels = _labels_of(asked.metrics, sold, before, past, placed, stock, targets)
    if not asked.dimensions:
        labels = {()}
    return {
        group: {
            metric: METRICS[metric](
                Facts(
                    sold.get(group, ()),
                    stock.get(group, ()),
                    past.get(group, ()),
                    placed.get(group, ()),
                    targets.get(group, ()),
                    before.get(group, ()),
                    (asked.end - asked.start).days,
                    asked.start_before,
                    asked.today,
                )
            )
            for metric in asked.metrics
        }
        for group in labels
    }


def _labels_of(
    metrics: Sequence[str],
    sold: Mapping[Label, Any],
    before: Mapping[Label, Any],
    past: Mapping[Label, Any],
    placed: Mapping[Label, Any],
    stock: Mapping[Label, Any],
    targets: Mapping[Label, Any],
) -> set[Label]:
    labels: set[Label] = set()
    for metric in metrics:
        if metric in OF_HISTORY:
            labels |= past.keys()
        elif metric in OF_STOCK:
            labels |= stock.keys()
        elif metric == "refund_rate":
            labels |= placed.keys()
        elif metric == "revenue_target":
            labels |= targets.keys()
        else:
            labels |= sold.keys()
            labels |= targets.keys() if metric in OF_TARGETS else set()
            labels |= stock.keys() if metric in OF_SALES_AND_STOCK else set()
            labels |= before.keys() if metric == "like_for_like_growth" else set()
    return labels


def _grouped(
    rows: Iterable[Row],
    asked: Asked,
    start: date | None = None,
    end: date | None = None,
    *,
    is_before: bool = False,
) -> dict[Label, list[Row]]:
    found: dict[Label, list[Row]] = {}
    for row in rows:
        if start is not None and end is not None and not start <= row["date"] < end:
            continue

        def named(dimension: str, row: Row = row) -> str:
            return label(row, dimension, is_year_before=is_before, days_earlier=asked.days_earlier)

        if asked.keeps(named):
            found.setdefault(tuple(named(d) for d in asked.dimensions), []).append(row)
    return found


def rounded(value: Any, decimals: int) -> Decimal | None:
    """Round as PostgreSQL does: half away from zero."""
    if value is None:
        return None
    return Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
