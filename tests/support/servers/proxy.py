"""A TCP proxy before PostgreSQL that counts round trips, holds answers back, and breaks lines."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass
class Proxy:
    """`round_trips` counts how often a client spoke after it had been answered.

    Answers wait while `answers_flow` is not set, and `delay_seconds` each otherwise.
    """

    conninfo: str = ""
    round_trips: int = 0
    answers_flow: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    delay_seconds: float = 0
    refuses: bool = False
    lines: set["_Line"] = field(default_factory=set)

    def cut(self) -> None:
        """End every line at once, with a reset to both sides."""
        for line in list(self.lines):
            line.cut()

    def half_close(self) -> None:
        """Tell every client that nothing more comes, and go on listening to it."""
        for line in list(self.lines):
            line.half_close()


class _Line:
    """One client's connection and its own to the server."""

    def __init__(
        self, proxy: Proxy, client: asyncio.StreamWriter, up: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self.client = client
        self.up = up
        self._was_answered = True
        self._is_half_closed = False

    async def questions(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while (data := await reader.read(65536)) and not self.up.is_closing():
                if self._was_answered:
                    self._proxy.round_trips += 1
                    self._was_answered = False
                self.up.write(data)
        self._end()

    async def answers(self, upstream: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await upstream.read(65536):
                if self._proxy.delay_seconds:
                    never = asyncio.get_running_loop().create_future()
                    await asyncio.wait({never}, timeout=self._proxy.delay_seconds)
                await self._proxy.answers_flow.wait()
                if self._is_half_closed:
                    continue
                if self.client.is_closing():
                    break
                self._was_answered = True
                self.client.write(data)
        self._end()

    def half_close(self) -> None:
        self._is_half_closed = True
        with suppress(OSError):
            self.client.write_eof()

    def cut(self) -> None:
        self.client.transport.abort()
        self.up.transport.abort()

    def _end(self) -> None:
        self._proxy.lines.discard(self)
        self.client.close()
        self.up.close()


@asynccontextmanager
async def counting_proxy(target: str, *, latency_seconds: float = 0) -> AsyncIterator[Proxy]:
    """Stand between a client and the server of a connection string, as far away as stated.

    Whatever a client sends without waiting arrives within a latency, and counts as one trip.
    """
    parts = conninfo_to_dict(target)
    proxy = Proxy(delay_seconds=latency_seconds)
    proxy.answers_flow.set()
    pumps: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if proxy.refuses:
            writer.transport.abort()
            return
        writers.add(writer)
        proxy.connections += 1
        try:
            upstream, up = await asyncio.open_connection(
                str(parts["host"]), int(str(parts["port"]))
            )
        except OSError:  # the server is down: so is the line
            writers.discard(writer)
            writer.transport.abort()
            return
        writers.add(up)
        line = _Line(proxy, writer, up)
        proxy.lines.add(line)
        for pump in (line.questions(reader), line.answers(upstream)):
            task = asyncio.create_task(pump)
            pumps.add(task)
            task.add_done_callback(pumps.discard)
            # The end of one has closed both sides; a run of hours keeps none of them.
            task.add_done_callback(lambda _: writers.difference_update((writer, up)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy.conninfo = make_conninfo(target, host="127.0.0.1", port=port)
    try:
        yield proxy
    finally:
        server.close()
        still_open = list(writers)
        for task in list(pumps):
            task.cancel()
        for task in list(pumps):
            with suppress(asyncio.CancelledError, OSError):
                await task
        for writer in still_open:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
