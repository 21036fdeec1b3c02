"""A small server on loopback that answers as Zava does, but for one fault that a test names.

It reads and writes bytes itself, so that it may be wrong in ways that a web server is not.
"""

import io
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.support.suite.patience import patient
from zava.protocol.mcp.jsonrpc import MAX_BODY_BYTES
from zava.protocol.versions import SERVED
from zava.retail.declaration import RETAIL

TOKEN = "head.body.signature"
SLOW_SECONDS = 0.05
_METADATA = "/.well-known/oauth-protected-resource/mcp"
_ISSUER = "/issuer"
_DOCUMENT = f"/.well-known/oauth-authorization-server{_ISSUER}"
_DOCUMENT_OF_ENTRA = f"{_ISSUER}/.well-known/openid-configuration"
_OUR_HEADERS = {"content-security-policy": "default-src 'none'"}


_SERVERS = {
    "no authorization server": [],
    "second issuer is no address": [f"{{base}}{_ISSUER}", "issuer"],
    "issuer is not encrypted": ["http://issuer.example"],
    "issuer publishes nothing": ["{base}"],
}


@dataclass
class Incoming:
    """One request, as this server reads it."""

    method: str
    path: str
    fields: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Outgoing:
    """One answer; `has_headers` is whether it carries the headers of the app's own answers."""

    status: int
    content: object = None
    fields: Mapping[str, str] = field(default_factory=dict)
    has_headers: bool = True


_LARGE_BODY = {"Functions": Outgoing(500, has_headers=False), "closes on a large body": None}


