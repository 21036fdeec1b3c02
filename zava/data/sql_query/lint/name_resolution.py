"""Reads the queries of a statement, and finds which table a column comes from."""

from collections.abc import Iterator, Mapping
from typing import Any

from zava.data.guard.cost.tree_facts import conjuncts
from zava.data.sql_query.lint.query_tree import Path, Query, QuerySource, Tables
from zava.data.syntax.parser import COMPOUND, Node

_MAX_QUERIES = 64
_MAX_STEPS = 4_000


class TooManySteps(Exception):
    """The statement names so many columns through so many queries that it is not read further."""


class Tree:
    """All queries of one statement, the outermost first."""

    def __init__(self, statement: Node, tables: Tables, *, has_subqueries: bool) -> None:
        self.tables = tables
        self.queries: list[Query] = []
        self.is_whole = True
        """False if the statement has more queries than are read."""
        self._steps = _MAX_STEPS
        self.top = self._query(statement["SelectStmt"], {}, None)
        if has_subqueries:
            self._read_subqueries()

    def resolve(self, query: Query, reference: Node) -> tuple[Query, QuerySource, str] | None:
        """Return the source and the column that a reference names, and the query that has it.

        Raises:
            TooManySteps: references were followed too often.
        """
        self._steps -= 1
        if self._steps < 0:
            raise TooManySteps
        fields = reference["fields"]
        if "String" not in fields[-1]:
            return None
        name = fields[-1]["String"]["sval"]
        qualifier = fields[-2]["String"]["sval"] if len(fields) > 1 else None
        around: Query | None = query
        while around is not None:
            for source in around.sources:
                if qualifier is None:
                    if self._has(source, name):
                        return around, source, name
                elif source.alias == qualifier:
                    return (around, source, name) if self._has(source, name) else None
            if qualifier is None and not all(source.is_known for source in around.sources):
                return None
            around = around.outer
        return None

    def origin(self, query: Query, reference: Node) -> tuple[str, str] | None:
        """Return the table and the column that a reference stands for, through any query."""
        found = self.resolve(query, reference)
        if found is None:
            return None
        _, source, name = found
        if source.table is not None:
            return source.table, name
        inner = self.passed(source, name)
        if inner is None:
            return None
        at, reference = inner
        return self.origin(at, reference)

    def passed(self, source: QuerySource, name: str) -> tuple[Query, Node] | None:
        """Return the reference that a column of a query passes on unchanged."""
        found = self.expression(source, name)
        if found is None or "ColumnRef" not in found[1]:
            return None
        return found[0], found[1]["ColumnRef"]

    def expression(self, source: QuerySource, name: str) -> tuple[Query, Node] | None:
        """Return the expression of a column of a query, and the query that it belongs to."""
        query = source.query
        if query is None or query.sides:
            return None
        if source.renamed:
            if name not in source.renamed:
                return None
            place = source.renamed.index(name)
            values = [target["ResTarget"]["val"] for target in query.targets]
            return (query, values[place]) if place < len(values) else None
        value = query.output(name)
        if value is not None:
            return query, value
        for inner in query.stars:
            if self._has(inner, name):
                parts = [{"String": {"sval": part}} for part in (inner.alias, name)]
                return query, {"ColumnRef": {"fields": parts}}
        return None

    def path(
        self, way: tuple[Query, ...], prefix: Path, reference: Node
    ) -> tuple[Path, str] | None:
        """Return the source at the end of plain queries that a reference leads to.

        `way` are the queries around, the outermost first, and `prefix` the sources between them.
        """
        found = self.resolve(way[-1], reference)
        if found is None:
            return None
        query, source, name = found
        while way and way[-1] is not query:
            way, prefix = way[:-1], prefix[:-1]
        if not way:
            return None
        if source.query is None or source.query.sides or not source.query.is_plain:
            return (*prefix, source), name
        inner = self.passed(source, name)
        if inner is None:
            return None
        return self.path((*way, source.query), (*prefix, source), inner[1])

    def _has(self, source: QuerySource, name: str) -> bool:
        """Whether a source is known to have a column of this name."""
        if source.table is not None:
            return name in self.tables[source.table]
        query = source.query
        if query is None:
            return False
        if source.renamed:
            return name in source.renamed
        while query.sides:
            query = query.sides[0]
        if query.output(name) is not None:
            return True
        if name not in query.passed:
            query.passed[name] = any(self._has(inner, name) for inner in query.stars)
        return query.passed[name]

    def _query(self, select: Node, ctes: Mapping[str, Query | None], outer: Query | None) -> Query:
        query = Query(select, outer, ctes=ctes)
        if len(self.queries) >= _MAX_QUERIES:
            self.is_whole = False
            return query
        self.queries.append(query)
        if "withClause" in select:
            ctes = query.ctes = self._with(select["withClause"], ctes, outer)
        if "larg" in select:
            query.sides = [self._query(select[side], ctes, outer) for side in ("larg", "rarg")]
            return query
        for item in select.get("fromClause", ()):
            self._add(query, item)
        query.conditions += conjuncts(select.get("whereClause"))
        return query

    def _with(
        self, clause: Node, ctes: Mapping[str, Query | None], outer: Query | None
    ) -> dict[str, Query | None]:
        known = dict(ctes)
        for item in clause["ctes"]:
            cte = item["CommonTableExpr"]
            select = cte["ctequery"].get("SelectStmt")
            is_read = select is not None and "aliascolnames" not in cte
            if clause.get("recursive") and "larg" in (select or {}):
                known[cte["ctename"]] = None  # it may read itself
            if is_read and cte["ctename"] not in known:
                known[cte["ctename"]] = self._query(select, known, outer)
            else:
                if select is not None:
                    self._query(select, known, outer)
                known[cte["ctename"]] = None
        return known

    def _add(self, query: Query, item: Node) -> list[QuerySource]:
        """Add one item of a FROM clause and return its sources."""
        ((kind, node),) = item.items()
        if kind == "JoinExpr":
            return self._join(query, node)
        alias = node.get("alias", {})
        source = QuerySource(alias.get("aliasname", node.get("relname", "")))
        if "colnames" in alias:
            source.renamed = tuple(part["String"]["sval"] for part in alias["colnames"])
        if kind == "RangeVar":
            name = node["relname"]
            if "schemaname" not in node and name in query.ctes:
                source.query = query.ctes[name]
            elif name in self.tables and not source.renamed:
                source.table = name
        elif kind == "RangeSubselect":
            # Only LATERAL reads the sources beside it; names resolve to them all the same.
            outer = query if node.get("lateral") else query.outer
            source.query = self._query(node["subquery"]["SelectStmt"], query.ctes, outer)
        query.is_clear &= source.is_known
        query.sources.append(source)
        return [source]

    def _join(self, query: Query, join: Node) -> list[QuerySource]:
        left, right = self._add(query, join["larg"]), self._add(query, join["rarg"])
        query.is_inner &= join["jointype"] == "JOIN_INNER"
        names = [part["String"]["sval"] for part in join.get("usingClause", ())]
        if join.get("isNatural"):
            names = sorted(self._columns(left) & self._columns(right))
        for name in names:
            one = next((source for source in left if self._has(source, name)), None)
            other = next((source for source in right if self._has(source, name)), None)
            if one is None or other is None:
                query.is_clear = False
            else:
                query.shared.append(((one, name), (other, name)))
        query.conditions += conjuncts(join.get("quals"))
        if "alias" in join:
            query.is_clear = False
        return [*left, *right]

    def _columns(self, sources: list[QuerySource]) -> set[str]:
        return {name for s in sources if s.table for name in self.tables[s.table]}

    def _read_subqueries(self) -> None:
        """Add the queries inside expressions, each with the query around it."""
        for query in self.queries:  # grows as they are found
            parts = [query.select.get(key) for key in ("targetList", "havingClause", "sortClause")]
            for select in _selects([*parts, query.conditions]):
                self._query(select, query.ctes, query)


def _selects(parts: list[Any]) -> Iterator[Node]:
    """Yield the queries inside expressions, but not those inside these queries."""
    stack = [part for part in parts if part]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
            continue
        for key, part in node.items():
            if key == "SelectStmt":
                yield part
            elif type(part) in COMPOUND:
                stack.append(part)
