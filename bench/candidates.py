"""The servers that are measured: how each is started and asked."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
import psutil
from psycopg.conninfo import conninfo_to_dict
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from bench.cluster import Ground
from bench.environments import environment
from bench.works import (
    SEARCH,
    WORKS,
    Reader,
    Rows,
    Work,
    plain_cell,
    rows_of_arrays,
    rows_of_objects,
    rows_of_texts,
)
from zava.infrastructure.local.token_issuer import LOCAL_AUDIENCE, LocalIssuer, local_issuer_url
from zava.retail.tools.registry import TOOLS

POOL_MAX = (os.cpu_count() or 1) + 1
FLOOR = "floor: constant bytes"
OURS, TOOLBOX = "Zava", "Go toolbox"
PROMISING, PLAIN = "MCPServer, same promise", "MCPServer, plain"
MODERN, HANDSHAKE = "2026-07-28", "2025-06-18"
ROOT = Path(__file__).parents[1]
_START_SECONDS, _LOOK_SECONDS = 120, 0.005

_TOOLBOX = """\
kind: source
name: retail
type: postgres
host: {host}
port: {port}
database: {dbname}
user: {user}
password: {password}
queryParams:
  pool_max_conns: {pool_max}
---
kind: tool
name: execute_sql
type: postgres-execute-sql
source: retail
description: Run one read-only PostgreSQL SELECT over the retail data.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """`command` ends in the port; `read` finds the rows of an answer."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    read: Reader
    is_sealed: bool = False
    era: str = MODERN
    token: str | None = None
    tool_names: Mapping[str, str] = field(default_factory=dict)
    tools: frozenset[str] = frozenset({"execute_sales_query", ""})

    def can(self, work: Work) -> bool:
        """Whether this server has what the work needs."""
        return work.tool in self.tools

    def request(self, work: Work) -> tuple[dict[str, str], bytes]:
        """Return headers and body of one request for this work."""
        params: dict[str, Any] = {}
        if work.method == "tools/call":
            params["name"] = self.tool_names.get(work.tool, work.tool)
            params["arguments"] = work.arguments or self._sql_arguments(work)
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": self.era,
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.era == MODERN:
            headers["Mcp-Method"] = work.method
            if "name" in params:
                headers["Mcp-Name"] = params["name"]
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        body = {"jsonrpc": "2.0", "id": 7, "method": work.method, "params": params}
        return headers, json.dumps(body, separators=(",", ":")).encode()

    def _sql_arguments(self, work: Work) -> dict[str, Any]:
        sql = work.statement(is_sealed=self.is_sealed)
        if self.tool_names:
            return {"sql": sql}
        return {"postgresql_query": sql, "max_rows": 1000}


def candidates(ground: Ground) -> list[Candidate]:
    """Return every server that can be started here: ours first, then the peers."""
    found = [zava(ground, ground.server), promising(ground), plain(ground.reader)]
    fastmcp = environment("fastmcp")
    if fastmcp is not None:
        found.append(
            Candidate(
                "fastmcp",
                _module("fastmcp_server", python=fastmcp / "bin" / "python"),
                _reading(ground.reader),
                rows_of_objects,
            )
        )
    toolbox = environment("toolbox")
    if toolbox is not None:
        found.append(_go_toolbox(toolbox, ground))
    return found


def zava(ground: Ground, database: str) -> Candidate:
    """Return our server over a connection string of its login."""
    return Candidate(
        OURS,
        _module("zava_server"),
        {
            "DATABASE_URL": database,
            "ZAVA_CONTEXT_KEYS": ground.context_key,
            "ZAVA_HOME": str(ground.home.path),
            "ZAVA_POOL_MAX": str(POOL_MAX),
            "LOG_LEVEL": "WARNING",
        },
        rows_of_arrays,
        is_sealed=True,
        token=ground.token("seattle"),
        tools=frozenset(TOOLS) | {""},
    )


def promising(ground: Ground) -> Candidate:
    """Return the first peer, which keeps the same promise."""
    return Candidate(
        PROMISING,
        _module("promising_server"),
        _reading(ground.tenant)
        | {
            "PEER_ISSUER": local_issuer_url(),
            "PEER_AUDIENCE": LOCAL_AUDIENCE,
            "PEER_KEYS": json.dumps(LocalIssuer(ground.home).jwks()),
        },
        rows_of_objects,
        is_sealed=True,
        token=ground.token("seattle"),
        tools=frozenset({"execute_sales_query", ""}),
    )


def plain(database: str) -> Candidate:
    """Return the peer without identity, row security or audit."""
    return Candidate(
        PLAIN,
        _module("plain_server"),
        _reading(database),
        rows_of_objects,
        tools=frozenset({"execute_sales_query", SEARCH, ""}),
    )


def constant() -> Candidate:
    """Return the floor of every server: constant bytes."""
    return Candidate(FLOOR, _module("constant_server"), {}, rows_of_arrays)


def _go_toolbox(directory: Path, ground: Ground) -> Candidate:
    parts = conninfo_to_dict(ground.reader)
    configuration = ground.home.path / "toolbox.yaml"
    values = {key: json.dumps(str(value)) for key, value in parts.items()}
    configuration.write_text(_TOOLBOX.format(pool_max=json.dumps(str(POOL_MAX)), **values))
    (binary,) = directory.glob("lib/python*/site-packages/toolbox_server/bin/toolbox")
    return Candidate(
        TOOLBOX,
        (
            str(binary),
            *("--config", str(configuration), "--disable-reload", "--disable-version-check"),
            *("--log-level", "ERROR", "--port"),
        ),
        {},
        rows_of_texts,
        era=HANDSHAKE,
        tool_names={"execute_sales_query": "execute_sql"},
    )


def _module(name: str, *, python: Path | str = sys.executable) -> tuple[str, ...]:
    return (str(python), "-m", f"bench.servers.{name}")


def _reading(database: str) -> dict[str, str]:
    return {"DATABASE_URL": database, "ZAVA_POOL_MAX": str(POOL_MAX)}


class WrongAnswer(SystemExit):
    """A server answered something else than what it was asked for; no figure would mean a thing."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers: its port and its process."""

    candidate: Candidate
    port: int
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used so far, its threads included."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def ask(self, work: Work) -> bytes:
        """Return the body of one answer."""
        return ask(self.port, *self.candidate.request(work))


