"""A watched directory hands over each complete file once, also after an end in between."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.importing.files import CELLS, write_csv, write_shop
from tests.support.servers.database import Cluster, one
from zava.cli.own_data import import_commands
from zava.retail.importing.layout import BY_NAME, ImportRefused
from zava.retail.importing.mapping import Load, MappedColumn, Mapping, documented_layout
from zava.retail.importing.run import run_import
from zava.retail.importing.watching import WatchedDirectory

_ORDERS = "SELECT string_agg(source_key, ' ' ORDER BY source_key) FROM zava_import.order_keys"
_STATUS = "SELECT string_agg(DISTINCT status, ' ') FROM retail.orders"


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[psycopg.Connection]:
    with (
        cluster.database("watched") as empty,
        psycopg.connect(empty.admin, autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture
def admin(database: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The administrator of a database without a sale or a record of an import."""
    yield database
    with database.transaction():
        database.execute("SET LOCAL ROLE zava_loader")
        for table in reversed(CELLS):
            database.execute(f"DELETE FROM retail.{table}")
        database.execute("DELETE FROM zava.import_runs")


def seen(connection: psycopg.Connection, query: str) -> object:
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_loader")
        return one(connection, query)


def load_next(
    admin: psycopg.Connection, watched: WatchedDirectory, mapping: Mapping, waiting: list[Path]
) -> set[str]:
    files = watched.next_run(admin, waiting)
    if files:
        assert run_import(admin, files, mapping).rejects == []
        watched.settle(files)
    return {file.name for file in files}


