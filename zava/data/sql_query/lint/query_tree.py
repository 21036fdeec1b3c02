"""The queries of a statement: what each reads, computes and returns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from zava.data.guard.field_notation import implied_name
from zava.data.syntax.parser import Node

Tables = Mapping[str, Mapping[str, str]]
"""The columns of each table with their types."""

Reference = tuple["QuerySource", str]
"""A source of one query, and the name of a column of it."""

Path = tuple["QuerySource", ...]
"""A source, reached through queries that pass its rows on: the outermost comes first."""

_STAR = "*"
_NOT_PLAIN = frozenset(
    {"groupClause", "havingClause", "distinctClause", "limitCount", "limitOffset", "windowClause"}
    | {"valuesLists", "larg"}
)
_AGGREGATES = frozenset(
    {"sum", "avg", "count", "min", "max", "array_agg", "string_agg", "json_agg", "jsonb_agg"}
    | {"bool_or", "bool_and", "every", "percentile_cont", "percentile_disc", "mode", "stddev"}
    | {"variance", "corr", "stddev_samp", "stddev_pop", "var_samp", "var_pop", "any_value"}
)
_ENDS = frozenset({"funcname", "ColumnRef", "A_Const", "typeName", "SelectStmt", "name"})
DIVIDE = {"String": {"sval": "/"}}
_NOT_PLAIN_CALLS = _AGGREGATES | {"unnest", "generate_series", "jsonb_array_elements"}


@dataclass(slots=True, eq=False)
class QuerySource:
    """One item of a FROM clause: a table, a query, or something else."""

    alias: str
    table: str | None = None
    query: "Query | None" = None
    renamed: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether its columns are known."""
        return self.table is not None or self.query is not None


@dataclass(slots=True, eq=False)
class Query:
    """One SELECT; a set operation has `sides` and nothing else.

    `shared` are the columns that USING joins by, with the sources of both sides. `ctes` are the
    queries that it may name. `is_clear` is false if the rows of the FROM are not known, `is_inner`
    if it has an outer join.
    """

    select: Node
    outer: "Query | None" = None
    sources: list[QuerySource] = field(default_factory=list)
    conditions: list[Node] = field(default_factory=list)
    shared: list[tuple[Reference, Reference]] = field(default_factory=list)
    sides: list["Query"] = field(default_factory=list)
    ctes: Mapping[str, "Query | None"] = field(default_factory=dict)
    is_clear: bool = True
    is_inner: bool = True
    _outputs: dict[str, Node] = field(default_factory=dict)
    _calls: list["FunctionCall"] | None = None
    _divisions: list[Node] = field(default_factory=list)
    _is_plain: bool | None = None
    _stars: list[QuerySource] | None = None
    passed: dict[str, bool] = field(default_factory=dict)

    @property
    def targets(self) -> list[Node]:
        """Return the outputs as the tree has them."""
        targets: list[Node] = self.select.get("targetList", [])
        return targets

    @property
    def calls(self) -> list["FunctionCall"]:
        """Return the calls among the outputs, without those of queries inside them."""
        if self._calls is None:
            self._calls = self._read_outputs()
        return self._calls

    @property
    def divisions(self) -> list[Node]:
        """Return the divisions among the outputs, likewise."""
        if self._calls is None:
            self._calls = self._read_outputs()
        return self._divisions

    def _read_outputs(self) -> list["FunctionCall"]:
        found = []
        values = [target["ResTarget"]["val"] for target in self.targets]
        stack: list[Any] = [value for value in values if "ColumnRef" not in value]
        while stack:
            for key, part in stack.pop().items():
                if key in _ENDS:
                    continue
                if type(part) is dict:
                    if key == "FuncCall":
                        found.append(FunctionCall(part["funcname"][-1]["String"]["sval"], part))
                    elif key == "A_Expr" and part["name"][-1] == DIVIDE:
                        self._divisions.append(part)
                    stack.append(part)
                elif type(part) is list:
                    stack += part
        return found

    @property
    def is_plain(self) -> bool:
        """Whether it passes on rows of its sources, each as it is."""
        if self._is_plain is None:
            self._is_plain = _NOT_PLAIN.isdisjoint(self.select) and not any(
                "over" in call.node or call.name in _NOT_PLAIN_CALLS for call in self.calls
            )
        return self._is_plain

    @property
    def has_one_row(self) -> bool:
        """Whether it returns one row at most."""
        if self.sides:
            return False
        limit = self.select.get("limitCount", {}).get("A_Const", {}).get("ival", {})
        if limit.get("ival") == 1:
            return True
        return self.has_aggregate and "groupClause" not in self.select

    @property
    def has_aggregate(self) -> bool:
        """Whether an output is computed from several rows."""
        return any(call.name in _AGGREGATES and "over" not in call.node for call in self.calls)

    def output(self, name: str) -> Node | None:
        """Return the expression of an output that the query names, None for any other."""
        if not self._outputs:
            for target in self.targets:
                value = target["ResTarget"]["val"]
                label = target["ResTarget"].get("name") or implied_name(value)
                self._outputs.setdefault(label, value)
        return None if name == _STAR else self._outputs.get(name)

    @property
    def stars(self) -> list[QuerySource]:
        """Return the sources of each `*` among the outputs."""
        if self._stars is None:
            self._stars = [source for target in self.targets for source in self._star(target)]
        return self._stars

    def _star(self, target: Node) -> list[QuerySource]:
        fields = target["ResTarget"]["val"].get("ColumnRef", {}).get("fields", ())
        if not fields or "A_Star" not in fields[-1]:
            return []
        named = [part["String"]["sval"] for part in fields[:-1]]
        return [source for source in self.sources if not named or source.alias == named[-1]]


class FunctionCall(NamedTuple):
    """A call of a function in an expression."""

    name: str
    node: Node

    @property
    def arguments(self) -> list[Node]:
        """Return its arguments."""
        arguments: list[Node] = self.node.get("args", [])
        return arguments


def references(expressions: list[Node]) -> list[Node]:
    """Return the columns that expressions name, without those of queries inside them."""
    found = []
    stack: list[object] = list(expressions)
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            for key, part in node.items():
                if key == "ColumnRef":
                    found.append(part)
                elif key not in {"subselect", "funcname", "over"}:
                    stack.append(part)
    return found


def shown_parts(node: Node, functions: Collection[str]) -> list[Node] | None:
    """Return the parts whose text an expression shows whole; None where it shows something else.

    `functions` are those that pass on the text of their arguments.
    """
    ((kind, part),) = node.items()
    parts: list[Node] | None = None
    if kind == "A_Const":
        parts = []
    elif kind == "FuncCall" and part["funcname"][-1]["String"]["sval"] in functions:
        parts = part.get("args", [])
    elif kind == "A_Expr" and part["name"][-1]["String"]["sval"] == "||":
        parts = [part["lexpr"], part["rexpr"]]
    elif kind == "CoalesceExpr":
        parts = part["args"]
    elif kind == "TypeCast":
        parts = [part["arg"]]
    return parts
