"""One web server with one set of options for every Python server that is measured."""

from typing import Any, Literal

import uvicorn


def serve(application: Any, port: int, *, lifespan: Literal["on", "off"] = "on") -> None:
    """Serve on loopback until the process is ended."""
    uvicorn.run(
        application,
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        lifespan=lifespan,
    )
