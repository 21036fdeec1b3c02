"""What recording a call costs it, through the whole endpoint, by mode.

The same call goes in turns to three apps over one database: one keeps no record, one writes
batches, one commits each intent before the statement runs. Ratios are of medians over the rounds,
in wall time (a commit waits for the disk) and in CPU of this process, its batches included.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from statistics import median

import orjson

from bench.report import Goal, Part, table
from zava.app import Application, compose
from zava.cli.client import call_tool
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.model.core import CallRecord
from zava.retail.demo.principals import demo_callers
from zava.settings import Settings

ROUNDS, CALLS = 21, 120
GOAL = 1.05
_SQL = {"postgresql_query": "SELECT store_name, location FROM retail.stores"}


async def compare(server: str, context_key: str, home: StateDirectory) -> Part:
    """Compare calls without a record, with one in batches, and with one ahead of each."""
    caller = demo_callers()["seattle"]
    token = LocalIssuer(home).token(
        tenant_id=caller.tenant_id, object_id=caller.object_id, name="seattle"
    )
    wall: dict[str, list[float]] = {"no record": [], "best-effort": [], "required": []}
    processor: dict[str, list[float]] = {mode: [] for mode in wall}
    async with (
        _serving(server, context_key, home, "best-effort") as unrecorded,
        _serving(server, context_key, home, "best-effort") as best_effort,
        _serving(server, context_key, home, "required") as required,
    ):
        unrecorded.trail.record = _forget  # type: ignore[method-assign]  # the app without an audit
        apps = dict(zip(wall, (unrecorded, best_effort, required), strict=True))
        for round_number in range(-1, ROUNDS):
            for mode, application in apps.items():
                took, used = await _measure(application, token)
                if round_number >= 0:  # the first one warms up
                    wall[mode].append(took)
                    processor[mode].append(used)
    rows, goals = [], []
    for mode in apps:
        ratio, cpu_ratio = (
            median(mine / base for mine, base in zip(kind[mode], kind["no record"], strict=True))
            for kind in (wall, processor)
        )
        if mode == "best-effort":
            goals.append(
                Goal("audit, best-effort, CPU of a call", cpu_ratio, GOAL, is_minimum=False)
            )
        figures = f"{median(wall[mode]):.3f} | {ratio:.3f} | {median(processor[mode]):.3f}"
        rows.append(f"| {mode} | {figures} | {cpu_ratio:.3f} |")
    head = "audit | ms a call | ratio | CPU ms of the app | ratio"
    return Part("Audit", table(head, rows), tuple(goals))


def _forget(record: CallRecord) -> None:  # the trail's own signature
    """Keep no record of the call."""


@asynccontextmanager
async def _serving(
    server: str, context_key: str, home: StateDirectory, mode: str
) -> AsyncIterator[Application]:
    settings = Settings.model_validate({"ZAVA_HOME": home.path, "ZAVA_AUDIT": mode})
    application = compose(settings, conninfo=server, context_keys=[context_key])
    try:
        yield application
    finally:
        await application.close()


async def _measure(application: Application, token: str) -> tuple[float, float]:
    """Return the wall and the CPU milliseconds that a call takes, over one round."""
    started, before = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        status, body = await call_tool(application.endpoint, token, "execute_sales_query", _SQL)
        if status != HTTPStatus.OK or body["result"]["structuredContent"]["row_count"] != 1:
            raise SystemExit(f"the call failed: {orjson.dumps(body).decode()[:200]}")
    return (
        (time.perf_counter() - started) / CALLS * 1000,
        (time.process_time() - before) / CALLS * 1000,
    )