class Played:
    """The server; `fault` names what it does wrong."""

    def __init__(self, fault: str = "", *, host: str = "127.0.0.1", scheme: str = "http") -> None:
        self.fault = fault
        self.seen: list[Incoming] = []
        self.is_open = True
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"{scheme}://{host}:{self.listener.getsockname()[1]}"
        self.url = f"{self.base}/mcp"
        self.patience = threading.Event()

    def converse(self, client: socket.socket) -> None:
        """Answer the requests of one connection until the client leaves."""
        # An OSError or a ValueError: the client left in the middle, which is its right.
        with client, client.makefile("rwb") as stream, suppress(OSError, ValueError):
            while self.is_open and (request := self._read(stream)) is not None:
                self.seen.append(request)
                self._write(stream, request, self.answer(request))

    def _read(self, stream: "io.BufferedRWPair[Any, Any]") -> Incoming | None:
        line = stream.readline().decode("latin-1").split()
        if len(line) != 3:
            return None
        fields: dict[str, str] = {}
        while (header := stream.readline().strip()) != b"":
            name, _, value = header.decode("utf-8").partition(":")
            fields[name.lower()] = value.strip()
        request = Incoming(line[0], line[1], fields)
        if "expect" in fields and self.fault != "no 100-continue":
            stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            stream.flush()
        if "transfer-encoding" in fields:
            while size := int(stream.readline(), 16):
                request.body += stream.read(size + 2)[:size]
            stream.readline()
            if self.fault in {"chunked body is lost", "chunked body is refused"}:
                request.body = b""
        else:
            request.body = stream.read(int(fields.get("content-length", "0")))
        return request

    def _write(
        self, stream: "io.BufferedRWPair[Any, Any]", request: Incoming, answer: Outgoing | None
    ) -> None:
        if answer is None:
            raise ConnectionAbortedError
        body = b"" if answer.content is None else json.dumps(answer.content).encode()
        own = dict(_OUR_HEADERS) if answer.has_headers else {}
        if self.base.startswith("https") and self.fault != "no HSTS":
            own["strict-transport-security"] = "max-age=31536000"
        if self.fault == "announces that it closes":
            own["connection"] = "Close"
        fields = own | {"content-length": str(len(body))} | dict(answer.fields)
        lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {fields[name]}" for name in fields)]
        stream.write("\r\n".join([*lines, "", ""]).encode())
        stream.write(b"" if request.method == "HEAD" else body)
        stream.flush()
        if self.fault in {"closes without a word", "announces that it closes"}:
            raise ConnectionAbortedError

    def answer(self, request: Incoming) -> Outgoing | None:
        """Return what Zava would answer, or what the fault makes of it; None closes."""
        if self.fault == "hangs after two answers" and len(self.seen) > 2:
            self.patience.wait(patient(10))
        if self.fault == f"no {request.method}":
            return Outgoing(404, has_headers=False)
        if request.method == "OPTIONS" and self.fault == "open to every page":
            return Outgoing(204, fields={"access-control-allow-origin": "*"})
        if request.path == "/mcp":
            return self._endpoint(request)
        return self._document(request.path)

    def _document(self, path: str) -> Outgoing:
        if path == "/health/live":
            is_down = self.fault == "large body ends it" and any(
                len(request.body) > 2 * MAX_BODY_BYTES for request in self.seen
            )
            return Outgoing(500) if is_down else Outgoing(200, {"status": "alive"})
        if path == "/health/ready":
            return self._readiness()
        if path == "/admin/host/ping" and self.fault.startswith("Functions"):
            return Outgoing(200, has_headers=False)
        if path == _METADATA and self.fault != "no metadata":
            resource = "https://elsewhere/mcp" if self.fault == "other resource" else self.url
            servers = _SERVERS.get(self.fault, ["{base}" + _ISSUER])
            named = [server.format(base=self.base) for server in servers]
            under = "api://zava" if self.fault == "scopes elsewhere" else resource
            content = {
                "resource": resource,
                "resource_name": RETAIL.name,
                "authorization_servers": named,
                "scopes_supported": [f"{under}/sales.read", f"{under}/sql.query"],
            }
            return Outgoing(200, content)
        is_entra = self.fault == "PKCE is not listed"
        if path == (_DOCUMENT_OF_ENTRA if is_entra else _DOCUMENT):
            methods = ["plain"] if self.fault == "plain PKCE" else ["S256"]
            issuer = "https://other" if self.fault == "other issuer" else self.base + _ISSUER
            listed = {} if is_entra else {"code_challenge_methods_supported": methods}
            return Outgoing(200, {"issuer": issuer} | listed)
        return Outgoing(404, {"error": "not found"})

    def _readiness(self) -> Outgoing:
        if self.fault == "isolation is not proven":
            checks = {"database": "healthy", "isolation": "unhealthy"}
            return Outgoing(503, {"status": "unhealthy", "checks": checks})
        looks = sum(request.path == "/health/ready" for request in self.seen)
        if self.fault == "ready at the third look" and looks < 3:
            return Outgoing(503, {"status": "unhealthy", "checks": {"database": "unhealthy"}})
        return Outgoing(200, {"status": "healthy", "checks": {"database": "healthy"}})

    def _endpoint(self, request: Incoming) -> Outgoing | None:
        if len(request.body) > MAX_BODY_BYTES and self.fault in _LARGE_BODY:
            return _LARGE_BODY[self.fault]
        if request.method != "POST":
            return Outgoing(405, {"error": "use POST"}, {"allow": "POST"})
        has_framing = not {"content-length", "transfer-encoding"}.isdisjoint(request.fields)
        is_failing = (
            self.fault == "UTF-8 header fails"
            if "x-check" in request.fields
            else self.fault == "POST without a length fails" and not has_framing
        )
        if is_failing:
            return Outgoing(500, has_headers=False)
        if request.fields["host"] != self.base.partition("://")[2] and (
            self.fault != "every Host is served"
        ):
            return Outgoing(421, {"error": "This host name is not served here."})
        if "origin" in request.fields and self.fault != "every Origin is served":
            allows = self.fault == "every Origin may read"
            opened = {"access-control-allow-origin": "*"} if allows else {}
            return Outgoing(403, {"error": "this origin may not call"}, opened)
        if self.fault == "chunked body is refused" and "transfer-encoding" in request.fields:
            return Outgoing(411, {"error": "Send Content-Length."})
        return self._call(request)

    def _call(self, request: Incoming) -> Outgoing:
        token = request.fields.get("authorization", "").removeprefix("Bearer ")
        is_known = token == TOKEN or (token and self.fault == "every token is accepted")
        if not is_known:
            reason = "The token is not a JWT." if token else "A bearer token is required."
            named = f'Bearer resource_metadata="{self.base}{_METADATA}"'
            has_challenge = self.fault != "no challenge"
            challenge = {"www-authenticate": named} if has_challenge else {}
            return Outgoing(401, {"error_description": reason}, challenge)
        if len(request.body) > MAX_BODY_BYTES and self.fault != "every body is taken":
            return Outgoing(413, _error("The body is too large."))
        try:
            message = json.loads(request.body)
        except ValueError:
            return Outgoing(400, _error("The body is not valid JSON."))
        if self.fault == "not granted":
            return Outgoing(403, _error("You have no access."))
        if self.fault == "slow":
            self.patience.wait(SLOW_SECONDS)
        era = "other" if self.fault == "other era" else SERVED[1]
        results = {
            "initialize": {"protocolVersion": era},
            "server/discover": {"supportedVersions": [era, *SERVED[self.fault == "other era" :]]},
            "tools/call": {"content": [], "isError": self.fault == "tool fails"},
        }
        result = {"jsonrpc": "2.0", "id": 1, "result": results[message["method"]]}
        return Outgoing(200, result)


def _error(message: str) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": message}}


@contextmanager
def playing(
    fault: str = "", *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[Played]:
    """Serve on loopback while the block runs; every connection has a thread of its own."""
    played = Played(fault, host=host, scheme="https" if tls else "http")
    with serving(played.listener, played.converse, tls):
        try:
            yield played
        finally:
            played.is_open = False
            played.patience.set()


@contextmanager
def serving(
    listener: socket.socket,
    converse: Callable[[socket.socket], object],
    tls: ssl.SSLContext | None = None,
) -> Iterator[None]:
    """Hand each connection to `converse` on a thread, and end them all afterwards."""
    clients: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def meet(client: socket.socket) -> None:
        # An OSError: the client does not trust the certificate.
        with suppress(OSError):
            secured = tls.wrap_socket(client, server_side=True) if tls else client
            clients.append(secured)
            converse(secured)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                clients.append(client)
                threads.append(threading.Thread(target=meet, args=(client,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        listener.close()
        accepting.join(timeout=patient(10))
        for client in clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()
        for thread in threads:
            thread.join(timeout=patient(10))
