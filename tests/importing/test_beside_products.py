"""Prices by day, suppliers, promotions and targets: what is beside products and stores."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.importing.files import write_shop
from tests.support.servers.database import Cluster, Database
from zava.retail.importing.mapping import documented_layout
from zava.retail.importing.rejects import ImportReport
from zava.retail.importing.run import run_import

_EPOCH = date(1970, 1, 1)
_HISTORY = (
    "SELECT valid_from, cost, base_price FROM retail.product_prices ORDER BY product_id, valid_from"
)
_TODAY = "SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date"
Prices = list[tuple[date, Decimal, Decimal]]


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Database]:
    with cluster.database("prices") as empty:
        yield empty


def load(shop: Database, directory: Path) -> ImportReport:
    with psycopg.connect(shop.admin, autocommit=True) as admin:
        return run_import(admin, directory, documented_layout())


def history(shop: Database) -> Prices:
    with psycopg.connect(shop.owner) as owner:
        return owner.execute(_HISTORY).fetchall()


def a_day_later(shop: Database) -> date:
    """Make the last change of each product one of yesterday; return today."""
    with psycopg.connect(shop.owner) as owner:
        owner.execute("ALTER TABLE retail.products DISABLE TRIGGER products_touch")
        owner.execute("UPDATE retail.products SET updated_at = now() - interval '1 day'")
        owner.execute("ALTER TABLE retail.products ENABLE TRIGGER products_touch")
        row = owner.execute(_TODAY).fetchone()
    assert row is not None
    day: date = row[0]
    return day


def money(cost: str, price: str = "2.00") -> tuple[Decimal, Decimal]:
    return Decimal(cost), Decimal(price)


def test_file_of_prices_comes_in_once_and_a_correction_changes_its_row(
    shop: Database, tmp_path: Path
) -> None:
    days: list[dict[str, str]] = [{"valid_from": "2026-01-01"}, {"cost": "0.90"}]
    write_shop(tmp_path, product_prices=days)
    assert load(shop, tmp_path).counts["product_prices"].added == 2
    assert load(shop, tmp_path).counts["product_prices"].written == 0
    days[1]["cost"] = "0.95"
    write_shop(tmp_path, product_prices=days)
    counts = load(shop, tmp_path).counts["product_prices"]
    assert (counts.added, counts.changed) == (0, 1)
    assert history(shop) == [
        (date(2026, 1, 1), *money("0.80")),
        (date(2026, 4, 1), *money("0.95")),
    ]


@pytest.mark.parametrize(
    ("table", "cells", "rule"),
    [
        ("product_prices", {"product_key": "p9"}, "no product has this key"),
        (
            "product_prices",
            {"valid_from": "2026-04-01 00:00"},
            "the product has a row of this day already",
        ),
        ("product_prices", {"valid_from": "0026-04-01"}, "not between 1900 and 2999"),
        ("product_prices", {"valid_from": "2026-03-01", "cost": "-1"}, "below 0"),
        ("suppliers", {"supplier_key": "u2"}, "another supplier has this name"),
        (
            "suppliers",
            {"supplier_key": "u2", "supplier_name": "B", "lead_days": "1000"},
            "not between 0 and 999",
        ),
        ("product_suppliers", {"product_key": "p9"}, "no product has this key"),
        ("promotions", {"promotion_key": "m2"}, "another promotion has this name"),
        (
            "promotions",
            {"promotion_key": "m2", "promotion_name": "B", "last_day": "2026-04-30"},
            "before the first day",
        ),
        ("promotion_products", {"promotion_key": "m9"}, "no promotion has this key"),
        ("store_targets", {"store_key": "s9"}, "no store has this key"),
        ("store_targets", {"month": "2026-05-31"}, "the store has a row of this month already"),
    ],
)
def test_row_that_cannot_hold_is_rejected_and_the_others_come_in_once(
    shop: Database, tmp_path: Path, table: str, cells: dict[str, str], rule: str
) -> None:
    write_shop(tmp_path, **{table: [{}, cells]})
    report = load(shop, tmp_path)
    assert [(reject.table, reject.row, reject.rule) for reject in report.rejects] == [
        (table, 3, rule)
    ]
    assert report.counts[table].added == 1
    assert all(counts.written == 0 for counts in load(shop, tmp_path).counts.values())


def test_supplier_promotion_and_target_that_change_are_changed(
    shop: Database, tmp_path: Path
) -> None:
    write_shop(tmp_path)
    load(shop, tmp_path)
    write_shop(
        tmp_path,
        suppliers=[{"lead_days": "0"}, {"supplier_key": "u2", "supplier_name": "Other"}],
        product_suppliers=[{"supplier_key": "u2"}],
        promotions=[{"last_day": "2026-06-30"}],
        store_targets=[{"month": "2026-05-17", "revenue_target": "950"}],
    )
    report = load(shop, tmp_path)
    assert report.rejects == []
    assert {
        name: (counts.added, counts.changed)
        for name, counts in report.counts.items()
        if counts.written
    } == {
        "suppliers": (1, 1),
        "product_suppliers": (0, 1),
        "promotions": (0, 1),
        "store_targets": (0, 1),
    }


def test_cost_that_changes_on_a_later_day_keeps_the_one_of_before(
    shop: Database, tmp_path: Path
) -> None:
    def change(cost: str) -> None:
        write_shop(tmp_path, products=[{"cost": cost}])
        (tmp_path / "product_prices.csv").unlink()
        assert load(shop, tmp_path).rejects == []
        assert load(shop, tmp_path).counts["products"].written == 0

    # A cost that was unknown, and one that is corrected on its day, are no history.
    change("0")
    a_day_later(shop)
    change("1")
    change("1.10")
    assert history(shop) == []
    today = a_day_later(shop)
    change("1.30")
    assert history(shop) == [(_EPOCH, *money("1.10")), (today, *money("1.30"))]
    change("1.40")
    assert history(shop) == [(_EPOCH, *money("1.10")), (today, *money("1.40"))]
    a_day_later(shop)
    change("1.40")
    assert len(history(shop)) == 2
