"""Reads the small documents of issuers and providers, within bounds of place, size and time.

It is loaded at the first document that is read.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import SHUT_RDWR, create_connection, socket
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)

_SECONDS = 5.0
_MAX_BYTES = 1024 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_safe(url: str) -> bool:
    """Whether a document may be read there: over HTTPS, or plain HTTP from this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def read_document(
    url: str,
    body: bytes | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    seconds: float = _SECONDS,
) -> bytes:
    """Return a small document, in answer to a form where `body` is one.

    It is read where `is_safe` allows, and no redirection is followed.

    Raises:
        OSError: the address does not answer whole and in time, or answers with an error.
        ValueError: the address is not safe, or the document is too large.
    """
    if not is_safe(url):
        raise ValueError("documents are read over HTTPS only")
    request = Request(url, body, dict(headers or {}))  # noqa: S310  # checked above
    try:
        with (
            _TimedConnection(seconds) as line,
            line.opener().open(request, timeout=seconds) as response,
        ):
            content: bytes = response.read(_MAX_BYTES + 1)
            line.check()
            is_cut = bool(response.length)
    except HTTPError as error:
        error.close()
        raise
    except HTTPException as error:
        raise OSError("the answer is not HTTP") from error
    if len(content) > _MAX_BYTES:
        raise ValueError("the document is too large")
    if is_cut:
        raise OSError("the answer is cut")
    return content


class _TimedConnection:
    """The connection of one exchange, which is cut when the time is over.

    A time-out of the socket begins anew with each byte. So an issuer that sends one at a time would
    hold the thread for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._end = threading.Timer(seconds, self._cut)
        self._end.daemon = True
        self._changing = threading.Lock()
        # A second handle: TLS takes the first one over.
        self._held: socket | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        self._end.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._end.cancel()
        with self._changing:
            if self._held is not None:
                self._held.close()
                self._held = None

    def opener(self) -> Any:
        """Return what opens URLs over this line and follows no redirection."""
        return build_opener(_Stay, _Plain(self), _Secure(self))

    def connect(self, *arguments: Any, **named: Any) -> socket:
        """Return the connection, which is made once: nothing is sent a second time.

        Raises:
            TimeoutError: the time is over.
        """
        made = create_connection(*arguments, **named)
        with self._changing:
            self._held = made.dup()
        if self._is_over:
            made.close()
        self.check()
        return made

    def check(self) -> None:
        """Raise where the time is over; what came until then may be a part.

        Raises:
            TimeoutError: the time is over.
        """
        if self._is_over:
            raise TimeoutError("no whole answer in time")

    def _cut(self) -> None:
        self._is_over = True
        with self._changing:
            if self._held is not None:
                with suppress(OSError):  # the other side has closed it
                    self._held.shutdown(SHUT_RDWR)


def _over(
    line: _TimedConnection, made: type[HTTPConnection], host: str, **named: Any
) -> HTTPConnection:
    connection = made(host, **named)
    # Before TLS and before a proxy: both may be slow, too.
    connection._create_connection = line.connect  # type: ignore[attr-defined]  # noqa: SLF001  # a seam of http.client
    return connection


class _Plain(HTTPHandler):
    """Opens http URLs over a line."""

    def __init__(self, line: _TimedConnection) -> None:
        super().__init__()
        self._line = line

    def http_open(self, req: Request) -> HTTPResponse:
        """Open one."""
        return self.do_open(partial(_over, self._line, HTTPConnection), req)


class _Secure(HTTPSHandler):
    """Opens https URLs over a line."""

    def __init__(self, line: _TimedConnection) -> None:
        super().__init__()
        self._line = line

    def https_open(self, req: Request) -> HTTPResponse:
        """Open one."""
        return self.do_open(partial(_over, self._line, HTTPSConnection), req)


class _Stay(HTTPRedirectHandler):
    """Refuses every redirection, because it could lead to plain HTTP."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse one."""
