"""The demo data: repeatable, whole, plausible, and never mixed with others."""

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from zava.retail.demo.dataset import DIRECTORY, SeedRefused, checksum, seed

pytestmark = pytest.mark.slow  # each test loads the demo anew

TODAY = date(2026, 6, 30)
SCALE = 0.01


def load(connection: psycopg.Connection, **options: Any) -> Any:
    chosen: dict[str, Any] = {"scale": SCALE, "today": TODAY, "progress": lambda *_: None}
    return seed(connection, **(chosen | options))


def value(connection: psycopg.Connection, query: str) -> Any:
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_loader")
        connection.execute("SET LOCAL timezone = 'America/Los_Angeles'")
        return (connection.execute(query).fetchone() or (None,))[0]


def fingerprint(connection: psycopg.Connection) -> str:
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_loader")
        return checksum(connection)


def test_same_seed_makes_the_same_rows_and_a_second_call_leaves_them(
    empty_admin: psycopg.Connection,
) -> None:
    first = load(empty_admin)
    made = fingerprint(empty_admin)
    assert first.is_new
    again = load(empty_admin, today=TODAY + timedelta(days=1))
    assert not again.is_new
    assert again.today == TODAY
    assert load(empty_admin, replace=True).is_new
    assert fingerprint(empty_admin) == made
    assert load(empty_admin, replace=True, scale=SCALE / 2).orders < first.orders
    assert fingerprint(empty_admin) != made


def test_progress_moves_from_nothing_to_all(empty_admin: psycopg.Connection) -> None:
    told: list[tuple[str, float]] = []
    load(empty_admin, progress=lambda what, done: told.append((what, done)))
    shares = [done for _, done in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert len(told) > 40


def test_data_are_whole_and_plausible(empty_admin: psycopg.Connection) -> None:
    load(empty_admin, scale=0.03)
    ask = {
        "stores": "SELECT count(*) FROM retail.stores",
        "products": "SELECT count(*) FROM retail.products",
        "later": f"SELECT count(*) FROM retail.orders WHERE order_date::date > '{TODAY}'",
        "today": f"SELECT count(*) FROM retail.orders WHERE order_date::date = '{TODAY}'",
        "early": "SELECT count(*) FROM retail.orders JOIN retail.customers"
        " USING (store_id, customer_id) WHERE created_at::date > order_date::date + 1",
        "out_of_stock": "SELECT count(*) FROM retail.inventory WHERE stock_level = 0",
        "low": "SELECT count(*) FROM retail.inventory"
        " WHERE stock_level > 0 AND stock_level <= reorder_point",
        "margin": "SELECT avg(gross_margin_percent)::float8 FROM retail.products",
        # Within a category the margin varies, so a hidden cost cannot be computed from a price.
        "spread": "SELECT min(s)::float8 FROM (SELECT stddev(gross_margin_percent) AS s"
        " FROM retail.products GROUP BY category_id) AS g",
        "discounted": "SELECT avg((discount_percent > 0)::int)::float8 FROM retail.order_items",
        "lines": "SELECT count(*)::float8 / (SELECT count(*) FROM retail.orders)"
        " FROM retail.order_items",
        "kept": "SELECT avg((status = 'completed')::int)::float8 FROM retail.orders",
    }
    found = {name: value(empty_admin, query) for name, query in ask.items()}
    assert found["stores"] == 8
    assert 500 <= found["products"] <= 700
    assert found["later"] == 0
    assert found["today"] >= 8
    assert found["early"] == 0
    assert 100 < found["out_of_stock"] < found["low"]
    assert 30 < found["margin"] < 37
    assert found["spread"] > 3
    assert 0.13 < found["discounted"] < 0.17
    assert 1.9 < found["lines"] < 2.3
    assert found["kept"] > 0.9


def test_season_drives_the_volume(empty_admin: psycopg.Connection) -> None:
    load(empty_admin, scale=0.05)
    by_month = (
        "SELECT sum(i.quantity)::float8 FROM retail.order_items i JOIN retail.orders o"
        " USING (store_id, order_id) JOIN retail.products USING (product_id)"
        " JOIN retail.categories USING (category_id)"
        " WHERE category_name = '{}' AND extract(month FROM order_date) = {}"
    )
    paint_april = value(empty_admin, by_month.format("Paint & Finishes", 4))
    paint_january = value(empty_admin, by_month.format("Paint & Finishes", 1))
    garden_may = value(empty_admin, by_month.format("Garden & Outdoor", 5))
    garden_december = value(empty_admin, by_month.format("Garden & Outdoor", 12))
    assert paint_april > 1.8 * paint_january
    assert garden_may > 2 * garden_december
    orders = "SELECT count(*) FROM retail.orders WHERE extract(month FROM order_date) = {}"
    assert value(empty_admin, orders.format(5)) > 1.3 * value(empty_admin, orders.format(1))


def test_foreign_data_are_refused_until_told_otherwise(empty_admin: psycopg.Connection) -> None:
    with empty_admin.transaction():
        empty_admin.execute("SET LOCAL ROLE zava_loader")
        empty_admin.execute("INSERT INTO retail.categories (category_name) VALUES ('Theirs')")
    with pytest.raises(SeedRefused, match="--replace"):
        load(empty_admin)
    assert value(empty_admin, "SELECT count(*) FROM retail.categories") == 1
    assert load(empty_admin, replace=True).is_new
    with pytest.raises(SeedRefused, match="--replace"):
        load(empty_admin, scale=0.5)


def test_interrupted_load_leaves_nothing(empty_admin: psycopg.Connection) -> None:
    def interrupt(_what: str, done: float) -> None:
        if done > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(empty_admin, progress=interrupt)
    for table in ("stores", "orders", "products"):
        assert value(empty_admin, f"SELECT count(*) FROM retail.{table}") == 0
    assert load(empty_admin).is_new


def test_catalogue_is_small() -> None:
    assert (DIRECTORY / "catalogue.json").stat().st_size < 300_000
