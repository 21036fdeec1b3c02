"""What a client may send to the local server before it is answered: so much, in so much time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.answers.rpc import LEGACY, MODERN, request
from tests.support.products.serving import listening
from tests.support.suite.patience import patient
from zava.app import Application
from zava.protocol.http import asgi
from zava.protocol.http.asgi import asgi_application
from zava.protocol.http_responses import HttpResponse

MiB = 1024 * 1024


@pytest.fixture
async def port(application: Application) -> AsyncIterator[int]:
    async with listening(application) as port:
        yield port


async def said(port: int, *parts: bytes, most_seconds: float = 20) -> bytes:
    """Send parts until the server closes; return what it has answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(most_seconds):
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def test_head_that_does_not_end_is_refused(port: int) -> None:
    line = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\nx: "
    answer = await said(port, line, *(b"a" * 16 * 1024 for _ in range(64)))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


async def test_many_lines_are_a_long_head_as_well(port: int) -> None:
    lines = (b"x-%d: %s\r\n" % (n, b"a" * 100) for n in range(20_000))
    answer = await said(port, b"POST /mcp HTTP/1.1\r\nhost: localhost\r\n", *lines)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /mcp HTTP/1.1\r\nhost: loc",
        b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{",
    ],
    ids=["nothing", "half a head", "half a body"],
)
async def test_half_a_request_is_waited_for_a_bounded_time(
    application: Application, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.protocol.http.uvicorn_protocol._REQUEST_SECONDS", 0.2)
    async with listening(application) as port:
        assert await said(port, sent) == b""


async def test_answer_takes_longer_than_a_request_may(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zava.protocol.http.uvicorn_protocol._REQUEST_SECONDS", 0.2)
    done = asyncio.Event()
    handle = application.endpoint.handle

    async def slow(*arguments: Any) -> HttpResponse:
        asyncio.get_running_loop().call_later(0.5, done.set)
        await done.wait()
        return await handle(*arguments)

    monkeypatch.setattr(application.endpoint, "handle", slow)
    async with listening(application) as port:
        answer = await said(
            port, b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 200")


async def test_trailers_are_no_headers(port: int, tokens: dict[str, str]) -> None:
    headers, body = request(MODERN, "ping", None, tokens["seattle"])
    authorization = headers.pop("authorization")
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /mcp HTTP/1.1", *lines, "transfer-encoding: chunked", "connection: close"]
    chunk = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    trailer = f"authorization: {authorization}\r\n\r\n".encode()
    answer = await said(port, "\r\n".join(head).encode() + b"\r\n\r\n" + chunk + trailer)
    assert answer.startswith(b"HTTP/1.1 401")


H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAA\r\n"
OFFERS = {
    "Java's HttpClient": b"Connection: Upgrade, HTTP2-Settings\r\nContent-Length: %(length)d\r\n"
    b"Host: localhost\r\nHTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
    b"Upgrade: h2c\r\nUser-Agent: Java-http-client/21.0.2\r\n",
    "curl --http2": b"host: localhost\r\n" + H2C + b"content-length: %(length)d\r\n",
    "chunked": b"host: localhost\r\n" + H2C + b"transfer-encoding: chunked\r\n",
    "no offer, chunked": b"host: localhost\r\ntransfer-encoding: chunked\r\n",
    "TLS": b"host: localhost\r\nconnection: upgrade\r\nupgrade: TLS/1.3\r\n"
    b"content-length: %(length)d\r\n",
    "websocket": b"host: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\ncontent-length: %(length)d\r\n",
}


@pytest.mark.parametrize("offer", OFFERS)
async def test_offer_of_another_protocol_is_ignored(
    port: int, tokens: dict[str, str], offer: str
) -> None:
    lines = OFFERS[offer]
    is_chunked = b"chunked" in lines
    headers, body = request(LEGACY[-1], "tools/list", None, tokens["seattle"])
    sent = (
        b"POST /mcp HTTP/1.1\r\n"
        + (lines if is_chunked else lines % {b"length": len(body)})
        + "".join(
            f"{name}: {headers[name]}\r\n" for name in ("content-type", "accept", "authorization")
        ).encode()
        + b"\r\n"
    )
    head_bytes = len(sent)
    sent += b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if is_chunked else body
    last = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    for parts in (
        [sent + sent + last],  # as one packet
        [sent[:head_bytes], sent[head_bytes:], sent, last],  # the body in a packet of its own
        [sent[at : at + 7] for at in range(0, len(sent), 7)] + [last],
    ):
        answer = await said(port, *parts)
        assert answer.count(b"HTTP/1.1 200") == b"".join(parts).count(b"HTTP/1.1\r\n"), answer[:300]
        assert b"execute_sales_query" in answer


async def test_offers_without_end_are_answered_one_by_one(port: int) -> None:
    sent = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    last = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    answer = await said(port, sent * 600 + last)
    assert answer.count(b"HTTP/1.1 200") == 601


async def test_tunnel_is_refused(port: int) -> None:
    answer = await said(port, b"CONNECT localhost:443 HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


async def test_trailers_without_end_are_refused(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot fill it.
    monkeypatch.setattr("zava.protocol.http.uvicorn_protocol._REQUEST_BYTES", MiB)
    head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
    lines = (b"x-%d: %s\r\n" % (n, b"a" * 16_000) for n in range(200))
    async with listening(application) as port:
        answer = await said(port, head, *lines)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


async def test_bodies_that_arrive_at_once_are_bounded_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No setting changes this bound, and a test cannot fill it.
    monkeypatch.setattr(asgi, "_MAX_ARRIVING_BYTES", 3 * MiB)
    rest = asyncio.Event()
    handled: list[int] = []

    class Site:
        async def handle(self, *request: Any) -> HttpResponse:
            _method, _path, _headers, body, _query = request
            handled.append(len(body))
            return HttpResponse(200, {}, b"")

    application = asgi_application(Site())
    scope = {"method": "POST", "path": "/mcp", "headers": []}

    async def send_one(statuses: list[int]) -> None:
        is_first = True

        async def receive() -> dict[str, Any]:
            nonlocal is_first
            if is_first:
                is_first = False
                return {"type": "http.request", "body": b"a" * MiB, "more_body": True}
            await rest.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await application(scope, receive, send)

    statuses: list[int] = []
    senders = [asyncio.create_task(send_one(statuses)) for _ in range(10)]
    await asyncio.wait(senders, timeout=0)
    while len(statuses) < 7:
        await asyncio.wait(senders, timeout=0)
    assert statuses == [503] * 7
    rest.set()
    async with asyncio.timeout(patient(10)):
        await asyncio.gather(*senders)
    assert statuses[7:] == [200] * 3
    assert handled == [MiB] * 3
    await send_one(statuses)  # the room is free again
    assert statuses[-1] == 200
