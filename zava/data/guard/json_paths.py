"""Which JSON paths may run: literal ones whose work is linear in the value that they read.

PostgreSQL compares each item of one side of a path's predicate with each of the other, and does not
look for a cancellation meanwhile. A variable is one item where the statement passes a constant.
"""

import json
import re
from collections.abc import Iterable, Iterator

from zava.data.guard.refusals import Refused
from zava.data.syntax.parser import Node

# An escaped character, a text, a comment, or a variable, whichever begins first: so none of them
# hides another.
_TOKEN = re.compile(
    r'(?P<dull>\\.|"(?:[^"\\]|\\.)*"|/\*.*?\*/)'
    r'|(?P<variable>\$(?:"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z_0-9]*))',
    re.DOTALL,
)
_SIDE = r"[^&|?]*"
_TWO_PATHS = re.compile(rf"[@$]{_SIDE}(?:==|!=|<>|<=|>=|<|>){_SIDE}[@$]")
_DESCENT = "**"
_MAX_DESCENTS = 1
_BUILDERS = frozenset({"jsonb_build_object"})
# Casts to these make one short value of whatever is cast.
_SHORT_TYPES = frozenset(
    {"int2", "int4", "int8", "float4", "float8", "bool", "date", "timestamp", "timestamptz", "uuid"}
)

_HINT = (
    "Compare each path with a literal or a variable of one, or unnest with jsonb_array_elements"
    " and join."
)


def check_path(path: str, *, has_short_variables: bool) -> None:
    """Hold the text of a JSON path to what is linear; other texts pass.

    Raises:
        Refused: two paths are compared, or a filter starts again from the whole value.
    """

    def read(token: re.Match[str]) -> str:
        return " 0 " if has_short_variables or not token["variable"] else " $ "

    bare = _TOKEN.sub(read, path)
    # In the literal of an array each path stands between quotes.
    is_array = path.lstrip().startswith("{")
    if _TWO_PATHS.search(bare) or (is_array and _TWO_PATHS.search(path)):
        raise Refused("A JSON path compares two paths, which no deadline ends.", _HINT)
    if "$" in bare.partition("?")[2]:
        raise Refused("A filter of a JSON path reads the whole value for each item.", _HINT)
    if bare.count(_DESCENT) > _MAX_DESCENTS:
        raise Refused("A JSON path holds ** more than once.", "Name the keys on the way.")


def unknown_path() -> Refused:
    """Return the refusal of a path that is no literal."""
    return Refused("A JSON path is no literal.", "Write the path into the statement, as '$.a'.")


def has_short_variables(arguments: list[Node]) -> bool:
    """Return whether each variable that a call of jsonb_path_… passes is one short value."""
    return all(map(_is_short_object, _variables(arguments)))


def passes_short_values(passing: Iterable[Node]) -> bool:
    """Return whether each value of a PASSING clause is one short value."""
    return all(_is_short(part["JsonArgument"]["val"]["raw_expr"]) for part in passing)


def _variables(arguments: list[Node]) -> Iterator[Node]:
    for place, argument in enumerate(arguments):
        named = argument.get("NamedArgExpr")
        if named is None:
            if place == 2:  # noqa: PLR2004  # target, path, vars, silent
                yield argument
        elif named["name"] == "vars":
            yield named["arg"]


def _is_short_object(node: Node) -> bool:
    if "TypeCast" in node and _type_of(node["TypeCast"]) == "jsonb":
        node = node["TypeCast"]["arg"]
    call = node.get("FuncCall", {})
    if call:
        parts = call.get("args", ())
        is_builder = call["funcname"][-1]["String"]["sval"] in _BUILDERS
        return is_builder and "func_variadic" not in call and all(map(_is_short, parts))
    text = node.get("A_Const", {}).get("sval", {}).get("sval")
    return text is not None and _holds_values_alone(text)


def _is_short(node: Node) -> bool:
    """Whether an expression is one short value: a constant, or what a cast makes one of."""
    cast = node.get("TypeCast")
    if cast is None:
        return "A_Const" in node
    is_short_type = _type_of(cast) in _SHORT_TYPES
    return is_short_type or (_type_of(cast) in {"text", "numeric"} and "A_Const" in cast["arg"])


def _type_of(cast: Node) -> str:
    name: str = cast["typeName"]["names"][-1]["String"]["sval"]
    return "" if "arrayBounds" in cast["typeName"] else name


def _holds_values_alone(text: str) -> bool:
    """Whether a text is a JSON object that holds no array and no other object."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):  # PostgreSQL reports what is wrong with it
        return False
    return isinstance(read, dict) and not any(isinstance(v, dict | list) for v in read.values())
