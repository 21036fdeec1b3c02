"""Read the metric catalogue `metrics.toml`, check its form, and look up metrics and dimensions."""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from zava.errors import InvalidInput
from zava.model.domain import Domain
from zava.model.time_labels import FISCAL_UNITS

MONEY = "money"
UNITS = {MONEY: 2, "percent": 2, "ratio": 2, "days": 1, "count": 0, "number": 2}
"""Decimals to which each unit is rounded; an answer has the currency as the unit of money."""

REFERENCE = re.compile(r"\{(\w+)(?:@(previous_year))?\}")
SALE_RATE, LIST_RATE = "{sale_rate}", "{list_rate}"
PLACE_PLACES = frozenset(
    {"zone", "sale_rate", "list_rate", "rate_day", "rated_o"}
    | {"placed_o", "placed_e", "placed_t", "placed_k"}
)
"""What depends on the zone and the currency of a row's store."""
SOURCE_PLACES = frozenset(
    {"store", "product", "customer", "local", "clock", "tomorrow", "year_before", "last_day"}
    | {"visible"}
    | FISCAL_UNITS.keys()
    | PLACE_PLACES
)
FORMULA_PLACES = frozenset({"days"})
PART_PLACES = frozenset({"since", "until"})
SUMMED_UNITS = frozenset({"day", "month"})
_NAME = re.compile(r"[a-z][a-z_]*")
_NEAREST = 3
_ALIKE = 0.75
"""How like a name another must be: what is less like it means something else."""


class CatalogueError(Exception):
    """The catalogue breaks its own form; the message names the entry."""


@dataclass(frozen=True, slots=True)
class Source:
    """A fact at one grain; without `moment` it is known only as it stands now.

    `store` is a row's store. Where it is empty, the row policies alone narrow the rows.

    `sums` names the unit of time that its rows are sums of, "day" or "month", or is "now". Such a
    source reads whole units from `relation`, and parts of a unit by `part`, from the facts.
    `requires` is a dimension without which its rows do not add up. Rows of `is_per_store` are
    aggregated store by store, and the stores added up. `is_read_once` reads the whole units of all
    periods of a statement together, where planning costs more than the rows between the periods.
    """

    name: str
    grain: str
    relation: str
    store: str
    where: str = "true"
    product: str | None = None
    customer: str | None = None
    moment: str | None = None
    provides: tuple[str, ...] = ()
    sums: str | None = None
    part: str | None = None
    requires: str | None = None
    is_per_store: bool = False
    is_read_once: bool = False


@dataclass(frozen=True, slots=True)
class Dimension:
    """What answers may be split and filtered by.

    `aliases` are other names that a question may use. `relation` holds the values that exist, and
    `matches` are the texts that a filter's value may equal there. `named` is the label, and one
    more match, with a person's name. `choices` are the only values. `pattern` is the form of a
    label of time, and `season` the number of labels after which a season repeats.
    """

    name: str
    description: str
    expression: str
    sources: tuple[str, ...]
    joins: tuple[str, ...] = ()
    relation: str | None = None
    matches: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    named: str | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    season: int | None = None
    is_of_store: bool = False
    is_outside_text: bool = False
    closed_to: tuple[str, ...] = ()
    """The audiences, by name, that may not read a column that its labels need."""

    def with_names(self) -> "Dimension":
        """Return the dimension as it is shown to a caller who may read persons' names."""
        if self.named is None:
            return self
        return replace(self, expression=self.named, matches=(*self.matches, self.named))

    @property
    def is_of_time(self) -> bool:
        """Whether its labels move with the day of the order."""
        return "{local}" in self.expression or self.is_fiscal

    @property
    def is_fiscal(self) -> bool:
        """Whether its labels are those of fiscal years."""
        return self.name in FISCAL_UNITS

    @property
    def is_same_a_year_later(self) -> bool:
        """Whether a day's label moves by whole years: a day's own and an ISO week's do not."""
        return self.name in {"month", "quarter", "year"}


