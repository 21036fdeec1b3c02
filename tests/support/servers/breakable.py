"""A PostgreSQL of one's own to stop, kill and fill; and what is asked of an app over it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.support.servers.database import Cluster, Database
from tests.support.suite.patience import patient
from zava.app import Application, compose
from zava.cli.client import call_tool
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.pool import DatabasePool
from zava.protocol.tools.tool import ERROR_META
from zava.retail.demo.dataset import seed
from zava.retail.demo.principals import grant_demo_principals
from zava.settings import Settings

TODAY = date(2026, 6, 30)
# What a caller may be told while a part is broken; all else has to be a right answer.
TOLD_TO_COME_BACK = frozenset({"BUSY", "QUERY_TIMEOUT"})


@dataclass(frozen=True)
class Breakable:
    """An embedded server with one seeded database."""

    server: EmbeddedServer
    database: Database

    def restart(self) -> None:
        """Stop the server as an administrator does, and start it again."""
        self.server.stop()
        self.server.start()

    def kill_postmaster(self) -> None:
        """End the server's first process with SIGKILL, and start it again."""
        victim = self._postmaster()
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait(patient(5))
        self.server.start()

    def kill_backend(self) -> None:
        """End one of the app's backends with SIGKILL: the server then ends all and recovers."""
        for child in self._postmaster().children():
            if "zava_server" in " ".join(child.cmdline()):
                os.kill(child.pid, signal.SIGKILL)
                return

    def end_backends(self) -> None:
        """End every backend of the app in order, as an administrator does."""
        with psycopg.connect(self.database.superuser, autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'zava_server'"
            )

    def backends(self) -> int:
        """Return how many connections the app holds."""
        with psycopg.connect(self.database.superuser, autocommit=True) as owner:
            row = owner.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'zava_server'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def _postmaster(self) -> psutil.Process:
        with psycopg.connect(self.database.superuser, autocommit=True) as owner:
            return psutil.Process(psutil.Process(owner.info.backend_pid).ppid())


@contextmanager
def breakable(path: Path, *, scale: float) -> Iterator[Breakable]:
    """Start a server in a directory and seed a database on it."""
    server = EmbeddedServer(StateDirectory(path), fast=True)
    server.start()
    try:
        cluster = Cluster(server.superuser_url())
        with psycopg.connect(cluster.template.admin, autocommit=True) as connection:
            # What was committed outlives a killed server; only the machine's own end may lose it.
            connection.execute("ALTER ROLE zava_server SET synchronous_commit = on")
            seed(connection, scale=scale, today=TODAY, progress=lambda *_: None)
            grant_demo_principals(connection)
        yield Breakable(server, cluster.template)
    finally:
        server.stop()


@asynccontextmanager
async def application_over(
    conninfo: str, home: StateDirectory, context_keys: list[str], **settings: Any
) -> AsyncIterator[Application]:
    """Compose the app over a connection string and close it."""
    composed = compose(
        Settings.model_validate({"ZAVA_HOME": home.path, **settings}),
        conninfo=conninfo,
        context_keys=context_keys,
    )
    try:
        yield composed
    finally:
        await composed.close()


async def ask(application: Application, token: str, sql: str) -> tuple[str, list[list[Any]]]:
    """Return the code of a free query's answer, "OK" where it is one, and its rows."""
    status, body = await call_tool(
        application.endpoint, token, "execute_sales_query", {"postgresql_query": sql}
    )
    error = body.get("error")
    if error is not None:
        told = error.get("data", {}) if isinstance(error, dict) else {}
        return str(told.get("code", f"HTTP {status}")), []
    result = body["result"]
    if result["isError"]:
        return str(result["_meta"][ERROR_META]["code"]), []
    return "OK", result["structuredContent"]["rows"]


async def nothing_is_lent(pool: DatabasePool) -> int:
    """Wait until every connection is back, and return how many rest out on their lease.

    Records and plans go on after the last answer. A lost connection never comes back.
    """
    async with asyncio.timeout(patient(10)):
        # That the pool lost no connection shows here alone.
        while pool._returning or pool._leased != len(pool._resting):
            await asyncio.gather(*pool._returning)
            await pause(0.05)
    return len(pool._resting)


async def pause(seconds: float) -> None:
    """Let time pass where its passing is the matter: a fault that lasts, a client that waits."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)
