"""A retailer's own files come in once, whole, and are what they were."""

import csv
import gzip
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.importing.files import CELLS, export, importer, kill, write_csv, write_shop
from tests.support.servers.database import Cluster, Database, one
from zava.retail.importing import run as importing
from zava.retail.importing.layout import ImportRefused
from zava.retail.importing.mapping import Mapping, documented_layout
from zava.retail.importing.rejects import ImportReport, Mode, write_rejects
from zava.retail.importing.run import run_import

_FIGURES = """
SELECT s.store_name, date_trunc('month', o.order_date AT TIME ZONE 'America/Los_Angeles'), c.category_name,
       count(DISTINCT o.order_id), count(DISTINCT o.customer_id), sum(i.quantity), sum(i.total_amount),
       sum(i.discount_amount), sum(i.quantity * p.cost)
FROM retail.orders AS o JOIN retail.order_items AS i USING (store_id, order_id)
JOIN retail.stores AS s USING (store_id) JOIN retail.products AS p USING (product_id)
JOIN retail.categories AS c USING (category_id)
WHERE o.status NOT IN ('cancelled', 'refunded') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


@pytest.fixture(scope="module")
def demo_files(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo")
    export(database.owner, directory)
    return directory


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    with cluster.database("imported") as database:
        yield database


@pytest.fixture
def admin(empty: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty.admin, autocommit=True) as connection:
        yield connection


def load(
    admin: psycopg.Connection, directory: Path, mode: Mode = "upsert", **options: Any
) -> ImportReport:
    return run_import(admin, directory, documented_layout(), mode=mode, **options)


def changes(report: ImportReport) -> dict[str, tuple[int, int, int]]:
    """Return what was added, changed and removed of each table that is another than before."""
    return {
        name: (counts.added, counts.changed, counts.removed)
        for name, counts in report.counts.items()
        if counts.written
    }


def read(database: Database, query: str) -> list[Any]:
    with psycopg.connect(database.owner) as owner:
        return owner.execute(query).fetchall()


def test_exported_demo_comes_in_as_it_was_and_a_second_time_changes_nothing(
    empty: Database, admin: psycopg.Connection, database: Database, demo_files: Path
) -> None:
    report = load(admin, demo_files, actor="the buyer")
    assert report.rejects == []
    assert report.notes == []
    assert changes(load(admin, demo_files)) == {}
    assert read(empty, _FIGURES) == read(database, _FIGURES)
    (first, _) = read(
        empty,
        "SELECT actor, new->'result'->'orders'->'added', new->'files'->0->>'sha256'"
        " FROM zava.change_log WHERE subject = 'import_runs' ORDER BY change_id",
    )
    assert first[:2] == ("the buyer", report.counts["orders"].added)
    assert len(first[2]) == 64
    (left,) = read(empty, "SELECT count(*) FROM zava_import.orders")
    assert left == (0,)


def test_corrections_keep_how_far_orders_are_loaded_until_an_order_is_moved(
    empty: Database, admin: psycopg.Connection, tmp_path: Path
) -> None:
    stated = "SELECT count(*) FROM zava.orders_loaded"
    write_shop(tmp_path)
    load(admin, tmp_path)
    with psycopg.connect(empty.admin) as loader:
        loader.execute("SET ROLE zava_loader")
        loader.execute(
            "INSERT INTO zava.orders_loaded SELECT store_id, '2026-05-02 07:00Z' FROM retail.stores"
        )
    write_shop(tmp_path, orders=[{"status": "refunded"}, {"order_key": "o2"}])
    with (tmp_path / "order_items.csv").open("a") as lines:
        lines.write("s1,o2,p1,1,3.50\n")
    assert changes(load(admin, tmp_path))["orders"] == (1, 1, 0)
    assert read(empty, stated) == [(1,)]
    write_shop(tmp_path, orders=[{"order_date": "2026-04-30T10:00:00Z"}])
    assert changes(load(admin, tmp_path))["orders"] == (0, 1, 0)
    assert read(empty, stated) == [(0,)]
    assert read(empty, "SELECT min(order_date) < '2026-05-01' FROM retail.orders") == [(True,)]


def test_late_corrections_make_what_they_would_have_made_at_once(
    cluster: Cluster,
    empty: Database,
    admin: psycopg.Connection,
    demo_files: Path,
    tmp_path: Path,
) -> None:
    draw = random.Random(5)  # noqa: S311  # repeatable, not secret
    tables: dict[str, list[dict[str, str]]] = {}
    for path in demo_files.glob("*.csv"):
        with path.open(newline="") as file:
            tables[path.stem] = list(csv.DictReader(file))
    by_order: dict[str, list[dict[str, str]]] = {}
    for line in tables["order_items"]:
        by_order.setdefault(line["order_key"], []).append(line)
    corrected = draw.sample(tables["orders"], 300)
    for order in corrected:
        lines = by_order[order["order_key"]]
        kind = draw.randrange(4)
        if kind == 0:
            order["status"] = "cancelled"
        elif kind == 1:
            order["customer_key"] = ""
        else:
            line = draw.choice(lines)
            line["quantity"] = str(draw.randint(1, 9))
            line["total_amount"] = line["discount_amount"] = ""
            if kind == 3 and len(lines) > 1:
                lines.pop(0)
        order["total_amount"] = ""
    whole, late = tmp_path / "whole", tmp_path / "late"
    for directory in (whole, late):
        directory.mkdir()
    every = [line for lines in by_order.values() for line in lines]
    for name, rows in tables.items():
        write_csv(whole / f"{name}.csv", every if name == "order_items" else rows)
    write_csv(late / "orders.csv", corrected)
    write_csv(late / "order_items.csv", [x for o in corrected for x in by_order[o["order_key"]]])

    load(admin, demo_files)
    report = load(admin, late)
    assert report.counts["orders"].added == 0
    assert report.counts["orders"].changed > 200
    assert report.counts["order_items"].removed > 20
    assert changes(load(admin, late)) == {}
    with cluster.database("at_once") as other:
        with psycopg.connect(other.admin, autocommit=True) as connection:
            load(connection, whole)
        assert read(empty, _FIGURES) == read(other, _FIGURES)


def test_each_mode_treats_known_orders_in_its_own_way(
    empty: Database, admin: psycopg.Connection, tmp_path: Path
) -> None:
    def days(*keys: str) -> list[dict[str, str]]:
        return [{"order_key": key, "order_date": f"2026-05-0{key[1:]}T10:00:00Z"} for key in keys]

    def lines(*keys: str, **cells: str) -> list[dict[str, str]]:
        return [{"order_key": key} | cells for key in keys]

    keys = ("o1", "o2", "o3", "o4")
    write_shop(tmp_path, orders=days(*keys), order_items=lines(*keys))
    load(admin, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    write_shop(other, orders=days("o1", "o3"), order_items=lines("o1", "o3", quantity="5"))
    assert changes(load(admin, other, "append")) == {}
    assert changes(load(admin, other, "upsert")) == {"order_items": (0, 2, 0), "orders": (0, 2, 0)}
    # Of the period from the first to the third day the file has no second order.
    assert changes(load(admin, other, "replace-period")) == {
        "orders": (0, 0, 1),
        "order_items": (0, 0, 1),
    }
    query = "SELECT source_key FROM zava_import.order_keys ORDER BY 1"
    assert read(empty, query) == [("o1",), ("o3",), ("o4",)]
    write_shop(other, orders=days("o1"), order_items=lines("o1", quantity="x"))
    with pytest.raises(ImportRefused, match="rejected and nothing was loaded"):
        load(admin, other, "replace-period")


def test_returns_weights_and_odd_prices_keep_the_source_s_net_sales(
    empty: Database, admin: psycopg.Connection, tmp_path: Path
) -> None:
    amounts = {
        "by weight": {"quantity": "0.333", "unit_price": "12.99"},
        "three for ten": {"quantity": "3", "unit_price": "", "total_amount": "10.00"},
        "discount": {"quantity": "2", "unit_price": "5", "discount_amount": "1.5"},
        "price of four decimals": {"quantity": "100", "unit_price": "0.1234"},
        "return": {
            "quantity": "-1",
            "unit_price": "8",
            "total_amount": "-6",
            "discount_amount": "",
        },
    }
    write_shop(
        tmp_path,
        orders=[{"order_key": key, "tax_amount": "0.80"} for key in amounts],
        order_items=[{"order_key": key} | cells for key, cells in amounts.items()],
    )
    report = load(admin, tmp_path)
    assert report.rejects == []
    found = read(
        empty,
        "SELECT k.source_key, o.total_amount, i.quantity, o.is_return, o.tax_amount"
        " FROM retail.orders AS o JOIN retail.order_items AS i USING (store_id, order_id)"
        " JOIN zava_import.order_keys AS k USING (store_id, order_id) ORDER BY 1",
    )
    tax = Decimal("0.80")
    assert found == [
        ("by weight", Decimal("4.33"), Decimal("0.333"), False, tax),
        ("discount", Decimal("8.50"), Decimal(2), False, tax),
        ("price of four decimals", Decimal("12.34"), Decimal(100), False, tax),
        ("return", Decimal("-6.00"), Decimal(-1), True, tax),
        ("three for ten", Decimal("10.00"), Decimal(3), False, tax),
    ]


def test_total_of_an_order_that_its_lines_do_not_make_is_reported(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_shop(tmp_path, orders=[{"total_amount": "7.70"}])
    report = load(admin, tmp_path, dry_run=True)
    (note,) = report.notes
    assert note.startswith(
        "1 orders have another total_amount than the sum of their lines, by 0.70"
    )


def test_json_lines_gzip_and_a_byte_order_mark_make_the_same(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_shop(tmp_path)
    load(admin, tmp_path)
    for path in list(tmp_path.iterdir()):
        text = path.read_text()
        if path.stem == "orders":
            (tmp_path / "orders.csv.gz").write_bytes(gzip.compress(text.encode()))
        elif path.stem == "order_items":
            rows = [json.dumps(row) for row in csv.DictReader(text.splitlines())]
            (tmp_path / "order_items.jsonl").write_text("\n".join(rows))
        else:
            encoding = "utf-16" if path.stem == "products" else "utf-8-sig"
            path.write_text(text.replace(",", ";"), encoding=encoding)
            continue
        path.unlink()
    report = load(admin, tmp_path)
    assert report.rejects == []
    assert sum(counts.staged for counts in report.counts.values()) == len(CELLS)
    assert changes(report) == {}


def test_rejects_are_written_beside_their_file_and_strict_loads_none(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_shop(tmp_path, customers=[{}, {"customer_key": "c2", "store_key": "s9"}])
    with pytest.raises(ImportRefused, match=r"customers\.csv: row 3, store_key: no store has"):
        load(admin, tmp_path, strict=True)
    report = load(admin, tmp_path)
    (path,) = write_rejects(report.rejects)
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert path.name == "customers.csv.rejects.csv"
    assert (row["row"], row["rule"], row["customer_key"]) == ("3", "no store has this key", "c2")
    # Whose name a link took is not written to, and the rejects are as secret as their file.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    path.unlink()
    path.symlink_to(elsewhere)
    (tmp_path / "customers.csv").chmod(0o640)
    assert write_rejects(report.rejects) == [path]
    assert (elsewhere.read_text(), path.is_symlink()) == ("kept", False)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    # A later run reads no file of rejects.
    assert load(admin, tmp_path).counts["customers"].staged == 2


def test_file_that_grows_while_it_is_read_is_refused(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_shop(tmp_path)

    def grow(what: str, _share: float) -> None:
        if what.startswith("orders"):
            with (tmp_path / "orders.csv").open("a") as file:
                file.write("s1,o2,2026-05-01T10:00:00Z\n")

    with pytest.raises(ImportRefused, match=r"orders\.csv: the file changed while it was read"):
        load(admin, tmp_path, progress=grow)
    assert load(admin, tmp_path).counts["stores"].added == 1


def test_second_importer_is_refused(
    empty: Database, admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_shop(tmp_path)
    with psycopg.connect(empty.admin, autocommit=True) as other:
        # An import takes this lock, and the test holds it first.
        other.execute("SELECT pg_advisory_lock(%s)", [importing._ADVISORY_LOCK])
        with pytest.raises(ImportRefused, match="another import is under way"):
            load(admin, tmp_path)


def test_second_source_of_the_same_stores_adds_to_them_and_sales_twice_are_reported(
    empty: Database, admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_shop(tmp_path)
    load(admin, tmp_path)
    documented = documented_layout()
    report = run_import(admin, tmp_path, Mapping("till", documented.loads))
    assert report.rejects == []
    assert report.notes == [
        (
            "1 customers have the e-mail address of another customer of their store; it is kept at"
            " the other one."
        ),
        (
            "1 orders of import are in the same stores and period. If they are the same sales,"
            " revenue counts them twice."
        ),
    ]
    assert read(empty, "SELECT count(*) FROM retail.stores") == [(1,)]
    assert read(empty, "SELECT count(*) FROM retail.products") == [(1,)]


def test_deleted_rows_take_their_keys_along_and_come_in_again(
    empty: Database, admin: psycopg.Connection, tmp_path: Path
) -> None:
    write_shop(tmp_path)
    first = changes(load(admin, tmp_path))
    with admin.transaction():
        admin.execute("SET LOCAL ROLE zava_loader")
        for table in reversed(CELLS):
            admin.execute(f"DELETE FROM retail.{table}")
    for table in ("order_keys", "customer_keys", "store_keys", "product_keys"):
        assert read(empty, f"SELECT count(*) FROM zava_import.{table}") == [(0,)]
    assert changes(load(admin, tmp_path)) == first


_STEPS = (
    *(
        "orders.csv into orders",
        "stores.csv into stores",
        "Checking stores",
        "Checking order_items",
    ),
    *("Resolving orders", "Resolving lines", "Writing orders"),
)


def test_importer_killed_at_any_step_leaves_all_or_nothing_and_the_next_run_ends_it(
    empty: Database, admin: psycopg.Connection, demo_files: Path
) -> None:
    count = "SELECT count(*) FROM retail.orders"
    with (demo_files / "orders.csv").open(newline="") as file:
        whole = len(list(csv.DictReader(file)))
    for step in _STEPS:
        child = importer(empty.admin, demo_files)
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == step:
                break
        kill(child, empty.admin)
        with psycopg.connect(empty.owner) as owner:
            assert one(owner, count) in {0, whole}, step
    report = load(admin, demo_files)
    assert report.was_resumed
    with psycopg.connect(empty.owner) as owner:
        assert one(owner, count) == whole
    assert changes(load(admin, demo_files)) == {}
