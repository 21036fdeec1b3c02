"""What keeping answers saves: a metric asked anew, and the same kept behind the entry."""

import time
from collections.abc import Awaitable, Callable
from datetime import date
from statistics import median, quantiles

from bench.report import Part, table
from zava.data.context import ContextSigner
from zava.data.metric_catalogue import catalogue
from zava.data.metric_reader import MetricReader
from zava.data.result_cache import ResultCache
from zava.data.tenancy import Tenancy
from zava.data.verification import Verification
from zava.infrastructure.byte_store import MemoryStore
from zava.infrastructure.demo_principals import demo_callers
from zava.infrastructure.pool import DatabasePool
from zava.service.sales_analytics import SalesAnalytics

_ROUNDS = 40


async def compare(login: str, signer: ContextSigner, today: date) -> Part:
    """Compare the time of each question anew with the same kept, interleaved."""
    pool = DatabasePool(login, max_size=1)
    tenancy = Tenancy(pool, signer, Verification(pool, signer))
    anew, kept = (
        SalesAnalytics(
            MetricReader(
                tenancy,
                ResultCache(
                    tenancy,
                    MemoryStore(300),
                    ttl_seconds=seconds,
                    secret=signer.derived_key("result cache"),
                    code_version="bench",
                ),
                catalogue(),
            ),
            lambda: today,
        )
        for seconds in (0, 300)
    )
    caller = demo_callers()["seattle"]
    questions: dict[str, Callable[[SalesAnalytics], Awaitable[object]]] = {
        "revenue and orders by month": lambda sales: sales.metrics.query(
            caller, metrics=["revenue", "orders"], dimensions=["month"]
        ),
        "store performance, last month": lambda sales: sales.stores.performance(
            caller, None, "last month"
        ),
    }
    rows = []
    for name, ask in questions.items():
        await ask(kept)
        times: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(_ROUNDS):
            for is_kept, sales in ((False, anew), (True, kept)):
                began = time.perf_counter()
                await ask(sales)
                times[is_kept].append(1000 * (time.perf_counter() - began))
        told = {key: (median(all_), quantiles(all_, n=20)[-1]) for key, all_ in times.items()}
        rows.append(
            f"| {name} | {told[False][0]:.1f} / {told[False][1]:.1f}"
            f" | {told[True][0]:.1f} / {told[True][1]:.1f} | {told[True][0] / told[False][0]:.3f} |"
        )
    await pool.close()
    head = "a question to the metrics | anew p50 / p95 ms | kept p50 / p95 ms | kept/anew p50"
    return Part("Kept answers", table(head, rows))
