"""Reads the expression of a metric, and writes the SQL that is run from its parse tree.

No text of the declaration reaches the database. A function or operator is written with the schema
pg_catalog, so that none of the application's own takes its place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zava.adoption.declared_values import literal, quoted
from zava.data.syntax.parser import Node, NotParsed, parse

AGGREGATES = frozenset({"sum", "count", "avg", "min", "max"})
SCALARS = frozenset(
    {"abs", "round", "floor", "ceil", "trunc", "extract", "date_trunc", "lower", "upper", "length"}
)
_OPERATORS = frozenset({"+", "-", "*", "/", "%", "||", "=", "<>", "<", ">", "<=", ">="})
_LIKE = {
    "AEXPR_LIKE": frozenset({"~~", "!~~"}),
    "AEXPR_ILIKE": frozenset({"~~*", "!~~*"}),
}
_TYPES = frozenset(
    {"numeric", "int2", "int4", "int8", "float8", "text", "date", "bool"}
    | {"timestamp", "timestamptz"}
)
_TESTS = {"IS_NULL": "IS NULL", "IS_NOT_NULL": "IS NOT NULL"}
_TRUTHS = {
    "IS_TRUE": "IS TRUE",
    "IS_NOT_TRUE": "IS NOT TRUE",
    "IS_FALSE": "IS FALSE",
    "IS_NOT_FALSE": "IS NOT FALSE",
}
_DIVIDING = frozenset({"/", "%"})
_ADDING_UP = frozenset({"sum", "count"})
# The keys of a parse tree of `SELECT … FROM x` and of nothing more.
_EXPRESSION_ALONE = frozenset({"targetList", "fromClause", "limitOption", "op"})
_CALL = frozenset(
    {"funcname", "args", "agg_filter", "agg_distinct", "agg_star", "funcformat", "location"}
)
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_FORBIDDEN = {
    "--": "a comment",
    "/*": "a comment",
    ";": "a second statement",
    "{": "a brace",
    "}": "a brace",
    "\0": "a NUL character",
}
_MAX_CHARACTERS = 2000


class ExpressionRefused(Exception):
    """The expression is not an aggregate over columns of its table; the message has the part."""


@dataclass(frozen=True, slots=True)
class MetricExpression:
    """SQL of an aggregate, the columns that it reads, and whether its groups add up."""

    sql: str
    columns: frozenset[str]
    adds_up: bool


def read_expression(text: str, table: str, alias: str = "t") -> MetricExpression:
    """Return the expression over rows of `schema.table`, which the statement names `alias`.

    Raises:
        ExpressionRefused: it has something else than aggregates, constants and columns.
    """
    for part, what in _FORBIDDEN.items():
        if part in text:
            raise ExpressionRefused(f"{what} is not allowed")
    if len(text) > _MAX_CHARACTERS:
        raise ExpressionRefused(f"expected at most {_MAX_CHARACTERS} characters")
    try:
        trees = parse(f"SELECT {text}\nFROM x")
    except NotParsed as error:
        raise ExpressionRefused(f"expected an expression in SQL: {error.message}") from error
    select = trees[0].get("stmt", {}).get("SelectStmt", {})
    targets = select.get("targetList", [])
    if len(trees) != 1 or not select.keys() <= _EXPRESSION_ALONE or len(targets) != 1:
        raise ExpressionRefused("expected one expression, and nothing behind it")
    if select.get("op") != "SETOP_NONE" or "name" in targets[0]["ResTarget"]:
        raise ExpressionRefused("expected one expression, and nothing behind it")
    value = targets[0]["ResTarget"]["val"]
    writer = _ExpressionWriter(table, alias)
    sql = writer.value(value)
    if not writer.has_aggregate:
        raise ExpressionRefused("expected an aggregate, such as sum(amount) or count(*)")
    return MetricExpression(sql, frozenset(writer.columns), _adds_up(value))


class _ExpressionWriter:
    """Writes one expression; a node without a rule of its own is refused."""

    def __init__(self, table: str, alias: str) -> None:
        self.columns: set[str] = set()
        self.has_aggregate = False
        self._is_inside = False
        self._alias = alias
        schema, _, name = table.partition(".")
        self._qualifiers: tuple[list[str], ...] = ([], [name], [schema, name])

    def value(self, node: Node) -> str:
        kind, content = _only(node)
        rules = {
            "A_Const": self._constant,
            "ColumnRef": self._column,
            "FuncCall": self._call,
            "A_Expr": self._operation,
            "BoolExpr": self._logic,
            "NullTest": self._null_test,
            "BooleanTest": self._truth,
            "CaseExpr": self._case,
            "CoalesceExpr": self._coalesce,
            "MinMaxExpr": self._extreme,
            "TypeCast": self._cast,
        }
        rule = rules.get(kind)
        if rule is None:
            what = {"SubLink": "a sub-select"}.get(kind, kind)
            raise ExpressionRefused(f"{what} is not allowed in a metric")
        return rule(content)

    def _values(self, nodes: Sequence[Node]) -> str:
        return ", ".join(map(self.value, nodes))

    def _constant(self, content: Mapping[str, Any]) -> str:
        if content.get("isnull"):
            return "NULL"
        if "ival" in content:
            return f"({content['ival'].get('ival', 0)})"
        if "boolval" in content:
            return "true" if content["boolval"].get("boolval") else "false"
        if "sval" in content:
            return literal(content["sval"].get("sval", ""))
        number = content.get("fval", {}).get("fval", "")
        if not _NUMBER.fullmatch(number.removeprefix("-")):
            raise ExpressionRefused("a constant of this form is not allowed")
        return f"({number})"

    def _column(self, content: Mapping[str, Any]) -> str:
        names = [_name(field) for field in content["fields"]]
        if names[:-1] not in self._qualifiers:
            raise ExpressionRefused(f"{'.'.join(names)} is of another table")
        if not self._is_inside:
            raise ExpressionRefused(f"{names[-1]} is outside of an aggregate")
        self.columns.add(names[-1])
        return f"{self._alias}.{quoted(names[-1])}"

    def _call(self, content: Mapping[str, Any]) -> str:
        *schema, name = [_name(part) for part in content["funcname"]]
        is_ours = name in AGGREGATES or name in SCALARS
        if schema not in ([], ["pg_catalog"]) or not is_ours or not content.keys() <= _CALL:
            called = ".".join([*schema, name])
            raise ExpressionRefused(f"the function {called}, called so, is not allowed in a metric")
        if name in SCALARS:
            if content.keys() & {"agg_filter", "agg_distinct", "agg_star"}:
                raise ExpressionRefused(f"{name} is no aggregate")
            return f"pg_catalog.{name}({self._values(content.get('args', []))})"
        return self._aggregate(name, content)

    def _aggregate(self, name: str, content: Mapping[str, Any]) -> str:
        if self._is_inside:
            raise ExpressionRefused(f"{name} is inside of another aggregate")
        self._is_inside = self.has_aggregate = True
        distinct = "DISTINCT " if content.get("agg_distinct") else ""
        given = "*" if content.get("agg_star") else self._values(content.get("args", []))
        filtered = ""
        if "agg_filter" in content:
            filtered = f" FILTER (WHERE {self.value(content['agg_filter'])})"
        self._is_inside = False
        return f"pg_catalog.{name}({distinct}{given}){filtered}"

    def _operation(self, content: Mapping[str, Any]) -> str:
        kind = content["kind"]
        names = [_name(part) for part in content["name"]]
        name = names[-1]
        left, right = content.get("lexpr"), content["rexpr"]
        if kind == "AEXPR_OP" and names == [name] and name in _OPERATORS:
            if name in _DIVIDING:
                _check_denominator(right)
            before = f"{self.value(left)} " if left is not None else ""
            return f"({before}OPERATOR(pg_catalog.{name}) {self.value(right)})"
        if left is None:
            raise ExpressionRefused(f"the operator {'.'.join(names)} is not allowed in a metric")
        if kind == "AEXPR_IN" and "List" in right:
            word = "OR" if name == "=" else "AND"
            each = [self._compared(left, name, item) for item in right["List"]["items"]]
            return f"({f' {word} '.join(each)})"
        if kind in {"AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN"}:
            low, high = right["List"]["items"]
            inside = f"{self._compared(left, '>=', low)} AND {self._compared(left, '<=', high)}"
            return f"({'NOT ' if kind == 'AEXPR_NOT_BETWEEN' else ''}({inside}))"
        if kind == "AEXPR_NULLIF":
            return f"NULLIF({self.value(left)}, {self.value(right)})"
        if name in _LIKE.get(kind, ()):
            return self._compared(left, name, right)
        raise ExpressionRefused(f"the operator {'.'.join(names)} is not allowed in a metric")

    def _compared(self, left: Node, operator: str, right: Node) -> str:
        return f"({self.value(left)} OPERATOR(pg_catalog.{operator}) {self.value(right)})"

    def _logic(self, content: Mapping[str, Any]) -> str:
        parts = [self.value(each) for each in content["args"]]
        if content["boolop"] == "NOT_EXPR":
            return f"(NOT {parts[0]})"
        return f"({(' AND ' if content['boolop'] == 'AND_EXPR' else ' OR ').join(parts)})"

    def _null_test(self, content: Mapping[str, Any]) -> str:
        return f"({self.value(content['arg'])} {_TESTS[content['nulltesttype']]})"

    def _truth(self, content: Mapping[str, Any]) -> str:
        test = _TRUTHS.get(content["booltesttype"])
        if test is None:
            raise ExpressionRefused("IS UNKNOWN is not allowed in a metric")
        return f"({self.value(content['arg'])} {test})"

    def _case(self, content: Mapping[str, Any]) -> str:
        if "arg" in content:
            raise ExpressionRefused("CASE with a value is not allowed; write CASE WHEN condition")
        cases = [each["CaseWhen"] for each in content["args"]]
        whens = [f"WHEN {self.value(c['expr'])} THEN {self.value(c['result'])}" for c in cases]
        other = f" ELSE {self.value(content['defresult'])}" if "defresult" in content else ""
        return f"(CASE {' '.join(whens)}{other} END)"

    def _coalesce(self, content: Mapping[str, Any]) -> str:
        return f"COALESCE({self._values(content['args'])})"

    def _extreme(self, content: Mapping[str, Any]) -> str:
        word = "GREATEST" if content["op"] == "IS_GREATEST" else "LEAST"
        return f"{word}({self._values(content['args'])})"

    def _cast(self, content: Mapping[str, Any]) -> str:
        found = content["typeName"]
        *schema, name = [_name(part) for part in found["names"]]
        is_known = schema in ([], ["pg_catalog"]) and name in _TYPES
        if not is_known or found.keys() & {"typmods", "arrayBounds", "setof"}:
            raise ExpressionRefused(f"a cast to {'.'.join([*schema, name])} is not allowed")
        return f"CAST({self.value(content['arg'])} AS pg_catalog.{name})"


def _only(node: Node) -> tuple[str, Mapping[str, Any]]:
    ((kind, content),) = node.items()
    return kind, content


def _name(node: Node) -> str:
    name = node.get("String", {}).get("sval")
    if not isinstance(name, str):
        raise ExpressionRefused("a star is allowed in count(*) alone")
    return name


def _check_denominator(node: Node) -> None:
    """Refuse a denominator that may be 0."""
    kind, content = _only(node)
    if kind == "TypeCast":
        _check_denominator(content["arg"])
        return
    if kind == "A_Const":
        if _is_zero(node):
            raise ExpressionRefused("the denominator is 0")
        return
    is_safe = kind == "A_Expr" and content["kind"] == "AEXPR_NULLIF" and _is_zero(content["rexpr"])
    if not is_safe:
        raise ExpressionRefused("the denominator may be 0; write nullif(…, 0)")


def _is_zero(node: Node) -> bool:
    kind, content = _only(node)
    if kind != "A_Const" or content.get("isnull"):
        return False
    number = content.get("fval", {}).get("fval")
    if number is not None:
        return not number.strip("0.")
    return "ival" in content and not content["ival"].get("ival", 0)


def _adds_up(node: Node) -> bool:
    """Return whether the values of groups of rows sum to the value of all these rows."""
    kind, content = _only(node)
    if kind == "TypeCast":
        return _adds_up(content["arg"])
    if kind == "FuncCall":
        return _name(content["funcname"][-1]) in _ADDING_UP and not content.get("agg_distinct")
    if kind != "A_Expr" or content["kind"] != "AEXPR_OP" or "lexpr" not in content:
        return False
    operator, left, right = _name(content["name"][-1]), content["lexpr"], content["rexpr"]
    if operator in {"+", "-"}:
        return _adds_up(left) and _adds_up(right)
    scaled = [(left, right), (right, left)] if operator == "*" else [(left, right)]
    return operator in {"*", "/"} and any(
        _adds_up(one) and "A_Const" in other for one, other in scaled
    )
