"""Load on one server for a moment: wrk, one connection a client, every answer checked.

wrk runs in C with a few lines of Lua, so that the client takes little of the two cores; what it
takes is measured beside the rest.
"""

import itertools
import json
import math
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import psycopg

from bench.candidates import RightAnswer, Running, WrongAnswer
from bench.works import PLACE_OF_NUMBER, Work

_LUA = Path(__file__).with_name("load.lua")
_LONGEST_SECONDS = 30
_numbers = itertools.count(int(PLACE_OF_NUMBER) + 1, 50_000)
"""Where the next run counts on: no statement that was to be new comes twice."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: calls a second, latencies in ms, CPU microseconds a call of the three processes."""

    rate: float
    p50_ms: float
    p99_ms: float
    server_us: float
    postgresql_us: float
    client_us: float


@dataclass(frozen=True, slots=True)
class Turn:
    """How many clients ask at once, each as soon as it has its answer, and for how long."""

    clients: int
    seconds: float


class PostgreSQL:
    """The CPU account of a whole cluster, backends that have ended included."""

    def __init__(self, postmaster: int) -> None:
        self._postmaster = psutil.Process(postmaster)

    @classmethod
    def of(cls, superuser: str) -> "PostgreSQL":
        """Return the account of the cluster behind a connection string."""
        with psycopg.connect(superuser) as connection:
            return cls(psutil.Process(connection.info.backend_pid).ppid())

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time that all its processes have used so far."""
        own = self._postmaster.cpu_times()
        spent = own.user + own.system + own.children_user + own.children_system
        for child in self._postmaster.children():
            with suppress(psutil.NoSuchProcess):  # it ended: the postmaster's account has it
                times = child.cpu_times()
                spent += times.user + times.system
        return float(spent)


def require_wrk() -> None:
    """Say what is missing before anything is started."""
    if shutil.which("wrk") is None:
        raise SystemExit("bench: wrk is missing (Debian: apt-get install wrk; macOS: brew install)")


def load(
    running: Running,
    postgresql: PostgreSQL,
    work: Work,
    right_answer: RightAnswer,
    turn: Turn,
) -> Sample:
    """Let clients ask for as long as the turn says.

    Raises:
        WrongAnswer: an answer failed or was not as long as the right one.
    """
    before = running.cpu_seconds, postgresql.cpu_seconds, children_seconds()
    told = _wrk(running, work, right_answer, turn)
    after = running.cpu_seconds, postgresql.cpu_seconds, children_seconds()
    calls = told["calls"]
    if not calls and turn.seconds < _LONGEST_SECONDS:  # slower than the turn is long
        return load(
            running, postgresql, work, right_answer, replace(turn, seconds=turn.seconds * 2)
        )
    if told["wrong"] or told["failed"] or not calls:
        raise WrongAnswer(f"{running.candidate.name}, {work.name}, {turn}: {told}")
    server, database, client = (
        (end - begin) / calls * 1e6 for begin, end in zip(before, after, strict=True)
    )
    return Sample(
        rate=calls / told["microseconds"] * 1e6,
        p50_ms=told["p50"] / 1000,
        p99_ms=told["p99"] / 1000,
        server_us=server,
        postgresql_us=database,
        client_us=client,
    )


def _wrk(running: Running, work: Work, right_answer: RightAnswer, turn: Turn) -> dict[str, int]:
    headers, body = running.candidate.request(work)
    script = [
        f"REQUEST_HEADERS = {lua_table(headers)}",
        f"REQUEST_BODY = {lua_text(body.decode())}",
        f"NUMBER = {next(_numbers) if work.is_new_each_time else 'nil'}",
        f"PLACE_OF_NUMBER = {PLACE_OF_NUMBER}",
        f"ANSWER_BYTES = {len(right_answer.body)}",
        f"MARK = {lua_text(right_answer.mark)}",
        _LUA.read_text(),
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("\n".join(script))
        file.flush()
        finished = subprocess.run(
            [
                *(
                    "wrk",
                    "-t1",
                    f"-c{turn.clients}",
                    f"-d{math.ceil(turn.seconds)}s",
                    "--timeout",
                    "30s",
                ),
                *("-s", file.name, f"http://127.0.0.1:{running.port}/mcp"),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    told: dict[str, int] = json.loads(finished.stdout.strip().splitlines()[-1])
    return told


def children_seconds() -> float:
    """Return the CPU time of all children that have ended: servers still run, clients have."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lua_text(text: str) -> str:
    """Return a text as Lua writes it."""
    return f"[==[{text}]==]"


def lua_table(fields: Mapping[str, str]) -> str:
    """Return a table of texts as Lua writes it."""
    return "{" + ", ".join(f'["{key}"] = {lua_text(text)}' for key, text in fields.items()) + "}"
