"""uvicorn's HTTP/1.1 with bounds on what a client may send before it is answered.

uvicorn bounds neither the size of a request's head nor the time in which a request arrives. It
adds the trailers of a chunked body to the headers. On Azure the host in front bounds these.

A client may offer another protocol (`Upgrade: h2c`, as Java's HttpClient does with each request).
A server may ignore the offer (RFC 9110, 7.8) and this one does; uvicorn's parser drops the body.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_BYTES = 64 * 1024  # eight times the longest token that is accepted
_REQUEST_BYTES = 16 * 1024 * 1024  # with trailers and the framing of chunks
_REQUEST_SECONDS = 20.0


class BoundedHttp(HttpToolsProtocol):
    """One connection, each of whose requests has a size and a time to arrive in."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._is_in_head = True
        self._bytes = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._end_wait()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; refuse and close where a head or a request goes beyond its size."""
        self._bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.send_400_response("Invalid HTTP request received.")
            return
        most = _HEAD_BYTES if self._is_in_head else _REQUEST_BYTES
        if self._bytes > most and not self.transport.is_closing():
            self.send_400_response("The request is too large.")

    def on_message_begin(self) -> None:
        """Count a request from its first byte."""
        super().on_message_begin()
        self._is_in_head = True
        self._wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; ignore a trailer, which comes after the headers were checked."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Go on to the body; a request that offers another protocol is read once more."""
        self._is_in_head = False
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Let the answer take its own time."""
        if self.parser.should_upgrade():  # the parser ends such a request after its head
            return
        self._is_in_head = True
        self._bytes = 0
        self._end_wait()
        super().on_message_complete()

    def _feed(self, data: bytes) -> None:
        """Parse on; where a head offers another protocol, parse it anew without the offer.

        Raises:
            httptools.HttpParserError: the data is not HTTP.
            httptools.HttpParserUpgrade: the method is CONNECT.
        """
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
            else:
                return
            head = self._head_without_offer()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            self.parser.feed_data(head)

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(_REQUEST_SECONDS, self.transport.close)

    def _end_wait(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
