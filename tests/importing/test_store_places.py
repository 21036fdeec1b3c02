"""Stores with a time zone and a currency, rates between currencies, and amounts with a mark."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.importing.files import write_csv, write_shop
from tests.support.servers.database import Cluster, Database, one
from zava.retail.importing.mapping import documented_layout, read_mapping
from zava.retail.importing.rejects import ImportReport
from zava.retail.importing.run import run_import

_PLACES = "SELECT store_name, time_zone, currency FROM retail.stores ORDER BY store_name"
_ORDER_DATES = (
    "SELECT k.source_key, o.order_date FROM retail.orders AS o"
    " JOIN zava_import.order_keys AS k ON k.order_id = o.order_id"
)
BERLIN = {
    "store_key": "s2",
    "store_name": "Berlin",
    "time_zone": "Europe/Berlin",
    "currency": "EUR",
}
KOLKATA = {"store_key": "s3", "store_name": "Kolkata", "time_zone": "Asia/Kolkata"}


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Database]:
    with cluster.database("places") as empty:
        yield empty


def load(shop: Database, directory: Path, mapping: Path | None = None) -> ImportReport:
    with psycopg.connect(shop.admin, autocommit=True) as admin:
        used = documented_layout() if mapping is None else read_mapping(mapping)
        return run_import(admin, directory, used)


def rejected(report: ImportReport) -> list[tuple[str, int, str | None, str]]:
    return [(each.table, each.row, each.column, each.rule) for each in report.rejects]


def test_stores_have_their_zone_and_currency_or_the_chains(shop: Database, tmp_path: Path) -> None:
    write_shop(
        tmp_path,
        chain=[{"reporting_currency": "EUR", "time_zone": "Europe/Madrid"}],
        stores=[{}, BERLIN, KOLKATA | {"currency": "INR"}],
        exchange_rates=[{"currency": "INR", "rate": "0.0107"}],
    )
    report = load(shop, tmp_path)
    assert rejected(report) == []
    with psycopg.connect(shop.owner) as owner:
        assert owner.execute(_PLACES).fetchall() == [
            ("Berlin", "Europe/Berlin", "EUR"),
            ("Kolkata", "Asia/Kolkata", "INR"),
            ("Main Street", "Europe/Madrid", "EUR"),
        ]
        assert one(owner, "SELECT rate FROM retail.exchange_rates") == Decimal("0.0107")
    again = load(shop, tmp_path)
    assert all(counts.written == 0 for counts in again.counts.values())
    # What is left out stays, and what is named changes.
    write_csv(
        tmp_path / "stores.csv", [{"store_key": "s2", "store_name": "Berlin", "currency": "CHF"}]
    )
    write_csv(tmp_path / "chain.csv", [{"reporting_currency": "USD"}])
    changed = load(shop, tmp_path)
    assert changed.counts["stores"].changed == 1
    assert ("chain", 2, "reporting_currency", "rates to EUR are loaded") in rejected(changed)
    with psycopg.connect(shop.owner) as owner:
        assert ("Berlin", "Europe/Berlin", "CHF") in owner.execute(_PLACES).fetchall()


@pytest.mark.parametrize(
    ("table", "cells", "column", "rule"),
    [
        ("stores", {"time_zone": "Europe/Berlinn"}, "time_zone", "no time zone; Europe/Berlin is one"),
        ("stores", {"time_zone": "PST"}, "time_zone", "no time zone; Europe/Berlin is one"),
        ("stores", {"time_zone": "+02:00"}, "time_zone", "no time zone; Europe/Berlin is one"),
        ("stores", {"currency": "EURO"}, "currency", "no currency of ISO 4217; EUR is one"),
        ("stores", {"currency": "eur"}, "currency", "no currency of ISO 4217; EUR is one"),
        ("stores", {"currency": "€"}, "currency", "no currency of ISO 4217; EUR is one"),
        ("stores", {"currency": "XYZ"}, "currency", "no currency of ISO 4217; EUR is one"),
        ("exchange_rates", {"rate": "0"}, "rate", "not above 0"),
        ("exchange_rates", {"rate": "-1"}, "rate", "not above 0"),
        ("exchange_rates", {"rate": "1,1"}, "rate", "no number"),
        ("exchange_rates", {"currency": "USD"}, "currency", "the reporting currency has no rate"),
        ("exchange_rates", {"day": "01.05.2026"}, "day", "no date; set dates to YMD, DMY or MDY in the mapping"),
    ],
)  # fmt: skip
def test_cell_that_names_no_place_or_rate_is_rejected_with_its_row(
    shop: Database, tmp_path: Path, table: str, cells: dict[str, str], column: str, rule: str
) -> None:
    write_shop(tmp_path, **{table: [cells]})
    assert (table, 2, column, rule) in rejected(load(shop, tmp_path))


def test_order_of_a_day_without_a_rate_is_rejected(shop: Database, tmp_path: Path) -> None:
    days = {
        "o1": "2026-05-03T10:00:00Z",
        "o2": "2026-05-08T21:59:00Z",
        "o3": "2026-05-08T22:01:00Z",
    }
    write_shop(
        tmp_path,
        stores=[{}, BERLIN],
        orders=[
            *(
                {"store_key": "s2", "order_key": key, "order_date": day}
                for key, day in days.items()
            ),
            {"store_key": "s1", "order_key": "o4", "order_date": "2025-01-01T10:00:00Z"},
        ],
        order_items=[
            *({"store_key": "s2", "order_key": key} for key in days),
            {"store_key": "s1", "order_key": "o4"},
        ],
        exchange_rates=[{"day": "2026-05-01"}],
    )
    report = load(shop, tmp_path)
    rule = "no exchange rate of EUR within the week before"
    # Half past midnight in Berlin is the ninth, eight days after the rate.
    assert [each for each in rejected(report) if each[0] == "orders"] == [
        ("orders", 4, "order_date", rule)
    ]
    assert report.counts["orders"].added == 3


def test_moment_without_a_zone_is_that_of_its_store(shop: Database, tmp_path: Path) -> None:
    orders = {
        "o1": ("s1", "2026-03-08 12:00", datetime(2026, 3, 8, 19, tzinfo=UTC)),
        "o2": ("s2", "2026-03-29 12:00:00.5", datetime(2026, 3, 29, 10, 0, 0, 500000, tzinfo=UTC)),
        "o3": ("s3", "2026-05-01T00:10", datetime(2026, 4, 30, 18, 40, tzinfo=UTC)),
        "o4": ("s3", "2026-05-01", datetime(2026, 4, 30, 18, 30, tzinfo=UTC)),
        "o5": ("s3", "2026-05-01 00:10+00", datetime(2026, 5, 1, 0, 10, tzinfo=UTC)),
        "o6": ("s3", "2026-05-01T00:10Z", datetime(2026, 5, 1, 0, 10, tzinfo=UTC)),
        "o7": ("s2", "2026-05-01 09:00 PM", datetime(2026, 5, 1, 19, tzinfo=UTC)),
        "o8": ("s2", "2026-05-01 09:00 America/New_York", datetime(2026, 5, 1, 13, tzinfo=UTC)),
    }
    write_shop(
        tmp_path,
        stores=[{}, BERLIN | {"currency": "USD"}, KOLKATA],
        orders=[
            {"store_key": store, "order_key": key, "order_date": text}
            for key, (store, text, _) in orders.items()
        ],
        order_items=[
            {"store_key": store, "order_key": key} for key, (store, _, _) in orders.items()
        ],
    )
    assert rejected(load(shop, tmp_path)) == []
    with psycopg.connect(shop.owner) as owner:
        assert dict(owner.execute(_ORDER_DATES).fetchall()) == {
            key: moment for key, (_, _, moment) in orders.items()
        }


def test_amounts_of_two_currencies_in_one_column_are_rejected(
    shop: Database, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.toml"
    columns = ", ".join(
        f'{name} = "{name}"' for name in ("product_key", "product_name", "cost", "base_price")
    )
    mapping.write_text(
        'source = "till"\ndecimal = "."\n[[load]]\ntable = "products"\nfiles = ["goods.csv"]\n'
        f"columns = {{ {columns} }}\n",
        encoding="utf-8",
    )  # fmt: skip
    prices = ("$12.50", "USD 1,250.00", "€13.00", "14", "15 EUR", "($16.00)", "£3")
    rows = [
        {"product_key": f"p{n}", "product_name": f"Nail {n}", "cost": "1", "base_price": price}
        for n, price in enumerate(prices)
    ]
    write_csv(tmp_path / "goods.csv", rows)
    report = load(shop, tmp_path / "goods.csv", mapping)
    rule = "a mark of currency; with decimal in the mapping, one in a column is read"
    assert rejected(report) == [
        *(("products", row, "base_price", rule) for row in (4, 6)),
        ("products", 7, "base_price", "below 0"),
        ("products", 8, "base_price", rule),
    ]
    with psycopg.connect(shop.owner) as owner:
        found = owner.execute("SELECT base_price FROM retail.products ORDER BY sku").fetchall()
    assert [price for (price,) in found] == [Decimal("12.50"), Decimal("1250.00"), Decimal("14.00")]


def test_period_that_is_replaced_has_the_days_of_the_store(shop: Database, tmp_path: Path) -> None:
    # Of the same day in India, and of two days in Los Angeles.
    early, late = "2026-05-01T19:00:00Z", "2026-05-02T17:00:00Z"
    sales = {"store_key": "s3"}
    write_shop(
        tmp_path,
        stores=[{}, KOLKATA],
        orders=[sales | {"order_key": "o1", "order_date": early}, sales | {"order_key": "o2", "order_date": late}],
        order_items=[sales | {"order_key": "o1"}, sales | {"order_key": "o2"}],
    )  # fmt: skip
    assert load(shop, tmp_path).counts["orders"].added == 2
    write_csv(tmp_path / "orders.csv", [sales | {"order_key": "o2", "order_date": late}])
    write_csv(
        tmp_path / "order_items.csv",
        [sales | {"order_key": "o2", "product_key": "p1", "quantity": "2", "unit_price": "3.50"}],
    )
    with psycopg.connect(shop.admin, autocommit=True) as admin:
        report = run_import(admin, tmp_path, documented_layout(), mode="replace-period")
    assert report.counts["orders"].removed == 1
