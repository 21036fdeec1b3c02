"""A first mapping from the names of columns and the values, which loads what it was made of."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.importing.files import write_csv
from tests.support.servers.database import Cluster, one
from zava.retail.importing.files.suggesting import suggest
from zava.retail.importing.layout import ImportRefused
from zava.retail.importing.mapping import read_mapping
from zava.retail.importing.run import run_import

# The columns of a public data set of an online shop, with rows of our own.
INVOICES = [
    ("536365", "85123A", "WHITE LANTERN", "6", "12/1/2010 8:26", "2.55", "17850", "United Kingdom"),
    ("536365", "71053", "METAL LANTERN", "6", "12/1/2010 8:26", "3.39", "17850", "United Kingdom"),
    ("536366", "22633", "", "1", "12/13/2010 9:01", "1.85", "", "France"),
    ("C536379", "85123A", "WHITE LANTERN", "-1", "12/14/2010 9:41", "2.55", "17850", "France"),
]
NAMES = (
    *("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice"),
    *("CustomerID", "Country"),
)


@pytest.fixture
def admin(cluster: Cluster) -> Iterator[psycopg.Connection]:
    with (
        cluster.database("suggested") as empty,
        psycopg.connect(empty.admin, autocommit=True) as connection,
    ):
        yield connection


def test_invoices_of_a_public_data_set_come_in_with_one_edited_line(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_csv(tmp_path / "retail.csv", [dict(zip(NAMES, row, strict=True)) for row in INVOICES])
    text = suggest(tmp_path / "retail.csv")
    assert 'dates = "MDY"' in text
    # What a person adds: what a product costs is in no column.
    edited = text.replace('cost = { value = "0" }', 'cost = { value = "1.20" }')
    assert edited != text
    path = tmp_path / "mapping.toml"
    path.write_text(edited)
    report = run_import(admin, tmp_path / "retail.csv", read_mapping(path))
    assert report.rejects == []
    with admin.transaction():
        admin.execute("SET LOCAL ROLE zava_loader")
        assert one(admin, "SELECT sum(total_amount) FROM retail.orders") == Decimal("34.94")
        assert one(admin, "SELECT count(*) FROM retail.orders WHERE is_return") == 1
        assert one(admin, "SELECT count(*) FROM retail.orders WHERE customer_id IS NULL") == 1
        assert one(admin, "SELECT product_name FROM retail.products WHERE sku = '22633'") == "22633"


def test_encoding_decimal_and_order_of_dates_are_found(tmp_path: Path) -> None:
    text = "Shop;Receipt;Date;Article No;Qty;Net\nKöln;1;31.12.2025;A1;1,5;2,40\n"
    (tmp_path / "till.csv").write_bytes(text.encode("windows-1252"))
    suggested = suggest(tmp_path)
    for line in (
        'encoding = "windows-1252"',
        'decimal = ","',
        'dates = "DMY"',
        'store_key = "Shop"',
        'order_key = "Receipt"',
        'total_amount = "Net"',
    ):
        assert line in suggested.splitlines()
    path = tmp_path / "mapping.toml"
    path.write_text(suggested, encoding="utf-8")
    assert [load.layout.name for load in read_mapping(path).loads] == [
        "stores",
        "orders",
        "order_items",
    ]


@pytest.mark.parametrize(
    ("first", "later", "line"),
    [
        ("1/2/2025", "3/31/2025", 'dates = "MDY"'),
        ("1/2/2025", "31/3/2025", 'dates = "DMY"'),
        (
            *("1/2/2025", "2/2/2025"),
            'dates = "MDY"  # a guess: no day after the 12th was read; DMY is the other order',
        ),
    ],
)
def test_what_only_later_rows_show_is_found(
    tmp_path: Path, first: str, later: str, line: str
) -> None:
    rows = [f"Koln;1;{first};A1;1;2.40"] * 3000 + [f"K\xf6ln;2;{later};A1;1;2.40"] * 150
    text = "\n".join(["Shop;Receipt;Date;Article No;Qty;Net", *rows])
    (tmp_path / "till.csv").write_bytes(text.encode("windows-1252"))
    suggested = suggest(tmp_path).splitlines()
    assert 'encoding = "windows-1252"' in suggested
    assert line in suggested


def test_files_without_the_columns_of_a_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ImportRefused, match="no file has the columns of a table"):
        suggest(tmp_path)
