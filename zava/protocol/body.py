"""What a request's body must be before the SDK sees it."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_DIGITS = 20

PARSE_ERROR, INVALID_REQUEST, HEADER_MISMATCH = -32700, -32600, -32020

# Also inside strings, which costs nothing but a check: a number cannot begin in one.
_LONG_NUMBER = re.compile(rb"[:\[,]\s*-?\d{%d,}" % (MAX_DIGITS + 1))
_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"


class BodyRefused(Exception):
    """The body is not one JSON-RPC message; `code` is the JSON-RPC error's."""

    def __init__(self, code: int, message: str, *, request_id: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id


def read_message(body: bytes) -> dict[str, Any]:
    """Parse one JSON-RPC message.

    Raises:
        BodyRefused: it is malformed, a batch, nested too deep, or holds a number too long.
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyRefused(PARSE_ERROR, "The body is not valid JSON.") from error
    if isinstance(message, list):
        raise BodyRefused(INVALID_REQUEST, "Batches are not supported; send one message.")
    if not isinstance(message, dict):
        raise BodyRefused(INVALID_REQUEST, "The body is not a JSON-RPC message.")
    request_id = message.get("id")
    if not isinstance(request_id, str | int) or isinstance(request_id, bool):
        request_id = None
    if _is_deeper(message, MAX_DEPTH):
        raise BodyRefused(
            INVALID_REQUEST, f"The body nests deeper than {MAX_DEPTH}.", request_id=request_id
        )
    if _LONG_NUMBER.search(body) and _holds_long_number(message):
        raise BodyRefused(
            INVALID_REQUEST, f"A number has more than {MAX_DIGITS} digits.", request_id=request_id
        )
    return message


def check_era(message: Mapping[str, Any], header: str | None, handshake: frozenset[str]) -> None:
    """Refuse a body of the stateless era under a missing or older version header.

    Raises:
        BodyRefused: header and body name different eras.
    """
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, Mapping) else None
    version = meta.get(_VERSION_KEY) if isinstance(meta, Mapping) else None
    if version is not None and (header is None or header in handshake):
        raise BodyRefused(
            HEADER_MISMATCH,
            f"The body speaks {str(version)[:40]}, the MCP-Protocol-Version header does not.",
            request_id=message.get("id"),
        )


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
