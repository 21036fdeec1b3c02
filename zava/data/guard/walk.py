"""Walks a parse tree and refuses whatever is not on the lists.

The walk is iterative, so that depth costs no stack, and visits every part: a node type, a field or
a name that no rule knows is refused, also when a later version of the parser brings it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from zava.data.guard import refusals
from zava.data.guard.vocabulary import (
    CONTAINERS,
    FIELDS,
    FUNCTIONS,
    LEAVES,
    OPERATORS,
    SAMPLING_METHODS,
    SPECIAL_VALUES,
    SYSTEM_COLUMNS,
    TYPES,
)

Node = Mapping[str, Any]
Names = frozenset[str]

LARGEST_LENGTH = 10_000
LARGEST_SERIES = 1_000_000
_OWN_SCHEMA, _BUILT_IN_SCHEMA = "retail", "pg_catalog"
_PADDING = frozenset({"repeat", "lpad", "rpad"})
_OPEN = CONTAINERS | FIELDS
# A width of five digits or more, or one that an argument gives.
_WIDE_FIELD = re.compile(r"%(?:\d+\$)?-?(?:\*|\d{5})")


class Walk:
    """One statement's walk over the tables of the retail schema.

    `calling` holds the names of which PostgreSQL makes a call when it finds no column of that
    name: `alias.name` and `(value).name` are `name(value)` then.
    """

    def __init__(self, tables: Names, calling: Names) -> None:
        self._tables = tables
        self._calling = calling
        self._stack: list[tuple[Any, Names]] = []

    def check(self, statement: Node) -> None:
        """Walk the raw statement.

        Raises:
            Refused: the first thing that is not on the lists.
        """
        self._push(statement, frozenset())
        while self._stack:
            node, visible = self._stack.pop()
            for key, value in node.items():
                kind = type(value)
                if kind is not dict and kind is not list:
                    continue
                rule = self._RULES.get(key)
                if rule is not None:
                    rule(self, value, visible)
                elif key in _OPEN:
                    self._push(value, visible)
                elif key not in LEAVES:
                    raise refusals.node(key)

    def _push(self, value: Any, visible: Names) -> None:
        if type(value) is list:
            self._stack += [(item, visible) for item in value if item]
        elif value:
            self._stack.append((value, visible))

    def _select(self, select: Node, visible: Names) -> None:
        clause = select.get("withClause")
        if clause:
            visible = self._with(clause, visible)
        parts = {key: part for key, part in select.items() if key != "withClause"}
        for side in ("larg", "rarg"):
            if side in parts:  # the tree does not name the type of a set operation's sides
                self._push({"SelectStmt": parts.pop(side)}, visible)
        self._push(parts, visible)

    def _with(self, clause: Node, visible: Names) -> Names:
        """Check each query of a WITH, and return the names that its statement sees."""
        queries = [item["CommonTableExpr"] for item in clause["ctes"]]
        is_recursive = clause.get("recursive", False)
        if is_recursive:
            visible |= {query["ctename"] for query in queries}
        for query in queries:
            if is_recursive:
                _check_recursion(query)
            self._push({k: v for k, v in query.items() if k != "ctequery"}, visible)
            self._push(query["ctequery"], visible)
            visible |= {query["ctename"]}
        return visible

    def _relation(self, relation: Node, visible: Names) -> None:
        schema, name = relation.get("schemaname"), relation["relname"]
        if "catalogname" in relation:
            raise refusals.relation(f"{relation['catalogname']}.{schema}", name, self._tables)
        if schema is None and name in visible:
            return
        if schema not in {None, _OWN_SCHEMA} or name not in self._tables:
            raise refusals.relation(schema, name, self._tables)

    def _column(self, reference: Node, _visible: Names) -> None:
        names = [part["String"]["sval"] for part in reference["fields"] if "String" in part]
        if names and names[-1] in SYSTEM_COLUMNS:
            raise refusals.hidden_call(names[-1])
        if len(names) > 1:
            self._check_field(names[-1])

    def _selection(self, selection: Node, visible: Names) -> None:
        for part in selection["indirection"]:
            if "String" in part:
                self._check_field(part["String"]["sval"])
        self._push(selection["arg"], visible)
        self._push(selection["indirection"], visible)

    def _check_field(self, name: str) -> None:
        if name in self._calling and name not in FUNCTIONS:
            raise refusals.hidden_call(name)

    def _call(self, call: Node, visible: Names) -> None:
        *schema, name = (part["String"]["sval"] for part in call["funcname"])
        if schema not in ([], [_BUILT_IN_SCHEMA]):
            raise refusals.function_schema(".".join(schema))
        if name not in FUNCTIONS:
            raise refusals.function(name)
        arguments = call.get("args", [])
        if name in _PADDING:
            _check_length(name, arguments)
        elif name == "generate_series":
            _check_series(arguments)
        elif name == "format":
            _check_format(arguments)
        self._push(arguments, visible)
        for part in ("agg_order", "agg_filter", "over"):
            self._push(call.get(part), visible)

    def _operator(self, expression: Node, visible: Names) -> None:
        kind = expression["kind"]
        if not kind.startswith(("AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN")):
            _check_operator(expression["name"])
        self._push(expression.get("lexpr"), visible)
        self._push(expression.get("rexpr"), visible)

    def _sublink(self, sublink: Node, visible: Names) -> None:
        if "operName" in sublink:
            _check_operator(sublink["operName"])
        self._push(sublink.get("testexpr"), visible)
        self._push(sublink["subselect"], visible)

    def _sort(self, sort: Node, visible: Names) -> None:
        if "useOp" in sort:
            _check_operator(sort["useOp"])
        self._push(sort["node"], visible)

    def _cast(self, cast: Node, visible: Names) -> None:
        self._type(cast["typeName"], visible)
        self._push(cast["arg"], visible)

    def _type(self, type_name: Node, _visible: Names) -> None:
        *schema, name = (part["String"]["sval"] for part in type_name["names"])
        is_plain = not (type_name.get("setof") or type_name.get("pct_type"))
        if schema not in ([], [_BUILT_IN_SCHEMA]) or name not in TYPES or not is_plain:
            raise refusals.type_name(".".join([*schema, name]))

    def _collation(self, clause: Node, visible: Names) -> None:
        self._push(clause["arg"], visible)

    def _sample(self, sample: Node, visible: Names) -> None:
        method = ".".join(part["String"]["sval"] for part in sample["method"])
        if method not in SAMPLING_METHODS:
            raise refusals.sampling(method)
        self._push([sample["relation"], *sample["args"], sample.get("repeatable")], visible)

    def _special_value(self, value: Node, _visible: Names) -> None:
        if value["op"] not in SPECIAL_VALUES:
            raise refusals.special_value(value["op"])

    _RULES: ClassVar[dict[str, Callable[["Walk", Any, Names], None]]] = {
        "SelectStmt": _select,
        "RangeVar": _relation,
        "RangeTableSample": _sample,
        "ColumnRef": _column,
        "A_Indirection": _selection,
        "FuncCall": _call,
        "A_Expr": _operator,
        "SubLink": _sublink,
        "SortBy": _sort,
        "TypeCast": _cast,
        "typeName": _type,
        "CollateClause": _collation,
        "SQLValueFunction": _special_value,
    }


def _check_operator(parts: Iterable[Node]) -> None:
    *schema, name = (part["String"]["sval"] for part in parts)
    if schema not in ([], [_BUILT_IN_SCHEMA]) or name not in OPERATORS:
        raise refusals.operator(".".join([*schema, name]))


def _constant(node: Node) -> float | None:
    """Return the value of a number written in the statement; None for everything else."""
    if "TypeCast" in node:
        return _constant(node["TypeCast"]["arg"])
    if "A_Expr" in node and "lexpr" not in node["A_Expr"]:
        inner = _constant(node["A_Expr"]["rexpr"])
        return -inner if inner is not None and node["A_Expr"]["name"] == [_MINUS] else None
    constant = node.get("A_Const", {})
    if "ival" in constant:
        return int(constant["ival"].get("ival", 0))  # the tree leaves a zero out
    if "fval" in constant:
        return float(constant["fval"]["fval"].replace("_", ""))
    return None


_PLUS, _MINUS = {"String": {"sval": "+"}}, {"String": {"sval": "-"}}


def _bound(node: Node) -> float | None:
    """Return the most that an expression can be, where the statement's text says so."""
    least = node.get("MinMaxExpr", {})
    if least.get("op") == "IS_LEAST":
        return min((b for b in map(_bound, least["args"]) if b is not None), default=None)
    expression = node.get("A_Expr", {})
    if "lexpr" in expression and expression["name"][-1] in (_PLUS, _MINUS):
        left, right = _bound(expression["lexpr"]), _constant(expression["rexpr"])
        if left is None or right is None:
            return None
        return left + right if expression["name"][-1] == _PLUS else left - right
    return _constant(node)


