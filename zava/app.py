"""The composition root: joins everything, opens nothing until the first request."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from psycopg.conninfo import make_conninfo

from zava import __version__
from zava.data.context import ContextKey, ContextSigner
from zava.data.metric_catalogue import catalogue
from zava.data.metric_reader import MetricReader
from zava.data.result_cache import ResultCache
from zava.data.retail import RetailData
from zava.data.tenancy import Tenancy
from zava.data.verification import IsolationBroken, Verification
from zava.errors import ZavaError
from zava.infrastructure.byte_store import ByteStore, MemoryStore, RedisStore
from zava.infrastructure.demo_principals import DEMO_TENANT_ID, PRINCIPALS
from zava.infrastructure.home import Home
from zava.infrastructure.local_database import named_database
from zava.infrastructure.local_issuer import (
    LOCAL_AUDIENCE,
    LOCAL_ISSUER,
    LocalIssuer,
    local_issuer_allowed,
)
from zava.infrastructure.pool import DatabasePool
from zava.protocol.endpoint import Endpoint
from zava.protocol.identity import RemoteKeys, StaticKeys, TokenAuthenticator
from zava.service.analytics import Analytics
from zava.service.periods import business_day
from zava.service.sales_analytics import SalesAnalytics
from zava.settings import Settings, SettingsError, settings

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

    from zava.protocol.console.console import Console

logger = logging.getLogger(__name__)

# The contract says under two; giving up on a silent server takes a part of a second more.
_READINESS_SECONDS = 1.2
_CONSOLE_TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class Application:
    """Everything of one process, joined and closed until used."""

    pool: DatabasePool
    verification: Verification
    tenancy: Tenancy
    cache: ResultCache
    analytics: Analytics
    endpoint: Endpoint

    async def close(self) -> None:
        """Close what was opened, in reverse; each step though another fails."""
        try:
            async with AsyncExitStack() as opened:
                opened.push_async_callback(self.pool.close)
                opened.push_async_callback(self.cache.close)
                opened.push_async_callback(self.endpoint.aclose)
        except Exception as error:
            # By its kind alone: a driver's words may name hosts and users.
            logger.error("shutdown failed: %s", type(error).__name__)  # noqa: TRY400
            raise
        logger.info("shutdown complete")


def compose(settings: Settings, *, conninfo: str, context_keys: Sequence[str]) -> Application:
    """Join the layers over one database and one issuer of tokens.

    Raises:
        SettingsError: a setting is missing or does not fit the others.
    """
    logging.getLogger("zava").setLevel(settings.log_level)
    signer = ContextSigner([ContextKey.parse(text) for text in context_keys])
    pool = DatabasePool(conninfo, max_size=settings.pool_max)
    verification = Verification(pool, signer, use_prepared=settings.prepared_statements)
    tenancy = Tenancy(
        pool,
        signer,
        verification,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        use_prepared=settings.prepared_statements,
    )
    cache = ResultCache(
        tenancy,
        _byte_store(settings),
        ttl_seconds=settings.cache_ttl_seconds,
        secret=signer.derived_key("result cache"),
        code_version=__version__,
    )
    reader = MetricReader(tenancy, cache, catalogue())
    sales = SalesAnalytics(reader, lambda: business_day(settings.today))
    analytics = Analytics(RetailData(tenancy), sales, _clock(settings))
    endpoint = Endpoint(
        make_server=lambda: _make_server(analytics, settings.website_url),
        authenticator=_authenticator(settings, conninfo),
        readiness=lambda: _readiness(verification),
        allowed_hosts=_allowed_hosts(settings),
    )
    return Application(pool, verification, tenancy, cache, analytics, endpoint)


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


def local_site(application: Application, settings: Settings, port: int) -> "Console | Endpoint":
    """Return what a server on somebody's own machine serves on its port of the loopback.

    The console stands in front where the local issuer signs; where a directory does, nobody could
    sign in to it, and there is the endpoint alone.
    """
    if settings.identity_issuer:
        return application.endpoint
    # What runs in the cloud never loads it.
    from zava.protocol.console.console import Console, Person, SignedIn

    issuer = LocalIssuer(Home(settings.home))
    callers = {principal.name: principal.caller for principal in PRINCIPALS}

    def sign_in(name: str) -> SignedIn:
        caller = callers[name]
        token = issuer.token(
            tenant_id=caller.tenant_id,
            object_id=caller.object_id,
            name=name,
            ttl_seconds=_CONSOLE_TOKEN_SECONDS,
        )
        return SignedIn(token, _CONSOLE_TOKEN_SECONDS)

    return Console(
        application.endpoint,
        port=port,
        people=[Person(each.name, each.audience.value, each.stores) for each in PRINCIPALS],
        sign_in=sign_in,
    )


def _make_server(analytics: Analytics, website: str | None) -> "Server[Any]":
    # Imported with the SDK, at the first request that needs it.
    from zava.protocol.server import build_server

    return build_server(analytics, version=__version__, website=website)


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


def _byte_store(settings: Settings) -> ByteStore:
    memory = MemoryStore(max(settings.cache_ttl_seconds, 1))
    if settings.redis_url is None:
        return memory
    return RedisStore(settings.redis_url, max(settings.cache_ttl_seconds, 1), memory)


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


async def _readiness(verification: Verification) -> tuple[int, dict[str, Any]]:
    """Say which parts work, in words that tell an anonymous caller nothing more."""
    database = isolation = "healthy"
    try:
        async with asyncio.timeout(_READINESS_SECONDS):
            await verification.refresh()
    except IsolationBroken:
        isolation = "unhealthy"
    except (ZavaError, TimeoutError):
        database, isolation = "unhealthy", "unknown"
    is_ready = database == isolation == "healthy"
    return (200 if is_ready else 503), {
        "status": "healthy" if is_ready else "unhealthy",
        "checks": {"database": database, "isolation": isolation, "embeddings": "not configured"},
    }
