"""The demo chain: catalogue, stores, people, stock and orders, all from one seed.

The same seed, scale and day make the same rows on every server version. Everything is written by
the loader role in one transaction, so an interrupted load leaves nothing.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache

import psycopg

from zava.retail.demo.generated_rows import steps_of
from zava.retail.demo.stores import SEED, STORES
from zava.retail.importing.sums import refresh_sums
from zava.sql_files import SQL

DIRECTORY = SQL / "seed"


TENANT_TABLES = ("stores", "customers", "inventory", "orders", "order_items")
SHARED_TABLES = ("categories", "product_types", "products")


class SeedRefused(Exception):
    """The database holds data that the demo would mix with."""


@dataclass(frozen=True, slots=True)
class SeedReport:
    """The data in the database; `is_new` is true if this call loaded them.

    `renewed_days` are the days whose orders this call added, up to `today`.
    """

    is_new: bool
    scale: float
    today: date
    orders: int
    age_days: int = 0
    renewed_days: int = 0

    def __str__(self) -> str:
        """Return one line, with the age of data that were found and how to renew them."""
        verb = "Loaded" if self.is_new else "Found"
        line = f"{verb} demo data: {self.orders:,} orders up to {self.today.isoformat()}"
        if self.renewed_days:
            return f"{line}, {_in_days(self.renewed_days)} of them new"
        if self.age_days <= 0:
            return line
        days = _in_days(self.age_days)
        return f"{line}, {days} old; to renew them: {_renewal()}"


def _in_days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


Progress = Callable[[str, float], None]


def seed(
    connection: psycopg.Connection,
    *,
    scale: float,
    today: date,
    progress: Progress,
    replace: bool = False,
) -> SeedReport:
    """Load the demo data as the loader role; leave alone what an earlier call loaded.

    `connection` is an administrator's, in autocommit. `progress` is called with the current step
    and the share done, 0 to 1.

    Raises:
        SeedRefused: the database holds other data and `replace` is false.
    """
    with connection.transaction():
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL jit = off")  # the generated rows are wildly overestimated
        connection.execute("SET LOCAL ROLE zava_loader")
        loaded = connection.execute("SELECT seed, scale, today FROM zava.demo_data").fetchone()
        if not replace and loaded is not None:
            if (loaded[0], float(loaded[1])) != (SEED, scale):
                raise SeedRefused(
                    f"the database holds demo data of seed {loaded[0]} at scale {loaded[1]:g}; "
                    f"run `{_renewal()}` to put others in their place, or set SCALE"
                )
            age = (today - loaded[2]).days
            return SeedReport(False, scale, loaded[2], _count(connection, "orders"), age)
        _clear(connection, replace=replace)
        steps = list(steps_of(scale, today))
        for position, (what, statement, values) in enumerate(steps):
            progress(what, position / len(steps))
            connection.execute(statement_of(statement), values)
        _check_totals(connection)
        connection.execute(
            "INSERT INTO zava.demo_data (seed, scale, today) VALUES (%s, %s, %s)",
            [SEED, scale, today],
        )
        note_loaded(connection, today)
        orders = _count(connection, "orders")
    progress("Counting for the planner", 1.0)
    vacuum(connection, *TENANT_TABLES, *SHARED_TABLES)
    progress("Refreshing sums", 1.0)
    refresh_sums(connection)
    return SeedReport(True, scale, today, orders)


def note_loaded(connection: psycopg.Connection, today: date) -> None:
    """Note that all stores' orders are loaded to the end of today.

    They are those of the whole day, though they come in its first hour.
    """
    connection.execute(
        "INSERT INTO zava.orders_loaded (of_store, through)"
        " SELECT store_id, (%s::date + 1)::timestamp AT TIME ZONE 'America/Los_Angeles'"
        " FROM retail.stores"
        " ON CONFLICT (of_store) DO UPDATE SET through = excluded.through",
        [today],
    )


def vacuum(connection: psycopg.Connection, *tables: str) -> None:
    """Vacuum tables, outside of a transaction: else index-only scans look into the heap."""
    connection.execute("SET ROLE zava_owner")
    for table in tables:
        connection.execute(f"VACUUM (ANALYZE) retail.{table}")
    connection.execute("RESET ROLE")


def _renewal() -> str:
    from zava.infrastructure.command_line import command  # no call of a tool loads it

    return command("seed --replace")


def checksum(connection: psycopg.Connection) -> str:
    """Return a fingerprint of all demo rows that does not depend on their order.

    Run as a role that sees every row.
    """
    sums = []
    with connection.transaction():
        connection.execute("SET LOCAL timezone = 'UTC'")
        for table in (*TENANT_TABLES, *SHARED_TABLES):
            row = connection.execute(
                "SELECT count(*), sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint)"  # noqa: S608  # our own table names
                f" FROM retail.{table} AS t"
            ).fetchone()
            sums.append(f"{table}{row}")
    return hashlib.sha256("".join(sums).encode()).hexdigest()


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM retail.{table}").fetchone()  # noqa: S608  # our own table names
    return int(row[0]) if row else 0


def _clear(connection: psycopg.Connection, *, replace: bool) -> None:
    """Make room for the demo data; refuse to mix them with others."""
    children_first = ["order_items", "orders", "inventory", "customers", "stores"]
    tables = [*children_first, "product_embeddings", "products", "product_types", "categories"]
    held = [table for table in tables if _count(connection, table)]
    if held and not replace:
        raise SeedRefused(
            f"the database holds data in retail.{held[0]} that are not the demo's; "
            f"run `{_renewal()}` to delete them first"
        )
    for table in held:
        connection.execute(f"DELETE FROM retail.{table}")  # noqa: S608  # our own table names
    connection.execute("DELETE FROM zava.demo_data")


def _check_totals(connection: psycopg.Connection) -> None:
    # Store by store: all at once would sort more on disk than the server lets a login write there.
    for store in STORES:
        row = connection.execute(
            """
            SELECT count(*) FROM (SELECT * FROM retail.orders WHERE store_id = %(store)s) AS o
            FULL JOIN (SELECT order_id, sum(total_amount) AS lines
                       FROM retail.order_items WHERE store_id = %(store)s GROUP BY order_id) AS i
              USING (order_id)
            WHERE o.total_amount IS DISTINCT FROM i.lines
            """,
            {"store": store.store_id},
        ).fetchone()
        if row is None or row[0]:
            raise SeedRefused(
                f"{row} orders do not equal the sum of their lines; nothing was loaded"
            )


@cache
def statement_of(name: str) -> str:
    """Return the text of one of the seed's statements."""
    return (DIRECTORY / f"{name}.sql").read_text(encoding="utf-8")
