"""Whose tokens are accepted, and how people sign in."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from zava.setting_groups.field_types import (
    LOOPBACK,
    CommaSeparated,
    DirectoryTenants,
    SettingsGroup,
    comma_separated,
)


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
    def has_people_of_entra(self) -> bool:
        """Whether the people who sign in are of Microsoft Entra ID, known by `tid` and `oid`."""
        return self.sign_in_directory in {None, self.identity_issuer}

    @property
    def people_issuer(self) -> str:
        """Return the issuer of the directory that signs people in."""
        return self.sign_in_directory or self.identity_issuer or ""

    @field_validator("allowed_clients", mode="before")
    @classmethod
    def _names_a_client(cls, value: object) -> object:
        # Commas alone would be read as no list, which lets in every client.
        if isinstance(value, str) and value and not comma_separated(value):
            raise ValueError("expected client ids, comma-separated")
        return value

    @field_validator("sign_in_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        # Clients compare an issuer byte for byte.
        parts = urlsplit(value or "https://host")
        is_safe = parts.scheme == "https" or parts.hostname in LOOPBACK
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
