"""The endpoint behind a web server of our own, for a laptop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from zava.protocol.body import MAX_BODY_BYTES
from zava.protocol.endpoint import Headers
from zava.protocol.kernel import Answer

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Site(Protocol):
    """What answers whole requests: the endpoint, with the console before it or alone."""

    async def handle(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        """Answer one request; never raises, but for cancellation."""


def asgi_application(site: Site) -> Callable[[Any, Receive, Send], Awaitable[None]]:
    """Return an ASGI application that hands whole requests to a site."""

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:  # the client left before it had spoken
            return
        call = asyncio.ensure_future(
            site.handle(
                scope["method"],
                scope["path"],
                [
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in scope["headers"]
                ],
                body,
            )
        )
        leaving = asyncio.ensure_future(_gone(receive))
        await asyncio.wait({call, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not call.done():
            call.cancel()  # which also cancels the statement in the database
            await asyncio.wait({call})
            return
        leaving.cancel()
        answer = call.result()
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.items()
            if name != "content-length"
        ]
        headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return application


async def _read(receive: Receive) -> bytes | None:
    """Return the body, at most one byte more than the endpoint accepts."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= MAX_BODY_BYTES:
            body += message.get("body", b"")[: MAX_BODY_BYTES + 1 - len(body)]
        if not message.get("more_body"):
            return bytes(body)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
