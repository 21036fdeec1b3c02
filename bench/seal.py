"""What the seal costs, in PostgreSQL's own CPU time.

Each statement runs sealed (as the Seattle manager, through guard and executor) and bare (as the
superuser, whom no policy touches, with the store written into the statement), in turns on two
backends of one server. Both answers must be equal. CPU is read from the backends' own accounts,
so that other processes of the machine count as little as possible.
"""

import statistics
from dataclasses import dataclass
from typing import Any

import psutil
from psycopg import AsyncConnection

from bench.report import Goal, Part, table
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.syntax.output_width import output_columns
from zava.data.syntax.parser import parse
from zava.infrastructure.postgres.pool import DatabasePool
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers
from zava.retail.demo.stores import store_id

ROUNDS = 5
FIXED_MS = 0.15


@dataclass(frozen=True)
class Work:
    """A statement, how often a round repeats it, and the goal of its ratio (None: no goal)."""

    name: str
    sql: str
    repeats: int
    goal: float | None


# {where} is the store's predicate when there is no policy to add it.
WORKS = (
    Work("one row, one table", "SELECT store_name FROM retail.stores {where}", 2000, None),
    Work(
        "aggregate over one store's lines",
        "SELECT count(*), sum(total_amount) FROM retail.order_items {where}",
        30,
        1.10,
    ),
    Work(
        "revenue by month, two tables",
        "SELECT date_trunc('month', o.order_date) AS month, sum(i.total_amount) AS revenue"
        " FROM retail.order_items AS i JOIN retail.orders AS o USING (store_id, order_id)"
        " {where} GROUP BY 1 ORDER BY 1",
        10,
        1.10,
    ),
    Work(
        "1,000 rows of 6 columns",
        "SELECT order_id, line_number, quantity, unit_price, discount_amount, total_amount"
        " FROM retail.order_items {where} ORDER BY order_id, line_number LIMIT 1000",
        200,
        2.0,
    ),
)


class Bare:
    """The same statement without a seal: one round trip, read-only, prepared begin and end."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection

    async def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the statement's rows."""
        async with self.connection.pipeline():
            await self.connection.execute("BEGIN READ ONLY", prepare=True)
            rows = await self.connection.execute(sql.encode(), prepare=False)
            await self.connection.execute("ROLLBACK", prepare=True)
            return await rows.fetchall()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a backend has used so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def measure(
    tenancy: TenantDatabase, sealed_pid: int, bare: Bare, work: Work
) -> tuple[float, float, int]:
    """Return the median CPU milliseconds a call takes, sealed and bare, and the rows it brings."""
    caller = demo_callers()["seattle"]
    sealed_sql = work.sql.format(where="")
    bare_sql = work.sql.format(where=f"WHERE store_id = '{store_id('Seattle')}'")
    columns = output_columns(parse(sealed_sql)[0]["stmt"])  # as the guard reads it
    answer = await tenancy.run(caller, sealed_sql, max_rows=1000, columns=columns)
    expected = await bare.run(bare_sql)
    if len(answer.rows) != len(expected) or str(answer.rows[0][-1]) != _plain(expected[0][-1]):
        raise SystemExit(f"{work.name}: the two answers differ")
    sealed, plain = [], []
    for _ in range(ROUNDS):
        before = cpu_seconds(sealed_pid)
        for _ in range(work.repeats):
            await tenancy.run(caller, sealed_sql, max_rows=1000, columns=columns)
        sealed.append((cpu_seconds(sealed_pid) - before) / work.repeats)
        before = cpu_seconds(bare.connection.info.backend_pid)
        for _ in range(work.repeats):
            await bare.run(bare_sql)
        plain.append((cpu_seconds(bare.connection.info.backend_pid) - before) / work.repeats)
    return statistics.median(sealed) * 1000, statistics.median(plain) * 1000, len(expected)


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, str) else str(float(value))


async def compare(server: str, superuser: str, signer: ContextSigner) -> Part:
    """Compare each statement on two backends; the first one's difference is the seal's own."""
    pool = DatabasePool(server, max_size=1)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    await tenancy.run(demo_callers()["seattle"], "SELECT 1", max_rows=1)
    async with pool.connection() as connection:
        pid = connection.info.backend_pid
    rows, goals = [], []
    async with await AsyncConnection.connect(superuser, autocommit=True) as plain:
        for setting in ("jit = off", "work_mem = '4MB'", "timezone = 'America/Los_Angeles'"):
            await plain.execute(f"SET {setting}".encode())
        for work in WORKS:
            sealed, bare, count = await measure(tenancy, pid, Bare(plain), work)
            rows.append(
                f"| {work.name} | {count} | {sealed:.3f} | {bare:.3f} | {sealed / bare:.2f} |"
            )
            if work.goal:
                name = f"sealed: {work.name}, × without RLS"
                goals.append(Goal(name, sealed / bare, work.goal, is_minimum=False))
            if work is WORKS[0]:
                name = "fixed cost of the seal, ms of PostgreSQL CPU"
                goals.append(Goal(name, sealed - bare, FIXED_MS, is_minimum=False))
    await pool.close()
    head = "statement | rows | sealed, CPU ms | without RLS, CPU ms | ratio"
    return Part("The seal", table(head, rows), tuple(goals))
