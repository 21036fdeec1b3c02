"""Finds the simple conditions of a statement: one column of a domain's table against constants."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from zava.data.syntax.parser import nodes_of, parse

Node = Mapping[str, Any]

_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_LIKE = {"~~": "LIKE", "~~*": "ILIKE"}
_FOLDS = frozenset({"lower", "upper"})
_CASTS = frozenset({"date", "text"})
_MAX_CONDITIONS = 6
# Constants that a cast leaves as they are: the check reads them in the column's own type.
_KEPT_BY_CAST = {
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "timestamp": re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?", re.ASCII),
    "timestamptz": re.compile(".*"),
    "text": re.compile(".*", re.DOTALL),
    "uuid": re.compile(".*"),
    "bool": re.compile("true|false"),
}


@dataclass(frozen=True, slots=True)
class Predicate:
    """`expression(table.column) operator values`.

    `values` is empty where the statement compares with something that is not a constant.
    `expression` is "", "lower", "upper", "date" or "text". `place` numbers the table's place in a
    FROM: conditions of one place hold for the same row. `is_null` is true for `= NULL`.
    """

    table: str
    column: str
    operator: str
    values: tuple[str, ...]
    expression: str = ""
    place: int = 0
    is_null: bool = False


_NO_CONDITION: tuple[None, str] = (None, "")


def find_conditions(statement: str, tables: Mapping[str, Mapping[str, str]]) -> list[Predicate]:
    """Return at most six conditions, in the order in which the statement states them.

    `tables` maps bare table names to their columns' types. Call it on the parsing thread.
    """
    tree = parse(statement)
    queries = frozenset(node["ctename"] for node in nodes_of(tree) if "ctename" in node)
    found: dict[Predicate, None] = {}
    places: dict[tuple[int, str], int] = {}
    for number, select in enumerate(_selects(tree)):
        sources = dict(_sources(select.get("fromClause", ()), tables, queries))
        for term in _terms(select):
            condition, alias = _condition(term, sources, tables)
            if condition is not None:
                place = places.setdefault((number, alias), len(places))
                found[replace(condition, place=place)] = None
    return list(found)[:_MAX_CONDITIONS]


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


def _sources(
    items: Any, tables: Mapping[str, Any], queries: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield (alias, table) for each stored table that FROM names; `queries` are those of a WITH."""
    for item in items:
        relation = item.get("RangeVar")
        join = item.get("JoinExpr")
        name = _kept_name(relation, tables) if relation else ""
        if relation and name in tables:
            alias = relation.get("alias", {})
            is_query = "schemaname" not in relation and name in queries
            if not is_query and "colnames" not in alias:
                yield alias.get("aliasname", relation["relname"]), name
        elif join and "alias" not in join:
            yield from _sources((join["larg"], join["rarg"]), tables, queries)


def _kept_name(relation: Node, tables: Mapping[str, Any]) -> str:
    """Return the name under which a table is kept: bare, but for a second one of its name."""
    name = str(relation["relname"])
    qualified = f"{relation.get('schemaname')}.{name}"
    return qualified if qualified in tables else name


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
) -> tuple[Predicate | None, str]:
    """Return a term's condition and the alias of its table."""
    compared = term.get("A_Expr")
    if compared is None or "lexpr" not in compared:
        return _NO_CONDITION
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
        return _NO_CONDITION
    column = _column(left, sources, tables)
    if column is None or _column(right, sources, tables) is not None:
        return _NO_CONDITION
    alias, name, expression = column
    items = right["List"]["items"] if "List" in right else [right]
    constants = [_constant(item) for item in items]
    values = tuple(value for value in constants if value is not None)
    condition = Predicate(
        sources[alias],
        name,
        operator,
        values if len(values) == len(items) else (),
        expression,
        is_null=operator in _COMPARISONS and "isnull" in right.get("A_Const", {}),
    )
    return condition, alias


def _column(
    node: Node, sources: Mapping[str, str], tables: Mapping[str, Mapping[str, str]]
) -> tuple[str, str, str] | None:
    """Return (alias, column, expression) when the node is one column, plain or in one wrapping."""
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
    for alias in qualifier[-1:] or sources:
        if alias in sources and name in tables[sources[alias]]:
            return alias, name, expression
    return None


def _constant(node: Node) -> str | None:
    if "TypeCast" in node:
        value = _constant(node["TypeCast"]["arg"])
        kept = _KEPT_BY_CAST.get(node["TypeCast"]["typeName"]["names"][-1]["String"]["sval"])
        return value if value is not None and kept and kept.fullmatch(value) else None
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
