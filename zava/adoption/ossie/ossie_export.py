"""Writes the metrics of a declaration as an Apache Ossie model."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from zava.adoption.declared_values import AdoptionDeclaration
from zava.adoption.metrics.declared_metrics import DeclaredMetric
from zava.adoption.ossie.ossie_columns import DIALECT, VENDOR, VERSION, rewritten
from zava.model.domain import sql_name

_DATA_TYPES = {"date": "Date", "timestamp": "DateTime", "timestamptz": "DateTimeTz"}


def exported(declaration: AdoptionDeclaration) -> dict[str, Any]:
    """Return the document; what the format has no key for is in extensions of this vendor."""
    writer = _ModelWriter(declaration)
    model: dict[str, Any] = {
        "version": VERSION,
        "name": declaration.name,
        "description": declaration.title,
        "datasets": list(writer.datasets()),
        "relationships": list(writer.relationships()),
        "metrics": list(writer.metrics()),
    }
    if declaration.currency:
        model["custom_extensions"] = _extension({"currency": declaration.currency})
    return model


class _ModelWriter:
    def __init__(self, declaration: AdoptionDeclaration) -> None:
        self._declared = declaration
        self._meaning = declaration.meaning
        bare = [name.partition(".")[2] for name in declaration.tables]
        self._names = {
            name: short if bare.count(short) == 1 else name.replace(".", "_")
            for name, short in zip(declaration.tables, bare, strict=True)
        }

    def datasets(self) -> Iterator[dict[str, Any]]:
        meaning = self._meaning
        used = {each.table for each in meaning.metrics.values()}
        used |= {each.table for each in meaning.dimensions.values()}
        used |= {table for join in meaning.joins.values() for table in (join.table, join.to)}
        for table in self._declared.tables:
            if table not in used:
                continue
            dataset: dict[str, Any] = {"name": self._names[table], "source": table}
            if fields := [*self._dimensions(table), *self._times(table)]:
                dataset["fields"] = fields
            yield dataset

    def _dimensions(self, table: str) -> Iterator[dict[str, Any]]:
        for each in self._meaning.dimensions.values():
            if each.table == table:
                yield {
                    "name": each.name,
                    "expression": _expression(sql_name(each.column)),
                    "dimension": {"is_time": False},
                    "description": each.description,
                    **_synonyms(each.synonyms),
                }

    def _times(self, table: str) -> Iterator[dict[str, Any]]:
        times = {
            each.time: each.time_type
            for each in self._meaning.metrics.values()
            if each.table == table and each.time is not None
        }
        for column, time_type in times.items():
            if column not in self._meaning.dimensions:
                yield {
                    "name": column,
                    "expression": _expression(sql_name(column)),
                    "dimension": {"is_time": True},
                    "datatype": _DATA_TYPES[time_type],
                }

    def relationships(self) -> Iterator[dict[str, Any]]:
        for join in self._meaning.joins.values():
            yield {
                "name": join.name,
                "from": self._names[join.table],
                "to": self._names[join.to],
                "from_columns": list(join.columns),
                "to_columns": list(join.keys),
            }

    def metrics(self) -> Iterator[dict[str, Any]]:
        for metric in self._meaning.metrics.values():
            written: dict[str, Any] = {
                "name": metric.name,
                "expression": _expression(self._text(metric)),
            }
            if metric.description:
                written["description"] = metric.description
            written |= _synonyms(metric.synonyms)
            kept = {
                "label": metric.label,
                "unit": metric.unit,
                "ratio": list(metric.ratio),
                "table": metric.table,
                "time": metric.time,
                "time_type": metric.time_type if metric.time else None,
                "dimensions": list(metric.dimensions),
                "additive_over": list(metric.additive_over),
                "audiences": list(metric.audiences),
            }
            own = {key: value for key, value in kept.items() if value}
            yield {**written, "custom_extensions": _extension(own)}

    def _text(self, metric: DeclaredMetric) -> str:
        """Return the expression with the dataset before each column."""
        if metric.ratio:
            numerator, denominator = (self._text(self._meaning.metrics[x]) for x in metric.ratio)
            times = "100.0 * " if metric.unit == "percent" else ""
            return f"{times}({numerator}) / NULLIF(({denominator}), 0)"
        dataset = sql_name(self._names[metric.table])
        return rewritten(metric.expression, lambda names: f"{dataset}.{sql_name(names[-1])}")


def _expression(text: str) -> dict[str, Any]:
    return {"dialects": [{"dialect": DIALECT, "expression": text}]}


def _synonyms(words: Sequence[str]) -> dict[str, Any]:
    return {"ai_context": {"synonyms": list(words)}} if words else {}


def _extension(data: dict[str, Any]) -> list[dict[str, str]]:
    return [{"vendor_name": VENDOR, "data": json.dumps(data, ensure_ascii=False)}]
