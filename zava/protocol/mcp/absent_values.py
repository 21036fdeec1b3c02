"""Remove from a message the forms in which clients of several languages write an absent value.

Serializers write null for a field without a value and "" for an absent cursor. They write 1.0 for
the id 1, and booleans where a capability is an object. PHP and Lua write [] for an object without
a field. Some write the arguments of a tool as a JSON text. Each has one possible meaning.
"""

from typing import Any

import orjson

from zava.protocol.versions import CAPABILITIES_KEY

Message = dict[str, Any]


def remove_absent_values(message: Message) -> bool:
    """Bring a message into the protocol's own form, in place; return whether anything changed."""
    changed = _drop_empty(message, "params")
    method = message.get("method")
    if isinstance(method, str) and method.startswith("notifications/"):
        changed |= _drop(message, "id")
    request_id = message.get("id")
    if isinstance(request_id, float) and request_id.is_integer() and abs(request_id) < 2**53:
        message["id"] = int(request_id)
        changed = True
    params = message.get("params")
    if isinstance(params, dict):
        changed |= _read_params(method, params)
    return changed


def _read_params(method: object, params: Message) -> bool:
    changed = _drop_empty(params, "_meta", "arguments")
    if method == "tools/call" and isinstance(params.get("arguments"), str):
        changed |= _read_arguments(params)
    if "cursor" in params and params["cursor"] in (None, ""):
        del params["cursor"]
        changed = True
    meta = params.get("_meta")
    if isinstance(meta, dict):
        if "progressToken" in meta:
            changed |= _drop(meta, "progressToken")
        if meta.get(CAPABILITIES_KEY, {}) != {}:
            changed |= _read_capabilities(meta, CAPABILITIES_KEY)
    if method == "prompts/get" and isinstance(params.get("arguments"), dict):
        for name in list(params["arguments"]):
            changed |= _drop(params["arguments"], name)
    if method == "initialize":
        changed |= _read_capabilities(params, "capabilities")
    return changed


def _drop(values: Message, name: str) -> bool:
    if name in values and values[name] is None:
        del values[name]
        return True
    return False


def _drop_empty(values: Message, *names: str) -> bool:
    changed = False
    for name in names:
        if name in values and values[name] in (None, []):
            del values[name]
            changed = True
    return changed


def _read_arguments(params: Message) -> bool:
    """Replace a JSON text by the object that it holds, and an empty text by nothing."""
    text: str = params["arguments"]
    if not text.strip():
        del params["arguments"]
        return True
    try:
        arguments = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    if isinstance(arguments, dict):
        params["arguments"] = arguments
    return isinstance(arguments, dict)


def _read_capabilities(values: Message, key: str) -> bool:
    """Replace flags of capabilities: true and [] by an empty object, false and null by nothing."""
    capabilities = values.get(key)
    if key in values and capabilities in (None, []):
        values[key] = {}
        return True
    if not isinstance(capabilities, dict):
        return False
    changed = _replace_flags(capabilities)
    for name in ("experimental", "extensions"):
        if isinstance(capabilities.get(name), dict):
            changed |= _replace_flags(capabilities[name])
    return changed


def _replace_flags(values: Message) -> bool:
    flags = [
        name
        for name, value in values.items()
        if value is None or isinstance(value, bool) or value == []
    ]
    for name in flags:
        if values[name] or values[name] == []:
            values[name] = {}
        else:
            del values[name]
    return bool(flags)
