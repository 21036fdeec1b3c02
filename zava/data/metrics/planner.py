"""Turn a question to the metrics into a plan: names resolved, sources chosen.

Nothing here is SQL. A wrong name or combination is refused, with a hint on what is possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from zava.data.metrics.catalog import (
    SALE_RATE,
    SUMMED_UNITS,
    Catalogue,
    Dimension,
    Metric,
    Source,
)
from zava.data.metrics.conditions import Condition, read_condition
from zava.data.metrics.place_sql import is_converted
from zava.data.metrics.sum_pieces import pieces
from zava.errors import InvalidInput
from zava.model.data_reach import Places
from zava.model.metrics import Comparison, MetricOrder, MetricQuery, Period

T = TypeVar("T")

MAX_METRICS, MAX_DIMENSIONS, MAX_FILTERS = 12, 3, 8
STORE = "store"
"""The dimension whose labels are the stores themselves."""

_OF_WEEKDAYS = frozenset({"day", "iso_week"})
_GROWTHS = ("growth", "growth_rate", "change_percent", "percent_change", "change_pct")
_CHANGES = ("change", *_GROWTHS)


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate to compute: a metric with SQL of its own, at a source, in a period."""

    metric: Metric
    source: Source
    of: Comparison | None

    @property
    def key(self) -> tuple[str, Comparison | None]:
        """Return what a formula refers to it by."""
        return self.metric.name, self.of


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read and how to answer."""

    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...]
    conditions: tuple[Condition, ...]
    measures: tuple[Measure, ...]
    order: tuple[MetricOrder, ...]
    query: MetricQuery
    unranked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Labels of a dimension that an order by a metric puts last: days of theirs are missing."""
    missing_days: int = 0
    reads_sums: bool = True
    places: Places | None = None
    """Of the caller's stores; without it they are where the domain is."""

    @property
    def is_converted(self) -> bool:
        """Whether some figure is computed from amounts in another currency than the answer's."""
        sql = (sql for measure in self.measures for sql in measure.metric.expressions.values())
        return self.places is not None and is_converted(sql, self.places)

    @property
    def is_of_period(self) -> bool:
        """Whether anything in it depends on the period of the question."""
        return any(measure.source.moment for measure in self.measures)

    @property
    def is_ranking_of_stores(self) -> bool:
        """Whether stores of a period are compared, some of which may have closed within it."""
        return self.is_of_period and any(each.name == STORE for each in self.dimensions)

    def period(self, of: Comparison | None) -> Period:
        """Return the days of the question itself, or of what it is compared with."""
        split = [*self.dimensions, *(condition.dimension for condition in self.conditions)]
        return _period(self.query, self.query.period, split, of)


def _period(
    query: MetricQuery, period: Period, split: Sequence[Dimension], of: Comparison | None
) -> Period:
    if of is None:
        return period
    if of is Comparison.PREVIOUS_PERIOD:
        return period.previous()
    if of is Comparison.PREVIOUS_YEAR_DATE:
        return period.previous_year_date()
    # A day or a week has its counterpart 364 days before, whatever the period is made of.
    if any(_keeps_weekdays(dimension, query) for dimension in split):
        return period.same_weekdays()
    return period.previous_year()


def _keeps_weekdays(dimension: Dimension, query: MetricQuery) -> bool:
    """Whether the labels are those of days or whole weeks."""
    if dimension.is_fiscal:
        return query.fiscal is not None and query.fiscal.has_weeks
    return dimension.name in _OF_WEEKDAYS


