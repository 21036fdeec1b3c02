"""The worker process of the played host: started, called, ended by a time-out, started again."""

import asyncio
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.functions.frames import frame, read_frame
from tests.functions.host_log import PREFIX, HostLog
from tests.functions.host_requests import Route, routes_of
from zava.protocol.http_responses import HttpResponse

ROOT = Path(__file__).parents[2]

_MAX_LINE_BYTES = 4 * 1024 * 1024
_MAX_TIME_OUTS = 3  # at the third end of its worker the host ends, too


@dataclass
class _Call:
    """An invocation that runs; `answer` becomes None when the worker gives none."""

    function: str
    answer: "asyncio.Future[HttpResponse | None]"
    clock: asyncio.TimerHandle | None = None


@dataclass
class WorkerProcess:
    """One worker after the other, each with the calls that it was given."""

    log: HostLog
    function_timeout: float
    arguments: Sequence[str] = ()
    triggers: dict[str, Any] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the host gives its worker up."""

    _calls: dict[str, _Call] = field(default_factory=dict)
    _is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    _process: asyncio.subprocess.Process | None = None
    _writer: asyncio.StreamWriter | None = None
    _reading: "asyncio.Task[None] | None" = None
    _started: "asyncio.Future[dict[str, Any]] | None" = None
    _time_outs: int = 0
    _is_stopping: bool = False
    _number: int = 0

    async def start(self) -> None:
        """Start a worker, and go on when it has indexed the app."""
        ours, theirs = socket.socketpair()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.functions.worker_process", str(theirs.fileno())),
            *self.arguments,
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_MAX_LINE_BYTES,
        )
        theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=_MAX_LINE_BYTES)
        self._reading = asyncio.create_task(self._read(self._process, reader))
        ready = asyncio.create_task(self._is_ready.wait())
        await asyncio.wait({ready, self._reading}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()

    async def invoke(
        self, function: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse | None:
        """Run one invocation to its end; None where the client gets an empty 500."""
        await self._is_ready.wait()
        assert self._writer is not None
        self._number += 1
        name = str(self._number)
        loop = asyncio.get_running_loop()
        call = self._calls[name] = _Call(function, loop.create_future())
        call.clock = loop.call_later(self.function_timeout, self._time_out, name)
        self.log.began(function)
        head = {"call": name, "function": function, "method": method, "url": url}
        self._writer.write(frame(head | {"headers": dict(headers)}, body))
        return await call.answer

    async def stop(self, patience: float) -> dict[str, Any]:
        """Wait for the calls in flight, end the worker, and return what it has counted."""
        running = [call.answer for call in self._calls.values()]
        if running:
            await asyncio.wait(running, timeout=patience)
        self._is_stopping = True
        assert self._writer is not None
        assert self._process is not None
        self._started = asyncio.get_running_loop().create_future()
        if self._process.returncode is None:
            self._writer.write(frame({"end": True}))
        assert self._reading is not None
        await self._reading
        return self._started.result() if self._started.done() else {}

    def _time_out(self, name: str) -> None:
        self._end_call(name, None, failure="Timeout value was exceeded by function")
        if self._process is not None and self._is_ready.is_set():
            # Every other call in it waits for a time-out of its own.
            self._is_ready.clear()
            self._time_outs += 1
            self._process.kill()

    async def _read(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader
    ) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        consoles = [
            asyncio.create_task(self._console(stream))
            for stream in (process.stdout, process.stderr)
        ]
        while (received := await read_frame(reader)) is not None:
            self._take(*received)
        await asyncio.gather(*consoles)
        await process.wait()
        if self._writer is not None:
            self._writer.close()
        if self._is_ready.is_set():  # it died by itself: calls in flight fail at once
            self._is_ready.clear()
            for name in [*self._calls]:
                self._end_call(name, None, failure="The language worker process exited")
        if self._is_stopping:
            return
        if self._time_outs >= _MAX_TIME_OUTS or not self.triggers:
            self.ended.set()
            return
        await self.start()

    def _take(self, head: dict[str, Any], body: bytes) -> None:
        if "log" in head:
            call = self._calls.get(head["call"] or "")
            self.log.user_line(call.function if call else None, head["level"], head["log"])
        elif "triggers" in head:
            self.triggers = head["triggers"]
            self.routes = routes_of(self.triggers)
            self._is_ready.set()
        elif "started" in head:
            assert self._started is not None
            self._started.set_result(head["started"])
        elif "failure" in head:
            self._end_call(head["call"], None, failure=head["failure"])
        else:
            self._end_call(head["call"], HttpResponse(head["status"], head["headers"], body))

    def _end_call(
        self, name: str, answer: HttpResponse | None, *, failure: str | None = None
    ) -> None:
        call = self._calls.pop(name, None)
        if call is None:  # its time was over
            return
        assert call.clock is not None
        call.clock.cancel()
        self.log.ended(call.function, failure=failure)
        if not call.answer.done():
            call.answer.set_result(answer)

    async def _console(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            text = line.decode("utf-8", "replace").rstrip()
            self.log.console_line(text)
            if not text.startswith(PREFIX):
                print(text, file=sys.stderr, flush=True)  # shown when a test fails
