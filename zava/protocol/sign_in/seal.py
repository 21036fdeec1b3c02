"""Sealed tickets: values that only this server can make, read or change."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import digest
from os import urandom
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zava.protocol.sign_in.parts import SignInRefused

_NONCE_BYTES = 12
_MAX_CHARACTERS = 8 * 1024


class Seal:
    """Closes and opens tickets of one purpose; one of another purpose does not open.

    The first of the secrets closes, each opens: a rotation of secrets ends no ticket.
    """

    def __init__(
        self, *secrets: bytes, purpose: str, seconds: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._purpose = purpose.encode()
        self._ciphers = [
            AESGCM(digest(secret, b"zava sign-in: " + self._purpose, "sha256"))
            for secret in secrets
        ]
        self._seconds = seconds
        self._clock = clock

    def close(self, content: Mapping[str, Any]) -> str:
        """Return a ticket that holds this content until its time is over.

        Raises:
            SignInRefused: the ticket would be too long to be opened.
        """
        plain = orjson.dumps({**content, "until": self._clock() + self._seconds})
        nonce = urandom(_NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, plain, self._purpose)
        ticket = _encoded(nonce + sealed)
        if len(ticket) > _MAX_CHARACTERS:
            raise SignInRefused("The request is too long. The client must send a shorter state.")
        return ticket

    def open(self, ticket: object) -> dict[str, Any] | None:
        """Return a ticket's content; None where it is not one of ours, or its time is over."""
        if not isinstance(ticket, str) or not 0 < len(ticket) <= _MAX_CHARACTERS:
            return None
        try:
            raw = urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
            # One spelling for each ticket: the decoder passes over what is not base64.
            if _encoded(raw) != ticket:
                return None
        except (NotBase64, ValueError):
            return None
        for cipher in self._ciphers:
            try:
                plain = cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], self._purpose)
            except (ValueError, InvalidTag):
                continue
            content: dict[str, Any] = orjson.loads(plain)
            return content if self._clock() < content["until"] else None
        return None


def fingerprint(text: str) -> str:
    """Return the base64url of a text's SHA-256: a PKCE challenge, or a long text in short."""
    return _encoded(sha256(text.encode()).digest())


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
