"""Reads the forms in which models write filters and orders of the metric tools.

`{"category": "Plumbing"}`, `category = Plumbing` and `{"field": "category", "operator": "eq"}` have
one meaning each. A value without one is returned unchanged, and validation rejects it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from zava.protocol.tools.argument_forms import numbered, parsed

_DIMENSION_KEYS = (
    *("dimension", "field", "column", "name", "key", "by", "member", "property", "attribute", "id"),
    *("dim", "column_name", "field_name", "dimension_name", "filter", "lhs", "left"),
)
_OPERATOR_KEYS = ("op", "operator", "operation", "comparison", "comparator", "condition")
_VALUE_KEYS = ("value", "values", "val", "vals", "rhs", "right", "target")
_WRAPPERS = ("and", "all", "filters", "filter", "conditions", "where")
_LOWEST, _HIGHEST = ("from", "start", "min", "low", "lower"), ("to", "end", "max", "high", "upper")
_ORDER_KEYS = (
    *("by", "metric", "field", "column", "name", "key", "dimension", "order_by", "sort_by"),
    *("id", "expression", "orderBy", "sortBy"),
)
_DIRECTION_KEYS = ("direction", "order", "dir", "sort", "sort_order")
_DOWNWARD, _UPWARD = ("descending", "desc", "reverse"), ("ascending", "asc")
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
_SIGNS = tuple(
    word for words in _WORDS_OF_OPERATORS.values() for word in words if not word[0].isalpha()
)
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
    "asc": (
        *("asc", "ascending", "ascend", "up", "increasing", "lowest", "smallest", "1", "↑"),
        *("low to high", "lowest first", "smallest first", "worst first", "ascending order"),
    ),
    "desc": (
        *("desc", "descending", "descend", "down", "decreasing", "highest", "largest", "-1", "↓"),
        *("high to low", "highest first", "largest first", "best first", "descending order"),
    ),
}
_DIRECTION_OF = {word: name for name, words in _DIRECTIONS.items() for word in words}
_WRITTEN_ORDER = re.compile(
    r"(?:(?:order|sort)\s+by\s+|by\s+)?(?P<sign>[-+]?)\s*(?P<by>[\w%]+)"
    r"(?:(?:[\s:(]+|(?=[↑↓]))(?P<direction>\w+|[↑↓])\)?)?(?:\s+nulls\s+(?:first|last))?",
    re.IGNORECASE,
)
_NEXT_FILTER = re.compile(
    r"\s*(?:;|,|&&?|\band\b)\s*(?=\w+\s*(?:!=|<>|>=|<=|=>|==|=|≥|≤|>|<|:"
    r"|\b(?:not\s+in|in|is|equals?|contains|i?like|between)\b))",
    re.IGNORECASE,
)
_MARKED_VALUE = re.compile(r"\s*(?P<op>!=|<>|>=|<=|==|=|>|<|≥|≤)\s*(?P<value>\S.*)", re.DOTALL)
_SUFFIXED = re.compile(r"(?P<dimension>\w+?)__(?P<op>[a-z]+)")
_MAX_BOUNDS_CHARACTERS = 200
_TRIPLE, _PAIR = 3, 2


def read_filters(value: Any) -> Any:
    """Return filters in the published form."""
    value = numbered(parsed(value, list, dict))
    if isinstance(value, list):
        if len(value) == _TRIPLE and _is_operator(value[1]):  # ["store", "in", ["one"]]
            return [_filter(value[0], value[1], value[2])]
        return [one for each in value for one in _filters(each)]
    return list(_filters(value)) if isinstance(value, dict | str) else value


def read_orders(value: Any) -> Any:
    """Return sort keys in the published form."""
    value = numbered(parsed(value, list, dict))
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


def _filters(given: Any) -> Iterator[Any]:
    given = parsed(given, dict, list)
    if isinstance(given, str):
        whole = given.strip().removeprefix("WHERE ").removeprefix("where ")
        for text in _NEXT_FILTER.split(whole.strip("{}")):  # Java writes a map as {name=value}
            yield _written(text)
    elif isinstance(given, list) and len(given) == _TRIPLE and _is_operator(given[1]):
        yield _filter(given[0], given[1], given[2])
    elif not isinstance(given, dict):
        yield given
    elif len(given) == 1 and (inner := _wrapped(given)) is not None:
        yield from read_filters(inner)
    elif _first(given, _DIMENSION_KEYS) is not None:
        yield _described(given)
    elif given:
        yield from _of_dimensions(given)


def _wrapped(given: Mapping[str, Any]) -> Any:
    """Return the filters of an object such as `{"and": [...]}`, None for another object."""
    ((key, inner),) = given.items()
    inner = parsed(inner, list, dict)
    is_nested = isinstance(inner, dict) or (
        isinstance(inner, list) and all(isinstance(one, dict | list) for one in inner)
    )
    return inner if key.lower() in _WRAPPERS and is_nested else None


def _of_dimensions(given: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the filters of `{dimension: value}`; one such pair may have an operator beside it."""
    rest = {key: value for key, value in given.items() if key not in _OPERATOR_KEYS}
    if len(rest) < len(given):
        if len(rest) == 1 and not rest.keys() & {*_VALUE_KEYS}:
            ((dimension, value),) = rest.items()
            yield _filter(dimension, _first(given, _OPERATOR_KEYS), value)
        else:
            yield given
        return
    if given.keys() & {*_VALUE_KEYS}:
        yield given
        return
    for name, wanted in given.items():
        suffixed = _SUFFIXED.fullmatch(name)
        if suffixed and _is_operator(suffixed["op"]):  # name__in
            yield _filter(suffixed["dimension"], suffixed["op"], wanted)
        else:
            yield from _of_dimension(name, wanted)


