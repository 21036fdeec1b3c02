"""The server's own access tokens: short, for one resource, signed with a key of the context's."""

import secrets
import time
from collections.abc import Callable

from zava.protocol.sign_in.parts import Person

ALGORITHM = "HS256"
SECONDS = 600


class OwnTokens:
    """Signs access tokens with the key in use; each of two keys verifies them."""

    seconds = SECONDS

    def __init__(
        self,
        issuer: str,
        client_id: str,
        *,
        key_id: str,
        key: bytes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._key_id = key_id
        self._key = key
        self._clock = clock

    def issue(self, person: Person, scopes: tuple[str, ...], resource: str) -> str:
        """Return an access token; its client is this server's id at the directory.

        The id of an MCP client is that client's own claim, and no token confirms it.
        """
        import jwt

        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": resource,
            "tid": person.tenant_id,
            "oid": person.object_id,
            "sub": person.object_id,
            "azp": self._client_id,
            "scp": " ".join(scopes),
            "iat": now,
            "nbf": now,
            "exp": now + self.seconds,
            "jti": secrets.token_hex(8),
        }
        headers = {"kid": self._key_id, "typ": "at+jwt"}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers=headers)
