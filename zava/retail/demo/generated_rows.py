"""The rows of the demo data: what each statement of the seed is given, all from one seed."""

import json
import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

from psycopg.types.json import Jsonb

from zava.retail.demo.stores import SEED, STORES, DemoStore, demo_id
from zava.sql_files import SQL

OPENED = date(2020, 1, 1)
_OPENED_AT = "2020-01-01 00:00:00+00"
_CUSTOMERS, _ORDERS = 50_000, 200_000
_YEAR_WEIGHTS = {
    2020: 1.0,
    2021: 1.1,
    2022: 1.21,
    2023: 1.15,
    2024: 1.265,
    2025: 1.392,
    2026: 1.531,
}
_LATER_YEARS_GROW = 1.1
_WEEKDAYS = (0.85, 0.85, 0.9, 0.95, 1.1, 1.35, 1.15)  # Monday first
_LOWEST_MARGIN, _HIGHEST_MARGIN, _MARGIN_SPREAD = 0.18, 0.55, 0.11
_VERSION_SENTENCES = ("This version: {0}.", "{1} makes it here as {0}.", "Sold as {0} from {1}.")


def steps_of(scale: float, today: date) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield what to do, the statement's file and its values, in order."""
    catalogue = seed_catalogue()
    constants = {"seed": SEED, "opened": _OPENED_AT, "today": today}
    products = list(seed_products(catalogue))
    yield "Catalogue", "catalogue", constants | {"products": Jsonb(products)}
    people = {name: catalogue[name] for name in ("first_names", "last_names")}
    orders = _shares(_ORDERS * scale, [store.weight * store.order_frequency for store in STORES])
    for store, customers, count in zip(STORES, customers_of_stores(scale), orders, strict=True):
        values = constants | {
            "store_id": store.store_id,
            "store_name": store.name,
            "customers": customers,
        }
        place = {"location": store.location, "region": store.region, "is_online": store.is_online}
        yield store.name, "store", values | people | place
        yield from order_steps(store, customers, orders_by_day(catalogue, today, count), today)


def customers_of_stores(scale: float) -> list[int]:
    """Return how many customers each store has at a scale."""
    return _shares(_CUSTOMERS * scale, [store.weight for store in STORES])


