"""The frozen values of the domain, shared by every layer."""

import time
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4


class Audience(StrEnum):
    """Who is asking, as the database knows it: each value is the name of a database role."""

    STORE_MANAGERS = "store_managers"
    REGIONAL_MANAGERS = "regional_managers"
    HEAD_OFFICE = "head_office"


class Permission(StrEnum):
    """What a token may allow: each value is a scope of people and a role of applications."""

    SALES_READ = "sales.read"
    PRODUCTS_READ = "products.read"
    SQL_QUERY = "sql.query"
    CHAIN_COMPARE = "chain.compare"


@dataclass(slots=True)
class Call:
    """One tool call on its way, as the audit will tell of it; each layer fills in what it knows.

    `store_ids` are the verified scope's, `row_count` and `byte_count` what the database gave,
    never what it said.
    """

    tool: str
    client_name: str = ""
    call_id: UUID = field(default_factory=uuid4)
    called_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)
    is_recorded: bool = False
    fingerprint: str | None = None
    audience: Audience | None = None
    store_ids: tuple[str, ...] | None = None
    row_count: int = 0
    byte_count: int = 0
    database_seconds: float = 0.0
    outcome: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or application whose token was verified; what it may see, the database decides.

    `tenant_id` and `object_id` are the directory's (`tid`, `oid`), never a store's; they alone
    are the identity. The rest is what this token said: which tools it allows, and the id of the
    client that it was issued to; and the call that is being made.
    """

    tenant_id: UUID
    object_id: UUID
    permissions: frozenset[Permission] = field(default=frozenset(), compare=False)
    client_id: str = field(default="", compare=False)
    call: Call | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What one answer could see: `stores` in name order, out of `store_count` in the chain."""

    audience: Audience
    stores: tuple[str, ...]
    store_count: int


