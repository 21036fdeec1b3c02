"""The demo chain: catalogue, stores, people, stock and orders, all from one seed.

The same seed, scale and day make the same rows on every server version. Everything is written by
the loader role in one transaction, so an interrupted load leaves nothing.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from zava.sql_files import SQL

SEED = "zava-1"
DIRECTORY = SQL / "seed"
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

TENANT_TABLES = ("stores", "customers", "inventory", "orders", "order_items")
SHARED_TABLES = ("categories", "product_types", "products")


@dataclass(frozen=True, slots=True)
class DemoStore:
    """A store, and its weights in customers, orders and order value."""

    short_name: str
    location: str
    region: str
    weight: float
    order_frequency: float
    order_value: float
    is_online: bool = False

    @property
    def name(self) -> str:
        """Return the name as written in the data."""
        return f"Zava Retail {self.short_name}"

    @property
    def store_id(self) -> UUID:
        """Return the id, which derives from the name."""
        return _md5(f"store|{self.name}")


STORES = (
    DemoStore("Seattle", "Seattle, Washington", "Puget Sound", 30, 3.0, 1.3),
    DemoStore("Bellevue", "Bellevue, Washington", "Eastside", 25, 2.6, 1.2),
    DemoStore("Tacoma", "Tacoma, Washington", "Puget Sound", 20, 2.4, 1.1),
    DemoStore("Spokane", "Spokane, Washington", "Eastern Washington", 8, 2.0, 1.0),
    DemoStore("Everett", "Everett, Washington", "Puget Sound", 7, 1.8, 0.95),
    DemoStore("Redmond", "Redmond, Washington", "Eastside", 6, 1.6, 0.9),
    DemoStore("Kirkland", "Kirkland, Washington", "Eastside", 4, 1.4, 0.85),
    DemoStore("Online", "Online", "Online", 30, 3.0, 1.5, is_online=True),
)


class SeedRefused(Exception):
    """The database holds data that the demo would mix with."""


@dataclass(frozen=True, slots=True)
class SeedReport:
    """The data in the database; `is_new` is true if this call loaded them."""

    is_new: bool
    scale: float
    today: date
    orders: int
    age_days: int = 0

    def __str__(self) -> str:
        """Return one line, with the age of data that were found and how to renew them."""
        verb = "Loaded" if self.is_new else "Found"
        line = f"{verb} demo data: {self.orders:,} orders up to {self.today.isoformat()}"
        if self.age_days <= 0:
            return line
        days = "1 day" if self.age_days == 1 else f"{self.age_days} days"
        return f"{line}, {days} old; to renew them: {_renewal()}"


Progress = Callable[[str, float], None]


def seed(
    connection: psycopg.Connection,
    *,
    scale: float,
    today: date,
    progress: Progress,
    replace: bool = False,
) -> SeedReport:
    """Load the demo data as the loader role; leave alone what an earlier call loaded.

    `connection` is an administrator's, in autocommit. `progress` is called with the current step
    and the share done, 0 to 1.

    Raises:
        SeedRefused: the database holds other data and `replace` is false.
    """
    with connection.transaction():
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL jit = off")  # the generated rows are wildly overestimated
        connection.execute("SET LOCAL ROLE zava_loader")
        loaded = connection.execute("SELECT seed, scale, today FROM zava.demo_data").fetchone()
        if not replace and loaded is not None:
            if (loaded[0], float(loaded[1])) != (SEED, scale):
                raise SeedRefused(
                    f"the database holds demo data of seed {loaded[0]} at scale {loaded[1]:g}; "
                    f"run `{_renewal()}` to put others in their place, or set SCALE"
                )
            age = (today - loaded[2]).days
            return SeedReport(False, scale, loaded[2], _count(connection, "orders"), age)
        _clear(connection, replace=replace)
        steps = list(_steps(scale, today))
        for position, (what, statement, values) in enumerate(steps):
            progress(what, position / len(steps))
            connection.execute(_statement(statement), values)
        _check_totals(connection)
        connection.execute(
            "INSERT INTO zava.demo_data (seed, scale, today) VALUES (%s, %s, %s)",
            [SEED, scale, today],
        )
        # Today's orders are those of the whole day, though they come in its first hour.
        connection.execute(
            "INSERT INTO zava.orders_loaded (of_store, through)"
            " SELECT store_id, (%s::date + 1)::timestamp AT TIME ZONE 'America/Los_Angeles'"
            " FROM retail.stores"
            " ON CONFLICT (of_store) DO UPDATE SET through = excluded.through",
            [today],
        )
        orders = _count(connection, "orders")
    progress("Counting for the planner", 1.0)
    connection.execute("SET ROLE zava_owner")
    # VACUUM runs in no transaction; without it index-only scans look into the heap all the same.
    for table in (*TENANT_TABLES, *SHARED_TABLES):
        connection.execute(f"VACUUM (ANALYZE) retail.{table}")
    connection.execute("RESET ROLE")
    return SeedReport(True, scale, today, orders)


def _renewal() -> str:
    from zava.infrastructure.command_line import command  # no call of a tool loads it

    return command("seed --replace")


def checksum(connection: psycopg.Connection) -> str:
    """Return a fingerprint of all demo rows that does not depend on their order.

    Run as a role that sees every row.
    """
    sums = []
    with connection.transaction():
        connection.execute("SET LOCAL timezone = 'UTC'")
        for table in (*TENANT_TABLES, *SHARED_TABLES):
            row = connection.execute(
                "SELECT count(*), sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint)"  # noqa: S608  # our own table names
                f" FROM retail.{table} AS t"
            ).fetchone()
            sums.append(f"{table}{row}")
    return hashlib.sha256("".join(sums).encode()).hexdigest()


def store_id(name: str) -> UUID:
    """Return the id of a demo store by its short or full name."""
    return next(store.store_id for store in STORES if name in {store.name, store.short_name})


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM retail.{table}").fetchone()  # noqa: S608  # our own table names
    return int(row[0]) if row else 0


def _clear(connection: psycopg.Connection, *, replace: bool) -> None:
    """Make room for the demo data; refuse to mix them with others."""
    children_first = ["order_items", "orders", "inventory", "customers", "stores"]
    tables = [*children_first, "product_embeddings", "products", "product_types", "categories"]
    held = [table for table in tables if _count(connection, table)]
    if held and not replace:
        raise SeedRefused(
            f"the database holds data in retail.{held[0]} that are not the demo's; "
            f"run `{_renewal()}` to delete them first"
        )
    for table in held:
        connection.execute(f"DELETE FROM retail.{table}")  # noqa: S608  # our own table names
    connection.execute("DELETE FROM zava.demo_data")


def _check_totals(connection: psycopg.Connection) -> None:
    # Store by store: all at once would sort more on disk than the server lets a login write there.
    for store in STORES:
        row = connection.execute(
            """
            SELECT count(*) FROM (SELECT * FROM retail.orders WHERE store_id = %(store)s) AS o
            FULL JOIN (SELECT order_id, sum(total_amount) AS lines
                       FROM retail.order_items WHERE store_id = %(store)s GROUP BY order_id) AS i
              USING (order_id)
            WHERE o.total_amount IS DISTINCT FROM i.lines
            """,
            {"store": store.store_id},
        ).fetchone()
        if row is None or row[0]:
            raise SeedRefused(
                f"{row} orders do not equal the sum of their lines; nothing was loaded"
            )


def _steps(scale: float, today: date) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield what to do, the statement's file and its values, in order."""
    catalogue = _catalogue()
    constants = {"seed": SEED, "opened": _OPENED_AT, "today": today}
    products = list(_products(catalogue))
    yield "Catalogue", "catalogue", constants | {"products": Jsonb(products)}
    people = {name: catalogue[name] for name in ("first_names", "last_names")}
    customers = _shares(_CUSTOMERS * scale, [store.weight for store in STORES])
    orders = _shares(_ORDERS * scale, [store.weight * store.order_frequency for store in STORES])
    shelf = _shelf(catalogue, products)
    thresholds = [edge for month in range(12) for edge in _category_edges(catalogue, month)]
    for store, customer_count, order_count in zip(STORES, customers, orders, strict=True):
        values = constants | {
            "store_id": store.store_id,
            "store_name": store.name,
            "customers": customer_count,
        }
        place = {"location": store.location, "region": store.region, "is_online": store.is_online}
        yield store.name, "store", values | people | place
        by_day = _orders_by_day(catalogue, today, order_count)
        for year in sorted({day.year for day in by_day}):
            days = [day for day in by_day if day.year == year]
            yield (
                f"{store.name}, orders of {year}",
                "orders",
                values
                | {
                    "days": days,
                    "counts": [by_day[day] for day in days],
                    "thresholds": thresholds,
                    "boundaries": len(catalogue["categories"]) - 1,
                    "order_value": store.order_value,
                }
                | shelf,
            )


