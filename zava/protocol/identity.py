"""Who is asking: bearer tokens, checked against an issuer's keys.

A token says who; what that person may see, the database decides in each call. There is no
identity header, no default principal, and nothing of a token is passed on.
"""

import asyncio
import time
from collections.abc import Callable, Container, Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

from cachetools import LRUCache

from zava.model import Caller

MAX_TOKEN_BYTES = 8 * 1024
_LEEWAY_SECONDS = 60
_REMEMBERED_TOKENS = 1024
_REFETCH_SECONDS = 60.0
_FETCH_TIMEOUT_SECONDS = 5.0
_MAX_KEYS = 100
_NOBODY = UUID(int=0)  # the canaries' tenant: no token may name it


class TokenRefused(Exception):
    """No usable token came; `description` says why without repeating any of it."""

    def __init__(self, description: str, *, is_missing: bool = False) -> None:
        super().__init__(description)
        self.description = description
        self.is_missing = is_missing


class KeySource(Protocol):
    """Where an issuer's public keys come from."""

    async def key(self, key_id: str) -> Any | None:
        """Return the public key of this id, or None when the issuer has none."""


class StaticKeys:
    """Keys that do not change while the process lives."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys = _read_keys(jwks)

    async def key(self, key_id: str) -> Any | None:
        """Return the public key of this id."""
        return self._keys.get(key_id)


class RemoteKeys:
    """An issuer's published keys, fetched when an id is unknown, at most once a minute.

    Known keys go on serving while the endpoint is down.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch: Callable[[str], bytes] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._fetch = fetch or _fetch
        self._clock = clock
        self._keys: dict[str, Any] = {}
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    @classmethod
    def of_issuer(cls, issuer: str) -> "RemoteKeys":
        """Return the keys of a Microsoft Entra ID issuer; `{tid}` means every tenant's."""
        base = issuer.removesuffix("/").removesuffix("/v2.0").replace("{tid}", "common")
        return cls(f"{base}/discovery/v2.0/keys")

    async def key(self, key_id: str) -> Any | None:
        """Return the public key of this id, asking the issuer when it is new."""
        if key_id not in self._keys:
            async with self._fetching:
                is_rested = self._clock() - self._fetched_at >= _REFETCH_SECONDS
                if key_id not in self._keys and is_rested:
                    self._fetched_at = self._clock()
                    await self._refresh()
        return self._keys.get(key_id)

    async def _refresh(self) -> None:
        import json

        try:
            body = await asyncio.to_thread(self._fetch, self._url)
            keys = _read_keys(json.loads(body))
        except (OSError, ValueError, RecursionError):
            return  # the known keys go on serving
        if keys:
            self._keys = keys


class TokenAuthenticator:
    """Turns an `Authorization` header into a caller, or refuses it."""

    def __init__(
        self,
        *,
        issuer: str,
        audiences: Sequence[str],
        allowed_tenants: Container[UUID],
        keys: KeySource,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._audiences = list(audiences)
        self._allowed_tenants = allowed_tenants
        self._keys = keys
        self._clock = clock
        # By the token's hash, until it expires: only who sends the very token meets its entry.
        self._verified: LRUCache[bytes, tuple[Caller, float]] = LRUCache(_REMEMBERED_TOKENS)
        self.authorization_servers = [issuer.replace("{tid}", "organizations")]
        self.resource_audience = audiences[0]
        self.scopes_supported = [f"{audiences[0].rstrip('/')}/user_impersonation"]

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return who the header's token speaks for.

        Raises:
            TokenRefused: no token came, or it does not hold.
        """
        token = _bearer(authorization)
        digest = sha256(token.encode("latin-1", "replace")).digest()
        known = self._verified.get(digest)
        if known is not None and self._clock() < known[1]:
            return known[0]
        claims = await self._verify(token)
        caller = self._caller(claims)
        self._verified[digest] = caller, float(claims["exp"]) + _LEEWAY_SECONDS
        return caller

    async def _verify(self, token: str) -> dict[str, Any]:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenRefused("The token is not a JWT.") from error
        if header.get("alg") != "RS256":
            raise TokenRefused("The token is not signed with RS256.")
        key_id = header.get("kid")
        key = await self._keys.key(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise TokenRefused("The token is signed with a key that the issuer does not have.")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audiences,
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
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        expires, not_before = claims["exp"], claims.get("nbf", 0)
        # bool is an int to Python, not to a token.
        if any(type(moment) not in (int, float) for moment in (expires, not_before)):
            raise TokenRefused("The token's times are not numbers.")
        if not now < expires + _LEEWAY_SECONDS:
            raise TokenRefused("The token has expired.")
        if now < not_before - _LEEWAY_SECONDS:
            raise TokenRefused("The token is not valid yet.")

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        tenant_id, object_id = _uuid(claims, "tid"), _uuid(claims, "oid")
        if claims["iss"] != self._issuer.replace("{tid}", str(tenant_id)):
            raise TokenRefused("The token comes from another issuer.")
        if tenant_id == _NOBODY or tenant_id not in self._allowed_tenants:
            raise TokenRefused("The token comes from a tenant that is not allowed here.")
        return Caller(tenant_id, object_id)


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise TokenRefused("A bearer token is required.", is_missing=True)
    scheme, _, token = authorization.partition(" ")
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
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise TokenRefused(f"The token's claim {name} is not a UUID.") from error


def _read_keys(jwks: Any) -> dict[str, Any]:
    """Return the RSA signature keys of a set by id; whatever else is in it is passed over."""
    from jwt import PyJWK, PyJWTError

    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    keys: dict[str, Any] = {}
    for entry in (entries if isinstance(entries, list) else [])[:_MAX_KEYS]:
        if (
            isinstance(entry, Mapping)
            and entry.get("kty") == "RSA"
            and entry.get("use", "sig") == "sig"
            and isinstance(entry.get("kid"), str)
        ):
            try:
                keys[entry["kid"]] = PyJWK(dict(entry), algorithm="RS256").key
            except (PyJWTError, ValueError, TypeError):
                continue
    return keys


def _fetch(url: str) -> bytes:
    """Read a small document over HTTPS; plain HTTP only from this machine."""
    from urllib.parse import urlsplit
    from urllib.request import urlopen

    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise ValueError("keys are fetched over HTTPS only")
    with urlopen(url, timeout=_FETCH_TIMEOUT_SECONDS) as response:  # noqa: S310  # scheme checked
        body: bytes = response.read(1024 * 1024)
    return body
