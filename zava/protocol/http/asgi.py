"""The endpoint behind a web server of our own, for a laptop."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, Protocol, Self

from zava.protocol.http.endpoint import Headers
from zava.protocol.http_responses import HttpResponse
from zava.protocol.mcp.jsonrpc import MAX_BODY_BYTES

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_LOOK_AFTER_SECONDS = 0.05
# The rows of an answer in parts hold the disk. So a client that takes no part for a minute, or not
# all of them within an hour, has its answer ended.
_STALLED_SECONDS = 60.0
_SENDING_SECONDS = 3600.0
_MAX_ARRIVING_BYTES = 32 * 1024 * 1024


class Site(Protocol):
    """What answers whole requests: the endpoint, with the console before it or alone."""

    async def handle(
        self, method: str, path: str, headers: Headers, body: bytes, query: str = ""
    ) -> HttpResponse:
        """Answer one request; never raises, but for cancellation."""


def asgi_application(
    site: Site,
    *,
    stalled_seconds: float = _STALLED_SECONDS,
    sending_seconds: float = _SENDING_SECONDS,
) -> Callable[[Any, Receive, Send], Awaitable[None]]:
    """Return an ASGI application that hands whole requests to a site.

    The bodies that arrive at once, before any token is checked, are bounded together. An answer in
    parts ends early if its client takes no part for `stalled_seconds`, or not all of them within
    `sending_seconds`.
    """
    room = _Room(_MAX_ARRIVING_BYTES)

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        try:
            body = await _read(receive, room)
        except _Full:
            await _send(send, HttpResponse(503, {"retry-after": "1"}, b""))
            return
        if body is None:  # the client left before it had spoken
            return
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ]
        with _Watch(receive) as watch:
            query = scope.get("query_string", b"").decode("latin-1")  # optional in ASGI
            answer = await site.handle(scope["method"], scope["path"], headers, body, query)
        if watch.is_left:
            return
        if answer.parts is None:
            await _send(send, answer)
            return
        with _Watch(receive):  # uvicorn drops what it cannot send, without an error
            await _send_parts(send, answer, answer.parts, stalled_seconds, sending_seconds)

    return application


class _Full(Exception):
    """No room is left for another part of a body."""


class _Room:
    """How many bytes of bodies are held that have not arrived whole."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, count: int) -> None:
        """Take room for a part of a body.

        Raises:
            _Full: none is left.
        """
        if count > self._left:
            raise _Full
        self._left -= count

    def give_back(self, count: int) -> None:
        """Give room back."""
        self._left += count


async def _send_parts(
    send: Send,
    answer: HttpResponse,
    parts: AsyncGenerator[bytes, None],
    stalled_seconds: float,
    sending_seconds: float,
) -> None:
    """Send an answer in parts; `send` waits while the client reads slowly.

    An answer that ends early has no last part, so it does not look whole.
    """

    async def send_part(message: dict[str, Any]) -> None:
        async with asyncio.timeout(stalled_seconds):
            await send(message)

    async with aclosing(parts):
        with suppress(TimeoutError):
            async with asyncio.timeout(sending_seconds):
                await send_part(
                    {
                        "type": "http.response.start",
                        "status": answer.status,
                        "headers": _told(answer),
                    }
                )
                async for part in parts:
                    await send_part({"type": "http.response.body", "body": part, "more_body": True})
                await send_part({"type": "http.response.body", "body": b""})


def _told(answer: HttpResponse) -> list[tuple[bytes, bytes]]:
    return [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers.items()
        if name != "content-length"
    ]


async def _send(send: Send, answer: HttpResponse) -> None:
    told = [*_told(answer), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": told})
    await send({"type": "http.response.body", "body": answer.body})


class _Watch:
    """Cancels the block that it wraps, and so its statement, when the client leaves.

    It watches the client only after the block has run for a moment: most calls end before a second
    task would have paid for itself.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._leaving: asyncio.Task[None] | None = None
        self.is_left = False

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(loop)
        self._look = loop.call_later(_LOOK_AFTER_SECONDS, self._begin)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._look.cancel()
        if self._leaving is not None:
            self._leaving.cancel()
        # Our own cancellation ends here; one from outside goes on.
        return (
            self.is_left
            and kind is asyncio.CancelledError
            and self._task is not None
            and self._task.uncancel() == 0
        )

    def _begin(self) -> None:
        self._leaving = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_left = True
        if self._task is not None:
            self._task.cancel()


async def _read(receive: Receive, room: _Room) -> bytes | None:
    """Return the body, at most one byte more than the endpoint accepts.

    Raises:
        _Full: too much of other bodies is arriving.
    """
    body = bytearray()
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")[: max(0, MAX_BODY_BYTES + 1 - len(body))]
            if not message.get("more_body"):
                return bytes(body + part)
            room.take(len(part))
            body += part
    finally:
        room.give_back(len(body))
