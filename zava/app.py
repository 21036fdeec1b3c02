"""The composition root: joins everything, opens nothing until the first request."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from math import inf
from typing import TYPE_CHECKING

from zava import __version__
from zava.composition.backends import (
    SPARE_CONNECTIONS,
    byte_store,
    conninfo_of,
    database_pool,
    embedders,
    local_home,
    make_sums_refresh,
    standby_of,
    telemetry_of,
)
from zava.composition.health import readiness
from zava.composition.identity import authenticator_of, local_sign_in, own_issuer
from zava.composition.retail_parts import (
    clock_of,
    make_linter,
    make_products,
    make_sales,
    make_server,
    read_quality,
    stores_today,
)
from zava.data.guard.analysis import ParsingTurns
from zava.data.metrics.result_cache import ResultCache
from zava.data.order_watch import OrderWatch
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.executor import GRACE_SECONDS
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.data.usage.budgets import Budget, Budgets
from zava.data.usage.query_stats import QueryStatsCollector
from zava.infrastructure.embeddings.query_cache import QueryVectors
from zava.infrastructure.local.token_issuer import LocalIssuerRefused
from zava.infrastructure.postgres.pool import DatabasePool
from zava.infrastructure.telemetry.aggregator import InstrumentAggregator
from zava.infrastructure.telemetry.app_insights import Telemetry
from zava.infrastructure.telemetry.json_logs import adopt_host_handlers, call_of_host
from zava.protocol.auth.tokens import TrustedIssuer
from zava.protocol.capacity.process_time import ProcessTime
from zava.protocol.http.endpoint import Endpoint, SigningIn
from zava.protocol.http.unserved import interrupted, not_started
from zava.protocol.http_responses import HttpResponse
from zava.protocol.mcp.fast_path import FastPath
from zava.protocol.tools.runner import ToolCalls
from zava.retail.declaration import RETAIL
from zava.retail.service.use_cases import RetailAnalytics
from zava.retail.tools.registry import TOOLS
from zava.settings import Settings, SettingsError, settings
from zava.telemetry import events, redaction, sinks
from zava.telemetry.instruments import declare_operations
from zava.telemetry.sinks import Sink

if TYPE_CHECKING:
    from zava.composition.directory_sign_in import DirectorySignIn
    from zava.composition.replica import Standby
    from zava.protocol.console.console import Console
    from zava.protocol.console.console_calls import ConsoleCalls

logger = logging.getLogger(__name__)

_CLOSE_SECONDS = 5.0
_FLUSH_SECONDS = 3.0


@dataclass(frozen=True)
class Application:
    """Everything of one process, joined and closed until used."""

    pool: DatabasePool
    metrics: InstrumentAggregator
    telemetry: Telemetry | None
    vectors: QueryVectors
    verification: IsolationCheck
    trail: AuditWriter
    tenancy: TenantDatabase
    cache: ResultCache
    analytics: RetailAnalytics
    endpoint: Endpoint
    end_refresh: Callable[[], Awaitable[None]]
    make_console_calls: "Callable[[], ConsoleCalls]"
    administrator: str = field(repr=False)
    standby: "Standby | None" = None

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
                if self.standby is not None:
                    opened.push_async_callback(self.standby.pool.close)
                opened.push_async_callback(self.tenancy.close)
                opened.push_async_callback(self.end_refresh)
                opened.push_async_callback(self.trail.close)
                opened.push_async_callback(self.cache.close)
                opened.push_async_callback(self.vectors.close)
                opened.push_async_callback(_bounded, self.endpoint.aclose)
        except Exception as error:
            # By its kind alone: a driver's words may name hosts and users.
            logger.error("shutdown failed: %s", type(error).__name__)  # noqa: TRY400  # a traceback may name hosts and users
            raise
        logger.info("shutdown complete")

    def _detach(self) -> None:
        for sink in self.sinks:
            sinks.detach(sink)


async def _nothing() -> None:
    """Close nothing: what was not made need not be closed."""


async def _bounded(close: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.timeout(_CLOSE_SECONDS):
        await close()


def compose(
    settings: Settings,
    *,
    conninfo: str,
    context_keys: Sequence[str],
    administrator: str | None = None,
) -> Application:
    """Join the layers over one database and one issuer of tokens.

    `administrator` is the connection string that reads the grants, for a laptop's sign-in page.

    Raises:
        SettingsError: a setting is missing or does not fit the others.
    """
    adopt_host_handlers(settings.log_level)
    declare_operations(TOOLS)
    metrics, telemetry = InstrumentAggregator(), telemetry_of(settings)
    signer = ContextSigner([ContextKey.parse(text) for text in context_keys])
    pool = database_pool(settings, conninfo)
    verification = IsolationCheck(pool, signer, RETAIL, use_prepared=settings.prepared_statements)
    budgets = Budgets(
        Budget(
            settings.calls_at_once,
            settings.calls_per_minute,
            settings.database_seconds_per_hour,
        ),
        connections=settings.pool_max,
        spare=SPARE_CONNECTIONS,
    )
    trail = AuditWriter(
        pool,
        is_required=settings.is_audit_required,
        use_prepared=settings.prepared_statements,
    )
    standby = standby_of(settings, conninfo, pool, RETAIL, signer, trail, budgets)
    tenancy = TenantDatabase(
        pool,
        signer,
        verification,
        trail=trail,
        budgets=budgets,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        use_prepared=settings.prepared_statements,
        monitor=QueryStatsCollector(slow_seconds=settings.slow_query_seconds),
        standby=standby.routing if standby else None,
    )
    watch = OrderWatch(pool, hours=settings.late_orders_hours)
    cache = ResultCache(
        tenancy,
        byte_store(settings),
        ttl_seconds=settings.cache_ttl_seconds,
        secret=signer.derived_key("result cache"),
        code_version=__version__,
    )
    sums = lru_cache(1)(lambda: make_sums_refresh(pool))
    vectors = QueryVectors(embedders(settings))
    process_time = ProcessTime()
    analytics = RetailAnalytics(
        FreeQuery(
            tenancy,
            RETAIL,
            most_rows=settings.statement_cost_limit or inf,
            turns=ParsingTurns(process_time.charge),
            make_linter=make_linter,
        ),
        make_sales=lambda: make_sales(tenancy, cache, settings, sums()),
        make_products=lambda: make_products(tenancy, vectors),
        read_quality=lambda caller: read_quality(tenancy, caller),
        clock=clock_of(settings),
        today=lambda: stores_today(settings),
    )
    access_keys = signer.derived_keys("sign-in access tokens")
    own = own_issuer(settings, access_keys)
    make_sign_in: Callable[[], SigningIn] | None = None
    if own is not None:
        make_sign_in = lru_cache(1)(
            lambda: _directory_sign_in(settings, own, pool, signer, access_keys)
        )
    elif settings.identity_issuer is None:
        # The authenticator has refused a laptop's issuer where it may not be.
        make_sign_in = lru_cache(1)(lambda: local_sign_in(settings, administrator or conninfo))
    make_calls = lru_cache(1)(
        lambda: _console_calls(
            analytics, trail, pool, signer, budgets, is_streamed=not settings.is_on_azure
        )
    )
    served = Endpoint(
        name=RETAIL.name,
        make_server=lambda: make_server(analytics, trail, settings.website_url),
        fast_path=FastPath(
            ToolCalls(analytics, trail),
            TOOLS,
            RETAIL,
            version=__version__,
            website=settings.website_url,
        ),
        authenticator=authenticator_of(settings, conninfo, own, RETAIL.permissions),
        readiness=lambda: readiness(
            verification, analytics, telemetry, watch, standby.watch if standby else None
        ),
        allowed_hosts=settings.public_hosts,
        is_vouched=settings.is_authenticated_by_platform,
        count_request=budgets.count_request,
        process_time=process_time,
        max_concurrent_calls=settings.max_concurrent_calls,
        call_seconds=settings.statement_timeout_seconds + GRACE_SECONDS,
        make_sign_in=make_sign_in,
        make_console=lru_cache(1)(lambda: _hosted_console(settings, served, make_calls()))
        if settings.console
        else None,
    )
    application = Application(
        pool,
        metrics,
        telemetry,
        vectors,
        verification,
        trail,
        tenancy,
        cache,
        analytics,
        served,
        lambda: sums().close() if sums.cache_info().currsize else _nothing(),
        make_calls,
        administrator or conninfo,
        standby,
    )
    for sink in application.sinks:
        sinks.attach(sink)
    return application


async def isolation_problems(
    settings: Settings, *, conninfo: str, context_keys: Sequence[str]
) -> list[str]:
    """Return the problems of isolation in one database, without any other part of the app.

    Raises:
        psycopg.Error: the database did not answer.
    """
    pool = database_pool(settings, conninfo)
    signer = ContextSigner([ContextKey.parse(text) for text in context_keys])
    try:
        return await IsolationCheck(
            pool, signer, RETAIL, use_prepared=settings.prepared_statements
        ).problems()
    finally:
        await pool.close()


@cache
def application() -> Application:
    """Return this process's application, joined from the environment at first use.

    Raises:
        SettingsError: names what is missing or wrong.
    """
    return application_of(settings())


def application_of(chosen: Settings) -> Application:
    """Return an application over the database that settings name.

    Raises:
        SettingsError: names what is missing or wrong.
    """
    return compose(
        chosen,
        conninfo=conninfo_of(chosen),
        context_keys=chosen.context_keys or local_home(chosen).context_keys(),
    )


def endpoint() -> Endpoint:
    """Return the endpoint that every HTTP trigger delegates to."""
    return application().endpoint


async def answer_request(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: str = "",
    *,
    since: float | None = None,
) -> HttpResponse:
    """Answer one HTTP trigger; never raises, even if the settings do not let the app start.

    The host would answer an exception with an empty 500, and a cancellation not at all. `since` is
    when the request arrived, of `time.monotonic`.
    """
    with call_of_host():
        try:
            served = endpoint()
        except (SettingsError, LocalIssuerRefused) as error:
            # Sentences of ours, which name settings and none of their values.
            logger.critical("not started: %s", error)
            return not_started(path, f"this server is not configured: {error}")
        except Exception as error:  # noqa: BLE001  # the edge, as the endpoint's own
            logger.critical("not started: %s", redaction.described(error))
            return not_started(path, f"this server cannot start: {type(error).__name__}")
        try:
            return await served.handle(method, path, headers, body, query, since=since)
        except asyncio.CancelledError:
            events.request_cancelled()
            return interrupted()


def _console_calls(
    analytics: RetailAnalytics,
    trail: AuditWriter,
    pool: DatabasePool,
    signer: ContextSigner,
    budgets: Budgets,
    *,
    is_streamed: bool,
) -> "ConsoleCalls":
    # Where a console is served: a server without one loads nothing of it.
    from zava.data.console_records import ConsoleRecords
    from zava.protocol.console import console_calls

    kept = ConsoleRecords(pool, signer, budgets, trail)
    if is_streamed:
        return console_calls.ConsoleCalls(analytics, trail, kept)
    return console_calls.ConsoleCalls(
        analytics,
        trail,
        kept,
        most_rows=console_calls.MOST_ROWS_IN_MEMORY,
        most_bytes=console_calls.MOST_BYTES_IN_MEMORY,
    )


def _hosted_console(settings: Settings, endpoint: Endpoint, calls: "ConsoleCalls") -> "Console":
    from zava.protocol.console.console import Console

    return Console(endpoint, hosts=[settings.sign_in_issuer.partition("://")[2]], calls=calls)


def _directory_sign_in(
    settings: Settings,
    own: TrustedIssuer,
    pool: DatabasePool,
    signer: ContextSigner,
    access_keys: Mapping[str, bytes],
) -> "DirectorySignIn":
    # Loaded when the first client signs in.
    from zava.composition.directory_sign_in import DirectorySignIn

    return DirectorySignIn(settings, own, pool=pool, signer=signer, access_keys=access_keys)
