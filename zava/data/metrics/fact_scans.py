"""Collect what one statement reads for all of its questions: each value, table and fact once.

Facts of the same rows differ in their labels. Such rows are read once, grouped by the labels of all
these facts. A metric is added up from there if it adds up over the dropped labels; otherwise it is
read by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Label:
    """What a fact is grouped by: a dimension, and its SQL for the rows of the fact."""

    dimension: str
    sql: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate over the rows of a fact, wanted under the name `column`."""

    column: str
    sql: str
    additive_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """Aggregates over some rows, by labels and, if requested, their totals.

    No join of the catalogue multiplies or loses a row: facts that need different ones share rows.
    With `by_store`, the SQL of a row's store, the aggregates are those of each store, added up.
    """

    relation: str
    joins: tuple[str, ...]
    where: str
    labels: tuple[Label, ...]
    with_totals: bool
    aggregates: tuple[Aggregate, ...]
    by_store: str | None = None

    def select(self) -> str:
        """Return the SELECT of the level (0: no total), labels as d0, d1 …, and aggregates."""
        labels = ", ".join(label.sql for label in self.labels)
        level = "0"
        grouped = [labels] if labels else []
        if labels and self.with_totals:
            level, grouped = f"GROUPING({labels})", [f"ROLLUP ({labels})"]
        if self.by_store is not None:
            grouped.insert(0, self.by_store)
        selected = [f"{label.sql} AS d{number}" for number, label in enumerate(self.labels)]
        selected += [f"{each.sql}::numeric AS {each.column}" for each in self.aggregates]
        grouping = f"GROUP BY {', '.join(grouped)}" if grouped else ""
        read = f"""
  SELECT {level} AS level, {", ".join(selected)}
  FROM {self.relation} {" ".join(self.joins)}
  WHERE {self.where}
  {grouping}"""
        return read if self.by_store is None else self._added_up(read)

    def _added_up(self, by_store: str) -> str:
        names = [f"d{number}" for number in range(len(self.labels))]
        sums = [f"sum({each.column}) AS {each.column}" for each in self.aggregates]
        grouping = f"GROUP BY level, {', '.join(names)}" if names else ""
        return f"""
  SELECT {", ".join(["level" if names else "0 AS level", *names, *sums])}
  FROM ({by_store}) AS by_store
  {grouping}"""


class Parameter:
    """The one parameter of the statement; equal values of a kind occur in it once."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def key(self, kind: str, value: Any) -> str:
        """Return the key that a value lies under."""
        keys = (f"{kind}{number}" for number in count())
        return next(key for key in keys if self.values.setdefault(key, value) == value)

    def widen(self, kind: str, start: str, end: str) -> tuple[str, str]:
        """Return the keys of a range that holds this one and all others of its kind."""
        since, until = f"{kind}_since", f"{kind}_until"
        self.values[since] = min(self.values.get(since, start), start)
        self.values[until] = max(self.values.get(until, end), end)
        return since, until


class Reads:
    """The tables that the questions of a statement share, in the order of its WITH clause."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, kind: str, sql: str) -> str:
        """Return the name of a table: the same for the same SQL."""
        return self._names.setdefault(sql, f"{kind}{len(self._names)}")

    def clause(self) -> str:
        """Return the tables as a WITH clause has them."""
        return ",\n".join(f"{name} AS {sql}" for sql, name in self._names.items())

    def share(self, facts: Sequence[Fact]) -> list[list[Fact]]:
        """Return, for each fact, those that bring its aggregates: the same, or from shared rows."""
        of_same_rows: dict[tuple[str, str], list[Fact]] = {}
        for fact in facts:
            of_same_rows.setdefault((fact.relation, fact.where), []).append(fact)
        return [
            self._parts(fact, alike)
            if len(alike := of_same_rows[fact.relation, fact.where]) > 1
            else [fact]
            for fact in facts
        ]

    def _parts(self, fact: Fact, alike: Sequence[Fact]) -> list[Fact]:
        finest = _unique(label for each in alike for label in each.labels)
        added = {each.column for each in _added_up(fact, finest)}
        alone = tuple(each for each in fact.aggregates if each.column not in added)
        parts = [replace(fact, aggregates=alone)] if alone else []
        if not added:
            return parts
        sql = _unique(each.sql for other in alike for each in _added_up(other, finest))
        read = Fact(
            relation=fact.relation,
            joins=tuple(_unique(join for each in alike for join in each.joins)),
            where=fact.where,
            labels=tuple(finest),
            with_totals=False,
            aggregates=tuple(Aggregate(f"a{n}", each) for n, each in enumerate(sql)),
            by_store=fact.by_store,
        )
        name = self.name("read", f"({read.select()})")
        return [
            *parts,
            Fact(
                relation=f"{name} AS r",
                joins=(),
                where="true",
                labels=tuple(
                    replace(label, sql=f"r.d{finest.index(label)}") for label in fact.labels
                ),
                with_totals=fact.with_totals,
                aggregates=tuple(
                    replace(each, sql=f"sum(r.a{sql.index(each.sql)})")
                    for each in fact.aggregates
                    if each.column in added
                ),
            ),
        ]


def _added_up(fact: Fact, finest: Sequence[Label]) -> list[Aggregate]:
    kept = () if fact.with_totals else fact.labels
    dropped = {label.dimension for label in finest if label not in kept}
    return [each for each in fact.aggregates if dropped.issubset(each.additive_over)]


def _unique(given: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(given))
