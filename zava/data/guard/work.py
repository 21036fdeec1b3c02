"""Estimates from a statement's text alone how many rows PostgreSQL would have to visit.

The planner's own estimate is made from every store's rows, so a verdict that followed from it would
reveal them. Here each retail table has a fixed size, whatever it holds and whoever asks: the same
text always has the same estimate. The estimate is generous. Only what no deadline could meet, such
as a join of two large tables without a condition, comes near the limit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from zava.data.guard.bounds import constant, largest
from zava.data.guard.parsing import Node, nodes_of

HEAVY_ROWS = 50_000
"""From so many rows on a statement leaves one connection free for others."""

# About the size of a large store. No row of any store is counted for these.
_TABLE_ROWS: Mapping[str, float] = {
    "orders": 50_000,
    "order_items": 150_000,
    "customers": 20_000,
    "inventory": 5_000,
    "products": 500,
}
_SMALL_TABLE_ROWS = 50.0
_SERIES_ROWS = 1_000.0
_FUNCTION_ROWS = 10.0
_GROUPS = 10_000.0
_ITERATIONS = 100.0
_MOST_ITERATIONS = 1_000_000.0
_LIMIT_FACTOR = 1_000.0
_EQUALITY, _RANGE = 1 / 10, 1 / 3
_KEY_LOOKUP, _LEAST_FACTOR = 1 / 1_000, 1 / 50_000
_FROM_TO = 2

_QUERIES = {"subselect", "query"}
_EQUALS = [{"String": {"sval": "="}}]
_AGGREGATES = frozenset(
    {"avg", "sum", "count", "min", "max", "every", "any_value", "corr", "mode", "stddev"}
    | {"stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "bool_and", "bool_or"}
    | {"percentile_cont", "percentile_disc"}
)


class _Rows(NamedTuple):
    """How many rows a query returns, and how many it visits for that."""

    returned: float
    visited: float


_CTEs = Mapping[str, float]
_Names = frozenset[str]


@dataclass(slots=True)
class _Source:
    """One item of a FROM clause: `names` are what its columns may be qualified with."""

    names: _Names
    rows: _Rows
    is_lateral: bool = False


class _From:
    """What a FROM clause joins, by which conditions, and which of its items share columns."""

    def __init__(
        self,
        select: Callable[[Node, _CTEs, _Names], _Rows],
        items: list[Node],
        condition: Node | None,
        ctes: _CTEs,
        outer: _Names,
    ) -> None:
        self._select = select
        self.sources: list[_Source] = []
        self.conditions = list(_conjuncts(condition))
        self.links: list[tuple[int, int]] = []
        self._ctes, self.outer = ctes, outer
        for item in items:
            self._add(item)
        self.names = frozenset(name for source in self.sources for name in source.names)

    def _add(self, item: Node) -> int:
        """Add an item and return the number of one of its sources."""
        join = item.get("JoinExpr")
        if join is None:
            self.sources.append(self._source(item))
            return len(self.sources) - 1
        left, right = self._add(join["larg"]), self._add(join["rarg"])
        if "usingClause" in join or join.get("isNatural"):
            self.links.append((left, right))
        self.conditions += _conjuncts(join.get("quals"))
        return left

    def _source(self, item: Node) -> _Source:
        if "RangeVar" in item:
            table = item["RangeVar"]
            name = table["relname"]
            alias = table.get("alias", {}).get("aliasname", name)
            is_cte = "schemaname" not in table and name in self._ctes
            rows = self._ctes[name] if is_cte else _TABLE_ROWS.get(name, _SMALL_TABLE_ROWS)
            return _Source(frozenset({alias}), _Rows(rows, rows))
        (node,) = item.values()
        names = frozenset({node["alias"]["aliasname"]} if "alias" in node else ())
        if "RangeSubselect" in item:
            is_lateral = node.get("lateral", False)
            before = {name for source in self.sources for name in source.names}
            outer = self.outer | before if is_lateral else self.outer
            found = self._select(node["subquery"]["SelectStmt"], self._ctes, outer)
            return _Source(names, found, is_lateral=is_lateral)
        rows = prod(
            _series(arguments) if name == "generate_series" else _FUNCTION_ROWS
            for name, arguments in _calls(node.get("functions", []))
            if name in {"generate_series", "unnest"}
            or name.endswith(("_elements", "_each", "_to_table"))
        )
        return _Source(names, _Rows(rows, rows))


class Work:
    """The estimate for one raw statement, as a whole and for each of its queries.

    `visited` is infinite beyond a double. A statement that nests deeper than it can be estimated
    raises RecursionError.
    """

    def __init__(self, statement: Node) -> None:
        self._joined: dict[int, float] = {}
        self._returned: dict[int, float] = {}
        self._known: dict[str, float] = {}
        self.visited = self._select(statement["SelectStmt"], {}, frozenset()).visited

    def joined(self, select: Node) -> float:
        """Return how many rows one plain SELECT of the statement reads from its FROM clause."""
        return self._joined.get(id(select), 1.0)

    def returned(self, select: Node) -> float:
        """Return how many rows one query of the statement returns."""
        if id(select) not in self._returned:  # where rows are not counted, such as in a LIMIT
            self._select(select, self._known, frozenset())
        return self._returned[id(select)]

    def _select(self, select: Node, ctes: _CTEs, outer: _Names) -> _Rows:
        before = 0.0
        if "withClause" in select:
            ctes, before = self._with(select["withClause"], ctes, outer)
        if "larg" in select:
            sides = [self._select(select[side], ctes, outer) for side in ("larg", "rarg")]
            returned = sum(side.returned for side in sides)
            visited = sum(side.visited for side in sides)
        elif "valuesLists" in select:
            returned = visited = float(len(select["valuesLists"]))
        else:
            returned, visited = self._plain_select(select, ctes, outer)
        limit = constant(select["limitCount"]) if "limitCount" in select else None
        if limit is not None:
            returned = min(returned, max(limit, 0.0))
        self._returned[id(select)] = returned
        return _Rows(returned, visited + before)

    def _with(self, clause: Node, ctes: _CTEs, outer: _Names) -> tuple[_CTEs, float]:
        """Return the rows of each name that the WITH adds, and what its queries visit."""
        known, visited = dict(ctes), 0.0
        for item in clause["ctes"]:
            name, query = item["CommonTableExpr"]["ctename"], item["CommonTableExpr"]["ctequery"]
            select = query.get("SelectStmt", {})
            if clause.get("recursive") and "larg" in select:
                rows = self._recursive(name, select, known, outer)
            else:
                rows = self._select(select, known, outer)
            known[name] = self._known[name] = rows.returned
            visited += rows.visited
        return known, visited

    def _recursive(self, name: str, select: Node, ctes: _CTEs, outer: _Names) -> _Rows:
        start = self._select(select["larg"], ctes, outer)
        step = self._select(select["rarg"], {**ctes, name: max(start.returned, 1.0)}, outer)
        times = _iterations(select["rarg"])
        return _Rows(
            start.returned + times * max(start.returned, 1.0), start.visited + times * step.visited
        )

    def _plain_select(self, select: Node, ctes: _CTEs, outer: _Names) -> tuple[float, float]:
        read = _From(
            self._select, select.get("fromClause", []), select.get("whereClause"), ctes, outer
        )
        combined = _joined(read)
        joined, self._joined[id(select)] = combined.visited, combined.returned
        targets = select.get("targetList", [])
        is_grouped = "groupClause" in select or "distinctClause" in select
        is_aggregate = not is_grouped and _has_aggregate(targets)
        visited = joined + sum(source.rows.visited for source in read.sources)
        limit = constant(select["limitCount"]) if "limitCount" in select else None
        if limit is not None and not (is_grouped or is_aggregate or "sortClause" in select):
            most = max(limit, 1.0) * _LIMIT_FACTOR
            joined, visited = min(joined, most), min(visited, most)
        for subquery in _subqueries([*_parts(select), *read.conditions]):
            rows = self._select(subquery, ctes, outer | read.names)
            visited += rows.visited * (joined if _is_correlated(subquery, read.names) else 1.0)
        if is_aggregate:
            return 1.0, visited
        returned = joined * prod(
            _series(arguments) for name, arguments in _calls(targets) if name == "generate_series"
        )
        return min(returned, _GROUPS) if is_grouped else returned, max(visited, returned)


def _iterations(term: Node) -> float:
    """Return the largest number that a recursive term's conditions name."""
    conditions = [
        node[key] for node in nodes_of(term) for key in ("whereClause", "quals") if key in node
    ]
    numbers = [constant(node) for node in nodes_of(conditions) if "A_Const" in node]
    named = [number for number in numbers if number is not None]
    return min(max([_ITERATIONS, *named]), _MOST_ITERATIONS)


