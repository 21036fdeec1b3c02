"""What the app connects to: database, cache, embedding models, telemetry. Nothing opens here."""

from typing import TYPE_CHECKING

from zava.infrastructure.azure.entra_credentials import (
    authenticated,
    azure_credential,
    database_tokens,
)
from zava.infrastructure.cache_backends import ByteStore, MemoryStore, RedisStore
from zava.infrastructure.embeddings.embedder import Embedder
from zava.infrastructure.embeddings.minilm import LocalEmbedder
from zava.infrastructure.local.database import database_in_parts, has_standby, named_database
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.pool import DatabasePool
from zava.infrastructure.telemetry.app_insights import Telemetry
from zava.settings import Settings, SettingsError

if TYPE_CHECKING:
    from zava.composition.replica import Standby
    from zava.data.session.audit_writer import AuditWriter
    from zava.data.session.signed_context import ContextSigner
    from zava.data.sums_refresh import SumsRefresh
    from zava.data.usage.budgets import Budgets
    from zava.model.domain import Domain

SPARE_CONNECTIONS = 1
"""For principals who hold none when one has filled the others."""


def database_pool(
    settings: Settings, conninfo: str, *, connect_seconds: int | None = None
) -> DatabasePool:
    """Return the pool over a database, closed until its first use."""
    tokens = database_tokens(settings)
    return DatabasePool(
        conninfo if tokens is None else authenticated(conninfo),
        max_size=settings.pool_max,
        spare=SPARE_CONNECTIONS,
        arguments=None if tokens is None else tokens.arguments,
        connect_seconds=connect_seconds,
    )


def make_sums_refresh(pool: DatabasePool) -> "SumsRefresh":
    """Return what refreshes the sums while the server is idle."""
    # Loaded when the first figures are read.
    from zava.data.sums_refresh import SumsRefresh

    return SumsRefresh(pool)


def standby_of(
    settings: Settings,
    conninfo: str,
    pool: DatabasePool,
    domain: "Domain",
    signer: "ContextSigner",
    trail: "AuditWriter",
    budgets: "Budgets",
) -> "Standby | None":
    """Return the standby that reads run on; None where the settings name none."""
    if not has_standby(settings):
        return None
    # Where one is named: a server without a standby loads nothing of it.
    from zava.composition.replica import Standby

    return Standby(settings, conninfo, pool, domain, signer=signer, trail=trail, budgets=budgets)


def conninfo_of(settings: Settings) -> str:
    """Return the connection string of the database that the settings name.

    Raises:
        SettingsError: they name none.
    """
    if named := named_database(settings) or database_in_parts(settings):
        return named
    raise SettingsError(
        "DATABASE_URL: no database is named; set DATABASE_URL or PGHOST, "
        "or start everything on this machine with `make run`"
    )


def local_home(settings: Settings) -> StateDirectory:
    """Return the directory with a laptop's keys.

    Raises:
        SettingsError: Azure has none; the keys have to be a setting.
    """
    if settings.is_on_azure:
        raise SettingsError("ZAVA_CONTEXT_KEYS: required on Azure; expected id:base64")
    return StateDirectory(settings.home)


def byte_store(settings: Settings) -> ByteStore:
    """Return where kept answers are: Redis if it is named, else the process."""
    memory = MemoryStore(max(settings.cache_ttl_seconds, 1))
    if settings.redis_url is None:
        return memory
    return RedisStore(settings.redis_url, max(settings.cache_ttl_seconds, 1), memory)


def embedders(settings: Settings) -> tuple[Embedder, ...]:
    """Return the embedding models that this process can call, the preferred one first.

    Nothing is loaded or connected yet. Search calls the one that is active in the registry. So a
    process with two models continues to search while one replaces the other.
    """
    known: list[Embedder] = []
    if settings.azure_openai_endpoint:
        # Where it is named: a laptop's first call loads nothing of it.
        from zava.infrastructure.embeddings.azure_openai import AzureEmbedder, entra_token

        token = entra_token(lambda: azure_credential(settings))
        known += [
            AzureEmbedder(
                endpoint=settings.azure_openai_endpoint,
                deployment=name,
                token=token,
                tokens_per_minute=settings.embedding_tokens_per_minute,
            )
            for name in settings.embedding_deployments
        ]
    if LocalEmbedder.is_installed():
        known.append(LocalEmbedder())
    return tuple(known)


def telemetry_of(settings: Settings) -> Telemetry | None:
    """Return the exporter to Application Insights, None where nothing is sent."""
    if not settings.sends_telemetry:
        return None
    return Telemetry(
        settings.telemetry_connection_string or "", client_id=settings.telemetry_client_id
    )
