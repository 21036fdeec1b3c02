"""The frozen values of the domain, shared by every layer."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from zava.model.audiences import Audience, Permission, ReadingRole

if TYPE_CHECKING:
    from zava.model.sql_findings import Finding


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or application whose token was verified; what it may see, the database decides.

    `tenant_id` and `object_id` are the directory's (`tid`, `oid`), never a store's. They alone
    are the identity. `identity` is both in 32 bytes, as a key. The token also has the tools
    that it allows, and the id of the client that it was issued to.
    """

    tenant_id: UUID
    object_id: UUID
    permissions: frozenset[Permission] = field(default=frozenset(), compare=False)
    client_id: str = field(default="", compare=False)
    identity: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Join the identity once: hashing two UUIDs costs more than what is looked up by them."""
        object.__setattr__(self, "identity", self.tenant_id.bytes + self.object_id.bytes)


@dataclass(slots=True)
class CallRecord:
    """The audit's record of one call of a caller; each layer fills in its part.

    `store_ids` are the verified scope's. `row_count` and `byte_count` are the size of the
    database's answer, never its content. A call that was refused for its cost is charged a whole
    deadline in `database_seconds`. `trace_id` is the client's, None if the client sent none.
    `server` is where its statements read, once there is a standby. All of them read on one server,
    so none reads older data than the one before it. `is_admitted`: the primary has compared its
    budgets.
    """

    caller: Caller
    tool: str
    client_name: str = ""
    call_id: UUID = field(default_factory=uuid4)
    called_at: datetime = field(default_factory=partial(datetime.now, UTC))
    started: float = field(default_factory=time.monotonic)
    is_recorded: bool = False
    is_admitted: bool = False
    server: str = ""
    fingerprint: str | None = None
    audience: Audience | None = None
    store_ids: tuple[str, ...] | None = None
    row_count: int = 0
    byte_count: int = 0
    database_seconds: float = 0.0
    is_refused_for_cost: bool = False
    outcome: str = ""
    correlation_id: str = ""
    trace_id: str | None = None


def caller_of_subject(issuer: str, subject: str) -> Caller:
    """Return the ids of a person of an issuer that is not Microsoft Entra ID.

    They are UUIDs of version 8 (RFC 9562), made of a hash: none equals an id of Entra, which are
    of version 4.
    """
    return Caller(_hashed(issuer), _hashed(f"{issuer}\0{subject}"))


def _hashed(text: str) -> UUID:
    value = int.from_bytes(sha256(text.encode()).digest()[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76  # the version
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)  # the variant


@dataclass(frozen=True, slots=True)
class TenantWords:
    """How sentences name the tenants of a database that another application owns."""

    one: str
    many: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What one answer could see: `stores` in name order, out of `store_count` in all.

    `reads_personal`: also names, e-mail and phone of customers. With `words` the stores are other
    tenants: `stores` has the first ones, and `store_count` counts those of the scope alone.
    `zones` and `currencies` are those of the stores, none where the tenants have no such columns.
    """

    audience: Audience
    stores: tuple[str, ...]
    store_count: int
    reads_personal: bool = False
    words: TenantWords | None = None
    zones: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()

    @property
    def role(self) -> ReadingRole:
        """Return the database role that read it."""
        return self.audience.reading_role(reads_personal=self.reads_personal)


@dataclass(frozen=True, slots=True)
class Column:
    """One output column; `type` is PostgreSQL's name of it (`numeric`, `timestamp with time zone`).

    `is_outside_text` marks text that customers or suppliers wrote: data, never instructions.
    `most_digits` is what a table allows each number of it, None where nothing bounds them.
    """

    name: str
    type: str
    is_outside_text: bool = False
    most_digits: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one statement in column order, and the scope in which they were read.

    Cells are JSON values: numbers that survive a double exactly stay numbers, all others are
    strings; dates are ISO 8601. `truncated` is None, "rows" or "bytes". `notes` state why an answer
    is empty, and how to continue a cut one. `findings` are those of the statement.
    """

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    truncated: str | None
    scope: Scope
    as_of: datetime
    notes: tuple[str, ...] = ()
    findings: "tuple[Finding, ...]" = ()


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
    """One readable column; `values` lists the only values a checked enumeration admits.

    `base` is the type of the values where the column's own is an enumeration or a domain.
    """

    name: str
    type: str
    is_nullable: bool
    comment: str | None
    values: tuple[str, ...] = ()
    base: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of this table point at `references` of `table`, pairwise."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """What one principal has used of its budgets, over all instances; 0 means no limit.

    Calls are those of the clock's minute, database seconds those of its hour.
    """

    calls: int
    calls_per_minute: int
    minute_seconds_left: int
    database_seconds: float
    database_seconds_per_hour: int
    hour_seconds_left: int
    calls_at_once: int


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
    """The costliest shapes of one process's statements; `evicted` statements made room."""

    statements: int
    shapes: int
    evicted: int
    slow_seconds: float
    costliest: tuple[QueryStatistics, ...]
