"""Sign the caller and the statement to run, so that the database can verify both."""

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from os import urandom
from uuid import UUID

from zava.model.core import Caller
from zava.settings import SettingsError

LIFETIME_SECONDS = 60
"""How long a signature holds; the database accepts at most 120."""

MINIMUM_KEY_BYTES = 32
_MAX_KEY_ID = 2**31 - 1  # an integer of the database


@dataclass(frozen=True, slots=True)
class ContextKey:
    """A key that the database finds by its number; `secret` is at least 32 bytes."""

    key_id: int
    secret: bytes

    @classmethod
    def parse(cls, text: str) -> "ContextKey":
        """Read `id:base64`.

        Raises:
            SettingsError: the text has another form or the key is short.
        """
        key_id, _, encoded = text.partition(":")
        try:
            key = cls(int(key_id), base64.b64decode(encoded, validate=True))
        except (ValueError, binascii.Error):
            # No cause: it would repeat a key that came without its number.
            raise SettingsError("ZAVA_CONTEXT_KEYS: expected id:base64[,id:base64]") from None
        if not 0 < key.key_id <= _MAX_KEY_ID:
            raise SettingsError(f"ZAVA_CONTEXT_KEYS: a key's id lies in 1..{_MAX_KEY_ID}")
        if len(key.secret) < MINIMUM_KEY_BYTES:
            raise SettingsError(
                f"ZAVA_CONTEXT_KEYS: a key needs at least {MINIMUM_KEY_BYTES} bytes"
            )
        return key


@dataclass(frozen=True, slots=True)
class SignedCall:
    """The first eight arguments of a runner, as text or bytes for the wire."""

    key_id: str
    tenant_id: str
    object_id: str
    expires: str
    nonce: str
    mac: bytes
    statement: str
    params: str


class ContextSigner:
    """Signs calls with the first of its keys; the database checks them against the same."""

    def __init__(
        self, keys: Sequence[ContextKey], *, clock: Callable[[], float] = time.time
    ) -> None:
        if not keys:
            raise SettingsError("ZAVA_CONTEXT_KEYS: at least one key is needed")
        self._key_id = str(keys[0].key_id)
        self._secret = keys[0].secret
        self._keys = tuple(keys)
        self._clock = clock

    def derived_key(self, purpose: str) -> bytes:
        """Return a key of 32 bytes for another purpose; it cannot sign a context.

        A signed text begins with a digit, so a purpose that begins with a letter is never one.
        """
        return hmac.digest(self._secret, purpose.encode(), "sha256")

    def derived_keys(self, purpose: str) -> dict[str, bytes]:
        """Return `derived_key` of each key by the key's id, the one in use first.

        What the key in use signs is verified with each, so a rotation ends nothing.
        """
        return {
            str(key.key_id): hmac.digest(key.secret, purpose.encode(), "sha256")
            for key in self._keys
        }

    def sign(self, caller: Caller, statement: str, params: str = "") -> SignedCall:
        """Sign one statement for one caller; the signature holds for a minute and one text."""
        expires = str(int(self._clock()) + LIFETIME_SECONDS)
        tenant_id, object_id = _ids(caller.identity)
        drawn = urandom(16).hex()
        nonce = f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:]}"
        signed = (
            f"{self._key_id}|{tenant_id}|{object_id}|{expires}|{nonce}"
            f"|{len(statement)}|{statement}|{params}"
        )
        # In one call of OpenSSL: an object of `hmac` takes three calls of Python for each text.
        mac = hmac.digest(self._secret, signed.encode(), "sha256")
        return SignedCall(
            self._key_id, tenant_id, object_id, expires, nonce, mac, statement, params
        )


@lru_cache(4096)
def _ids(identity: bytes) -> tuple[str, str]:
    """Return the texts of both ids of a `Caller.identity`."""
    return str(UUID(bytes=identity[:16])), str(UUID(bytes=identity[16:]))