def order_steps(
    store: DemoStore, customers: int, by_day: dict[date, int], today: date
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the steps that load a store's orders of some days, year by year."""
    catalogue = seed_catalogue()
    thresholds = [edge for month in range(12) for edge in _category_edges(catalogue, month)]
    for year in sorted({day.year for day in by_day}):
        days = [day for day in by_day if day.year == year]
        yield (
            f"{store.name}, orders of {year}",
            "orders",
            {
                "seed": SEED,
                "today": today,
                "store_id": store.store_id,
                "store_name": store.name,
                "customers": customers,
                "days": days,
                "counts": [by_day[day] for day in days],
                "thresholds": thresholds,
                "boundaries": len(catalogue["categories"]) - 1,
                "order_value": store.order_value,
            }
            | _shelf(),
        )


def _shares(total: float, weights: list[float]) -> list[int]:
    return [max(1, round(total * weight / sum(weights))) for weight in weights]


def seed_products(catalogue: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the products of the catalogue, as the seed loads them."""
    for category in catalogue["categories"]:
        for type_number, kind in enumerate(category["types"], 1):
            for number, variant in enumerate(kind["variants"], 1):
                sku = f"{category['code']}-{type_number:02}{number:02}"
                draw = random.Random(f"{SEED}|{sku}")  # noqa: S311  # repeatable, not secret
                low, high = kind["price"]
                price = int(low + (high - low) * draw.random()) + draw.choice((0.49, 0.99))
                # Drawn for each product, so that a hidden cost cannot be computed from the price.
                margin = category["margin"] + draw.uniform(-_MARGIN_SPREAD, _MARGIN_SPREAD)
                margin = min(max(margin, _LOWEST_MARGIN), _HIGHEST_MARGIN)
                brand = category["brands"][(type_number + number) % len(category["brands"])]
                version = draw.choice(_VERSION_SENTENCES).format(variant, brand)
                yield {
                    "sku": sku,
                    "product_name": f"{brand} {kind['name']}, {variant}",
                    "category_name": category["name"],
                    "type_name": kind["name"],
                    "cost": round(price * (1 - margin), 2),
                    "base_price": round(price, 2),
                    "product_description": f"{kind['use']} {version} {kind['detail']}",
                    "synonyms": kind["synonyms"],
                    "discontinued": draw.random() < 0.02,  # noqa: PLR2004  # a few in the catalogue
                }


@cache
def _shelf() -> dict[str, Any]:
    """Return the products as arrays, category by category, the best sellers first."""
    catalogue = seed_catalogue()
    products = list(seed_products(catalogue))
    ranked: list[dict[str, Any]] = []
    starts, sizes = [], []
    for category in catalogue["categories"]:
        own = [product for product in products if product["category_name"] == category["name"]]
        starts.append(len(ranked) + 1)  # arrays of PostgreSQL begin at 1
        sizes.append(len(own))
        ranked += sorted(own, key=lambda product: demo_id(product["sku"]).hex)
    return {
        "starts": starts,
        "sizes": sizes,
        "product_ids": [demo_id(f"product|{product['sku']}") for product in ranked],
        "prices": [round(product["base_price"] * 100) for product in ranked],
    }


def _category_edges(catalogue: dict[str, Any], month: int) -> list[float]:
    """Return where one category ends and the next begins, for a draw between 0 and 1."""
    weights = [
        category["share"] * category["months"][month] for category in catalogue["categories"]
    ]
    edges, reached = [], 0.0
    for weight in weights[:-1]:
        reached += weight / sum(weights)
        edges.append(reached)
    return edges


def orders_by_day(catalogue: dict[str, Any], today: date, orders: int) -> dict[date, int]:
    """Spread a store's orders over its days; the season drives the volume, not only the mix."""
    edges = _edges(catalogue, today)
    counts: dict[date, int] = {}
    before = 0
    for day, edge in edges.items():
        until = orders - 1 if day != today else orders  # one at least is for today
        count = min(round(orders * edge / edges[today]), until) - before
        if count > 0:
            counts[day] = count
            before += count
    return counts


def orders_of_later_days(last: date, today: date, orders: int) -> dict[date, int]:
    """Return the orders of the days after `last`, at the rate of the `orders` up to it."""
    edges = _edges(seed_catalogue(), today)
    rate = orders / edges[last]
    counts: dict[date, int] = {}
    before = orders
    for day in (day for day in edges if day > last):
        count = round(rate * edges[day]) - before
        before += count
        if count or day == today:
            counts[day] = max(count, 1)
    return counts


def _edges(catalogue: dict[str, Any], today: date) -> dict[date, float]:
    """Return the share of the volume up to each day, not yet divided by the whole."""
    volume = [
        sum(category["share"] * category["months"][month] for category in catalogue["categories"])
        for month in range(12)
    ]
    last_year = max(_YEAR_WEIGHTS)
    reached = 0.0
    edges: dict[date, float] = {}
    for number in range((today - OPENED).days + 1):
        day = OPENED + timedelta(days=number)
        year = _YEAR_WEIGHTS.get(day.year) or (
            _YEAR_WEIGHTS[last_year] * _LATER_YEARS_GROW ** (day.year - last_year)
        )
        reached += year * volume[day.month - 1] * _WEEKDAYS[day.weekday()]
        edges[day] = reached
    return edges


@cache
def seed_catalogue() -> dict[str, Any]:
    """Return the catalogue from which the products are made."""
    loaded: dict[str, Any] = json.loads(
        (SQL / "seed" / "catalogue.json").read_text(encoding="utf-8")
    )
    return loaded
