"""The only reader of the environment.

Each setting is described once, here; `docs/settings.md` is generated from these descriptions.
A secret has `repr=False`: no message, log or page shows its value.
"""

from datetime import date
from functools import cache
from os import cpu_count
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what is expected."""


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
DirectoryTenants = Annotated[tuple[UUID, ...], NoDecode, BeforeValidator(_comma_separated)]

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_EXPECTED = {"uuid": "expected UUIDs, comma-separated", "date": "expected YYYY-MM-DD"}


class Settings(BaseSettings):
    """What the environment says, validated once."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,  # PGHOST="" is how some hosts unset a variable
        hide_input_in_errors=True,  # a logged cause would repeat passwords and keys
    )

    database_url: str | None = Field(
        None,
        validation_alias="DATABASE_URL",
        repr=False,
        description="PostgreSQL URL. `zava run`, `migrate` and `seed` need an administrator's, the "
        "served app the login `zava_server`. Unset: PGHOST (served app only), else the embedded "
        "server.",
    )
    pg_host: str | None = Field(
        None, validation_alias="PGHOST", description="Server, when DATABASE_URL is not set."
    )
    pg_port: int = Field(
        5432, ge=1, le=65535, validation_alias="PGPORT", description="Port of that server."
    )
    pg_database: str = Field("zava", validation_alias="PGDATABASE", description="Database name.")
    pg_user: str = Field("zava_server", validation_alias="PGUSER", description="Database login.")
    pg_password: str | None = Field(
        None,
        validation_alias="PGPASSWORD",
        repr=False,
        description="Password of the login; unset: what libpq finds, such as a password file.",
    )
    database_auth: Literal["password", "entra"] = Field(
        "password",
        validation_alias="ZAVA_DATABASE_AUTH",
        description="How the login proves itself: `password`; `entra` is not available yet.",
    )
    home: Path = Field(
        Path(".zava"),
        validation_alias="ZAVA_HOME",
        description="Directory of the embedded server, the local issuer and local keys.",
    )
    port: int = Field(
        7071, ge=1, le=65535, validation_alias="PORT", description="Port of the local server."
    )
    scale: float = Field(
        1.0,
        gt=0,
        le=100,
        validation_alias="SCALE",
        description="Size of the demo data: 1 is 50,000 customers and 200,000 orders.",
    )
    pool_max: int = Field(
        default_factory=lambda: (cpu_count() or 1) + 1,
        ge=1,
        le=100,
        validation_alias="ZAVA_POOL_MAX",
        json_schema_extra={"default": "cores + 1"},
        description="Most database connections of this process.",
    )
    statement_timeout_seconds: int = Field(
        30,
        ge=1,
        le=600,
        validation_alias="ZAVA_STATEMENT_TIMEOUT_SECONDS",
        description="Deadline of one statement, enforced by the database.",
    )
    slow_query_seconds: float = Field(
        1.0,
        gt=0,
        le=600,
        validation_alias="ZAVA_SLOW_QUERY_SECONDS",
        description="A statement that takes longer is logged with its fingerprint.",
    )
    max_concurrent_calls: int = Field(
        64,
        ge=1,
        le=10_000,
        validation_alias="ZAVA_MAX_CONCURRENT_CALLS",
        description="Requests served at once; one more is answered 503 with Retry-After.",
    )
    prepared_statements: bool = Field(
        True,
        validation_alias="ZAVA_PREPARED_STATEMENTS",
        description="Off behind PgBouncer older than 1.21 or with max_prepared_statements 0.",
    )
    context_keys: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_CONTEXT_KEYS",
        repr=False,
        description="Keys that sign the tenant context, `id:base64,…`, the one in use first; "
        "unset: those of ZAVA_HOME, which Azure does not have.",
    )
    identity_issuer: str | None = Field(
        None,
        validation_alias="ZAVA_IDENTITY_ISSUER",
        description="Issuer of the callers' tokens, an https URL, `{tid}` where it names the "
        "tenant; unset: the local issuer, loopback only.",
    )
    identity_audience: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_IDENTITY_AUDIENCE",
        description="Audiences that a caller's token may carry, comma-separated.",
    )
    allowed_tenants: DirectoryTenants = Field(
        (),
        validation_alias="ZAVA_ALLOWED_TENANTS",
        description="Ids of the directory tenants whose people may call, comma-separated.",
    )
    allowed_hosts: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_ALLOWED_HOSTS",
        description="Public host names beside WEBSITE_HOSTNAME, comma-separated; loopback is "
        "always allowed.",
    )
    website_hostname: str | None = Field(
        None,
        validation_alias="WEBSITE_HOSTNAME",
        description="Host name that Azure gives the function app; set by the platform.",
    )
    website_instance_id: str | None = Field(
        None,
        validation_alias="WEBSITE_INSTANCE_ID",
        description="Set by Azure on its own machines, where the local issuer does not exist.",
    )
    telemetry: Literal["off", "opencensus"] | None = Field(
        None,
        validation_alias="ZAVA_TELEMETRY",
        description="Where metrics and spans go: `off` or `opencensus` (Application Insights); "
        "unset: `opencensus` where a connection string is set.",
    )
    telemetry_connection_string: str | None = Field(
        None,
        validation_alias="APPLICATIONINSIGHTS_CONNECTION_STRING",
        repr=False,
        description="Connection string of Application Insights.",
    )
    telemetry_authentication: str | None = Field(
        None,
        validation_alias="APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        description="`Authorization=AAD;ClientId=…` where its local authentication is off; the "
        "Functions host reads the same.",
    )
    today: date | None = Field(
        None,
        validation_alias="ZAVA_TODAY",
        description="Moves the tools' day, YYYY-MM-DD (tests).",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias="LOG_LEVEL", description="Least severe level that is logged."
    )

    @property
    def is_on_azure(self) -> bool:
        """Whether this process runs on Azure's machines rather than on somebody's own."""
        return self.website_instance_id is not None

    @property
    def sends_telemetry(self) -> bool:
        """Whether metrics and spans leave this process."""
        if self.telemetry is None:
            return self.telemetry_connection_string is not None
        return self.telemetry == "opencensus"

    @property
    def telemetry_client_id(self) -> str | None:
        """Return the managed identity that telemetry is sent as; None: the connection string's."""
        parts = dict(
            part.partition("=")[::2] for part in (self.telemetry_authentication or "").split(";")
        )
        return parts.get("ClientId") if parts.get("Authorization") == "AAD" else None

    @field_validator("database_auth")
    @classmethod
    def _is_available(cls, value: str) -> str:
        if value == "entra":
            raise ValueError("entra is not available in this version; use password")
        return value

    @field_validator("identity_issuer")
    @classmethod
    def _is_fetched_safely(cls, value: str | None) -> str | None:
        # Keys are fetched from it: over plain HTTP anybody on the way could sign tokens.
        parts = urlsplit(value or "https://")
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ValueError("expected an https:// URL")
        return value

    @model_validator(mode="after")
    def _telemetry_has_a_destination(self) -> Self:
        if self.telemetry == "opencensus" and not self.telemetry_connection_string:
            raise ValueError("ZAVA_TELEMETRY: needs APPLICATIONINSIGHTS_CONNECTION_STRING")
        return self

    @model_validator(mode="after")
    def _identity_is_complete(self) -> Self:
        if self.identity_issuer and not (self.identity_audience and self.allowed_tenants):
            raise ValueError(
                "ZAVA_IDENTITY_ISSUER: needs ZAVA_IDENTITY_AUDIENCE and ZAVA_ALLOWED_TENANTS"
            )
        return self


@cache
def settings() -> Settings:
    """Return the settings of this process, read once.

    Raises:
        SettingsError: one sentence for each missing or wrong setting, naming it.
    """
    return read_settings()


def read_settings() -> Settings:
    """Read the environment anew; `settings` is what the app uses."""
    try:
        return Settings()
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        # One sentence a setting, however many of its parts are wrong.
        raise SettingsError("; ".join(dict.fromkeys(map(_sentence, details)))) from error


def _sentence(detail: ErrorDetails) -> str:
    said = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    kind = detail["type"].partition("_")[0]  # uuid_parsing, date_from_datetime_parsing, …
    return f"{detail['loc'][0]}: {_EXPECTED.get(kind, said)}" if detail["loc"] else said