def _described(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object of dimension, op and value, whose keys may have other names."""
    known = {*_DIMENSION_KEYS, *_OPERATOR_KEYS, *_VALUE_KEYS}
    rest = {key: value for key, value in given.items() if key not in known}
    op, value = _first(given, _OPERATOR_KEYS), _first(given, _VALUE_KEYS)
    kind = rest.get("type")
    if isinstance(kind, str) and (op is None or not _is_operator(kind)):
        del rest["type"]  # the type of the value, or the operator
        op = kind if op is None and _is_operator(kind) else op
    if value is None and (bounds := _bounds(rest)) is not None:
        return _filter(_first(given, _DIMENSION_KEYS), "between", bounds)
    return _filter(_first(given, _DIMENSION_KEYS), op, value) | rest


def _bounds(given: Mapping[str, Any]) -> list[Any] | None:
    """Return both ends of an object of nothing else, None for another object."""
    low, high = _first(given, _LOWEST), _first(given, _HIGHEST)
    return [low, high] if len(given) == _PAIR and low is not None and high is not None else None


def _of_dimension(dimension: str, wanted: Any) -> Iterator[dict[str, Any]]:
    """Yield the filters of `{dimension: wanted}`; `wanted` may be `{op: value}`."""
    marked = _MARKED_VALUE.fullmatch(wanted) if isinstance(wanted, str) else None
    if marked:  # {"month": ">= 2025-01"}
        yield _filter(dimension, marked["op"], marked["value"].strip())
    elif isinstance(wanted, list) and len(wanted) == _PAIR and wanted[0] in _SIGNS:
        yield _filter(dimension, wanted[0], wanted[1])  # {"name": ["!=", "value"]}
    elif not isinstance(wanted, dict):
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
    value = parsed(value, list, dict)
    if isinstance(op, str):
        op = _operator(op)
    if isinstance(value, dict):
        value = _bounds(value) if op in {None, "between"} and _bounds(value) else value
        op = "between" if isinstance(value, list) else op
    if op in {"in", "!="} and isinstance(value, str):
        value = _listed(value)
    if op == "between" and isinstance(value, str | int):
        value = [_bare(one) for one in _BOUNDS.split(str(value)[:_MAX_BOUNDS_CHARACTERS])]
    elif op == "contains" and isinstance(value, str):
        value = value.strip("%*")
    if isinstance(value, list) and len(value) > 1 and op in {None, "="}:
        op = "in"
    found = {"dimension": dimension, "op": "=" if op is None else op}
    return found if value is None else {**found, "value": value}


def _listed(text: str) -> Any:
    """Return the values of "(a, b)" or "a|b"; a comma alone may be part of a name."""
    inner = text.strip()
    if inner.startswith("(") and inner.endswith(")"):
        return [_bare(one) for one in inner[1:-1].split(",")]
    return [_bare(one) for one in inner.split("|")] if "|" in inner else text


def _operator(word: str) -> str:
    return _OPERATORS.get("_".join(word.lower().split()), word)


def _is_operator(value: Any) -> bool:
    return isinstance(value, str) and "_".join(value.lower().split()) in _OPERATORS


def _bare(text: str) -> str:
    return text.strip().strip("'\"")


def _orders(given: Any) -> Iterator[Any]:
    given = parsed(given, dict, list)
    is_pair = isinstance(given, list) and len(given) == _PAIR
    if is_pair and all(isinstance(one, str) for one in given):  # ["revenue", "desc"]
        given = {given[0]: given[1]}
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
        for flag in (*_DOWNWARD, *_UPWARD):
            if isinstance(rest.get(flag), bool):
                direction = "desc" if rest.pop(flag) == (flag in _DOWNWARD) else "asc"
        found = {"by": _first(given, _ORDER_KEYS), **rest}
        yield found if direction is None else {**found, "direction": _direction(direction)}
    elif isinstance(given, dict) and given and not given.keys() & {*_DIRECTION_KEYS}:
        for by, direction in given.items():
            yield {"by": by, "direction": _direction(direction)}
    else:
        yield given


def _direction(word: Any) -> Any:
    return _DIRECTION_OF.get(str(word).strip().lower(), word)


def _first(given: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((given[key] for key in keys if key in given), None)
