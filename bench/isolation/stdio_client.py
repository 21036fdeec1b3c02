"""A client of MCP over standard input and output, as small as the benchmark needs."""

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.isolation.answers import TENANTS, Answer, NoAnswer, Tenant

ANSWER_SECONDS = 30
_VERSION = "2025-06-18"


class StdioServer:
    """One process that speaks JSON-RPC, a message a line."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()
        self.call(
            "initialize",
            {
                "protocolVersion": _VERSION,
                "capabilities": {},
                "clientInfo": {"name": "bench-isolation", "version": "1"},
            },
        )
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the whole response.

        Raises:
            NoAnswer: the process ended, or did not answer in time.
        """
        self._number += 1
        number = self._number
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while True:
            try:
                line = self._lines.get(timeout=ANSWER_SECONDS)
            except queue.Empty:
                raise NoAnswer(f"no answer to {method}") from None
            if line is None:
                raise NoAnswer("the process ended")
            try:
                message = json.loads(line)
            except json.JSONDecodeError:
                continue  # a line of a log
            if isinstance(message, dict) and message.get("id") == number:
                return message

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101  # opened as a pipe
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise NoAnswer("the process ended") from error

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  # opened as a pipe
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)


@contextmanager
def stdio_server(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> Iterator[StdioServer]:
    """Start a server and end it afterwards."""
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | dict(environment or {}),  # noqa: TID251  # handed on whole
        start_new_session=True,
    ) as process:
        try:
            yield StdioServer(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it started holds its output open


@dataclass(frozen=True, slots=True)
class Launch:
    """How a process is started."""

    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)


class ProcessPerTenant:
    """A session of servers that hold one login each: one process for each tenant."""

    def __init__(self, servers: Mapping[Tenant, StdioServer], tool: str, argument: str) -> None:
        self._servers = servers
        self._tool = tool
        self._argument = argument

    def run(self, tenant: Tenant, sql: str) -> Answer:
        """Call the tool that runs SQL."""
        params = {"name": self._tool, "arguments": {self._argument: sql}}
        return answer_of(self._servers[tenant].call("tools/call", params))

    def tools(self) -> str | None:
        """Return the answer to tools/list."""
        return compact(self._servers["attacker"].call("tools/list", {})["result"])


@contextmanager
def process_per_tenant(
    start: Callable[[Tenant], Launch], *, tool: str, argument: str = "sql"
) -> Iterator[ProcessPerTenant]:
    """Start a process for each tenant."""
    with ExitStack() as stack:
        servers: dict[Tenant, StdioServer] = {}
        for tenant in TENANTS:
            launch = start(tenant)
            server = stdio_server(launch.command, launch.environment)
            servers[tenant] = stack.enter_context(server)
        yield ProcessPerTenant(servers, tool, argument)


def answer_of(response: Mapping[str, Any]) -> Answer:
    """Return the text that a model reads of a response to tools/call."""
    if "error" in response:
        return Answer(json.dumps(response["error"], ensure_ascii=False), is_error=True)
    result = response["result"]
    texts = [str(part.get("text", "")) for part in result.get("content", ())]
    if "structuredContent" in result:
        texts.append(json.dumps(result["structuredContent"], ensure_ascii=False))
    return Answer("\n".join(texts), is_error=bool(result.get("isError")))


def compact(value: Any) -> str:
    """Return JSON without spaces, as servers send it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
