"""A loopback host for function_app.py: HTTP in, invocations of the worker library out.

    python -m tests.functions.host [--as NAME] [--fixtures]

The settings come from the environment, as they do on Azure. It prints its URL as its first line
and, when it ends, what was started how often. `--as` gives a request without a token a demo
principal's, for suites that cannot send one; `--fixtures` adds what the conformance suite calls.
"""

import argparse
import asyncio
import json
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
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
from zava.protocol.kernel import Answer
from zava.protocol.versions import HANDSHAKE
from zava.settings import settings


class FunctionsHost:
    """What stands between a socket and the worker on Azure, as far as a caller can tell."""

    def __init__(self, worker: Worker, token: str | None) -> None:
        self._worker = worker
        self._token = token

    async def handle(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> Answer:
        """Answer one request; an invocation runs to its end, whoever has left."""
        joined: dict[str, str] = {}
        for name, value in headers:  # the host joins what a client repeats
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        if self._token is not None:
            joined.setdefault("authorization", f"Bearer {self._token}")
        routes = {
            f"/{self._worker.trigger(name)['route']}": self._worker.trigger(name)["methods"]
            for name in self._worker.functions
        }
        if method not in routes.get(path, ()):
            return Answer(404, {}, b"")
        return await asyncio.shield(self._worker.invoke(method, path, joined, body))


def with_suite(make_server: Callable[[], Any]) -> Callable[[], Any]:
    from tests.outside.fixtures_server import with_fixtures

    return lambda: with_fixtures(make_server())


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


async def serve(listener: socket.socket, name: str | None, *, has_fixtures: bool) -> None:
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
        keep_every_event(application().endpoint)
    host = cast("Endpoint", FunctionsHost(worker, token))
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
    given = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean end
        asyncio.run(serve(listener, given.name, has_fixtures=given.fixtures))


if __name__ == "__main__":
    main()
