"""The samples of each ready mapping, made after the vendor's columns, come in with right figures."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.servers.database import Cluster, Database
from zava.retail.importing.layout import ImportRefused
from zava.retail.importing.mapping import find_mapping, read_mapping
from zava.retail.importing.run import run_import

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
READY = Path(find_mapping.__code__.co_filename).with_name("mappings")
_ORDERS = """
SELECT s.store_name, k.source_key, o.status, o.is_return, o.total_amount, o.tax_amount,
       (SELECT coalesce(c.email, c.last_name) FROM retail.customers AS c
        WHERE (c.store_id, c.customer_id) = (o.store_id, o.customer_id)),
       to_char(o.order_date AT TIME ZONE 'UTC', 'MM-DD HH24:MI')
FROM retail.orders AS o JOIN retail.stores AS s USING (store_id)
JOIN zava_import.order_keys AS k USING (store_id, order_id) ORDER BY 1, 2
"""


def money(text: str) -> Decimal:
    return Decimal(text)


EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "shopify": [
        ("Online", "#1001", "completed", False, "48.48", "4.36", "ann@example.com", "05-04 17:14"),
        ("Online", "#1002", "refunded", False, "24.99", "2.25", None, "05-05 04:29"),
        ("Online", "#1003", "pending", False, "9.50", "0.00", "bo@example.com", "05-05 15:00"),
    ],
    "square": [
        (
            "Main Street",
            "T1 Payment",
            "completed",
            False,
            "12.20",
            "0.00",
            "Ann Example",
            "05-01 15:12",
        ),
        (
            "Main Street",
            "T1 Refund",
            "completed",
            True,
            "-4.00",
            "0.00",
            "Ann Example",
            "05-03 17:00",
        ),
        ("Main Street", "T2 Payment", "completed", False, "1125.00", "0.00", None, "05-02 16:00"),
    ],
    "woocommerce": [
        ("Online", "900", "completed", False, "26.00", "2.10", "ann@example.com", "05-04 17:20"),
        ("Online", "901", "cancelled", False, "6.00", "0.00", None, "05-04 18:00"),
    ],
    "till": [
        ("Köln", "1 000123", "completed", False, "425.32", "0.00", None, "05-04 16:15"),
        ("Köln", "2 000124", "completed", True, "-4.76", "0.00", None, "05-06 01:01"),
    ],
    "pos": [
        ("Harbor", "1", "completed", False, "4.00", "0.00", None, "05-04 23:40"),
        ("Main Street", "1", "completed", False, "1012.75", "0.00", None, "05-04 16:05"),
    ],
}
STOCK = {"till": [("4711", Decimal("12.35"), "kg"), ("4712", Decimal(-3), "each")]}


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    with cluster.database("samples") as database:
        yield database


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_of_a_ready_mapping_comes_in_whole_and_once(empty: Database, name: str) -> None:
    mapping = find_mapping(name)
    with psycopg.connect(empty.admin, autocommit=True) as admin:
        report = run_import(admin, SAMPLES / name, mapping)
        again = run_import(admin, SAMPLES / name, mapping)
    assert [str(reject) for reject in report.rejects] == []
    assert all(counts.written == 0 for counts in again.counts.values())
    with psycopg.connect(empty.owner) as owner:
        found = owner.execute(_ORDERS).fetchall()
        stock = owner.execute(
            "SELECT p.sku, i.stock_level, p.unit FROM retail.inventory AS i"
            " JOIN retail.products AS p USING (product_id) ORDER BY 1"
        ).fetchall()
    assert found == [(*row[:4], money(row[4]), money(row[5]), *row[6:]) for row in EXPECTED[name]]
    assert stock == STOCK.get(name, [])


def test_every_ready_mapping_has_a_sample() -> None:
    assert {path.stem for path in READY.glob("*.toml")} == set(EXPECTED)


def test_unknown_mapping_names_the_ready_ones() -> None:
    with pytest.raises(ImportRefused, match="ready ones are pos, shopify, square, till, woo"):
        find_mapping("lightspeed")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source = ", "mapping.toml: "),
        ('decimal = "."', "`source` is missing"),
        ('source = "x"', r"there is no \[\[load\]\]"),
        ('source = "x"\ndates = "D"', "dates: expected YMD, DMY, MDY"),
        ('source = "x"\ndecimal = ";"', "decimal: expected . or ,"),
        ('source = "x"\n[[load]]\ntable = "sales"', "load 1: table: expected one of stores"),
        ('source = "x"\n[[load]]\ntable = "stores"', "store_key is required and has no source"),
        ('source = "x"\nsep = ";"', "sep is unknown; expected"),
        (
            'source = "x"\n[[load]]\ntable = "stores"\ncolumns = { stores_key = "a" }',
            "columns: stores_key is unknown",
        ),
        (
            'source = "x"\n[[load]]\ntable = "stores"\ncolumns = { store_key = {} }',
            "store_key: give either `column` or `value`",
        ),
        (
            'source = "x"\n[[load]]\ntable = "stores"\ncolumns = { store_key = 1 }',
            "store_key: expected a column's name or a table",
        ),
        (
            'source = "x"\n[[load]]\ntable = "stores"\nkeep = "last"',
            "keep: expected first",
        ),
        (
            'source = "x"\n[[load]]\ntable = "stores"\nfill = 1\ncolumns = { store_key = "a", store_name = "b" }',
            "fill: expected `by` and `columns`",
        ),
    ],
)
def test_mapping_that_is_none_is_refused_with_its_entry(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    with pytest.raises(ImportRefused, match=said):
        read_mapping(path)