def _parts(select: Node) -> Iterator[Any]:
    """Yield what a SELECT computes for each row."""
    for key in ("targetList", "havingClause", "sortClause", "groupClause", "windowClause"):
        if key in select:
            yield select[key]


def _joined(read: _From) -> _Rows:
    """Return how many combinations of rows there are, and lower each source by its conditions.

    Sources that share a column or an equality of columns count as joined by a key: as many rows
    as the largest of them.
    """
    sources = read.sources
    groups = list(range(len(sources)))

    def merge(members: Iterable[int]) -> None:
        merged = {groups[member] for member in members}
        groups[:] = [min(merged) if group in merged else group for group in groups]

    for link in read.links:
        merge(link)
    factors, anywhere = [1.0] * len(sources), 1.0
    for condition in read.conditions:
        named = _qualifiers(condition)
        places = [n for n, source in enumerate(sources) if source.names & named]
        sides = condition.get("A_Expr", {})
        is_equality = sides.get("name") == _EQUALS
        factor = _EQUALITY if is_equality else _RANGE
        if is_equality and _holds_column(sides.get("lexpr")) and _holds_column(sides["rexpr"]):
            if len(places) == 1 and named & read.outer - read.names:  # a key of the query around it
                factors[places[0]] *= _KEY_LOOKUP
            else:
                merge(places or range(len(sources)))
        elif named & read.outer - read.names or any(
            "SubLink" in node for node in nodes_of(condition)
        ):
            continue  # each row is visited to find out
        elif len(places) == 1 or len(sources) == 1:
            factors[places[0] if places else 0] *= factor
        elif not places:
            anywhere *= factor
    visited_of: dict[int, float] = {}
    returned_of: dict[int, float] = {}
    for group, source, factor in zip(groups, sources, factors, strict=True):
        lowered = max(factor, _LEAST_FACTOR)
        source.rows = _Rows(source.rows.returned * lowered, source.rows.visited * lowered)
        # A lateral query is computed for each row of the others.
        rows = max(source.rows) if source.is_lateral else source.rows.returned
        visited_of[group] = max(visited_of.get(group, 1.0), rows)
        returned_of[group] = max(returned_of.get(group, 1.0), source.rows.returned)
    share = max(anywhere, _KEY_LOOKUP)
    returned, visited = (max(prod(of.values()) * share, 1.0) for of in (returned_of, visited_of))
    return _Rows(returned, visited)


