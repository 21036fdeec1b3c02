"""`make soak`: ten principals ask everything at once while a part breaks every few seconds.

Each answer is compared with what the superuser reads. Counted at the end: wrong answers, rows of
another store, answers that no caller should get, audit records lost, connections left, memory
grown, shapes of a million statements. Everything runs on this machine and ends after the given
time.
"""

import argparse
import asyncio
import base64
import gc
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import psutil
import psycopg
import uvloop

from tests.cache.redis_server import redis_server
from tests.soak.asking import ANSWERED, OUT_OF_TIME, TURNED_AWAY, Asker, Moment, Tally
from tests.soak.faults import Faults, Parts
from tests.soak.questions import REFUSED, Truth, read_truth, sought
from tests.support.embedding.azure_openai import azure_openai, no_entra
from tests.support.servers.breakable import (
    TODAY,
    TOLD_TO_COME_BACK,
    Breakable,
    application_over,
    breakable,
    pause,
)
from tests.support.servers.database import CONTEXT_KEY
from tests.support.servers.homes import open_directory
from tests.support.servers.proxy import counting_proxy
from zava.composition.backends import SPARE_CONNECTIONS, embedders
from zava.data.usage.query_stats import QueryStatsCollector
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.model.core import PerformanceSummary
from zava.retail.data.index_job import embed_catalogue
from zava.retail.demo.principals import demo_callers
from zava.settings import Settings
from zava.telemetry.instruments import QueryType

WORKERS_EACH = 2
SCALE = 0.02
POOL, STATEMENT_SECONDS, SLOW_SECONDS = 3, 5, 0.02
# More texts and vectors than any cache of the product keeps: from here on they only change places.
WARM_TEXTS, WARM_VECTORS = 4200, 1100
MEMORY_GROWTH, OBJECT_GROWTH = 1.10, 1.01


class Memory(NamedTuple):
    """What the process held at one moment."""

    resident_bytes: int
    objects: int


def memory() -> Memory:
    """Return what this process holds, without what is only waiting to be collected."""
    gc.collect()
    return Memory(psutil.Process().memory_info().rss, len(gc.get_objects()))


@dataclass(frozen=True)
class Connections:
    """How many the app held at the end, had lent, and left behind when it was closed."""

    held: int
    lent: int
    left: int


@dataclass
class Soak:
    """One run."""

    faults: Faults
    tokens: dict[str, str]
    truth: dict[str, Truth]
    tally: Tally
    seconds: float

    async def run(self) -> tuple[Memory, Memory]:
        """Run workers and faults; return what was held when all was warm, and at the end."""
        askers = [
            Asker(
                self.faults.application,
                name,
                self.tokens[name],
                self.truth[name],
                self.tally,
                self.faults.moment,
                seed,
            )
            for name in self.tokens
            for seed in range(WORKERS_EACH)
        ]
        await self._warm(askers)
        started = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for asker in askers:
                tasks.create_task(asker.work())
            tasks.create_task(self.faults.come_and_go())
            await pause(min(60, self.seconds / 5))
            early = memory()
            while (passed := time.monotonic() - started) < self.seconds:
                sys.stderr.write(f"{passed:.0f} s: {self.tally.calls:,} calls\n")
                await pause(min(30, self.seconds / 5, self.seconds - passed))
            self.faults.moment.is_over = True
        return early, memory()

    async def _warm(self, askers: list[Asker]) -> None:
        async def ask(first: int, asker: Asker) -> None:
            for number in range(first, WARM_TEXTS, len(askers)):
                await asker.warm(number)

        vectors, warming = self.faults.application.vectors, demo_callers()["seattle"]
        for number in range(WARM_VECTORS):
            await vectors.vector(warming, vectors.models[0], sought(number))
        await asyncio.gather(*(ask(first, asker) for first, asker in enumerate(askers)))


@asynccontextmanager
async def parts_in(directory: Path) -> AsyncIterator[Parts]:
    """Start everything that an app uses."""
    with (
        breakable(directory / "server", scale=SCALE) as server,
        redis_server(directory) as redis,
        patch("zava.infrastructure.embeddings.azure_openai.entra_token", no_entra),
    ):
        async with azure_openai() as service, counting_proxy(server.database.server) as line:
            yield Parts(server, line, redis, service)


