"""The database, the identity that logs in, and the vault of its keys."""

from uuid import UUID

from pydantic import Field

from zava.setting_groups.field_types import DatabaseAuth, SettingsGroup


class DatabaseSettings(SettingsGroup):
    """Where the database is, and who logs in."""

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
    replica_url: str | None = Field(
        None,
        validation_alias="ZAVA_REPLICA_URL",
        repr=False,
        description="Streaming standby that calls read from, such as `postgresql://host`. What it "
        "leaves out (login, password, database, TLS) is the primary's. Unset: reads run on the "
        "primary, unless DATABASE_URL has `target_session_attrs=prefer-standby`.",
    )
    database_auth: DatabaseAuth = Field(
        "password",
        validation_alias="ZAVA_DATABASE_AUTH",
        description="How the login authenticates: `password`, or `entra` for a Microsoft Entra "
        "token of the app's identity or of the signed-in person. With `entra` the server must "
        "authenticate too, and PGHOST names it for every command.",
    )
    declaration: str | None = Field(
        None,
        validation_alias="ZAVA_DECLARATION",
        description="Declaration of another application's database, a TOML file. With it the "
        "commands adopt, verify, grant, call and serve that database.",
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
