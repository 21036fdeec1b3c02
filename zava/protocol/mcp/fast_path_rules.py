"""Decide which requests the fast path can answer: those of a few usual shapes.

Nearly every request has one of these shapes. A request of another shape may still be valid; the SDK
decides about it. So these rules may be narrower than the protocol, and never wider.
"""

from collections.abc import Mapping
from typing import Any

from zava.protocol.versions import (
    CAPABILITIES_KEY,
    CLIENT_KEY,
    HANDSHAKE,
    LOG_LEVEL_KEY,
    PROGRESS_KEY,
    STATELESS,
    VERSION_KEY,
)

_ENVELOPE = frozenset({"jsonrpc", "id", "method", "params"})
_TRACE = frozenset({"traceparent", "tracestate", "baggage"})
_HANDSHAKE_META = _TRACE | {PROGRESS_KEY}
_STATELESS_META = _HANDSHAKE_META | {VERSION_KEY, CLIENT_KEY, CAPABILITIES_KEY, LOG_LEVEL_KEY}
_LOG_LEVELS = frozenset(
    {"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}
)
_CLIENT = frozenset({"name", "version", "title", "description", "websiteUrl"})
_CAPABILITIES = frozenset({"elicitation", "experimental", "extensions", "roots", "sampling"})
_TOOL_CALL = frozenset({"name", "arguments", "_meta"})
_INITIALIZE = frozenset({"protocolVersion", "capabilities", "clientInfo", "_meta"})
_META_ALONE = frozenset({"_meta"})
_EXACT_BELOW = 2.0**63
"""An integer from here on may have come as a float: our parser has 64 bits, the SDK's has more."""

_HANDSHAKE_METHODS = {
    "initialize": _INITIALIZE,
    "notifications/initialized": _META_ALONE,
    "ping": _META_ALONE,
    "tools/call": _TOOL_CALL,
    "tools/list": _META_ALONE,
}
_STATELESS_METHODS = {
    "server/discover": _META_ALONE,
    "tools/call": _TOOL_CALL,
    "tools/list": _META_ALONE,
}


def usual_revision(message: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """Return the revision whose rules answer a usual request; None for one that is not usual.

    All revisions of the handshake have one form, so that the newest stands for them. `message` is
    JSON-RPC whose envelope was read; `headers` holds one value for each name.
    """
    params = message.get("params", {})
    version = headers.get("mcp-protocol-version")
    if version == STATELESS:
        is_usual = _is_stateless(message, params, headers)
    else:
        is_usual = (version is None or version in HANDSHAKE) and _is_handshake(message, params)
    if not is_usual or not message.keys() <= _ENVELOPE:
        return None
    return STATELESS if version == STATELESS else HANDSHAKE[0]


def _is_stateless(
    message: Mapping[str, Any], params: Mapping[str, Any], headers: Mapping[str, str]
) -> bool:
    method, meta = message["method"], params.get("_meta")
    return (
        "id" in message
        and headers.get("mcp-method") == method
        and method in _STATELESS_METHODS
        and params.keys() <= _STATELESS_METHODS[method]
        and isinstance(meta, dict)
        and meta.keys() <= _STATELESS_META
        and meta.get(VERSION_KEY) == STATELESS
        and _is_capabilities(meta.get(CAPABILITIES_KEY))
        and (CLIENT_KEY not in meta or _is_client(meta[CLIENT_KEY]))
        and meta.get(LOG_LEVEL_KEY, "info") in _LOG_LEVELS
        and _is_meta(meta)
        and (
            method != "tools/call"
            or (_is_tool_call(params) and headers.get("mcp-name") == params["name"])
        )
    )


def _is_handshake(message: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    method, meta = message["method"], params.get("_meta", {})
    return (
        method in _HANDSHAKE_METHODS
        and ("id" in message) == (method != "notifications/initialized")
        and params.keys() <= _HANDSHAKE_METHODS[method]
        and isinstance(meta, dict)
        and meta.keys() <= (_HANDSHAKE_META if "id" in message else _TRACE)
        and _is_meta(meta)
        and (method != "tools/call" or _is_tool_call(params))
        and (
            method != "initialize"
            or (
                isinstance(params.get("protocolVersion"), str)
                and _is_capabilities(params.get("capabilities"))
                and _is_client(params.get("clientInfo"))
            )
        )
    )


def _is_meta(meta: Mapping[str, Any]) -> bool:
    return _are_texts(meta, _TRACE) and type(meta.get(PROGRESS_KEY, 0)) in (int, str)


def _is_tool_call(params: Mapping[str, Any]) -> bool:
    arguments = params.get("arguments", {})
    return (
        isinstance(params.get("name"), str)
        and isinstance(arguments, dict)
        and all(map(_is_exact, arguments.values()))
    )


def _is_exact(value: Any) -> bool:
    if isinstance(value, float):
        return abs(value) < _EXACT_BELOW
    if isinstance(value, dict):
        return all(map(_is_exact, value.values()))
    return not isinstance(value, list) or all(map(_is_exact, value))


def _is_client(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= _CLIENT
        and "name" in value
        and "version" in value
        and _are_texts(value, _CLIENT)
    )


def _is_capabilities(value: Any) -> bool:
    """Whether each capability is an object of objects; `roots` may also have `listChanged`."""
    if not isinstance(value, dict) or not value.keys() <= _CAPABILITIES:
        return False
    for name, one in value.items():
        if not isinstance(one, dict):
            return False
        for key, inner in one.items():
            kind = bool if (name, key) == ("roots", "listChanged") else dict
            if not isinstance(inner, kind):
                return False
    return True


def _are_texts(value: Mapping[str, Any], names: frozenset[str]) -> bool:
    for name in value.keys() & names:  # noqa: SIM110  # a generator is resumed by a call for each name
        if not isinstance(value[name], str):
            return False
    return True
