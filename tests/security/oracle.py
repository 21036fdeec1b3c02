"""Tries to learn other stores' order counts and ids from verdicts and from time.

Run as `python -m tests.security.oracle --seconds 600`. The caller is Seattle's manager. Two things
are asked about every other store: the largest statement that is not refused, and how long a
statement that names the store takes. What is learnt is compared with the truth.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

import psycopg

from tests.support.servers.database import CONTEXT_KEY, Cluster, Database, postgresql
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import Busy, QueryRefused
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.audiences import CUSTOMERS_READ
from zava.model.core import Caller
from zava.retail.declaration import RETAIL
from zava.retail.demo.dataset import seed
from zava.retail.demo.principals import demo_callers, grant_demo_principals
from zava.retail.demo.stores import STORES
from zava.settings import Settings

LIMIT = Settings.model_fields["statement_cost_limit"].default
NO_STORE = "ffffffff-ffff-4fff-bfff-ffffffffffff"
LARGEST = 1 << 30
VERDICTS = (
    "o.store_id = '{s}'",
    "o.store_id <= '{s}'",
    "o.store_id IN ('{s}', '{s}')",
    "o.store_id BETWEEN '{s}' AND '{s}'",
)
# Joins whose method the planner chooses by the number of rows that it expects of the store.
TIMED = (
    "SELECT count(*) FROM retail.orders AS o WHERE o.store_id = '{s}'",
    (
        "SELECT count(*) FROM retail.orders AS o JOIN generate_series(1, 20000) AS g"
        " ON o.order_id::text = g::text WHERE o.store_id = '{s}'"
    ),
    (
        "SELECT count(*) FROM generate_series(1, 20000) AS g LEFT JOIN retail.orders AS o"
        " ON o.order_id::text = g::text AND o.store_id = '{s}'"
    ),
    (
        "SELECT count(*) FROM retail.customers AS c JOIN retail.orders AS o"
        " USING (store_id, customer_id) JOIN retail.order_items USING (store_id, order_id)"
        " WHERE c.store_id <= '{s}' AND c.store_id > '{s}'"
    ),
)


def asked(table: str, comparison: str, store: str, rows: int) -> str:
    """Return a statement whose size the caller chooses, and which runs for free."""
    return (
        f"SELECT count(*) FROM retail.{table} AS o, generate_series(1, {rows}) AS g,"
        f" generate_series(1, 100) AS h WHERE {comparison.format(s=store)} AND (SELECT false)"
    )


async def largest_allowed(
    data: FreeQuery, caller: Caller, table: str, comparison: str, store: str
) -> int:
    """Return the largest number of rows that is not refused, by bisection."""
    allowed, refused = 0, LARGEST
    while refused - allowed > 1:
        rows = (allowed + refused) // 2
        try:
            await data.run(caller, asked(table, comparison, store, rows), max_rows=1)
            allowed = rows
        except (QueryRefused, Busy):
            # Both are what a statement beyond the limit gets: which of them depends on the hour.
            refused = rows
    return allowed


def correlation(times: Mapping[str, float], truth: Mapping[str, int]) -> float:
    """Return Spearman's rank correlation of times and true counts."""
    by_time = sorted(times, key=lambda name: times[name])
    by_count = sorted(times, key=lambda name: truth[name])
    apart = sum((by_time.index(name) - by_count.index(name)) ** 2 for name in times)
    count = len(times)
    return 1 - 6 * apart / (count * (count**2 - 1))


async def attack(database: Database, seconds: float) -> None:
    pool = DatabasePool(database.server, max_size=1)
    signer = ContextSigner([ContextKey(*CONTEXT_KEY)])
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    allowed = frozenset({CUSTOMERS_READ})
    caller = replace(demo_callers()["seattle"], permissions=allowed)
    data = FreeQuery(tenancy, RETAIL, most_rows=LIMIT)
    with psycopg.connect(database.owner) as owner:
        rows = owner.execute("SELECT store_id::text, count(*) FROM retail.orders GROUP BY 1")
        counts: dict[str, int] = dict(rows.fetchall())
    others = {
        store.short_name: str(store.store_id) for store in STORES if store.short_name != "Seattle"
    }
    truth = {name: counts[store] for name, store in others.items()}
    for table, comparison in itertools.product(("orders", "order_items"), VERDICTS):
        found = {
            await largest_allowed(data, caller, table, comparison, store)
            for store in (*others.values(), NO_STORE)
        }
        print(f"verdicts, {table}, {comparison}: {len(found)} different answer(s), {sorted(found)}")
    times: dict[int, dict[str, list[float]]] = {
        number: {name: [] for name in others} for number in range(len(TIMED))
    }
    until, rounds = time.monotonic() + seconds, 0
    names = list(others)
    while time.monotonic() < until:
        names = names[1:] + names[:1]  # no store is always the first
        rounds += 1
        for number, name in itertools.product(times, names):
            sql = TIMED[number].format(s=others[name])
            started = time.perf_counter()
            await data.run(caller, sql, max_rows=1)
            times[number][name].append(time.perf_counter() - started)
    for number, by_store in times.items():
        middle = {name: median(values) for name, values in by_store.items()}
        spread = max(middle.values()) / min(middle.values())
        print(
            f"time, shape {number}: {rounds} rounds, medians {min(middle.values()) * 1000:.2f} to"
            f" {max(middle.values()) * 1000:.2f} ms (x{spread:.3f}), rank correlation with the"
            f" true counts {correlation(middle, truth):+.2f}"
        )
    await pool.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--scale", type=float, default=0.2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, postgresql(Path(home)) as superuser:
        cluster = Cluster(superuser)
        with cluster.database("oracle") as database:
            with psycopg.connect(database.admin, autocommit=True) as admin:
                from tests.support.servers.seeded import TODAY

                seed(admin, scale=options.scale, today=TODAY, progress=lambda *_: None)
                grant_demo_principals(admin)
            asyncio.run(attack(database, options.seconds))


if __name__ == "__main__":
    main()
