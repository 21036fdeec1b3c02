"""What grows with the data: the same work at ten thousand to ten million order lines.

Each size is a cluster of its own. A cheap call must not grow; what reads a fixed number of rows
must not either; what reads all lines of a store grows with them. Certified figures are read from
sums, which must not grow with the orders.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import sums
from bench.candidates import check, started, zava
from bench.cluster import Ground, seeded_cluster
from bench.load import PostgreSQL, Turn, load
from bench.report import Goal, Part, table
from bench.works import WORKS, Work

LINES = (10_000, 100_000, 1_000_000, 10_000_000)
_LINES_AT_SCALE_1 = 420_000
_MOST_GENERATED = 1_000_000  # more lines are copies of these
_FEWEST_OF_SUMS = 100_000
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


def measure(*, largest: int, rounds: int, seconds: float, kept: Path | None) -> list[Part]:
    """Measure at each size up to `largest` order lines, one client at a time.

    The clusters stay in the directory `kept`, for a next measurement.
    """
    sizes: list[Size] = []
    sizes_of_sums: list[sums.Size] = []
    for wanted in (lines for lines in LINES if lines <= largest):
        with _cluster(wanted, kept) as ground:
            sizes += _works(ground, rounds, seconds)
            if wanted >= _FEWEST_OF_SUMS:
                sizes_of_sums.append(sums.measure(ground, rounds))
    return [_part(sizes), *sums.parts(sizes_of_sums)]


@contextmanager
def _cluster(lines: int, kept: Path | None) -> Iterator[Ground]:
    generated = min(lines, _MOST_GENERATED)
    with seeded_cluster(
        generated / _LINES_AT_SCALE_1,
        with_peers=False,
        times=lines // generated,
        kept=kept and kept / str(lines),
    ) as ground:
        yield ground


def _works(ground: Ground, rounds: int, seconds: float) -> list[Size]:
    postgresql, lines, sizes = PostgreSQL.of(ground.superuser), ground.lines, []
    with started(zava(ground, ground.server)) as server:
        for work in _MEASURED:
            right = check(server, work, None)
            samples = [
                load(server, postgresql, work, right, Turn(1, seconds * work.weight))
                for _ in range(rounds)
            ]
            server_us = median(sample.server_us for sample in samples)
            postgresql_us = median(sample.postgresql_us for sample in samples)
            sizes.append(Size(lines, work.name, server_us, postgresql_us))
    return sizes


def _part(sizes: list[Size]) -> Part:
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
