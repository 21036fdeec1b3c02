"""An app that answers with what it saw, and that fails, waits and logs as a request asks for it.

The header `do` names one of the functions below.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
logger = logging.getLogger("recording")
_kept: list[asyncio.Task[None]] = []


def _seen(request: func.HttpRequest) -> func.HttpResponse:
    body = request.get_body()
    seen = {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "length": len(body),
        "body": body[:100].decode("latin-1"),
        "pid": os.getpid(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


async def answer(request: func.HttpRequest) -> func.HttpResponse:
    """Answer with the status, headers and body of the header `answer`, as JSON."""
    status, headers, body = json.loads(request.headers["answer"])
    return func.HttpResponse(body, status_code=status, headers=headers)


async def fail(_: func.HttpRequest) -> func.HttpResponse:
    """Raise."""
    raise RuntimeError("planted words")


async def cancel(_: func.HttpRequest) -> func.HttpResponse:
    """Let a cancellation out."""
    raise asyncio.CancelledError


async def hang(request: func.HttpRequest) -> func.HttpResponse:
    """Answer after so many seconds of the header `seconds`, without blocking."""
    done = asyncio.get_running_loop().create_future()
    await asyncio.wait({done}, timeout=float(request.headers["seconds"]))
    return _seen(request)


async def block(request: func.HttpRequest) -> func.HttpResponse:
    """Block the loop of the worker."""
    until = time.monotonic() + float(request.headers["seconds"])
    while time.monotonic() < until:
        pass
    return _seen(request)


async def die(request: func.HttpRequest) -> func.HttpResponse:
    """End the worker by the signal of the header `signal`."""
    os.kill(os.getpid(), signal.Signals[request.headers["signal"]])
    return _seen(request)


async def log(request: func.HttpRequest) -> func.HttpResponse:
    """Log from everywhere: the call, its tasks, threads, callbacks, and after the answer."""
    logger.warning("in the call")
    logger.info("of no weight, in the call")
    logger.debug("of less weight, in the call")
    logging.getLogger("azure.functions").warning("the worker's own")

    async def later(word: str) -> None:
        logger.warning("in a task %s", word)

    await asyncio.create_task(later("of the call"))
    await asyncio.to_thread(logger.warning, "in to_thread")
    thread = threading.Thread(target=logger.warning, args=("in a thread",))
    thread.start()
    thread.join()
    loop = asyncio.get_running_loop()
    called = loop.create_future()

    def call_back() -> None:
        logger.warning("in a callback")
        called.set_result(None)

    loop.call_soon(call_back)
    await called

    print("printed: nothing", flush=True)
    for words in ("a warning of no error", "an ERROR", "it FAILED", "severe", "nothing"):
        print(words, file=sys.stderr, flush=True)
    _kept.append(asyncio.create_task(later("that outlives the answer")))
    return _seen(request)


_WAYS: dict[str, Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]] = {
    each.__name__: each for each in (answer, fail, cancel, hang, block, die, log)
}


@app.route("mcp", methods=["GET", "POST", "DELETE", "HEAD", "OPTIONS"])
async def mcp(req: func.HttpRequest) -> func.HttpResponse:
    """Do what the request asks for."""
    way = _WAYS.get(req.headers.get("do", ""))
    return _seen(req) if way is None else await way(req)


@app.route("named/{part}", methods=["GET"])
async def named(req: func.HttpRequest) -> func.HttpResponse:
    """Answer under each name."""
    return _seen(req)


@app.route("health/live", methods=["GET"])
async def live(req: func.HttpRequest) -> func.HttpResponse:
    """Answer."""
    return _seen(req)
