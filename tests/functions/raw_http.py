"""Requests byte by byte, as no client library sends them."""

import socket
from collections.abc import Mapping
from http.client import HTTPResponse
from io import BytesIO
from typing import NamedTuple, cast
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 20.0


class RawAnswer(NamedTuple):
    """One answer; `closes` when the server says that it ends the connection behind it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


def get(
    target: str = "/mcp", *headers: str, method: str = "GET", host: str | None = "localhost"
) -> bytes:
    """Return a request without a body."""
    named = [] if host is None else [f"Host: {host}"]
    head = [f"{method} {target} HTTP/1.1", *named, *headers, "", ""]
    return "\r\n".join(head).encode("latin-1")


def post(body: bytes, *headers: str, target: str = "/mcp") -> bytes:
    """Return a request with a body and its length."""
    return get(target, f"Content-Length: {len(body)}", *headers, method="POST") + body


def chunked(body: bytes, *headers: str) -> bytes:
    """Return a request with a body in one chunk."""
    head = get("/mcp", "Transfer-Encoding: chunked", *headers, method="POST")
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def connected(url: str) -> socket.socket:
    """Return a connection to the server of a URL."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    return socket.create_connection((parts.hostname, parts.port or 80), _PATIENCE_SECONDS)


def send(url: str, request: bytes) -> RawAnswer:
    """Send bytes on a connection of their own, and read one answer."""
    with connected(url) as line:
        line.sendall(request)
        return read(line, request.partition(b" ")[0].decode())


def read(line: socket.socket, method: str = "GET") -> RawAnswer:
    """Read one answer.

    Raises:
        http.client.IncompleteRead: it ended before its stated length.
    """
    return _whole(HTTPResponse(line, method=method))


def parsed(received: bytes) -> RawAnswer:
    """Read an answer that has arrived."""
    return _whole(HTTPResponse(cast("socket.socket", _Received(received))))


class _Received:
    """What the reader of answers takes for a connection."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._received)


def _whole(answer: HTTPResponse) -> RawAnswer:
    answer.begin()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return RawAnswer(answer.status, headers, answer.read())
