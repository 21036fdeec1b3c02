"""How many rows a FROM clause combines, by its sources' sizes and the conditions between them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from zava.data.guard.cost.bounds import constant, largest, reads_data
from zava.data.guard.cost.tree_facts import (
    calls,
    columns_of,
    conjuncts,
    outside_subqueries,
    qualifiers,
    qualifiers_of,
    text_of,
)
from zava.data.syntax.parser import Node, nodes_of

# About the size of a large store. No row of any store is counted for these.
_TABLE_ROWS: Mapping[str, float] = {
    "orders": 50_000,
    "order_items": 150_000,
    "customers": 20_000,
    "inventory": 5_000,
    "product_prices": 5_000,
    "products": 500,
}
_SMALL_TABLE_ROWS = 50.0
_SERIES_ROWS, _MAX_SERIES_ROWS = 1_000.0, 1_000_000.0
_FUNCTION_ROWS = 10.0
_EQUALITY, _RANGE = 1 / 10, 1 / 3
_KEY_LOOKUP = 1 / 1_000
# Conditions without a key may hold for every row, and repeat each other: together they lower no
# further.
_LEAST_FACTOR = 1 / 10
_LEAST_OF_KEYS = 1 / 50_000
_KEY_LOOKUPS = {"order_id": 1 / 20_000, "customer_id": 1 / 5_000, "product_id": 1 / 300}
_TABLES_OF_KEYS = {
    "order_id": frozenset({"orders", "order_items"}),
    "customer_id": frozenset({"customers", "orders"}),
    "product_id": frozenset({"products", "order_items", "inventory", "product_prices"}),
}
# Of these units, of fractions and of bare seconds a series counts its steps; of longer ones it has
# few.
_SHORT_STEP = re.compile(r"micro|milli|sec|min|[:.]|pt", re.IGNORECASE)
_TENANT, _STORES, _ORDER = "store_id", "stores", "order_id"
_FROM_TO = 2

_EQUALS = [{"String": {"sval": "="}}]


class Rows(NamedTuple):
    """How many rows a query returns, and how many it visits for that."""

    returned: float
    visited: float


CteRows = Mapping[str, float]
Names = frozenset[str]


@dataclass(slots=True)
class FromItem:
    """One item of a FROM clause: `names` are what its columns may be qualified with."""

    names: Names
    rows: Rows
    is_lateral: bool = False
    table: str = ""

    @property
    def is_stores(self) -> bool:
        """Whether the item is the table of stores itself."""
        return self.table == _STORES


class From:
    """What a FROM clause joins, by which conditions, and which of its items share columns."""

    def __init__(
        self,
        select: Callable[[Node, CteRows, Names], Rows],
        items: list[Node],
        condition: Node | None,
        ctes: CteRows,
        outer: Names,
    ) -> None:
        self._select = select
        self.sources: list[FromItem] = []
        self.conditions = list(conjuncts(condition))
        self.links: list[tuple[int, int]] = []
        self._ctes, self.outer = ctes, outer
        for item in items:
            self._add(item)
        self.names: Names = frozenset().union(*[source.names for source in self.sources])

    def _add(self, item: Node) -> int:
        """Add an item and return the number of one of its sources."""
        join = item.get("JoinExpr")
        if join is None:
            self.sources.append(self._source(item))
            return len(self.sources) - 1
        left, right = self._add(join["larg"]), self._add(join["rarg"])
        if self._is_linked(join, left):
            self.links.append((left, right))
        self.conditions += conjuncts(join.get("quals"))
        return left

    def _is_linked(self, join: Node, left: int) -> bool:
        """Whether a join names shared columns that are a key, which the store alone is not."""
        names = {part["String"]["sval"] for part in join.get("usingClause", ())}
        if names == {_TENANT}:
            return any(source.is_stores for source in self.sources[left:])
        return bool(names) or join.get("isNatural", False)

    def _source(self, item: Node) -> FromItem:
        if "RangeVar" in item:
            table = item["RangeVar"]
            name = table["relname"]
            alias = table.get("alias", {}).get("aliasname", name)
            is_cte = "schemaname" not in table and name in self._ctes
            rows = self._ctes[name] if is_cte else _TABLE_ROWS.get(name, _SMALL_TABLE_ROWS)
            return FromItem(frozenset({alias}), Rows(rows, rows), table="" if is_cte else name)
        (node,) = item.values()
        names = frozenset({node["alias"]["aliasname"]} if "alias" in node else ())
        if "RangeSubselect" in item:
            is_lateral = node.get("lateral", False)
            before = {name for source in self.sources for name in source.names}
            outer = self.outer | before if is_lateral else self.outer
            found = self._select(node["subquery"]["SelectStmt"], self._ctes, outer)
            return FromItem(names, found, is_lateral=is_lateral)
        rows = prod(
            series(arguments) if name == "generate_series" else _FUNCTION_ROWS
            for name, arguments in calls(node.get("functions", []))
            if name in {"generate_series", "unnest"}
            or name.endswith(("_elements", "_each", "_to_table"))
        )
        return FromItem(names, Rows(rows, rows))


class _Links:
    """Which sources conditions join by a key, and by which factor they lower each source."""

    def __init__(self, read: From, *, has_subqueries: bool) -> None:
        self._read = read
        self._has_subqueries = has_subqueries
        self.groups = list(range(len(read.sources)))
        self.factors = [1.0] * len(read.sources)
        self.outer_factors: dict[int, float] = {}
        self.lookups: dict[int, float] = {}
        self.keys: dict[int, float] = {}
        self.of_a_store: set[int] = set()
        self.anywhere = 1.0
        self._outer = read.outer - read.names
        for link in read.links:
            self._merge(link)

    def add(self, condition: Node) -> None:
        """Count one of the conditions that hold together."""
        sources, sides = self._read.sources, condition.get("A_Expr", {})
        is_equality = sides.get("name") == _EQUALS
        key = None
        if is_equality and self._has_subqueries:
            key = selected_key(condition, self._read.names | self._read.outer)
        if key is not None:
            columns, has_both = [key], False
        elif is_equality:
            left, right = columns_of(sides.get("lexpr", {})), columns_of(sides["rexpr"])
            columns, has_both = left + right, bool(left and right)
        else:
            columns, has_both = columns_of(condition), False
        named = qualifiers_of(columns)
        places = [n for n, source in enumerate(sources) if not source.names.isdisjoint(named)]
        names_outer = not named.isdisjoint(self._outer)
        if has_both:
            if len(places) == 1 and names_outer:  # a key of the query around it
                self._look_up(places[0], columns)
            elif _is_key(columns, [sources[place] for place in places]):
                self._merge(places or range(len(sources)))
        elif key is not None or not self._holds_subquery(condition):
            if names_outer:
                # Each row is visited for each row around it, but not each is returned.
                self._lower_returned(places)
            else:
                self._lower(places, _EQUALITY if is_equality else _RANGE)

    def _holds_subquery(self, condition: Node) -> bool:
        return self._has_subqueries and any(
            "SubLink" in node for node in outside_subqueries(condition)
        )

    def _lower(self, places: list[int], factor: float) -> None:
        if len(places) == 1 or len(self.factors) == 1:
            self.factors[places[0] if places else 0] *= factor
        elif not places:
            self.anywhere *= factor

    def _look_up(self, place: int, columns: list[list[Node]]) -> None:
        """Count columns that equal some of the query around it; only keys of a table have few."""
        source = self._read.sources[place]
        own = {
            text_of(fields[-1])
            for fields in columns
            if len(fields) > 1 and text_of(fields[-2]) in source.names
        }
        keys = [
            share
            for name, share in _KEY_LOOKUPS.items()
            if name in own and source.table in _TABLES_OF_KEYS[name]
        ]
        self.lookups[place] = max(
            self.lookups.get(place, 1.0) * min(keys, default=_KEY_LOOKUP), _LEAST_OF_KEYS
        )
        if _TENANT in own:
            self.of_a_store.add(place)
        for key in keys:  # a store has as many orders as rows of `orders`
            share = _LEAST_OF_KEYS if key == _KEY_LOOKUPS[_ORDER] else key
            self.keys[place] = min(share, self.keys.get(place, 1.0))

    def _lower_returned(self, places: list[int]) -> None:
        if len(places) == 1 or len(self.factors) == 1:
            place = places[0] if places else 0
            self.outer_factors[place] = self.outer_factors.get(place, 1.0) * _RANGE

    def _merge(self, members: Iterable[int]) -> None:
        merged = {self.groups[member] for member in members}
        self.groups = [min(merged) if group in merged else group for group in self.groups]


def joined(read: From, *, has_subqueries: bool) -> Rows:
    """Return how many combinations of rows there are, and lower each source by its conditions.

    Sources that share a column or an equality of columns count as joined by a key: as many rows
    as the largest of them.
    """
    links = _Links(read, has_subqueries=has_subqueries)
    for condition in read.conditions:
        links.add(condition)
    visited_of: dict[int, float] = {}
    returned_of: dict[int, float] = {}
    visited_share: dict[int, float] = {}
    returned_share: dict[int, float] = {}
    for place, (group, source) in enumerate(zip(links.groups, read.sources, strict=True)):
        factor = links.factors[place]
        lowered = max(factor, _LEAST_FACTOR) * links.lookups.get(place, 1.0)
        kept = max(factor * links.outer_factors.get(place, 1.0), _LEAST_FACTOR)
        if place in links.of_a_store:  # which may be the only one
            kept = min(kept, 1 / _SMALL_TABLE_ROWS)
        kept *= links.keys.get(place, 1.0)
        # A lateral query is computed for each row of the others.
        rows = max(source.rows) if source.is_lateral else source.rows.returned
        visited_of[group] = max(visited_of.get(group, 1.0), rows)
        returned_of[group] = max(returned_of.get(group, 1.0), source.rows.returned)
        # What lowers one source of a key lowers all that it joins.
        visited_share[group] = min(visited_share.get(group, 1.0), lowered)
        returned_share[group] = min(returned_share.get(group, 1.0), kept)
        source.rows = Rows(source.rows.returned * lowered, source.rows.visited * lowered)
    share = max(links.anywhere, _LEAST_FACTOR)
    returned = _combined(returned_of, returned_share) * share
    visited = _combined(visited_of, visited_share) * share
    return Rows(max(returned, 1.0), max(visited, 1.0))


def _combined(rows_of: Mapping[int, float], share_of: Mapping[int, float]) -> float:
    combined = 1.0
    for group, rows in rows_of.items():
        combined *= max(rows * share_of[group], 1.0)
    return combined


def selected_key(condition: Node, around: Names) -> list[Node] | None:
    """Return the name of a key that a condition compares with one value that a query selects.

    The query reads that key from a table, names none of the sources `around` it, and holds no
    other query. So it yields the same value for every row, as a literal would.
    """
    sides = condition.get("A_Expr", {})
    if sides.get("name") != _EQUALS or sides["kind"] != "AEXPR_OP":
        return None
    left, right = sides.get("lexpr", {}), sides["rexpr"]
    for column, link in ((left, right), (right, left)):
        fields: list[Node] | None = column.get("ColumnRef", {}).get("fields")
        if fields and link.get("SubLink", {}).get("subLinkType") == "EXPR_SUBLINK":
            select = link["SubLink"]["subselect"]["SelectStmt"]
            is_key = _selects_key(select, fields[-1].get("String", {}).get("sval", ""), around)
            return fields if is_key else None
    return None


def _selects_key(select: Node, key: str, around: Names) -> bool:
    targets = select.get("targetList", ())
    outputs = [target["ResTarget"]["val"].get("ColumnRef", {}).get("fields") for target in targets]
    if len(outputs) != 1 or not outputs[0] or outputs[0][-1] != {"String": {"sval": key}}:
        return False
    nodes = list(nodes_of(select))
    tables = {node["relname"] for node in nodes if "schemaname" in node}
    names = {
        node.get("alias", {}).get("aliasname", node["relname"])
        for node in nodes
        if "relname" in node
    }
    is_alone = not any("SelectStmt" in node for node in nodes)
    is_same = around.isdisjoint(qualifiers(select) - names)  # for every row around it
    return is_alone and is_same and not tables.isdisjoint(_TABLES_OF_KEYS.get(key, ()))


def _is_key(columns: list[list[Node]], sources: list[FromItem]) -> bool:
    """Whether an equality joins by a key; a store alone is one beside the table of stores only."""
    names = {fields[-1].get("String", {}).get("sval") for fields in columns}
    return names != {_TENANT} or any(source.is_stores for source in sources)


def series(arguments: list[Node]) -> float:
    """Return how many numbers or times a generate_series makes."""
    if len(arguments) < _FROM_TO:
        return _FUNCTION_ROWS
    start, stop = largest(arguments[0]), largest(arguments[1])
    step = constant(arguments[_FROM_TO]) if len(arguments) > _FROM_TO else 1.0
    if (start is None or stop is None) and not reads_data(arguments):
        from zava.data.guard.reach import span

        numbers = span(*arguments[:_FROM_TO])
        if numbers is not None:
            return max(numbers / abs(step or 1.0), 1.0)
    if start is None or stop is None:
        return _MAX_SERIES_ROWS if _has_short_step(arguments[_FROM_TO:]) else _SERIES_ROWS
    return max(abs(stop - start) / abs(step or 1.0), 1.0)


def _has_short_step(step: list[Node]) -> bool:
    nodes = list(nodes_of(step))
    texts = [node["A_Const"]["sval"].get("sval", "") for node in nodes if _is_text(node)]
    has_unit = any("typmods" in node for node in nodes)  # interval '1' month
    return any(_SHORT_STEP.search(text) or (text.isdigit() and not has_unit) for text in texts)


def _is_text(node: Node) -> bool:
    return "sval" in node.get("A_Const", {})
