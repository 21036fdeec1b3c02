"""uvicorn's HTTP/1.1 with bounds on what a client may send before it is answered.

uvicorn bounds neither the size of a request's head nor the time in which a request arrives, and it
adds the trailers of a chunked body to the headers. On Azure the host in front bounds these.
"""

import asyncio
from typing import Any

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
        super().data_received(data)
        most = _HEAD_BYTES if self._is_in_head else _REQUEST_BYTES
        if self._bytes > most and not self.transport.is_closing():
            self.send_400_response("The request is too large.")

    def on_message_begin(self) -> None:
        """Count a request from its first byte."""
        super().on_message_begin()
        self._is_in_head = True
        self._wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer comes after the headers were judged, and is none."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Let the answer take its own time."""
        self._is_in_head = True
        self._bytes = 0
        self._end_wait()
        super().on_message_complete()

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(_REQUEST_SECONDS, self.transport.close)

    def _end_wait(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
