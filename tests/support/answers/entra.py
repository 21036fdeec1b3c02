"""A directory on loopback that plays Microsoft Entra ID: it signs tokens and publishes keys."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TENANT = UUID("11111111-2222-4333-8444-555555555555")
OTHER_TENANT = UUID("22222222-2222-4333-8444-555555555555")
PERSON = UUID("66666666-7777-4888-8999-aaaaaaaaaaaa")
CLIENT_ID = "99999999-0000-4000-8000-000000000000"
RESOURCE = f"api://{CLIENT_ID}"
CALLING_CLIENT = "aebc6443-996d-45c2-90f0-388ff96faa56"
KEYS_PATH = "/common/discovery/v2.0/keys"
NOW = 1_800_000_000
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  # refused


def jwk(key: rsa.RSAPrivateKey, key_id: str, **more: Any) -> dict[str, Any]:
    public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return public | {"kid": key_id, "use": "sig"} | more


def part(content: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


class Entra:
    """The directory: `keys` is what it publishes, `status` and `body` what it answers instead."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk(KEY, "k1"), jwk(OTHER_KEY, "personal", issuer="https://other")]
        self.status = 200
        self.body: bytes | None = None
        self.location = ""
        self.asked: list[str] = []
        entra = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                entra.asked.append(self.path)
                self.send_response(entra.status)
                if entra.location:
                    self.send_header("location", entra.location)
                self.end_headers()
                self.wfile.write(
                    json.dumps({"keys": entra.keys}).encode() if entra.body is None else entra.body
                )

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def issuer(self) -> str:
        """The setting's form of it."""
        return f"{self.base}/{{tid}}/v2.0"

    def claims(self, **changed: Any) -> dict[str, Any]:
        """A delegated token's content; a claim that is changed to None is left out."""
        tenant = changed.get("tid", str(TENANT))
        claims: dict[str, Any] = {
            "iss": f"{self.base}/{tenant}/v2.0",
            "aud": CLIENT_ID,
            "tid": str(TENANT),
            "oid": str(PERSON),
            "sub": "pairwise-of-the-person",
            "azp": CALLING_CLIENT,
            "scp": "user_impersonation",
            "ver": "2.0",
            "iat": NOW - 10,
            "nbf": NOW - 10,
            "exp": NOW + 3600,
        } | changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self, *, key: Any = KEY, algorithm: str = "RS256", headers: Any = None, **changed: Any
    ) -> str:
        return jwt.encode(
            self.claims(**changed),
            key,
            algorithm=algorithm,
            headers={"kid": "k1"} | (headers or {}),
        )

    def application_token(self, **changed: Any) -> str:
        """What an application gets for itself: roles, no scopes, its own object as subject."""
        return self.token(**({"scp": None, "sub": str(PERSON), "roles": ["sales.read"]} | changed))

    def unsigned(self, header: Any, **changed: Any) -> str:
        return f"{part(header)}.{part(self.claims(**changed))}."

    def with_payload(self, payload: str) -> str:
        """A good signature over another payload."""
        head, _, signature = self.token().split(".")
        return f"{head}.{payload}.{signature}"

    def signed_text(self, payload: str) -> str:
        """A payload that no JSON writer would make, under a good signature."""
        signed = f"{part({'alg': 'RS256', 'kid': 'k1', 'typ': 'JWT'})}.{part(payload)}"
        algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
        signature = algorithm.sign(signed.encode(), KEY)
        return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    def hs256_with_the_public_key(self, form: PublicFormat) -> str:
        public = KEY.public_key().public_bytes(Encoding.PEM, form)
        signed = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(self.claims())}"
        mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    def close(self) -> None:
        """Go off the air; twice does no harm."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def entra() -> Iterator[Entra]:
    directory = Entra()
    try:
        yield directory
    finally:
        directory.close()
