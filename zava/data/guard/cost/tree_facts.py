"""Facts of one query or expression in a parse tree, for the estimates."""

from collections.abc import Iterable, Iterator
from math import inf, log10
from typing import Any

from zava.data.guard.cost.bounds import constant
from zava.data.guard.field_notation import select_names
from zava.data.syntax.parser import COMPOUND, Node, nodes_of

MAX_NUMERIC = 131_072.0
_SCALAR = 64.0
_MAX_CHARACTER_BYTES = 4

_LEAVES = frozenset({"ColumnRef", "A_Const", "funcname", "typeName"})
ENDS = _LEAVES | {"subselect", "query"}
"""The parts of a node at which the search outside subqueries ends."""


def power_digits(arguments: list[Node]) -> float:
    """Return the digits of a power, an exponential or a factorial."""
    numbers = [constant(argument) for argument in arguments]
    if any(number is None for number in numbers):
        # As a double it is short; only a numeric base makes a long number.
        return MAX_NUMERIC if _is_numeric(arguments[0]) else _SCALAR
    base, exponent = (abs(number or 0.0) for number in [*numbers, numbers[0]][:2])
    if len(numbers) == 1:
        return min(_SCALAR + exponent * log10(max(exponent, 3.0)), MAX_NUMERIC)
    return min(_SCALAR + exponent * abs(log10(max(base, 1e-9))), MAX_NUMERIC)


def _is_numeric(node: Node) -> bool:
    if "TypeCast" in node:
        return bool(node["TypeCast"]["typeName"]["names"][-1]["String"]["sval"] == "numeric")
    return "fval" in node.get("A_Const", {})


def cut_bytes(arguments: list[Node], place: int) -> float:
    """Return how many bytes a call leaves of a text; the argument at `place` is the length."""
    const = arguments[place].get("A_Const", {}) if place < len(arguments) else {}
    if "ival" not in const:  # a text is the escape of a pattern
        return inf
    # A negative one counts from the other end, and leaves the more.
    characters = int(const["ival"].get("ival", 0))
    return inf if characters < 0 else float(_MAX_CHARACTER_BYTES * characters)


def text_of(part: Node) -> str:
    """Return the name that one part of a reference holds; "" for a star."""
    return str(part.get("String", {}).get("sval", ""))


def inner_names(select: Node) -> tuple[frozenset[str], frozenset[str] | None]:
    """Return the aliases of a query's sources, and their columns where each names its own."""
    qualifiers, columns, is_known = set(), set(), True
    stack = list(select.get("fromClause", ()))
    while stack:
        (node,) = stack.pop().values()
        if "larg" in node:
            stack += [node["larg"], node["rarg"]]
            continue
        alias = node.get("alias", {})
        qualifiers.add(alias.get("aliasname", node.get("relname", "")))
        names = {text_of(part) for part in alias.get("colnames", ())}
        if "subquery" in node and not names:
            names = set(select_names(node["subquery"]["SelectStmt"]))
        columns |= names | qualifiers
        is_known &= bool(names) and "*" not in names
    return frozenset(qualifiers), frozenset(columns) if is_known else None


def group_target(key: Node, select: Node) -> Node:
    """Return what a key of GROUP BY stands for: an output, where it is that one's number."""
    number, targets = constant(key), select.get("targetList", ())
    if number is None or not 1 <= number <= len(targets):
        return key
    value: Node = targets[int(number) - 1]["ResTarget"]["val"]
    return value


def relations(tree: Any) -> set[str]:
    """Return the names of the relations that a tree reads."""
    return {node["relname"] for node in nodes_of(tree) if "relname" in node}


def conjuncts(condition: Node | None) -> Iterator[Node]:
    """Yield the conditions that AND joins."""
    stack = [condition] if condition else []
    while stack:
        node = stack.pop()
        if node.get("BoolExpr", {}).get("boolop") == "AND_EXPR":
            stack += node["BoolExpr"]["args"]
        else:
            yield node


def outside_subqueries(tree: Any) -> list[Node]:
    """Return the nodes of a tree, but of each subquery only its link, and nothing of a leaf."""
    return _nodes_until(tree, ENDS)


def _nodes_until(tree: Any, ends: frozenset[str]) -> list[Node]:
    # A list, because most of a statement's estimates read it whole.
    found: list[Node] = []
    stack = [tree] if tree else []
    while stack:
        node = stack.pop()
        if type(node) is dict:
            found.append(node)
            for key, part in node.items():
                if type(part) in COMPOUND and key not in ends:
                    stack.append(part)
        else:
            stack += node
    return found


def calls(tree: Any) -> Iterator[tuple[str, list[Node]]]:
    """Yield the name and the arguments of each call outside subqueries."""
    return calls_of(outside_subqueries(tree))


def calls_of(nodes: Iterable[Node]) -> Iterator[tuple[str, list[Node]]]:
    """Yield the name and the arguments of each call among nodes."""
    for node in nodes:
        if "FuncCall" in node:
            call = node["FuncCall"]
            yield call["funcname"][-1]["String"]["sval"], call.get("args", [])


def columns_of(tree: Node) -> list[list[Node]]:
    """Return the parts of each column's name in a tree."""
    if "ColumnRef" in tree:  # as most sides of a condition are
        return [tree["ColumnRef"]["fields"]]
    if "A_Const" in tree:
        return []
    nodes = _nodes_until(tree, _LEAVES)
    return [node["ColumnRef"]["fields"] for node in nodes if "ColumnRef" in node]


def qualifiers(tree: Node) -> frozenset[str]:
    """Return the names before the columns of a tree."""
    return qualifiers_of(columns_of(tree))


def qualifiers_of(columns: Iterable[list[Node]]) -> frozenset[str]:
    """Return the names before columns."""
    # The name alone may be a whole row of its source.
    named = [fields[-2] if len(fields) > 1 else fields[0] for fields in columns]
    return frozenset([part["String"]["sval"] for part in named if "String" in part])
