"""Finds the simple conditions of a statement: one column of a retail table against constants."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zava.data.syntax.parser import parse

Node = Mapping[str, Any]

_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_LIKE = {"~~": "LIKE", "~~*": "ILIKE"}
_FOLDS = frozenset({"lower", "upper"})
_CASTS = frozenset({"date", "text"})
_MOST = 6


@dataclass(frozen=True, slots=True)
class Predicate:
    """`expression(table.column) operator values`.

    `values` is empty where the statement compares with something that is not a constant.
    `expression` is "", "lower", "upper", "date" or "text".
    """

    table: str
    column: str
    operator: str
    values: tuple[str, ...]
    expression: str = ""


def find_conditions(statement: str, tables: Mapping[str, Mapping[str, str]]) -> list[Predicate]:
    """Return at most six conditions, in the order in which the statement states them.

    `tables` maps bare table names to their columns' types. Call it on the parsing thread.
    """
    found: dict[Predicate, None] = {}
    for select in _selects(parse(statement)):
        sources = dict(_sources(select.get("fromClause", ()), tables))
        for term in _terms(select):
            condition = _condition(term, sources, tables)
            if condition is not None:
                found[condition] = None
    return list(found)[:_MOST]


def _selects(tree: Any) -> Iterator[Node]:
    """Yield every SELECT of the tree, in the order of the text."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += reversed(node)
        elif isinstance(node, dict):
            if "limitOption" in node:  # every SELECT has one, and nothing else does
                yield node
            stack += reversed(list(node.values()))


def _sources(items: Any, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (alias, table) for each retail table that FROM names."""
    for item in items:
        relation = item.get("RangeVar")
        join = item.get("JoinExpr")
        if relation and relation["relname"] in tables:
            name = relation["relname"]
            yield relation.get("alias", {}).get("aliasname", name), name
        elif join:
            yield from _sources((join["larg"], join["rarg"]), tables)


def _terms(select: Node) -> Iterator[Node]:
    """Yield what WHERE and the joins' ON demand, split at AND."""
    stack = [select["whereClause"]] if "whereClause" in select else []
    joins = [item for item in select.get("fromClause", ()) if "JoinExpr" in item]
    while joins:
        join = joins.pop()["JoinExpr"]
        stack += [join["quals"]] if "quals" in join else []
        joins += [side for side in (join["larg"], join["rarg"]) if "JoinExpr" in side]
    while stack:
        term = stack.pop()
        junction = term.get("BoolExpr", {})
        if junction.get("boolop") == "AND_EXPR":
            stack += reversed(junction["args"])
        else:
            yield term


def _condition(
    term: Node, sources: Mapping[str, str], tables: Mapping[str, Mapping[str, str]]
) -> Predicate | None:
    compared = term.get("A_Expr")
    if compared is None or "lexpr" not in compared:
        return None
    operator = compared["name"][-1]["String"]["sval"]
    left, right = compared["lexpr"], compared["rexpr"]
    if compared["kind"] == "AEXPR_OP" and operator in _COMPARISONS:
        column = _column(left, sources, tables)
        if column is None:
            left, right = right, left
            operator = _MIRRORED.get(operator, operator)
    elif compared["kind"] in {"AEXPR_LIKE", "AEXPR_ILIKE"} and operator in _LIKE:
        operator = _LIKE[operator]
    elif compared["kind"] == "AEXPR_IN" and operator == "=":
        operator = "IN"
    elif compared["kind"] == "AEXPR_BETWEEN":
        operator = "BETWEEN"
    else:
        return None
    column = _column(left, sources, tables)
    if column is None or _column(right, sources, tables) is not None:
        return None
    table, name, expression = column
    items = right["List"]["items"] if "List" in right else [right]
    constants = [_constant(item) for item in items]
    values = tuple(value for value in constants if value is not None)
    return Predicate(table, name, operator, values if len(values) == len(items) else (), expression)


def _column(
    node: Node, sources: Mapping[str, str], tables: Mapping[str, Mapping[str, str]]
) -> tuple[str, str, str] | None:
    """Return (table, column, expression) when the node is one column, plain or in one wrapping."""
    expression = ""
    call, cast = node.get("FuncCall"), node.get("TypeCast")
    if call and call["funcname"][-1]["String"]["sval"] in _FOLDS and len(call["args"]) == 1:
        expression, node = call["funcname"][-1]["String"]["sval"], call["args"][0]
    elif cast and cast["typeName"]["names"][-1]["String"]["sval"] in _CASTS:
        expression, node = cast["typeName"]["names"][-1]["String"]["sval"], cast["arg"]
    reference = node.get("ColumnRef")
    if reference is None or not all("String" in part for part in reference["fields"]):
        return None
    *qualifier, name = (part["String"]["sval"] for part in reference["fields"])
    named = [sources[qualifier[-1]]] if qualifier and qualifier[-1] in sources else []
    for table in named if qualifier else sources.values():
        if name in tables[table]:
            return table, name, expression
    return None


def _constant(node: Node) -> str | None:
    if "TypeCast" in node:
        return _constant(node["TypeCast"]["arg"])
    constant = node.get("A_Const", {})
    if "sval" in constant:
        return str(constant["sval"].get("sval", ""))
    if "ival" in constant:
        return str(constant["ival"].get("ival", 0))
    if "fval" in constant:
        return str(constant["fval"]["fval"])
    if "boolval" in constant:
        return "true" if constant["boolval"].get("boolval") else "false"
    return None
