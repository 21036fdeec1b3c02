"""Whatever way a sale is written, the sums that a refresh leaves behind are those of the facts."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support.servers.database import Cluster, Database, one

_DAYS = """
WITH line AS (
  SELECT store_id, (o.order_date AT TIME ZONE 'America/Los_Angeles')::date AS day, i.product_id, i.quantity
  FROM retail.orders AS o JOIN retail.order_items AS i USING (store_id, order_id)
  WHERE o.status NOT IN ('cancelled', 'refunded')
)
SELECT (SELECT count(*)
        FROM (SELECT store_id, day, sum(quantity) AS units FROM line GROUP BY 1, 2) AS f
        FULL JOIN (SELECT store_id, day, units FROM zava.{days} WHERE lines > 0) AS s USING (store_id, day)
        WHERE f.units IS DISTINCT FROM s.units)
     + (SELECT count(*)
        FROM (SELECT store_id, date_trunc('month', day)::date AS month, product_id, sum(quantity) AS units
              FROM line GROUP BY 1, 2, 3) AS f
        FULL JOIN zava.{months} AS s USING (store_id, month, product_id)
        WHERE f.units IS DISTINCT FROM s.units)
     + (SELECT count(*)
        FROM (SELECT store_id, (order_date AT TIME ZONE 'America/Los_Angeles')::date AS day, sum(total_amount) AS revenue
              FROM retail.orders WHERE status NOT IN ('cancelled', 'refunded') GROUP BY 1, 2) AS f
        FULL JOIN (SELECT store_id, day, revenue FROM zava.{orders} WHERE counted > 0) AS s USING (store_id, day)
        WHERE f.revenue IS DISTINCT FROM s.revenue)
     + (SELECT count(*)
        FROM (SELECT store_id, customer_id, min(order_date) AS first_at FROM retail.orders
              WHERE status NOT IN ('cancelled', 'refunded') AND NOT is_return AND customer_id IS NOT NULL GROUP BY 1, 2) AS f
        FULL JOIN (SELECT * FROM zava.{first} WHERE first_at IS NOT NULL) AS s USING (store_id, customer_id)
        WHERE f.first_at IS DISTINCT FROM s.first_at)
"""
_AS_READ = _DAYS.format(
    days="current_line_days",
    months="current_product_months",
    orders="current_days",
    first="current_first_purchases",
)
_AS_STORED = _DAYS.format(
    days="store_days", months="product_months", orders="store_days", first="customer_totals"
)
_ORDERS = """
SELECT o.store_id, o.order_id FROM retail.orders AS o
WHERE o.status = 'completed' AND o.order_date < '2026-01-01'
  AND EXISTS (SELECT FROM retail.order_items AS i WHERE (i.store_id, i.order_id) = (o.store_id, o.order_id))
ORDER BY o.order_id LIMIT 3
"""
_MOVE = (
    "UPDATE retail.orders SET order_date = order_date + interval '50 days'"
    " WHERE (store_id, order_id) = (%(store)s, %(order)s)"
)
_ADD_LINE = (
    "INSERT INTO retail.order_items (store_id, order_id, line_number, product_id, quantity, unit_price, total_amount)"
    " SELECT store_id, order_id, 99, product_id, 3, 10, 30 FROM retail.order_items"
    " WHERE (store_id, order_id) = (%(store)s, %(order)s) LIMIT 1"
)
_CHANGE_LINES = (
    "UPDATE retail.order_items SET quantity = quantity + 5, total_amount = total_amount + 5 * unit_price"
    " WHERE (store_id, order_id) = (%(store)s, %(order)s)"
)
_REMOVE_LINES = "DELETE FROM retail.order_items WHERE (store_id, order_id) = (%(store)s, %(order)s)"


@pytest.fixture(scope="module")
def written(cluster: Cluster, seeded_template: Database) -> Iterator[Database]:
    with cluster.database("marks", template=seeded_template) as database:
        yield database


@pytest.fixture
def looking(written: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(written.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def orders(looking: psycopg.Connection) -> list[dict[str, Any]]:
    return [{"store": store, "order": order} for store, order in looking.execute(_ORDERS)]


def refresh(connection: psycopg.Connection) -> None:
    while one(connection, "SELECT zava.refresh_sums(1000, 100)"):
        pass


def assert_right(connection: psycopg.Connection) -> None:
    """Compare with the facts what readers see, and after a refresh what is stored."""
    assert one(connection, _AS_READ) == 0
    refresh(connection)
    assert one(connection, "SELECT count(*) FROM zava.day_marks") == 0
    assert one(connection, _AS_STORED) == 0


def is_waiting(looking: psycopg.Connection, connection: psycopg.Connection) -> bool:
    waited_for = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
    return bool(one(looking, waited_for, connection.info.backend_pid))


@pytest.mark.parametrize("is_moved_first", [True, False])
@pytest.mark.parametrize(
    "change", [_ADD_LINE, _CHANGE_LINES, _REMOVE_LINES], ids=["added", "changed", "removed"]
)
def test_lines_that_change_while_their_order_moves_are_in_the_sums_of_its_new_day(
    written: Database,
    looking: psycopg.Connection,
    orders: list[dict[str, Any]],
    change: str,
    *,
    is_moved_first: bool,
) -> None:
    order = orders[0]
    with (
        psycopg.connect(written.owner) as mover,
        psycopg.connect(written.owner) as other,
        ThreadPoolExecutor(1) as background,
    ):
        looking.execute("DELETE FROM retail.order_items WHERE line_number = 99")
        begun = [(mover, _MOVE), (other, change)]
        (first, text), (second, later) = begun if is_moved_first else reversed(begun)
        first.execute(text, order)
        waiting = background.submit(second.execute, later, order)
        while not waiting.done() and not is_waiting(looking, second):
            pass
        # The order that would lose the change, where none of them waits.
        ended, open_still = (mover, other) if waiting.done() else (first, second)
        ended.commit()
        refresh(looking)
        waiting.result()
        open_still.commit()
    assert_right(looking)


def test_refresh_is_refused_to_the_transaction_that_wrote(
    written: Database, looking: psycopg.Connection, orders: list[dict[str, Any]]
) -> None:
    """It would take the order's mark away, and lines that follow bring none of their own."""
    with psycopg.connect(written.owner) as writer:
        writer.execute(_MOVE, orders[1])
        refused = psycopg.errors.ObjectNotInPrerequisiteState
        with pytest.raises(refused, match="changed no sales"), writer.transaction():
            refresh(writer)
        writer.execute(_CHANGE_LINES, orders[1])
    assert_right(looking)


