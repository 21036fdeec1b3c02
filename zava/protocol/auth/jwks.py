"""The keys that an issuer signs with, as they are published."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from zava.errors import Busy

_REFETCH_SECONDS = 60.0
_MAX_AGE_SECONDS = 3600.0  # how long a key that its issuer has withdrawn may go on signing
_FETCH_TIMEOUT_SECONDS = 5.0
_MAX_KEYS = 100
_MAX_WAITING = 64  # for one fetch: anybody can name an unknown key, and holds a body meanwhile
_MIN_KEY_BITS = 2048
# 8,192 bits: a larger modulus only costs the time of each check.
_MAX_MODULUS_CHARACTERS = 1366


class SigningKey(NamedTuple):
    """A key that verifies; `issuer` is the one that it is published for, None for any."""

    public_key: Any
    issuer: str | None = None

    def signs_for(self, issuer: str, tenant_id: UUID) -> bool:
        """Whether the key may sign tokens of this issuer.

        A key set for all tenants holds keys that sign for one alone (such as personal accounts).
        """
        return self.issuer is None or issuer == self.issuer.replace("{tenantid}", str(tenant_id))


class StaticKeys:
    """Keys that do not change while the process lives."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys = _read_keys(jwks)

    async def key(self, key_id: str) -> SigningKey | None:
        """Return the public key of this id."""
        return self._keys.get(key_id)


class SharedKeys:
    """Keys that this server itself signs with, by their ids."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._keys = {key_id: SigningKey(secret) for key_id, secret in secrets.items()}

    async def key(self, key_id: str) -> SigningKey | None:
        """Return the key of this id."""
        return self._keys.get(key_id)


class RemoteKeys:
    """An issuer's published keys, fetched when an id is unknown and when they are an hour old.

    They are fetched at most once a minute. Known keys go on serving while the endpoint is down.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch: Callable[[str], bytes] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self._fetch = fetch or _read
        self._clock = clock
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at = self._read_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._waiting = 0

    @classmethod
    def of_issuer(cls, issuer: str) -> "RemoteKeys":
        """Return the keys of a Microsoft Entra ID issuer; `{tid}` means every tenant's."""
        base = issuer.removesuffix("/").removesuffix("/v2.0").replace("{tid}", "common")
        return cls(f"{base}/discovery/v2.0/keys")

    async def key(self, key_id: str) -> SigningKey | None:
        """Return the public key of this id; fetch the issuer's keys if it is new or old.

        Raises:
            Busy: the keys are being fetched, and the limit of waiting calls is reached.
        """
        if key_id not in self._keys:
            if self._waiting >= _MAX_WAITING:
                raise Busy(
                    "The issuer's keys are being fetched.", hint="Try again in a few seconds."
                )
            self._waiting += 1
            try:
                await self._fetch_new(key_id)
            finally:
                self._waiting -= 1
        elif self._clock() - self._read_at >= _MAX_AGE_SECONDS and self._is_rested():
            await self._refresh()  # one caller waits; the others go on with the keys of before
        return self._keys.get(key_id)

    async def _fetch_new(self, key_id: str) -> None:
        if key_id not in self._keys and (self._is_rested() or self._is_fetching()):
            await self._refresh()

    def _is_rested(self) -> bool:
        return self._clock() - self._fetched_at >= _REFETCH_SECONDS

    def _is_fetching(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    async def _refresh(self) -> None:
        """Wait for the fetch that is under way, or begin one.

        It goes on though the caller leaves. Else a caller that disconnects would leave the process
        without keys for a minute.
        """
        if self._fetching is None or self._fetching.done():
            self._fetched_at = self._clock()
            self._fetching = asyncio.create_task(self._fetch_all())
        await asyncio.shield(self._fetching)

    async def _fetch_all(self) -> None:
        try:
            # The whole fetch: an issuer may send its answer byte by byte.
            async with asyncio.timeout(_FETCH_TIMEOUT_SECONDS):
                body = await asyncio.to_thread(self._fetch, self.url)
            keys = _read_keys(json.loads(body))
        except (OSError, ValueError, RecursionError):
            return  # the known keys go on serving
        if keys:
            self._keys = keys
            self._read_at = self._clock()


def _read(url: str) -> bytes:
    # Loaded with the first document: a laptop reads none.
    from zava.protocol.auth.remote_documents import read_document

    return read_document(url)


def _read_keys(jwks: Any) -> dict[str, SigningKey]:
    """Return the RSA signature keys of a set by id; other keys are ignored."""
    from jwt import PyJWK, PyJWTError

    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    keys: dict[str, SigningKey] = {}
    for entry in (entries if isinstance(entries, list) else [])[:_MAX_KEYS]:
        if (
            isinstance(entry, Mapping)
            and entry.get("kty") == "RSA"
            and entry.get("use", "sig") == "sig"
            and entry.get("alg", "RS256") == "RS256"
            and isinstance(entry.get("kid"), str)
            and isinstance(entry.get("n"), str)
            and len(entry["n"]) <= _MAX_MODULUS_CHARACTERS
        ):
            try:
                key = PyJWK(dict(entry), algorithm="RS256").key
            except (PyJWTError, ValueError, TypeError):
                continue
            if getattr(key, "key_size", 0) >= _MIN_KEY_BITS:
                issuer = entry.get("issuer")
                keys[entry["kid"]] = SigningKey(key, issuer if isinstance(issuer, str) else None)
    return keys
