"""Reads one HTTP request as one JSON-RPC message, and the form of its answer."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from zava.protocol.http.media_types import accepted_forms
from zava.protocol.http_responses import JSON_TYPE, HttpResponse, rpc_error
from zava.protocol.mcp.jsonrpc import (
    INVALID_REQUEST,
    MAX_BODY_BYTES,
    BodyRefused,
    check_version,
    metadata,
    read_message,
    wants_events,
)
from zava.protocol.versions import HANDSHAKE, STATELESS, VERSION_HEADER, VERSION_KEY


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
