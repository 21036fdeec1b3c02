"""What is measured, under the source design's names, and the closed set behind each label."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

OTHER = "other"
OPERATIONS = {
    "read_resource",
    "complete",
    "request",  # whatever fails outside of these
    OTHER,
}
"""The operations that are counted by name: those of every server, and the tools of this one."""


def declare_operations(names: Iterable[str]) -> None:
    """Count the tools of these names by name; the composition root declares them, never a call."""
    OPERATIONS.update(names)


class ErrorType(StrEnum):
    """Why an operation failed, as a label."""

    VALIDATION = "validation"
    AUTHORIZATION = "authorization"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    DATABASE = "database"
    BUSY = "busy"
    EMBEDDINGS = "embeddings"
    CANCELLED = "cancelled"
    UNEXPECTED = "unexpected"


class QueryType(StrEnum):
    """Who wrote a statement: a caller's model, or this project."""

    FREE = "free"
    OWN = "own"


class QueryStatus(StrEnum):
    """How a statement ended."""

    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    DENIED = "denied"
    BUSY = "busy"
    CANCELLED = "cancelled"


class CacheType(StrEnum):
    """What a cache holds."""

    QUERY = "query"
    EMBEDDING = "embedding"
    SCHEMA = "schema"


class Refusal(StrEnum):
    """Why a request was refused before any work was done for it."""

    NO_TOKEN = "no_token"  # noqa: S105  # a label
    BAD_TOKEN = "bad_token"  # noqa: S105  # a label
    NO_CAPACITY = "no_capacity"
    SHARE_TAKEN = "share_taken"
    NO_DATABASE = "no_database"


class StandbyRefusal(StrEnum):
    """Why a statement that may run on the standby ran on the primary."""

    LATE = "late"
    PROMOTED = "promoted"
    UNREACHABLE = "unreachable"
    CONFLICT = "conflict"
    UNPROVEN = "unproven"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Instrument:
    """A count, or a distribution in seconds; `labels` gives each label's possible values."""

    name: str
    kind: Literal["counter", "histogram"]
    labels: tuple[tuple[str, AbstractSet[str]], ...]
    description: str


_OPERATION = ("operation", OPERATIONS)
_QUERY = ("type", frozenset(QueryType))
_STATUS = ("status", frozenset(QueryStatus))
_CACHE = ("type", frozenset(CacheType))

INSTRUMENTS = {
    instrument.name: instrument
    for instrument in (
        Instrument("query_total", "counter", (_QUERY, _STATUS), "Statements run for callers."),
        Instrument("query_duration", "histogram", (_QUERY, _STATUS), "Time a statement took."),
        Instrument("operation_success", "counter", (_OPERATION,), "Operations that answered."),
        Instrument(
            "operation_error",
            "counter",
            (_OPERATION, ("type", frozenset(ErrorType))),
            "Operations that failed, by why.",
        ),
        Instrument(
            "operation_duration", "histogram", (_OPERATION,), "Time an operation took, either way."
        ),
        Instrument("cache_hit", "counter", (_CACHE,), "Answers found in a cache."),
        Instrument("cache_miss", "counter", (_CACHE,), "Answers not found in a cache."),
        Instrument(
            "pool_wait_duration", "histogram", (), "Time a statement waited for a connection."
        ),
        Instrument(
            "request_refused",
            "counter",
            (("reason", frozenset(Refusal)),),
            "Requests refused before any work was done for them.",
        ),
        Instrument("query_retry", "counter", (), "Statements repeated after a passing fault."),
        Instrument("database_given_up", "counter", (), "Times that the circuit opened."),
        Instrument("standby_lag", "histogram", (), "Lag of the standby, at each statement on it."),
        Instrument(
            "standby_refusal",
            "counter",
            (("reason", frozenset(StandbyRefusal)),),
            "Statements that ran on the primary, because the standby could not answer.",
        ),
        Instrument("orders_late", "counter", (), "Minutes in which the newest order was too old."),
        Instrument("slow_query", "counter", (_QUERY,), "Statements over the threshold."),
    )
}