async def run(seconds: float) -> bool:
    """Soak for so long, print what was seen, and return whether all was well."""
    with open_directory(ignore_cleanup_errors=True) as directory:
        home = StateDirectory(directory / "home")
        async with parts_in(directory) as parts:
            tally, checks = await _soaked(parts, home, seconds)
    return report(tally, seconds, checks | _million_shapes())


async def _soaked(
    parts: Parts, home: StateDirectory, seconds: float
) -> tuple[Tally, dict[str, bool]]:
    database, tally = parts.server.database, Tally()
    settings = {
        "AZURE_OPENAI_ENDPOINT": parts.embeddings.endpoint,
        "EMBEDDING_TOKENS_PER_MINUTE": 10_000_000,
        "REDIS_URL": parts.redis.url,
        "ZAVA_TODAY": TODAY.isoformat(),
        "ZAVA_POOL_MAX": POOL,
        "ZAVA_STATEMENT_TIMEOUT_SECONDS": STATEMENT_SECONDS,
        "ZAVA_SLOW_QUERY_SECONDS": SLOW_SECONDS,
        "LOG_LEVEL": "ERROR",
    }
    await asyncio.to_thread(_embed, database.admin, settings)
    key_id, secret = CONTEXT_KEY
    keys = [f"{key_id}:{base64.b64encode(secret).decode()}"]
    async with application_over(parts.line.conninfo, home, keys, **settings) as application:
        faults = Faults(application, parts, Moment())
        truth = dict(read_truth(database.owner))
        early, late = await Soak(faults, _tokens(home, seconds), truth, tally, seconds).run()
        held = await asyncio.to_thread(parts.server.backends)
        # What goes on after the last answer: records and plans. Then nothing is lent any more.
        await application.trail.close()
        await application.tenancy.close()
        # Connections are returned beside the answers: the test waits for the last.
        await asyncio.gather(*application.pool._returning)
        # That the pool lost no connection shows here alone.
        lent = application.pool._leased - len(application.pool._resting)
    connections = Connections(held, lent, await _left(parts.server))
    recorded = await asyncio.to_thread(_recorded, database.owner)
    return tally, {
        **_answers(tally),
        **_audit(tally, recorded, application.trail.dropped),
        **_connections(connections),
        **_plans(application.tenancy.performance()),
        **_memory(early, late),
    }


def _embed(administrator: str, settings: dict[str, object]) -> None:
    with psycopg.connect(administrator, autocommit=True) as admin:
        embed_catalogue(admin, embedders(Settings.model_validate(settings))[0])


def _tokens(home: StateDirectory, seconds: float) -> dict[str, str]:
    issuer = LocalIssuer(home)
    return {
        name: issuer.token(
            tenant_id=caller.tenant_id,
            object_id=caller.object_id,
            name=name,
            ttl_seconds=int(seconds) + 3600,
        )
        for name, caller in demo_callers().items()
    }


async def _left(server: Breakable) -> int:
    """Return how many connections are left when those that were closed have had time to end."""
    for _ in range(50):
        if (left := await asyncio.to_thread(server.backends)) == 0:
            break
        await pause(0.1)
    return left


def _recorded(owner: str) -> set[int]:
    """Return the numbers of the calls that have a record; the table holds one of each."""
    with psycopg.connect(owner, autocommit=True) as connection:
        rows = connection.execute("SELECT trace_id FROM zava.audit_log WHERE phase = 'outcome'")
        return {int(trace_id or "0", 16) for (trace_id,) in rows}


def _answers(tally: Tally) -> dict[str, bool]:
    return {
        f"wrong answers: {len(tally.wrong)}": not tally.wrong,
        f"rows of another store: {len(tally.foreign)}": not tally.foreign,
        f"answers that nobody should get: {tally.unexpected.total()}": not tally.unexpected,
        f"kept in the cache: {tally.cached:,}; found by meaning: {tally.by_meaning:,}": (
            tally.cached > 0 and tally.by_meaning > 0
        ),
    }


