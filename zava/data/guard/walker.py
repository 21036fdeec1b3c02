"""Walk a parse tree and refuse every part that is not on the lists.

The walk is iterative, so that depth costs no stack, and visits every part. A node type, a field or
a name without a rule is refused, even if a later version of the parser adds it.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from zava.data.guard import refusals
from zava.data.guard.cost.bounds import BOUNDED, Growth, check_recursion
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
    NO_FOREIGN_NAMES,
    OPERATORS,
    SPECIAL_VALUES,
    SYSTEM_COLUMNS,
    TYPES,
    ForeignNames,
)
from zava.data.syntax.parser import COMPOUND, Node, nodes_of

Names = frozenset[str]

_BUILT_IN_SCHEMA = "pg_catalog"
_TYPE_OF, _TEXT_SEARCH, _JSON_PATH = "pg_typeof", "regconfig", "jsonpath"
_SERIES = "generate_series"
_PLAIN = "AEXPR_OP"
_PATH_FUNCTIONS = "jsonb_path_"
_PATH_OPERATORS = frozenset({"@?", "@@"})


class _Meanings(dict[str, Callable[["Walk", Any], None]]):
    """What is done with a part of a node, by the part's name."""

    def __missing__(self, name: str) -> Callable[["Walk", Any], None]:
        def refuse(_walk: "Walk", content: Any) -> None:
            raise refusals.node(name, content)

        return refuse


