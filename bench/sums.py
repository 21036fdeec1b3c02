"""What sums of the sales save and cost, at a hundred thousand to ten million order lines.

The same questions are answered from the sums and from the facts, in turns, in one process. Only
PostgreSQL's processor time is counted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg

from bench.cluster import TODAY, Ground
from bench.load import PostgreSQL
from bench.report import Goal, Part, table
from zava.data.metrics.result_cache import ResultCache
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.data.metric_catalogue import catalogue
from zava.retail.data.sales_reader import SalesReader
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers
from zava.retail.importing.sums import refresh_sums
from zava.retail.service.sales_analytics import SalesAnalytics

PEOPLE = ("head-office", "seattle")
_HEADLINES = ("revenue by month", "store performance, 2025")
# Ten million lines take a question minutes, and more temporary files than a login may write.
_MOST_LINES_OF_FACTS = 2_000_000
_SAMPLE_SECONDS, _MOST_CALLS = 0.6, 200
_ORDERS_WRITTEN, _WRITING_ROUNDS = 1000, 5
_BUSY_ORDERS = 2000
_SUMS = (
    *("store_days", "product_months", "customer_totals", "month_customers"),
    *("new_customer_days", "day_marks", "customer_marks"),
)
_MARKERS = ("mark_insert", "mark_update", "mark_delete")
_WRITE = """
WITH o AS (
  INSERT INTO retail.orders (store_id, customer_id, order_date, status, total_amount)
  SELECT c.store_id, c.customer_id, %(day)s::timestamptz - %(back)s * interval '1 day',
         'completed', 20
  FROM retail.customers AS c WHERE c.store_id = %(store)s AND c.customer_id >= %(after)s
  ORDER BY c.customer_id LIMIT 1
  RETURNING store_id, order_id
)
INSERT INTO retail.order_items (store_id, order_id, line_number, product_id, quantity, unit_price,
                                total_amount)
SELECT o.store_id, o.order_id, n, %(product)s, 1, 10, 10 FROM o, generate_series(1, 2) AS n
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """Milliseconds of PostgreSQL for one question of one person at one size.

    `facts_ms` is None where the facts are too many for it.
    """

    lines: int
    person: str
    question: str
    sums_ms: float
    facts_ms: float | None


@dataclass(frozen=True, slots=True)
class Size:
    """What was measured at one size of the facts: figures, and the rows and goals of the costs."""

    figures: list[Figure]
    costs: list[str]
    goals: list[Goal]


def measure(ground: Ground, rounds: int) -> Size:
    """Measure the figures and what their sums cost on one cluster."""
    lines = ground.lines
    with psycopg.connect(ground.superuser, autocommit=True) as owner:
        sizes = _sizes(owner, lines)
    figures = asyncio.run(_figures(ground, lines, rounds))
    writing, written = _writing(ground)
    refreshing, seconds = _refreshing(ground)
    goals = [
        Goal(f"Writers at {lines:,} lines, CPU × without marks", written, 1.2, False),
        Goal(f"A busy day at {lines:,} lines, CPU seconds", seconds, 5, False),
    ]
    return Size(figures, [sizes, writing, refreshing], goals)


def parts(sizes: list[Size]) -> list[Part]:
    """Return the figures and costs of all sizes, the fewest lines first; there may be none."""
    if not sizes:
        return []
    figures = [figure for size in sizes for figure in size.figures]
    goals = [goal for size in sizes for goal in size.goals] + _growth(figures)
    rows = [
        f"| {each.question} | {each.person} | {each.lines:,} | {each.sums_ms:.1f}"
        + (" | - | - |" if each.facts_ms is None else _beside(each.sums_ms, each.facts_ms))
        for each in sorted(figures, key=lambda each: (each.question, each.person, each.lines))
    ]
    costs = [cost for size in sizes for cost in size.costs]
    head = "question | person | order lines | from sums, ms | from facts, ms | facts/sums"
    return [
        Part("Growth of certified figures", table(head, rows), tuple(goals), _headlines(figures)),
        Part("What sums cost", table("what | order lines | figure", costs)),
    ]


