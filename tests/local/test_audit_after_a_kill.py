"""A server is killed under load: which of the calls that it answered does the audit know?"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.answers.rpc import MODERN, request
from tests.support.products.laptop import Laptop, free_port
from tests.support.servers.database import SERVER_PASSWORD, Database
from tests.support.suite.patience import patient
from zava.data.session.audit_writer import BATCH_RECORDS, BATCH_SECONDS
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.retail.demo.principals import demo_callers

CALLS = int(os.environ.get("ZAVA_TEST_CALLS", "600"))  # noqa: TID251  # `make check-long`: 10,000
CLIENTS = 8
SLACK_SECONDS = 1.0  # a batch on its way, and two clocks
SQL = {"postgresql_query": "SELECT count(*) FROM retail.inventory"}


@contextmanager
def serving(
    directory: Path, database: Database, context_keys: list[str], mode: str
) -> Iterator[Laptop]:
    """A process of its own over the test's database."""
    laptop = Laptop(directory / "home", free_port())
    laptop.home.mkdir()
    (laptop.home / "zava_server").write_text(SERVER_PASSWORD)
    laptop.environment = {
        "DATABASE_URL": database.server,
        "ZAVA_CONTEXT_KEYS": context_keys[0],
        "ZAVA_AUDIT": mode,
    }
    laptop.start("serve", until=f"Serving {laptop.base_url}/mcp until Ctrl-C.")
    try:
        yield laptop
    finally:
        laptop.kill()


@asynccontextmanager
async def clients(laptop: Laptop) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(
        base_url=laptop.base_url, limits=limits, timeout=patient(20)
    ) as client:
        yield client


async def answered_until_killed(laptop: Laptop, token: str) -> tuple[dict[str, float], float]:
    """Call under load, kill the server in the middle; return when each call was answered."""
    answered: dict[str, float] = {}
    numbers = iter(range(CALLS))
    killed_at = float("inf")

    async def call(client: httpx.AsyncClient) -> None:
        nonlocal killed_at
        for number in numbers:
            name = f"call-{number}"
            headers, body = request(
                MODERN, "tools/call", {"name": "execute_sales_query", "arguments": SQL}, token
            )
            body = body.replace(b'"name":"tests"', f'"name":"{name}"'.encode())
            try:
                answer = await client.post("/mcp", headers=headers, content=body)
            except httpx.HTTPError:
                return
            content: Any = answer.json()["result"]
            assert not content["isError"], content
            answered[name] = time.time()
            if len(answered) == CALLS // 2:
                killed_at = time.time()
                laptop.kill()

    async with clients(laptop) as client:
        await asyncio.gather(*(call(client) for _ in range(CLIENTS)))
    return answered, killed_at


def recorded(database: Database) -> set[str]:
    with psycopg.connect(database.owner) as owner:
        rows = owner.execute("SELECT DISTINCT client_name FROM zava.audit_log").fetchall()
    return {row[0] for row in rows}


@pytest.mark.requirement("S65")
@pytest.mark.parametrize("mode", ["required", "best-effort"])
async def test_killed_server_has_recorded_what_its_mode_promises(
    tmp_path: Path, seeded_clone: Database, context_keys: list[str], mode: str
) -> None:
    caller = demo_callers()["seattle"]
    with serving(tmp_path, seeded_clone, context_keys, mode) as laptop:
        token = LocalIssuer(StateDirectory(laptop.home), laptop.port).token(
            tenant_id=caller.tenant_id, object_id=caller.object_id, name="seattle"
        )
        answered, killed_at = await answered_until_killed(laptop, token)
    assert CALLS // 2 <= len(answered) < CALLS, "the server was killed in the middle"
    missing = answered.keys() - recorded(seeded_clone)
    if mode == "required":
        assert not missing
        return
    assert len(missing) <= 2 * BATCH_RECORDS + CLIENTS
    assert len(missing) < len(answered), "some were written before"
    window = BATCH_SECONDS + SLACK_SECONDS
    assert all(killed_at - answered[name] <= window for name in missing)
