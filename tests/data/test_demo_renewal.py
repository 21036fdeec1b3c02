"""Demo data of an earlier day get the days that they lack, and other data never do."""

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.servers.database import Database
from zava.retail.demo.dataset import SeedReport, seed
from zava.retail.demo.renewal import MAX_RENEWED_DAYS, renew
from zava.retail.demo.stores import STORES

LA = "AT TIME ZONE 'America/Los_Angeles'"
_OLD = f"""
SELECT md5(string_agg(concat(o.order_id, o.customer_id, o.order_date, o.total_amount), '|'
                      ORDER BY o.order_id))
FROM retail.orders AS o WHERE (o.order_date {LA})::date <= %s
"""
_NEW = f"""
SELECT count(*), count(DISTINCT (o.order_date {LA})::date), count(DISTINCT o.store_id),
       bool_and(o.total_amount = i.total), bool_or(o.status = 'pending'),
       count(c.customer_id) = count(*)
FROM retail.orders AS o
JOIN (SELECT store_id, order_id, sum(total_amount) AS total FROM retail.order_items GROUP BY 1, 2)
  AS i USING (store_id, order_id)
LEFT JOIN retail.customers AS c USING (store_id, customer_id)
WHERE (o.order_date {LA})::date > %s
"""


def again(admin: psycopg.Connection, today: date, scale: float) -> SeedReport:
    report = seed(admin, scale=scale, today=today, progress=lambda *_: None)
    return renew(admin, report, today, lambda *_: None)


def scale_and_day(owner: psycopg.Connection) -> tuple[float, date]:
    scale, day = one(owner, "SELECT scale, today FROM zava.demo_data")
    return float(scale), day


def one(owner: psycopg.Connection, query: str, *values: Any) -> tuple[Any, ...]:
    row = owner.execute(query.encode(), values).fetchone()
    assert row is not None
    return tuple(row)


@pytest.mark.slow
def test_days_that_demo_data_lack_are_added_and_the_others_stay(seeded_clone: Database) -> None:
    with (
        psycopg.connect(seeded_clone.admin, autocommit=True) as admin,
        psycopg.connect(seeded_clone.owner, autocommit=True) as owner,
    ):
        scale, last = scale_and_day(owner)
        (orders,) = one(owner, "SELECT count(*) FROM retail.orders")
        before = one(owner, _OLD, last)
        today = last
        for days in (40, 1, 51):
            today += timedelta(days=days)
            report = again(admin, today, scale)
            assert (report.renewed_days, report.today, report.age_days) == (days, today, 0)
            assert scale_and_day(owner) == (scale, today)
            assert one(owner, _OLD, last) == before
            (total,) = one(owner, "SELECT count(*) FROM retail.orders")
            assert report.orders == total
            # Today has orders of every store, and answers take them as whole.
            assert one(
                owner,
                f"SELECT count(DISTINCT store_id) FROM retail.orders"
                f" WHERE (order_date {LA})::date = %s",
                today,
            ) == (len(STORES),)
            assert one(
                owner,
                f"SELECT count(*), min((through {LA})::date) FROM zava.orders_loaded"
                f" WHERE of_store IN (SELECT store_id FROM retail.stores)",
            ) == (len(STORES), today + timedelta(days=1))
        added, day_count, stores, are_whole, is_pending, have_customers = one(owner, _NEW, last)
        assert (stores, are_whole, is_pending, have_customers) == (len(STORES), True, True, True)
        assert day_count > 60
        # The rate goes on: about a quarter of what the last year had.
        (year,) = one(
            owner,
            f"SELECT count(*) FROM retail.orders WHERE (order_date {LA})::date > %s - 365"
            f" AND (order_date {LA})::date <= %s",
            last,
            last,
        )
        assert 0.2 < added / year < 0.4
        assert total == orders + added
        assert one(
            owner,
            f"SELECT count(*) FROM retail.orders WHERE status = 'pending'"
            f" AND (order_date {LA})::date <= %s",
            today - timedelta(days=3),
        ) == (0,)
        assert not again(admin, today, scale).renewed_days


_NOTHING = "SELECT 1"
_ANOTHER_STORE = """
INSERT INTO retail.stores (store_id, store_name, location, region, is_online)
VALUES (gen_random_uuid(), 'Another', 'A', 'B', false)
"""
_LATER_ORDER = """
UPDATE retail.orders SET order_date = order_date + interval '2 days'
WHERE order_id = (SELECT order_id FROM retail.orders ORDER BY order_date DESC LIMIT 1)
"""
_REMOVED = "DELETE FROM retail.order_items; DELETE FROM retail.orders; DELETE FROM retail.customers"
_IMPORTED = """
INSERT INTO zava_import.store_keys (source_system, source_key, store_id)
SELECT 'shop', '1', store_id FROM retail.stores LIMIT 1
"""


@pytest.mark.parametrize(
    ("change", "days"),
    [
        (_NOTHING, MAX_RENEWED_DAYS + 1),
        (_NOTHING, -1),
        (_ANOTHER_STORE, 5),
        (_LATER_ORDER, 5),
        (_IMPORTED, 5),
        (_REMOVED, 5),
    ],
)
def test_data_that_are_not_the_demos_alone_stay_as_they_are(
    seeded_clone: Database, change: str, days: int
) -> None:
    with (
        psycopg.connect(seeded_clone.admin, autocommit=True) as admin,
        psycopg.connect(seeded_clone.owner, autocommit=True) as owner,
    ):
        owner.execute(change.encode())
        scale, last = scale_and_day(owner)
        before = one(owner, "SELECT count(*), max(order_date) FROM retail.orders")
        report = again(admin, last + timedelta(days=days), scale)
        assert (report.renewed_days, report.today, report.age_days) == (0, last, days)
        assert one(owner, "SELECT count(*), max(order_date) FROM retail.orders") == before
