"""The only reader of the environment.

Each setting is described once, here; `docs/reference/settings.md` is generated from that.
A secret has `repr=False`: no message, log or page shows its value.
"""

from datetime import date
from functools import cache
from ipaddress import ip_address
from os import cpu_count, environ
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and states what is expected."""


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _in_small_letters(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _level(value: object) -> object:
    """Return the name of a level as `logging` writes it, for the names that other tools use."""
    if not isinstance(value, str):
        return value
    name = value.strip().upper()
    return _LEVELS.get(name, name)


def _address(value: object) -> object:
    """Return an IP address; shells set HOST to the machine's name, which is no address."""
    try:
        return str(ip_address(str(value).strip()))
    except ValueError:
        return _THIS_MACHINE


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
_DatabaseAuth = Annotated[Literal["password", "entra"], BeforeValidator(_in_small_letters)]
_Audit = Annotated[Literal["required", "best-effort"], BeforeValidator(_in_small_letters)]
_Telemetry = Annotated[Literal["off", "opencensus"], BeforeValidator(_in_small_letters)]
_RetailCalendar = Literal["months", "4-5-4", "4-4-5", "5-4-4"]
_LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_level)]
DirectoryTenants = Annotated[tuple[UUID, ...], NoDecode, BeforeValidator(_comma_separated)]

# LOG_LEVEL is set for other programs, too.
_LEVELS = {
    "TRACE": "DEBUG",
    "VERBOSE": "DEBUG",
    "NOTICE": "INFO",
    "WARN": "WARNING",
    "FATAL": "ERROR",
    "CRITICAL": "ERROR",
}
_THIS_MACHINE = "127.0.0.1"
_LOOPBACK = frozenset({_THIS_MACHINE, "::1", "localhost"})
_EXPECTED = {"uuid": "expected a UUID", "date": "expected YYYY-MM-DD"}
_EXPECTED_SEVERAL = {"uuid": "expected UUIDs, comma-separated"}