def plan(
    query: MetricQuery,
    catalogue: Catalogue,
    *,
    reads_sums: bool = True,
    places: Places | None = None,
) -> Plan:
    """Resolve a question against the catalogue.

    Each part of a metric is read from the coarsest source that answers the question. Without
    `reads_sums` it is one of the facts. `places` are those of the caller's stores.

    Raises:
        InvalidInput: a name, value or combination is not one that the catalogue allows.
    """
    _check_sizes(query)
    metrics = _unique([catalogue.metric(name) for name in query.metrics])
    dimensions = _unique([catalogue.dimension(name) for name in query.dimensions])
    conditions = tuple(read_condition(each, catalogue) for each in query.filters)
    split = [*dimensions, *(condition.dimension for condition in conditions)]
    _check_fiscal(split, query)
    measures: dict[tuple[str, Comparison | None], Measure] = {}
    for metric in metrics:
        for name, year in catalogue.base_metrics(metric):
            of = Comparison.PREVIOUS_YEAR if year else query.alone
            for each in _unique([of, *([query.compare] if query.compare else [])]):
                wanted = _Wanted(query, dimensions, split, each, reads_sums, places)
                source = _source(name, metric, wanted, catalogue)
                measure = Measure(catalogue.metrics[name], source, each)
                _check_comparison(measure, metric, split, year=year, query=query)
                measures.setdefault(measure.key, measure)
    return Plan(
        metrics=metrics,
        dimensions=dimensions,
        conditions=conditions,
        measures=tuple(measures.values()),
        order=_order(query, metrics, dimensions),
        query=query,
        reads_sums=reads_sums,
        places=places,
    )


def answer_names(metric: Metric, compare: Comparison | None) -> list[str]:
    """Return the columns that a metric takes in an answer."""
    if compare is None:
        return [metric.name]
    names = [metric.name, f"{metric.name}_previous", f"{metric.name}_change"]
    return names if metric.unit == "percent" else [*names, f"{metric.name}_change_percent"]


def _check_sizes(query: MetricQuery) -> None:
    if not 1 <= len(query.metrics) <= MAX_METRICS:
        raise InvalidInput(
            f"metrics: 1 to {MAX_METRICS} are answered at once.", hint="Send several calls."
        )
    if len(query.dimensions) > MAX_DIMENSIONS:
        raise InvalidInput(
            f"dimensions: at most {MAX_DIMENSIONS}.", hint="Filter instead of splitting further."
        )
    if len(query.filters) > MAX_FILTERS:
        raise InvalidInput(f"filters: at most {MAX_FILTERS}.", hint="Use `in` for many values.")


