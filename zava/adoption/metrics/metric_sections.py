"""Reads the sections of a declaration that define metrics, and what they may not define."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from zava.adoption.declared_values import AdoptionDeclaration, TableRule
from zava.adoption.metrics.declared_metrics import (
    TIME_TYPES,
    DeclaredDimension,
    DeclaredJoin,
    DeclaredMeaning,
    DeclaredMetric,
)
from zava.adoption.metrics.expressions import ExpressionRefused, read_expression
from zava.adoption.metrics.table_ways import TableWays, WayRefused
from zava.adoption.section_content import SectionContent, perhaps
from zava.data.metrics.catalog import MONEY, UNITS

TIME_DIMENSIONS = ("day", "iso_week", "month", "quarter", "year", "weekday")
"""The dimensions that every metric with a time has."""

NAME = re.compile(r"[a-z][a-z_]{0,40}")
_COMPARED = ("_previous", "_change", "_change_percent")
_RESERVED = frozenset({"level", "place", "days"})
"""Names that a compiled statement or a formula has for something else."""

_METRIC_KEYS = (
    *("label", "unit", "description", "synonyms", "audiences"),
    *("table", "expression", "time", "time_type", "dimensions", "additive_over", "ratio"),
)
_AGGREGATE_KEYS = ("table", "expression", "time", "time_type", "dimensions", "additive_over")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PARTS = 2


def read_meaning(content: Mapping[str, Any], problems: list[str]) -> DeclaredMeaning:
    """Return the metrics, dimensions and joins; what is wrong with them goes into `problems`."""
    sections = _Sections(content, "", problems)
    names = [*content.get("dimensions", {})]
    return DeclaredMeaning(
        joins={name: each.join(name) for name, each in sections.each("joins")},
        dimensions={name: each.dimension(name) for name, each in sections.each("dimensions")},
        metrics={name: each.metric(name, names) for name, each in sections.each("metrics")},
    )


class _Sections(SectionContent):
    """One table of these sections."""

    def each(self, key: str) -> Iterator[tuple[str, "_Sections"]]:
        section = self.section(key)
        for name in section._content:  # noqa: SLF001  # of the same class
            yield name, section.section(name)

    def join(self, name: str) -> DeclaredJoin:
        self.only(("from", "columns", "to", "keys"))
        columns, keys = self.texts("columns"), self.texts("keys")
        if not columns or len(columns) != len(keys):
            self.refuse("keys", "expected as many keys as columns, at least one")
        return DeclaredJoin(name, self.text("from"), columns, self.text("to"), keys)

    def dimension(self, name: str) -> DeclaredDimension:
        self.only(("table", "column", "description", "synonyms"))
        if name in TIME_DIMENSIONS:
            self.refuse("", "every metric with a time has this dimension; choose another name")
        return DeclaredDimension(
            self._named(name),
            self.text("table"),
            self.text("column"),
            self.text("description", default=name.replace("_", " ")),
            self._synonyms(),
        )

    def metric(self, name: str, dimensions: list[str]) -> DeclaredMetric:
        self.only(_METRIC_KEYS)
        if name.endswith(_COMPARED):
            self.refuse("", "a comparison has this name; choose another")
        ratio = self.texts("ratio")
        label = self.text("label", default=name.replace("_", " "))
        found = DeclaredMetric(
            self._named(name),
            label,
            self.text("unit"),
            description=self.text("description", default=""),
            audiences=self.texts("audiences"),
            synonyms=self._synonyms(),
            ratio=ratio,
        )
        if found.unit and found.unit not in UNITS:
            self.refuse("unit", f"expected one of {', '.join(UNITS)}")
        if ratio:
            if len(ratio) != _PARTS:
                self.refuse("ratio", "expected two metrics")
            for key in _AGGREGATE_KEYS:
                if key in self._content:
                    self.refuse(key, "does not go with ratio")
            return found
        time_type = self.text("time_type", default="timestamptz")
        if time_type not in TIME_TYPES:
            self.refuse("time_type", f"expected one of {', '.join(TIME_TYPES)}")
        return replace(
            found,
            table=self.text("table"),
            expression=self.text("expression"),
            time=self.text("time") if "time" in self._content else None,
            time_type=time_type,
            dimensions=self._some("dimensions", dimensions),
            additive_over=self._some("additive_over", [*dimensions, *TIME_DIMENSIONS]),
        )

    def _named(self, name: str) -> str:
        if not NAME.fullmatch(name) or name in _RESERVED:
            self.refuse("", f"expected at most 41 of a-z and _, not {', '.join(sorted(_RESERVED))}")
        return name

    def _synonyms(self) -> tuple[str, ...]:
        return self.texts("synonyms")

    def _some(self, key: str, known: list[str]) -> tuple[str, ...]:
        """Return names out of those that exist; "all" stands for all of them."""
        if self._content.get(key) == "all":
            return tuple(known)
        found = self.texts(key)
        for name in found:
            if name not in known:
                self.refuse(key, f"there is no dimension {name}{perhaps(name, known)}")
        return found


def plain(word: str) -> str:
    """Return a name or synonym as a question's words are compared with it."""
    return "_".join(word.lower().replace("-", " ").replace("_", " ").split())


