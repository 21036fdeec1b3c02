"""Round trips to the database for one call, counted by a proxy in between."""

import asyncio
from collections.abc import Callable
from functools import partial
from statistics import median

from bench.candidates import OURS, Candidate, plain, started, zava
from bench.cluster import Ground
from bench.report import Goal, Part, table
from bench.works import WORKS
from tests.support.servers.proxy import Proxy, counting_proxy

CALLS = 20
LATENCY_SECONDS = 0.02


def measure(ground: Ground) -> Part:
    """Count for each statement, after one call that learns and prepares."""
    works = [work for work in WORKS if work.sql]
    rows, trips = [], {}
    for make, url in ((partial(zava, ground), ground.server), (plain, ground.reader)):
        counted = asyncio.run(_count(make, url))
        for work in works:
            name, trips_a_call = counted[work.name]
            trips[name, work.name] = trips_a_call
            rows.append(f"| {work.name} | {name} | {trips_a_call:g} |")
    most = max(count for (name, _), count in trips.items() if name == OURS)
    least = min(count for (name, _), count in trips.items() if name == OURS)
    return Part(
        "Round trips",
        table("work | server | round trips a call", rows)
        + f"\n\nThe median of {CALLS} calls. Now and then one meets a pool that opens a connection,"
        " or the writing of a batch of audit records, at most once a second.",
        (
            Goal("round trips a call, the most", most, 1, is_minimum=False),
            Goal("round trips a call, the least", least, 1),
        ),
    )


async def _count(make: Callable[[str], Candidate], url: str) -> dict[str, tuple[str, float]]:
    async with counting_proxy(url, latency_seconds=LATENCY_SECONDS) as proxy:
        candidate = make(proxy.conninfo)
        return await asyncio.to_thread(_ask, candidate, proxy)


def _ask(candidate: Candidate, proxy: Proxy) -> dict[str, tuple[str, float]]:
    counted = {}
    with started(candidate) as server:
        for work in WORKS:
            if not work.sql:
                continue
            server.ask(work)
            trips = []
            for _ in range(CALLS):
                before = proxy.round_trips
                server.ask(work)
                trips.append(proxy.round_trips - before)
            counted[work.name] = candidate.name, median(trips)
    return counted
