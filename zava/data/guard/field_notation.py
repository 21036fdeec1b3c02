"""What `value.name` selects in one statement: a column, or a call in the notation of a field.

PostgreSQL reads `alias.name` and `(value).name` as the call `name(value)` where it finds no such
column. So a name that PostgreSQL could call is refused, unless the source before it has such a
column. For a function on the list, a column anywhere in the statement is enough.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from zava.data.guard.vocabulary import FUNCTIONS
from zava.data.syntax.parser import Node, nodes_of

Names = frozenset[str]

_STAR = "*"
_SOURCES = {"RangeVar", "RangeSubselect", "RangeFunction", "JsonTable"}


class Fields:
    """The names of one statement's outputs, and which source has which.

    Few statements select a field that PostgreSQL could call, so names are collected when one does.
    """

    def __init__(
        self,
        statement: Node,
        tables: Names,
        columns: Names,
        calling: Names,
        hiding: Names = frozenset(),
    ) -> None:
        """`hiding` are listed functions of which another schema has one that is found first."""
        self._statement = statement
        self._hiding = hiding
        self._tables = tables
        self._columns = columns
        self._calling = calling

    def is_call(self, name: str) -> bool:
        """Whether a listed function is called: the statement and its tables name no such column."""
        return name in FUNCTIONS and name not in self._columns and name not in self._outputs

    def is_column(self, name: str, source: str | None) -> bool:
        """Whether a name is a column; `source` is the alias before it, where there is one."""
        if (name in FUNCTIONS and name not in self._hiding) or name not in self._calling:
            return True  # a name that is neither PostgreSQL itself reports
        named = self._sources.get(source or "", [])
        return bool(named) and all(name in names or _STAR in names for names in named)

    def is_own(self, name: str, source: str) -> bool:
        """Whether each source of an alias gives a system column's name itself; `*` gives none."""
        named = self._sources.get(source, [])
        return bool(named) and all(name in names for names in named)

    @cached_property
    def _outputs(self) -> Names:
        return _output_names(self._statement)

    @cached_property
    def _sources(self) -> dict[str, list[Names]]:
        nodes = list(nodes_of(self._statement))
        ctes: dict[str, Names] = {}
        for node in nodes:
            if "ctename" in node:  # of one name in two places, what both have
                names = _query_names(node)
                ctes[node["ctename"]] = ctes.get(node["ctename"], names) & names
        sources: dict[str, list[Names]] = {}
        for node in nodes:
            for key in _SOURCES & node.keys():
                name, names = self._source(node[key], ctes)
                sources.setdefault(name, []).append(names)
        return sources

    def _source(self, item: Node, ctes: dict[str, Names]) -> tuple[str, Names]:
        alias = item.get("alias", {})
        names = frozenset(_texts(alias.get("colnames", ())))
        if "subquery" in item:
            names = names or select_names(item["subquery"]["SelectStmt"])
        elif "relname" in item:
            # A table's own name means the table, wherever a WITH has the same.
            is_table = "schemaname" in item or item["relname"] in self._tables
            names = names or (
                self._columns if is_table else ctes.get(item["relname"], self._columns)
            )
        else:
            columns = [*item.get("columns", ()), *item.get("coldeflist", ())]
            names |= {
                inner.get("name", inner.get("colname")) for c in columns for inner in c.values()
            }
        return alias.get("aliasname", item.get("relname", "")), names


def _query_names(cte: Node) -> Names:
    names = frozenset(_texts(cte.get("aliascolnames", ())))
    return names or select_names(cte["ctequery"].get("SelectStmt", {}))


def select_names(select: Node) -> Names:
    """Return the names of a query's outputs; `*` stands for those that it does not name."""
    while "larg" in select:
        select = select["larg"]
    found = set()
    for target in select.get("targetList", ()):
        result = target["ResTarget"]
        found.add(result.get("name") or implied_name(result["val"]))
    return frozenset(found)


def implied_name(node: Node) -> str:
    """Return the name that PostgreSQL gives an output without one; "" where none matters."""
    if "ColumnRef" in node:
        last: Node = node["ColumnRef"]["fields"][-1]
        return _STAR if "A_Star" in last else str(last["String"]["sval"])
    if "FuncCall" in node:
        return str(node["FuncCall"]["funcname"][-1]["String"]["sval"])
    if "TypeCast" in node:
        inner = implied_name(node["TypeCast"]["arg"])
        return inner or str(node["TypeCast"]["typeName"]["names"][-1]["String"]["sval"])
    return ""


def _output_names(statement: Node) -> Names:
    """Return every name that a statement gives to a source, an output or one of its columns."""
    found: list[Any] = []
    for node in nodes_of(statement):
        alias = node.get("alias", {})
        found += [node.get("name"), node.get("colname"), alias.get("aliasname")]
        for key in ("aliascolnames", "colnames", "funcname"):
            found += _texts(node.get(key, alias.get(key, ())))
    return frozenset(name for name in found if type(name) is str)


def _texts(parts: Iterable[Node]) -> Iterator[str]:
    return (part["String"]["sval"] for part in parts)
