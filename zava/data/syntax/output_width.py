"""How many columns a statement returns, as far as its text and the tables show it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from zava.data.syntax.parser import Node

_NO_TABLES: Mapping[str, int] = MappingProxyType({})
_DEEPEST = 16  # queries within queries; what is deeper is not read for this


class _Widths(NamedTuple):
    """How many columns each table has, and each query of a WITH, which hides such a table."""

    tables: Mapping[str, int]
    queries: Mapping[str, int]

    def with_query(self, name: str, width: int) -> "_Widths":
        return _Widths(self.tables, {**self.queries, name: width})

    def of_name(self, source: Node) -> int:
        """Return the width of a RangeVar; one with a schema is never a query of a WITH."""
        name: str = source["relname"]
        known = self.tables.get(name, 0)
        return known if "schemaname" in source else self.queries.get(name, known)


def output_columns(tree: Node, widths: Mapping[str, int] = _NO_TABLES) -> int:
    """Return how many columns a SELECT returns, 0 where that is not certain.

    `widths` are the numbers of columns of the tables that a `*` may stand for.
    """
    return _of_query(tree, _Widths(widths, _NO_TABLES), _DEEPEST)


def _of_query(tree: Node, widths: _Widths, levels: int) -> int:
    if levels <= 0 or "SelectStmt" not in tree:
        return 0
    select = tree["SelectStmt"]
    widths = _with_queries(select, widths, levels)
    while "larg" in select:
        select = select["larg"]
        widths = _with_queries(select, widths, levels)
    if "valuesLists" in select:
        items = select["valuesLists"][0]["List"]["items"]
    else:
        items = [target["ResTarget"]["val"] for target in select.get("targetList", ())]
    total = 0
    for item in items:
        width = _of_item(item, select, widths, levels)
        if not width:
            return 0
        total += width
    return total


def _with_queries(select: Node, widths: _Widths, levels: int) -> _Widths:
    for each in select.get("withClause", {}).get("ctes", ()):
        # A query of a WITH may name those before it. One that recurs names itself, and its first
        # part does not.
        query = each["CommonTableExpr"]
        name = query["ctename"]
        width = 0
        # SEARCH and CYCLE add columns.
        if query.keys().isdisjoint(("search_clause", "cycle_clause")):
            width = _of_query(query["ctequery"], widths.with_query(name, 0), levels - 1)
        widths = widths.with_query(name, width)
    return widths


def _of_item(value: Node, select: Node, widths: _Widths, levels: int) -> int:
    if "A_Indirection" in value:
        return int("A_Star" not in value["A_Indirection"]["indirection"][-1])
    if "ColumnRef" not in value or "A_Star" not in value["ColumnRef"]["fields"][-1]:
        return 1
    sources = select.get("fromClause", ())
    name = value["ColumnRef"]["fields"][:-1]
    if name:
        wanted = name[-1]["String"]["sval"]
        found = [one for source in sources for one in _tables_of(source) if _name(one) == wanted]
        return _of_source(found[0], widths, levels) if len(found) == 1 else 0
    counts = [_of_source(source, widths, levels) for source in sources]
    return sum(counts) if all(counts) else 0


def _of_source(source: Node, widths: _Widths, levels: int) -> int:
    """Return how many columns a `*` takes from one item of FROM."""
    total = 0
    while "JoinExpr" in source:  # many joins nest to the left
        join = source["JoinExpr"]
        right = _of_source(join["rarg"], widths, levels - 1) if levels > 0 else 0
        if not right or "isNatural" in join:
            return 0
        total += right - len(join.get("usingClause", ()))
        source = join["larg"]
    width = 0
    if "RangeVar" in source:
        width = widths.of_name(source["RangeVar"])
    elif "RangeSubselect" in source:
        width = _of_query(source["RangeSubselect"]["subquery"], widths, levels - 1)
    return total + width if width else 0


def _tables_of(source: Node) -> Iterator[Node]:
    """Yield the items of FROM that a join consists of, without those that its alias hides."""
    stack = [source]
    while stack:
        one = stack.pop()
        join = one.get("JoinExpr")
        if join is None or "alias" in join:
            yield one
        else:
            stack += (join["larg"], join["rarg"])


def _name(source: Node) -> str | None:
    (item,) = source.values()
    name: str | None = item.get("alias", {}).get("aliasname", item.get("relname"))
    return name