@pytest.mark.parametrize("day", ["294276-12-31 23:00+00", "infinity", "-infinity", "1899-12-30"])
def test_day_beyond_all_calendars_is_refused(looking: psycopg.Connection, day: str) -> None:
    """The day after the last one cannot be computed: each answer of the store would fail."""
    with pytest.raises(psycopg.errors.CheckViolation, match="orders_date_check"):
        looking.execute(
            "INSERT INTO retail.orders (store_id, order_date, status, total_amount)"
            " SELECT store_id, %s::timestamptz, 'completed', 7 FROM retail.stores LIMIT 1",
            [day],
        )


def test_every_way_of_writing_marks_what_it_changes(
    written: Database, looking: psycopg.Connection, orders: list[dict[str, Any]]
) -> None:
    moved, kept, removed = orders
    with psycopg.connect(written.owner) as writer:
        # Session settings change no mark.
        for setting in ("timezone = 'Pacific/Kiritimati'", "datestyle = 'SQL, DMY'"):
            writer.execute(f"SET {setting}")
        writer.execute(_CHANGE_LINES, moved)
        with writer.transaction(force_rollback=True):
            writer.execute(_MOVE, moved)
            writer.execute("TRUNCATE retail.order_items")
        writer.execute(_CHANGE_LINES, moved)
        with writer.transaction():
            writer.execute(_MOVE, kept)
        writer.execute(_ADD_LINE, kept)
        writer.execute(_REMOVE_LINES, removed)
        writer.execute(
            "DELETE FROM retail.orders WHERE (store_id, order_id) = (%(store)s, %(order)s)", removed
        )
        writer.execute(
            "CREATE TEMPORARY TABLE copied AS SELECT * FROM retail.orders"
            " WHERE store_id = %(store)s AND order_date >= '2025-11-02' AND order_date < '2025-11-03'",
            kept,
        )
        writer.execute("UPDATE copied SET order_id = retail.new_id()")
        writer.execute(
            "MERGE INTO retail.orders AS o USING copied AS c ON false WHEN NOT MATCHED THEN INSERT"
            " (store_id, order_id, customer_id, order_date, status, total_amount)"
            " VALUES (c.store_id, c.order_id, c.customer_id, c.order_date + interval '3 years', 'completed', 5)"
        )
        with (
            writer.cursor() as cursor,
            cursor.copy(
                "COPY retail.orders (store_id, order_date, status, total_amount) FROM STDIN"
            ) as copy,
        ):
            # An hour that a clock that is put back has twice, and a leap day's last second.
            for moment in ("2025-11-02 08:30+00", "2025-11-02 09:30+00", "2024-03-01 07:59:59+00"):
                copy.write_row((kept["store"], moment, "completed", 11))
    assert_right(looking)
    # A product that becomes another one takes its months along.
    looking.execute(
        "UPDATE retail.order_items SET product_id = (SELECT max(product_id::text)::uuid FROM retail.products)"
        " WHERE store_id = %(store)s AND line_number = 1",
        kept,
    )
    assert_right(looking)
