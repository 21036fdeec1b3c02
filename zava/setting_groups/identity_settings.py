"""Whose tokens are accepted, and how people sign in."""

from typing import Literal

from pydantic import Field

from zava.setting_groups.field_types import CommaSeparated, DirectoryTenants, SettingsGroup


class IdentitySettings(SettingsGroup):
    """The issuer of tokens, whom it may let in, and the sign-in."""

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
    console: bool = Field(
        False,
        validation_alias="ZAVA_CONSOLE",
        description="`true`: the console is served under `/console`, to people who sign in "
        "(ZAVA_SIGN_IN). A laptop's local server always has it.",
    )
    check_token: str | None = Field(
        None,
        validation_alias="ZAVA_TOKEN",
        repr=False,
        description="Bearer token that `zava check` calls with; the served app never reads it.",
    )
