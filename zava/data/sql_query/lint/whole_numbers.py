"""Which expressions divide one integer by another, and so drop the fraction."""

from collections.abc import Callable, Mapping

from zava.data.sql_query.lint.name_resolution import Tree
from zava.data.sql_query.lint.query_tree import DIVIDE, Query
from zava.data.syntax.parser import COMPOUND, Node

_SHORT = frozenset({"int2", "int4", "smallint", "integer"})
_LONG = frozenset({"int8", "bigint"})
_WHOLE = _SHORT | _LONG
_KEEP_INTEGERS = frozenset({"min", "max", "abs", "any_value"})
_ROUNDED_DOWN = frozenset({"floor", "trunc", "div", "ceil", "ceiling"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_DEEPEST = 24


def divides_count(tree: Tree, query: Query, division: Node) -> bool:
    """Whether both sides of a division are integers, and one of them holds a count."""
    if "lexpr" not in division:
        return False
    if _rounds_up(division):
        return False
    kinds = [_kind(tree, query, division[side]) for side in ("lexpr", "rexpr")]
    return None not in kinds and "count" in kinds


def _rounds_up(division: Node) -> bool:
    """Whether a division has the form (a + n - 1) / n, with n as a number: it counts pages."""
    size = _integer(division["rexpr"])
    added = division["lexpr"].get("A_Expr", {})
    is_sum = bool(added) and added["name"][-1]["String"]["sval"] == "+" and "lexpr" in added
    return size is not None and is_sum and _integer(added["rexpr"]) == size - 1


def _integer(node: Node) -> int | None:
    number: int | None = node.get("A_Const", {}).get("ival", {}).get("ival")
    return number


def is_divided_whole(tree: Tree, query: Query, expression: Node) -> bool:
    """Whether an expression divides integers of which one is a count."""
    stack: list[object] = [expression]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
            continue
        if not isinstance(node, dict):
            continue
        expression = node.get("A_Expr", {"name": [{}]})
        if expression["name"][-1] == DIVIDE and divides_count(tree, query, expression):
            return True
        for key, part in node.items():
            if type(part) not in COMPOUND or key in {"SubLink", "over", "agg_filter"}:
                continue
            if _asks_for_whole(key, part):
                continue
            stack.append(part)
    return False


def _asks_for_whole(kind: str, part: Node) -> bool:
    if kind == "FuncCall":
        return part["funcname"][-1]["String"]["sval"] in _ROUNDED_DOWN
    return kind == "TypeCast" and part["typeName"]["names"][-1]["String"]["sval"] in _WHOLE


def _kind(tree: Tree, query: Query, node: Node, depth: int = 0) -> str | None:
    """Return what kind of integer an expression is: a count, a long or a short one; else None."""
    ((kind, part),) = node.items()
    read = _READ.get(kind)
    return None if read is None or depth > _DEEPEST else read(tree, query, part, depth)


def _of_constant(_tree: Tree, _query: Query, constant: Node, _depth: int) -> str | None:
    return "short" if "ival" in constant else None


def _of_case(tree: Tree, query: Query, case: Node, depth: int) -> str | None:
    results = [when["CaseWhen"]["result"] for when in case["args"]]
    return _together(tree, query, [*results, case.get("defresult", results[0])], depth)


def _of_coalesce(tree: Tree, query: Query, coalesce: Node, depth: int) -> str | None:
    return _together(tree, query, coalesce["args"], depth)


def _of_operator(tree: Tree, query: Query, expression: Node, depth: int) -> str | None:
    if expression["kind"] == "AEXPR_NULLIF":
        return _kind(tree, query, expression["lexpr"], depth + 1)
    if expression["name"][-1]["String"]["sval"] in _ARITHMETIC and "lexpr" in expression:
        return _together(tree, query, [expression["lexpr"], expression["rexpr"]], depth)
    return None


def _of_cast(tree: Tree, query: Query, cast: Node, depth: int) -> str | None:
    name = cast["typeName"]["names"][-1]["String"]["sval"]
    if name not in _WHOLE:
        return None
    inner = _kind(tree, query, cast["arg"], depth + 1)
    return inner if inner == "count" else "long" if name in _LONG else "short"


def _of_call(tree: Tree, query: Query, call: Node, depth: int) -> str | None:
    name, arguments = call["funcname"][-1]["String"]["sval"], call.get("args", ())
    if name == "count":
        return "count"
    if len(arguments) != 1 or name not in _KEEP_INTEGERS | {"sum"}:
        return None
    inner = _kind(tree, query, arguments[0], depth + 1)
    if name == "sum":
        # The sum of short integers is one, as sum(CASE … THEN 1 ELSE 0 END) is; of others numeric.
        return "count" if inner == "short" else None
    return inner


def _of_column(tree: Tree, query: Query, reference: Node, depth: int) -> str | None:
    found = tree.resolve(query, reference)
    if found is None:
        return None
    _, source, name = found
    if source.table is not None:
        kind = tree.tables[source.table][name]
        return "short" if kind in _SHORT else "long" if kind in _LONG else None
    inner = tree.expression(source, name)
    return None if inner is None else _kind(tree, *inner, depth + 1)


def _together(tree: Tree, query: Query, nodes: list[Node], depth: int) -> str | None:
    kinds = {_kind(tree, query, node, depth + 1) for node in nodes}
    if None in kinds:
        return None
    return next(kind for kind in ("count", "long", "short") if kind in kinds)


_READ: Mapping[str, Callable[[Tree, Query, Node, int], str | None]] = {
    "A_Const": _of_constant,
    "TypeCast": _of_cast,
    "FuncCall": _of_call,
    "ColumnRef": _of_column,
    "CoalesceExpr": _of_coalesce,
    "CaseExpr": _of_case,
    "A_Expr": _of_operator,
}
