"""Who calls: bearer tokens of Microsoft Entra ID or of the server's own sign-in.

A token names the person. The database decides in each call what that person may see. There is no
identity header, no default principal, and nothing of a token is passed on.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from zava.errors import AccessDenied
from zava.infrastructure.recent_values import RecentValues
from zava.model.audiences import Permission, Permissions
from zava.model.core import Caller
from zava.protocol.auth.jwks import SigningKey
from zava.protocol.auth.permissions import of_scopes, scopes_of

MAX_TOKEN_BYTES = 8 * 1024
_LEEWAY_SECONDS = 60
_MAX_REMEMBERED = 1024
_MAX_CLIENT_ID = 100
_NOBODY = UUID(int=0)  # the canaries' tenant: no token may name it
_MAX_MOMENT = 1e15  # beyond it a number of Python no longer becomes a float


class TokenRefused(Exception):
    """No usable token came; `description` gives the reason without any part of it."""

    def __init__(self, description: str, *, is_missing: bool = False) -> None:
        super().__init__(description)
        self.description = description
        self.is_missing = is_missing


class KeySource(Protocol):
    """Where an issuer's public keys come from."""

    async def key(self, key_id: str) -> SigningKey | None:
        """Return the public key of this id, or None when the issuer has none."""


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer of access tokens, with the one algorithm that its keys are used with.

    `tenants` is None where any tenant may sign in: only this machine's own commands sign there.
    """

    issuer: str
    audiences: tuple[str, ...]
    tenants: frozenset[UUID] | None
    keys: KeySource
    algorithm: str = "RS256"


class _Verified(NamedTuple):
    """The result of a verified token, for as long as it and its key are valid."""

    caller: Caller
    until: float
    keys: KeySource
    key_id: str
    key: SigningKey


class TokenAuthenticator:
    """Turns an `Authorization` header into a caller, or refuses it.

    `scope_identifier` is what clients request scopes under; None: the URL that they call. Microsoft
    Entra ID compares that URL, the `resource` of RFC 8707, with the identifier in the scope.

    `own` is the server's own sign-in. Clients find it in place of the directory, whose tokens are
    accepted as before.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audiences: Sequence[str],
        allowed_tenants: Collection[UUID] | None,
        keys: KeySource,
        permissions: Permissions,
        scope_identifier: str | None = None,
        clock: Callable[[], float] = time.time,
        allowed_clients: Iterable[str] = (),
        own: TrustedIssuer | None = None,
    ) -> None:
        tenants = None if allowed_tenants is None else frozenset(allowed_tenants)
        self._directory = TrustedIssuer(issuer, tuple(audiences), tenants, keys)
        self._own = own
        self._permissions = permissions
        self._clock = clock
        self._allowed_clients = frozenset(client.lower() for client in allowed_clients)
        # By the token's hash, until it expires or its issuer withdraws the key: only who sends the
        # very token meets its entry.
        self._verified: RecentValues[bytes, _Verified] = RecentValues(_MAX_REMEMBERED)
        # One for each tenant: the metadata of `organizations` names an issuer with a placeholder,
        # which a client that compares issuers refuses.
        named = [str(tenant) for tenant in allowed_tenants or () if tenant != _NOBODY]
        is_one = allowed_tenants is None
        servers = [issuer] if is_one else [issuer.replace("{tid}", tenant) for tenant in named]
        self.authorization_servers = list(dict.fromkeys(servers)) if own is None else [own.issuer]
        self._scope_identifier = scope_identifier

    def scope(self, name: str, resource: str) -> str:
        """Return the scope as a client of this resource requests it from the issuer."""
        return f"{self._scope_identifier or resource}/{name}"

    def scopes_supported(self, resource: str) -> list[str]:
        """Return every scope that a client of this resource may request."""
        return [self.scope(name, resource) for name in scopes_of(self._permissions)]

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return who the header's token speaks for.

        Raises:
            TokenRefused: no token came, or it does not hold.
            AccessDenied: the token holds, and was issued to a client that is not on the list.
        """
        token = _bearer(authorization)
        digest = sha256(token.encode("latin-1", "replace")).digest()
        known = self._verified.get(digest)
        if (
            known is not None
            and self._clock() < known.until
            and await known.keys.key(known.key_id) == known.key
        ):
            return known.caller
        issuer = self._stated_issuer(token)
        claims, key_id, key = await self._verify(token, issuer)
        caller = self._caller(claims, key, issuer)
        until = float(claims["exp"]) + _LEEWAY_SECONDS
        self._verified[digest] = _Verified(caller, until, issuer.keys, key_id, key)
        return caller

    def _stated_issuer(self, token: str) -> TrustedIssuer:
        """Return the issuer whose algorithm and keys the token is verified with.

        It follows from the token's unverified claim, which the verified ones are compared with.
        """
        if self._own is None:
            return self._directory
        import jwt

        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenRefused("The token is not a JWT.") from error
        return self._own if claims.get("iss") == self._own.issuer else self._directory

    async def _verify(
        self, token: str, issuer: TrustedIssuer
    ) -> tuple[dict[str, Any], str, SigningKey]:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenRefused("The token is not a JWT.") from error
        if header.get("alg") != issuer.algorithm:
            raise TokenRefused(f"The token is not signed with {issuer.algorithm}.")
        key_id = header.get("kid")
        key = await issuer.keys.key(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise TokenRefused("The token is signed with a key that the issuer does not have.")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public_key,
                algorithms=[issuer.algorithm],
                audience=issuer.audiences,
                # Time is checked below, against the injected clock.
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.MissingRequiredClaimError as error:
            raise TokenRefused(f"The token lacks the claim {error.claim}.") from error
        except jwt.InvalidAudienceError as error:
            raise TokenRefused("The token is for another audience.") from error
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenRefused("The token's signature or content does not hold.") from error
        if not isinstance(claims["aud"], str):  # a list would be for others, too
            raise TokenRefused("The token is for another audience.")
        self._check_times(claims)
        return claims, str(key_id), key

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        expires, not_before = claims["exp"], claims.get("nbf", 0)
        if not (is_moment(expires) and is_moment(not_before)):
            raise TokenRefused("The token's times are not numbers.")
        if not now < expires + _LEEWAY_SECONDS:
            raise TokenRefused("The token has expired.")
        if now < not_before - _LEEWAY_SECONDS:
            raise TokenRefused("The token is not valid yet.")

    def _caller(self, claims: Mapping[str, Any], key: SigningKey, issuer: TrustedIssuer) -> Caller:
        tenant_id, object_id = _uuid(claims, "tid"), _uuid(claims, "oid")
        if claims["iss"] != issuer.issuer.replace("{tid}", str(tenant_id)):
            raise TokenRefused("The token comes from another issuer.")
        if not key.signs_for(claims["iss"], tenant_id):
            raise TokenRefused("The token's key belongs to another issuer.")
        allowed = issuer.tenants
        if tenant_id == _NOBODY or (allowed is not None and tenant_id not in allowed):
            raise TokenRefused("The token comes from a tenant that is not allowed here.")
        client_id = str(claims.get("azp") or claims.get("appid") or "")
        permissions = _permissions(claims, self._permissions)
        self._check_client(client_id)
        return Caller(tenant_id, object_id, permissions, client_id[:_MAX_CLIENT_ID])

    def _check_client(self, client_id: str) -> None:
        if self._allowed_clients and client_id.lower() not in self._allowed_clients:
            # 403, not 401: a client that signs in again gets a token with the same id.
            raise AccessDenied(
                "This client may not call this server.",
                hint="Use an allowed client, or have the operator add the client's id.",
            )


def is_moment(value: Any) -> bool:
    """Whether a claim is a time that can be compared: a number, and no endless one."""
    # bool is an int to Python, not to a token; 1e999 is an infinite one, NaN compares to none.
    return type(value) in (int, float) and abs(value) < _MAX_MOMENT


def as_uuid(value: object) -> UUID | None:
    """Return a claim that is a UUID in its one spelling; None for braces, `urn:uuid:` and such."""
    try:
        read = UUID(value)  # type: ignore[arg-type]  # a claim may be anything
    except (ValueError, AttributeError, TypeError):
        return None
    return read if str(read) == str(value).lower() else None


def _permissions(claims: Mapping[str, Any], offered: Permissions) -> frozenset[Permission]:
    """Return what an access token allows, of a person (`scp`) or of an application (`roles`).

    An ID token names our client id as its audience, too, and may carry a person's roles. It has
    no scopes. Its subject is not its own object, as the subject of an application's token is.
    """
    scopes, roles = claims.get("scp"), claims.get("roles")
    if scopes is not None:
        if claims.get("idtyp", "user") != "user" or not isinstance(scopes, str):
            raise TokenRefused("The token's claim scp does not fit its other claims.")
        return of_scopes(scopes.split(), offered)
    is_of_application = ("azp" in claims or "appid" in claims) and (
        claims.get("idtyp") == "app" or claims.get("sub") == claims["oid"]
    )
    if not is_of_application or "nonce" in claims:
        raise TokenRefused("The token is no access token: it lacks the claim scp.")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise TokenRefused("The application was given no role: its token lacks the claim roles.")
    return offered.of_names(frozenset(roles))


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise TokenRefused("A bearer token is required.", is_missing=True)
    scheme, _, rest = authorization.partition(" ")
    token = rest.lstrip(" ")
    if scheme.lower() != "bearer":
        raise TokenRefused("A bearer token is required.", is_missing=True)
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRefused(f"The token is longer than {MAX_TOKEN_BYTES} bytes.")
    if token.count(".") != 2 or token.strip() != token:  # noqa: PLR2004  # header.payload.signature
        raise TokenRefused("The token is not a JWT.")
    return token


def _uuid(claims: Mapping[str, Any], name: str) -> UUID:
    value = claims.get(name)
    if value is None:
        raise TokenRefused(f"The token lacks the claim {name}.")
    read = as_uuid(value)
    if read is None:
        raise TokenRefused(f"The token's claim {name} is not a UUID.")
    return read
