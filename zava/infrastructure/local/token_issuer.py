"""The token issuer of a laptop: the demo's people, signed by a key that never leaves the home.

It exists only beside an embedded or loopback database and never on Azure; its tokens pass the
same verification as everybody's.
"""

import json
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from zava.infrastructure.local.state_dir import StateDirectory
from zava.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LOCAL_AUDIENCE = "api://zava-local"
LOCAL_CLIENT = "zava-local"
_KEY_ID = "local-1"
_KEY_BITS = 2048
_DEFAULT_PORT = 7071  # of the setting PORT
_HTTP_PORT = 80  # which no browser writes
_LOOPBACK = frozenset({"", "127.0.0.1", "::1", "localhost"})


class LocalIssuerRefused(Exception):
    """The local issuer may not speak for this deployment."""


def local_issuer_allowed(settings: Settings, conninfo: str) -> None:
    """Refuse the local issuer anywhere but on a person's own machine.

    Raises:
        LocalIssuerRefused: this is Azure, the database is on another machine, or other machines
            can connect to the server.
    """
    if settings.is_on_azure:
        raise LocalIssuerRefused(
            "ZAVA_IDENTITY_ISSUER: required on Azure, which has no local issuer"
        )
    if not _is_on_this_machine(settings, conninfo):
        raise LocalIssuerRefused(
            "ZAVA_IDENTITY_ISSUER: required, because the database is not on this machine"
        )
    if not settings.is_reached_from_this_machine_alone:
        raise LocalIssuerRefused(
            f"ZAVA_IDENTITY_ISSUER: required, because other machines can connect to HOST"
            f" {settings.host}; in a container whose port is published on loopback alone, set"
            " ZAVA_PUBLISHED_ON_LOOPBACK=true"
        )


def _is_on_this_machine(settings: Settings, conninfo: str) -> bool:
    parts = conninfo_to_dict(conninfo)
    if parts.get("service"):
        return False  # libpq reads the host from a file, which may name any machine
    # What libpq itself adds where the string is silent: PGHOSTADDR, and the service of PGSERVICE.
    defaults = {
        option.keyword.decode(): (option.val or b"").decode() for option in Conninfo.get_defaults()
    }
    host = parts.get("host") or settings.pg_host or defaults["host"]
    address = parts.get("hostaddr") or defaults["hostaddr"]
    # Without either libpq takes a socket; several are tried in turn.
    hosts = [each for each in f"{host},{address}".split(",") if each]
    return all(each in _LOOPBACK or each.startswith("/") for each in hosts)


def local_issuer_url(port: int = _DEFAULT_PORT) -> str:
    """Return the issuer's one name, byte for byte: the address of the server on this port.

    Its clients find the sign-in there, whichever loopback name they called the server by.
    """
    return f"http://127.0.0.1{'' if port == _HTTP_PORT else f':{port}'}"


class LocalIssuer:
    """Signs tokens as a directory would; `port` is the one that the server listens on."""

    def __init__(self, home: StateDirectory, port: int = _DEFAULT_PORT) -> None:
        self._home = home
        self._issuer = local_issuer_url(port)

    def token(
        self,
        *,
        tenant_id: UUID,
        object_id: UUID,
        name: str,
        ttl_seconds: int = 3600,
        scopes: str = "user_impersonation",
    ) -> str:
        """Return a signed JWT for one person; `scopes` are separated by spaces."""
        import jwt

        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": LOCAL_AUDIENCE,
            "ver": "2.0",
            "tid": str(tenant_id),
            "oid": str(object_id),
            "name": name,
            "azp": LOCAL_CLIENT,
            "scp": scopes,
            "iat": now,
            "nbf": now,
            "exp": now + ttl_seconds,
        }
        return jwt.encode(claims, self._private_key(), algorithm="RS256", headers={"kid": _KEY_ID})

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set."""
        from jwt.algorithms import RSAAlgorithm

        public = json.loads(RSAAlgorithm.to_jwk(self._private_key().public_key()))
        return {"keys": [public | {"kid": _KEY_ID, "use": "sig", "alg": "RS256"}]}

    def _private_key(self) -> "RSAPrivateKey":
        return _read(self._home.text("issuer-key.pem", make=_new_key))


# By the file's own text: only who reads the key finds it here.
@lru_cache(maxsize=1)
def _read(pem: str) -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(
        pem.encode(),
        password=None,
        # Made by us: testing its primes once more would be an eighth of a cold start.
        unsafe_skip_rsa_key_validation=True,
    )
    if not isinstance(key, RSAPrivateKey):
        raise LocalIssuerRefused("the issuer's key in ZAVA_HOME is not an RSA key; delete it")
    return key


def _new_key() -> str:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
