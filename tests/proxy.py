"""A TCP proxy before PostgreSQL that counts round trips and can hold answers back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass
class Proxy:
    """`round_trips` counts how often a client spoke after it had been answered."""

    conninfo: str = ""
    round_trips: int = 0
    answers_flow: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0


@asynccontextmanager
async def counting_proxy(  # noqa: C901  # two pumps, one clean-up
    target: str, *, latency_seconds: float = 0
) -> AsyncIterator[Proxy]:
    """Stand between a client and the server of a connection string, as far away as stated.

    Whatever a client sends without waiting arrives within a latency, and counts as one trip.
    """
    parts = conninfo_to_dict(target)
    proxy = Proxy()
    proxy.answers_flow.set()
    pumps: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxy.connections += 1
        upstream, up = await asyncio.open_connection(str(parts["host"]), int(str(parts["port"])))
        writers.extend((writer, up))
        was_answered = True

        async def questions() -> None:
            nonlocal was_answered
            while data := await reader.read(65536):
                if was_answered:
                    proxy.round_trips += 1
                    was_answered = False
                up.write(data)
            up.close()

        async def answers() -> None:
            nonlocal was_answered
            while data := await upstream.read(65536):
                if latency_seconds:
                    await asyncio.wait({never}, timeout=latency_seconds)
                await proxy.answers_flow.wait()
                was_answered = True
                writer.write(data)
            writer.close()

        for pump in (questions(), answers()):
            task = asyncio.create_task(pump)
            pumps.add(task)
            task.add_done_callback(pumps.discard)

    never = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy.conninfo = make_conninfo(target, host="127.0.0.1", port=port)
    try:
        yield proxy
    finally:
        server.close()
        for task in list(pumps):
            task.cancel()
        for task in list(pumps):
            with suppress(asyncio.CancelledError, OSError):
                await task
        for writer in writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
