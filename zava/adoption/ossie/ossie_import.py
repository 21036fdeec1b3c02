"""Reads an Apache Ossie model as metrics of a declaration, and lists what does not fit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from zava.adoption.declared_values import AdoptionDeclaration
from zava.adoption.metrics.declared_metrics import (
    DeclaredDimension,
    DeclaredJoin,
    DeclaredMeaning,
    DeclaredMetric,
)
from zava.adoption.metrics.metric_sections import NAME, TIME_DIMENSIONS, meaning_problems
from zava.adoption.metrics.table_ways import TableWays, WayRefused
from zava.adoption.ossie.ossie_columns import (
    DIALECT,
    DIALECTS,
    VENDOR,
    NoExpression,
    plain_column,
    rewritten,
)
from zava.model.domain import sql_name

_VERSIONS = ("0.1.", "0.2.")
_TIME_TYPES = {"Date": "date", "DateTime": "timestamp", "DateTimeTz": "timestamptz"}
_NUMBER = "number"


class ModelRefused(Exception):
    """The document is no Ossie model that can be read; the message has the reason."""


class _NotFitting(Exception):
    """One entry does not fit; the message has the reason."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry of the model that the declaration does not have, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """What was read: metrics, dimensions and joins, the currency, and what was left out."""

    meaning: DeclaredMeaning
    currency: str
    left_out: tuple[LeftOut, ...]


@dataclass(slots=True)
class _Dataset:
    """A dataset whose table is declared: the column of each field, and the fields of time."""

    table: str
    columns: dict[str, str]
    times: dict[str, str | None]


def imported(document: Any, declaration: AdoptionDeclaration) -> ImportedModel:
    """Return a document's metrics over the tables of a declaration; nothing is guessed.

    Raises:
        ModelRefused: the document is no Ossie model, or of a version that is not read.
    """
    # Older versions have a list of models; the newest has one at the top.
    models = document.get("semantic_model", [document]) if isinstance(document, dict) else None
    if not isinstance(models, list) or not all("datasets" in each for each in models):
        raise ModelRefused("the file is no Ossie model: datasets is missing")
    version = str(document.get("version", ""))
    if not version.startswith(_VERSIONS):
        raise ModelRefused(f"version {version or '(none)'} of Ossie is not read")
    reader = _Reader(declaration)
    try:
        for model in models:
            reader.read(model)
    except (AttributeError, KeyError, TypeError) as error:
        raise ModelRefused(f"the file is no Ossie model: {error!r} is wrong or missing") from error
    return ImportedModel(reader.meaning, reader.currency, tuple(reader.left_out))


class _Reader:
    def __init__(self, declaration: AdoptionDeclaration) -> None:
        self._declared = replace(declaration, meaning=DeclaredMeaning())
        self._datasets: dict[str, _Dataset] = {}
        self._joins: dict[str, DeclaredJoin] = {}
        self._dimensions: dict[str, DeclaredDimension] = {}
        self._metrics: dict[str, DeclaredMetric] = {}
        self.currency = declaration.currency
        self.left_out: list[LeftOut] = []

    @property
    def meaning(self) -> DeclaredMeaning:
        return DeclaredMeaning(self._metrics, self._dimensions, self._joins)

    def read(self, model: Mapping[str, Any]) -> None:
        self.currency = self._own(model, f"model {model['name']}").get("currency", self.currency)
        self._declared = replace(self._declared, currency=self.currency)
        self._context(f"model {model['name']}", model)
        for dataset in model["datasets"]:
            self._try(f"dataset {dataset['name']}", self._dataset, dataset)
        for relationship in model.get("relationships", []):
            self._try(f"relationship {relationship['name']}", self._relationship, relationship)
        self._ways = TableWays(replace(self._declared, meaning=self.meaning))
        metrics = [(f"metric {each['name']}", each) for each in model.get("metrics", [])]
        for is_ratio in (False, True):
            for place, metric in metrics:
                if bool(self._peek(metric).get("ratio")) is is_ratio:
                    self._try(place, self._metric, metric)
        order = [metric["name"] for _, metric in metrics if metric["name"] in self._metrics]
        self._metrics |= {name: self._metrics.pop(name) for name in dict.fromkeys(order)}

    def _try(self, place: str, read: Any, entry: Mapping[str, Any]) -> None:
        try:
            read(place, entry)
        except _NotFitting as error:
            self.left_out.append(LeftOut(place, str(error)))

    def _dataset(self, place: str, entry: Mapping[str, Any]) -> None:
        source = str(entry["source"])
        parts = source.replace('"', "").split(".")
        if any(each.isspace() for each in source.strip()):
            raise _NotFitting("its source is a query, not a table")
        table = ".".join(parts[-2:])
        if len(parts) == 1:
            table = f"{self._declared.schemas[0]}.{parts[0]}"
        if table not in self._declared.tables:
            raise _NotFitting(f"{table} is not a table of the declaration")
        self._context(place, entry)
        found = self._datasets[entry["name"]] = _Dataset(table, {}, {})
        for field in entry.get("fields", []):
            name = f"field {entry['name']}.{field['name']}"
            self._try(name, lambda at, each: self._field(at, each, found), field)

    def _field(self, place: str, entry: Mapping[str, Any], dataset: _Dataset) -> None:
        names = plain_column(self._text(entry))
        if names is None:
            raise _NotFitting("its expression is not a column")
        name, column = entry["name"], names[-1]
        dataset.columns[name] = column
        data_type = entry.get("datatype")
        is_of_time = entry.get("dimension", {}).get("is_time", data_type in _TIME_TYPES)
        if is_of_time:
            dataset.times[column] = _TIME_TYPES.get(data_type or "")
            return
        if "dimension" not in entry:
            return  # a column that expressions name, and nothing to split by
        if not NAME.fullmatch(name) or name in TIME_DIMENSIONS:
            raise _NotFitting("a dimension's name has a-z and _ alone, and is no unit of time")
        if name in self._dimensions:
            raise _NotFitting("another dataset has a field of this name")
        found = DeclaredDimension(
            name,
            dataset.table,
            column,
            entry.get("description") or name.replace("_", " "),
            self._context(place, entry),
        )
        self._dimensions[name] = found
        self._check(self._dimensions, name)

    def _relationship(self, place: str, entry: Mapping[str, Any]) -> None:
        ends = [self._datasets.get(entry[key]) for key in ("from", "to")]
        if ends[0] is None or ends[1] is None:
            raise _NotFitting("one of its datasets is left out")
        columns, keys = entry["from_columns"], entry["to_columns"]
        if len(columns) != len(keys):
            raise _NotFitting("it has more columns on one side than on the other")
        self._context(place, entry)
        own, other = ends[0].columns, ends[1].columns
        self._joins[entry["name"]] = DeclaredJoin(
            entry["name"],
            ends[0].table,
            tuple(own.get(each, each) for each in columns),
            ends[1].table,
            tuple(other.get(each, each) for each in keys),
        )

    def _metric(self, place: str, entry: Mapping[str, Any]) -> None:
        name, own = entry["name"], self._own(entry, place)
        found = DeclaredMetric(
            name,
            own.get("label") or name.replace("_", " "),
            own.get("unit", _NUMBER),
            description=entry.get("description", ""),
            audiences=tuple(own.get("audiences", ())),
            synonyms=self._context(place, entry),
            ratio=tuple(own.get("ratio", ())),
        )
        if not NAME.fullmatch(name):
            raise _NotFitting("a metric's name has a-z and _ alone")
        if not found.ratio:
            found = self._aggregate(place, entry, own, found)
        self._metrics[name] = found
        self._check(self._metrics, name)

    def _aggregate(
        self,
        place: str,
        entry: Mapping[str, Any],
        own: Mapping[str, Any],
        found: DeclaredMetric,
    ) -> DeclaredMetric:
        text, dataset = self._without_datasets(self._text(entry))
        if dataset is None and own.get("table") in self._declared.tables:
            dataset = _Dataset(own["table"], {}, {})
        if dataset is None:
            raise _NotFitting("its expression names no dataset")
        time, time_type = own.get("time"), own.get("time_type")
        if VENDOR not in self._vendors(entry):
            time, time_type = self._time(place, dataset)
        dimensions = tuple(own.get("dimensions", ()))
        if VENDOR not in self._vendors(entry):
            dimensions = tuple(n for n, d in self._dimensions.items() if self._leads(dataset, d))
        return replace(
            found,
            table=dataset.table,
            expression=text,
            time=time,
            time_type=time_type or "timestamptz",
            dimensions=dimensions,
            additive_over=tuple(own.get("additive_over", ())),
        )

    def _leads(self, dataset: _Dataset, dimension: DeclaredDimension) -> bool:
        try:
            self._ways.way(dataset.table, dimension.table)
        except WayRefused:
            return False
        return True

    def _time(self, place: str, dataset: _Dataset) -> tuple[str | None, str | None]:
        known = {column: kind for column, kind in dataset.times.items() if kind is not None}
        if len(known) == 1 and len(dataset.times) == 1:
            return next(iter(known.items()))
        if dataset.times:
            reason = "several fields of time" if len(dataset.times) > 1 else "no datatype of time"
            self.left_out.append(LeftOut(f"{place}: time", f"its dataset has {reason}"))
        return None, None

    def _without_datasets(self, text: str) -> tuple[str, _Dataset | None]:
        """Return an expression with columns in place of fields, and the dataset that it reads."""
        used: dict[str, _Dataset] = {}

        def column(names: tuple[str, ...]) -> str:
            qualifier = names[-2] if len(names) > 1 else next(iter(self._datasets), "")
            if len(names) == 1 and len(self._datasets) != 1:
                raise _NotFitting(f"{names[0]} names no dataset")
            if qualifier not in self._datasets:
                raise _NotFitting(f"there is no dataset {qualifier}, or it is left out")
            used[qualifier] = self._datasets[qualifier]
            return sql_name(used[qualifier].columns.get(names[-1], names[-1]))

        try:
            written = rewritten(text, column)
        except NoExpression as error:
            raise _NotFitting(str(error)) from error
        if len(used) > 1:
            raise _NotFitting(f"it reads several datasets: {', '.join(sorted(used))}")
        only = next(iter(self._datasets.values())) if len(self._datasets) == 1 else None
        return written, next(iter(used.values()), only)

    def _check(self, entries: dict[str, Any], name: str) -> None:
        """Take an entry back that the declaration would be refused for."""
        problems = list(meaning_problems(replace(self._declared, meaning=self.meaning)))
        if problems:
            del entries[name]
            raise _NotFitting(problems[0])

    def _text(self, entry: Mapping[str, Any]) -> str:
        written = {each["dialect"]: each["expression"] for each in entry["expression"]["dialects"]}
        for dialect in DIALECTS:
            if dialect in written:
                return str(written[dialect])
        raise _NotFitting(f"it has no expression in {DIALECT}")

    def _context(self, place: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the synonyms of an entry, and list what else it is described by."""
        context = entry.get("ai_context") or {}
        if isinstance(context, str):
            context = {"instructions": context}
        for key in context:
            if key != "synonyms":
                self.left_out.append(LeftOut(f"{place}: {key}", "a declaration has no such text"))
        if "label" in entry:
            self.left_out.append(LeftOut(f"{place}: label", "a declaration has no such text"))
        return tuple(context.get("synonyms", ()))

    def _vendors(self, entry: Mapping[str, Any]) -> set[str]:
        return {each["vendor_name"] for each in entry.get("custom_extensions", [])}

    def _own(self, entry: Mapping[str, Any], place: str) -> Mapping[str, Any]:
        for vendor in sorted(self._vendors(entry) - {VENDOR}):
            self.left_out.append(LeftOut(f"{place}: extension of {vendor}", "it is not read"))
        return self._peek(entry)

    def _peek(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the extension that an export of a declaration wrote."""
        for each in entry.get("custom_extensions", []):
            if each["vendor_name"] == VENDOR:
                try:
                    found = json.loads(each["data"])
                except json.JSONDecodeError as error:
                    raise ModelRefused(f"an extension of {VENDOR} is no JSON") from error
                return found if isinstance(found, dict) else {}
        return {}
