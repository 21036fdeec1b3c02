"""The directory on loopback behind a socket."""

import html
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.sign_in.directory import Directory, Rules, SignInRefused
from tests.support.answers.entra import KEY, jwk
from tests.support.servers.listening import listening
from zava.model.core import Caller

Answer = tuple[int, dict[str, str], bytes]

# Of this form only: there is neither a document of RFC 8414 nor a registration.
_METADATA = "/v2.0/.well-known/openid-configuration"
_KEYS = "/discovery/v2.0/keys"
_SIGN_IN = "/oauth2/v2.0/authorize"
_TOKEN = "/oauth2/v2.0/token"  # a path


def _json(status: int, content: Any) -> Answer:
    return status, {"content-type": "application/json"}, json.dumps(content).encode()


def _get(directory: Directory, target: str) -> Answer:
    parts = urlsplit(target)
    tenant, _, rest = parts.path.lstrip("/").partition("/")
    path = f"/{rest}"
    if path == _METADATA and tenant == directory.tenant:
        return _json(200, directory.metadata())
    if path == _METADATA and tenant in {"organizations", "common"}:
        issuer = directory.issuer.replace(directory.tenant, "{tenantid}")
        return _json(200, directory.metadata() | {"issuer": issuer})
    if path == _KEYS:
        return _json(200, {"keys": [jwk(KEY, "k1")]})
    if path == _SIGN_IN and tenant == directory.tenant:
        sent = dict(parse_qsl(parts.query))
        try:
            return 302, {"location": directory.authorize(sent)}, b""
        except SignInRefused as refusal:
            directory.note("authorize", sent, refusal.code)
            return 400, {"content-type": "text/html"}, html.escape(str(refusal)).encode()
    return 404, {}, b""


def _post(directory: Directory, target: str, origin: str | None, body: str) -> Answer:
    if target != f"/{directory.tenant}{_TOKEN}":
        return 404, {}, b""
    sent = dict(parse_qsl(body))
    try:
        answer = directory.token(sent, origin)
    except SignInRefused as refusal:
        directory.note("token", sent, refusal.code)
        content = {"error": refusal.error, "error_description": str(refusal)}
        return _json(400, content | {"error_codes": [refusal.code]})
    directory.note("token", sent)
    return _json(200, answer)


@contextmanager
def directory(person: Caller, rules: Rules | None = None) -> Iterator[Directory]:
    """Serve a directory while the block runs; it knows no application yet."""
    served = Directory(person, rules=rules or Rules())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(_get(served, self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            self._send(_post(served, self.path, self.headers.get("origin"), body))

        def _send(self, answer: Answer) -> None:
            status, headers, body = answer
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
