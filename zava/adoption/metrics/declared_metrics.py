"""What a declaration defines of metrics, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TIME_TYPES = ("date", "timestamp", "timestamptz")
"""The types that a metric's column of time may have, as a declaration writes them."""


@dataclass(frozen=True, slots=True)
class DeclaredJoin:
    """The way from each row of a table to at most one row of another: `columns` equal `keys`."""

    name: str
    table: str
    columns: tuple[str, ...]
    to: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeclaredDimension:
    """A column by which metrics are split and filtered."""

    name: str
    table: str
    column: str
    description: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredMetric:
    """One metric: an aggregate over the rows of `table`, or a `ratio` of two other metrics.

    `expression` is the text of the file. Without `time` the metric is known as of now.
    `additive_over` are dimensions whose groups add up to the total. `audiences` may query it;
    an empty list stands for all of them.
    """

    name: str
    label: str
    unit: str
    description: str = ""
    table: str = ""
    expression: str = ""
    time: str | None = None
    time_type: str = "timestamptz"
    ratio: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    additive_over: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredMeaning:
    """The metrics of a declaration with their dimensions and the joins that lead to these."""

    metrics: Mapping[str, DeclaredMetric] = field(default_factory=dict)
    dimensions: Mapping[str, DeclaredDimension] = field(default_factory=dict)
    joins: Mapping[str, DeclaredJoin] = field(default_factory=dict)