def _series(arguments: list[Node]) -> float:
    if len(arguments) < _FROM_TO:
        return _FUNCTION_ROWS
    start, stop = largest(arguments[0]), largest(arguments[1])
    step = constant(arguments[_FROM_TO]) if len(arguments) > _FROM_TO else 1.0
    if start is None or stop is None:
        return _SERIES_ROWS
    return max(abs(stop - start) / abs(step or 1.0), 1.0)


def _conjuncts(condition: Node | None) -> Iterator[Node]:
    stack = [condition] if condition else []
    while stack:
        node = stack.pop()
        if node.get("BoolExpr", {}).get("boolop") == "AND_EXPR":
            stack += node["BoolExpr"]["args"]
        else:
            yield node


def _outside_subqueries(tree: Any) -> Iterator[Node]:
    """Yield the nodes of a tree, but of each subquery only its link."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack += [inner for key, inner in node.items() if key not in _QUERIES]
        elif isinstance(node, list):
            stack += node


def _subqueries(parts: list[Any]) -> Iterator[Node]:
    for node in _outside_subqueries(parts):
        for key in _QUERIES & node.keys():
            yield node[key]["SelectStmt"]


def _calls(tree: Any) -> Iterator[tuple[str, list[Node]]]:
    for node in _outside_subqueries(tree):
        if "FuncCall" in node:
            call = node["FuncCall"]
            yield call["funcname"][-1]["String"]["sval"], call.get("args", [])


def _has_aggregate(targets: list[Node]) -> bool:
    return any(
        name in _AGGREGATES or name.endswith("_agg")
        for node in _outside_subqueries(targets)
        if "FuncCall" in node and "over" not in node["FuncCall"]
        for name in [node["FuncCall"]["funcname"][-1]["String"]["sval"]]
    )


def _qualifiers(tree: Any) -> _Names:
    """Return the names before the columns of a tree."""
    found = set()
    for node in nodes_of(tree):
        fields = node.get("ColumnRef", {}).get("fields", ())
        # The name alone may be a whole row of its source.
        named = fields[-2:-1] or fields
        found |= {part["String"]["sval"] for part in named if "String" in part}
    return frozenset(found)


def _holds_column(tree: Any) -> bool:
    return any("ColumnRef" in node for node in nodes_of(tree))


def _is_correlated(subquery: Node, own: _Names) -> bool:
    """Whether a subquery names a source of the query around it, so that it runs for each row."""
    inner = {
        node["alias"]["aliasname"] if "alias" in node else node.get("relname")
        for node in nodes_of(subquery)
        if "alias" in node or "relname" in node
    }
    return bool(_qualifiers(subquery) & (own - inner))
