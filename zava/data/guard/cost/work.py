"""Estimates from a statement's text alone how many rows PostgreSQL would have to visit.

The planner's own estimate is made from every store's rows, so a verdict that followed from it would
reveal them. Here each table has a fixed size, independent of its rows. So the same text has
the same estimate for every caller. The estimate is generous. Only a statement that no deadline
could meet, such as a join of two large tables without a condition, comes near the limit.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from math import inf, prod
from typing import Any

from zava.data.guard.cost.bounds import constant
from zava.data.guard.cost.joins import CteRows, From, Names, Rows, joined, series
from zava.data.guard.cost.tree_facts import ENDS, calls_of, outside_subqueries, qualifiers
from zava.data.syntax.parser import COMPOUND, Node, nodes_of

HEAVY_ROWS = 50_000
"""From so many rows on a statement leaves one connection free for others."""

_GROUPS = 10_000.0
_ITERATIONS, _MAX_ITERATIONS = 100.0, 1_000_000.0
_LIMIT_FACTOR = 1_000.0
_SERIES = "generate_series"

_AGGREGATES = frozenset(
    {"avg", "sum", "count", "min", "max", "every", "any_value", "corr", "mode", "stddev"}
    | {"stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "bool_and", "bool_or"}
    | {"percentile_cont", "percentile_disc"}
)


class Work:
    """The estimate for one raw statement, as a whole and for each of its queries.

    `visited` is infinite beyond a double. A statement that nests deeper than it can be estimated
    raises RecursionError. Without `has_subqueries` no expression holds a query, without
    `has_series` none calls `generate_series`: what the statement lacks is not searched for.
    """

    def __init__(
        self, statement: Node, *, has_subqueries: bool = True, has_series: bool = True
    ) -> None:
        self._has_subqueries = has_subqueries
        self._has_series = has_series
        self._joined: dict[int, float] = {}
        self._returned: dict[int, float] = {}
        self._known: dict[str, float] = {}
        self.visited = self._select(statement["SelectStmt"], {}, frozenset()).visited

    @property
    def ctes(self) -> frozenset[str]:
        """Return the names that the statement's queries of a WITH have."""
        return frozenset(self._known)

    def joined(self, select: Node) -> float:
        """Return how many rows one plain SELECT of the statement reads from its FROM clause."""
        return self._joined.get(id(select), 1.0)

    def returned(self, select: Node) -> float:
        """Return how many rows one query of the statement returns."""
        if id(select) not in self._returned:  # where rows are not counted, such as in a LIMIT
            self._select(select, self._known, frozenset())
        return self._returned[id(select)]

    def _select(self, select: Node, ctes: CteRows, outer: Names) -> Rows:
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
        return Rows(returned, visited + before)

    def _with(self, clause: Node, ctes: CteRows, outer: Names) -> tuple[CteRows, float]:
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

    def _recursive(self, name: str, select: Node, ctes: CteRows, outer: Names) -> Rows:
        start = self._select(select["larg"], ctes, outer)
        step = self._select(select["rarg"], {**ctes, name: max(start.returned, 1.0)}, outer)
        times = iterations(select["rarg"])
        return Rows(
            start.returned + times * max(start.returned, 1.0), start.visited + times * step.visited
        )

    def _plain_select(self, select: Node, ctes: CteRows, outer: Names) -> tuple[float, float]:
        read = From(
            self._select, select.get("fromClause", []), select.get("whereClause"), ctes, outer
        )
        combined = joined(read, has_subqueries=self._has_subqueries)
        combinations, self._joined[id(select)] = combined.visited, combined.returned
        is_grouped = "groupClause" in select or "distinctClause" in select
        is_aggregate = not is_grouped and _has_aggregate(_computed(select))
        is_searched = self._has_subqueries or self._has_series
        targets = outside_subqueries(_computed(select)) if is_searched else []
        visited = combinations + sum(source.rows.visited for source in read.sources)
        limit = constant(select["limitCount"]) if "limitCount" in select else None
        most = inf
        if limit is not None and not (is_grouped or is_aggregate or "sortClause" in select):
            most = max(limit, 1.0) * _LIMIT_FACTOR
            combinations, visited = min(combinations, most), min(visited, most)
        if self._has_subqueries:
            others = outside_subqueries([*_parts(select), *read.conditions])
            for subquery in _subqueries(chain(targets, others)):
                rows = self._select(subquery, ctes, outer | read.names)
                visited += rows.visited * (
                    combinations if _is_correlated(subquery, read.names) else 1.0
                )
        if is_aggregate:
            return 1.0, visited
        made = 1.0
        if self._has_series:
            made = prod(series(a) for name, a in calls_of(targets) if name == _SERIES)
        visited = max(visited, combinations * made)
        returned = max(combinations, min(combined.returned, most)) * made
        return min(returned, _GROUPS) if is_grouped else returned, visited


def iterations(term: Node) -> float:
    """Return the largest number that a recursive term's conditions name."""
    conditions = [
        node[key] for node in nodes_of(term) for key in ("whereClause", "quals") if key in node
    ]
    numbers = [constant(node) for node in nodes_of(conditions) if "A_Const" in node]
    named = [number for number in numbers if number is not None]
    return min(max(named, default=_ITERATIONS), _MAX_ITERATIONS)


def _computed(select: Node) -> list[Node]:
    """Return the outputs that are more than a column."""
    values = [target["ResTarget"]["val"] for target in select.get("targetList", ())]
    return [value for value in values if "ColumnRef" not in value]


def _parts(select: Node) -> Iterator[Any]:
    """Yield what a SELECT computes beside its outputs."""
    for key in ("havingClause", "sortClause", "groupClause", "windowClause"):
        if key in select:
            yield select[key]


def _subqueries(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        if "subselect" in node:
            yield node["subselect"]["SelectStmt"]
        elif "query" in node:
            yield node["query"]["SelectStmt"]


def _has_aggregate(outputs: list[Node]) -> bool:
    stack: list[Any] = outputs
    while stack:
        node = stack.pop()
        if type(node) is not dict:
            stack += node
            continue
        for key, part in node.items():
            if type(part) in COMPOUND and key not in ENDS:
                if key == "FuncCall" and "over" not in part and _is_aggregate(part):
                    return True
                stack.append(part)
    return False


def _is_aggregate(call: Node) -> bool:
    name = call["funcname"][-1]["String"]["sval"]
    return name in _AGGREGATES or name.endswith("_agg")


def _is_correlated(subquery: Node, own: Names) -> bool:
    """Whether a subquery names a source of the query around it, so that it runs for each row."""
    inner = {
        node["alias"]["aliasname"] if "alias" in node else node.get("relname")
        for node in nodes_of(subquery)
        if "alias" in node or "relname" in node
    }
    return bool(qualifiers(subquery) & (own - inner))
