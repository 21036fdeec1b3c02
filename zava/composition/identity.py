"""Whose tokens the app accepts, and the sign-in of a laptop."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import (
    LOCAL_AUDIENCE,
    LocalIssuer,
    local_issuer_allowed,
    local_issuer_url,
)
from zava.model.audiences import Permissions
from zava.model.core import caller_of_subject
from zava.protocol.auth.jwks import RemoteKeys, SharedKeys, StaticKeys
from zava.protocol.auth.tokens import TokenAuthenticator, TrustedIssuer
from zava.protocol.http.addresses import MCP_PATH
from zava.settings import Settings

if TYPE_CHECKING:
    from zava.composition.local_sign_in import LocalSignIn


def own_issuer(settings: Settings, access_keys: Mapping[str, bytes]) -> TrustedIssuer | None:
    """Return the server itself as an issuer of access tokens, where people sign in at it."""
    if not settings.sign_in:
        return None
    bases = [settings.sign_in_issuer, *(f"https://{host}" for host in settings.public_hosts)]
    # People of another provider than Entra are of one tenant, which is made of its issuer.
    of_provider = caller_of_subject(settings.people_issuer, "").tenant_id
    return TrustedIssuer(
        settings.sign_in_issuer,
        tuple(dict.fromkeys(f"{base}{MCP_PATH}" for base in bases)),
        frozenset(settings.allowed_tenants if settings.has_people_of_entra else [of_provider]),
        SharedKeys(access_keys),
        "HS256",
    )


def authenticator_of(
    settings: Settings, conninfo: str, own: TrustedIssuer | None, permissions: Permissions
) -> TokenAuthenticator:
    """Return what verifies tokens; `own` is the server as an issuer.

    `permissions` are what tokens of the served domain may allow.

    Raises:
        LocalIssuerRefused: the local issuer would sign, and may not where the database is.
    """
    if settings.identity_issuer:
        return TokenAuthenticator(
            issuer=settings.identity_issuer,
            audiences=settings.identity_audience,
            allowed_tenants=settings.allowed_tenants,
            keys=RemoteKeys.of_issuer(settings.identity_issuer),
            permissions=permissions,
            allowed_clients=settings.allowed_clients,
            scope_identifier=settings.scope_identifier,
            own=own,
        )
    if own is not None:
        # No directory's own tokens are accepted: this server's are the only ones.
        return TokenAuthenticator(
            issuer=own.issuer,
            audiences=own.audiences,
            allowed_tenants=own.tenants,
            keys=SharedKeys({}),
            permissions=permissions,
            allowed_clients=settings.allowed_clients,
            own=own,
        )
    local_issuer_allowed(settings, conninfo)
    return TokenAuthenticator(
        issuer=local_issuer_url(settings.port),
        audiences=(LOCAL_AUDIENCE,),
        allowed_tenants=None,
        keys=StaticKeys(LocalIssuer(StateDirectory(settings.home)).jwks()),
        permissions=permissions,
        allowed_clients=settings.allowed_clients,
    )


def local_sign_in(settings: Settings, administrator: str) -> "LocalSignIn":
    """Return the sign-in of a laptop; `administrator` reads the grants."""
    # Loaded when the first client signs in; what runs in the cloud never loads it.
    from zava.composition.local_sign_in import LocalSignIn

    return LocalSignIn(StateDirectory(settings.home), settings.port, administrator)
