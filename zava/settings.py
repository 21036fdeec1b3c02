"""The only reader of the environment.

Each setting is described once, here or in its group (`zava/setting_groups`). From that,
`docs/reference/settings.md` is generated.
A secret has `repr=False`: no message, log or page shows its value.
"""

from datetime import date
from functools import cache
from ipaddress import ip_address
from os import environ
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from zava.setting_groups.database_settings import DatabaseSettings
from zava.setting_groups.field_types import (
    LOOPBACK,
    AuditMode,
    CommaSeparated,
    LogLevel,
    RetailCalendar,
    TelemetryBackend,
)
from zava.setting_groups.identity_settings import IdentitySettings
from zava.setting_groups.machine_settings import MachineSettings
from zava.setting_groups.platform_settings import PlatformSettings
from zava.setting_groups.statement_settings import StatementSettings


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and states what is expected."""


_EXPECTED = {"uuid": "expected a UUID", "date": "expected YYYY-MM-DD"}
_EXPECTED_SEVERAL = {"uuid": "expected UUIDs, comma-separated"}


class Settings(
    IdentitySettings, PlatformSettings, StatementSettings, MachineSettings, DatabaseSettings
):
    """The settings from the environment, validated once."""

    model_config = ConfigDict(
        frozen=True,
        defer_build=False,  # the groups defer theirs
        extra="ignore",
        hide_input_in_errors=True,  # a logged cause would repeat passwords and keys
    )

    def __init__(self, **given: Any) -> None:
        """Read what is not given from the environment; names count in any case.

        pydantic-settings would do it, too. Its import took a twentieth of a cold start.
        """
        # PGHOST="" is how some hosts unset a variable.
        found = {name.upper(): value for name, value in environ.items() if value}
        super().__init__(**(found | given))

    website_url: str | None = Field(
        None,
        validation_alias="ZAVA_WEBSITE_URL",
        pattern=r"^https://[^\s]+$",
        description="Page about this server that clients show to people, an https URL.",
    )
    audit: AuditMode | None = Field(
        None,
        validation_alias="ZAVA_AUDIT",
        json_schema_extra={"default": "`required` on Azure, else `best-effort`"},
        description="`required`: no statement runs before its record is committed. `best-effort`: "
        "records are written in batches of at most 100 or a second; a killed process loses the "
        "two latest.",
    )
    redis_url: str | None = Field(
        None,
        validation_alias="REDIS_URL",
        repr=False,
        description="Redis that keeps the metrics' answers for all instances, `redis://` or "
        "`rediss://`; unset: each process's own memory.",
    )
    cache_ttl_seconds: int = Field(
        300,
        ge=0,
        le=86_400,
        validation_alias="ZAVA_CACHE_TTL_SECONDS",
        description="How long an answer of the metrics is kept, at most; 0 keeps none. A change of "
        "the caller's own stores' data or access shows at the next call in any case. Figures "
        "over every store may be that old.",
    )
    azure_openai_endpoint: str | None = Field(
        None,
        validation_alias="AZURE_OPENAI_ENDPOINT",
        description="Azure OpenAI resource that embeds, an https URL; unset: the model on this "
        "machine where it is installed.",
    )
    embedding_deployments: CommaSeparated = Field(
        ("text-embedding-3-small",),
        min_length=1,
        validation_alias="EMBEDDING_MODEL_DEPLOYMENT_NAME",
        json_schema_extra={"default": "text-embedding-3-small"},
        description="Deployments of that resource, named as their models, comma-separated. "
        "`zava embed` uses the first one, and search uses the active one.",
    )
    embedding_tokens_per_minute: int = Field(
        120_000,
        ge=1000,
        validation_alias="EMBEDDING_TOKENS_PER_MINUTE",
        description="Tokens a minute that a deployment is granted; requests are paced to it.",
    )
    telemetry: TelemetryBackend | None = Field(
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
    fiscal_year_start: int | None = Field(
        None,
        ge=1,
        le=12,
        validation_alias="ZAVA_FISCAL_YEAR_START",
        description="Calendar month, 1 to 12, in which the fiscal year begins. Unset: 1, or 2 "
        "where `ZAVA_RETAIL_CALENDAR` counts weeks.",
    )
    retail_calendar: RetailCalendar = Field(
        "months",
        validation_alias="ZAVA_RETAIL_CALENDAR",
        description="What fiscal years are made of: calendar `months`, or weeks from Sunday to "
        "Saturday in quarters of `4-5-4`, `4-4-5` or `5-4-4`. Years of weeks begin on the Sunday "
        "nearest to the first day of their month; `4-5-4` is the calendar of the National Retail "
        "Federation.",
    )
    today: date | None = Field(
        None,
        validation_alias="ZAVA_TODAY",
        description="Moves the tools' day, YYYY-MM-DD (tests).",
    )
    log_level: LogLevel = Field(
        "INFO",
        validation_alias="LOG_LEVEL",
        description="Least severe level that is logged, in any case. Under the Functions host, "
        "`Function.*.User` in host.json bounds it as well.",
    )

    @property
    def is_on_azure(self) -> bool:
        """Whether this process runs on Azure's machines rather than on a person's own."""
        marks = (self.website_instance_id, self.website_sku, self.identity_endpoint)
        return any(mark is not None for mark in marks)

    @property
    def is_reached_from_this_machine_alone(self) -> bool:
        """Whether no other machine can connect to the local server."""
        return self.is_published_on_loopback or ip_address(self.host).is_loopback

    @property
    def calls_at_once(self) -> int:
        """How many statements of one principal may run at once; 0 is no limit."""
        return self._budget(self.budget_calls_at_once, 16)

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

    @property
    def calls_per_minute(self) -> int:
        """What one principal may call in a minute; 0 is no limit."""
        return self._budget(self.budget_calls_per_minute, 1200)

    @property
    def database_seconds_per_hour(self) -> int:
        """What one principal may use of the database in an hour, in seconds; 0 is no limit."""
        return self._budget(self.budget_database_seconds_per_hour, 900)

    def _budget(self, chosen: int | None, on_azure: int) -> int:
        # On somebody's own machine there is nobody else to protect.
        if chosen is not None:
            return chosen
        return on_azure if self.is_on_azure else 0

    @property
    def is_audit_required(self) -> bool:
        """Whether a call that cannot be recorded must not run."""
        return self.audit == "required" or (self.audit is None and self.is_on_azure)

    @property
    def is_authenticated_by_platform(self) -> bool:
        """Whether Azure's built-in authentication is in front and removes clients' headers."""
        return self.is_on_azure and self.website_auth_enabled

    @property
    def public_hosts(self) -> tuple[str, ...]:
        """Return the public host names, the platform's first."""
        platform = (self.website_hostname,) if self.website_hostname else ()
        return tuple(dict.fromkeys(name.lower() for name in (*platform, *self.allowed_hosts)))

    @property
    def sign_in_issuer(self) -> str:
        """Return the address at which people sign in; it is the issuer of the server's tokens."""
        return self.sign_in_url or f"https://{self.public_hosts[0]}"

    @field_validator("identity_issuer", "azure_openai_endpoint", "sign_in_directory")
    @classmethod
    def _is_reached_safely(cls, value: str | None) -> str | None:
        # Keys are fetched from one, a token is sent to the other: over plain HTTP anybody on the
        # way could sign the former or keep the latter.
        parts = urlsplit(value or "https://")
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("expected an https:// URL")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str | None) -> str | None:
        if urlsplit(value or "redis://").scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("expected a redis:// or rediss:// URL")
        return value

    @model_validator(mode="after")
    def _login_is_one_way(self) -> Self:
        if self.database_auth == "entra" and self.pg_password:
            raise ValueError(
                "PGPASSWORD: not used with ZAVA_DATABASE_AUTH=entra; unset one of them"
            )
        return self

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

    @model_validator(mode="after")
    def _sign_in_is_complete(self) -> Self:
        if not self.sign_in:
            if self.console:
                raise ValueError("ZAVA_CONSOLE: needs ZAVA_SIGN_IN")
            return self
        if self.is_authenticated_by_platform:
            raise ValueError(
                "ZAVA_SIGN_IN: Azure's built-in authentication refuses this server's tokens; "
                "use one of them"
            )
        if not (self.people_issuer and self.sign_in_client_id):
            raise ValueError(
                "ZAVA_SIGN_IN: needs ZAVA_SIGN_IN_CLIENT_ID, and ZAVA_IDENTITY_ISSUER or "
                "ZAVA_SIGN_IN_DIRECTORY"
            )
        if not (self.sign_in_client_secret or self.is_on_azure):
            raise ValueError("ZAVA_SIGN_IN: needs ZAVA_SIGN_IN_CLIENT_SECRET, except on Azure")
        host = urlsplit(self.sign_in_url or "").hostname
        if not (host in {*self.public_hosts, *LOOPBACK} if host else self.public_hosts):
            raise ValueError("ZAVA_SIGN_IN_URL: needs a host of ZAVA_ALLOWED_HOSTS")
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


def forget_libpq_variables() -> None:
    """Remove libpq's variables from the environment of this process and its children.

    All begin with PG. For the embedded server they are leftovers of other tools: PGSSLMODE or
    PGSERVICE would end each connection to it, PGHOSTADDR would lead to another machine.
    """
    for name in [name for name in environ if name.startswith("PG")]:
        del environ[name]


def _sentence(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    kind = detail["type"].partition("_")[0]  # uuid_parsing, date_from_datetime_parsing, …
    if not detail["loc"]:
        return message
    name, *place = detail["loc"]  # a place where several values are expected
    return f"{name}: {(_EXPECTED_SEVERAL if place else _EXPECTED).get(kind, message)}"
