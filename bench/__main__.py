"""`make bench`: ratios within one run, on a fresh cluster of its own."""

import argparse
import asyncio
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    audit,
    cold,
    crowd,
    flood,
    growth,
    guard,
    metrics,
    neighbours,
    seal,
    trips,
    wire,
)
from bench.cluster import TODAY, Ground, seeded_cluster
from bench.load import require_wrk
from bench.report import Part, table
from zava.settings import settings

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "performance.md"
_TEMPLATE = Path(__file__).with_name("page.md")
PARTS = (
    "seal",
    "guard",
    "wire",
    "trips",
    "cold",
    "audit",
    "neighbours",
    "flood",
    "crowd",
    "metrics",
)
_GROWTH, _MOST_LINES = "growth", 10_000_000


def main() -> None:
    """Seed a fresh cluster at SCALE, measure on it, print, and write the page when asked to."""
    options = _options()
    require_wrk()
    begun, load = datetime.now(UTC), os.getloadavg()[0]
    parts: list[Part] = []
    description = ""

    def show(part: Part) -> None:
        parts.append(part)
        print(f"\n## {part.title}\n\n{part.text}", flush=True)

    if on_one_cluster := [name for name in options.only if name != _GROWTH]:
        with seeded_cluster(settings().scale) as ground:
            description = ground.description
            print(f"{description} (scale {settings().scale:g})", flush=True)
            for name in on_one_cluster:
                for part in _MEASURE[name](ground, options):
                    show(part)
    if largest := options.growth or (_MOST_LINES if _GROWTH in options.only else 0):
        measured = growth.measure(
            largest=largest, rounds=options.rounds, seconds=options.seconds, kept=options.clusters
        )
        for part in measured:
            show(part)
    goals = table(
        "goal | limit | measured | verdict", [goal.row() for part in parts for goal in part.goals]
    )
    print(f"\n## Goals\n\n{goals}")
    if options.write:
        PAGE.write_text(_page(parts, goals, begun, description, load), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=(*PARTS, _GROWTH), default=PARTS)
    parser.add_argument("--rounds", type=int, default=3, help="repeats of every measurement")
    parser.add_argument("--seconds", type=float, default=2, help="of load for each")
    parser.add_argument(
        "--growth", type=int, default=0, metavar="LINES", help="also measure up to as many lines"
    )
    parser.add_argument(
        "--clusters", type=Path, help="keep the clusters of growth there, and use them again"
    )
    parser.add_argument("--write", action="store_true", help="write docs/reference/performance.md")
    return parser.parse_args()


_MEASURE: dict[str, Callable[[Ground, argparse.Namespace], list[Part]]] = {
    "seal": lambda ground, _: [
        asyncio.run(seal.compare(ground.server, ground.superuser, ground.signer))
    ],
    "guard": lambda _ground, _: [guard.compare()],
    "wire": lambda ground, options: wire.measure(
        ground, rounds=options.rounds, seconds=options.seconds
    ),
    "trips": lambda ground, _: [trips.measure(ground)],
    "cold": lambda ground, options: [cold.measure(ground, rounds=options.rounds)],
    "audit": lambda ground, _: [
        asyncio.run(audit.compare(ground.server, ground.context_key, ground.home))
    ],
    "flood": lambda ground, _: [
        asyncio.run(flood.compare(ground.server, ground.context_key, ground.home))
    ],
    "crowd": lambda ground, _: [asyncio.run(crowd.compare(ground))],
    "metrics": lambda ground, _: asyncio.run(metrics.compare(ground.server, ground.signer, TODAY)),
    "neighbours": lambda ground, _: [asyncio.run(neighbours.compare(ground.server, ground.signer))],
}


def _page(parts: list[Part], goals: str, begun: datetime, description: str, load: float) -> str:
    sections = "\n\n".join(f"## {part.title}\n\n{part.text}" for part in parts)
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    return _TEMPLATE.read_text(encoding="utf-8").format(
        day=f"{begun.day} {begun:%B %Y}",
        machine=machine,
        load=load,
        data=description,
        headlines=table(
            "work | Zava | beside it", [row for part in parts for row in part.headlines]
        ),
        goals=goals,
        parts=sections,
    )


if __name__ == "__main__":
    main()
