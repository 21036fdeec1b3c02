"""A provider of OpenID Connect on loopback, with what Auth0, Google, Keycloak and Okta do differently.

Each difference is one that the provider's documentation describes; it is none of them.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt

from tests.support.answers.entra import KEY, jwk
from tests.support.servers.listening import listening

CLIENT_ID = "zava:of/loopback"  # to be quoted in a header
SECRET = "a secret/of loopback"


@dataclass(frozen=True)
class Kind:
    """What one provider does: its issuer's end, its way of a secret, its claims."""

    path: str
    methods: tuple[str, ...] | None
    claims: Mapping[str, Any]
    subject_claim: str = "sub"
    names_issuer: bool = False
    prompts: tuple[str, ...] | None = None

    @property
    def subject(self) -> str:
        return str(self.claims[self.subject_claim])


KINDS = {
    # The issuer ends with a slash; the subject names the connection.
    "auth0": Kind(
        "/",
        ("client_secret_basic", "client_secret_post"),
        {"sub": "auth0|5f7c8ec7c33c6c004bbafe82"},
    ),
    # The client is named twice; a list of audiences is possible.
    "keycloak": Kind(
        "/realms/zava",
        ("private_key_jwt", "client_secret_basic", "client_secret_post"),
        {"sub": "c0a8f7a2-9b1d-4a63-9d5e-1f6f3e6a0f11", "azp": CLIENT_ID, "aud": [CLIENT_ID]},
        names_issuer=True,
    ),
    # The subject is the login, which may change; `uid` stays.
    "okta": Kind(
        "/oauth2/default",
        ("client_secret_post",),
        {"sub": "ann@example.com", "uid": "00uid4BxXw6I6TV4m0g3", "amr": ["pwd"]},
        subject_claim="uid",
    ),
    "google": Kind(
        "",
        ("client_secret_post", "client_secret_basic"),
        {"sub": "110169484474386276334", "azp": CLIENT_ID, "hd": "example.com"},
        prompts=("none", "consent", "select_account"),
    ),
    # A document that names no method supports the one of a header.
    "default": Kind("", None, {"sub": "1234"}),
}


@dataclass
class OpenIdProvider:
    """Signs in one person of one client, which proves itself with a secret."""

    kind: Kind
    redirect: str
    base: str = ""
    changed: dict[str, Any] = field(default_factory=dict)
    proofs: list[str] = field(default_factory=list)
    states_issuer: bool = True
    """Whether it does what its document names: answers that state the issuer."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"{self.base}{self.kind.path}"

    @property
    def _root(self) -> str:
        return self.issuer.rstrip("/")

    def get(self, target: str) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(target)
        url = f"{self.base}{parts.path}"
        if url == f"{self._root}/.well-known/openid-configuration":
            named = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self._root}/authorize",
                "token_endpoint": f"{self._root}/token",
                "jwks_uri": f"{self._root}/keys",
                "token_endpoint_auth_methods_supported": self.kind.methods,
                "prompt_values_supported": self.kind.prompts,
                "authorization_response_iss_parameter_supported": self.kind.names_issuer,
            }
            return 200, {}, {name: value for name, value in named.items() if value is not None}
        if url == f"{self._root}/keys":
            return 200, {}, {"keys": [jwk(KEY, "k1"), {"kty": "EC", "kid": "k2", "crv": "P-256"}]}
        sent = dict(parse_qsl(parts.query))
        if url != f"{self._root}/authorize" or sent["client_id"] != CLIENT_ID:
            return 404, {}, {}
        assert sent["redirect_uri"] == self.redirect
        assert "openid" in sent["scope"].split()
        # A provider refuses a prompt that it does not support.
        assert sent.get("prompt") == ("select_account" if self.kind.prompts else None)
        code = secrets.token_urlsafe(16)
        self._codes[code] = sent
        answer = {"code": code, "state": sent["state"]}
        answer |= {"iss": self.issuer} if self.kind.names_issuer and self.states_issuer else {}
        return 302, {"location": f"{self.redirect}?{urlencode(answer)}"}, {}

    def post(self, target: str, authorization: str, body: str) -> tuple[int, dict[str, str], Any]:
        form = dict(parse_qsl(body))
        asked = self._codes.pop(form.get("code", ""), None)
        if f"{self.base}{target}" != f"{self._root}/token" or asked is None:
            return 400, {}, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or form["redirect_uri"] != self.redirect:
            return 400, {}, {"error": "invalid_grant"}
        if not self._is_proven(form, authorization):
            return 401, {}, {"error": "invalid_client"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"], "name": "Ann", **self.kind.claims, **self.changed}
        token = jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "k1"})
        return 200, {}, {"access_token": "opaque", "token_type": "Bearer", "id_token": token}

    def _is_proven(self, form: Mapping[str, str], authorization: str) -> bool:
        methods = self.kind.methods or ("client_secret_basic",)
        if authorization:
            self.proofs.append("client_secret_basic")
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            given = [unquote(each) for each in pair.split(":")]
        else:
            self.proofs.append("client_secret_post")
            given = [form["client_id"], form.get("client_secret", "")]
        return given == [CLIENT_ID, SECRET] and self.proofs[-1] in methods


@contextmanager
def open_id_provider(kind: str, redirect: str) -> Iterator[OpenIdProvider]:
    """Serve a provider of this kind while the block runs."""
    served = OpenIdProvider(KINDS[kind], redirect)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(*served.get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._send(*served.post(self.path, self.headers.get("authorization", ""), body))

        def _send(self, status: int, headers: Mapping[str, str], content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    with listening(Handler) as served.base:
        yield served
