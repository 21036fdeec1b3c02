"""HTTP answers that the endpoint writes itself: JSON, JSON-RPC errors and single messages."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple

import orjson

# Of the codes that JSON-RPC leaves to a server; the protocol's own begin at -32020.
FORBIDDEN, BUSY = -32003, -32004
JSON_TYPE = "application/json"
_JSON = {"content-type": JSON_TYPE}
# As the SDK streams the handshake era's answers to who wants to hear of progress.
_EVENTS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "connection": "keep-alive",
    "x-accel-buffering": "no",
}


class HttpResponse(NamedTuple):
    """A whole HTTP response, or the beginning of one whose `parts` follow the body."""

    status: int
    headers: dict[str, str]
    body: bytes
    parts: AsyncGenerator[bytes, None] | None = None


ACCEPTED = HttpResponse(202, _JSON, b"")
"""The answer to a notification."""


def json_answer(
    status: int, content: Any, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return an answer whose body is JSON."""
    return HttpResponse(status, _JSON | dict(headers or {}), orjson.dumps(content))


def rpc_error(
    status: int,
    code: int,
    message: str,
    *,
    data: Any = None,
    request_id: Any = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return a JSON-RPC error under an HTTP status."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return json_answer(status, {"jsonrpc": "2.0", "id": request_id, "error": error}, headers)


def result_answer(request_id: Any, result: bytes, *, as_event: bool) -> HttpResponse:
    """Return a JSON-RPC result; `as_event` makes it the only event of a stream."""
    body = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (orjson.dumps(request_id), result)
    if as_event:
        return HttpResponse(200, _EVENTS, b"event: message\r\ndata: %b\r\n\r\n" % body)
    return HttpResponse(200, _JSON, body)
