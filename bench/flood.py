"""What one principal's flood does to another principal's latency, over HTTP.

A server of its own, a client in another process that calls as fast as it is answered, and the
second principal, who calls at a person's pace. Run as a module, it is the flood.
"""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from statistics import median, quantiles

import orjson

from bench.report import Goal, Part, table
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.retail.demo.principals import demo_callers

CALLS, CONNECTIONS, CALLS_PER_MINUTE = 120, 8, 600
PACE_SECONDS = 0.02
PAIRS = (("seattle", "redmond"), ("tacoma", "kirkland"), ("spokane", "everett"))
"""Who floods, and beside whom."""

GOAL = 1.5
_SQL = "SELECT count(*), sum(total_amount) FROM retail.orders WHERE status = 'pending'"


class Client:
    """One kept HTTP connection."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        arguments = {"postgresql_query": _SQL}
        params = {"name": "execute_sales_query", "arguments": arguments, "_meta": meta}
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        self._request = (
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            "accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n"
            "mcp-method: tools/call\r\nmcp-name: execute_sales_query\r\n"
            f"authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body

    async def open(self) -> None:
        """Connect, as soon as the server listens."""
        never = asyncio.Event()
        for _ in range(200):
            try:
                opened = await asyncio.open_connection("127.0.0.1", self._port)
            except ConnectionRefusedError:
                with suppress(TimeoutError):
                    await asyncio.wait_for(never.wait(), PACE_SECONDS)
            else:
                self._reader, self._writer = opened
                return
        raise SystemExit("the server does not listen")

    async def call(self) -> int:
        """Make one call and return its status."""
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await self._reader.readexactly(length)
        return int(head[9:12])


async def compare(server: str, context_key: str, home: StateDirectory) -> Part:
    """Compare the second principal's latency beside the flood with a quiet moment before it."""
    budget = {"ZAVA_BUDGET_CALLS_PER_MINUTE": str(CALLS_PER_MINUTE)}
    rows, ratios = [], []
    for flooder, neighbour in PAIRS:
        # A server and two principals of its own each time: budgets are counted by the minute.
        async with serving(server, context_key, home, budget) as port:
            tokens = tokens_for(home, port)
            quiet, beside, refused = await _spell(port, tokens[flooder], tokens[neighbour])
        ratios.append(beside / quiet)
        rows.append(f"| {refused} | {quiet:.2f} | {beside:.2f} | {ratios[-1]:.2f} |")
    head = f"a flood of {CONNECTIONS} connections | neighbour's p95, quiet ms | beside it | ratio"
    goal = Goal("neighbour's p95 beside another's flood, ×", median(ratios), GOAL, is_minimum=False)
    note = f"The goal is judged by the median of the {len(ratios)} ratios."
    return Part("Flood", f"{table(head, rows)}\n\n{note}", (goal,))


def tokens_for(home: StateDirectory, port: int) -> dict[str, str]:
    """Return a token of each demo principal for the server on this port."""
    issuer = LocalIssuer(home, port)
    return {
        name: issuer.token(tenant_id=caller.tenant_id, object_id=caller.object_id, name=name)
        for name, caller in demo_callers().items()
    }


async def _spell(port: int, flooding: str, calling: str) -> tuple[float, float, str]:
    """Return the neighbour's p95 in quiet and beside the flood, and how that was answered."""
    neighbour = Client(port, calling)
    await neighbour.open()
    await p95(neighbour)
    quiet = await p95(neighbour)
    flood = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.flood", str(port), flooding, stdout=asyncio.subprocess.PIPE
    )
    assert flood.stdout is not None  # noqa: S101  # piped above
    try:
        await flood.stdout.readline()  # it has begun
        beside = await p95(neighbour)
    finally:
        flood.terminate()
    refused = (await flood.stdout.read()).decode().strip()
    await flood.wait()
    return quiet, beside, refused


@asynccontextmanager
async def serving(
    server: str, context_key: str, home: StateDirectory, settings: Mapping[str, str]
) -> AsyncIterator[int]:
    """Lend a server process with these settings beside its own; give its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {
        "DATABASE_URL": server,
        "ZAVA_CONTEXT_KEYS": context_key,
        "ZAVA_HOME": str(home.path),
        "PORT": str(port),
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "zava",
        "serve",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None  # noqa: S101  # piped above
    await process.stdout.readline()
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


async def p95(client: Client) -> float:
    """Return the 95th percentile of calls at a person's pace, in ms."""
    took: list[float] = []
    never = asyncio.Event()
    while len(took) < CALLS:
        started = time.perf_counter()
        status = await client.call()
        if status != HTTPStatus.OK:
            raise SystemExit(f"the neighbour's call was answered {status}")
        took.append((time.perf_counter() - started) * 1000)
        with suppress(TimeoutError):
            await asyncio.wait_for(never.wait(), PACE_SECONDS)
    return quantiles(took, n=20)[-1]


async def _flood(port: int, token: str) -> None:
    statuses: dict[int, int] = {}
    clients = [Client(port, token) for _ in range(CONNECTIONS)]

    async def call_on(client: Client) -> None:
        await client.open()
        while True:
            status = await client.call()
            statuses[status] = statuses.get(status, 0) + 1

    calls = [asyncio.ensure_future(call_on(client)) for client in clients]
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(15, ended.set)
    print("flooding", flush=True)
    await ended.wait()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    told = ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))
    print(told, flush=True)


if __name__ == "__main__":
    asyncio.run(_flood(int(sys.argv[1]), sys.argv[2]))
