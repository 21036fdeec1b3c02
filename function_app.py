"""HTTP triggers: each hands its request to the endpoint, and answers if that fails."""

import asyncio
import json
import logging
import sys
from contextlib import aclosing
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from zava.protocol.http_responses import HttpResponse

if __name__ == "__main__":
    # Before the import: the Python of the system may lack the package.
    sys.exit("The Azure Functions host runs this file; `make run` starts Zava on this machine.")

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # identity is checked by us

# What the log names a failure, and what the client reads.
_NOT_STARTED = ("not started", "This server cannot start")
_NOT_READ = ("not answered", "The rows of the answer cannot be read")


@cache
def _product() -> "Callable[..., Awaitable[HttpResponse]]":
    """Return what answers requests, loaded at the first one.

    Indexing imports this module, and must neither take time nor fail.
    """
    from zava.cold_start import answer_request

    return answer_request


async def _handle(request: func.HttpRequest) -> func.HttpResponse:
    # Cut, not parsed. The host lets any well-formed Host header pass; the endpoint refuses others
    # than its own. A malformed one never gets here: the host answers 400 or 500 by itself.
    before, _, query = request.url.partition("://")[2].partition("?")
    path = "/" + before.partition("/")[2]
    fault = _NOT_STARTED
    try:
        answer = await _product()(
            request.method, path, dict(request.headers), request.get_body(), query
        )
        content = answer.body
        fault = _NOT_READ
        if answer.parts is not None:
            # The host takes whole answers alone: a file of the console is put together here.
            async with aclosing(answer.parts) as parts:
                content += b"".join([part async for part in parts])
    # A failed import is answered, because the host would answer an empty 500. A cancellation is
    # answered, because the host would wait for its time-out and then end this process.
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # the edge of the process
        return _failed(path, fault, error)
    return func.HttpResponse(content, status_code=answer.status, headers=answer.headers)


def _failed(path: str, fault: tuple[str, str], error: BaseException) -> func.HttpResponse:
    """Answer without the product, which could not be loaded or failed within its answer."""
    # By kind and module alone: an error's own words may hold anything.
    missing = f": the module {error.name}" if isinstance(error, ModuleNotFoundError) else ""
    logged, told = fault
    sentence = f"{told}: {type(error).__name__}{missing}."
    logging.getLogger("zava").critical("%s: %s", logged, sentence)
    is_live = path == "/health/live"
    content = {"status": "alive"} if is_live else {"status": "unhealthy", "error": sentence}
    return func.HttpResponse(
        json.dumps(content), status_code=200 if is_live else 503, mimetype="application/json"
    )


@app.route("mcp", methods=["GET", "POST", "DELETE", "HEAD", "OPTIONS"])
async def mcp(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the MCP endpoint."""
    return await _handle(req)


@app.route(".well-known/oauth-protected-resource", methods=["GET", "HEAD", "OPTIONS"])
async def metadata(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the protected resource's metadata."""
    return await _handle(req)


@app.route(".well-known/oauth-protected-resource/mcp", methods=["GET", "HEAD", "OPTIONS"])
async def metadata_of_mcp(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the same under the path that clients derive from the URL."""
    return await _handle(req)


@app.route(".well-known/oauth-authorization-server", methods=["GET", "HEAD", "OPTIONS"])
async def metadata_of_sign_in(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the metadata of the server's own sign-in, where there is one."""
    return await _handle(req)


@app.route("oauth/{part}", methods=["GET", "POST", "HEAD", "OPTIONS"])
async def sign_in(req: func.HttpRequest) -> func.HttpResponse:
    """Serve that sign-in: registration, the page, tokens."""
    return await _handle(req)


@app.route("console/{*rest}", methods=["GET", "POST", "HEAD", "OPTIONS"])
async def console(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the console, where there is one."""
    return await _handle(req)


@app.route("health/live", methods=["GET", "HEAD", "OPTIONS"])
async def health_live(req: func.HttpRequest) -> func.HttpResponse:
    """Answer while the process does."""
    return await _handle(req)


@app.route("health/ready", methods=["GET", "HEAD", "OPTIONS"])
async def health_ready(req: func.HttpRequest) -> func.HttpResponse:
    """Report whether the parts behind it work."""
    return await _handle(req)
