"""Adds the days that demo data of an earlier day lack, so that today has orders."""

from dataclasses import replace
from datetime import date

import psycopg

from zava.retail.demo.dataset import Progress, SeedReport, note_loaded, statement_of, vacuum
from zava.retail.demo.generated_rows import customers_of_stores, order_steps, orders_of_later_days
from zava.retail.demo.stores import STORES
from zava.retail.importing.sums import refresh_sums

MAX_RENEWED_DAYS = 92
"""More days take longer than a start may, so the command that loads all anew is printed."""

_DAYS_PENDING = 3
_OTHERS = """
SELECT EXISTS (SELECT FROM zava_import.store_keys) OR EXISTS (SELECT FROM zava_import.product_keys)
    OR EXISTS (SELECT FROM zava_import.customer_keys) OR EXISTS (SELECT FROM zava_import.order_keys)
    OR EXISTS (SELECT FROM retail.stores WHERE store_id <> ALL (%(stores)s))
    OR EXISTS (SELECT FROM retail.orders
               WHERE store_id = ANY (%(stores)s) AND order_date >=
                     (%(last)s::date + 1)::timestamp AT TIME ZONE 'America/Los_Angeles')
"""


def renew(
    connection: psycopg.Connection, found: SeedReport, today: date, progress: Progress
) -> SeedReport:
    """Add the days from the last one of the demo data to today, and return what there is then.

    Nothing is added to other data: to imported ones, to a store that is not the demo's, or to
    orders of later days. Nor is it where rows of the demo were removed. No row of earlier days
    changes, but for orders that were pending.
    """
    days = (today - found.today).days
    if found.is_new or not 0 < days <= MAX_RENEWED_DAYS or _has_others(connection, found.today):
        return found
    try:
        with connection.transaction():
            added = _add_days(connection, found, today, progress)
    except psycopg.IntegrityError:  # a store, product or customer of the demo is no longer there
        return found
    progress("Counting for the planner", 1.0)
    vacuum(connection, "orders", "order_items")
    progress("Refreshing sums", 1.0)
    refresh_sums(connection)
    return replace(found, today=today, orders=found.orders + added, age_days=0, renewed_days=days)


def _add_days(
    connection: psycopg.Connection, found: SeedReport, today: date, progress: Progress
) -> int:
    """Add the orders of the days after the last one, in the caller's transaction; count them."""
    added = 0
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SET LOCAL jit = off")  # the generated rows are wildly overestimated
    connection.execute("SET LOCAL ROLE zava_loader")
    for store, customers in zip(STORES, customers_of_stores(found.scale), strict=True):
        row = connection.execute(
            "SELECT count(*) FROM retail.orders WHERE store_id = %s", [store.store_id]
        ).fetchone()
        by_day = orders_of_later_days(found.today, today, int(row[0]) if row else 0)
        added += sum(by_day.values())
        for what, statement, values in order_steps(store, customers, by_day, today):
            progress(what, STORES.index(store) / len(STORES))
            connection.execute(statement_of(statement), values)
        connection.execute(
            "UPDATE retail.orders SET status = 'completed' WHERE store_id = %s"
            " AND status = 'pending'"
            " AND order_date >= %s::timestamp AT TIME ZONE 'America/Los_Angeles'"
            " AND order_date < %s::timestamp AT TIME ZONE 'America/Los_Angeles'",
            [
                store.store_id,
                date.fromordinal(found.today.toordinal() - _DAYS_PENDING),
                date.fromordinal(today.toordinal() - _DAYS_PENDING + 1),
            ],
        )
    connection.execute("UPDATE zava.demo_data SET today = %s", [today])
    note_loaded(connection, today)
    return added


def _has_others(connection: psycopg.Connection, last: date) -> bool:
    """Whether the database holds anything that the demo did not load."""
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_loader")
        row = connection.execute(
            _OTHERS, {"stores": [store.store_id for store in STORES], "last": last}
        ).fetchone()
    return row is None or bool(row[0])