def _headlines(figures: list[Figure]) -> tuple[str, ...]:
    rows = []
    for question in _HEADLINES:
        own = [f for f in figures if (f.question, f.person) == (question, PEOPLE[0])]
        few, many = own[0], own[-1]
        rows.append(
            f"| certified {question}, head office, {many.lines:,} lines"
            f" | {many.sums_ms:.0f} ms of PostgreSQL"
            f" | at {few.lines:,} lines: {few.sums_ms:.0f} ms |"
        )
    return tuple(rows)


def _beside(sums_ms: float, facts_ms: float) -> str:
    return f" | {facts_ms:.1f} | {facts_ms / max(sums_ms, 0.01):.1f} |"


def _growth(figures: list[Figure]) -> list[Goal]:
    goals = []
    for person in PEOPLE:
        for question in _QUESTIONS:
            own = [f for f in figures if (f.person, f.question) == (person, question)]
            if len(own) > 1 and "performance" not in question:
                grown = own[-1].sums_ms / own[0].sums_ms
                goals.append(Goal(f"{question}, {person}: most lines × fewest", grown, 2, False))
    year = [f for f in figures if f.question == "store performance, 2025"]
    goals += [
        Goal(f"{f.question}, {f.person}, {f.lines:,}, ms", f.sums_ms, 150, False) for f in year
    ]
    return goals


Ask = Callable[[SalesAnalytics, Caller], Awaitable[Any]]


def _query(*metrics: str, by: tuple[str, ...], period: str = "2020-01-01..2026-06-30") -> Ask:
    return lambda sales, caller: sales.metrics.query(
        caller, metrics=metrics, dimensions=by, time_period=period, limit=1000
    )


_QUESTIONS: dict[str, Ask] = {
    "revenue by month": _query("revenue", by=("month",)),
    "revenue, orders by month and store": _query("revenue", "orders", by=("month", "store")),
    "discount rate by quarter": _query("discount_rate", by=("quarter",)),
    "new customers by month": _query("new_customers", by=("month",)),
    "customers by month": _query("customers", by=("month",)),
    "customers by year": _query("customers", by=("year",)),
    "units by product, 2025": _query("units", by=("product",), period="2025"),
    "store performance, last month": lambda sales, caller: sales.stores.performance(
        caller, None, "last month"
    ),
    "store performance, 2025": lambda sales, caller: sales.stores.performance(caller, None, "2025"),
}


async def _figures(ground: Ground, lines: int, rounds: int) -> list[Figure]:
    postgresql = PostgreSQL.of(ground.superuser)
    pool = DatabasePool(ground.server, max_size=1)
    # The facts of a million lines may take longer than a call may.
    tenancy = TenantDatabase(
        pool,
        ground.signer,
        IsolationCheck(pool, ground.signer, RETAIL),
        statement_timeout_seconds=120,
    )
    cache = ResultCache(
        tenancy, MemoryStore(1), ttl_seconds=0, secret=b"bench", code_version="bench"
    )

    def sales(*, reads_sums: bool) -> SalesAnalytics:
        reader = SalesReader(tenancy, cache, catalogue(), reads_sums=reads_sums)
        return SalesAnalytics(reader, lambda: TODAY)

    ways = {True: sales(reads_sums=True)}
    if lines <= _MOST_LINES_OF_FACTS:
        ways[False] = sales(reads_sums=False)
    found = []
    for person in PEOPLE:
        caller = demo_callers()[person]
        for question, ask in _QUESTIONS.items():
            samples: dict[bool, list[float]] = {way: [] for way in ways}
            for analytics in ways.values():
                await ask(analytics, caller)  # its pages are in memory from here on
            for _ in range(rounds):
                for way, analytics in ways.items():
                    samples[way].append(await _cpu_ms(postgresql, ask, analytics, caller))
            medians = {way: median(taken) for way, taken in samples.items()}
            found.append(Figure(lines, person, question, medians[True], medians.get(False)))
    await pool.close()
    return found


