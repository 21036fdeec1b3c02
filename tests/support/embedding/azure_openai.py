"""A stand-in for the embeddings API of Azure OpenAI on the loopback, with its bad days."""

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from zava.infrastructure.embeddings.azure_openai import TokenProvider

PATH = "/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21"


@dataclass(frozen=True)
class Fault:
    """What the service does instead of answering; status 0 is silence, -1 a cut connection."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "bad day", "code": "x"}}'


SILENCE, CUT = Fault(0), Fault(-1)


@dataclass
class AzureOpenAI:
    """`faults` are used up first, one a request; then every request is answered."""

    endpoint: str = ""
    dimensions: int = 1536
    faults: deque[Fault] = field(default_factory=deque)
    always: Fault | None = None
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    refused_word: str = "unspeakable"

    @property
    def embedded(self) -> list[str]:
        """Every text that was sent, in order."""
        return [text for _, _, body in self.requests for text in body["input"]]

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        fault = self.faults.popleft() if self.faults else self.always
        if fault is not None:
            return fault.status, fault.headers, fault.body
        if any(self.refused_word in text for text in body["input"]):
            return 400, {}, '{"error": {"message": "refused", "code": "content_filter"}}'
        dimensions = body.get("dimensions", self.dimensions)
        data = [
            {"object": "embedding", "index": index, "embedding": vector_of(text, dimensions)}
            for index, text in enumerate(body["input"])
        ]
        # In another order than asked: the index decides.
        told = {"object": "list", "data": data[::-1], "model": "m", "usage": {"prompt_tokens": 1}}
        return 200, {}, json.dumps(told | {"usage": {"prompt_tokens": 1, "total_tokens": 1}})


def no_entra(_credential: object) -> TokenProvider:
    """Stand in for `entra_token`: the stand-in asks nobody who is there."""

    async def token() -> str:
        return "a-token-of-entra"

    return token


def vector_of(text: str, dimensions: int) -> list[float]:
    """Return numbers that depend on the text alone."""
    digest = hashlib.shake_128(text.encode()).digest(dimensions)
    return [(byte - 127.5) / 128 for byte in digest]


@asynccontextmanager
async def azure_openai() -> AsyncIterator[AzureOpenAI]:
    """Serve the stand-in for as long as the block runs."""
    service = AzureOpenAI()
    connections: set[asyncio.Task[None]] = set()

    async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            headers = {}
            while (header := (await reader.readline()).decode().strip()) != "":
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            service.requests.append((line.decode().split()[1], headers, body))
            status, extra, text = service.answer(body)
            if status == 0:
                await reader.read()  # until the client leaves
            if status <= 0:
                return
            sent = {"content-type": "application/json", "content-length": str(len(text))} | extra
            lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in sent.items())]
            writer.write(("\r\n".join(lines) + "\r\n\r\n" + text).encode())
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            connections.add(task)
            task.add_done_callback(connections.discard)
        try:
            with suppress(ConnectionError):
                await exchange(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    service.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield service
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
