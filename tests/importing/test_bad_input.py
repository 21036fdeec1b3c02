"""Each bad input gets a report with row, column and rule, and the database stays as it was."""

import gzip
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.importing.files import CELLS, write_csv, write_shop
from tests.support.servers.database import Cluster, one
from zava.retail.importing.files.reading import open_rows
from zava.retail.importing.layout import LAYOUTS, ImportRefused
from zava.retail.importing.mapping import documented_layout
from zava.retail.importing.rejects import ImportReport
from zava.retail.importing.run import run_import

_TABLES = (
    *("chain", "exchange_rates"),
    *("stores", "products", "suppliers", "product_suppliers", "product_prices", "promotions"),
    *("promotion_products", "customers", "inventory", "store_targets", "orders", "order_items"),
)


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
    "compressed file that was cut": (
        lambda d: (d / "orders.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 9000)[:40]),
        "orders.csv.gz: row 1: ",
    ),
    "compressed file that is none": (
        lambda d: (d / "orders.csv.gz").write_text("store_key,order_key"),
        "orders.csv.gz: row 1: Not a gzipped file",
    ),
    "JSON that is none": (
        lambda d: (d / "orders.jsonl").write_text('{"store_key": "s1"}\n{"store_key"'),
        "orders.jsonl: row 2: no JSON",
    ),
    "JSON that is no object": (
        lambda d: (d / "orders.jsonl").write_text("[1]"),
        "orders.jsonl: row 1: expected one JSON object a line",
    ),
    "JSON that nests without end": (
        lambda d: (d / "orders.jsonl").write_text("[" * 100_000),
        "orders.jsonl: row 1: no JSON",
    ),
    "JSON with half a character": (
        lambda d: (d / "orders.jsonl").write_text(
            '{"store_key": "s1", "order_key": "\\ud800", "order_date": "2026-05-01"}'
        ),
        "orders.jsonl: row 1: a cell holds half of a surrogate pair",
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
    "dates in two forms": (
        {
            "orders": [{}, {"order_key": "o2", "order_date": "31/12/2025"}],
            "order_items": [{}, {"order_key": "o2"}],
        },
        {
            ("orders", "order_date", "no date; set dates to YMD, DMY or MDY in the mapping"),
            ("order_items", "order_key", "its order is rejected"),
        },
    ),
    "amount of a line that no column holds": (
        {"order_items": [{"quantity": "999999999", "unit_price": "99999999"}]},
        {
            ("order_items", "total_amount", "the amount of the line is too large"),
            ("orders", "order_key", "its line in row 2 is rejected"),
        },
    ),
    "amount of an order that no column holds": (
        {
            "order_items": [
                {"quantity": "900", "unit_price": "9999999", "line_number": str(number)}
                for number in (1, 2)
            ]
        },
        {
            ("orders", "order_key", "its lines make too large an amount"),
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


def test_order_of_more_lines_than_a_number_holds_is_rejected(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_shop(tmp_path)
    path = tmp_path / "order_items.csv"
    header, line = path.read_text().splitlines()
    path.write_text("\n".join([header, *[line] * 32_768]))
    report = run(admin, tmp_path)
    rules = {(one.table, one.column, one.rule) for one in report.rejects}
    assert ("order_items", "line_number", "the order has more than 32,767 lines") in rules
    assert report.counts["orders"].added == 0


def test_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    rows = tmp_path / "orders.csv"
    rows.write_text("store_key,order_key\n" + "s1,o1\n" * 60_000)
    # A disk's image, for example: one line of NULs, as long as the file.
    image = tmp_path / "image.csv"
    with image.open("wb") as file:
        file.truncate(1 << 26)
    layout = documented_layout()
    tracemalloc.start()
    try:
        with open_rows(rows, layout) as (header, found):
            assert header == ["store_key", "order_key"]
            assert sum(1 for _ in found) == 60_000
        assert tracemalloc.get_traced_memory()[1] < rows.stat().st_size
        with pytest.raises(ImportRefused, match=r"image\.csv: row 1: the line has more than 10,"):
            open_rows(image, layout).__enter__()
        assert tracemalloc.get_traced_memory()[1] < image.stat().st_size
    finally:
        tracemalloc.stop()


def test_wrong_character_is_found_in_the_row_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_bytes(b"store_key\n" + "s\u00e9\n".encode() * 9000 + b"\xff\n")
    with (
        pytest.raises(ImportRefused, match=r"stores\.csv: row 9002: a character is not utf-8"),
        open_rows(path, documented_layout()) as (_, rows),
    ):
        list(rows)


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


ODD_CELLS = (
    *("-", ".", "-.", "--1", "1-", "1.2.3", "1e5", "NaN", "Infinity", "-Infinity", "0x1F", "1_000"),
    *("٣", "½", "1,5", "1,234.50", "9" * 40, "-" + "9" * 40, "0.0000000001", "-0", "+5", "$5"),
    *("infinity", "-infinity", "now", "today", "epoch", "2026-02-29", "2026-13-01", "0001-01-01"),
    *(
        "2026-05-01T25:00",
        "2026-05-01 10:00 NOWHERE",
        "2026-05-01 BC",
        "99999-01-01",
        "2026-05-01x",
    ),
    *(
        "true",
        "TRUE ",
        "maybe",
        "x" * 5000,
        "\\N",
        "\\.",
        "'; DROP TABLE retail.orders; --",
        "%s",
        "{}",
    ),
    *(
        '"',
        "a\nb",
        "\u0007",
        "\ufeff",
        "\U0001f600",
        "\u202e",
        " ",
        "\u00a0",
        "NULL",
        "null",
        "#N/A",
    ),
)


_KEYS = {
    "chain": "reporting_currency",
    "stores": "store_key",
    "exchange_rates": "day",
    "products": "product_key",
    "product_prices": "product_key",
    "suppliers": "supplier_key",
    "promotions": "promotion_key",
    "promotion_products": "product_key",
    "product_suppliers": "product_key",
    "customers": "customer_key",
    "inventory": "product_key",
    "store_targets": "store_key",
    "orders": "order_key",
    "order_items": "order_key",
}


_OF_PRODUCTS = {"inventory", "product_prices", "product_suppliers", "promotion_products"}


def odd_rows(table: str, field: str, number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a row of a table with one odd cell, and what it needs beside it to be loaded."""
    key = f"{field} {number}"
    row = CELLS[table] | {_KEYS[table]: key}
    if table in {"stores", "suppliers", "promotions"}:
        row[f"{table[:-1]}_name"] = key
    elif table == "customers":
        row["email"] = f"{number}@{field}.example"
    elif table in _OF_PRODUCTS:
        yield "products", CELLS["products"] | {"product_key": key}
    elif table == "store_targets":
        yield "stores", CELLS["stores"] | {"store_key": key, "store_name": f"target {key}"}
    elif table == "orders":
        yield "order_items", CELLS["order_items"] | {"order_key": key}
    elif (
        table == "order_items"
    ):  # a good line beside the odd one, so that half of the order could be loaded
        yield "orders", CELLS["orders"] | {"order_key": key}
        yield "order_items", CELLS["order_items"] | {"order_key": key, "product_key": "p1"}
    yield table, row | {field: ODD_CELLS[number]}


def test_no_cell_of_any_column_ends_an_import_or_halves_an_order(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    tables: dict[str, list[dict[str, Any]]] = {name: [dict(cells)] for name, cells in CELLS.items()}
    for layout in LAYOUTS:
        for field in layout.fields:
            for number in range(len(ODD_CELLS)):
                for table, row in odd_rows(layout.name, field.name, number):
                    tables[table].append(row)
    for name, rows in tables.items():
        write_csv(tmp_path / f"{name}.csv", rows)
    report = run_import(admin, tmp_path, documented_layout())
    try:
        assert report.counts["orders"].added > len(ODD_CELLS)
        assert {reject.table for reject in report.rejects} == set(_TABLES)
        rejected = {
            (reject.record["store_key"], reject.record["order_key"])
            for reject in report.rejects
            if reject.table == "order_items"
        }
        with admin.transaction():
            admin.execute("SET LOCAL ROLE zava_loader")
            assert one(admin, _HALVES) == 0
            keys = admin.execute(_LOADED).fetchall()
        assert rejected & set(keys) == set()
    finally:
        with admin.transaction():
            admin.execute("SET LOCAL ROLE zava_loader")
            for table in reversed(_TABLES):
                admin.execute(f"DELETE FROM retail.{table}")
            admin.execute("DELETE FROM zava_import.rejects")


_LOADED = """
SELECT s.source_key, o.source_key FROM zava_import.order_keys AS o
JOIN zava_import.store_keys AS s USING (store_id)
"""
_HALVES = """
SELECT count(*) FROM retail.orders AS o
WHERE o.total_amount <> (SELECT coalesce(sum(i.total_amount), 0) FROM retail.order_items AS i
                         WHERE (i.store_id, i.order_id) = (o.store_id, o.order_id))
   OR NOT EXISTS (SELECT FROM retail.order_items AS i WHERE (i.store_id, i.order_id) = (o.store_id, o.order_id))
"""
