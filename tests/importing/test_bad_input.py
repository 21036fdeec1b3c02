"""Each bad input gets a report with row, column and rule, and the database stays as it was."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.database import Cluster, one
from tests.importing.files import CELLS, write_csv, write_shop
from zava.infrastructure.importing.layout import ImportRefused
from zava.infrastructure.importing.loading import ImportReport
from zava.infrastructure.importing.mapping import documented_layout
from zava.infrastructure.importing.run import run_import

_TABLES = ("stores", "products", "customers", "inventory", "orders", "order_items")


@pytest.fixture(scope="module")
def admin(cluster: Cluster) -> Iterator[psycopg.Connection]:
    """The administrator of a database in which no import of this module leaves a row."""
    with (
        cluster.database("bad_input") as empty,
        psycopg.connect(empty.admin, autocommit=True) as connection,
    ):
        yield connection


def run(admin: psycopg.Connection, directory: Path, **options: Any) -> ImportReport:
    """Import as a dry run, which writes all and takes it back."""
    return run_import(admin, directory, documented_layout(), dry_run=True, **options)


def counts(admin: psycopg.Connection) -> dict[str, int]:
    with admin.transaction():
        admin.execute("SET LOCAL ROLE zava_loader")
        return {table: one(admin, f"SELECT count(*) FROM retail.{table}") for table in _TABLES}


def replaced(table: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / f"{table}.csv"
        text = path.read_bytes()
        assert old in text
        path.write_bytes(text.replace(old, new))

    return change


def without_column(directory: Path) -> None:
    rows = [{k: v for k, v in CELLS["order_items"].items() if k != "quantity"}]
    write_csv(directory / "order_items.csv", rows)


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty file": (lambda d: (d / "orders.csv").write_bytes(b""), "orders.csv: the file is empty"),
    "header alone": (
        lambda d: (d / "orders.csv").write_text("store_key,order_key,order_date\n"),
        "orders.csv: there is no row below",
    ),
    "column that vanished": (
        without_column,
        "order_items.csv: row 1: the column quantity is missing",
    ),
    "column that is there twice": (
        replaced("products", b"cost,base_price", b"cost,cost"),
        "products.csv: row 1: the column cost is there twice",
    ),
    "wrong encoding": (
        replaced("stores", b"Main Street", b"Stra\xdfe"),
        "stores.csv: row 2: a character is not utf-8",
    ),
    "quote that is never closed": (
        replaced("stores", b"Main Street", b'"Main Street'),
        "stores.csv: row 2: unexpected end of data",
    ),
    "NUL": (replaced("stores", b"Main", b"Ma\x00in"), "stores.csv: row 2: a cell holds a NUL"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_file_that_cannot_be_read_is_refused_by_name(
    admin: psycopg.Connection, tmp_path: Path, name: str
) -> None:
    change, said = REFUSED[name]
    write_shop(tmp_path)
    change(tmp_path)
    with pytest.raises(ImportRefused) as refused:
        run(admin, tmp_path)
    assert said in str(refused.value)
    assert sum(counts(admin).values()) == 0


REJECTED: dict[str, tuple[dict[str, list[dict[str, Any]]], set[tuple[str, str, str]]]] = {
    "amount that is none": (
        {"order_items": [{"quantity": "two"}]},
        {
            ("order_items", "quantity", "no number"),
            ("orders", "order_key", "its line in row 2 is rejected"),
        },
    ),
    "decimal comma": (
        {"products": [{}, {"product_key": "p2", "cost": "1,50"}]},
        {("products", "cost", 'no number; decimal = "," in the mapping reads it')},
    ),
    "day before month": (
        {"orders": [{"order_date": "31/12/2025"}]},
        {
            ("orders", "order_date", "no date; set dates to YMD, DMY or MDY in the mapping"),
            ("order_items", "order_key", "its order is rejected"),
        },
    ),
    "day that no month has": (
        {"orders": [{"order_date": "2026-02-30"}]},
        {
            ("orders", "order_date", "no date; set dates to YMD, DMY or MDY in the mapping"),
            ("order_items", "order_key", "its order is rejected"),
        },
    ),
    "sale of the future": (
        {"orders": [{"order_date": "2126-02-03"}]},
        {
            ("orders", "order_date", "in the future"),
            ("order_items", "order_key", "its order is rejected"),
        },
    ),
    "unknown store": (
        {"customers": [{"store_key": "s9"}]},
        {("customers", "store_key", "no store has this key")},
    ),
    "unknown product": (
        {"order_items": [{"product_key": "p9"}]},
        {
            ("order_items", "product_key", "no product has this key"),
            ("orders", "order_key", "its line in row 2 is rejected"),
        },
    ),
    "unknown customer": (
        {"orders": [{"customer_key": "c9"}]},
        {
            ("orders", "customer_key", "no customer of the store has this key"),
            ("order_items", "order_key", "its order is rejected"),
        },
    ),
    "line without its order": (
        {"order_items": [{}, {"order_key": "o9"}]},
        {("order_items", "order_key", "no order of these files has this key")},
    ),
    "order without a line": (
        {"orders": [{}, {"order_key": "o2"}]},
        {("orders", "order_key", "no line of these files belongs to it")},
    ),
    "key that is there twice": (
        {"products": [{}, {"product_name": "Other nail"}]},
        {("products", "product_key", "the key is there twice, first in row 2")},
    ),
    "total that does not follow": (
        {"order_items": [{"discount_amount": "0", "total_amount": "9"}]},
        {
            (
                "order_items",
                "total_amount",
                "quantity * unit_price - discount_amount is another amount",
            ),
            ("orders", "order_key", "its line in row 2 is rejected"),
        },
    ),
    "SKU of another product": (
        {"products": [{}, {"product_key": "p2", "sku": "p1"}]},
        {("products", "sku", "another product has this SKU")},
    ),
    "status of another system": (
        {"orders": [{"status": "shipped"}]},
        {
            ("orders", "status", "expected pending, completed, cancelled, refunded"),
            ("order_items", "order_key", "its order is rejected"),
        },
    ),
    "name that is missing": (
        {"products": [{}, {"product_key": "p2", "product_name": ""}]},
        {("products", "product_name", "required")},
    ),
}


@pytest.mark.parametrize("name", REJECTED)
def test_row_that_breaks_a_rule_is_rejected_with_it(
    admin: psycopg.Connection, tmp_path: Path, name: str
) -> None:
    changes, expected = REJECTED[name]
    write_shop(tmp_path, **changes)
    report = run(admin, tmp_path)
    assert {(one.table, one.column, one.rule) for one in report.rejects} == expected
    assert sum(counts(admin).values()) == 0


def test_ragged_row_is_rejected_and_its_order_with_it(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_shop(tmp_path, order_items=[{}, {"order_key": "o2"}], orders=[{}, {"order_key": "o2"}])
    replaced("order_items", b"o2,p1,2,3.50", b"o2,p1")(tmp_path)
    report = run(admin, tmp_path)
    assert [str(reject) for reject in report.rejects] == [
        "order_items.csv: row 3: the row has another number of cells than the 5 of row 1",
        "orders.csv: row 3, order_key: its line in row 3 is rejected",
    ]
    assert report.counts["orders"].added == 1


@pytest.mark.parametrize("module", ["pyarrow", "openpyxl"])
def test_format_of_an_extra_that_is_not_installed_names_the_extra(
    admin: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    end = {"pyarrow": "parquet", "openpyxl": "xlsx"}[module]
    (tmp_path / f"stores.{end}").write_bytes(b"PAR1")
    with pytest.raises(ImportRefused) as refused:
        run(admin, tmp_path)
    assert str(refused.value) == (
        f"stores.{end}: Parquet and XLSX need the extra `import`: pip install 'zava[import]'"
    )


def test_directory_without_a_file_of_the_layout_names_what_is_read(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "sales.csv").write_text("a\n1\n")
    with pytest.raises(ImportRefused, match=r"no file here has one of the names stores\.csv"):
        run(admin, tmp_path)
    with pytest.raises(ImportRefused, match="there is no such file or directory"):
        run(admin, tmp_path / "elsewhere")