class Walk:
    """One statement's walk over the tables of one schema and their columns.

    `calling` holds the names of which PostgreSQL makes a call when it finds no column of that
    name (`fields.py`).
    """

    def __init__(
        self,
        schema: str,
        tables: Names,
        columns: Names,
        calling: Names,
        foreign: ForeignNames = NO_FOREIGN_NAMES,
    ) -> None:
        self._schema = schema
        self._tables = tables
        self._foreign = foreign
        self._columns = columns
        self._calling = calling
        # Queries wait with the names that they see, the parts of one query on a stack.
        self._queries: list[tuple[Node, Names]] = []
        self._stack: list[Node] = []
        self._visible: Names = frozenset()
        self._growth = Growth()
        self._reads_paths = False
        self._has_short_variables = True
        self.has_subqueries = False
        """Whether an expression of the statement holds a query, once `check` has passed."""
        self.has_series = False
        """Whether the statement calls `generate_series`, likewise."""

    def check(self, statement: Node) -> None:
        """Walk the raw statement.

        Raises:
            Refused: the first thing that is not on the lists.
        """
        tables, calling, hiding = self._tables, self._calling, self._foreign.hiding
        if self._foreign is not NO_FOREIGN_NAMES:
            tables, calling = tables | self._foreign.tables, calling | hiding
        self._fields = Fields(statement, tables, self._columns, calling, hiding)
        self._queries.append((statement, frozenset()))
        while self._queries:
            query, self._visible = self._queries.pop()
            self._stack = [query]
            self._visit_all()
        if self._reads_paths:
            for node in nodes_of(statement):
                # Each text may become a path: the other side of a UNION or CASE decides its type.
                text = node.get("A_Const", {}).get("sval", {}).get("sval", "")
                check_path(text, has_short_variables=self._has_short_variables)

    def _visit_all(self) -> None:
        """Take the parts of each node on the stack by their names."""
        stack, meanings, is_open = self._stack, self._MEANINGS, Walk._push
        while stack:
            for key, value in stack.pop().items():
                kind = type(value)
                if kind is dict:
                    if (meaning := meanings[key]) is is_open:
                        stack.append(value)
                    else:
                        meaning(self, value)
                elif kind is list:
                    if (meaning := meanings[key]) is is_open:
                        stack += [item for item in value if item]
                    else:
                        meaning(self, value)

    def _rest(self, node: Node, read: str) -> None:
        """Take the parts of a node but the one that its rule has read: none is missed."""
        stack, meanings, is_open = self._stack, self._MEANINGS, Walk._push
        for key, value in node.items():
            if type(value) in COMPOUND and key != read:
                meaning = meanings[key]
                if meaning is is_open and type(value) is dict:
                    stack.append(value)
                else:
                    meaning(self, value)

    def _push(self, value: Any) -> None:
        if type(value) is list:
            self._stack += [item for item in value if item]
        elif value:
            self._stack.append(value)

    def _select(self, select: Node) -> None:
        """Walk a query later: it sees the names of its own WITH, too."""
        self._later(select, self._visible)

    def _later(self, select: Node, visible: Names) -> None:
        parts = dict(select)
        clause = parts.pop("withClause", None)
        if clause:
            visible = self._with(clause, visible)
        for side in ("larg", "rarg"):
            if side in parts:  # the tree does not name the type of a set operation's sides
                self._queries.append(({"SelectStmt": parts.pop(side)}, visible))
        self._queries.append((parts, visible))

    def _with(self, clause: Node, visible: Names) -> Names:
        """Check each query of a WITH, and return the names that its statement sees."""
        queries = [item["CommonTableExpr"] for item in clause["ctes"]]
        is_recursive = clause.get("recursive", False)
        if is_recursive:
            visible |= {query["ctename"] for query in queries}
        for query in queries:
            if is_recursive:
                check_recursion(query)
            self._queries.append(({k: v for k, v in query.items() if k != "ctequery"}, visible))
            self._queries.append((query["ctequery"], visible))
            visible |= {query["ctename"]}
        return visible

    def _relation(self, relation: Node) -> None:
        schema, name = relation.get("schemaname"), relation["relname"]
        if "catalogname" in relation:
            named = f"{relation['catalogname']}.{schema}"
            raise self._no_table(named, name)
        if schema is None and name in self._visible:
            return
        if (schema is not None and schema != self._schema) or name not in self._tables:
            written = name if schema is None else f"{schema}.{name}"
            if written not in self._foreign.tables:
                raise self._no_table(schema, name)

    def _no_table(self, schema: str | None, name: str) -> refusals.Refused:
        return refusals.relation(schema, name, self._schema, self._tables, self._foreign.spelled)

    def _column(self, reference: Node) -> None:
        names = [part["String"]["sval"] for part in reference["fields"] if "String" in part]
        if not names:
            return
        last, source = names[-1], names[-2] if len(names) > 1 else None
        if last in SYSTEM_COLUMNS and not (source and self._fields.is_own(last, source)):
            raise refusals.system_column(last)
        if source is not None:
            self._check_field(last, source)

    def _selection(self, selection: Node) -> None:
        value = selection["arg"].get("ColumnRef", {}).get("fields", ())
        source = value[-1].get("String", {}).get("sval") if value else None
        for part in selection["indirection"]:
            if "String" in part:
                _check_column(part["String"]["sval"])
                self._check_field(part["String"]["sval"], source)
        self._push(selection)

    def _check_field(self, name: str, source: str | None) -> None:
        if name not in FUNCTIONS and name not in self._calling:
            return  # most columns
        if self._fields.is_call(name) or not self._fields.is_column(name, source):
            raise refusals.hidden_call(name, self._columns)

    def _call(self, call: Node) -> None:
        function = call["funcname"]
        if len(function) > 1 and _names(function[:-1]) != [_BUILT_IN_SCHEMA]:
            raise refusals.function_schema(".".join(_names(function[:-1])))
        name = function[-1]["String"]["sval"]
        if name not in FUNCTIONS:
            raise refusals.function(name)
        if name in self._foreign.hiding and len(function) == 1:
            raise refusals.hidden_function(name)
        if name in BOUNDED:
            self._growth.check(name, call.get("args", []))
            self.has_series |= name == _SERIES
        elif name.startswith(_PATH_FUNCTIONS):
            self._reads_paths = True
            self._has_short_variables &= has_short_variables(call.get("args", []))
        self._rest(call, "funcname")

    def _operator(self, expression: Node) -> None:
        sign, kind = expression["name"], expression["kind"]
        if kind == _PLAIN or not kind.startswith(("AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN")):
            _check_operator(sign)
        self._reads_paths |= sign[-1]["String"]["sval"] in _PATH_OPERATORS
        self._rest(expression, "name")

    def _query_of_json(self, constructor: Node) -> None:
        self.has_subqueries = True
        self._push(constructor)

    def _sublink(self, sublink: Node) -> None:
        self.has_subqueries = True
        if "operName" in sublink:
            _check_operator(sublink["operName"])
        self._rest(sublink, "operName")

    def _sort(self, sort: Node) -> None:
        if "useOp" in sort:
            _check_operator(sort["useOp"])
        self._rest(sort, "useOp")

    def _cast(self, cast: Node) -> None:
        names, argument = _names(cast["typeName"]["names"]), cast["arg"]
        written = argument.get("A_Const", {}).get("sval", {}).get("sval", ".")
        if names == [_TEXT_SEARCH] and "." not in written:
            return  # the name of a configuration, as in to_tsvector('english'::regconfig, …)
        if names[-1] == _JSON_PATH and "sval" not in argument.get("A_Const", {}):
            raise unknown_path()
        self._type_named(cast["typeName"], names)
        asked = argument.get("FuncCall")
        if asked and names == ["text"] and _names(asked["funcname"]) == [_TYPE_OF]:
            # As anything but text its type would take numbers and name catalog entries for them.
            argument = asked.get("args")
        self._push(argument)

    def _type(self, type_name: Node) -> None:
        self._type_named(type_name, _names(type_name["names"]))

    def _type_named(self, type_name: Node, names: list[str]) -> None:
        *schema, name = names
        is_plain = not (type_name.get("setof") or type_name.get("pct_type"))
        is_known = schema in _UNQUALIFIED and name in TYPES
        if not (is_known or ".".join(names) in self._foreign.types) or not is_plain:
            raise refusals.type_name(".".join([*schema, name]))
        if name == _JSON_PATH:
            self._reads_paths = True
            if "arrayBounds" in type_name:
                raise unknown_path()
        if "typmods" in type_name:
            self._push(type_name["typmods"])

    def _json_function(self, function: Node) -> None:
        self._reads_paths = True
        self._has_short_variables &= passes_short_values(function.get("passing", ()))
        path = function.get("pathspec", {})
        if "sval" not in path.get("A_Const", path.get("string", {}).get("A_Const", {})):
            raise unknown_path()
        self._push(function)

    def _collation(self, clause: Node) -> None:
        *schema, name = _names(clause["collname"])
        if schema not in _UNQUALIFIED:
            raise refusals.collation(".".join([*schema, name]))
        self._rest(clause, "collname")

    def _sample(self, _sample: Node) -> None:
        # A sample is drawn by the place of a row, which tells how much others wrote before it.
        raise refusals.sampling()

    def _special_value(self, value: Node) -> None:
        if value["op"] not in SPECIAL_VALUES:
            raise refusals.special_value(value["op"])

    def _leave(self, _value: Any) -> None:
        """Pass over a part in which nothing is evaluated."""

    _MEANINGS: ClassVar[_Meanings] = _Meanings(
        dict.fromkeys(LEAVES, _leave)
        | dict.fromkeys(CONTAINERS | FIELDS, _push)
        | {
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
    )


_UNQUALIFIED: tuple[list[str], ...] = ([], [_BUILT_IN_SCHEMA])


def _names(parts: Iterable[Node]) -> list[str]:
    return [part["String"]["sval"] for part in parts]


def _check_column(name: str) -> None:
    if name in SYSTEM_COLUMNS:
        raise refusals.system_column(name)


def _check_operator(parts: list[Node]) -> None:
    if len(parts) == 1 and parts[0]["String"]["sval"] in OPERATORS:
        return
    *schema, name = _names(parts)
    if schema not in _UNQUALIFIED or name not in OPERATORS:
        raise refusals.operator(".".join([*schema, name]))
