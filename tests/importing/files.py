"""Files of the documented layout, made of the rows of a database, and small ones made by hand."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.support.suite.patience import patient
from zava.retail.importing import run as importing

EXPORTS = {
    "stores": (
        "SELECT store_id::text AS store_key, store_name, location, region, is_online, opened_on,"
        " closed_on, time_zone, currency FROM retail.stores"
    ),
    "products": (
        "SELECT p.product_id::text AS product_key, sku, product_name, category_name AS category,"
        " type_name AS product_type, cost, base_price, product_description AS description,"
        " synonyms, discontinued FROM retail.products AS p JOIN retail.categories USING (category_id)"
        " JOIN retail.product_types AS t ON t.type_id = p.type_id"
    ),
    "customers": (
        "SELECT store_id::text AS store_key, customer_id::text AS customer_key, first_name,"
        " last_name, email, phone, created_at FROM retail.customers"
    ),
    "inventory": (
        "SELECT store_id::text AS store_key, product_id::text AS product_key, stock_level,"
        " reorder_point FROM retail.inventory"
    ),
    "orders": (
        "SELECT store_id::text AS store_key, order_id::text AS order_key,"
        " customer_id::text AS customer_key, order_date, status, total_amount FROM retail.orders"
    ),
    "order_items": (
        "SELECT store_id::text AS store_key, order_id::text AS order_key, line_number,"
        " product_id::text AS product_key, quantity, unit_price, discount_amount, total_amount"
        " FROM retail.order_items"
    ),
}
CELLS: dict[str, dict[str, str]] = {
    "chain": {"reporting_currency": "USD", "time_zone": "America/Los_Angeles"},
    "stores": {"store_key": "s1", "store_name": "Main Street"},
    "exchange_rates": {"currency": "EUR", "day": "2026-05-01", "rate": "1.125"},
    "products": {"product_key": "p1", "product_name": "Nail", "cost": "1", "base_price": "2"},
    "suppliers": {"supplier_key": "u1", "supplier_name": "Nails & Co", "lead_days": "14"},
    "product_suppliers": {"product_key": "p1", "supplier_key": "u1"},
    "product_prices": {
        "product_key": "p1",
        "valid_from": "2026-04-01",
        "cost": "0.80",
        "base_price": "2",
    },
    "promotions": {
        "promotion_key": "m1",
        "promotion_name": "May nails",
        "first_day": "2026-05-01",
        "last_day": "2026-05-07",
    },
    "promotion_products": {"promotion_key": "m1", "product_key": "p1"},
    "customers": {"store_key": "s1", "customer_key": "c1", "email": "a@example.com"},
    "inventory": {"store_key": "s1", "product_key": "p1", "stock_level": "5"},
    "store_targets": {"store_key": "s1", "month": "2026-05-01", "revenue_target": "900"},
    "orders": {"store_key": "s1", "order_key": "o1", "order_date": "2026-05-01T10:00:00Z"},
    "order_items": {
        "store_key": "s1",
        "order_key": "o1",
        "product_key": "p1",
        "quantity": "2",
        "unit_price": "3.50",
    },
}
"""One good row of each table, for a test to change; a row's references come before it."""


def export(conninfo: str, directory: Path) -> None:
    """Write every retail row of a database in the documented layout, as CSV."""
    with psycopg.connect(conninfo) as connection:
        for name, query in EXPORTS.items():
            with (
                (directory / f"{name}.csv").open("wb") as file,
                connection.cursor() as cursor,
                cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy,
            ):
                for piece in copy:
                    file.write(piece)


def write_csv(
    path: Path, rows: Sequence[Mapping[str, Any]], *, columns: Iterable[str] = ()
) -> None:
    """Write rows under the names of their columns."""
    names = list(columns) or list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, names)
        lines.writeheader()
        lines.writerows(rows)


def write_shop(directory: Path, **changes: Sequence[Mapping[str, Any]]) -> None:
    """Write a shop of one good row a table, each changed by the rows given for it."""
    for table, cells in CELLS.items():
        rows = [cells | dict(row) for row in changes.get(table, [{}])]
        write_csv(directory / f"{table}.csv", rows)


def importer(conninfo: str, directory: Path) -> "subprocess.Popen[str]":
    """Start an importer in a process of its own; it prints each step."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.importing.child", conninfo, str(directory)],
        cwd=Path(__file__).parents[2],
        env=dict(os.environ),  # noqa: TID251  # the child is this process again
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(child: "subprocess.Popen[str]", conninfo: str) -> None:
    """Kill an importer and wait until the server has seen that its client is gone."""
    child.kill()
    child.communicate(timeout=patient(30))
    with psycopg.connect(conninfo, autocommit=True) as waiting:
        waiting.execute(f"SET statement_timeout = '{int(patient(60))}s'")
        # An import takes this lock, and the test holds it first.
        waiting.execute("SELECT pg_advisory_lock(%s)", [importing._ADVISORY_LOCK])
