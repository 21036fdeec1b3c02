"""Sales without a customer, returns, weights and stock below zero, as the metrics count them."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY, result_cache
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.reader import MetricReader
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.metrics import MetricQuery
from zava.retail.declaration import RETAIL
from zava.retail.demo.stores import store_id
from zava.service.metrics.periods import parse_period

REDMOND = store_id("Redmond")
ORDER = """
INSERT INTO retail.orders (store_id, order_id, customer_id, order_date, status, total_amount, is_return)
VALUES (%s, %s, %s, '2026-05-10 18:00+00', 'completed', %s, %s)
"""
LINE = """
INSERT INTO retail.order_items (store_id, order_id, line_number, product_id, quantity, unit_price, total_amount)
SELECT %s, %s, 1, p.product_id, %s, 10, round(10 * %s, 2) FROM retail.products AS p ORDER BY p.sku LIMIT 1
"""
METRICS = (
    *("revenue", "gross_sales", "units", "orders", "average_order_value", "customers"),
    *("new_customers", "repeat_rate"),
)


@pytest.fixture
async def own_metrics(
    seeded_clone: Database, signer: ContextSigner, catalogue: Catalogue
) -> AsyncIterator[MetricReader]:
    pool = DatabasePool(seeded_clone.server, max_size=1, max_waiting=16)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    yield MetricReader(tenancy, result_cache(tenancy, MemoryStore(1), ttl_seconds=0), catalogue)
    await pool.close()


async def ask(
    metrics: MetricReader, caller: Caller, *names: str, dimensions: tuple[str, ...] = ()
) -> list[list[Any]]:
    query = MetricQuery(
        names, parse_period("2026-05", TODAY), TODAY, dimensions=dimensions, limit=1000
    )
    answers = (await metrics.measure(caller, {"q": query})).answers
    return [list(row) for row in answers["q"].rows]


def sell(owner: psycopg.Connection, number: int, quantity: Decimal, customer: Any = None) -> None:
    order = f"00000000-0000-7000-8000-{number:012}"
    total = 10 * quantity
    owner.execute(ORDER, [REDMOND, order, customer, total, quantity < 0])
    owner.execute(LINE, [REDMOND, order, quantity, quantity])


async def test_guest_sale_counts_for_all_but_customers(
    changing: psycopg.Connection, own_metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    (before,) = await ask(own_metrics, callers["redmond"], *METRICS)
    sell(changing, 1, Decimal("2.125"))
    (after,) = await ask(own_metrics, callers["redmond"], *METRICS)
    was, now = (dict(zip(METRICS, row, strict=True)) for row in (before, after))
    assert now["revenue"] == pytest.approx(was["revenue"] + 21.25)
    assert now["gross_sales"] == pytest.approx(was["gross_sales"] + 21.25)
    assert now["orders"] == was["orders"] + 1
    assert {name: now[name] for name in ("customers", "new_customers", "repeat_rate")} == {
        name: was[name] for name in ("customers", "new_customers", "repeat_rate")
    }
    cohorts = await ask(own_metrics, callers["redmond"], "revenue", dimensions=("cohort",))
    assert sum(row[1] for row in cohorts) == pytest.approx(now["revenue"])
    assert [row[1] for row in cohorts if row[0] is None] == [21.25]
    buyers = await ask(own_metrics, callers["redmond"], "revenue", dimensions=("customer",))
    assert sum(row[1] for row in buyers) == pytest.approx(now["revenue"])
    assert [row[1] for row in buyers if row[0] is None] == [21.25]


async def test_customer_without_a_name_is_told_apart_by_the_key(
    changing: psycopg.Connection, own_metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    reader = callers["redmond"]
    buyers = await ask(own_metrics, reader, "revenue", dimensions=("customer",))
    changing.execute("UPDATE retail.customers SET first_name = NULL")
    half_named = await ask(own_metrics, reader, "revenue", dimensions=("customer",))
    changing.execute("UPDATE retail.customers SET last_name = NULL")
    nameless = await ask(own_metrics, reader, "revenue", dimensions=("customer",))
    assert {name.split(" ", 1)[1]: value for name, value in buyers} == dict(half_named)
    assert {f"[{name.split('[')[1]}": value for name, value in buyers} == dict(nameless)


async def test_return_is_revenue_below_zero_and_no_order(
    changing: psycopg.Connection, own_metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    row = changing.execute(
        "SELECT customer_id FROM retail.customers WHERE store_id = %s", [REDMOND]
    ).fetchone()
    assert row is not None
    (before,) = await ask(own_metrics, callers["redmond"], *METRICS)
    sell(changing, 1, Decimal(-3), row[0])
    (after,) = await ask(own_metrics, callers["redmond"], *METRICS)
    was, now = (dict(zip(METRICS, row, strict=True)) for row in (before, after))
    assert now["revenue"] == pytest.approx(was["revenue"] - 30)
    assert now["units"] == was["units"] - 3
    assert now["average_order_value"] < was["average_order_value"]
    assert {name: now[name] for name in ("orders", "customers", "new_customers")} == {
        name: was[name] for name in ("orders", "customers", "new_customers")
    }
    (by_store,) = await ask(own_metrics, callers["redmond"], "orders", dimensions=("store",))
    assert by_store[1] == now["orders"]


async def test_return_is_no_order_of_the_refund_rate(
    changing: psycopg.Connection, own_metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    before = await ask(own_metrics, callers["redmond"], "refund_rate")
    sell(changing, 1, Decimal(-3))
    changing.execute("UPDATE retail.orders SET status = 'refunded' WHERE is_return")
    assert await ask(own_metrics, callers["redmond"], "refund_rate") == before
    sell(changing, 2, Decimal(3))
    changing.execute("UPDATE retail.orders SET status = 'refunded' WHERE customer_id IS NULL")
    (after,) = await ask(own_metrics, callers["redmond"], "refund_rate")
    assert after[0] > before[0][0]


async def test_stock_below_zero_is_out_of_stock(
    changing: psycopg.Connection, own_metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    names = ("stock_on_hand", "stock_outs", "low_stock_products")
    (before,) = await ask(own_metrics, callers["redmond"], *names)
    urgent = await ask(
        own_metrics, callers["redmond"], "products_stocked", dimensions=("reorder_urgency",)
    )
    changing.execute(
        "UPDATE retail.inventory SET stock_level = stock_level - 1 WHERE store_id = %s"
        " AND stock_level = 0",
        [REDMOND],
    )
    (after,) = await ask(own_metrics, callers["redmond"], *names)
    assert after[0] == before[0] - before[1]
    assert after[1:] == before[1:]
    assert before[1] > 0
    assert urgent == await ask(
        own_metrics, callers["redmond"], "products_stocked", dimensions=("reorder_urgency",)
    )


async def test_like_for_like_begins_with_the_opening_day_not_with_the_row(
    changing: psycopg.Connection, own_metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    changing.execute("UPDATE retail.stores SET created_at = '2026-06-01'")
    (grown,) = await ask(own_metrics, callers["redmond"], "like_for_like_growth")
    assert grown[0] is not None
    changing.execute("UPDATE retail.stores SET opened_on = %s", [date(2026, 1, 1)])
    (new,) = await ask(own_metrics, callers["redmond"], "like_for_like_growth")
    assert new == [None]


async def test_closed_store_is_not_comparable_and_never_late(
    changing: psycopg.Connection, own_metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    everything = parse_period("2026", TODAY)
    asked = MetricQuery(("like_for_like_growth", "revenue"), everything, TODAY)

    async def growth() -> tuple[Any, Any, bool]:
        measured = await own_metrics.measure(callers["redmond"], {"q": asked})
        ((grown, revenue),) = measured.answers["q"].rows
        return grown, revenue, measured.reach.newest is None

    grown, revenue, _ = await growth()
    assert grown is not None
    changing.execute("UPDATE retail.stores SET closed_on = %s", [date(2999, 1, 1)])
    assert await growth() == (grown, revenue, False)
    changing.execute("UPDATE retail.stores SET closed_on = %s", [date(2026, 1, 31)])
    assert await growth() == (None, revenue, True)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("stores", "closed_on = opened_on - 1"),
        ("order_items", "quantity = 0"),
        ("order_items", "quantity = 1.0001"),
        ("order_items", "total_amount = -1"),
        ("orders", "total_amount = -1"),
        ("inventory", "stock_level = 0.0005"),
        ("products", "base_price = -1"),
    ],
)
def test_what_no_sale_can_be_is_refused(
    loader_of_shared: psycopg.Connection, table: str, change: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        loader_of_shared.execute(f"UPDATE retail.{table} SET {change}")


@pytest.fixture
def loader_of_shared(database: Database) -> Any:
    with psycopg.connect(database.admin) as connection:
        connection.execute("SET ROLE zava_loader")
        yield connection
        connection.rollback()


def test_free_product_has_no_margin_and_a_dear_one_a_bounded_one(
    loader_of_shared: psycopg.Connection,
) -> None:
    loader_of_shared.execute("UPDATE retail.products SET base_price = 0")
    assert loader_of_shared.execute(
        "SELECT DISTINCT gross_margin_percent FROM retail.products"
    ).fetchall() == [(None,)]
    loader_of_shared.execute("UPDATE retail.products SET base_price = 0.01, cost = 9999")
    assert loader_of_shared.execute(
        "SELECT DISTINCT gross_margin_percent FROM retail.products"
    ).fetchall() == [(Decimal("-99999.99"),)]


_COSTS = """
SELECT p.product_id, '2026-05-10'::date + d.days, p.cost * d.factor
FROM retail.products AS p CROSS JOIN (VALUES (0, 2), (10, 3)) AS d (days, factor)
WHERE right(p.sku, 1) IN ('1', '2', '3')
"""
_SOLD = """
SELECT i.product_id, (o.order_date AT TIME ZONE 'America/Los_Angeles')::date, i.quantity, p.cost
FROM retail.orders AS o JOIN retail.order_items AS i USING (store_id, order_id)
JOIN retail.products AS p USING (product_id)
WHERE o.status NOT IN ('cancelled', 'refunded')
  AND o.order_date >= '2026-05-01'::timestamp AT TIME ZONE 'America/Los_Angeles'
  AND o.order_date < '2026-06-01'::timestamp AT TIME ZONE 'America/Los_Angeles'