async def _cpu_ms(
    postgresql: PostgreSQL, ask: Ask, analytics: SalesAnalytics, caller: Caller
) -> float:
    before, began, calls = postgresql.cpu_seconds, time.perf_counter(), 0
    while calls < _MOST_CALLS and time.perf_counter() - began < _SAMPLE_SECONDS:
        await ask(analytics, caller)
        calls += 1
    return (postgresql.cpu_seconds - before) / calls * 1000


def _sizes(owner: psycopg.Connection, lines: int) -> str:
    def megabytes(tables: tuple[str, ...], schema: str) -> float:
        sizes = [
            _one(owner, f"SELECT pg_total_relation_size('{schema}.{name}')") for name in tables
        ]
        return float(sum(sizes)) / 2**20

    own = megabytes(_SUMS, "zava")
    facts = megabytes(("orders", "order_items"), "retail")
    return f"| size of the sums, and of the facts | {lines:,} | {own:.1f} MB, {facts:.0f} MB |"


def _writing(ground: Ground) -> tuple[str, float]:
    """Write orders of two lines one by one, with the marks and without, in turns."""
    postgresql, spent = PostgreSQL.of(ground.superuser), {True: 0.0, False: 0.0}
    with psycopg.connect(ground.superuser, autocommit=True) as owner:
        lines = _one(owner, "SELECT count(*) FROM retail.order_items")
        for _ in range(_WRITING_ROUNDS):
            for is_marking in spent:
                for name in ("orders", "order_items"):
                    for marker in _MARKERS:
                        what = "ENABLE" if is_marking else "DISABLE"
                        owner.execute(f"ALTER TABLE retail.{name} {what} TRIGGER {marker}".encode())
                before = postgresql.cpu_seconds
                _write(owner, _ORDERS_WRITTEN)
                spent[is_marking] += postgresql.cpu_seconds - before
        for name in ("orders", "order_items"):
            for marker in _MARKERS:
                owner.execute(f"ALTER TABLE retail.{name} ENABLE TRIGGER {marker}".encode())
        owner.execute("SELECT zava.mark_everything()")
    anew = _refreshed(ground)
    ratio = spent[True] / spent[False]
    return (
        f"| an order of two lines, CPU × without marks; all sums anew | {lines:,}"
        f" | {ratio:.2f}; {anew:.1f} s of CPU |"
    ), ratio


def _refreshing(ground: Ground) -> tuple[str, float]:
    """Refresh after a day of late orders over 15 days."""
    with psycopg.connect(ground.superuser, autocommit=True) as owner:
        lines = _one(owner, "SELECT count(*) FROM retail.order_items")
        _write(owner, _BUSY_ORDERS)
        marks = _one(owner, "SELECT count(DISTINCT (store_id, day)) FROM zava.day_marks")
    seconds = _refreshed(ground)
    what = f"refresh after {_BUSY_ORDERS:,} orders of {marks} days of a store"
    return f"| {what} | {lines:,} | {seconds:.1f} s of CPU |", seconds


def _refreshed(ground: Ground) -> float:
    """Refresh, and return the CPU seconds that PostgreSQL took for it."""
    postgresql = PostgreSQL.of(ground.superuser)
    with psycopg.connect(ground.administrator, autocommit=True) as admin:
        before = postgresql.cpu_seconds
        refresh_sums(admin)
        return postgresql.cpu_seconds - before


def _write(owner: psycopg.Connection, count: int) -> None:
    stores = [row[0] for row in owner.execute("SELECT store_id FROM retail.stores").fetchall()]
    products = [
        row[0] for row in owner.execute("SELECT product_id FROM retail.products").fetchall()
    ]
    for number in range(count):
        values = {
            "day": str(TODAY),
            "back": number % 15,
            "store": stores[number % len(stores)],
            "after": f"{number * 7919 % 65536:04x}0000-0000-0000-0000-000000000000",
            "product": products[number % len(products)],
        }
        with suppress(psycopg.errors.UniqueViolation):
            owner.execute(_WRITE, values)


def _one(owner: psycopg.Connection, query: str) -> Any:
    return (owner.execute(query.encode()).fetchone() or (0,))[0]
