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

from zava.infrastructure.importing.sums import refresh_sums
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
    """The data in the database; `is_new` is true if this call loaded them.

    `renewed_days` are the days whose orders this call added, up to `today`.
    """

    is_new: bool
    scale: float
    today: date
    orders: int
    age_days: int = 0
    renewed_days: int = 0

    def __str__(self) -> str:
        """Return one line, with the age of data that were found and how to renew them."""
        verb = "Loaded" if self.is_new else "Found"
        line = f"{verb} demo data: {self.orders:,} orders up to {self.today.isoformat()}"
        if self.renewed_days:
            return f"{line}, {_in_days(self.renewed_days)} of them new"
        if self.age_days <= 0:
            return line
        days = _in_days(self.age_days)
        return f"{line}, {days} old; to renew them: {_renewal()}"


def _in_days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


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
            connection.execute(statement_of(statement), values)
        _check_totals(connection)
        connection.execute(
            "INSERT INTO zava.demo_data (seed, scale, today) VALUES (%s, %s, %s)",
            [SEED, scale, today],
        )
        note_loaded(connection, today)
        orders = _count(connection, "orders")
    progress("Counting for the planner", 1.0)
    vacuum(connection, *TENANT_TABLES, *SHARED_TABLES)
    progress("Refreshing sums", 1.0)
    refresh_sums(connection)
    return SeedReport(True, scale, today, orders)


def note_loaded(connection: psycopg.Connection, today: date) -> None:
    """Note that all stores' orders are loaded to the end of today.

    They are those of the whole day, though they come in its first hour.
    """
    connection.execute(
        "INSERT INTO zava.orders_loaded (of_store, through)"
        " SELECT store_id, (%s::date + 1)::timestamp AT TIME ZONE 'America/Los_Angeles'"
        " FROM retail.stores"
        " ON CONFLICT (of_store) DO UPDATE SET through = excluded.through",
        [today],
    )


def vacuum(connection: psycopg.Connection, *tables: str) -> None:
    """Vacuum tables, outside of a transaction: else index-only scans look into the heap."""
    connection.execute("SET ROLE zava_owner")
    for table in tables:
        connection.execute(f"VACUUM (ANALYZE) retail.{table}")
    connection.execute("RESET ROLE")


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
    orders = _shares(_ORDERS * scale, [store.weight * store.order_frequency for store in STORES])
    for store, customers, count in zip(STORES, customers_of_stores(scale), orders, strict=True):
        values = constants | {
            "store_id": store.store_id,
            "store_name": store.name,
            "customers": customers,
        }
        place = {"location": store.location, "region": store.region, "is_online": store.is_online}
        yield store.name, "store", values | people | place
        yield from order_steps(store, customers, _orders_by_day(catalogue, today, count), today)


def customers_of_stores(scale: float) -> list[int]:
    """Return how many customers each store has at a scale."""
    return _shares(_CUSTOMERS * scale, [store.weight for store in STORES])


def order_steps(
    store: DemoStore, customers: int, by_day: dict[date, int], today: date
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the steps that load a store's orders of some days, year by year."""
    catalogue = _catalogue()
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


@cache
def _shelf() -> dict[str, Any]:
    """Return the products as arrays, category by category, the best sellers first."""
    catalogue = _catalogue()
    products = list(_products(catalogue))
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
    edges = _edges(_catalogue(), today)
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
def _catalogue() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DIRECTORY / "catalogue.json").read_text(encoding="utf-8"))
    return loaded


@cache
def statement_of(name: str) -> str:
    """Return the text of one of the seed's statements."""
    return (DIRECTORY / f"{name}.sql").read_text(encoding="utf-8")
