"""A loopback host for function_app.py: HTTP in, invocations of the worker library out.

    python -m tests.functions.host [--as NAME] [--fixtures] [--record FILE]

The settings come from the environment, as they do on Azure. It prints its URL as its first line
and, when it ends, what was started how often. `--as` gives a request without a token a demo
principal's, for suites that cannot send one; `--fixtures` adds what the conformance suite calls;
`--record` appends each POST as a line of JSON, without its token.
"""

import argparse
import asyncio
import json
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import uvicorn

from tests.functions.worker import Worker
from zava.app import application
from zava.infrastructure.demo_principals import demo_callers
from zava.infrastructure.home import Home
from zava.infrastructure.local_issuer import LocalIssuer
from zava.protocol.asgi import asgi_application
from zava.protocol.endpoint import Endpoint
from zava.protocol.exchange import Exchange
from zava.protocol.fast_lane import FastLane
from zava.protocol.kernel import Answer
from zava.protocol.versions import HANDSHAKE
from zava.settings import settings


class FunctionsHost:
    """What stands between a socket and the worker on Azure, as far as a caller can tell."""

    def __init__(self, worker: Worker, token: str | None, record: Path | None = None) -> None:
        self._worker = worker
        self._token = token
        self._record = record

    async def handle(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> Answer:
        """Answer one request; an invocation runs to its end, whoever has left."""
        joined: dict[str, str] = {}
        for name, value in headers:  # the host joins what a client repeats
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        if self._record is not None and method == "POST":
            with self._record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(recorded(joined, body)) + "\n")
        if self._token is not None:
            joined.setdefault("authorization", f"Bearer {self._token}")
        routes = {
            f"/{self._worker.trigger(name)['route']}": self._worker.trigger(name)["methods"]
            for name in self._worker.functions
        }
        if method not in routes.get(path, ()):
            return Answer(404, {}, b"")
        return await asyncio.shield(self._worker.invoke(method, path, joined, body))


def recorded(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return a request as it is kept: without what says where it ran, and as whom."""
    kept = {name: value for name, value in headers.items() if name not in {"authorization", "host"}}
    return {"headers": kept, "body": body.decode("utf-8", "replace")}


def with_suite(make_server: Callable[[], Any]) -> Callable[[], Any]:
    from tests.outside.fixtures_server import with_fixtures

    return lambda: with_fixtures(make_server())


class WithoutLists:
    """The fast lane, but for the lists: the fixtures' server has longer ones."""

    def __init__(self, lane: FastLane) -> None:
        self._lane = lane

    async def answer(
        self,
        message: Mapping[str, Any],
        headers: Mapping[str, str],
        exchange: Exchange,
        *,
        with_events: bool,
    ) -> Answer | None:
        if message["method"].endswith("/list"):
            return None
        return await self._lane.answer(message, headers, exchange, with_events=with_events)


def keep_every_event(endpoint: Endpoint) -> None:
    """Stream every handshake-era answer: the fixtures' server offers logging/setLevel.

    The product does not offer it, because no later request would know of the level.
    """
    exchange = endpoint.kernel.exchange

    async def exchange_with_events(
        headers: Sequence[tuple[str, str]], body: bytes, given: Exchange, *, with_events: bool
    ) -> Answer:
        is_handshake = dict(headers).get("mcp-protocol-version") in HANDSHAKE
        return await exchange(headers, body, given, with_events=with_events or is_handshake)

    vars(endpoint.kernel)["exchange"] = exchange_with_events


async def serve(
    listener: socket.socket, name: str | None, record: Path | None, *, has_fixtures: bool
) -> None:
    token = None
    if name is not None:
        caller = demo_callers()[name]
        token = LocalIssuer(Home(settings().home)).token(
            tenant_id=caller.tenant_id, object_id=caller.object_id, name=name, ttl_seconds=3600
        )
    worker = Worker()
    await worker.start()
    if has_fixtures:
        kernel = application().endpoint.kernel
        kernel._make_server = with_suite(kernel._make_server)
        vars(application().endpoint)["lane"] = WithoutLists(application().endpoint.lane)
        keep_every_event(application().endpoint)
    host = cast("Endpoint", FunctionsHost(worker, token, record))
    config = uvicorn.Config(
        asgi_application(host), http="httptools", lifespan="off", log_level="warning", backlog=512
    )
    server = uvicorn.Server(config)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    try:
        await server.serve(sockets=[listener])
    finally:
        started = {
            "pool_opened": application().pool.times_opened,
            "kernel_started": application().endpoint.kernel.times_started,
        }
        await application().close()
        print(json.dumps(started), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--as", dest="name")
    parser.add_argument("--fixtures", action="store_true")
    parser.add_argument("--record", type=Path)
    given = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean end
        asyncio.run(serve(listener, given.name, given.record, has_fixtures=given.fixtures))


if __name__ == "__main__":
    main()