def _shares(total: float, weights: list[float]) -> list[int]:
    return [max(1, round(total * weight / sum(weights))) for weight in weights]


def _products(catalogue: dict[str, Any]) -> Iterator[dict[str, Any]]:
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


def _shelf(catalogue: dict[str, Any], products: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the products as arrays, category by category, the best sellers first."""
    ranked: list[dict[str, Any]] = []
    starts, sizes = [], []
    for category in catalogue["categories"]:
        own = [product for product in products if product["category_name"] == category["name"]]
        starts.append(len(ranked) + 1)  # arrays of PostgreSQL begin at 1
        sizes.append(len(own))
        ranked += sorted(own, key=lambda product: _md5(product["sku"]).hex)
    return {
        "starts": starts,
        "sizes": sizes,
        "product_ids": [_md5(f"product|{product['sku']}") for product in ranked],
        "prices": [round(product["base_price"] * 100) for product in ranked],
    }


def _md5(text: str) -> UUID:
    digest = hashlib.md5(f"{SEED}|{text}".encode(), usedforsecurity=False)
    return UUID(digest.hexdigest())


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


def _orders_by_day(catalogue: dict[str, Any], today: date, orders: int) -> dict[date, int]:
    """Spread a store's orders over its days; the season drives the volume, not only the mix."""
    volume = [
        sum(category["share"] * category["months"][month] for category in catalogue["categories"])
        for month in range(12)
    ]
    days = [OPENED + timedelta(days=number) for number in range((today - OPENED).days + 1)]
    last_year = max(_YEAR_WEIGHTS)
    reached, edges = 0.0, []
    for day in days:
        year = _YEAR_WEIGHTS.get(day.year) or (
            _YEAR_WEIGHTS[last_year] * _LATER_YEARS_GROW ** (day.year - last_year)
        )
        reached += year * volume[day.month - 1] * _WEEKDAYS[day.weekday()]
        edges.append(reached)
    counts: dict[date, int] = {}
    before = 0
    for day, edge in zip(days, edges, strict=True):
        until = orders - 1 if day != today else orders  # one at least is for today
        count = min(round(orders * edge / reached), until) - before
        if count > 0:
            counts[day] = count
            before += count
    return counts


@cache
def _catalogue() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DIRECTORY / "catalogue.json").read_text(encoding="utf-8"))
    return loaded


@cache
def _statement(name: str) -> str:
    return (DIRECTORY / f"{name}.sql").read_text(encoding="utf-8")
