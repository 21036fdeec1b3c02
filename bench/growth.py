"""What grows with the data: the same work at ten thousand to ten million order lines.

Each size is a cluster of its own. A cheap call must not grow; what reads a fixed number of rows
must not either; what reads all lines of a store grows with them.
"""

from dataclasses import dataclass
from statistics import median

import psycopg

from bench.candidates import check, started, zava
from bench.cluster import seeded_cluster
from bench.load import PostgreSQL, Turn, load
from bench.report import Goal, Part, table
from bench.works import WORKS, Work

LINES = (10_000, 100_000, 1_000_000, 10_000_000)
_LINES_AT_SCALE_1 = 420_000
_MONTH = Work(
    "one month",
    "one month's revenue, one store",
    "SELECT count(*) AS orders, sum(total_amount) AS revenue FROM retail.orders"
    " WHERE order_date >= '2026-05-01' AND order_date < '2026-06-01'",
)
_MEASURED = (*(work for work in WORKS if work.name in {"W1", "W2", "W3"}), _MONTH)


@dataclass(frozen=True, slots=True)
class Size:
    """CPU microseconds of one work at one size: of our process and of PostgreSQL."""

    lines: int
    work: str
    server_us: float
    postgresql_us: float


def measure(*, largest: int, rounds: int, seconds: float) -> Part:
    """Measure at each size up to `largest` order lines, one client at a time."""
    sizes = []
    for wanted in LINES:
        if wanted > largest:
            break
        with seeded_cluster(wanted / _LINES_AT_SCALE_1, with_peers=False) as ground:
            postgresql = PostgreSQL.of(ground.superuser)
            with psycopg.connect(ground.superuser) as owner:
                count = owner.execute("SELECT count(*) FROM retail.order_items").fetchone()
            lines = (count or (0,))[0]
            with started(zava(ground, ground.server)) as server:
                for work in _MEASURED:
                    right = check(server, work, None)
                    samples = [
                        load(server, postgresql, work, right, Turn(1, seconds * work.weight))
                        for _ in range(rounds)
                    ]
                    sizes.append(
                        Size(
                            lines,
                            work.name,
                            median(sample.server_us for sample in samples),
                            median(sample.postgresql_us for sample in samples),
                        )
                    )
    rows = [
        f"| {size.work} | {size.lines:,} | {size.server_us:.0f} | {size.postgresql_us:.0f} |"
        for size in sorted(sizes, key=lambda size: (size.work, size.lines))
    ]
    cheap = [size.server_us + size.postgresql_us for size in sizes if size.work == "W1"]
    return Part(
        "Growth",
        table("work | order lines | server CPU, µs | PostgreSQL CPU, µs", rows),
        (Goal("W1: CPU at the most lines, × at the fewest", cheap[-1] / cheap[0], 1.2, False),),
    )
