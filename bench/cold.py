"""A cold start: from the process's start to its first right answer, and the CPU that it took.

Servers answer over HTTP; the function app answers one invocation in its own process, as a fresh
instance of the platform would, without the platform's worker. Byte code is there beforehand, as in
a deployed package.
"""

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from statistics import median

import psutil

from bench.candidates import (
    OURS,
    PROMISING,
    ROOT,
    Candidate,
    candidates,
    first_answer,
    free_port,
    launch,
)
from bench.cluster import Ground
from bench.report import Goal, Part, spread, table
from bench.works import WORKS

_FUNCTION_APP = "Zava, the function app"
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start: seconds on the clock, CPU seconds, resident MiB at the first answer."""

    seconds: float
    cpu_seconds: float
    mebibytes: float


def measure(ground: Ground, *, rounds: int) -> Part:
    """Start each server anew in every round, after one start that writes the byte code."""
    taken: dict[str, list[Start]] = defaultdict(list)
    servers = candidates(ground)
    for number in range(rounds + 1):
        for candidate in servers:
            start = _start(candidate)
            if number:
                taken[candidate.name].append(start)
        start = _function_app(servers[0])
        if number:
            taken[_FUNCTION_APP].append(start)
    return _part(taken)


def _start(candidate: Candidate) -> Start:
    port = free_port()
    begun = time.monotonic()
    process = launch(candidate, port)
    try:
        body = first_answer(candidate, WORKS[0], port)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return _ended(candidate.name, process, begun, body)


def _function_app(ours: Candidate) -> Start:
    headers, body = ours.request(WORKS[0])
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.functions.cold_instance", headers["Authorization"]],
        cwd=ROOT,
        env=os.environ | ours.environment,  # noqa: TID251  # handed on whole
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError  # both were asked for
    process.stdin.write(body + b"\n")
    process.stdin.flush()
    return _ended(_FUNCTION_APP, process, begun, process.stdout.readline())


def _ended(name: str, process: subprocess.Popen[bytes], begun: float, body: bytes) -> Start:
    """Take the account of a process that has just answered, and end it."""
    seconds = time.monotonic() - begun
    mebibytes = psutil.Process(process.pid).memory_info().rss / _MEBIBYTE
    process.kill()
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = -signal.SIGKILL  # waited for here, where its account is
    if b"Zava Retail Seattle" not in body:
        raise SystemExit(f"{name}: its first answer is wrong: {body[:300]!r}")
    return Start(seconds, used.ru_utime + used.ru_stime, mebibytes)


def _part(taken: dict[str, list[Start]]) -> Part:
    rows, ratios = [], {}
    for name, starts in taken.items():
        pairs = list(zip(starts, taken[PROMISING], strict=True))
        ratios[name] = [own.cpu_seconds / peer.cpu_seconds for own, peer in pairs]
        wall = [own.seconds / peer.seconds for own, peer in pairs]
        rows.append(
            f"| {name} | {spread(ratios[name])} | {spread(wall)}"
            f" | {median(start.cpu_seconds for start in starts):.2f}"
            f" | {median(start.seconds for start in starts):.2f}"
            f" | {median(start.mebibytes for start in starts):.0f} |"
        )
    text = table(
        "server | CPU, × first peer | time, × first peer | CPU, s | time, s | memory, MiB", rows
    )
    ours, peer = (median(s.mebibytes for s in taken[name]) for name in (OURS, PROMISING))
    own, others = (
        f"{median(s.cpu_seconds for s in taken[name]) * 1000:.0f} ms of CPU"
        for name in (OURS, PROMISING)
    )
    return Part(
        "Cold start",
        text,
        (
            Goal("cold start: CPU, × first peer", median(ratios[OURS]), 0.40, False),
            Goal("cold start: memory, × first peer", ours / peer, 0.8, is_minimum=False),
        ),
        (f"| from a process's start to its first answer | {own} | first peer: {others} |",),
    )
