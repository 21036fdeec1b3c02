"""What 80 connections of one principal do to another principal's latency, shape by shape.

The crowd is wrk, which takes little of the cores. Beside each ratio stands a control: the same
crowd on a second server process over the same database. It shows what the machine's cores and
the database cost by themselves, without the one process that both principals share.
"""

import asyncio
import json
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.cluster import Ground
from bench.flood import Client, p95, serving
from bench.load import lua_table, lua_text
from bench.report import Goal, Part, spread, table

CONNECTIONS, ROUNDS, LONGEST_SECONDS = 80, 3, 600
GOAL = 2.0
_LUA = Path(__file__).with_name("crowd.lua")
_SETTLE_SECONDS = 1.0
_LONG = (
    "SELECT count(*) FROM generate_series(1, 1000000) AS n, generate_series(1, 40) AS m"
    " WHERE md5(n::text || m::text) = 'x'"
)
_ROWS = "SELECT * FROM retail.orders LIMIT 1000"
_REFUSED = "SELECT pg_sleep(1), o.order_id FROM retail.orders AS o WHERE o.status = 'pending'"
_FIGURES = {"metrics": ["net_revenue"], "group_by": ["month"], "period": "last_12_months"}
_STATEMENT = "execute_sales_query"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the crowd asks, and the settings of the server that it asks."""

    name: str
    tool: str
    arguments: Mapping[str, Any]
    settings: Mapping[str, str] = field(default_factory=dict)
    is_known: bool = True
    method: str = "tools/call"


def _free(sql: str) -> dict[str, Any]:
    return {"postgresql_query": sql}


SHAPES = (
    Shape("a statement of 30 s", _STATEMENT, _free(_LONG)),
    Shape("query_metrics", "query_metrics", _FIGURES),
    Shape("a deadline of 2 s", _STATEMENT, _free(_LONG), {"ZAVA_STATEMENT_TIMEOUT_SECONDS": "2"}),
    Shape("statements that the guard refuses", _STATEMENT, _free(_REFUSED)),
    Shape(
        "long statements that the guard refuses",
        _STATEMENT,
        _free(_REFUSED + " AND o.total_amount IN (" + ", ".join(map(str, range(2000))) + ")"),
    ),
    Shape("lists of the tools", "", {}, method="tools/list"),
    Shape("lists of the prompts, by the SDK", "", {}, method="prompts/list"),
    Shape("answers of 1,000 rows", _STATEMENT, _free(_ROWS) | {"max_rows": 1000}),
    Shape("requests without a valid token", _STATEMENT, _free("SELECT 1"), is_known=False),
)


async def compare(ground: Ground, only: str = "") -> Part:
    """Compare the neighbour's latency beside each crowd with a quiet moment before it."""
    rows, worst = [], 0.0
    for shape in SHAPES:
        if only in shape.name:
            shared, control = await _compare(ground, shape)
            worst = max(worst, median(shared.ratios))
            rows.append(f"| {shape.name} | {shared.row()} | {control.row()} |")
            print(rows[-1], flush=True)
    head = (
        f"a crowd of {CONNECTIONS} connections | answers a second (served)"
        " | neighbour's p95, × quiet | control: answers a second (served) | control: p95, × quiet"
    )
    goal = Goal("neighbour's p95 beside a crowd, ×", worst, GOAL, is_minimum=False)
    return Part("Crowds", table(head, rows), (goal,))


class _Told:
    """What the rounds of one shape brought."""

    def __init__(self) -> None:
        self.ratios: list[float] = []
        self.rate = ""

    def row(self) -> str:
        return f"{self.rate} | {spread(self.ratios)}"


async def _compare(ground: Ground, shape: Shape) -> tuple[_Told, _Told]:
    shared, control = _Told(), _Told()
    async with (
        serving(ground.server, ground.context_key, ground.home, shape.settings) as port,
        serving(ground.server, ground.context_key, ground.home, shape.settings) as other,
    ):
        neighbour = Client(port, ground.token("redmond", port))
        await neighbour.open()
        await p95(neighbour)
        for _ in range(ROUNDS):  # in turns: the machine's other work falls on all alike
            for told, asked in ((shared, port), (control, other)):
                quiet = await p95(neighbour)
                async with _crowd(ground, shape, asked) as rate:
                    beside = await p95(neighbour)
                told.ratios.append(beside / quiet)
                (told.rate,) = rate
                await _pause(_SETTLE_SECONDS)
    return shared, control


async def _pause(seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


@asynccontextmanager
async def _crowd(ground: Ground, shape: Shape, port: int) -> AsyncIterator[list[str]]:
    headers, body = _request(
        shape, ground.token("seattle", port) if shape.is_known else "e30.e30.e30"
    )
    told: list[str] = []
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(
            f"REQUEST_HEADERS = {lua_table(headers)}\nREQUEST_BODY = {lua_text(body)}\n"
            + _LUA.read_text(encoding="utf-8")
        )
        file.flush()
        wrk = await asyncio.create_subprocess_exec(
            *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{LONGEST_SECONDS}s", "--timeout", "60s"),
            *("-s", file.name, f"http://127.0.0.1:{port}/mcp"),
            stdout=subprocess.PIPE,
        )
        assert wrk.stdout is not None  # noqa: S101  # piped above
        try:
            await _pause(_SETTLE_SECONDS / 2)
            yield told
        finally:
            wrk.send_signal(signal.SIGINT)
            figures = json.loads((await wrk.stdout.read()).decode().strip().splitlines()[-1])
            await wrk.wait()
            told.append(
                f"{figures['answered'] / figures['seconds']:,.0f}"
                f" ({figures['served'] / figures['seconds']:,.0f})"
            )


def _request(shape: Shape, token: str) -> tuple[dict[str, str], str]:
    era = "2026-07-28"
    meta = {
        "io.modelcontextprotocol/protocolVersion": era,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params: dict[str, Any] = {"_meta": meta}
    headers = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": era,
        "Mcp-Method": shape.method,
        "Authorization": f"Bearer {token}",
    }
    if shape.tool:
        params |= {"name": shape.tool, "arguments": dict(shape.arguments)}
        headers["Mcp-Name"] = shape.tool
    body = {"jsonrpc": "2.0", "id": 1, "method": shape.method, "params": params}
    return headers, json.dumps(body)
