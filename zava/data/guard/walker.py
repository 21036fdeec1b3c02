"""Walk a parse tree and refuse every part that is not on the lists.

The walk is iterative, so that depth costs no stack, and visits every part. A node type, a field or
a name without a rule is refused, even if a later version of the parser adds it.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from zava.data.guard import refusals
from zava.data.guard.cost.bounds import Growth, check_recursion
from zava.data.guard.field_notation import Fields
from zava.data.guard.json_paths import (
    check_path,
    has_short_variables,
    passes_short_values,
    unknown_path,
)
from zava.data.guard.vocabulary import (
    CONTAINERS,
    FIELDS,
    FUNCTIONS,
    LEAVES,
    OPERATORS,
    SPECIAL_VALUES,
    SYSTEM_COLUMNS,
    TYPES,
)
from zava.data.syntax.parser import Node, nodes_of

Names = frozenset[str]

_OWN_SCHEMA, _BUILT_IN_SCHEMA = "retail", "pg_catalog"
_OPEN = CONTAINERS | FIELDS
_TYPE_OF, _TEXT_SEARCH, _JSON_PATH = "pg_typeof", "regconfig", "jsonpath"
_PATH_FUNCTIONS = "jsonb_path_"
_PATH_OPERATORS = frozenset({"@?", "@@"})


class Walk:
    """One statement's walk over the tables of the retail schema and their columns.

    `calling` holds the names of which PostgreSQL makes a call when it finds no column of that
    name (`fields.py`).
    """

    def __init__(self, tables: Names, columns: Names, calling: Names) -> None:
        self._tables = tables
        self._columns = columns
        self._calling = calling
        self._stack: list[tuple[Any, Names]] = []
        self._growth = Growth()
        self._reads_paths = False
        self._has_short_variables = True
        self.has_subqueries = False
        """Whether an expression of the statement holds a query, once `check` has passed."""

    def check(self, statement: Node) -> None:
        """Walk the raw statement.

        Raises:
            Refused: the first thing that is not on the lists.
        """
        self._fields = Fields(statement, self._columns, self._calling)
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
                    if kind is dict:
                        self._stack.append((value, visible))
                    else:
                        self._stack += [(item, visible) for item in value if item]
                elif key not in LEAVES:
                    raise refusals.node(key)
        if self._reads_paths:
            for node in nodes_of(statement):
                # Each text may become a path: the other side of a UNION or CASE decides its type.
                text = node.get("A_Const", {}).get("sval", {}).get("sval", "")
                check_path(text, has_short_variables=self._has_short_variables)

    def _push(self, value: Any, visible: Names) -> None:
        if type(value) is list:
            self._stack += [(item, visible) for item in value if item]
        elif value:
            self._stack.append((value, visible))

    def _push_rest(self, node: Node, visible: Names, read: str) -> None:
        """Walk a node's parts but the one that its rule has read, so that no part is missed."""
        self._push({key: part for key, part in node.items() if key != read}, visible)

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
                check_recursion(query)
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
        if len(names) > 1:
            self._check_field(names[-1], names[-2])
        elif names:
            _check_column(names[-1])

    def _selection(self, selection: Node, visible: Names) -> None:
        value = selection["arg"].get("ColumnRef", {}).get("fields", ())
        source = value[-1].get("String", {}).get("sval") if value else None
        for part in selection["indirection"]:
            if "String" in part:
                self._check_field(part["String"]["sval"], source)
        self._push(selection, visible)

    def _check_field(self, name: str, source: str | None) -> None:
        _check_column(name)
        if self._fields.is_call(name) or not self._fields.is_column(name, source):
            raise refusals.hidden_call(name)

    def _call(self, call: Node, visible: Names) -> None:
        *schema, name = _names(call["funcname"])
        if schema not in _UNQUALIFIED:
            raise refusals.function_schema(".".join(schema))
        if name not in FUNCTIONS:
            raise refusals.function(name)
        self._growth.check(name, call.get("args", []))
        if name.startswith(_PATH_FUNCTIONS):
            self._reads_paths = True
            self._has_short_variables &= has_short_variables(call.get("args", []))
        self._push_rest(call, visible, "funcname")

    def _operator(self, expression: Node, visible: Names) -> None:
        if not expression["kind"].startswith(("AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN")):
            _check_operator(expression["name"])
        self._reads_paths |= expression["name"][-1]["String"]["sval"] in _PATH_OPERATORS
        self._push_rest(expression, visible, "name")

    def _query_of_json(self, constructor: Node, visible: Names) -> None:
        self.has_subqueries = True
        self._push(constructor, visible)

    def _sublink(self, sublink: Node, visible: Names) -> None:
        self.has_subqueries = True
        if "operName" in sublink:
            _check_operator(sublink["operName"])
        self._push_rest(sublink, visible, "operName")

    def _sort(self, sort: Node, visible: Names) -> None:
        if "useOp" in sort:
            _check_operator(sort["useOp"])
        self._push_rest(sort, visible, "useOp")

    def _cast(self, cast: Node, visible: Names) -> None:
        names, argument = _names(cast["typeName"]["names"]), cast["arg"]
        written = argument.get("A_Const", {}).get("sval", {}).get("sval", ".")
        if names == [_TEXT_SEARCH] and "." not in written:
            return  # the name of a configuration, as in to_tsvector('english'::regconfig, …)
        if names[-1] == _JSON_PATH and "sval" not in argument.get("A_Const", {}):
            raise unknown_path()
        self._type(cast["typeName"], visible)
        asked = argument.get("FuncCall")
        if asked and names == ["text"] and _names(asked["funcname"]) == [_TYPE_OF]:
            # As anything but text its type would take numbers and name catalog entries for them.
            argument = asked.get("args")
        self._push(argument, visible)

    def _type(self, type_name: Node, visible: Names) -> None:
        *schema, name = _names(type_name["names"])
        is_plain = not (type_name.get("setof") or type_name.get("pct_type"))
        if schema not in _UNQUALIFIED or name not in TYPES or not is_plain:
            raise refusals.type_name(".".join([*schema, name]))
        if name == _JSON_PATH:
            self._reads_paths = True
            if "arrayBounds" in type_name:
                raise unknown_path()
        self._push(type_name.get("typmods"), visible)

    def _json_function(self, function: Node, visible: Names) -> None:
        self._reads_paths = True
        self._has_short_variables &= passes_short_values(function.get("passing", ()))
        path = function.get("pathspec", {})
        if "sval" not in path.get("A_Const", path.get("string", {}).get("A_Const", {})):
            raise unknown_path()
        self._push(function, visible)

    def _collation(self, clause: Node, visible: Names) -> None:
        *schema, name = _names(clause["collname"])
        if schema not in _UNQUALIFIED:
            raise refusals.collation(".".join([*schema, name]))
        self._push_rest(clause, visible, "collname")

    def _sample(self, _sample: Node, _visible: Names) -> None:
        # A sample is drawn by the place of a row, which tells how much others wrote before it.
        raise refusals.sampling()

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
        "JsonArrayQueryConstructor": _query_of_json,
        "JsonFuncExpr": _json_function,
        "JsonTable": _json_function,
        "SQLValueFunction": _special_value,
    }


_UNQUALIFIED: tuple[list[str], ...] = ([], [_BUILT_IN_SCHEMA])


def _names(parts: Iterable[Node]) -> list[str]:
    return [part["String"]["sval"] for part in parts]


def _check_column(name: str) -> None:
    if name in SYSTEM_COLUMNS:
        raise refusals.system_column(name)


def _check_operator(parts: Iterable[Node]) -> None:
    *schema, name = _names(parts)
    if schema not in _UNQUALIFIED or name not in OPERATORS:
        raise refusals.operator(".".join([*schema, name]))
