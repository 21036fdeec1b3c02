"""No statement that the guard lets run holds its backend long past the deadline, or much memory."""

import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from tests.security.endless import Endless
from tests.support.servers.database import Database
from tests.support.servers.pgbouncer import is_asked_for
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import QueryRefused, ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.declaration import RETAIL

DEADLINE_SECONDS, FREE_WITHIN_SECONDS = 1, 2.0
MAX_RESIDENT_KB = 900_000
SECONDS = float(os.environ.get("ZAVA_TEST_SECONDS", "600"))  # noqa: TID251  # of the tests
_RESIDENT = re.compile(r"VmHWM:\s+(\d+) kB")
_ACTIVE = (
    "SELECT pid, extract(epoch FROM clock_timestamp() - query_start)::float8 FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = 'zava_server' AND state = 'active'"
)


class Runner:
    """Runs statements with a short deadline and watches the backends."""

    def __init__(self, data: FreeQuery, caller: Caller, watcher: psycopg.AsyncConnection) -> None:
        self._data = data
        self._caller = caller
        self._watcher = watcher
        self.outcomes: Counter[str] = Counter()
        self.slowest = 0.0

    async def run(self, sql: str) -> None:
        started = time.monotonic()
        try:
            await self._data.run(self._caller, sql, max_rows=3)
        except QueryRefused:
            self.outcomes["refused"] += 1
            return
        except ZavaError as error:
            self.outcomes[error.code] += 1
        else:
            self.outcomes["answered"] += 1
        await self._wait_until_free(sql)
        self.slowest = max(self.slowest, time.monotonic() - started)

    async def _wait_until_free(self, sql: str) -> None:
        while True:
            rows = await (await self._watcher.execute(_ACTIVE)).fetchall()
            if not rows:
                return
            for pid, seconds in rows:
                assert seconds < DEADLINE_SECONDS + FREE_WITHIN_SECONDS, sql
                resident = _RESIDENT.search(_status(pid))
                assert resident is None or int(resident[1]) < MAX_RESIDENT_KB, sql
            await self._watcher.execute("SELECT pg_sleep(0.02)")


def _status(pid: int) -> str:
    path = Path(f"/proc/{pid}/status")
    return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture
async def runner(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> AsyncIterator[Runner]:
    if is_asked_for():
        pytest.fail("run this one without a pooler")
    pool = DatabasePool(database.server, max_size=1)
    tenancy = TenantDatabase(
        pool,
        signer,
        IsolationCheck(pool, signer, RETAIL),
        statement_timeout_seconds=DEADLINE_SECONDS,
    )
    async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as watcher:
        yield Runner(FreeQuery(tenancy, RETAIL), callers["seattle"], watcher)
    await pool.close()


@pytest.mark.slow
async def test_made_statements_free_their_backend_in_time(runner: Runner) -> None:
    statements = Endless(20261130).statements()
    while runner.outcomes["answered"] < 20:
        await runner.run(next(statements))
    assert runner.outcomes["refused"] > 0


@pytest.mark.long
async def test_made_statements_free_their_backend_in_time_for_minutes(runner: Runner) -> None:
    until = time.monotonic() + SECONDS
    seed = time.time_ns()
    print(f"\nseed {seed}")
    statements = Endless(seed).statements()
    while time.monotonic() < until:
        await runner.run(next(statements))
    print(f"{dict(runner.outcomes)}, the slowest took {runner.slowest:.1f} s")