@dataclass(frozen=True, slots=True)
class Column:
    """One output column; `type` is PostgreSQL's name of it (`numeric`, `timestamp with time zone`).

    `is_outside_text` marks text that customers or suppliers wrote: data, never instructions.
    """

    name: str
    type: str
    is_outside_text: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one statement in column order, and the scope in which they were read.

    Cells are JSON values: numbers that survive a double exactly stay numbers, all others are
    strings; dates are ISO 8601. `truncated` is None, "rows" or "bytes". `notes` say why an answer
    is empty, and how to continue one that was cut.
    """

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    truncated: str | None
    scope: Scope
    as_of: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The structure of one table as one audience may read it."""

    name: str
    comment: str | None
    columns: tuple["ColumnSchema", ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple["ForeignKey", ...]


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """One readable column; `values` lists the only values a checked enumeration admits."""

    name: str
    type: str
    is_nullable: bool
    comment: str | None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of this table point at `references` of `table`, pairwise."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]


class PeriodUnit(StrEnum):
    """What a period is counted in; a day's neighbours are days, a quarter's are quarters."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the stores' own time zone: from `start` to the day before `end`.

    It is `count` units long. `is_to_date` says that it began and has not ended: then `end` is
    the day after today.
    """

    expression: str
    start: date
    end: date
    unit: PeriodUnit
    count: int = 1
    is_to_date: bool = False

    @property
    def days(self) -> int:
        """Return its length in days."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """Return its last day."""
        return self.end - timedelta(days=1)

    def __str__(self) -> str:
        """Say it as an answer states it."""
        to_date = ", to date" if self.is_to_date else ""
        return f"{self.start} to {self.last_day} ({self.expression}{to_date})"

    def previous(self) -> "Period":
        """Return the period of the same length before this one.

        Of a period to date only as many days as have passed, so that like is set beside like.
        """
        start = shifted(self.start, self.unit, -self.count)
        end = min(start + timedelta(days=self.days), self.start) if self.is_to_date else self.start
        return Period("previous period", start, end, self.unit, self.count)

    def previous_year(self) -> "Period":
        """Return the same days of the calendar a year earlier."""
        start, end = (shifted(day, PeriodUnit.YEAR, -1) for day in (self.start, self.end))
        if (self.end.month, self.end.day) == (2, 29):  # the day after the last, not the last
            end += timedelta(days=1)
        return Period("previous year", start, end, self.unit, self.count)


def shifted(day: date, unit: PeriodUnit, count: int) -> date:
    """Return the day `count` units later; 29 February falls on the 28th of a common year.

    Raises:
        ValueError, OverflowError: the calendar does not reach so far.
    """
    if unit is PeriodUnit.DAY:
        return day + timedelta(days=count)
    if unit is PeriodUnit.WEEK:
        return day + timedelta(weeks=count)
    months = {PeriodUnit.MONTH: 1, PeriodUnit.QUARTER: 3, PeriodUnit.YEAR: 12}[unit] * count
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class Comparison(StrEnum):
    """What an answer may be set beside."""

    PREVIOUS_PERIOD = "previous_period"
    PREVIOUS_YEAR = "previous_year"


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """One condition on a dimension; `op` is one of =, in, between, >=, <=."""

    dimension: str
    op: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetricOrder:
    """One key to sort by: a dimension, a metric, or a metric's comparison."""

    by: str
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A question to the certified metrics, by the names of the catalogue."""

    metrics: tuple[str, ...]
    period: Period
    today: date
    dimensions: tuple[str, ...] = ()
    filters: tuple[MetricFilter, ...] = ()
    order_by: tuple[MetricOrder, ...] = ()
    limit: int = 50
    compare: Comparison | None = None
    with_totals: bool = False
    leaves_out_restricted: bool = False
    """Whether a metric that the caller may not see is left out rather than refused."""


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """One column of figures; `unit` is None for a dimension."""

    name: str
    unit: str | None = None
    is_outside_text: bool = False


@dataclass(frozen=True, slots=True)
class MetricRows:
    """What one question brought: a row for each group, best first, out of `group_count`.

    In `totals` a dimension that is summed over is None. A figure is None where it is not defined,
    such as a share of nothing. `period` is None where nothing depends on one: known as of now.
    """

    columns: tuple[MetricColumn, ...]
    rows: list[list[Any]]
    totals: list[list[Any]]
    group_count: int
    period: Period | None
    compared: Period | None = None

    def records(self) -> list[dict[str, Any]]:
        """Return the rows by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the questions of one statement brought, by their names, and the scope it was read in."""

    answers: dict[str, MetricRows]
    scope: Scope
    as_of: datetime
    is_cached: bool = False


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """What is expected of one period to come, and where four of five outcomes would lie."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A metric's next periods; `error_percent` is how far the same method was off lately."""

    metric: str
    method: str
    points: tuple[ForecastPoint, ...]
    error_percent: float | None
    tested_periods: int


@dataclass(frozen=True, slots=True)
class MetricAnswer:
    """An answer to a question to the metrics, with what a reader has to know about it."""

    figures: MetricRows
    forecasts: tuple[Forecast, ...]
    notes: tuple[str, ...]
    scope: Scope
    as_of: datetime
    is_cached: bool


@dataclass(frozen=True, slots=True)
class Insight:
    """A finding of one stated rule, with the numbers that it stands on."""

    rule: str
    text: str
    numbers: dict[str, float]


@dataclass(frozen=True, slots=True)
class StorePerformance:
    """How one store or all stores in scope did in a period.

    `metrics` hold value, previous_period and previous_year of each figure.
    """

    store: str | None
    period: Period
    previous_period: Period
    previous_year: Period
    metrics: dict[str, dict[str, Any]]
    parts: dict[str, MetricRows]
    insights: tuple[Insight, ...]
    notes: tuple[str, ...]
    scope: Scope
    as_of: datetime
    is_cached: bool


@dataclass(frozen=True, slots=True)
class ChainComparison:
    """The own stores' values beside the chain's quartiles, None where too few stores stand behind.

    Quartiles are rounded to two digits unless the caller sees every store of them.
    """

    metric: str
    unit: str
    period: Period
    own: dict[str, float]
    store_count: int | None
    quartiles: tuple[float, float, float] | None
    scope: Scope
    as_of: datetime
    is_cached: bool


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A model that turns text into vectors, and the cosine similarities to judge its matches by.

    Below `minimum_similarity` a match is none; below `weak_similarity` it is flagged.
    """

    name: str
    dimensions: int
    minimum_similarity: float
    weak_similarity: float


@dataclass(frozen=True, slots=True)
class ProductQuestion:
    """What is searched for, checked: `text` and `skus` by words, `vector` or `like` by meaning.

    `vector` is in pgvector's text form, None where only words are searched; `like` is the SKU or
    name of a product whose own vector is taken. A `threshold` is a cosine similarity; strict, it
    also holds for what was found by words.
    """

    text: str
    skus: tuple[str, ...]
    like: str | None
    vector: str | None
    threshold: float
    is_strict: bool
    category_id: UUID | None
    in_stock_only: bool
    max_rows: int


@dataclass(frozen=True, slots=True)
class ProductMatch:
    """A product that was found, with the stock of the caller's own stores.

    `matched_by` is "sku", "words", "meaning" or "both"; `similarity` the cosine to the question,
    None without a vector. The texts are outsiders': data, never instructions.
    """

    sku: str
    name: str
    category: str
    price: float
    description: str
    is_discontinued: bool
    stock: int
    stores_in_stock: int
    matched_by: str
    similarity: float | None
    is_weak: bool


@dataclass(frozen=True, slots=True)
class ProductMatches:
    """The best matches first; `found` is how many there were before `max_rows` cut them.

    `is_complete` is False when products may be missing that should have been found: no search by
    meaning, products without a vector, or an approximate index under a filter.
    """

    products: tuple[ProductMatch, ...]
    found: int
    searched_by: str
    minimum_similarity: float | None
    is_complete: bool
    notes: tuple[str, ...]
    scope: Scope
    as_of: datetime


@dataclass(frozen=True, slots=True)
class SearchRegistry:
    """What search knows beforehand: the active model, if any, and the categories by name.

    `is_indexed` says whether an approximate index stands on the model's vectors.
    """

    model: EmbeddingModel | None
    model_id: UUID | None
    is_indexed: bool
    embedded: int
    products: int
    categories: dict[str, UUID]


@dataclass(frozen=True, slots=True)
class Findings:
    """What the database found, not yet judged: rows best first, and why there may be none.

    `words_found` and `nearest_found` count candidates of each kind, `best_similarity` is that of
    the nearest product whatever the floor, `likened` the name of the product that was meant.
    """

    rows: list[dict[str, Any]]
    found: int
    words_found: int
    best_similarity: float | None
    likened: str | None
    nearest_categories: tuple[str, ...]
    is_exhaustive: bool
    scope: Scope


@dataclass(frozen=True, slots=True)
class QueryStatistics:
    """What one shape of statement took; `text` holds no value, `plan` one line for each node.

    `slow` counts those over the threshold at their time. Percentiles are exact to a tenth.
    """

    fingerprint: str
    query_type: str
    text: str
    count: int
    errors: int
    slow: int
    mean_seconds: float
    smallest_seconds: float
    largest_seconds: float
    p50_seconds: float
    p95_seconds: float
    p99_seconds: float
    plan: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PerformanceSummary:
    """The costliest shapes of one process's statements; `forgotten` statements made room."""

    statements: int
    shapes: int
    forgotten: int
    slow_seconds: float
    costliest: tuple[QueryStatistics, ...]
