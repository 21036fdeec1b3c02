"""What the soak asks, and what each principal has to be answered, read where no policy stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from zava.retail.demo.principals import demo_callers
from zava.retail.demo.stores import store_id

STORES = ("Seattle", "Bellevue", "Tacoma", "Spokane", "Everett", "Redmond", "Kirkland", "Online")
_SCOPES = {"eastside": ("Bellevue", "Kirkland", "Redmond"), "head-office": STORES}

# Each is asked by a caller as it stands, and by the superuser with the caller's stores in {where}.
QUESTIONS = (
    "SELECT count(*) AS n, sum(total_amount)::text AS s FROM retail.orders {where}",
    "SELECT status, count(*) FROM retail.orders {where} GROUP BY 1 ORDER BY 1",
    "SELECT DISTINCT store_id::text FROM retail.customers {where} ORDER BY 1",
    "SELECT store_name FROM retail.stores {where} ORDER BY 1",
    """SELECT date_trunc('month', o.order_date)::date::text AS m, sum(i.total_amount)::text
    FROM retail.order_items AS i JOIN retail.orders AS o USING (store_id, order_id)
    {where} GROUP BY 1 ORDER BY 1 DESC LIMIT 12""",
    "SELECT max(email), min(last_name) FROM retail.customers {where}",
    "SELECT sum(stock_level) FROM retail.inventory {where}",
)
# What a model may try, and the only code that it may be told.
REFUSED = {
    "SELECT * FROM pg_catalog.pg_authid": "QUERY_REFUSED",
    "SELECT set_config('zava.context', repeat('0', 64), true)": "QUERY_REFUSED",
    "UPDATE retail.orders SET status = 'refunded'": "QUERY_REFUSED",
    "SELECT nothing FROM retail.orders": "DATABASE_ERROR",
    "SELEC 1": "DATABASE_ERROR",
    "SELECT 1 / (count(*) - count(*)) FROM retail.orders": "DATABASE_ERROR",
}
# Answers that the result cache keeps.
MONTHS = tuple(f"2026-{month:02}" for month in range(1, 7))
_REVENUE = """
SELECT to_char(order_date, 'YYYY-MM'), store_name, sum(total_amount)::float8
FROM retail.orders JOIN retail.stores USING (store_id)
WHERE store_id IN ({stores}) AND status NOT IN ('cancelled', 'refunded')
GROUP BY 1, 2"""
_STOCK = """
SELECT sku, sum(stock_level) FROM retail.inventory JOIN retail.products USING (product_id)
WHERE store_id IN ({stores}) GROUP BY 1"""
_WORDS = ("hammer", "paint", "drill", "hose", "lamp", "screws", "ladder", "saw")
DISTINCT_TEXTS = 6000  # more than any cache of texts or vectors keeps


def scope(name: str) -> tuple[str, ...]:
    """Return the stores of a principal."""
    return _SCOPES.get(name, (name.capitalize(),))


def harmless(number: int) -> str:
    """Return one of `DISTINCT_TEXTS` statements, each a shape of its own."""
    return f"SELECT c{number} FROM (SELECT {number}) AS t (c{number})"


def sought(number: int) -> str:
    """Return one of `DISTINCT_TEXTS` texts to search products with."""
    return f"{_WORDS[number % len(_WORDS)]} {number}"


@dataclass(frozen=True)
class Truth:
    """The right answers of one principal."""

    store_ids: frozenset[str]
    rows: dict[str, list[list[Any]]]
    revenue: dict[str, dict[str, float]]
    stock: dict[str, int]


def read_truth(superuser: str) -> Iterator[tuple[str, Truth]]:
    """Yield each principal's name and right answers."""
    with psycopg.connect(superuser, autocommit=True) as owner:
        owner.execute("SET timezone = 'America/Los_Angeles'")
        for name in demo_callers():
            stores = ", ".join(f"'{store_id(store)}'" for store in scope(name))
            where = f"WHERE store_id IN ({stores})"
            revenue: dict[str, dict[str, float]] = {month: {} for month in MONTHS}
            for month, store, amount in owner.execute(_REVENUE.format(stores=stores).encode()):
                revenue.setdefault(month, {})[store] = round(amount, 2)
            yield (
                name,
                Truth(
                    frozenset(str(store_id(store)) for store in scope(name)),
                    {
                        question: [
                            list(row)
                            for row in owner.execute(question.format(where=where).encode())
                        ]
                        for question in QUESTIONS
                    },
                    revenue,
                    dict(owner.execute(_STOCK.format(stores=stores).encode())),
                ),
            )
