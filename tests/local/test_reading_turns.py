"""Whose requests the local server reads first when many connections bring some at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.answers.rpc import MODERN, request
from tests.support.products.serving import listening
from tests.support.suite.patience import patient
from zava.app import Application
from zava.protocol.http_responses import HttpResponse

CONNECTIONS, FEW = 60, 12
NO_TOKEN = "e30.e30.e30"


class Client:
    """A kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, token: str) -> None:
        """Hand a request to the system at once, without a turn of the loop."""
        headers, body = request(MODERN, "tools/list", {}, token)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = ["POST /mcp HTTP/1.1", *lines, f"content-length: {len(body)}"]
        self.writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    async def status(self) -> int:
        async with asyncio.timeout(patient(20)):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await self._reader.readexactly(int(length))
        return int(head[9:12])

    async def ask(self, token: str) -> int:
        self.send(token)
        return await self.status()


@asynccontextmanager
async def kept(port: int, count: int) -> AsyncIterator[list[Client]]:
    clients = [
        Client(*await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024))
        for _ in range(count)
    ]
    try:
        yield clients
    finally:
        for client in clients:
            client.writer.close()


@pytest.fixture
def begun(application: Application, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the tokens of the requests whose work began, in this order."""
    handle, order = application.endpoint.handle, []

    async def noted(method: str, path: str, headers: Any, *rest: Any) -> HttpResponse:
        order.append(dict(headers)["authorization"].removeprefix("Bearer "))
        return await handle(method, path, headers, *rest)

    monkeypatch.setattr(application.endpoint, "handle", noted)
    return order


@pytest.mark.parametrize("flooding", ["seattle", NO_TOKEN])
async def test_neighbour_is_read_before_most_of_a_crowd(
    application: Application, tokens: dict[str, str], begun: list[str], flooding: str
) -> None:
    crowds, redmonds = tokens.get(flooding, flooding), tokens["redmond"]
    async with (
        listening(application) as port,
        kept(port, CONNECTIONS) as crowd,
        kept(port, 1) as (neighbour,),
    ):
        assert await neighbour.ask(redmonds) == 200
        for client in crowd:  # whose each connection is
            await client.ask(crowds)
        begun.clear()
        for client in crowd:
            client.send(crowds)
        neighbour.send(redmonds)
        assert await neighbour.status() == 200
        assert begun.index(redmonds) <= FEW
        statuses = {await client.status() for client in crowd}
    assert statuses == {200 if flooding in tokens else 401}
    assert begun.count(crowds) == CONNECTIONS, "those of the crowd are served all the same"


async def test_another_persons_request_on_a_shared_connection_is_read_at_once(
    application: Application, tokens: dict[str, str], begun: list[str]
) -> None:
    async with listening(application) as port, kept(port, CONNECTIONS) as proxied:
        assert await proxied[0].ask(tokens["redmond"]) == 200
        for client in proxied:
            await client.ask(tokens["seattle"])
        begun.clear()
        *crowd, last = proxied
        for client in crowd:
            client.send(tokens["seattle"])
        last.send(tokens["redmond"])
        assert await last.status() == 200
        assert begun.index(tokens["redmond"]) <= FEW
        assert {await client.status() for client in crowd} == {200}


async def test_clients_that_leave_before_they_are_read_hold_up_no_other(
    application: Application, tokens: dict[str, str]
) -> None:
    async with listening(application) as port, kept(port, CONNECTIONS) as crowd:
        assert await crowd[0].ask(tokens["redmond"]) == 200
        for client in crowd:
            await client.ask(tokens["seattle"])
        *leaving, last = crowd
        for client in crowd:
            client.send(tokens["seattle"])
        for client in leaving:
            client.writer.transport.abort()
        assert await last.status() == 200
        # That nothing stays behind shows here alone.
        assert not application.endpoint.process_time._waiting


async def test_server_that_stops_reads_no_further_request(
    application: Application, tokens: dict[str, str], begun: list[str]
) -> None:
    async with listening(application) as port, kept(port, CONNECTIONS) as crowd:
        assert await crowd[0].ask(tokens["redmond"]) == 200
        for client in crowd:
            await client.ask(tokens["seattle"])
        begun.clear()
        for client in crowd:
            client.send(tokens["seattle"])
        assert await crowd[0].status() == 200
    assert len(begun) < CONNECTIONS


async def test_requests_sent_one_behind_the_other_are_answered_in_order(
    application: Application, tokens: dict[str, str], begun: list[str]
) -> None:
    async with listening(application) as port, kept(port, CONNECTIONS) as crowd:
        assert await crowd[0].ask(tokens["redmond"]) == 200
        for client in crowd:
            await client.ask(tokens["seattle"])
        begun.clear()
        for _ in range(3):
            for client in crowd:
                client.send(tokens["seattle"])
        for client in crowd:
            assert [await client.status() for _ in range(3)] == [200] * 3
    assert len(begun) == 3 * CONNECTIONS
