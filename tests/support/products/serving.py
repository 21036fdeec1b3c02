"""An app behind the local web server, on the event loop of the test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from zava.app import Application
from zava.protocol.http.asgi import asgi_application
from zava.protocol.http.uvicorn_protocol import paced_http


@asynccontextmanager
async def listening(application: Application) -> AsyncIterator[int]:
    """Serve an app as `make run` does, on this event loop; give the port."""
    config = uvicorn.Config(
        asgi_application(application.endpoint),
        port=0,
        http=paced_http(application.endpoint.process_time),
        lifespan="off",
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()
