"""Reads the forms in which models write filters, orders and periods of the metric tools.

`{"category": "Plumbing"}`, `category = Plumbing` and `{"field": "category", "operator": "eq"}` have
one meaning each. A value without one is returned unchanged, and validation rejects it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from zava.protocol.tools.argument_forms import parsed

_DIMENSION_KEYS = ("dimension", "field", "column", "name", "key", "by")
_OPERATOR_KEYS = ("op", "operator", "operation", "comparison", "comparator", "condition")
_VALUE_KEYS = ("value", "values", "val")
_ORDER_KEYS = ("by", "metric", "field", "column", "name", "key", "dimension", "order_by", "sort_by")
_DIRECTION_KEYS = ("direction", "order", "dir", "sort", "sort_order")
_WORDS_OF_OPERATORS = {
    "=": ("=", "==", "===", "eq", "equal", "equals", "equal_to", "is"),
    "!=": (
        *("!=", "<>", "ne", "neq", "not", "not_equal", "not_equals", "is_not"),
        *("not_in", "nin", "notin", "exclude", "excludes"),
    ),
    "in": ("in", "one_of", "any_of", "any", "is_in", "isin"),
    "contains": ("contains", "contain", "like", "ilike", "includes", "matches", "icontains"),
    "between": ("between", "range", "from_to"),
    ">=": (">=", "=>", "≥", "gte", "ge", "from", "since", "on_or_after", "at_least"),
    "<=": ("<=", "=<", "≤", "lte", "le", "to", "until", "on_or_before", "at_most"),
    ">": (">", "gt", "after", "greater_than"),
    "<": ("<", "lt", "before", "less_than"),
}
_OPERATORS = {word: op for op, words in _WORDS_OF_OPERATORS.items() for word in words}
_WRITTEN_FILTER = re.compile(
    r"(?P<dimension>\w+)\s*"
    r"(?P<op>!=|<>|>=|<=|=>|==|=|≥|≤|>|<|:"
    r"|\b(?:not\s+in|not\s+equals?|is\s+not|in|is|equals?|contains|i?like|between)\b)"
    r"\s*(?P<value>.+)",
    re.IGNORECASE | re.DOTALL,
)
_BOUNDS = re.compile(r"\s*(?:\.\.+|,|\band\b|\bto\b)\s*", re.IGNORECASE)
_DIRECTIONS = {
    "asc": ("asc", "ascending", "ascend", "up", "increasing", "lowest", "smallest"),
    "desc": ("desc", "descending", "descend", "down", "decreasing", "highest", "largest"),
}
_DIRECTION_OF = {word: name for name, words in _DIRECTIONS.items() for word in words}
_WRITTEN_ORDER = re.compile(r"(?P<sign>[-+]?)\s*(?P<by>[\w%]+)(?:[\s:]+(?P<direction>\w+))?")
_STARTS = ("start", "from", "start_date", "first_day", "since", "begin")
_ENDS = ("end", "to", "end_date", "last_day", "until")
_MAX_BOUNDS_CHARACTERS = 200
_TRIPLE, _PAIR = 3, 2


def read_filters(value: Any) -> Any:
    """Return filters in the published form."""
    value = parsed(value, list, dict)
    if isinstance(value, list):
        if len(value) == _TRIPLE and _is_operator(value[1]):  # ["store", "in", ["one"]]
            return [_filter(value[0], value[1], value[2])]
        return [one for each in value for one in _filters(each)]
    return list(_filters(value)) if isinstance(value, dict | str) else value


def read_orders(value: Any) -> Any:
    """Return sort keys in the published form."""
    value = parsed(value, list, dict)
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return value
    if len(value) == _PAIR and all(isinstance(one, str) for one in value):
        by, direction = value
        if direction.strip().lower() in _DIRECTION_OF:  # ["revenue", "desc"]
            return [{"by": by, "direction": _direction(direction)}]
    return [one for each in value for one in _orders(each)]


def read_period(value: Any) -> Any:
    """Return a period as text: a range may be a pair, or an object with its first and last day."""
    value = parsed(value, list, dict)
    if isinstance(value, dict):
        first, last = (_first(value, keys) for keys in (_STARTS, _ENDS))
        if isinstance(first, str) and isinstance(last, str):
            return f"{first}..{last}"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        if len(value) == _PAIR:
            return "..".join(value)
        return value[0] if len(value) == 1 else value
    return value


def _filters(given: Any) -> Iterator[Any]:
    given = parsed(given, dict, list)
    if isinstance(given, str):
        yield _written(given)
    elif isinstance(given, list) and len(given) == _TRIPLE and _is_operator(given[1]):
        yield _filter(given[0], given[1], given[2])
    elif isinstance(given, dict) and _first(given, _DIMENSION_KEYS) is not None:
        yield _described(given)
    elif isinstance(given, dict) and given and not given.keys() & {*_OPERATOR_KEYS, *_VALUE_KEYS}:
        for dimension, wanted in given.items():
            yield from _of_dimension(dimension, wanted)
    else:
        yield given


def _described(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object of dimension, op and value, whose keys may have other names."""
    known = {*_DIMENSION_KEYS, *_OPERATOR_KEYS, *_VALUE_KEYS}
    rest = {key: value for key, value in given.items() if key not in known}
    op, value = _first(given, _OPERATOR_KEYS), _first(given, _VALUE_KEYS)
    return _filter(_first(given, _DIMENSION_KEYS), op, value) | rest