def ask(port: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Send one request over a connection of its own and return the answer's body.

    Raises:
        OSError: nobody answers there yet.
        WrongAnswer: the status is not 200.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/mcp", body, dict(headers))
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status != HTTPStatus.OK:
        raise WrongAnswer(f"HTTP {answer.status}: {said[:300]!r}")
    return said


def launch(candidate: Candidate, port: int) -> subprocess.Popen[bytes]:
    """Start a server's process; it does not answer yet."""
    return subprocess.Popen(
        [*candidate.command, str(port)],
        cwd=ROOT,
        env=os.environ | candidate.environment,  # noqa: TID251  # handed on whole
        stdout=subprocess.DEVNULL,
    )


def first_answer(candidate: Candidate, work: Work, port: int) -> bytes:
    """Ask until the server is there; return its first answer."""
    request = candidate.request(work)
    # A refused connection costs microseconds, so a look every few milliseconds disturbs nothing.
    for attempt in Retrying(
        stop=stop_after_delay(_START_SECONDS),
        wait=wait_fixed(_LOOK_SECONDS),
        retry=retry_if_exception_type(OSError),
        reraise=True,
    ):
        with attempt:
            return ask(port, *request)
    raise AssertionError  # Retrying returns or raises


@contextmanager
def started(candidate: Candidate) -> Iterator[Running]:
    """Lend a server that has answered once."""
    port = free_port()
    with launch(candidate, port) as process:
        try:
            first_answer(candidate, WORKS[0], port)
            yield Running(candidate, port, psutil.Process(process.pid))
        finally:
            process.kill()


def free_port() -> int:
    """Return a loopback port that the system hands out."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class RightAnswer:
    """A whole answer that was checked, and a text that stands in it alone."""

    body: bytes
    mark: str


def check(running: Running, work: Work, expected: Rows | None) -> RightAnswer:
    """Return a right answer.

    Raises:
        WrongAnswer: rows, columns or values are not the expected ones.
    """
    body = running.ask(work)
    result = orjson.loads(body).get("result", {})
    if expected is not None:
        rows = [[plain_cell(cell) for cell in row] for row in running.candidate.read(result)]
        is_right, mark = rows == expected, str(expected[-1][0])
    else:
        is_right, mark = bool(result.get("tools") or not result.get("isError")), '"result"'
    if not is_right or mark.encode() not in body:
        raise WrongAnswer(f"{running.candidate.name}, {work.name}: {body[:300]!r}")
    return RightAnswer(body, mark)
