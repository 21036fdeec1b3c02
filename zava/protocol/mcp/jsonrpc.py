"""What a request's body must be before the SDK sees it."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from zava.protocol.mcp.absent_values import remove_absent_values
from zava.protocol.versions import HANDSHAKE, LOG_LEVEL_KEY, PROGRESS_KEY, SERVED, VERSION_KEY

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_DIGITS = 20
MAX_ID_CHARACTERS = 256

PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS = -32700, -32600, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022

# Also inside strings, which costs nothing but a check: a number cannot begin in one.
_LONG_NUMBER = re.compile(rb"[:\[,]\s*-?\d{%d,}" % (MAX_DIGITS + 1))


class BodyRefused(Exception):
    """The body is not one JSON-RPC message that is served; `code` is the JSON-RPC error's."""

    def __init__(
        self, code: int, message: str, *, request_id: Any = None, data: Any = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id
        self.data = data


def read_message(body: bytes) -> tuple[dict[str, Any], bytes]:
    """Parse one JSON-RPC request or notification; return it and its bytes without absent values.

    Raises:
        BodyRefused: it is malformed, a batch or a response, nested too deep, or holds a number
            too long.
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyRefused(PARSE_ERROR, "The body is not valid JSON.") from error
    if isinstance(message, list):
        raise BodyRefused(INVALID_REQUEST, "Batches are not supported; send one message.")
    if not isinstance(message, dict):
        raise BodyRefused(INVALID_REQUEST, "The body is not a JSON-RPC message.")
    is_changed = remove_absent_values(message)
    request_id = message.get("id")
    is_usable = _is_id(request_id)
    known_id = request_id if is_usable else None
    excess = excess_of(message, body)
    if excess:
        raise BodyRefused(INVALID_REQUEST, excess, request_id=known_id)
    if "id" in message and not is_usable:
        raise BodyRefused(
            INVALID_REQUEST,
            f"id: an integer of 64 bits or a string of at most {MAX_ID_CHARACTERS} characters.",
        )
    _check_envelope(message, known_id)
    return message, orjson.dumps(message) if is_changed else body


def excess_of(content: Any, body: bytes) -> str:
    """Return what a body has too much of, depth or digits; empty where it is within bounds."""
    # Counting brackets is cheap, also those inside strings; few of them cannot nest deep.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _is_deeper(content, MAX_DEPTH):
        return f"The body nests deeper than {MAX_DEPTH}."
    if _LONG_NUMBER.search(body) and _holds_long_number(content):
        return f"A number has more than {MAX_DIGITS} digits."
    return ""


def check_version(message: Mapping[str, Any], header: str | None) -> None:
    """Refuse a version that is not served, and a body of another era than its header.

    Raises:
        BodyRefused: the header's version is unknown, or header and body disagree.
    """
    stated = metadata(message).get(VERSION_KEY)
    is_handshake = header is None or header in HANDSHAKE
    if stated is not None and (is_handshake or (header not in SERVED and stated != header)):
        raise BodyRefused(
            HEADER_MISMATCH,
            f"The body uses {str(stated)[:40]}, and the MCP-Protocol-Version header does not.",
            request_id=message.get("id"),
        )
    if not is_handshake and header not in SERVED:
        raise BodyRefused(
            UNSUPPORTED_VERSION,
            "Unsupported protocol version",
            request_id=message.get("id"),
            data={"supported": list(SERVED), "requested": str(header)[:40]},
        )


def metadata(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the request's own metadata, `params._meta`."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta if isinstance(meta, dict) else {}


def wants_events(message: Mapping[str, Any]) -> bool:
    """Whether the request wants progress or log messages in addition to the result."""
    meta = metadata(message)
    return PROGRESS_KEY in meta or LOG_LEVEL_KEY in meta


def _check_envelope(message: Mapping[str, Any], request_id: Any) -> None:
    if message.get("jsonrpc") != "2.0":
        raise BodyRefused(INVALID_REQUEST, 'jsonrpc: must be "2.0".', request_id=request_id)
    method = message.get("method")
    if not isinstance(method, str):
        # A response is refused here too: this server asks nothing.
        raise BodyRefused(INVALID_REQUEST, "method: a string is required.", request_id=request_id)
    if not isinstance(message.get("params", {}), dict):
        raise BodyRefused(INVALID_PARAMS, "params: must be an object.", request_id=request_id)


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ID_CHARACTERS
    return isinstance(value, int) and not isinstance(value, bool)


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _holds_long_number(value: Any) -> bool:
    """Whether a number lost its digits: integers beyond 64 bits arrive as floats."""
    stack = [value]
    while stack:
        inner = stack.pop()
        if isinstance(inner, dict):
            stack.extend(inner.values())
        elif isinstance(inner, list):
            stack.extend(inner)
        elif isinstance(inner, float) and abs(inner) >= 10.0**MAX_DIGITS:
            return True
    return False