def _check_length(name: str, arguments: list[Node]) -> None:
    bound = _bound(arguments[1]) if len(arguments) > 1 else 0
    if bound is None or bound > LARGEST_LENGTH:
        raise refusals.unbounded(name, LARGEST_LENGTH, f"{name}('#', least(n, 100))")
    # A repetition of something long multiplies; padding bounds its own result.
    if name == "repeat" and any(inner in _PADDING for inner in _calls_in(arguments[0])):
        raise refusals.unbounded("repeat of a repetition", LARGEST_LENGTH, "repeat('#', 100)")


def _check_series(arguments: list[Node]) -> None:
    numbers = [_constant(argument) for argument in arguments]
    if len(numbers) < 2 or None in numbers[:2]:  # noqa: PLR2004  # from, to
        return  # dates, or a bound that comes from the data; the deadline ends it
    start, stop, step = (*numbers, 1)[:3]
    if (
        start is not None
        and stop is not None
        and abs(stop - start) > LARGEST_SERIES * abs(step or 1)
    ):
        raise refusals.unbounded("generate_series", LARGEST_SERIES, "generate_series(1, 12)")


def _check_format(arguments: list[Node]) -> None:
    template = arguments[0].get("A_Const", {}).get("sval") if arguments else None
    if template is None or _WIDE_FIELD.search(template.get("sval", "")):
        raise refusals.unbounded("format", LARGEST_LENGTH, "format('%s: %s', a, b)")


def _dicts(tree: Any) -> Iterable[Node]:
    """Yield every dictionary of a tree."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack += node.values()
        elif isinstance(node, list):
            stack += node


def _calls_in(tree: Any) -> Iterable[str]:
    for node in _dicts(tree):
        if "FuncCall" in node:
            yield node["FuncCall"]["funcname"][-1]["String"]["sval"]


def _check_recursion(query: Node) -> None:
    recursive = query["ctequery"].get("SelectStmt", {}).get("rarg")
    if recursive is None:
        return
    nodes = list(_dicts(recursive))
    reads_itself = any(node.get("relname") == query["ctename"] for node in nodes)
    if reads_itself and not any("whereClause" in node or "quals" in node for node in nodes):
        raise refusals.unbounded_recursion(query["ctename"])