class Settings(BaseSettings):
    """The settings from the environment, validated once."""

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
    database_auth: _DatabaseAuth = Field(
        "password",
        validation_alias="ZAVA_DATABASE_AUTH",
        description="How the login authenticates: `password`, or `entra` for a Microsoft Entra "
        "token of the app's identity or of the signed-in person. With `entra` the server must "
        "authenticate too, and PGHOST names it for every command.",
    )
    client_id: str | None = Field(
        None,
        validation_alias="AZURE_CLIENT_ID",
        description="Client id of the managed identity that the app runs as on Azure.",
    )
    tenant_id: UUID | None = Field(
        None,
        validation_alias="AZURE_TENANT_ID",
        description="Directory tenant to sign in to on a workstation; unset: the default one.",
    )
    key_vault_endpoint: str | None = Field(
        None,
        validation_alias="AZURE_KEY_VAULT_ENDPOINT",
        description="Key Vault where `migrate` and `keys rotate` keep the context keys of an app "
        "on Azure; the app itself reads ZAVA_CONTEXT_KEYS.",
    )
    function_app_id: str | None = Field(
        None,
        validation_alias="AZURE_FUNCTION_APP_ID",
        description="Resource id of the function app that is notified when those keys change.",
    )
    home: Path = Field(
        Path(".zava"),
        validation_alias="ZAVA_HOME",
        description="Directory of the embedded server, the local issuer and local keys.",
    )
    port: int = Field(
        7071, ge=1, le=65535, validation_alias="PORT", description="Port of the local server."
    )
    host: Annotated[str, BeforeValidator(_address)] = Field(
        _THIS_MACHINE,
        validation_alias="HOST",
        description="IP address on which the local server listens; `0.0.0.0` is every address of "
        "the machine. A machine's name, which shells put there, counts as unset. Beyond loopback "
        "the demo's people do not exist: ZAVA_IDENTITY_ISSUER is required.",
    )
    is_published_on_loopback: bool = Field(
        False,
        validation_alias="ZAVA_PUBLISHED_ON_LOOPBACK",
        description="`true` in a container whose port is published on the loopback of its machine "
        "alone: the demo's people exist there, although HOST is another address.",
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
        description="Most database connections of this process, and one more for principals who "
        "hold none when all are in use.",
    )
    statement_timeout_seconds: int = Field(
        30,
        ge=1,
        le=600,
        validation_alias="ZAVA_STATEMENT_TIMEOUT_SECONDS",
        description="Deadline of one statement, enforced by the database.",
    )
    statement_cost_limit: float = Field(
        2_000_000_000,
        ge=0,
        validation_alias="ZAVA_STATEMENT_COST_LIMIT",
        description="Most rows that a free statement may visit. The estimate uses its text alone "
        "and fixed sizes of the tables; a statement with more is refused. The default is about "
        "what the default deadline allows. 0: no limit.",
    )
    budget_calls_at_once: int | None = Field(
        None,
        ge=0,
        le=1000,
        validation_alias="ZAVA_BUDGET_CALLS_AT_ONCE",
        json_schema_extra={"default": "`16` on Azure, else `0`"},
        description="Statements of one principal that run at once, over all instances. 0: no "
        "limit.",
    )
    budget_calls_per_minute: int | None = Field(
        None,
        ge=0,
        validation_alias="ZAVA_BUDGET_CALLS_PER_MINUTE",
        json_schema_extra={"default": "`1200` on Azure, else `0`"},
        description="Calls of one principal in a minute of the clock, over all instances. 0: no "
        "limit.",
    )
    budget_database_seconds_per_hour: int | None = Field(
        None,
        ge=0,
        validation_alias="ZAVA_BUDGET_DATABASE_SECONDS_PER_HOUR",
        json_schema_extra={"default": "`900` on Azure, else `0`"},
        description="Database time of one principal in an hour of the clock, over all instances. "
        "0: no limit.",
    )
    slow_query_seconds: float = Field(
        1.0,
        gt=0,
        le=600,
        validation_alias="ZAVA_SLOW_QUERY_SECONDS",
        description="A statement that takes longer is logged with its fingerprint and plan.",
    )
    late_orders_hours: float = Field(
        0,
        ge=0,
        le=8760,
        validation_alias="ZAVA_LATE_ORDERS_HOURS",
        description="Hours without any order of the chain after which `/health/ready` is `degraded`"
        " and the metric `orders_late` counts. 0: not watched.",
    )
    max_concurrent_calls: int = Field(
        64,
        ge=1,
        le=10_000,
        validation_alias="ZAVA_MAX_CONCURRENT_CALLS",
        description="Requests served at once; one more is answered BUSY with Retry-After.",
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
    scope_style: Literal["url", "api"] = Field(
        "url",
        validation_alias="ZAVA_SCOPE_STYLE",
        description="What clients request scopes under. `url`: the URL that they call. `api`: the "
        "Application ID URI of ZAVA_IDENTITY_AUDIENCE, for a registration without that URL.",
    )
    allowed_tenants: DirectoryTenants = Field(
        (),
        validation_alias="ZAVA_ALLOWED_TENANTS",
        description="Ids of the directory tenants whose people may call, comma-separated.",
    )
    allowed_clients: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_ALLOWED_CLIENTS",
        description="Ids of the client applications (the token's `azp` or `appid`) that may call, "
        "comma-separated; the local issuer's is `zava-local`. Unset: any that the issuer lets in.",
    )
    allowed_hosts: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_ALLOWED_HOSTS",
        description="Public host names beside WEBSITE_HOSTNAME, comma-separated; loopback is "
        "always allowed.",
    )
    sign_in: bool = Field(
        False,
        validation_alias="ZAVA_SIGN_IN",
        description="`true`: clients that have the URL alone sign in at this server, and a "
        "directory proves who the person is. Tokens of ZAVA_IDENTITY_ISSUER are accepted as "
        "before. Not together with Azure's built-in authentication.",
    )
    sign_in_url: str | None = Field(
        None,
        validation_alias="ZAVA_SIGN_IN_URL",
        json_schema_extra={"default": "the first public host name"},
        description="The one address at which people sign in, such as "
        "`https://zava.example.com`; its host is one of ZAVA_ALLOWED_HOSTS or WEBSITE_HOSTNAME.",
    )
    sign_in_directory: str | None = Field(
        None,
        validation_alias="ZAVA_SIGN_IN_DIRECTORY",
        json_schema_extra={"default": "ZAVA_IDENTITY_ISSUER"},
        description="Issuer of the OpenID provider that signs people in, an https URL, where it "
        "is not Microsoft Entra ID.",
    )
    sign_in_client_id: str | None = Field(
        None,
        validation_alias="ZAVA_SIGN_IN_CLIENT_ID",
        description="Id of this server at that directory. Its redirect there is ZAVA_SIGN_IN_URL "
        "with the path `/oauth/callback`.",
    )
    sign_in_client_secret: str | None = Field(
        None,
        validation_alias="ZAVA_SIGN_IN_CLIENT_SECRET",
        repr=False,
        description="Client secret of this server at that directory; unset: the app's managed "
        "identity proves its requests (Azure).",
    )
    sign_in_subject_claim: str = Field(
        "sub",
        validation_alias="ZAVA_SIGN_IN_SUBJECT_CLAIM",
        pattern=r"^[A-Za-z0-9_]+$",
        description="Claim of ZAVA_SIGN_IN_DIRECTORY's ID tokens that names a person for ever; "
        "Okta's is `uid`. `email` counts only with `email_verified`. Microsoft Entra ID's people "
        "have `tid` and `oid`.",
    )
    sign_in_redirects: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_SIGN_IN_REDIRECTS",
        description="More addresses at which clients may take the answer, https URLs, "
        "comma-separated; one that ends with `/` stands for every address below it.",
    )
    check_token: str | None = Field(
        None,
        validation_alias="ZAVA_TOKEN",
        repr=False,
        description="Bearer token that `zava check` calls with; the served app never reads it.",
    )
    website_url: str | None = Field(
        None,
        validation_alias="ZAVA_WEBSITE_URL",
        pattern=r"^https://[^\s]+$",
        description="Page about this server that clients show to people, an https URL.",
    )
    audit: _Audit | None = Field(
        None,
        validation_alias="ZAVA_AUDIT",
        json_schema_extra={"default": "`required` on Azure, else `best-effort`"},
        description="`required`: no statement runs before its record is committed. `best-effort`: "
        "records are written in batches of at most 100 or a second; a killed process loses the "
        "two latest.",
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
    website_auth_enabled: bool = Field(
        False,
        validation_alias="WEBSITE_AUTH_ENABLED",
        description="Set by Azure where its built-in authentication is on. Only there Zava reads "
        "its headers, in addition to its own check of the token.",
    )
    website_sku: str | None = Field(
        None,
        validation_alias="WEBSITE_SKU",
        description="Set by Azure, with the name of the plan; Flex Consumption has no "
        "WEBSITE_INSTANCE_ID.",
    )
    identity_endpoint: str | None = Field(
        None,
        validation_alias="IDENTITY_ENDPOINT",
        description="Set by Azure where a managed identity is at hand.",
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
        "the caller's own stores' data or access shows at the next call in any case; the chain's "
        "quartiles may be that old.",
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
    telemetry: _Telemetry | None = Field(
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
    retail_calendar: _RetailCalendar = Field(
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
    log_level: _LogLevel = Field(
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

    def _budget(self, asked: int | None, on_azure: int) -> int:
        # On somebody's own machine there is nobody else to protect.
        if asked is not None:
            return asked
        return on_azure if self.is_on_azure else 0

    @property
    def scope_identifier(self) -> str | None:
        """Return what clients request scopes under; None: the URL that they call."""
        if self.scope_style == "url":
            return None
        # The api:// one, else another URI, else a client id, which a directory resolves, too.
        audiences = sorted(
            self.identity_audience,
            key=lambda named: (not named.startswith("api:"), ":" not in named),
        )
        return audiences[0].rstrip("/") if audiences else None

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

    @property
    def has_people_of_entra(self) -> bool:
        """Whether the people who sign in are of Microsoft Entra ID, known by `tid` and `oid`."""
        return self.sign_in_directory in {None, self.identity_issuer}

    @property
    def people_issuer(self) -> str:
        """Return the issuer of the directory that signs people in."""
        return self.sign_in_directory or self.identity_issuer or ""

    @field_validator("identity_issuer", "azure_openai_endpoint", "sign_in_directory")
    @classmethod
    def _is_reached_safely(cls, value: str | None) -> str | None:
        # Keys are fetched from one, a token is sent to the other: over plain HTTP anybody on the
        # way could sign the former or keep the latter.
        parts = urlsplit(value or "https://")
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ValueError("expected an https:// URL")
        return value

    @field_validator("allowed_clients", mode="before")
    @classmethod
    def _names_a_client(cls, value: object) -> object:
        # Commas alone would be read as no list, which lets in every client.
        if isinstance(value, str) and value and not _comma_separated(value):
            raise ValueError("expected client ids, comma-separated")
        return value

    @field_validator("sign_in_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        # Clients compare an issuer byte for byte.
        parts = urlsplit(value or "https://host")
        is_safe = parts.scheme == "https" or parts.hostname in _LOOPBACK
        if not is_safe or value not in {None, f"{parts.scheme}://{parts.netloc}".lower()}:
            raise ValueError("expected an https:// URL of a host, in lower case, without a path")
        return value

    @field_validator("sign_in_redirects")
    @classmethod
    def _are_pages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            parts = urlsplit(each)
            if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") == "":
                raise ValueError("expected https URLs with a path, comma-separated")
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
        if not (host in {*self.public_hosts, *_LOOPBACK} if host else self.public_hosts):
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
    said = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    kind = detail["type"].partition("_")[0]  # uuid_parsing, date_from_datetime_parsing, …
    if not detail["loc"]:
        return said
    name, *place = detail["loc"]  # a place where several values are expected
    return f"{name}: {(_EXPECTED_SEVERAL if place else _EXPECTED).get(kind, said)}"