def _of_dimension(dimension: str, wanted: Any) -> Iterator[dict[str, Any]]:
    """Yield the filters of `{dimension: wanted}`; `wanted` may be `{op: value}`."""
    if not isinstance(wanted, dict):
        if wanted is not None:
            yield _filter(dimension, None, wanted)
    elif wanted.keys() <= {*_OPERATOR_KEYS, *_VALUE_KEYS}:
        yield _described({"dimension": dimension, **wanted})
    else:
        for op, value in wanted.items():
            yield _filter(dimension, op.removeprefix("$"), value)


def _written(text: str) -> Any:
    match = _WRITTEN_FILTER.fullmatch(text.strip())
    if match is None:
        return text
    op, value = match["op"].replace(":", "="), match["value"].strip()
    if value.startswith("(") and value.endswith(")"):
        value = value[1:-1]
    if _operator(op) in {"in", "!="} or match["op"] == ":":
        return _filter(match["dimension"], op, [_bare(one) for one in value.split(",")])
    return _filter(match["dimension"], op, _bare(value))


def _filter(dimension: Any, op: Any, value: Any) -> dict[str, Any]:
    value = parsed(value, list)
    if isinstance(op, str):
        op = _operator(op)
    if op == "between" and isinstance(value, str | int):
        value = [_bare(one) for one in _BOUNDS.split(str(value)[:_MAX_BOUNDS_CHARACTERS])]
    elif op == "contains" and isinstance(value, str):
        value = value.strip("%*")
    if isinstance(value, list) and len(value) > 1 and op in {None, "="}:
        op = "in"
    found = {"dimension": dimension, "op": "=" if op is None else op}
    return found if value is None else {**found, "value": value}


def _operator(word: str) -> str:
    return _OPERATORS.get("_".join(word.lower().split()), word)


def _is_operator(value: Any) -> bool:
    return isinstance(value, str) and "_".join(value.lower().split()) in _OPERATORS


def _bare(text: str) -> str:
    return text.strip().strip("'\"")


def _orders(given: Any) -> Iterator[Any]:
    given = parsed(given, dict)
    if isinstance(given, str):
        match = _WRITTEN_ORDER.fullmatch(given.strip())
        if match is None:
            yield given
            return
        direction = match["direction"] or {"-": "desc", "+": "asc"}.get(match["sign"])
        yield {"by": match["by"], **({"direction": _direction(direction)} if direction else {})}
    elif isinstance(given, dict) and _first(given, _ORDER_KEYS) is not None:
        direction = _first(given, _DIRECTION_KEYS)
        rest = {key: v for key, v in given.items() if key not in {*_ORDER_KEYS, *_DIRECTION_KEYS}}
        if rest.get("descending") in {True, False}:
            direction = "desc" if rest.pop("descending") else "asc"
        found = {"by": _first(given, _ORDER_KEYS), **rest}
        yield found if direction is None else {**found, "direction": _direction(direction)}
    elif isinstance(given, dict) and given and not given.keys() & {*_DIRECTION_KEYS}:
        for by, direction in given.items():
            yield {"by": by, "direction": _direction(direction)}
    else:
        yield given


def _direction(word: Any) -> Any:
    return _DIRECTION_OF.get(word.strip().lower(), word) if isinstance(word, str) else word


def _first(given: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((given[key] for key in keys if key in given), None)
