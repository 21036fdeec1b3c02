"""Report the audit of a period: calls by person, denied calls, unusual breadth.

The report reads as `zava_audit`, the one role that may. A call whose outcome is missing (its
process was killed) is counted under the outcome UNKNOWN.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg

_UNUSUAL_FACTOR = 5
_UNUSUAL_ROWS, _UNUSUAL_STATEMENTS, _UNUSUAL_REFUSALS = 1000, 50, 10

# One row a call: the outcome's repeats the intent's, and sorts behind it.
_CALLS = """
WITH call AS (
  SELECT DISTINCT ON (call_id)
         a.*, coalesce(p.display_name, a.tenant_id || '/' || a.object_id) AS who,
         coalesce(a.outcome, 'UNKNOWN') AS ended
  FROM zava.audit_log AS a
  LEFT JOIN zava.principals AS p USING (tenant_id, object_id)
  WHERE a.called_at >= statement_timestamp() - make_interval(hours => %(hours)s)
  ORDER BY call_id, phase DESC
)
"""
_BY_PERSON = """
SELECT who, count(*), count(*) FILTER (WHERE ended = 'AUTHORIZATION_ERROR'),
       count(*) FILTER (WHERE ended = 'UNKNOWN'),
       count(*) FILTER (WHERE ended = 'REFUSED_FOR_COST'), count(DISTINCT fingerprint),
       coalesce(sum(row_count), 0)::bigint, coalesce(sum(byte_count), 0)::bigint,
       coalesce(sum(database_milliseconds), 0) / 1000, max(called_at)
FROM call GROUP BY who ORDER BY count(*) DESC, who
"""
_DENIED = """
SELECT called_at, who, tool, fingerprint, client_name, correlation_id, trace_id
FROM call WHERE ended = 'AUTHORIZATION_ERROR' ORDER BY called_at, call_id
"""
_OF_TRACE = """
SELECT called_at, who, tool, ended, client_name, coalesce(correlation_id, '')
FROM call WHERE trace_id = %(trace_id)s ORDER BY called_at, call_id
"""


@dataclass(frozen=True, slots=True)
class PrincipalCalls:
    """One principal's calls; `rows` and `bytes` are what the database gave."""

    who: str
    calls: int
    denied: int
    unknown: int
    refused_for_cost: int
    statements: int
    rows: int
    bytes: int
    database_seconds: float
    last_called_at: datetime


@dataclass(frozen=True, slots=True)
class Denied:
    """One call that was not allowed."""

    called_at: datetime
    who: str
    tool: str
    fingerprint: str | None
    client_name: str
    correlation_id: str
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Traced:
    """One call of a client's trace; `correlation_id` is empty where the outcome is missing."""

    called_at: datetime
    who: str
    tool: str
    outcome: str
    client_name: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The audit of the last `hours`; `unusual` names people and why they stand out."""

    hours: int
    people: tuple[PrincipalCalls, ...]
    denied: tuple[Denied, ...]
    unusual: tuple[str, ...]


def read_audit(connection: psycopg.Connection, *, hours: int) -> AuditReport:
    """Read the audit of the last hours; `connection` is an administrator's."""
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_audit")
        people = [
            PrincipalCalls(*row)
            for row in connection.execute(_CALLS + _BY_PERSON, {"hours": hours})
        ]
        denied = [Denied(*row) for row in connection.execute(_CALLS + _DENIED, {"hours": hours})]
    return AuditReport(hours, tuple(people), tuple(denied), tuple(_unusual(people)))


def read_trace(connection: psycopg.Connection, trace_id: str, *, hours: int) -> list[Traced]:
    """Read the calls of one client's trace; `connection` is an administrator's."""
    values = {"hours": hours, "trace_id": trace_id}
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_audit")
        return [Traced(*row) for row in connection.execute(_CALLS + _OF_TRACE, values)]


def _unusual(people: list[PrincipalCalls]) -> list[str]:
    """Return who read or called far more than most: five times the median, and a great deal."""
    found = []
    for what, least, amounts in (
        ("rows", _UNUSUAL_ROWS, [person.rows for person in people]),
        ("different statements", _UNUSUAL_STATEMENTS, [person.statements for person in people]),
    ):
        # The lower of the two in the middle, so that one of two people can stand out.
        median = sorted(amounts)[(len(amounts) - 1) // 2] if amounts else 0
        found += [
            f"{person.who}: {amount:,} {what}, the median is {median:,}"
            for person, amount in zip(people, amounts, strict=True)
            if len(people) > 1 and amount >= max(least, _UNUSUAL_FACTOR * median)
        ]
    return found + [
        f"{person.who}: {person.refused_for_cost:,} statements refused for their cost"
        for person in people
        if person.refused_for_cost >= _UNUSUAL_REFUSALS
    ]
