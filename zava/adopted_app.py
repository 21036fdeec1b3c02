"""The composition root over an adopted database: the core with its declaration, and no retail."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zava import __version__
from zava.adoption.adopted_grants import local_choices
from zava.adoption.declaration_file import read_declaration
from zava.adoption.declared_values import AdoptionDeclaration
from zava.adoption.serving.served_domain import served_domain
from zava.adoption.serving.served_tools import served_tools
from zava.adoption.serving.server_proof import ServerProof
from zava.composition.backends import SPARE_CONNECTIONS, database_pool, local_home
from zava.composition.identity import authenticator_of
from zava.data.guard.analysis import ParsingTurns
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.executor import GRACE_SECONDS
from zava.data.session.isolation_check import IsolationBroken, IsolationCheck
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.data.usage.budgets import Budget, Budgets
from zava.data.usage.query_stats import QueryStatsCollector
from zava.errors import ZavaError
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.domain import Domain
from zava.protocol.capacity.process_time import ProcessTime
from zava.protocol.http.endpoint import Endpoint, SigningIn
from zava.protocol.mcp.fast_path import FastPath
from zava.protocol.mcp.features import ServerFeatures
from zava.protocol.resources import budget, performance
from zava.protocol.resources.resource import Resource
from zava.protocol.tools.runner import ToolCalls
from zava.protocol.tools.tool import Tool
from zava.service.analytics import Analytics
from zava.settings import Settings, SettingsError
from zava.telemetry.instruments import declare_operations

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

logger = logging.getLogger(__name__)

_CLOSE_SECONDS = 5.0
_READY_SECONDS = 1.2


@dataclass(frozen=True)
class AdoptedApplication:
    """Everything of one process over an adopted database, closed until used."""

    pool: DatabasePool
    verification: IsolationCheck
    trail: AuditWriter
    tenancy: TenantDatabase
    endpoint: Endpoint
    tools: "dict[str, Tool]"

    async def close(self) -> None:
        """Close what was opened, in reverse; each step though another fails."""
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self.pool.close)
            opened.push_async_callback(self.tenancy.close)
            opened.push_async_callback(self.trail.close)
            opened.push_async_callback(self._close_endpoint)
        logger.info("shutdown complete")

    async def _close_endpoint(self) -> None:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await self.endpoint.aclose()


def declaration_of(settings: Settings) -> AdoptionDeclaration:
    """Return the declaration that the settings name.

    Raises:
        DeclarationRefused: the file is missing or no declaration.
        SettingsError: the settings name none.
    """
    if not settings.declaration:
        raise SettingsError("ZAVA_DECLARATION: name the declaration of the adopted database")
    return read_declaration(Path(settings.declaration))


def compose_adopted(
    settings: Settings,
    *,
    conninfo: str,
    administrator: str,
    declaration: AdoptionDeclaration,
    context_keys: Sequence[str] = (),
) -> AdoptedApplication:
    """Join the core over one adopted database.

    `conninfo` is that of the server's login. `administrator` reads the grants, for a laptop's
    sign-in page.

    Raises:
        SettingsError: a setting is missing or does not fit the others.
    """
    if settings.sign_in:
        raise SettingsError("ZAVA_SIGN_IN: not together with ZAVA_DECLARATION")
    domain = served_domain(declaration)
    tools = dict(served_tools(domain))
    if declaration.meaning.metrics:
        # Loaded where metrics are declared.
        from zava.adoption.serving.metric_tools import metric_tools

        tools |= metric_tools(declaration, domain)
    declare_operations(tools)
    keys = context_keys or settings.context_keys or local_home(settings).context_keys()
    signer = ContextSigner([ContextKey.parse(text) for text in keys])
    pool = database_pool(settings, conninfo)
    prepared = settings.prepared_statements
    proof = ServerProof(declaration, domain)
    verification = IsolationCheck(pool, signer, domain, use_prepared=prepared, proof=proof)
    budget_of_person = Budget(
        settings.calls_at_once, settings.calls_per_minute, settings.database_seconds_per_hour
    )
    budgets = Budgets(budget_of_person, connections=settings.pool_max, spare=SPARE_CONNECTIONS)
    trail = AuditWriter(pool, is_required=settings.is_audit_required, use_prepared=prepared)
    tenancy = TenantDatabase(
        pool,
        signer,
        verification,
        trail=trail,
        budgets=budgets,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        use_prepared=prepared,
        monitor=QueryStatsCollector(slow_seconds=settings.slow_query_seconds),
    )
    process_time = ProcessTime()
    free_query = FreeQuery(
        tenancy,
        domain,
        most_rows=settings.statement_cost_limit or inf,
        turns=ParsingTurns(process_time.charge),
    )
    analytics = _analytics(free_query, tenancy, declaration, domain)
    make_sign_in: Callable[[], SigningIn] | None = None
    if settings.identity_issuer is None:
        make_sign_in = lru_cache(1)(lambda: _sign_in(settings, administrator, declaration))
    endpoint = Endpoint(
        name=domain.name,
        make_server=lambda: _server(analytics, domain, tools, trail, settings.website_url),
        fast_path=FastPath(
            ToolCalls(analytics, trail),
            tools,
            domain,
            version=__version__,
            website=settings.website_url,
        ),
        authenticator=authenticator_of(settings, conninfo, None, domain.permissions),
        readiness=lambda: _readiness(verification),
        allowed_hosts=settings.public_hosts,
        is_vouched=settings.is_authenticated_by_platform,
        count_request=budgets.count_request,
        process_time=process_time,
        max_concurrent_calls=settings.max_concurrent_calls,
        call_seconds=settings.statement_timeout_seconds + GRACE_SECONDS,
        make_sign_in=make_sign_in,
    )
    return AdoptedApplication(pool, verification, trail, tenancy, endpoint, tools)


def _analytics(
    data: FreeQuery, tenancy: TenantDatabase, declaration: AdoptionDeclaration, domain: Domain
) -> Analytics:
    """Return the use cases, with those of metrics where some are declared."""

    def clock() -> datetime:
        return datetime.now(UTC)

    if not declaration.meaning.metrics:
        return Analytics(data, clock)
    from zava.adoption.serving.metric_tools import measured_analytics

    return measured_analytics(data, clock, tenancy, declaration, domain)


def _server(
    analytics: Analytics,
    domain: Domain,
    tools: "dict[str, Tool]",
    trail: AuditWriter,
    website: str | None,
) -> "Server[Any]":
    # Imported with the SDK, at the first request that needs it.
    from zava.protocol.mcp.server import build_server

    resources = {
        budget.URI: Resource(
            uri=budget.URI,
            name="budget",
            title="Your budget",
            description="What you have used of the calls and the database time, and what is left.",
            read=budget.read,
            permission=None,
            is_live=True,
        ),
        performance.URI: Resource(
            uri=performance.URI,
            name="performance",
            title="Statements that take the time",
            description="The costliest statements of this process, for who sees every row.",
            read=performance.read,
            permission=None,
            is_live=True,
        ),
    }
    if any(tool.app is not None for tool in tools.values()):
        from zava.adoption.serving.metric_tools import metric_resources

        resources |= metric_resources()
    features = ServerFeatures(domain, tools, resources, {})
    return build_server(analytics, features, version=__version__, trail=trail, website=website)


def _sign_in(
    settings: Settings, administrator: str, declaration: AdoptionDeclaration
) -> "SigningIn":
    # Loaded when the first client signs in.
    from zava.composition.local_sign_in import LocalSignIn

    return LocalSignIn(
        StateDirectory(settings.home),
        settings.port,
        administrator,
        choices=lambda conninfo: local_choices(conninfo, declaration),
        permissions=served_domain(declaration).permissions,
    )


async def _readiness(verification: IsolationCheck) -> tuple[int, dict[str, Any]]:
    """Return which parts work, in words that reveal no more to an anonymous caller."""
    database = isolation = "healthy"
    try:
        async with asyncio.timeout(_READY_SECONDS):
            await verification.refresh()
    except IsolationBroken:
        isolation = "unhealthy"
    except (ZavaError, TimeoutError):
        database, isolation = "unhealthy", "unknown"
    is_ready = database == isolation == "healthy"
    checks = {"database": database, "isolation": isolation}
    status = "healthy" if is_ready else "unhealthy"
    return (200 if is_ready else 503), {"status": status, "checks": checks}