def meaning_problems(declared: AdoptionDeclaration) -> Iterator[str]:
    """Yield what is wrong with metrics, by the declaration alone."""
    meaning = declared.meaning
    yield from _repeated("metrics", {n: m.synonyms for n, m in meaning.metrics.items()})
    known = {name: each.synonyms for name, each in meaning.dimensions.items()}
    yield from _repeated("dimensions", known | dict.fromkeys(TIME_DIMENSIONS, ()))
    if declared.currency and not _CURRENCY.fullmatch(declared.currency):
        yield "database.currency: expected three capital letters, such as USD"
    for join in meaning.joins.values():
        for key, table in (("from", join.table), ("to", join.to)):
            if table not in declared.tables:
                yield f"joins.{join.name}.{key}: {table} is not declared"
    for dimension in meaning.dimensions.values():
        rule = declared.tables.get(dimension.table)
        yield from _column(f"dimensions.{dimension.name}.column", rule, dimension.table,
                           dimension.column, declared)  # fmt: skip
    for metric in meaning.metrics.values():
        place = f"metrics.{metric.name}"
        yield from _audiences(place, metric, declared)
        yield from (
            _ratio(place, metric, declared) if metric.ratio else _aggregate(place, metric, declared)
        )


def _repeated(section: str, words: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name, synonyms in words.items():
        for word in dict.fromkeys((name, *map(plain, synonyms))):
            if seen.setdefault(word, name) != name:
                yield f"{section}.{name}: {word} names {seen[word]}, too"


def _audiences(place: str, metric: DeclaredMetric, declared: AdoptionDeclaration) -> Iterator[str]:
    names = [each.name for each in declared.audiences]
    for name in metric.audiences:
        if name not in names:
            yield f"{place}.audiences: there is no audience {name}{perhaps(name, names)}"
    if metric.unit == MONEY and not declared.currency:
        yield f"{place}.unit: money needs database.currency, such as USD"


def _ratio(place: str, metric: DeclaredMetric, declared: AdoptionDeclaration) -> Iterator[str]:
    for name in metric.ratio:
        part = declared.meaning.metrics.get(name)
        if part is None or part.ratio:
            yield f"{place}.ratio: {name} is no metric with an expression"
    if metric.unit == MONEY:
        yield f"{place}.unit: a ratio is a percent, ratio, number or days"


def _aggregate(place: str, metric: DeclaredMetric, declared: AdoptionDeclaration) -> Iterator[str]:
    rule = declared.tables.get(metric.table)
    if rule is None:
        yield f"{place}.table: {metric.table} is not declared"
        return
    if rule.shared:
        yield f"{place}.table: {metric.table} is shared, so a metric of it is of no tenant"
        return
    try:
        expression = read_expression(metric.expression, metric.table)
    except ExpressionRefused as error:
        yield f"{place}.expression: {error}"
        return
    for column in sorted(expression.columns):
        yield from _column(f"{place}.expression", rule, metric.table, column, declared)
    if metric.time is not None:
        yield from _column(f"{place}.time", rule, metric.table, metric.time, declared)
    if metric.additive_over and not expression.adds_up:
        yield f"{place}.additive_over: only a sum or a count of rows adds up"
    ways = TableWays(declared)
    for name in metric.dimensions:
        try:
            ways.way(metric.table, declared.meaning.dimensions[name].table)
        except WayRefused as error:
            yield f"{place}.dimensions: {name}: {error}"


def _column(
    place: str, rule: TableRule | None, table: str, column: str, declared: AdoptionDeclaration
) -> Iterator[str]:
    if rule is None:
        yield f"{place}: {table} is not declared"
    elif all(rule.hides(column, each.name) for each in declared.audiences):
        yield f"{place}: {column} is hidden from every audience"
