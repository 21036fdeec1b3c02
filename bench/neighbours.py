"""What one caller's hungry statement does to another caller's latency.

Quiet and loaded spells alternate, so that whatever else the machine does falls on both.
"""

import asyncio
import time
from statistics import median, quantiles

from bench.report import Goal, Part, table
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers

CALLS = 300
ROUNDS = 3
DEADLINE_SECONDS = 5
GOAL = 2.0
_CHEAP = "SELECT count(*), sum(total_amount) FROM retail.orders WHERE status = 'pending'"
_HOGS = {
    "time: a join without a condition": "SELECT count(*) FROM retail.order_items AS a,"
    " retail.order_items AS b WHERE a.quantity * b.quantity < 0",
    "memory: one value of 1 GB": "SELECT length(string_agg(repeat('x', 10000), ''))"
    " FROM generate_series(1, 100000)",
    "disk: a sort that spills": "SELECT a.order_id FROM retail.order_items AS a,"
    " generate_series(1, 200) AS n ORDER BY md5(a.order_id::text), n",
    "WAL: a flood of messages": "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000))"
    " FROM generate_series(1, 1000000)",
    "memory: a text that doubles": "WITH RECURSIVE r AS (SELECT 'xxxxxxxx' AS x UNION ALL"
    " SELECT x || x FROM r WHERE length(x) < 1000000000) SELECT max(length(x)) FROM r",
    "time: a search that no deadline ends": "SELECT strpos(string_agg('a', ''),"
    " 'b' || repeat('a', 9999)) FROM generate_series(1, 1000000)",
    "locks: more than there are": "SELECT count(pg_advisory_lock(n))"
    " FROM generate_series(1, 99999) AS n",
}


async def compare(server: str, signer: ContextSigner) -> Part:
    """Compare a caller's latency beside each hungry statement with a quiet moment before it."""
    pool = DatabasePool(server, max_size=3)
    tenancy = TenantDatabase(
        pool,
        signer,
        IsolationCheck(pool, signer, RETAIL),
        statement_timeout_seconds=DEADLINE_SECONDS,
    )
    data = FreeQuery(tenancy, RETAIL)
    await _p95(data)
    rows, worst = [], 0.0
    for name, sql in _HOGS.items():
        spells = []
        for _ in range(ROUNDS):
            quiet = await _p95(data)
            hog = asyncio.create_task(_run(data, sql))
            spells.append((quiet, await _p95(data, beside=hog), await hog))
        ratios = [loaded / quiet for quiet, loaded, _ in spells]
        quiet = median(before for before, _, _ in spells)
        loaded = median(beside for _, beside, _ in spells)
        figures = f"{quiet:.2f} | {loaded:.2f} | {median(ratios):.2f}"
        extremes = f"{min(ratios):.2f} to {max(ratios):.2f}"
        rows.append(f"| {name} | {spells[-1][2]} | {figures} | {extremes} |")
        worst = max(worst, median(ratios))
    await pool.close()
    head = (
        "a caller's hungry statement | it ended | neighbour's p95, quiet ms | beside it "
        f"| median ratio of {ROUNDS} | least and most"
    )
    goal = Goal("neighbour's p95 beside a hungry caller, ×", worst, GOAL, is_minimum=False)
    return Part("Neighbours", table(head, rows), (goal,))


async def _run(data: FreeQuery, sql: str) -> str:
    started = time.monotonic()
    try:
        await data.run(demo_callers()["seattle"], sql, max_rows=10)
        said = "answered"
    except ZavaError as error:
        said = error.code
    return f"{said} after {time.monotonic() - started:.1f} s"


async def _p95(data: FreeQuery, beside: "asyncio.Task[str] | None" = None) -> float:
    """Return the 95th percentile of a cheap call, in ms, for as long as the other one runs."""
    took: list[float] = []
    while len(took) < CALLS or (beside is not None and not beside.done()):
        started = time.perf_counter()
        await data.run(demo_callers()["redmond"], _CHEAP, max_rows=1)
        took.append((time.perf_counter() - started) * 1000)
    return quantiles(took, n=20)[-1]
