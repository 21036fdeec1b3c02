"""What the played host and its worker process send each other: a head of JSON and a body."""

import asyncio
from collections.abc import Mapping
from struct import Struct
from typing import Any

import orjson

_SIZES = Struct(">II")


def frame(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    """Return one message as it is sent."""
    text = orjson.dumps(head)
    return _SIZES.pack(len(text), len(body)) + text + body


async def read_frame(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes] | None:
    """Return the next message; None at the other side's end."""
    try:
        head, body = _SIZES.unpack(await reader.readexactly(_SIZES.size))
        text = await reader.readexactly(head + body)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return orjson.loads(text[:head]), text[head:]
