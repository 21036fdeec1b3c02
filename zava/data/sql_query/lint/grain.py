"""Which rows a FROM clause repeats: totals of a repeated row are added up more than once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from zava.data.guard.cost.tree_facts import columns_of, group_target
from zava.data.sql_query.lint.declarations import LintFacts
from zava.data.sql_query.lint.name_resolution import Tree
from zava.data.sql_query.lint.query_tree import Path, Query, QuerySource
from zava.data.syntax.parser import Node

Place = tuple[Path, str]
"""A column of one source, which plain queries may pass on."""

_MAX_LEAVES, _MAX_PAIRS = 24, 64


@dataclass(slots=True)
class Grain:
    """The sources of one query, down to tables, and what joins them.

    `is_clear` is false if a part of the FROM is not understood.
    """

    tree: Tree
    query: Query
    facts: LintFacts
    leaves: list[Path] = field(default_factory=list)
    pairs: list[tuple[Place, Place]] = field(default_factory=list)
    fixed: set[Place] = field(default_factory=set)
    is_clear: bool = True
    _repeating: dict[tuple[Path, bool], Path | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the FROM clauses, conditions and groups."""
        self._read((self.query,), ())
        for key in self.query.select.get("groupClause", ()):
            if "GroupingSet" in key:
                self.is_clear = False
            place = self.place(group_target(key, self.query.select))
            if place is not None:
                self.fixed.add(place)

    def place(self, expression: Node) -> Place | None:
        """Return the column that an expression is, None for anything else."""
        reference = expression.get("ColumnRef")
        return None if reference is None else self.tree.path((self.query,), (), reference)

    def repeating(self, owner: Path, *, with_tenant: bool) -> Path | None:
        """Return a table of which one row of `owner` may meet several rows.

        `with_tenant` holds the key of the store fixed, as it is where the caller sees one store.
        """
        if (owner, with_tenant) not in self._repeating:
            self._repeating[owner, with_tenant] = self._find(owner, with_tenant=with_tenant)
        return self._repeating[owner, with_tenant]

    def _find(self, owner: Path, *, with_tenant: bool) -> Path | None:
        if not self.is_clear or len(self.pairs) > _MAX_PAIRS:
            return None
        known = self.determined(owner, self.fixed, with_tenant=with_tenant)
        for leaf in self.leaves:
            table = leaf[-1].table
            if table is None or leaf in known or table == owner[-1].table:
                continue
            if table in self.facts.tables and self._is_joined(leaf, known):
                return leaf
        return None

    def determined(self, owner: Path, fixed: set[Place], *, with_tenant: bool) -> set[Path]:
        """Return the sources of which each row of `owner` meets one row at most.

        `fixed` are the columns that have one value among all rows.
        """
        known = {owner}
        is_grown = True
        while is_grown:
            is_grown = False
            for leaf in self.leaves:
                if leaf not in known and self._is_determined(
                    leaf, known, fixed, with_tenant=with_tenant
                ):
                    known.add(leaf)
                    is_grown = True
        return known

    def _is_determined(
        self, leaf: Path, known: set[Path], fixed: set[Place], *, with_tenant: bool
    ) -> bool:
        source = leaf[-1]
        if source.table is None and not _keys_of(source.query):
            return True  # its rows are not known, and nothing is stated of them
        bound = {name for path, name in fixed if path == leaf}
        for one, other in self.pairs:
            for (path, name), (at, of) in ((one, other), (other, one)):
                if path == leaf and (at in known or (at, of) in fixed):
                    bound.add(name)
        if with_tenant:
            bound.add(self.facts.tenant)
        if source.table is None:
            return any(key <= bound for key in _keys_of(source.query))
        table = self.facts.tables.get(source.table)
        return table is None or any(key <= bound for key in table.keys)

    def _is_joined(self, leaf: Path, known: set[Path]) -> bool:
        return any(
            (one[0] == leaf and other[0] in known) or (other[0] == leaf and one[0] in known)
            for one, other in self.pairs
        )

    def _read(self, way: tuple[Query, ...], prefix: Path) -> None:
        query = way[-1]
        self.is_clear &= query.is_clear and len(self.leaves) < _MAX_LEAVES
        if not self.is_clear:
            return
        for source in query.sources:
            path = (*prefix, source)
            if source.query is not None and not source.query.sides and source.query.is_plain:
                self._read((*way, source.query), path)
            else:
                self.leaves.append(path)
        for one, other in query.shared:
            pair = [self._end(way, prefix, *each) for each in (one, other)]
            if pair[0] is not None and pair[1] is not None:
                self.pairs.append((pair[0], pair[1]))
        for condition in query.conditions:
            self._compare(condition, way, prefix)

    def _end(
        self, way: tuple[Query, ...], prefix: Path, source: QuerySource, name: str
    ) -> Place | None:
        parts = [{"String": {"sval": part}} for part in (source.alias, name)]
        return self.tree.path(way, prefix, {"fields": parts})

    def _compare(self, condition: Node, way: tuple[Query, ...], prefix: Path) -> None:
        compared = condition.get("A_Expr", {})
        sign = compared.get("name", ({},))[-1].get("String", {}).get("sval")
        if compared.get("kind") not in {"AEXPR_OP", "AEXPR_NOT_DISTINCT"} or sign != "=":
            return
        sides = (compared.get("lexpr", {}), compared.get("rexpr", {}))
        if all("RowExpr" in side for side in sides):
            for pair in zip(*(side["RowExpr"]["args"] for side in sides), strict=False):
                self._equate(pair, way, prefix)
        else:
            self._equate(sides, way, prefix)

    def _equate(self, sides: tuple[Node, ...], way: tuple[Query, ...], prefix: Path) -> None:
        places = [
            self.tree.path(way, prefix, side["ColumnRef"]) if "ColumnRef" in side else None
            for side in sides
        ]
        left, right = places
        if left is not None and right is not None:
            self.pairs.append((left, right))
            return
        for place, other in ((left, sides[1]), (right, sides[0])):
            if place is not None and not self._reads_sources(other, way, prefix):
                self.fixed.add(place)

    def _reads_sources(self, side: Node, way: tuple[Query, ...], prefix: Path) -> bool:
        """Whether a side depends on a row of these sources, or may do so."""
        references = columns_of(side)
        return any(
            self.tree.path(way, prefix, {"fields": fields}) is not None for fields in references
        )


