"""Finds how rows of one table lead to at most one row of another."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from zava.adoption.declared_values import AdoptionDeclaration, quoted, quoted_table


class WayRefused(Exception):
    """There is no way between two tables, or more than one of the same length."""


class JoinStep(NamedTuple):
    """One join: `columns` of `table` equal `keys` of `to`.

    With `by_text` their texts are compared: a tenant's column may have another type than the key.
    """

    table: str
    columns: tuple[str, ...]
    to: str
    keys: tuple[str, ...]
    by_text: bool = False


class TableWays:
    """The joins of a declaration, and those that its rules of the tables imply."""

    def __init__(self, declaration: AdoptionDeclaration) -> None:
        self._from: dict[str, list[JoinStep]] = defaultdict(list)
        # The same join, declared and implied, is one.
        steps = {each[:4]: each for each in (*_declared(declaration), *_implied(declaration))}
        for step in steps.values():
            self._from[step.table].append(step)
        self._numbers = {name: number for number, name in enumerate(declaration.tables)}

    def alias(self, table: str) -> str:
        """Return the name that statements have for a table: the same in each of them."""
        return f"t{self._numbers[table]}"

    def way(self, table: str, to: str) -> tuple[JoinStep, ...]:
        """Return the shortest way, empty from a table to itself.

        Raises:
            WayRefused: no join leads there, or two ways are equally short.
        """
        ways: dict[str, list[tuple[JoinStep, ...]]] = {table: [()]}
        seen = {table}
        while ways:
            if to in ways:
                if len(ways[to]) > 1:
                    raise WayRefused(f"several joins lead from {table} to {to}")
                return ways[to][0]
            further: dict[str, list[tuple[JoinStep, ...]]] = defaultdict(list)
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

    def _join(self, step: JoinStep) -> str:
        own, other = self.alias(step.table), self.alias(step.to)
        cast = "::text" if step.by_text else ""
        tests = [
            f"{other}.{quoted(key)}{cast} = {own}.{quoted(column)}{cast}"
            for column, key in zip(step.columns, step.keys, strict=True)
        ]
        return f"LEFT JOIN {quoted_table(step.to)} AS {other} ON {' AND '.join(tests)}"


def _implied(declaration: AdoptionDeclaration) -> Iterator[JoinStep]:
    tenant = declaration.tenant
    for rule in declaration.tables.values():
        if rule.via is not None:
            yield JoinStep(rule.name, (rule.via.column,), rule.via.parent, (rule.via.key,))
        elif rule.tenant is not None and rule.name != tenant.table:
            yield JoinStep(rule.name, (rule.tenant,), tenant.table, (tenant.key,), by_text=True)


def _declared(declaration: AdoptionDeclaration) -> Iterator[JoinStep]:
    for join in declaration.meaning.joins.values():
        yield JoinStep(join.table, join.columns, join.to, join.keys)
