"""Read the results of one round trip, and raise the first error among them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from psycopg import OperationalError, errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from zava.errors import Busy
from zava.model.audiences import Audience, Audiences, Breadth, ReadingRole
from zava.model.core import Caller, Scope, TenantWords

# An element of an array as PostgreSQL writes it: in quotes with escapes, or plain.
_ARRAY_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",{}]+)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MOST_NAMED = 20

Results = Sequence[tuple[str, PGresult]]
"""The result of each command, under the name of its step."""


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What one runner's call brought back.

    `lines` are the runner's rows as UTF-8 JSON without the scope line, or as text of `width` cells
    (`zava.rows_as_text`). `scope` is the verified scope text, never parsed from anything the
    statement wrote.
    """

    description: PGresult | None
    scope: str
    lines: Sequence[bytes]
    truncated: str | None
    width: int

    @property
    def is_text(self) -> bool:
        """Return whether the rows came as text: each begins with a number, not with a brace."""
        return bool(self.lines) and not self.lines[0].startswith(b"{")


@dataclass(frozen=True, slots=True)
class EffectiveAccess:
    """What a caller may see now: `scope_hash` identifies role and scope, `data_version` its state.

    `scope` is the verified scope text, for the audit. `reach` states, as JSON, how far the orders
    of its stores are loaded.
    """

    role: ReadingRole
    scope_hash: str
    data_version: str
    scope: str = ""
    reach: str = "{}"

    @property
    def audience(self) -> Audience:
        """Return the audience of the role."""
        return self.role.audience

    def of_token(self, caller: Caller) -> "EffectiveAccess":
        """Return what of it the caller's token allows."""
        role = self.role.of_token(caller.permissions)
        if role is self.role:
            return self
        return replace(self, role=role, scope_hash=scope_hash(role, self.scope))


@dataclass(frozen=True, slots=True)
class CountedUsage:
    """What the database has counted of a caller's budgets, and when it counts anew."""

    effective_access: EffectiveAccess
    calls: int
    milliseconds: float
    minute_seconds_left: int
    hour_seconds_left: int


def scope_hash(role: ReadingRole, scope: str) -> str:
    """Return by what role and stores are compared, as `zava.scope` computes it."""
    return sha256(f"{role}|{scope}".encode()).hexdigest()


def tenants_of(audience: Audience, scope: str) -> tuple[str, ...]:
    """Return the keys of the tenants in a verified scope text; a key may be any text."""
    if audience.breadth is Breadth.ONE:
        return (scope,) if scope else ()
    if '"' not in scope:
        return tuple(filter(None, scope.strip("{}").split(",")))
    return tuple(
        plain or _ESCAPED.sub(r"\1", quoted) for quoted, plain in _ARRAY_ELEMENT.findall(scope)
    )


def in_words(scope: Scope, words: TenantWords | None, verified: str) -> Scope:
    """Return a scope in the words of a domain whose tenants are no stores.

    Without labels that the caller may read, the keys of the verified scope text stand for them.
    """
    if words is None:
        return scope
    if scope.audience.breadth is Breadth.ALL:
        return replace(scope, stores=(), store_count=0, words=words)
    tenants = tenants_of(scope.audience, verified)
    named = (scope.stores or tenants)[:_MOST_NAMED]
    return replace(scope, stores=named, store_count=len(tenants), words=words)


def read_statement_result(results: Results, width: int = 0) -> StatementResult:
    """Read the results of one call, whose runner was given this number of columns.

    Raises:
        psycopg.Error: the first error among the results, or the exchange ended early.
        Busy: the audit records could not be written, so the statement did not run.
    """
    by_step = _by_step(results, "run")
    ran = by_step["run"]
    lines = [ran.get_value(row, 0) or b"" for row in range(ran.ntuples)]
    truncated = None
    # The first line is the scope, whose key may be any text. A row begins with a brace or a number.
    if len(lines) > 1 and lines[-1].startswith(b"truncated:"):
        truncated = lines.pop().removeprefix(b"truncated:").decode()
    description, scope = by_step.get("describe"), lines[0].decode()
    return StatementResult(description, scope, lines[1:], truncated, width)


def read_parts(results: Results, scope: str, truncated: str | None) -> StatementResult:
    """Read the results of a call whose rows were taken in parts; `scope` came first among them.

    Raises:
        psycopg.Error: the first error among the results, or the exchange ended early.
        Busy: the audit records could not be written, so the statement did not run.
    """
    by_step = _by_step(results, "run")
    return StatementResult(by_step.get("describe"), scope, (), truncated, 0)


def read_plan(results: Results) -> str:
    """Read what the planner would do with a signed call, a line a step.

    Raises:
        psycopg.Error: the first error among the results, or the exchange ended early.
        Busy: the audit records could not be written.
    """
    return (_by_step(results, "plan")["plan"].get_value(0, 0) or b"").decode()


def read_access(results: Results, audiences: Audiences) -> EffectiveAccess:
    """Read what the caller may see.

    Raises:
        psycopg.Error: the first error among the results, or the exchange ended early.
        Busy: the audit records could not be written.
    """
    told = _values(_by_step(results, "scope")["scope"])
    role, hashed, data_version, scope, reach = told
    return EffectiveAccess(audiences.role(role), hashed, data_version, scope, reach)


def read_usage(results: Results, audiences: Audiences) -> CountedUsage:
    """Read what the caller has used of the budgets, with the access that came first.

    Raises:
        psycopg.Error: the first error among the results, or the exchange ended early.
        Busy: the audit records could not be written.
    """
    calls, milliseconds, minute, hour = _values(_by_step(results, "used")["used"])
    return CountedUsage(
        read_access(results, audiences), int(calls), float(milliseconds), int(minute), int(hour)
    )


def read_admission(results: Results, needed: str) -> None:
    """Read whether the primary lets a call run on a standby.

    Raises:
        psycopg.Error: the budget is used up, or the exchange ended early.
        Busy: the audit records could not be written, so the statement must not run.
    """
    _by_step(results, needed)


def standby_lag(results: Results) -> float:
    """Return the seconds by which the standby lagged that a call ran on."""
    return float(_by_step(results, "standby")["standby"].get_value(0, 0) or 0)


def read_working(results: Results) -> set[str]:
    """Read which calls still have a working backend.

    Raises:
        psycopg.Error: the first error among the results, or the exchange ended early.
    """
    told = _by_step(results, "working")["working"]
    return {(told.get_value(row, 0) or b"").decode() for row in range(told.ntuples)}


def _by_step(results: Results, needed: str) -> dict[str, PGresult]:
    """Return each step's result; raise the first error, or that the needed one never came."""
    by_step = {}
    for step, result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            if step == "record":
                _raise_unrecorded(result)
            raise_error(result)
        by_step[step] = result
    if needed not in by_step:
        raise OperationalError("the server ended the exchange early")
    return by_step


def _values(told: PGresult) -> tuple[str, ...]:
    """Return the text of each column of the first row."""
    return tuple((told.get_value(0, column) or b"").decode() for column in range(told.nfields))


def raise_error(result: PGresult) -> None:
    """Raise the server's error, with its SQLSTATE, when the result is one."""
    if result.status == ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(result)


def _raise_unrecorded(result: PGresult) -> None:
    raise Busy(
        "The audit record could not be written, so the statement was not run.",
        hint="Try again in a few seconds; then report it.",
    ) from errors.error_from_result(result)
