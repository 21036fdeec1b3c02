"""Converts the forms in which models and clients write arguments into the published types.

Clients send `10.0` or "10" for an integer, and a JSON text or one name for a list. They send null
or "" for an absent argument. Each has one possible meaning under the schema, so a call
does not fail for it. A value without such a meaning is returned unchanged, and validation rejects
it.
"""

from collections.abc import Collection, Mapping
from typing import Any

import orjson

Schema = Mapping[str, Any]

_ABSENT_TEXTS = frozenset({"", "null", "none"})
_BOOLEANS = {"true": True, "false": False}


def converted(
    given: Mapping[str, Any], schema: Schema, *, separated: Collection[str] = ()
) -> dict[str, Any]:
    """Return the arguments of an object schema in its own types; absent values are left out.

    `separated` names the lists that may come as one text with commas.
    """
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = schema.get("required", ())
    arguments = {}
    for name, value in given.items():
        expected = properties.get(name)
        if expected is None:
            arguments[name] = value
        elif name in required or not _is_absent(value, expected):
            converted_value = _value(value, expected)
            if name in separated and isinstance(value, str) and converted_value == [value]:
                converted_value = [part.strip() for part in value.split(",")]
            arguments[name] = converted_value
    return arguments


def _is_absent(value: Any, schema: Schema) -> bool:
    """Whether a value of an optional argument stands for none."""
    if not isinstance(value, str):
        return value is None
    return value.strip().lower() in _ABSENT_TEXTS and value not in schema.get("enum", ())


def _value(value: Any, schema: Schema) -> Any:
    kind = schema.get("type")
    if kind == "array":
        return _list(value, schema)
    if kind == "object":
        value = _parsed(value, dict)
        return converted(value, schema) if isinstance(value, dict) else value
    if kind in {"integer", "number"}:
        return _number(value, is_whole=kind == "integer")
    if kind == "boolean":
        return _BOOLEANS.get(value.strip().lower(), value) if isinstance(value, str) else value
    return _choice(value, schema["enum"]) if "enum" in schema else value


def _list(value: Any, schema: Schema) -> Any:
    value = _parsed(value, list)
    items: Schema = schema["items"]
    one_item: tuple[type, ...] = (dict, str) if items["type"] == "object" else (int, str)
    if type(value) in one_item:
        value = [value]
    if not isinstance(value, list):
        return value
    if items["type"] == "string":
        # A year or a code of digits among names.
        value = [str(one) if type(one) is int else one for one in value]
    return [_value(one, items) for one in value]


def _parsed(value: Any, kind: type) -> Any:
    """Return what a JSON text holds where that is of the kind; else the value itself."""
    if not isinstance(value, str):
        return value
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return parsed if isinstance(parsed, kind) else value


def _number(value: Any, *, is_whole: bool) -> Any:
    if isinstance(value, str):
        try:
            value = float(value) if set(value) & set(".eE") else int(value)
        except ValueError:  # no number, or one of too many digits
            return value
    if is_whole and isinstance(value, float) and value.is_integer():
        return int(value)
    return float(value) if not is_whole and type(value) is int else value


def _choice(value: Any, allowed: list[str]) -> Any:
    if not isinstance(value, str) or value in allowed:
        return value
    folded = value.strip().lower().replace("-", "_").replace(" ", "_")
    return folded if folded in allowed else value
