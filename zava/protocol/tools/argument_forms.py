"""Converts the forms in which models and clients write arguments into the published types.

Clients send `10.0` or "10" for an integer, and a JSON text or one name for a list. They send null
or "" for an absent argument. Each has one possible meaning under the schema, so a call
does not fail for it. A value without such a meaning is returned unchanged, and validation rejects
it.
"""

import ast
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson

Schema = Mapping[str, Any]
Form = Callable[[Any], Any]
"""Returns a value in the form of the schema where it has a meaning there, else the value."""

_ABSENT_TEXTS = frozenset({"", "null", "none", "undefined"})
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_DUMMIES = frozenset({"random_string", "dummy", "placeholder", "no_args", "input"})
"""What clients send to a tool without arguments, because their models must send something."""
_WRAPPERS = frozenset({"arguments", "args", "kwargs", "input", "params", "parameters"})
_NAMES = frozenset({"name", "metric", "dimension", "field", "column", "table", "value"})
_BETWEEN_NAMES = re.compile(r",|;|\n|&|\band\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")
_MAX_LITERAL_CHARACTERS = 4096
_FALSE_AND_TRUE = (False, True)


def converted(
    given: Mapping[str, Any],
    schema: Schema,
    *,
    separated: Collection[str] = (),
    forms: Mapping[str, Form] | None = None,
    aliases: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the arguments of an object schema in its own types; absent values are left out.

    `separated` names the lists whose values may come as one text with commas. `forms` reads
    arguments that have further forms, by name. `aliases` are other names of arguments.
    """
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = schema.get("required", ())
    arguments = {}
    for name, value in _named(_unwrapped(given, properties), properties, aliases or {}).items():
        expected = properties.get(name)
        if expected is None:
            arguments[name] = value
        elif name in required or not _is_absent(value, expected):
            form = (forms or {}).get(name)
            read = form(value) if form else value
            if name not in required and expected["type"] == "string":
                read = _text(read)
            converted_value = _value(read, expected)
            if name in separated:
                converted_value = _separated(converted_value)
            arguments[name] = converted_value
    return arguments


def _unwrapped(given: Mapping[str, Any], properties: Collection[str]) -> Mapping[str, Any]:
    """Return the arguments of an object that some clients put around them."""
    if not properties and given.keys() <= _DUMMIES:
        return {}
    if len(given) == 1 and not given.keys() & properties:
        ((name, inner),) = given.items()
        inner = parsed(inner, dict) if name in _WRAPPERS else None
        if isinstance(inner, dict):
            return inner
    return given


def _named(
    given: Mapping[str, Any], properties: Mapping[str, Schema], aliases: Mapping[str, str]
) -> dict[str, Any]:
    """Return the arguments by their published names: letters, plurals and aliases may differ."""
    if given.keys() <= properties.keys():
        return dict(given)
    known = {_folded(name): name for name in (*aliases, *properties)}
    named: dict[str, Any] = {}
    for name, value in given.items():
        meant = name if name in properties else known.get(_folded(name), name)
        meant = aliases.get(meant, meant)
        is_taken = meant in named or (meant != name and meant in given)
        named[name if is_taken else meant] = value
    return named


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").removesuffix("s")


def _separated(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return value
    parts = [part.strip() for one in value for part in _BETWEEN_NAMES.split(one)]
    return [part for part in parts if part]


def _is_absent(value: Any, schema: Schema) -> bool:
    """Whether a value of an optional argument stands for none."""
    if not isinstance(value, str):
        return value is None or value == {}
    return value.strip().lower() in _ABSENT_TEXTS and value not in schema.get("enum", ())


def _value(value: Any, schema: Schema) -> Any:
    kind = schema.get("type")
    if kind == "array":
        return _list(value, schema)
    if kind == "object":
        value = parsed(value, dict)
        return converted(value, schema) if isinstance(value, dict) else value
    if kind in {"integer", "number"}:
        return _number(value, is_whole=kind == "integer")
    if kind == "boolean":
        return _boolean(value)
    value = _only_one(value)
    return _choice(value, schema["enum"]) if "enum" in schema else value


def _list(value: Any, schema: Schema) -> Any:
    value = parsed(value, list)
    items: Schema = schema["items"]
    one_item: tuple[type, ...] = (dict, str) if items["type"] == "object" else (int, str)
    if type(value) in one_item:
        value = [value]
    if not isinstance(value, list):
        return value
    if items["type"] == "string":
        value = [_text(_name_of(one)) for one in value]
    return [_value(one, items) for one in value if one is not None]


def _text(value: Any) -> Any:
    """Return a year, or a code of digits, as the text that it stands for."""
    return str(value) if type(value) is int else value


def _only_one(value: Any) -> Any:
    """Return the one text of a list of one, which stands for a text."""
    content = parsed(value, list)
    is_one_text = isinstance(content, list) and len(content) == 1 and isinstance(content[0], str)
    return content[0] if is_one_text else value


def _name_of(value: Any) -> Any:
    """Return the name that an object of nothing else gives, such as `{"name": "revenue"}`."""
    is_named = isinstance(value, dict) and len(value) == 1 and value.keys() <= _NAMES
    return next(iter(value.values())) if is_named else value


def parsed(value: Any, *kinds: type) -> Any:
    """Return the content of a JSON text, or of Python's form of one, if it is of a kind.

    Every other value is returned unchanged.
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        content = _python_literal(value)
    return content if isinstance(content, kinds) else value


def _python_literal(text: str) -> Any:
    if len(text) > _MAX_LITERAL_CHARACTERS:
        return None
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _boolean(value: Any) -> Any:
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip().lower(), value)
    return bool(value) if type(value) is int and value in _FALSE_AND_TRUE else value


def _number(value: Any, *, is_whole: bool) -> Any:
    if isinstance(value, str):
        try:
            value = _THOUSANDS.sub("", value)
            value = float(value) if set(value) & set(".eE") else int(value)
        except ValueError:  # no number, or one of too many digits
            return value
    if is_whole and isinstance(value, float) and value.is_integer():
        return int(value)
    return float(value) if not is_whole and type(value) is int else value


def _choice(value: Any, allowed: list[str]) -> Any:
    if not isinstance(value, str) or value in allowed:
        return value
    folded = _folded(value.strip().replace(" ", "_"))
    return next((choice for choice in allowed if _folded(choice) == folded), value)
