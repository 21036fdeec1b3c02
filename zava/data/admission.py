"""Which statements are asked for their cost before they run.

A judgement by the text alone, on PostgreSQL's own parse tree, and a generous one: what is heavy
here is only weighed by the planner, in the call's own round trip, and refused when the plan costs
more than the deadline would allow anyway.
"""

from typing import Any

from zava.data.guard.parsing import Node, NotParsed, nodes_of, parse

_EQUALS = [{"String": {"sval": "="}}]
LARGE_TABLES = frozenset({"customers", "inventory", "orders", "order_items"})


def is_heavy(statement: str) -> bool:
    """Return whether a statement recurses, joins without a condition, or reads a large table whole.

    Call it where there is stack for the text.
    """
    try:
        trees = parse(statement)
    except NotParsed:
        return False  # the server says what is wrong with it
    return any(node.get("recursive", False) or _is_heavy_select(node) for node in nodes_of(trees))


def _is_heavy_select(node: Node) -> bool:
    sources = node.get("fromClause")
    if not sources:
        return False
    conditions = [node["whereClause"]] if "whereClause" in node else []
    relations, joins = 0, 0
    large = False
    stack = list(sources)
    while stack:
        source = stack.pop()
        join = source.get("JoinExpr")
        if join is None:
            relations += 1
            large |= source.get("RangeVar", {}).get("relname") in LARGE_TABLES
            continue
        stack += [join["larg"], join["rarg"]]
        if "usingClause" in join or join.get("isNatural"):
            joins += 1
        elif "quals" in join:
            conditions.append(join["quals"])
    joins += sum(_links(condition) for condition in conditions)
    return joins < relations - 1 or (large and "whereClause" not in node)


def _links(condition: Node) -> int:
    """Count the equalities of one column with another: each may join two relations by a key."""
    return sum(
        _holds_column(node["lexpr"]) and _holds_column(node.get("rexpr"))
        for node in nodes_of(condition)
        if "lexpr" in node and node.get("name") == _EQUALS
    )


def _holds_column(tree: Any) -> bool:
    return any("ColumnRef" in node for node in nodes_of(tree))
