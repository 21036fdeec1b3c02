"""The only reader of the environment.

Each setting is described once, here; `docs/settings.md` is generated from these descriptions.
"""

from datetime import date
from functools import cache
from os import cpu_count
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what is expected."""


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]


class Settings(BaseSettings):
    """What the environment says, validated once."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: str | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL URL. `zava run`, `migrate` and `seed` need an administrator's, the "
        "served app the login `zava_server`. Unset: PGHOST, else the embedded server.",
    )
    pg_host: str | None = Field(
        None, validation_alias="PGHOST", description="Server, when DATABASE_URL is not set."
    )
    pg_port: int = Field(5432, validation_alias="PGPORT", description="Port of that server.")
    pg_database: str = Field("zava", validation_alias="PGDATABASE", description="Database name.")
    pg_user: str = Field("zava_server", validation_alias="PGUSER", description="Database login.")
    pg_password: str | None = Field(
        None,
        validation_alias="PGPASSWORD",
        description="Password of the login; unset means a Microsoft Entra ID token.",
    )
    database_auth: Literal["password", "entra"] = Field(
        "password",
        validation_alias="ZAVA_DATABASE_AUTH",
        description="How the login proves itself: `password` or `entra`.",
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
        description="Most database connections of this process; default cores + 1.",
    )
    statement_timeout_seconds: int = Field(
        30,
        ge=1,
        le=600,
        validation_alias="ZAVA_STATEMENT_TIMEOUT_SECONDS",
        description="Deadline of one statement, enforced by the database.",
    )
    prepared_statements: bool = Field(
        True,
        validation_alias="ZAVA_PREPARED_STATEMENTS",
        description="Off behind PgBouncer older than 1.21 or with max_prepared_statements 0.",
    )
    context_keys: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_CONTEXT_KEYS",
        description="Keys that sign the tenant context, `id:base64`, the one in use first.",
    )
    identity_issuer: str | None = Field(
        None,
        validation_alias="ZAVA_IDENTITY_ISSUER",
        description="Issuer of the callers' tokens; unset: the local issuer, loopback only.",
    )
    identity_audience: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_IDENTITY_AUDIENCE",
        description="Audiences that a caller's token may carry.",
    )
    allowed_tenants: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_ALLOWED_TENANTS",
        description="Directory tenants whose people may call.",
    )
    allowed_hosts: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_ALLOWED_HOSTS",
        description="Public host names beside WEBSITE_HOSTNAME; loopback is always allowed.",
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
    today: date | None = Field(
        None, validation_alias="ZAVA_TODAY", description="Moves the tools' day (tests)."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias="LOG_LEVEL", description="Least severe level that is logged."
    )

    @property
    def is_on_azure(self) -> bool:
        """Whether this process runs on Azure's machines rather than on somebody's own."""
        return self.website_instance_id is not None

    @model_validator(mode="after")
    def _identity_is_complete(self) -> Self:
        if self.identity_issuer and not (self.identity_audience and self.allowed_tenants):
            raise ValueError(
                "ZAVA_IDENTITY_ISSUER needs ZAVA_IDENTITY_AUDIENCE and ZAVA_ALLOWED_TENANTS"
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
        raise SettingsError(
            "; ".join(
                f"{detail['loc'][0] if detail['loc'] else 'settings'}: {detail['msg']}"
                for detail in error.errors(include_input=False, include_url=False)
            )
        ) from error
