"""The played host of function_app.py: HTTP in, invocations of the worker library out.

    python -m tests.functions.host [--as NAME] [--fixtures] [--record FILE] [--log FILE]
        [--app DIRECTORY] [--plant NAME] [--body-patience SECONDS] [--port PORT]

It does to requests, answers, log lines and time what the real host was seen to do. The settings
come from the environment and from host.json, as on Azure. It prints its URL as its first line and,
when it ends, what the worker started how often. `--as` gives a request without a token a demo
principal's, for suites that cannot send one; `--fixtures` adds what the conformance suite calls;
`--record` appends each POST as a line of JSON, without its token; `--log` keeps the log lines that
arrive; `--plant` has the worker process call a function of `tests.functions.plants`.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from tests.functions import host_answers, host_requests
from tests.functions.host_log import HostLog
from tests.functions.host_requests import Refused
from tests.functions.host_settings import HostSettings
from tests.functions.host_worker import ROOT, WorkerProcess
from zava.protocol.http_responses import HttpResponse

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_FAILED = HttpResponse(500, {}, b"")


class Host:
    """Everything between a socket and the worker."""

    def __init__(
        self,
        worker: WorkerProcess,
        settings: HostSettings,
        *,
        token: str | None = None,
        record: Path | None = None,
    ) -> None:
        self._worker = worker
        self._settings = settings
        self._token = token
        self._record = record

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI application."""
        try:
            sent = await self._answered(scope, receive)
        except Refused as refused:
            sent = host_answers.own(refused.answer)
        except _TooLarge:
            sent = host_answers.own(_FAILED, closes=True)
        headers = sent.headers
        await send({"type": "http.response.start", "status": sent.status, "headers": headers})
        # A body that is shorter than its stated length: the server then cuts the line.
        await send({"type": "http.response.body", "body": sent.body, "more_body": False})

    async def _answered(self, scope: Any, receive: Receive) -> host_answers.Sent:
        raw: list[tuple[bytes, bytes]] = scope["headers"]
        query: bytes = scope["query_string"]
        host_requests.check_head(scope["raw_path"] + query, raw)
        path = host_requests.normalised(scope["raw_path"])
        host_requests.check_host(raw, version=scope["http_version"])
        headers = host_requests.joined(raw)
        page = host_requests.own_page(path, has_homepage=self._settings.has_homepage)
        if page is not None:
            return host_answers.own(page)
        method = scope["method"]
        function = host_requests.route(self._worker.routes, method, path)
        body = await self._body(headers, receive)
        if self._record is not None and method == "POST":
            with self._record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(recorded(headers, body)) + "\n")
        if self._token is not None:
            headers.setdefault("authorization", f"Bearer {self._token}")
        url = f"http://{headers['host']}{path}" + (f"?{query.decode('latin-1')}" if query else "")
        # Nothing tells the function that a client has left: the call runs to its end.
        invoked = self._worker.invoke(function, method, url, headers, body)
        answer = await asyncio.shield(asyncio.ensure_future(invoked))
        if answer is None:
            return host_answers.own(_FAILED)
        return host_answers.of_function(answer, method=method)

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """Return the body: exact when it has a length, and empty when it is chunked.

        Raises:
            _TooLarge: it is over the limit.
            Refused: 500, it trickles.
        """
        length = headers.get("content-length")
        if length is not None and int(length) > self._settings.body_limit:
            raise _TooLarge
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.body_patience):
                while True:
                    message = await receive()
                    body += message.get("body", b"") if length is not None else b""
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise Refused(500) from None


class _TooLarge(Exception):
    """A body over the limit; the connection is closed behind the answer."""


def recorded(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return a request as it is kept: without what says where it ran, and as whom."""
    kept = {name: value for name, value in headers.items() if name not in {"authorization", "host"}}
    return {"headers": kept, "body": body.decode("utf-8", "replace")}


def token_of(name: str) -> str:
    """Return a token of the local issuer for a demo principal."""
    from zava.infrastructure.local.state_dir import StateDirectory
    from zava.infrastructure.local.token_issuer import LocalIssuer
    from zava.retail.demo.principals import demo_callers
    from zava.settings import settings

    caller = demo_callers()[name]
    return LocalIssuer(StateDirectory(settings().home)).token(
        tenant_id=caller.tenant_id, object_id=caller.object_id, name=name, ttl_seconds=3600
    )


async def serve(listener: socket.socket, given: argparse.Namespace) -> None:
    patience = {} if given.body_patience is None else {"body_patience": given.body_patience}
    settings = HostSettings.read(given.app, os.environ, **patience)  # noqa: TID251  # it is the host
    arguments = ["--app", str(given.app), *(["--fixtures"] if given.fixtures else [])]
    for name in given.plant:
        arguments += ["--plant", name]
    worker = WorkerProcess(
        HostLog(settings.levels, given.log), settings.function_timeout, arguments
    )
    await worker.start()
    if not worker.triggers:
        return
    token = None if given.name is None else token_of(given.name)
    host = Host(worker, settings, token=token, record=given.record)
    config = uvicorn.Config(
        host,
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="critical",
        backlog=512,
        date_header=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    stopping = asyncio.create_task(_stopped(server, worker, settings.stop_patience))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    # The public entry takes over the signals, which this process handles.
    await server._serve([listener])
    stopping.cancel()
    print(json.dumps(await worker.stop(settings.stop_patience)), flush=True)


async def _stopped(server: uvicorn.Server, worker: WorkerProcess, patience: float) -> None:
    """End the server at a signal, or with the worker; calls in flight have so much time."""
    signalled = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signalled.set)
    waits = [asyncio.ensure_future(each.wait()) for each in (signalled, worker.ended)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    server.config.timeout_graceful_shutdown = int(patience)
    server.should_exit = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--as", dest="name")
    parser.add_argument("--fixtures", action="store_true")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--app", type=Path, default=ROOT)
    parser.add_argument("--plant", action="append", default=[])
    parser.add_argument("--body-patience", type=float)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", given.port), backlog=512)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(listener, given))


if __name__ == "__main__":
    main()
