"""Join the standby that reads run on; loaded only where the settings name one."""

import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from zava.composition.backends import SPARE_CONNECTIONS, database_pool
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.executor import ReadServer
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.overdue import Overdue
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.data.session.standby.routing import StandbyRouting, refusal
from zava.data.session.standby.standby_watch import StandbyWatch, beat, moment
from zava.data.usage.budgets import Budgets, ConnectionQuota
from zava.errors import ZavaError
from zava.infrastructure.local.database import EVERY_HOST
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.domain import Domain
from zava.settings import Settings, SettingsError

_MAX_WAITING = 256
_PROOF_SECONDS = 5.0
_CONNECT_SECONDS = 2  # the least that libpq takes: a call waits for it before the primary answers
# What an address of its own replaces of the primary's.
_PLACE = ("host", "hostaddr", "port", "target_session_attrs", "load_balance_hosts")


class Standby:
    """The standby of one process: which calls read there, and how it is."""

    def __init__(
        self,
        settings: Settings,
        conninfo: str,
        primary: DatabasePool,
        domain: Domain,
        *,
        signer: ContextSigner,
        trail: AuditWriter,
        budgets: Budgets,
    ) -> None:
        use_prepared = settings.prepared_statements
        self.pool = standby_pool(settings, conninfo)
        self.server = ReadServer(
            self.pool,
            IsolationCheck(self.pool, signer, domain, use_prepared=use_prepared),
            ConnectionQuota(settings.pool_max, _MAX_WAITING, time.time, spare=SPARE_CONNECTIONS),
            Overdue(self.pool, trail, use_prepared=use_prepared),
            is_standby=True,
        )
        self.routing = StandbyRouting(
            self.server, primary, trail=trail, budgets=budgets, use_prepared=use_prepared
        )
        self.watch = StandbyWatch(self.server, primary)


def standby_pool(settings: Settings, conninfo: str) -> DatabasePool:
    """Return the pool over the standby, closed until its first use; `conninfo` is the primary's.

    Raises:
        SettingsError: libpq cannot read ZAVA_REPLICA_URL.
    """
    return database_pool(
        settings, standby_conninfo(settings, conninfo), connect_seconds=_CONNECT_SECONDS
    )


def standby_conninfo(settings: Settings, conninfo: str) -> str:
    """Return the connection string of the standby.

    Every connection requests a server in recovery. `read-only` would not do: libpq compares the
    session's default, and the login's transactions only read on the primary, too.

    Raises:
        SettingsError: libpq cannot read ZAVA_REPLICA_URL.
    """
    parts: dict[str, Any] = conninfo_to_dict(conninfo)
    if settings.replica_url is not None:
        try:
            own = conninfo_to_dict(settings.replica_url)
        except psycopg.ProgrammingError:
            # No cause: libpq's words repeat what it was given, password included.
            raise SettingsError("ZAVA_REPLICA_URL: expected postgresql://host:port") from None
        if not (own.get("host") or own.get("hostaddr")):
            raise SettingsError("ZAVA_REPLICA_URL: expected the host of a standby")
        parts = {name: value for name, value in parts.items() if name not in _PLACE} | own
    return make_conninfo(**(parts | {EVERY_HOST: "standby"}))


async def standby_problems(
    settings: Settings, domain: Domain, *, conninfo: str, context_keys: Sequence[str]
) -> list[str]:
    """Return the problems of isolation on the standby; `conninfo` is the primary's.

    Raises:
        ZavaError: the standby does not answer within its bound.
        SettingsError: libpq cannot read ZAVA_REPLICA_URL.
    """
    primary, pool = database_pool(settings, conninfo), standby_pool(settings, conninfo)
    signer = ContextSigner([ContextKey.parse(text) for text in context_keys])
    check = IsolationCheck(pool, signer, domain, use_prepared=settings.prepared_statements)
    try:
        await beat(primary)
        until = time.monotonic() + _PROOF_SECONDS
        while True:
            try:
                return await check.problems()
            except (psycopg.Error, ZavaError) as error:
                if time.monotonic() > until:
                    why = refusal(error) or "no answer"
                    raise ZavaError(f"the standby cannot be verified: {why}") from error
            # What this command itself has changed on the primary has to arrive first.
            await moment()
    finally:
        await pool.close()
        await primary.close()
