"""Load the application at the first request, with the garbage collector disabled.

The objects of loading stay: modules, classes, functions. Collections during loading are a tenth of
a cold start's CPU. So they are disabled, and the loaded objects are frozen out of later ones.
Afterwards collections are rarer: an answer's rows are thousands of objects, which reference counts
free. Collections over them were a twentieth of such a call.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zava.protocol.http_responses import HttpResponse

_LOOK_AFTER_OBJECTS = 10_000
# Under the default time of a request, so that the first one is answered within it, too.
_LOADING_SECONDS = 30.0

_app: ModuleType | None = None
_loading: asyncio.Task[ModuleType] | None = None


@cache
def loaded_app() -> ModuleType:
    """Return `zava.app`, loaded lazily."""
    gc.disable()
    try:
        from zava import app
    finally:
        gc.enable()
    collect_rarely()
    return app


def collect_rarely() -> None:
    """Freeze the objects of loading out of later collections, and make those rarer."""
    gc.freeze()
    gc.set_threshold(_LOOK_AFTER_OBJECTS)


def answer_request(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: str = ""
) -> "Awaitable[HttpResponse]":
    """Return the answer to one HTTP trigger; the time that loading takes is part of the request's.

    Awaiting it raises TimeoutError if loading does not end in time, and what loading raises; the
    next request tries again.
    """
    since = time.monotonic()
    if _app is None:
        return _load_and_answer(method, path, headers, body, query, since)
    # No coroutine of its own: each request would pay for it.
    answer: Awaitable[HttpResponse] = _app.answer_request(
        method, path, headers, body, query, since=since
    )
    return answer


async def _load_and_answer(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: str, since: float
) -> "HttpResponse":
    app = await _load()
    answer: HttpResponse = await app.answer_request(method, path, headers, body, query, since=since)
    return answer


async def _load() -> ModuleType:
    """Load on a thread, once for all who wait: a file system that hangs holds up no time-out."""
    global _app, _loading  # noqa: PLW0603  # modules, too, are loaded once for the process
    if _loading is None or _loading.done():
        _loading = asyncio.create_task(asyncio.to_thread(loaded_app))
        _loading.add_done_callback(lambda late: late.cancelled() or late.exception())
    async with asyncio.timeout(_LOADING_SECONDS):
        _app = await asyncio.shield(_loading)
    return _app
