"""Zava's server, and its seal alone: the executor without the guard in front."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson

from bench.candidates import zava
from bench.isolation.answers import Answer, Session, Subject, Tenant
from bench.isolation.databases import DEADLINE_SECONDS, Databases
from bench.isolation.http_client import http_server
from zava import __version__
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.audiences import CUSTOMERS_READ, SQL_QUERY
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers

_PEOPLE: dict[Tenant, str] = {"attacker": "seattle", "neighbour": "redmond"}
_PERMISSIONS = frozenset({SQL_QUERY, CUSTOMERS_READ})
_FACTS = {
    "context": "zava.context",
    "forged": "0" * 64 + "{other}",
    "role": "head_office",
    "login": "zava_server",
}


@contextmanager
def start(databases: Databases) -> Iterator[Session]:
    """Start the server with its defaults and the benchmark's deadline."""
    tokens = {tenant: databases.ground.token(name) for tenant, name in _PEOPLE.items()}
    environment = {"ZAVA_STATEMENT_TIMEOUT_SECONDS": str(DEADLINE_SECONDS)}
    ours = zava(databases.ground, databases.ground.server)
    with http_server(ours, environment, tokens) as session:
        yield session


class SealAlone:
    """The executor of each call, without the guard."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._pool, self._tenancy = self._await(self._open())

    def run(self, tenant: Tenant, sql: str) -> Answer:
        """Run a statement as the store's manager."""
        caller = replace(demo_callers()[_PEOPLE[tenant]], permissions=_PERMISSIONS)
        try:
            table = self._await(self._tenancy.run(caller, sql, max_rows=1000))
        except ZavaError as error:
            return Answer(str(error.to_dict()), is_error=True)
        except (UnicodeError, ValueError) as error:
            return Answer(str(error), is_error=True)
        return Answer(orjson.dumps(table.rows, default=str).decode())

    def tools(self) -> str | None:
        """Return None: this is no server."""
        return None

    def close(self) -> None:
        """Close the pool."""
        self._await(self._tenancy.close())
        self._await(self._pool.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> tuple[DatabasePool, TenantDatabase]:
        pool = DatabasePool(self._databases.ground.server, max_size=1)
        signer = self._databases.ground.signer
        check = IsolationCheck(pool, signer, RETAIL)
        return pool, TenantDatabase(pool, signer, check, statement_timeout_seconds=DEADLINE_SECONDS)

    def _await(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextmanager
def start_seal(databases: Databases) -> Iterator[Session]:
    """Open the pool of the server's login."""
    session = SealAlone(databases)
    try:
        yield session
    finally:
        session.close()


SUBJECTS = (
    Subject(
        name="zava-seal",
        version=__version__,
        deployment="the seal alone: one login, the guard off",
        start=start_seal,
        neighbour_login=lambda databases: databases.ground.server,
        database="zava",
        is_ours=True,
        facts=_FACTS,
    ),
    Subject(
        name="zava",
        version=__version__,
        deployment="the server with its defaults: one login, seal and guard",
        start=start,
        neighbour_login=lambda databases: databases.ground.server,
        database="zava",
        is_ours=True,
        facts=_FACTS,
    ),
)