def _keys_of(query: Query | None) -> list[frozenset[str]]:
    """Return the keys of a query's rows that its text states."""
    if query is None or query.sides:
        return []
    if query.has_one_row:
        return [frozenset()]
    groups = query.select.get("groupClause", ())
    names = [
        target["ResTarget"].get("name") or _last_name(target["ResTarget"]["val"])
        for target in query.targets
    ]
    if "distinctClause" in query.select and query.select["distinctClause"] == [{}]:
        return [frozenset(names)] if all(names) else []
    if not groups:
        return []
    values = [target["ResTarget"]["val"] for target in query.targets]
    key = set(_group_names(groups, query, values, names))
    return [frozenset(key)] if "" not in key else []


def _group_names(
    groups: Iterable[Node], query: Query, values: list[Node], names: list[str]
) -> Iterator[str]:
    """Yield the output of each group's expression, "" for one that is no output."""
    for group in groups:
        target = group_target(group, query.select)
        last = _last_name(target)
        place = next((n for n, value in enumerate(values) if value is target), None)
        if place is None and last:
            place = next(
                (n for n, value in enumerate(values) if _last_name(value) == last),
                names.index(last) if last in names else None,
            )
        yield names[place] if place is not None else ""


def _last_name(node: Node) -> str:
    fields = node.get("ColumnRef", {}).get("fields", ())
    return str(fields[-1].get("String", {}).get("sval", "")) if fields else ""