@dataclass(frozen=True, slots=True)
class Metric:
    """A certified number: SQL for each source, or a formula over other metrics."""

    name: str
    description: str
    unit: str
    expressions: Mapping[str, str]
    formula: str | None
    additive_over: tuple[str, ...]
    joins: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    is_restricted: bool = False
    needs_persons: bool = False
    """Whether it tells the same person at several stores, so that the head office alone may ask."""
    closed_to: tuple[str, ...] = ()
    """The audiences, by name, that may not query it."""

    @property
    def compares_years(self) -> bool:
        """Whether its formula compares with the year before."""
        return "@previous_year" in (self.formula or "")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything by name, in the order of the file; `domain` has the time zone of its days.

    `stores` is the SQL of the stores, and `places` that of the columns with zone and currency.
    `elsewhere` is the end of a hint that no metric fits, `lookup` the hint for a value that does
    not exist.
    `shared_from_sums` has the tables of `shared` that the sums hold, too.
    """

    domain: Domain
    elsewhere: str
    lookup: str
    stores: str
    places: str
    sources: Mapping[str, Source]
    shared: Mapping[str, str]
    shared_from_sums: Mapping[str, str]
    joins: Mapping[str, str]
    dimensions: Mapping[str, Dimension]
    metrics: Mapping[str, Metric]

    def metric(self, name: str, field: str = "metrics") -> Metric:
        """Return a metric by its name or an alias of it.

        Raises:
            InvalidInput: there is no such metric; the error names the nearest ones.
        """
        wanted = _plain(name)
        for metric in self.metrics.values():
            if wanted == metric.name or wanted in metric.aliases:
                return metric
        known = {word: m.name for m in self.metrics.values() for word in (m.name, *m.aliases)}
        raise _unknown(field, "metric", name, _nearest(wanted, known), self.metrics, self.elsewhere)

    def dimension(self, name: str, field: str = "dimensions") -> Dimension:
        """Return a dimension by its name or an alias of it, also in the plural.

        Raises:
            InvalidInput: there is no such dimension; the error names the nearest ones.
        """
        wanted = _plain(name).removeprefix("by_")
        known = {w: d.name for d in self.dimensions.values() for w in (d.name, *d.aliases)}
        for word in (wanted, wanted.removesuffix("s"), f"{wanted.removesuffix('ies')}y"):
            if word in known:
                return self.dimensions[known[word]]
        names = {word: word for word in self.dimensions}
        raise _unknown(
            field, "dimension", name, _nearest(wanted, names), self.dimensions, self.elsewhere
        )

    def base_metrics(self, metric: Metric) -> list[tuple[str, str | None]]:
        """Return the metrics with SQL of their own that it is made of, with their other year."""
        if metric.formula is None:
            return [(metric.name, None)]
        return [
            (name, year or None)
            for name, year in REFERENCE.findall(metric.formula)
            if name not in FORMULA_PLACES
        ]


def read_catalogue(text: str, domain: Domain) -> Catalogue:
    """Read and check a domain's catalogue.

    Raises:
        CatalogueError: names the entry and the rule that it breaks.
    """
    try:
        tables = tomllib.loads(text)
        dimensions = {n: _made(Dimension, n, t) for n, t in tables.pop("dimensions").items()}
        found = Catalogue(
            domain=domain,
            elsewhere=tables.pop("elsewhere"),
            lookup=tables.pop("lookup"),
            stores=tables.pop("stores"),
            places=tables.pop("places"),
            sources={n: _made(Source, n, t) for n, t in tables.pop("sources").items()},
            shared=tables.pop("shared"),
            shared_from_sums=tables.pop("shared_from_sums"),
            joins=tables.pop("joins"),
            dimensions=dimensions,
            metrics={n: _metric(n, t, dimensions) for n, t in tables.pop("metrics").items()},
        )
    except (tomllib.TOMLDecodeError, KeyError, AttributeError) as error:
        raise CatalogueError(f"metrics.toml: {error}") from error
    _expect("metrics.toml", not tables, f"there is no kind of entry {', '.join(tables)}")
    _check(found)
    return found


def _metric(name: str, table: dict[str, Any], dimensions: Collection[str]) -> Metric:
    additive = table.get("additive_over", ())
    all_of_them = tuple(dimensions) if additive == "all" else additive
    table = {"expressions": {}, "formula": None} | table | {"additive_over": all_of_them}
    metric: Metric = _made(Metric, name, table)
    return metric


def _made(kind: type[Any], name: str, table: Mapping[str, Any]) -> Any:
    _expect(name, _NAME.fullmatch(name) is not None, "a name is lower case with underscores")
    listed = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    try:
        return kind(name=name, **listed)
    except TypeError as error:
        raise CatalogueError(f"{name}: {error}") from error


def _check(found: Catalogue) -> None:
    for source in found.sources.values():
        _check_source(source, found)
    named = [word for d in found.dimensions.values() for word in (d.name, *d.aliases)]
    _expect("dimensions", len(set(named)) == len(named), "a word names two dimensions")
    for dimension in found.dimensions.values():
        _check_dimension(dimension, found)
    words: set[str] = set()
    for metric in found.metrics.values():
        _check_metric(metric, found)
        for word in (metric.name, *metric.aliases):
            _expect(metric.name, word not in words, f"{word} names two metrics")
            words.add(word)
    _expect("shared", set(found.shared) <= set(found.joins), "a table that no join names")
    _expect("shared_from_sums", set(found.shared_from_sums) <= set(found.shared), "not shared")
    for name, sql in [*found.shared.items(), *found.shared_from_sums.items()]:
        _expect(name, _places(sql) <= SOURCE_PLACES, "an unknown place in braces")
    for name, sql in found.joins.items():
        known = SOURCE_PLACES | set(found.shared)
        _expect(name, _places(sql) <= known, "an unknown place in braces")


def _check_source(source: Source, found: Catalogue) -> None:
    name = source.name
    _expect(name, source.sums in {None, "now", *SUMMED_UNITS}, "the unit of its sums is unknown")
    _expect(name, (source.sums in SUMMED_UNITS) == (source.part is not None), "sums need a part")
    places = _places(source.part or "")
    _expect(name, places <= SOURCE_PLACES | PART_PLACES, "an unknown place in braces")
    _expect(name, source.part is None or places >= PART_PLACES, "a part is of all time")
    known = source.requires is None or source.requires in found.dimensions
    _expect(name, known, "a dimension is unknown")


def _check_dimension(dimension: Dimension, found: Catalogue) -> None:
    name = dimension.name
    _expect(name, bool(dimension.sources), "it is of no source")
    _expect(name, set(dimension.sources) <= set(found.sources), "a source is unknown")
    _expect(name, set(dimension.joins) <= set(found.joins), "a join is unknown")
    _expect(name, _places(dimension.expression) <= SOURCE_PLACES, "an unknown place in braces")
    is_looked_up = dimension.relation is not None and bool(dimension.matches)
    kinds = [is_looked_up, bool(dimension.choices), dimension.pattern is not None]
    _expect(name, sum(kinds) == 1, "it needs a relation with matches, or choices, or a pattern")
    if dimension.is_of_time:
        moments = [found.sources[source].moment for source in dimension.sources]
        _expect(name, all(moments), "a source of it has no time")


def _check_metric(metric: Metric, found: Catalogue) -> None:
    name = metric.name
    _expect(name, metric.unit in UNITS, f"the unit {metric.unit} is unknown")
    _expect(name, bool(metric.expressions) != bool(metric.formula), "SQL or a formula, not both")
    _expect(name, set(metric.expressions) <= set(found.sources), "a source is unknown")
    _expect(name, set(metric.joins) <= set(found.joins), "a join is unknown")
    _expect(name, set(metric.additive_over) <= set(found.dimensions), "a dimension is unknown")
    for sql in metric.expressions.values():
        _expect(name, _places(sql) <= SOURCE_PLACES, "an unknown place in braces")
    for part, _ in found.base_metrics(metric) if metric.formula else ():
        known = found.metrics.get(part)
        _expect(name, known is not None and not known.formula, f"{part} has no SQL of its own")
        _expect(
            name,
            known is None or not known.is_restricted or metric.is_restricted,
            f"{part} is restricted, so it must be, too",
        )


def _places(sql: str) -> set[str]:
    return {name for name, _ in REFERENCE.findall(sql)}


def _expect(name: str, holds: bool, rule: str) -> None:  # noqa: FBT001  # an assertion with words
    if not holds:
        raise CatalogueError(f"{name}: {rule}")


def _unknown(
    field: str,
    kind: str,
    name: str,
    nearest: Sequence[str],
    known: Iterable[str],
    elsewhere: str,
) -> InvalidInput:
    hint = f"All: {', '.join(known)}. {elsewhere}"
    if nearest:
        hint = f"Nearest: {', '.join(nearest)}. {hint}"
    return InvalidInput(f"{field}: there is no {kind} {name[:60]!r}.", hint=hint)


_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _plain(name: str) -> str:
    """Return a name as the catalogue writes it: averageOrderValue is average_order_value."""
    words = _HUMP.sub(" ", name.strip(" .,;:'\"`")).lower()
    return "_".join(words.replace("-", " ").replace("_", " ").split())


def _nearest(wanted: str, known: Mapping[str, str]) -> list[str]:
    # A name without its underscores comes first: stockouts is stock_outs.
    joined = [word for word in known if word.replace("_", "") == wanted.replace("_", "")]
    holding = [word for word in known if len(wanted) > 2 and (wanted in word or word in wanted)]  # noqa: PLR2004  # two letters are in everything
    near = joined + holding + get_close_matches(wanted, known, n=_NEAREST, cutoff=_ALIKE)
    return list(dict.fromkeys(known[word] for word in near))[:_NEAREST]