def _audit(tally: Tally, recorded: set[int], lost: int) -> dict[str, bool]:
    """Compare call by call: one that ran out of time may have come as far as its record."""
    fates = tally.fates
    missing = [n for n, fate in enumerate(fates) if fate == ANSWERED and n not in recorded]
    surplus = [n for n in recorded if fates[n] == TURNED_AWAY]
    out_of_time = fates.count(OUT_OF_TIME)
    return {
        f"audit records: {fates.count(ANSWERED):,} calls answered, {out_of_time} out of time,"
        f" {len(recorded):,} recorded, {len(missing)} missing, {len(surplus)} of calls turned away,"
        f" {lost} given up": not (missing or surplus or lost)
    }


def _connections(seen: Connections) -> dict[str, bool]:
    most = POOL + SPARE_CONNECTIONS
    held = f"{seen.held} held of {most}, {seen.lent} lent, {seen.left} after the end"
    return {f"connections: {held}": seen.held <= most and seen.lent == 0 and seen.left == 0}


def _plans(summary: PerformanceSummary) -> dict[str, bool]:
    slow = [shape for shape in summary.costliest if shape.slow]
    planned = [shape for shape in slow if any("cost=" in line for line in shape.plan)]
    return {
        f"shapes over {SLOW_SECONDS:g} s: {len(slow)}, with a plan: {len(planned)}": bool(planned)
    }


def _memory(early: Memory, late: Memory) -> dict[str, bool]:
    growth = late.resident_bytes / early.resident_bytes
    objects = late.objects / early.objects
    sizes = f"{early.resident_bytes >> 20} MiB, {late.resident_bytes >> 20} MiB, x{growth:.2f}"
    return {
        f"resident memory, warm and with full caches, then at the end: {sizes}": (
            growth <= MEMORY_GROWTH
        ),
        f"objects, the same: {early.objects:,}, {late.objects:,}, x{objects:.3f}": (
            objects <= OBJECT_GROWTH
        ),
    }


def _million_shapes() -> dict[str, bool]:
    monitor = QueryStatsCollector()
    process = psutil.Process()
    early = 0
    for number in range(1_000_000):
        sql = f"SELECT c{number} FROM t"
        # On this thread: nothing else parses.
        monitor._learn(QueryType.FREE, sql, 0.01, failed=False)
        if number == 20_000:  # all caches are full
            early = process.memory_info().rss
    grown = process.memory_info().rss - early
    kept = monitor.summary().shapes
    return {
        f"1,000,000 distinct statements: {kept} shapes kept, {grown >> 10} KiB grown": (
            grown < 4 << 20
        )
    }


def report(tally: Tally, seconds: float, checks: dict[str, bool]) -> bool:
    """Print the tables and return whether all was well."""
    say = sys.stdout.write
    say(f"{tally.calls:,} calls as ten principals, {seconds:.0f} s of them with faults\n\n")
    say("| what broke | answers | told to come back | others | slowest, s | back after, s |\n")
    say("|---|---|---|---|---|---|\n")
    for fault, codes in sorted(tally.by_fault.items()):
        told = {code: n for code, n in codes.items() if code in TOLD_TO_COME_BACK}
        expected = {"OK", "listed", "HTTP 401", *REFUSED.values()}
        answered = sum(n for code, n in codes.items() if code in expected)
        others = {c: n for c, n in codes.items() if c not in told and c not in expected}
        worst = max(tally.recovery.get(fault, [0.0]))
        figures = f"{tally.slowest[fault]:.2f} | {worst:.2f}"
        say(f"| {fault} | {answered:,} | {told or '-'} | {others or '-'} | {figures} |\n")
    say("\n")
    for line, is_well in checks.items():
        say(f"- {'ok' if is_well else 'NOT WELL'}: {line}\n")
    for example in [*tally.wrong[:5], *tally.foreign[:5], *map(str, tally.unexpected.items())]:
        say(f"  - {example}\n")
    return all(checks.values())


def main() -> None:
    """Soak for `--seconds`, exit 1 when something was not well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=600)
    seconds = parser.parse_args().seconds
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the product serves
        is_well = runner.run(run(seconds))
    if not is_well:
        sys.exit(1)


if __name__ == "__main__":
    main()