"""


async def test_margin_of_a_sale_has_the_cost_of_its_day(
    changing: psycopg.Connection, own_metrics: MetricReader, callers: dict[str, Caller]
) -> None:
    names = ("revenue", "cost_of_goods", "gross_margin")
    (before,) = await ask(own_metrics, callers["head-office"], *names)
    history: dict[Any, list[tuple[date, Decimal]]] = {}
    for product, day, cost in changing.execute(_COSTS):
        history.setdefault(product, []).append((day, cost))
    changing.execute(
        f"INSERT INTO retail.product_prices (product_id, valid_from, cost, base_price)"
        f" SELECT c.*, 0 FROM ({_COSTS}) AS c"
    )
    expected, costs_before_its_first_day = Decimal(), 0
    for product, day, quantity, cost in changing.execute(_SOLD):
        rows = sorted(history.get(product, [(date.min, cost)]))
        begun = [row for row in rows if row[0] <= day]
        costs_before_its_first_day += not begun
        expected += quantity * (begun[-1] if begun else rows[0])[1]
    assert costs_before_its_first_day > 10
    ((revenue, cost, margin),) = await ask(own_metrics, callers["head-office"], *names)
    assert revenue == before[0]
    assert cost == pytest.approx(float(expected))
    assert cost > before[1]
    assert margin == pytest.approx(revenue - cost)
