"""uvicorn's HTTP/1.1 with bounds on what a client may send before it is answered.

uvicorn bounds neither the size of a request's head nor the time in which a request arrives. It
adds the trailers of a chunked body to the headers. On Azure the host in front bounds these.

A client may offer another protocol (`Upgrade: h2c`, as Java's HttpClient does with each request).
A server may ignore the offer (RFC 9110, 7.8) and this one does; uvicorn's parser drops the body.

A connection that brings one request of a principal after another is read when it is that one's
turn (`process_time.py`). What arrives earlier waits unparsed.
"""

import asyncio
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zava.protocol.capacity.process_time import ANYONE, Connection, ProcessTime, current_connection

_HEAD_BYTES = 64 * 1024  # eight times the longest token that is accepted
_REQUEST_BYTES = 16 * 1024 * 1024  # with trailers and the framing of chunks
_REQUEST_SECONDS = 20.0


class BoundedHttp(HttpToolsProtocol):
    """One connection, each of whose requests has a size and a time to arrive in."""

    _time: ClassVar[ProcessTime]  # `paced_http` gives it

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._connection = Connection()
        self._authorization = b""  # of the last request
        self._unread = b""
        self._is_in_head = True
        self._bytes = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn types it wider
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._end_wait()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, a further request of its principal when it is that one's turn.

        A head or a request that goes beyond its size is refused, and the connection closed.
        """
        self._unset_keepalive_if_required()
        if self._unread or self._waits(data):
            self._unread += data
            self.flow.pause_reading()
        else:
            self._read(data)

    def _waits(self, data: bytes) -> bool:
        """Return whether the data begin a request that is read later.

        A proxy may send another person's request on the same connection, with another token. That
        one is read at once. A client without a valid token may send another one each time.
        """
        principal, is_begun = self._connection.principal, self._bytes > 0
        if principal is None or is_begun or len(data) > _HEAD_BYTES:
            return False
        if principal != ANYONE and self._authorization not in data:
            return False
        return not self._time.reads_now(self._connection, self._read_on)

    def _read_on(self) -> bool:
        if self.transport.is_closing():
            return False
        self.loop.call_soon(self._read_unread)
        return True

    def _read_unread(self) -> None:
        data, self._unread = self._unread, b""
        if not self.transport.is_closing():
            self._unset_keepalive_if_required()  # set where an answer ended meanwhile
            self.flow.resume_reading()
            self._read(data)

    def _read(self, data: bytes) -> None:
        self._bytes += len(data)
        token = current_connection.set(self._connection)
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.send_400_response("Invalid HTTP request received.")
            return
        finally:
            current_connection.reset(token)
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
        self._authorization = next((v for name, v in self.headers if name == b"authorization"), b"")
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


def paced_http(time: ProcessTime) -> type[BoundedHttp]:
    """Return the protocol of a server whose requests share this time."""

    class PacedHttp(BoundedHttp):
        _time = time

    return PacedHttp
