"""The composition root: joins everything, opens nothing until the first request."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from psycopg.conninfo import make_conninfo

from zava import __version__, observe
from zava.data.context import ContextKey, ContextSigner
from zava.data.monitor import QueryMonitor
from zava.data.retail import RetailData
from zava.data.tenancy import GRACE_SECONDS, Tenancy
from zava.data.verification import IsolationBroken, Verification
from zava.errors import ZavaError
from zava.infrastructure.demo_principals import DEMO_TENANT_ID
from zava.infrastructure.home import Home
from zava.infrastructure.local_database import named_database
from zava.infrastructure.local_issuer import (
    LOCAL_AUDIENCE,
    LOCAL_ISSUER,
    LocalIssuer,
    local_issuer_allowed,
)
from zava.infrastructure.logs import adopt_host_handlers
from zava.infrastructure.metrics import Metrics
from zava.infrastructure.pool import DatabasePool
from zava.infrastructure.telemetry import Telemetry
from zava.observe import Sink
from zava.protocol.endpoint import Endpoint
from zava.protocol.identity import RemoteKeys, StaticKeys, TokenAuthenticator
from zava.service.analytics import Analytics
from zava.settings import Settings, SettingsError, settings

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

logger = logging.getLogger(__name__)

# The contract says under two; giving up on a silent server takes a part of a second more.
_READINESS_SECONDS = 1.2
_CLOSE_SECONDS = 5.0
_FLUSH_SECONDS = 3.0


@dataclass(frozen=True)
class Application:
    """Everything of one process, joined and closed until used."""

    pool: DatabasePool
    metrics: Metrics
    telemetry: Telemetry | None
    verification: Verification
    tenancy: Tenancy
    analytics: Analytics
    endpoint: Endpoint

    @property
    def sinks(self) -> tuple[Sink, ...]:
        """Return what listens to observations on behalf of this app."""
        return (self.metrics,) if self.telemetry is None else (self.metrics, self.telemetry)

    async def close(self) -> None:
        """Close what was opened, in reverse; each step though another fails."""
        try:
            async with AsyncExitStack() as opened:
                opened.callback(self._detach)
                if self.telemetry is not None:
                    close = partial(self.telemetry.close, _FLUSH_SECONDS)
                    opened.push_async_callback(asyncio.to_thread, close)
                opened.push_async_callback(self.pool.close)
                opened.push_async_callback(_bounded, self.endpoint.aclose)
        except Exception as error:
            # By its kind alone: a driver's words may name hosts and users.
            logger.error("shutdown failed: %s", type(error).__name__)  # noqa: TRY400
            raise
        logger.info("shutdown complete")

    def _detach(self) -> None:
        for sink in self.sinks:
            observe.detach(sink)


async def _bounded(close: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.timeout(_CLOSE_SECONDS):
        await close()


def compose(settings: Settings, *, conninfo: str, context_keys: Sequence[str]) -> Application:
    """Join the layers over one database and one issuer of tokens.

    Raises:
        SettingsError: a setting is missing or does not fit the others.
    """
    adopt_host_handlers(settings.log_level)
    metrics, telemetry = Metrics(), _telemetry(settings)
    signer = ContextSigner([ContextKey.parse(text) for text in context_keys])
    pool = DatabasePool(conninfo, max_size=settings.pool_max)
    verification = Verification(pool, signer, use_prepared=settings.prepared_statements)
    tenancy = Tenancy(
        pool,
        signer,
        verification,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        use_prepared=settings.prepared_statements,
        monitor=QueryMonitor(slow_seconds=settings.slow_query_seconds),
    )
    analytics = Analytics(RetailData(tenancy), _clock(settings))
    endpoint = Endpoint(
        make_server=lambda: _make_server(analytics),
        authenticator=_authenticator(settings, conninfo),
        readiness=lambda: _readiness(verification, telemetry),
        allowed_hosts=_allowed_hosts(settings),
        max_concurrent_calls=settings.max_concurrent_calls,
        call_seconds=settings.statement_timeout_seconds + GRACE_SECONDS,
    )
    application = Application(pool, metrics, telemetry, verification, tenancy, analytics, endpoint)
    for sink in application.sinks:
        observe.attach(sink)
    return application


@cache
def application() -> Application:
    """Return this process's application, joined from the environment at first use.

    Raises:
        SettingsError: names what is missing or wrong.
    """
    current = settings()
    return compose(
        current,
        conninfo=_conninfo(current),
        context_keys=current.context_keys or _local_home(current).context_keys(),
    )


def endpoint() -> Endpoint:
    """Return the endpoint that every HTTP trigger delegates to."""
    return application().endpoint


def _make_server(analytics: Analytics) -> "Server[Any]":
    # Imported with the SDK, at the first request that needs it.
    from zava.protocol.server import build_server

    return build_server(analytics, version=__version__)


def _conninfo(settings: Settings) -> str:
    if named := named_database(settings):
        return named
    if settings.pg_host:
        return make_conninfo(
            host=settings.pg_host,
            port=settings.pg_port,
            dbname=settings.pg_database,
            user=settings.pg_user,
            password=settings.pg_password,
        )
    raise SettingsError(
        "DATABASE_URL: no database is named; set DATABASE_URL or PGHOST, "
        "or start everything on this machine with `make run`"
    )


def _local_home(settings: Settings) -> Home:
    if settings.is_on_azure:
        raise SettingsError("ZAVA_CONTEXT_KEYS: required on Azure; expected id:base64")
    return Home(settings.home)


def _authenticator(settings: Settings, conninfo: str) -> TokenAuthenticator:
    if settings.identity_issuer:
        return TokenAuthenticator(
            issuer=settings.identity_issuer,
            audiences=settings.identity_audience,
            allowed_tenants=frozenset(settings.allowed_tenants),
            keys=RemoteKeys.of_issuer(settings.identity_issuer),
        )
    local_issuer_allowed(settings, conninfo)
    return TokenAuthenticator(
        issuer=LOCAL_ISSUER,
        audiences=(LOCAL_AUDIENCE,),
        allowed_tenants=frozenset({DEMO_TENANT_ID}),
        keys=StaticKeys(LocalIssuer(Home(settings.home)).jwks()),
    )


def _allowed_hosts(settings: Settings) -> tuple[str, ...]:
    platform = (settings.website_hostname,) if settings.website_hostname else ()
    return platform + settings.allowed_hosts


def _clock(settings: Settings) -> Callable[[], datetime]:
    def now() -> datetime:
        moment = datetime.now(UTC)
        if settings.today is None:
            return moment
        return datetime.combine(settings.today, moment.timetz())

    return now


def _telemetry(settings: Settings) -> Telemetry | None:
    if not settings.sends_telemetry:
        return None
    return Telemetry(
        settings.telemetry_connection_string or "", client_id=settings.telemetry_client_id
    )


async def _readiness(
    verification: Verification, telemetry: Telemetry | None
) -> tuple[int, dict[str, Any]]:
    """Say which parts work, in words that tell an anonymous caller nothing more."""
    database = isolation = "healthy"
    try:
        async with asyncio.timeout(_READINESS_SECONDS):
            await verification.refresh()
    except IsolationBroken:
        isolation = "unhealthy"
    except (ZavaError, TimeoutError):
        database, isolation = "unhealthy", "unknown"
    checks = {"database": database, "isolation": isolation, "embeddings": "not configured"}
    if telemetry is not None:
        checks["telemetry"] = "failing" if telemetry.is_failing else "healthy"
    if not database == isolation == "healthy":
        return 503, {"status": "unhealthy", "checks": checks}
    is_whole = checks.get("telemetry") != "failing"
    return 200, {"status": "healthy" if is_whole else "degraded", "checks": checks}
