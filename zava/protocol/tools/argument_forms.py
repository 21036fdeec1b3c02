"""Converts the forms in which models and clients write arguments into the published types.

Clients send `10.0` or "10" for an integer, and a JSON text or one name for a list. They send null
or "" for an absent argument. Each has one possible meaning under the schema, so a call
does not fail for it. A value without such a meaning is returned unchanged, and validation rejects
it.
"""

import ast
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

import orjson

Schema = Mapping[str, Any]
Form = Callable[[Any], Any]
"""Returns a value in the form of the schema where it has a meaning there, else the value."""

LIMIT_NAMES = (
    "limit top top_n top_k k n count rows max max_rows max_results num_results row_limit page_size"
)
"""What models call the number of rows that they want."""

_ABSENT_TEXTS = frozenset({"", "null", "none", "undefined"})
_TRUE, _FALSE = ("true", "1", "yes", "y", "on", "t"), ("false", "0", "no", "n", "off", "f")
_BOOLEANS = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
_ALL = frozenset({"all", "max", "maximum", "unlimited", "no limit", "everything", "inf"})
_DUMMIES = frozenset({"random_string", "dummy", "placeholder", "no_args", "input"})
"""What clients send to a tool without arguments, because their models must send something."""
_REASONS = frozenset(
    {"reasoning", "reason", "rationale", "explanation", "thought", "thoughts", "intent", "purpose"}
)
"""What some agents send beside the arguments; it holds nothing that a tool reads."""

_WRAPPERS = frozenset({"arguments", "args", "kwargs", "input", "params", "parameters"})
_NAMES = frozenset(
    {"name", "metric", "dimension", "field", "column", "table", "value", "id", "label", "key"}
    | {"query", "sql", "statement", "text"}
)
_BETWEEN_NAMES = re.compile(r",|;|\n|&|\||\band\b")
_AROUND_NAMES = " \t[]'\"`"
_CALLED = re.compile(r"(?:(?:sum|count)\((\w+)\)|\((.*)\))", re.DOTALL)
_BULLET = re.compile(r"\s*[-*•]\s+")
_COUNTED = re.compile(
    r"(?:top|first|max|limit)?\s*(\d+)\s*(?:rows?|results?|groups?|items?|records?|products?)?",
    re.ASCII,
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")
_MAX_LITERAL_CHARACTERS = 4096
_INSIDE = "."
_FALSE_AND_TRUE = (False, True)


def converted(
    given: Mapping[str, Any],
    schema: Schema,
    *,
    separated: Collection[str] = (),
    forms: Mapping[str, Form] | None = None,
    others: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the arguments of an object schema in its own types; absent values are left out.

    `separated` names the lists whose values may come as one text with commas. `forms` reads
    arguments that have further forms, by name. `others` are other names of arguments.
    """
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = schema.get("required", ())
    arguments = {}
    for name, value in _named(_unwrapped(given, properties), properties, others or {}).items():
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


def aliases(**words: str) -> Mapping[str, str]:
    """Return other names of arguments; each argument is given with its words.

    `time_period__start` stands for the key `start` of an object.
    """
    return MappingProxyType(
        {
            alias: name.replace("__", _INSIDE)
            for name, listed in words.items()
            for alias in listed.split()
        }
    )


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
    given: Mapping[str, Any], properties: Mapping[str, Schema], others: Mapping[str, str]
) -> dict[str, Any]:
    """Return the arguments by their published names: letters, plurals and aliases may differ."""
    if given.keys() <= properties.keys():
        return dict(given)
    known = {_folded(name): name for name in (*others, *properties)}
    named: dict[str, Any] = {}
    inside: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        meant = name if name in properties else known.get(_folded(name), name)
        meant = others.get(meant, meant)
        whole, _, key = meant.partition(_INSIDE)
        if key and whole in properties and whole not in named and whole not in given:
            inside.setdefault(whole, {})[key] = value
            continue
        if name in _REASONS and meant == name and name not in properties:
            continue
        is_taken = meant in named or (meant != name and meant in given) or bool(key)
        named[name if is_taken else meant] = value
    for whole, parts in inside.items():
        named.setdefault(whole, parts)
    return named


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").removesuffix("s")


def _separated(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return value
    listed = [part for one in value for part in _BETWEEN_NAMES.split(_without_call(one))]
    parts = [_without_call(_BULLET.sub("", part).strip(_AROUND_NAMES)) for part in listed]
    return [part for part in parts if part]


def _without_call(text: str) -> str:
    """Return the name in `sum(revenue)`, and the names in `(revenue, orders)`."""
    called = _CALLED.fullmatch(text.strip())
    return (called[1] or called[2]) if called else text


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
        return _number(_only_one(value), schema, is_whole=kind == "integer")
    if kind == "boolean":
        return _boolean(_only_one(value))
    value = _only_one_text(value)
    return _choice(value, schema["enum"]) if "enum" in schema else value


def _list(value: Any, schema: Schema) -> Any:
    value = numbered(parsed(value, list, dict))
    items: Schema = schema["items"]
    if items["type"] == "string":
        value = _name_of(value)
    one_item: tuple[type, ...] = (dict, str) if items["type"] == "object" else (int, str)
    if type(value) in one_item:
        value = [value]
    if not isinstance(value, list):
        return value
    if items["type"] == "string":
        value = [_text(_name_of(one)) for one in value]
    return [_value(one, items) for one in value if one is not None]


def numbered(value: Any) -> Any:
    """Return the list that an object with the keys 0, 1, 2 … is, as PHP and Lua write one."""
    if not isinstance(value, dict) or not value or not all(key.isdecimal() for key in value):
        return value
    places = sorted(map(int, value))
    is_list = places == list(range(places[0], places[0] + len(value))) and places[0] <= 1
    return [value[key] for key in sorted(value, key=int)] if is_list else value


def _text(value: Any) -> Any:
    """Return a year, or a code of digits, as the text that it stands for."""
    return str(value) if type(value) is int else value


def _only_one(value: Any) -> Any:
    """Return what a list of one, or an object that names one value, stands for."""
    content = parsed(value, list, dict)
    if isinstance(content, list) and len(content) == 1:
        return content[0]
    return _name_of(content)


def _only_one_text(value: Any) -> Any:
    only = _only_one(value)
    return only if isinstance(only, str) else value


def _name_of(value: Any) -> Any:
    """Return the name that an object of nothing else gives, such as `{"name": "revenue"}`."""
    is_named = isinstance(value, dict) and len(value) == 1 and value.keys() <= _NAMES
    return next(iter(value.values())) if is_named else value


def parsed(value: Any, *kinds: type) -> Any:
    """Return the content of a JSON text, or of Python's form of one, if it is of a kind.

    Every other value is returned unchanged.
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{", "(", '"[', '"{')):
        return value
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        content = _python_literal(value)
    if isinstance(content, str):  # written as JSON twice
        return parsed(content, *kinds)
    content = list(content) if isinstance(content, tuple) else content
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
    return bool(value) if type(value) in {int, float} and value in _FALSE_AND_TRUE else value


def _number(value: Any, schema: Schema, *, is_whole: bool) -> Any:
    if isinstance(value, str):
        text = value.strip().lower()
        if is_whole and text in _ALL:
            return schema.get("maximum", value)
        counted = _COUNTED.fullmatch(text) if is_whole else None
        value = counted[1] if counted else value
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
