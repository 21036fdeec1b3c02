"""What keeping answers saves, and what the questions of one statement save by sharing reads."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date
from statistics import median, quantiles

from bench.report import Part, table
from zava.data.metrics.result_cache import ResultCache
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.metrics import Measured, MetricQuery
from zava.retail.data.metric_catalogue import catalogue
from zava.retail.data.sales_reader import SalesReader
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers
from zava.retail.service.sales_analytics import SalesAnalytics

_ROUNDS = 40
_SHARED_ROUNDS = 5


class _OneByOne(SalesReader):
    """Asks each question by a statement of its own."""

    async def measure(
        self,
        caller: Caller,
        queries: Mapping[str, MetricQuery],
        again: Callable[[date], Mapping[str, MetricQuery]] | None = None,
    ) -> Measured:
        del again  # the stores of the demo share the day of the questions
        measured = [
            await super(_OneByOne, self).measure(caller, {name: query})
            for name, query in queries.items()
        ]
        answers = {name: rows for each in measured for name, rows in each.answers.items()}
        return replace(measured[0], answers=answers, queries=queries)


async def compare(login: str, signer: ContextSigner, today: date) -> list[Part]:
    """Compare the time of questions anew and kept, together and one by one, interleaved."""
    pool = DatabasePool(login, max_size=1)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))

    def sales(reader: type[SalesReader] = SalesReader, ttl_seconds: int = 0) -> SalesAnalytics:
        cache = ResultCache(
            tenancy,
            MemoryStore(300),
            ttl_seconds=ttl_seconds,
            secret=signer.derived_key("result cache"),
            code_version="bench",
        )
        return SalesAnalytics(reader(tenancy, cache, catalogue()), lambda: today)

    kept = await _kept_answers(sales(), sales(ttl_seconds=300))
    shared = await _shared_reads(sales(_OneByOne), sales())
    await pool.close()
    return [kept, shared]


async def _kept_answers(anew: SalesAnalytics, kept: SalesAnalytics) -> Part:
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
    head = "a question to the metrics | anew p50 / p95 ms | kept p50 / p95 ms | kept/anew p50"
    return Part("Kept answers", table(head, rows))


async def _shared_reads(one_by_one: SalesAnalytics, together: SalesAnalytics) -> Part:
    rows = []
    for person in ("head-office", "seattle"):
        for time_period in ("last month", "last 12 months"):
            times: dict[bool, list[float]] = {False: [], True: []}
            for _ in range(_SHARED_ROUNDS):
                for is_together, sales in ((False, one_by_one), (True, together)):
                    began = time.perf_counter()
                    await sales.stores.performance(demo_callers()[person], None, time_period)
                    times[is_together].append(1000 * (time.perf_counter() - began))
            apart, at_once = median(times[False]), median(times[True])
            rows.append(
                f"| {person}, {time_period} | {apart:.0f} | {at_once:.0f} | {at_once / apart:.2f} |"
            )
    head = "store performance | a statement each, ms | one statement, ms | one/each"
    return Part("Shared reads", table(head, rows))
