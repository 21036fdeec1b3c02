"""The catalogue that the core's metrics are planned and compiled from, made of a declaration."""

from collections.abc import Iterator, Mapping

from zava.adoption.declaration_file import DeclarationRefused
from zava.adoption.declared_values import AdoptionDeclaration, quoted, quoted_table
from zava.adoption.metrics.declared_metrics import DeclaredDimension, DeclaredMetric
from zava.adoption.metrics.expressions import read_expression
from zava.adoption.metrics.metric_sections import TIME_DIMENSIONS, meaning_problems, plain
from zava.adoption.metrics.table_ways import TableWays
from zava.data.metrics.catalog import Catalogue, Dimension, Metric, Source
from zava.model.domain import Domain

WITHOUT_LABEL = "(none)"
"""The label of rows whose column is null, or that have no row at the end of a join."""

_ELSEWHERE = "If none fits, use query_database."
_LOOKUP = "Find the exact name with query_database."
# No fact names it: the policies alone narrow the rows.
_NO_STORES = (
    "SELECT NULL::text AS store_id, NULL::text AS store_name, 'infinity'::date AS closed_on"
)
_LABELS = {
    "day": ("YYYY-MM-DD", "YYYY-MM-DD", 7, ("date", "daily")),
    "iso_week": ('IYYY-"W"IW', "YYYY-Www", 52, ("week", "weekly")),
    "month": ("YYYY-MM", "YYYY-MM", 12, ("monthly",)),
    "quarter": ('YYYY-"Q"Q', "YYYY-Qn", 4, ("quarterly",)),
    "year": ("YYYY", "YYYY", None, ("yearly", "annual")),
}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def served_catalogue(declaration: AdoptionDeclaration, domain: Domain) -> Catalogue:
    """Return the catalogue of a declaration.

    Raises:
        DeclarationRefused: its metrics have problems, so that it was never applied.
    """
    if problems := list(meaning_problems(declaration)):
        raise DeclarationRefused(problems)
    made = _Made(declaration)
    return Catalogue(
        domain=domain,
        elsewhere=_ELSEWHERE,
        lookup=_LOOKUP,
        stores=_NO_STORES,
        places="",
        sources=made.sources,
        shared={},
        shared_from_sums={},
        joins={},
        dimensions={each.name: each for each in made.dimensions()},
        metrics={each.name: each for each in made.metrics()},
    )


