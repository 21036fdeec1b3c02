"""Reads one HTTP request as one JSON-RPC message, and the form of its answer."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from zava.protocol.auth import platform
from zava.protocol.http.media_types import accepted_forms
from zava.protocol.http_responses import JSON_TYPE, HttpResponse, rpc_error
from zava.protocol.mcp.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_REQUEST,
    MAX_BODY_BYTES,
    BodyRefused,
    check_version,
    metadata,
    read_message,
    wants_events,
)
from zava.protocol.versions import HANDSHAKE, STATELESS, VERSION_HEADER, VERSION_KEY

LOST = (
    "The body did not arrive: the host passes on no body that is sent in chunks. "
    "Send it whole, with a Content-Length."
)
# One value each decides where a request goes; two would let two readers disagree. The Functions
# host joins repeated headers by a comma: there a doubled one is one value that does not hold.
SINGLE = frozenset(
    {VERSION_HEADER, "mcp-method", "mcp-name", "authorization", "host", "origin"}
    | {"content-type", "content-length", platform.TOKEN_HEADER, platform.PRINCIPAL_HEADER}
)
# What binds a sign-in to one browser and to the server's own page.
SINGLE_OF_BROWSERS = frozenset({"cookie", "sec-fetch-site", "sec-fetch-dest"})


class ParsedRequest(NamedTuple):
    """A request whose body was read."""

    message: dict[str, Any]
    body: bytes
    with_events: bool


def read_request(
    fields: Sequence[tuple[str, str]], single: dict[str, str], body: bytes
) -> ParsedRequest | HttpResponse:
    """Read one message and how it wants its answer; return a refusal if it is malformed."""
    if len(body) > MAX_BODY_BYTES:
        return rpc_error(413, INVALID_REQUEST, f"The body exceeds {MAX_BODY_BYTES:,} bytes.")
    if single.get("content-type", "").partition(";")[0].strip().lower() != JSON_TYPE:
        return rpc_error(415, INVALID_REQUEST, f"The content type must be {JSON_TYPE}.")
    takes_json, takes_events = accepted_forms(fields)
    # The stateless era has no answer that is events alone.
    if not (takes_json or (takes_events and single.get(VERSION_HEADER) != STATELESS)):
        return rpc_error(406, INVALID_REQUEST, f"The client must accept {JSON_TYPE}.")
    try:
        message, body = read_message(body)
        _read_version(message, single)
    except BodyRefused as refusal:
        return rpc_error(
            400,
            refusal.code,
            refusal.message,
            data=refusal.data,
            request_id=refusal.request_id,
        )
    with_events = takes_events and (wants_events(message) or not takes_json)
    return ParsedRequest(message, body, with_events)


def refuse_repeated(
    fields: Sequence[tuple[str, str]], names: Collection[str] = SINGLE
) -> HttpResponse | None:
    """Return the refusal of a request in which one of the `names` occurs twice, else None."""
    seen = set()
    for name, _ in fields:
        if name in seen:
            return rpc_error(400, HEADER_MISMATCH, f"The header {name} appears more than once.")
        if name in names:
            seen.add(name)
    return None


def refuse_lost(single: Mapping[str, str], body: bytes) -> HttpResponse | None:
    """Return the refusal of a request whose body did not arrive, else None."""
    return rpc_error(411, INVALID_REQUEST, LOST) if is_lost(single, body) else None


def is_lost(single: Mapping[str, str], body: bytes) -> bool:
    """Whether a body was sent in chunks and did not arrive."""
    return not body and "transfer-encoding" in single


def _read_version(message: Mapping[str, Any], single: dict[str, str]) -> None:
    """Check the version that header and body state; drop the header where only the body counts.

    Raises:
        BodyRefused: for the reasons of `check_version`.
    """
    is_handshake = message["method"] == "initialize" and VERSION_KEY not in metadata(message)
    if is_handshake and single.get(VERSION_HEADER) not in HANDSHAKE:
        # A handshake's body states the version; some clients send their newest in the header.
        single.pop(VERSION_HEADER, None)
    check_version(message, single.get(VERSION_HEADER))
