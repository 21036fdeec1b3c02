"""The frozen values of the domain, shared by every layer."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Audience(StrEnum):
    """Who is asking, as the database knows it: each value is the name of a database role."""

    STORE_MANAGERS = "store_managers"
    REGIONAL_MANAGERS = "regional_managers"
    HEAD_OFFICE = "head_office"


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or application whose token was verified; what it may see, the database decides.

    `tenant_id` and `object_id` are the directory's (`tid`, `oid`), never a store's.
    """

    tenant_id: UUID
    object_id: UUID


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
    is empty.
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
