"""An import beside a bare COPY of the rows that it makes, into the same tables with their indexes.

Run it as `python -m bench.loading`. Each round imports into one copy of a database and copies into
another one, in turns. `--profile` also prints how long each statement of the import takes.
"""

import argparse
import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.report import spread
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.migrations import migrate
from zava.retail.importing.mapping import documented_layout
from zava.retail.importing.run import run_import

_STORES, _PRODUCTS, _CUSTOMERS_OF_A_STORE = 8, 424, 5_000
_FIRST = datetime(2023, 7, 1, tzinfo=UTC)
_DAYS = 1_095
_PIECE_BYTES = 1 << 20
_TABLES = ("orders", "order_items")
_SLOW_SECONDS = 0.2
_DISCOUNTED = 0.2  # of the lines
_AMOUNTS = ("unit_price", "discount_amount", "total_amount")


def main() -> None:
    """Measure the rounds and print the ratio, the rate and the importer's peak memory."""
    parser = argparse.ArgumentParser(prog="python -m bench.loading", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="repeats of both, in turns")
    parser.add_argument("--profile", action="store_true", help="print the time of each statement")
    parser.add_argument("--import-into", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.import_into:
        _import(*options.import_into, is_profiled=options.profile)
        return
    with _ground(options.orders) as (directory, server, lines):
        _rounds(directory, server, lines, options)


def _rounds(
    directory: Path, server: EmbeddedServer, lines: int, options: argparse.Namespace
) -> None:
    rows = options.orders + lines
    ratios, cpu_ratios = [], []
    for number in range(options.rounds):
        with _copy_of(server, f"imported_{number}") as name:
            command = [sys.executable, "-m", "bench.loading", "--import-into"]
            command += [server.superuser_url(name), str(directory / "sales")]
            command += ["--profile"] if options.profile else []
            ended = subprocess.run(command, check=True, capture_output=True, text=True)
            *profile, last = ended.stdout.splitlines()
            imported, import_cpu, peak = map(float, last.split())
            print("\n".join(profile), end="\n" if profile else "")
            if not number:
                _export(server.superuser_url(name), directory)
        with _copy_of(server, f"copied_{number}") as name:
            copied, copy_cpu = _copy(server.superuser_url(name), directory)
        ratios.append(copied / imported)
        cpu_ratios.append(copy_cpu / import_cpu)
        print(
            f"import {imported:.1f} s ({rows / imported:,.0f} rows a second, {peak:.0f} MB),"
            f" COPY {copied:.1f} s, ratio {copied / imported:.2f}; CPU {import_cpu:.1f} s,"
            f" {copy_cpu:.1f} s, ratio {copy_cpu / import_cpu:.2f}",
            flush=True,
        )
    print(
        f"{options.orders:,} orders, {lines:,} lines: {spread(ratios)} of bare COPY,"
        f" {spread(cpu_ratios)} by CPU time of client and server"
    )


@contextmanager
def _ground(orders: int) -> Iterator[tuple[Path, EmbeddedServer, int]]:
    """Lend a directory with the files of sales, and a server with all but the sales."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o711)  # PostgreSQL's own user enters it where root measures
        home = StateDirectory(directory / "home")
        server = EmbeddedServer(home)
        server.start()
        try:
            server.bootstrap()
            administrator = server.url("zava_admin", home.secret("zava_admin"), "zava")
            (directory / "shop").mkdir()
            (directory / "sales").mkdir()
            _write_shop(directory / "shop")
            lines = _write_sales(directory / "sales", orders)
            with psycopg.connect(administrator, autocommit=True) as admin:
                migrate(admin)
                run_import(admin, directory / "shop", documented_layout())
            yield directory, server, lines
        finally:
            server.stop()


@contextmanager
def _copy_of(server: EmbeddedServer, name: str) -> Iterator[str]:
    with psycopg.connect(server.superuser_url(), autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name} TEMPLATE zava".encode())
        owner.execute("CHECKPOINT")
        try:
            yield name
        finally:
            owner.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _write_shop(directory: Path) -> None:
    stores = [[f"S{number}", f"Store {number}"] for number in range(_STORES)]
    products = [
        [f"P{number:04}", f"Product {number}", f"{1 + number % 50}.10", f"{2 + number % 50}.99"]
        for number in range(_PRODUCTS)
    ]
    customers = [
        [f"S{store}", f"C{store}{number:06}", f"c{store}.{number}@example.com"]
        for store in range(_STORES)
        for number in range(_CUSTOMERS_OF_A_STORE)
    ]
    _write(directory / "stores.csv", ["store_key", "store_name"], stores)
    _write(
        directory / "products.csv",
        ["product_key", "product_name", "cost", "base_price"],
        products,
    )
    _write(directory / "customers.csv", ["store_key", "customer_key", "email"], customers)


def _write_sales(directory: Path, orders: int) -> int:
    """Write sales in the order of their time, as a till exports them; return how many lines."""
    draw = random.Random(24)  # noqa: S311  # repeatable, not secret
    step = timedelta(days=_DAYS) / orders
    lines = 0
    with (
        (directory / "orders.csv").open("w", encoding="utf-8", newline="") as of_orders,
        (directory / "order_items.csv").open("w", encoding="utf-8", newline="") as of_lines,
    ):
        order_rows, line_rows = csv.writer(of_orders), csv.writer(of_lines)
        order_rows.writerow(
            ["store_key", "order_key", "customer_key", "order_date", "status", "total_amount"]
        )
        line_rows.writerow(
            ["store_key", "order_key", "line_number", "product_key", "quantity", *_AMOUNTS]
        )
        for number in range(orders):
            store, key = f"S{draw.randrange(_STORES)}", f"R{number:09}"
            total = 0
            # 2.1 lines an order.
            for line in range(1, 2 + (number % 10 != 0) + (number % 5 == 1)):
                product, quantity = draw.randrange(_PRODUCTS), draw.randint(1, 4)
                cents = 299 + 100 * (product % 50)
                discount = cents * quantity // 10 if draw.random() < _DISCOUNTED else 0
                amount = cents * quantity - discount
                total += amount
                lines += 1
                line_rows.writerow(
                    [store, key, line, f"P{product:04}", quantity]
                    + [f"{figure / 100:.2f}" for figure in (cents, discount, amount)]
                )
            customer = f"C{store[1:]}{draw.randrange(_CUSTOMERS_OF_A_STORE):06}"
            moment = (_FIRST + step * number).isoformat(timespec="seconds")
            order_rows.writerow([store, key, customer, moment, "completed", f"{total / 100:.2f}"])
    return lines


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _export(conninfo: str, directory: Path) -> None:
    with psycopg.connect(conninfo) as owner, owner.cursor() as cursor:
        for table in _TABLES:
            with (
                (directory / table).open("wb") as file,
                cursor.copy(f"COPY retail.{table} TO STDOUT".encode()) as copy,
            ):
                for piece in copy:
                    file.write(piece)


def _copy(conninfo: str, directory: Path) -> tuple[float, float]:
    """Return the seconds of a bare COPY of both tables, as a superuser in one transaction.

    The second figure is the CPU time of this process and of the server's.
    """
    started, before = time.monotonic(), time.process_time()
    with psycopg.connect(conninfo) as owner, owner.cursor() as cursor:
        for table in _TABLES:
            with (
                (directory / table).open("rb") as file,
                cursor.copy(f"COPY retail.{table} FROM STDIN".encode()) as copy,
            ):
                while piece := file.read(_PIECE_BYTES):
                    copy.write(piece)
        owner.commit()
        cpu = time.process_time() - before + _cpu(owner)
    return time.monotonic() - started, cpu


def _cpu(connection: psycopg.Connection) -> float:
    """Return the CPU seconds of the server's process of a connection."""
    used = psutil.Process(connection.info.backend_pid).cpu_times()
    return used.user + used.system


class _Timed(psycopg.Connection):
    """A connection that prints the time and the CPU time of each of its slow statements."""

    def execute(self, query: Any, *args: Any, **options: Any) -> Any:
        started, cpu = time.monotonic(), _cpu(self)
        try:
            return super().execute(query, *args, **options)
        finally:
            if (seconds := time.monotonic() - started) > _SLOW_SECONDS:
                text = query if isinstance(query, str) else query.as_string(self)
                print(
                    f"  {seconds:6.1f} s {_cpu(self) - cpu:6.1f} s  {' '.join(text.split())[:110]}"
                )


def _import(conninfo: str, directory: str, *, is_profiled: bool) -> None:
    kind = _Timed if is_profiled else psycopg.Connection
    started, before = time.monotonic(), time.process_time()

    def progress(what: str, _share: float) -> None:
        if is_profiled:
            print(f"{time.monotonic() - started:8.1f} s  {what}")

    with kind.connect(conninfo, autocommit=True) as admin:
        report = run_import(admin, Path(directory), documented_layout(), progress=progress)
        cpu = time.process_time() - before + _cpu(admin)
    seconds = time.monotonic() - started
    if report.rejects or report.counts["orders"].added != report.counts["orders"].staged:
        raise SystemExit(f"rows were not loaded: {report.rejects[:1]}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(seconds, cpu, peak)


if __name__ == "__main__":
    main()