class _Made:
    def __init__(self, declaration: AdoptionDeclaration) -> None:
        self._declared = declaration
        self._meaning = declaration.meaning
        self._ways = TableWays(declaration)
        # One source for each table and column of time, by what it is read for.
        self._by_source: dict[tuple[str, str | None, str], list[DeclaredMetric]] = {}
        for metric in self._meaning.metrics.values():
            if not metric.ratio:
                key = (metric.table, metric.time, metric.time_type)
                self._by_source.setdefault(key, []).append(metric)
        self._names = {key: f"source_{'x' * n}" for n, key in enumerate(self._by_source, start=1)}

    @property
    def sources(self) -> Mapping[str, Source]:
        return {
            name: Source(
                name=name,
                grain=f"row of {table}",
                relation=self._ways.relation(table, self._tables(self._by_source[key])),
                store="",
                moment=self._moment(*key),
            )
            for key, name in self._names.items()
            for table in key[:1]
        }

    def dimensions(self) -> Iterator[Dimension]:
        for declared in self._meaning.dimensions.values():
            yield self._dimension(declared)
        timed = tuple(name for key, name in self._names.items() if key[1] is not None)
        if not timed:
            return
        for name in TIME_DIMENSIONS[:-1]:
            written, pattern, season, aliases = _LABELS[name]
            yield Dimension(
                name=name,
                description=f"The {name.replace('iso_', 'ISO ')}.",
                expression=f"to_char({{local}}, '{written}')",
                sources=timed,
                aliases=aliases,
                pattern=pattern,
                season=season,
            )
        yield Dimension(
            name="weekday",
            description="The day of the week.",
            expression="to_char({clock}, 'FMDay')",
            sources=timed,
            choices=_WEEKDAYS,
        )

    def metrics(self) -> Iterator[Metric]:
        for metric in self._meaning.metrics.values():
            numerator, denominator = metric.ratio or ("", "")
            times = "100 * " if metric.unit == "percent" else ""
            formula = f"{times}{{{numerator}}} / nullif({{{denominator}}}, 0)"
            described = f"{metric.label}: {metric.description}".rstrip(": ").rstrip(".")
            yield Metric(
                name=metric.name,
                description=f"{described}.",
                unit=metric.unit,
                expressions={} if metric.ratio else self._expressions(metric),
                formula=formula if metric.ratio else None,
                additive_over=metric.additive_over,
                aliases=tuple(map(plain, metric.synonyms)),
                closed_to=self._closed_to(metric),
            )

    def _expressions(self, metric: DeclaredMetric) -> Mapping[str, str]:
        sql = read_expression(metric.expression, metric.table, self._ways.alias(metric.table)).sql
        return {self._names[metric.table, metric.time, metric.time_type]: f"({sql})"}

    def _dimension(self, declared: DeclaredDimension) -> Dimension:
        alias = self._ways.alias(declared.table)
        label = f"coalesce({alias}.{quoted(declared.column)}::text, '{WITHOUT_LABEL}')"
        read = {
            name: key[0]
            for key, name in self._names.items()
            if any(declared.name in metric.dimensions for metric in self._by_source[key])
        }
        return Dimension(
            name=declared.name,
            description=f"{declared.description.rstrip('.')}.",
            expression=label,
            sources=tuple(read),
            relation=f"{quoted_table(declared.table)} AS {alias}",
            matches=(label,),
            aliases=tuple(map(plain, declared.synonyms)),
            is_outside_text=self._is_outside_text(declared),
            closed_to=self._hidden(
                [(declared.table, declared.column)]
                + [each for table in read.values() for each in self._joined(table, declared.table)]
            ),
        )

    def _tables(self, metrics: list[DeclaredMetric]) -> list[str]:
        names = dict.fromkeys(name for metric in metrics for name in metric.dimensions)
        return list(dict.fromkeys(self._meaning.dimensions[name].table for name in names))

    def _joined(self, table: str, to: str) -> Iterator[tuple[str, str]]:
        """Yield the columns that the way to a table reads."""
        for step in self._ways.way(table, to):
            yield from ((step.table, column) for column in step.columns)
            yield from ((step.to, key) for key in step.keys)

    def _moment(self, table: str, time: str | None, time_type: str) -> str | None:
        if time is None:
            return None
        column = f"{self._ways.alias(table)}.{quoted(time)}"
        if time_type == "timestamptz":
            return column
        return f"({column}::timestamp AT TIME ZONE {{zone}})"

    def _closed_to(self, metric: DeclaredMetric) -> tuple[str, ...]:
        """Return the roles of the audiences that may not read the metric, or a column of it."""
        if metric.ratio:
            parts = [self._closed_to(self._meaning.metrics[name]) for name in metric.ratio]
            closed = {role for part in parts for role in part}
        else:
            read = set(read_expression(metric.expression, metric.table).columns)
            read |= {metric.time} if metric.time else set()
            columns = [(metric.table, column) for column in read]
            source = self._by_source[metric.table, metric.time, metric.time_type]
            for table in self._tables(source):
                columns += self._joined(metric.table, table)
            closed = set(self._hidden(columns))
        if metric.audiences:
            closed |= {
                each.role for each in self._declared.audiences if each.name not in metric.audiences
            }
        return tuple(sorted(closed))

    def _hidden(self, columns: list[tuple[str, str]]) -> tuple[str, ...]:
        tables = self._declared.tables
        return tuple(
            each.role
            for each in self._declared.audiences
            if any(tables[table].hides(column, each.name) for table, column in columns)
        )

    def _is_outside_text(self, declared: DeclaredDimension) -> bool:
        """Return whether outsiders may have written a label, by the declaration alone."""
        rule, tenant = self._declared.tables[declared.table], self._declared.tenant
        if rule.shared or declared.column in rule.values:
            return False
        if rule.name == tenant.table and declared.column in tenant.attributes:
            return False
        return declared.column in rule.outside_text or not rule.outside_text
