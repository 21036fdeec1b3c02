"""What metrics are refused for by the catalog: columns, types, and joins that multiply rows."""

from collections.abc import Iterator, Mapping

import psycopg

from zava.adoption.declared_values import AdoptionDeclaration, quoted, quoted_table
from zava.adoption.foreign_catalog import ForeignCatalog
from zava.adoption.metrics.declared_metrics import DeclaredMetric
from zava.adoption.metrics.expressions import read_expression
from zava.adoption.metrics.metric_sections import meaning_problems
from zava.adoption.metrics.table_ways import JoinStep, TableWays

_TIME_TYPES = {
    "date": "date",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
}
_INTEGERS = frozenset({"smallint", "integer", "bigint"})
# What the compiler of metrics calls with values of any type. Of the functions with types of their
# own that it calls, PostgreSQL's come first in the search path.
_CALLED = frozenset({"json_agg", "json_build_array", "json_build_object", "json_object_agg"})


def metric_errors(
    connection: psycopg.Connection, declaration: AdoptionDeclaration, catalog: ForeignCatalog
) -> Mapping[str, str]:
    """Return what the server answers to the plan of each expression that it cannot read.

    The statement is planned as the owner of the table, and never run.
    """
    if any(meaning_problems(declaration)):
        return {}
    ways = TableWays(declaration)
    path = ", ".join(map(quoted, declaration.search_path))
    errors = {}
    for metric in declaration.meaning.metrics.values():
        relation = catalog.relations.get(metric.table)
        if relation is None or not relation.may_act:
            continue
        alias = ways.alias(metric.table)
        sql = read_expression(metric.expression, metric.table, alias).sql
        planned = f"EXPLAIN SELECT ({sql})::numeric FROM {quoted_table(metric.table)} AS {alias}"
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(f"SET LOCAL search_path = {path}".encode())
                connection.execute(f"SET LOCAL ROLE {quoted(relation.owner)}".encode())
                connection.execute(planned.encode())
        except psycopg.Error as error:
            errors[metric.name] = error.diag.message_primary or "the statement fails"
    return errors


def metric_refusals(declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> Iterator[str]:
    """Yield what metrics, dimensions and joins are refused for."""
    problems = list(meaning_problems(declaration))
    yield from problems
    if problems:
        return
    meaning = declaration.meaning
    for dimension in meaning.dimensions.values():
        place = f"dimensions.{dimension.name}.column"
        yield from _missing(place, dimension.table, dimension.column, catalog)
    for join in meaning.joins.values():
        for column in join.columns:
            yield from _missing(f"joins.{join.name}.columns", join.table, column, catalog)
        for key in join.keys:
            yield from _missing(f"joins.{join.name}.keys", join.to, key, catalog)
    ways = TableWays(declaration)
    steps: dict[JoinStep, None] = {}
    for metric in meaning.metrics.values():
        if not metric.ratio:
            yield from _aggregate(metric, catalog)
        for name in metric.dimensions:
            steps |= dict.fromkeys(ways.way(metric.table, meaning.dimensions[name].table))
    for step in steps:
        yield from _multiplying(step, catalog)
    yield from _hiding(declaration, catalog)


def _aggregate(metric: DeclaredMetric, catalog: ForeignCatalog) -> Iterator[str]:
    place = f"metrics.{metric.name}"
    columns = read_expression(metric.expression, metric.table).columns
    missing = [
        each
        for column in sorted(columns)
        for each in _missing(f"{place}.expression", metric.table, column, catalog)
    ]
    yield from missing
    if not missing and metric.name in catalog.metric_errors:
        yield f"{place}.expression: {catalog.metric_errors[metric.name]}"
    if metric.time is None:
        return
    yield from _missing(f"{place}.time", metric.table, metric.time, catalog)
    found = catalog.column(metric.table, metric.time)
    if found is not None and found.type != _TIME_TYPES[metric.time_type]:
        yield (
            f"{place}.time_type: {metric.table}.{metric.time} is of type {found.type}, not"
            f" {metric.time_type}"
        )


def _missing(place: str, table: str, column: str, catalog: ForeignCatalog) -> Iterator[str]:
    if table in catalog.relations and catalog.column(table, column) is None:
        yield f"{place}: {table} has no column {column}"


def _multiplying(step: JoinStep, catalog: ForeignCatalog) -> Iterator[str]:
    relation = catalog.relations.get(step.to)
    keys = ", ".join(step.keys)
    if relation is None:
        return
    if not any(unique <= set(step.keys) for unique in relation.unique):
        yield (
            f"joins: {step.to} ({keys}) is not unique: rows of {step.table} would count several"
            " times"
        )
    for column, key in zip(step.columns, step.keys, strict=True):
        own, other = catalog.column(step.table, column), catalog.column(step.to, key)
        if own is None or other is None or own.type == other.type or step.by_text:
            continue
        if not {own.type, other.type} <= _INTEGERS:
            yield f"joins: {step.table}.{column} and {step.to}.{key} are of different types"


def _hiding(declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> Iterator[str]:
    """Yield the application's functions that PostgreSQL could call in a metric's statement."""
    path = (*declaration.schemas, *declaration.support_schemas)
    for function in catalog.functions:
        is_called = function.name in _CALLED
        if is_called and function.schema in path and not function.is_of_extension:
            yield (
                f"metrics: function {function.signature} of {function.schema} hides PostgreSQL's,"
                " which the statements of metrics call"
            )