def _unique(given: Sequence[T]) -> tuple[T, ...]:
    # By identity: each is the catalogue's own, and not all of them can be hashed.
    return tuple({id(each): each for each in given}.values())


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a source has to answer: a question in one of its periods."""

    query: MetricQuery
    dimensions: Sequence[Dimension]
    split: Sequence[Dimension]
    """The dimensions, and those of the filters."""
    of: Comparison | None
    reads_sums: bool
    places: Places | None

    def fits(self, source: Source, expression: str) -> bool:
        """Whether the source has each dimension, and sums of units in the period."""
        if not all(source.name in dimension.sources for dimension in self.split):
            return False
        if source.sums is None:
            return True
        if source.sums != "day" and self._converts(expression):
            return False  # a rate is that of a day
        is_required = source.requires is None or (
            source.requires in {dimension.name for dimension in self.dimensions}
            and not self.query.with_totals
        )
        return self.reads_sums and is_required and self._has_units(source)

    def _converts(self, expression: str) -> bool:
        return self.places is not None and SALE_RATE in expression and self.places.converts_sales

    def _has_units(self, source: Source) -> bool:
        if source.sums not in SUMMED_UNITS:
            return True
        period = _period(self.query, self.query.period, self.split, self.of)
        if source.sums == "month" and period.days_earlier and self._is_split_by_time():
            return False  # a month that is moved by days has labels of two months
        return pieces(period, source.sums, None).has_whole_units

    def _is_split_by_time(self) -> bool:
        return any(dimension.is_of_time for dimension in self.split)


def _source(name: str, asked: Metric, wanted: _Wanted, catalogue: Catalogue) -> Source:
    metric, split = catalogue.metrics[name], wanted.split
    for source_name, source in catalogue.sources.items():
        expression = metric.expressions.get(source_name)
        if expression is not None and wanted.fits(source, expression):
            return source
    allowed = [
        dimension.name
        for dimension in catalogue.dimensions.values()
        if any(source in dimension.sources for source in metric.expressions)
    ]
    refused = next(
        (d.name for d in split if d.name not in allowed), " and ".join(d.name for d in split)
    )
    raise InvalidInput(
        f"dimensions: {asked.name} cannot be split or filtered by {refused}.",
        hint=f"{asked.name} goes with: {', '.join(allowed)}. Query other metrics separately.",
    )


def _check_comparison(
    measure: Measure,
    metric: Metric,
    split: Sequence[Dimension],
    *,
    year: str | None,
    query: MetricQuery,
) -> None:
    compare = query.compare
    if compare is not None and year:
        raise InvalidInput(
            f"compare: {metric.name} is itself a comparison.", hint="Leave out compare."
        )
    if compare is not None and measure.source.moment is None:
        raise InvalidInput(
            f"compare: {metric.name} is known as of now, not for the past.",
            hint="Leave out compare, or query it separately.",
        )
    if measure.of is None:
        return
    moving = [dimension.name for dimension in split if dimension.is_of_time]
    fixed = [
        d.name
        for d in split
        if d.is_of_time and not _has_counterpart(d, query, is_of_formula=bool(year))
    ]
    if measure.of is Comparison.PREVIOUS_PERIOD and moving:
        raise InvalidInput(
            f"compare: {moving[0]} has no label in the previous period.",
            hint="Compare with previous_year, or leave the dimension out.",
        )
    if fixed:
        raise InvalidInput(
            f"compare: {fixed[0]} has no label of its own a year earlier.",
            hint="Use month, quarter or year.",
        )


def _has_counterpart(dimension: Dimension, query: MetricQuery, *, is_of_formula: bool) -> bool:
    """Whether each label has one of its own a year earlier."""
    if dimension.is_same_a_year_later or (
        dimension.is_fiscal and not _keeps_weekdays(dimension, query)
    ):
        return True
    is_by_weekday = query.compare is Comparison.PREVIOUS_YEAR or dimension.name == "day"
    return is_by_weekday and not is_of_formula


def _check_fiscal(split: Sequence[Dimension], query: MetricQuery) -> None:
    for dimension in split:
        if dimension.is_fiscal and query.fiscal is None:
            raise InvalidInput(
                f"dimensions: {dimension.name} needs fiscal years, and none are defined.",
                hint="Use iso_week, month, quarter or year.",
            )
        if dimension.name == "fiscal_week" and not _keeps_weekdays(dimension, query):
            raise InvalidInput(
                "dimensions: the fiscal years here are made of months and have no weeks.",
                hint="Use iso_week, fiscal_month, fiscal_quarter or fiscal_year.",
            )


def _lacking(name: str, metrics: Sequence[Metric], compare: Comparison | None) -> str:
    """Return what a question needs besides, to be sorted by a name that its answer lacks."""
    compared = [
        each for metric in metrics for each in answer_names(metric, Comparison.PREVIOUS_YEAR)
    ]
    if compare is None and (name in compared or name in _CHANGES):
        return "It needs compare, such as compare: previous_year. "
    return ""


def _order(
    query: MetricQuery, metrics: Sequence[Metric], dimensions: Sequence[Dimension]
) -> tuple[MetricOrder, ...]:
    known = [dimension.name for dimension in dimensions]
    aliases = {alias: metric.name for metric in metrics for alias in metric.aliases}
    aliases |= {alias: dimension.name for dimension in dimensions for alias in dimension.aliases}
    for metric in metrics:
        known += answer_names(metric, query.compare)
    if len(metrics) == 1 and query.compare is not None:
        last = known[-1]  # the change in percent, or in points of a percentage
        aliases |= {"change": f"{metrics[0].name}_change", **dict.fromkeys(_GROWTHS, last)}
    order = []
    for key in query.order_by:
        name = key.by.strip().lower()
        name = aliases.get(name, name)
        if name not in known:
            raise InvalidInput(
                f"order_by: {key.by[:60]!r} is not in the answer.",
                hint=f"{_lacking(name, metrics, query.compare)}Use {', '.join(known)}.",
            )
        order.append(MetricOrder(name, key.is_descending))
    if order:
        return tuple(order)
    labelled = [dimension for dimension in dimensions if dimension.pattern is not None]
    if labelled:  # a series reads from the past to the present
        return tuple(MetricOrder(dimension.name, is_descending=False) for dimension in labelled)
    return (MetricOrder(metrics[0].name),)
