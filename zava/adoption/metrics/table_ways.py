"""Finds how rows of one table lead to at most one row of another."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from zava.adoption.declared_values import AdoptionDeclaration, quoted, quoted_table


class WayRefused(Exception):
    """There is no way between two tables, or more than one of the same length."""


class Step(NamedTuple):
    """One join: `columns` of `table` equal `keys` of `to`."""

    table: str
    columns: tuple[str, ...]
    to: str
    keys: tuple[str, ...]


class TableWays:
    """The joins of a declaration, and those that its rules of the tables imply."""

    def __init__(self, declaration: AdoptionDeclaration) -> None:
        self._from: dict[str, list[Step]] = defaultdict(list)
        for step in dict.fromkeys([*_implied(declaration), *_declared(declaration)]):
            self._from[step.table].append(step)
        self._numbers = {name: number for number, name in enumerate(declaration.tables)}

    def alias(self, table: str) -> str:
        """Return the name that statements have for a table: the same in each of them."""
        return f"t{self._numbers[table]}"

    def way(self, table: str, to: str) -> tuple[Step, ...]:
        """Return the shortest way, empty from a table to itself.

        Raises:
            WayRefused: no join leads there, or two ways are equally short.
        """
        ways: dict[str, list[tuple[Step, ...]]] = {table: [()]}
        seen = {table}
        while ways:
            if to in ways:
                if len(ways[to]) > 1:
                    raise WayRefused(f"several joins lead from {table} to {to}")
                return ways[to][0]
            further: dict[str, list[tuple[Step, ...]]] = defaultdict(list)
            for name, found in ways.items():
                for step in self._from[name]:
                    if step.to not in seen:
                        further[step.to] += [(*way, step) for way in found]
            seen |= further.keys()
            ways = further
        raise WayRefused(f"no join leads from {table} to {to}")

    def relation(self, table: str, to: list[str]) -> str:
        """Return a table with all those that its ways lead to, joined so that no row is lost."""
        steps = dict.fromkeys(step for each in to for step in self.way(table, each))
        joins = [self._join(step) for step in steps]
        return " ".join([f"{quoted_table(table)} AS {self.alias(table)}", *joins])

    def _join(self, step: Step) -> str:
        own, other = self.alias(step.table), self.alias(step.to)
        tests = [
            f"{other}.{quoted(key)} = {own}.{quoted(column)}"
            for column, key in zip(step.columns, step.keys, strict=True)
        ]
        return f"LEFT JOIN {quoted_table(step.to)} AS {other} ON {' AND '.join(tests)}"


def _implied(declaration: AdoptionDeclaration) -> Iterator[Step]:
    tenant = declaration.tenant
    for rule in declaration.tables.values():
        if rule.via is not None:
            yield Step(rule.name, (rule.via.column,), rule.via.parent, (rule.via.key,))
        elif rule.tenant is not None and rule.name != tenant.table:
            yield Step(rule.name, (rule.tenant,), tenant.table, (tenant.key,))


def _declared(declaration: AdoptionDeclaration) -> Iterator[Step]:
    for join in declaration.meaning.joins.values():
        yield Step(join.table, join.columns, join.to, join.keys)