def test_file_is_taken_when_it_no_longer_grows_and_once(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    layout = documented_layout()
    watched = WatchedDirectory(tmp_path, layout)
    assert watched.complete() == []
    write_shop(tmp_path)
    assert watched.complete() == []
    with (tmp_path / "order_items.csv").open("a") as lines:
        lines.write("s1,o1,p1,1,3.50\n")
    assert watched.complete() == []
    waiting = watched.complete()
    assert len(load_next(admin, watched, layout, waiting)) == len(CELLS)
    assert watched.complete() == []
    (tmp_path / "orders.csv").touch()
    assert watched.complete() == []
    # Another moment of change, and the same content.
    assert load_next(admin, watched, layout, watched.complete()) == set()
    restarted = WatchedDirectory(tmp_path, layout)
    restarted.complete()
    waiting = restarted.complete()
    assert len(waiting) == len(CELLS)
    assert load_next(admin, restarted, layout, waiting) == set()
    assert restarted.complete() == []


def test_link_out_of_the_directory_is_left_alone(tmp_path: Path) -> None:
    watch, other = tmp_path / "watch", tmp_path / "other"
    for directory in (watch, other):
        directory.mkdir()
        write_shop(directory)
    (watch / "customers.csv").unlink()
    (watch / "customers.csv").symlink_to(other / "customers.csv")
    (watch / "stores.csv").rename(watch / "of-today")
    (watch / "stores.csv").symlink_to("of-today")
    (tmp_path / "link").symlink_to(watch)
    for path in (watch, tmp_path / "link"):
        watched = WatchedDirectory(path, documented_layout())
        watched.complete()
        names = {file.name for file in watched.complete()}
        assert "customers.csv" not in names
        assert len(names) == len(CELLS) - 1


def test_file_that_the_database_rejects_does_not_end_the_watch(
    admin: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    layout = documented_layout()
    write_shop(tmp_path)
    watched = WatchedDirectory(tmp_path, layout)
    watched.complete()
    waiting = watched.complete()

    def load(error: Exception) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(import_commands, "run_import", fail)
        # One turn of the watch, without its loop.
        import_commands._load_waiting(admin, watched, waiting, layout, {})

    with pytest.raises(psycopg.OperationalError):
        load(psycopg.errors.AdminShutdown("the server stops"))
    assert watched.complete() == waiting
    load(psycopg.errors.NumericValueOutOfRange("value 4711 of ann@example.com"))
    assert watched.complete() == []
    shown = capsys.readouterr().out
    assert "the database rejected it (NumericValueOutOfRange)" in shown
    assert "4711" not in shown
    # Its permissions changed, but not its content.
    (tmp_path / "orders.csv").chmod(0o640)
    watched.complete()
    waiting = watched.complete()
    assert {file.name for file in waiting} == {"orders.csv"}
    load(PermissionError(13, "Permission denied", "orders.csv"))
    assert watched.complete() == []


def test_end_of_the_process_inside_an_import_neither_loses_nor_doubles_its_files(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    layout = documented_layout()
    write_shop(tmp_path)
    watched = WatchedDirectory(tmp_path, layout)
    watched.complete()

    def end(what: str, _share: float) -> None:
        if what == "Writing orders":
            raise KeyboardInterrupt

    files = watched.next_run(admin, watched.complete())
    with pytest.raises(KeyboardInterrupt):
        run_import(admin, files, layout, progress=end)
    assert seen(admin, _ORDERS) is None
    restarted = WatchedDirectory(tmp_path, layout)
    restarted.complete()
    waiting = restarted.complete()
    assert len(load_next(admin, restarted, layout, waiting)) == len(CELLS)
    assert load_next(admin, restarted, layout, waiting) == set()
    assert seen(admin, _ORDERS) == "o1"


def test_new_orders_come_with_the_lines_that_are_as_they_were(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    layout = documented_layout()
    write_shop(tmp_path)
    watched = WatchedDirectory(tmp_path, layout)
    watched.complete()
    load_next(admin, watched, layout, watched.complete())
    write_shop(tmp_path, orders=[{"status": "refunded"}])
    watched.complete()
    waiting = watched.complete()
    assert load_next(admin, watched, layout, waiting) == {"orders.csv", "order_items.csv"}
    assert seen(admin, _STATUS) == "refunded"
    assert load_next(admin, watched, layout, waiting) == set()


def test_of_several_files_of_a_table_the_oldest_goes_first(
    admin: psycopg.Connection, tmp_path: Path
) -> None:
    columns = {
        field.name: MappedColumn(sources=(field.name,)) for field in BY_NAME["orders"].fields[:5]
    }
    sales = {
        "orders": {name: columns[name] for name in ("store_key", "order_key", "order_date")}
        | {"status": columns["status"]},
        "order_items": {
            "store_key": columns["store_key"],
            "order_key": columns["order_key"],
            "product_key": MappedColumn(value="p1"),
            "quantity": MappedColumn(value="1"),
            "unit_price": MappedColumn(sources=("unit_price",)),
        },
    }
    given = tuple(load for load in documented_layout().loads if load.layout.name not in sales)
    days = tuple(Load(BY_NAME[name], ("day*.csv",), cells) for name, cells in sales.items())
    mapping = Mapping("till", given + days)
    write_shop(tmp_path)
    for table in sales:
        (tmp_path / f"{table}.csv").unlink()
    for name, age, status in (("day10.csv", 1, "refunded"), ("day9.csv", 2, "completed")):
        order = CELLS["orders"] | {"status": status, "unit_price": "2"}
        write_csv(tmp_path / name, [order])
        os.utime(tmp_path / name, (1_800_000_000 - age, 1_800_000_000 - age))
    watched = WatchedDirectory(tmp_path, mapping)
    watched.complete()
    waiting = watched.complete()
    first = load_next(admin, watched, mapping, waiting)
    assert "day9.csv" in first
    assert "day10.csv" not in first
    assert seen(admin, _STATUS) == "completed"
    assert load_next(admin, watched, mapping, waiting) == {"day10.csv"}
    assert seen(admin, _STATUS) == "refunded"
    assert load_next(admin, watched, mapping, waiting) == set()


def test_file_alone_is_no_directory_to_watch(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").touch()
    with pytest.raises(ImportRefused, match=r"--watch: .*orders\.csv is no directory"):
        WatchedDirectory(tmp_path / "orders.csv", documented_layout())
