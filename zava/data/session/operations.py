"""What may run for a caller: a statement, its plan, or the entry alone.

Each operation adds its commands to one round trip and reads its own result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import orjson

from zava.data.session.audit_writer import AuditWriter
from zava.data.session.pipeline import Bounds, Pipeline
from zava.data.session.results import (
    CountedUsage,
    EffectiveAccess,
    Results,
    StatementResult,
    read_access,
    read_plan,
    read_statement_result,
    read_usage,
)
from zava.data.session.signed_context import ContextSigner, SignedCall
from zava.data.usage.budgets import Budgets
from zava.model.audiences import CUSTOMERS_READ, Audiences, ReadingRole
from zava.model.core import Caller

MAX_ANSWER_BYTES = 1024 * 1024

_OWN_MAX_ROWS = 1000
_ENTRY = "scope"  # the text that a call of the entry alone signs

Result = TypeVar("Result", covariant=True)  # noqa: PLC0105  # one word for what an operation reads


@dataclass(frozen=True, slots=True)
class Terms:
    """For whom an operation runs now, in which role, and by what it is signed and admitted.

    `milliseconds` is the statement's deadline, None where the login's own holds. `is_admitted`
    marks a call on a standby: the primary has compared its budgets, which no standby can read.
    """

    caller: Caller
    role: ReadingRole
    milliseconds: int | None
    signer: ContextSigner
    budgets: Budgets
    trail: AuditWriter
    is_admitted: bool = False

    @property
    def is_narrowed(self) -> bool:
        """Return whether the token withholds the personal data that the grant may allow."""
        return (
            CUSTOMERS_READ not in self.caller.permissions and self.role.audience.has_personal_role
        )

    def limits(self, *, calls_at_once: int) -> tuple[float, ...]:
        """Return what the caller is admitted by, in the order of `zava.admit`."""
        if self.is_admitted:
            return calls_at_once, 0, 0.0, 0, 0.0
        budget = self.budgets.budget
        return (
            calls_at_once,
            budget.calls_per_minute,
            budget.database_seconds_per_hour * 1000.0,
            *self.trail.unwritten(self.caller),
        )


class Operation(Protocol[Result]):
    """One thing that runs for a caller in one round trip.

    Of operations that `gathers` marks, one of a caller runs at a time.
    """

    @property
    def statistics_text(self) -> str:
        """Return the statement under which the statistics count it."""

    @property
    def fingerprint(self) -> str | None:
        """Return the fingerprint of that statement, None if it was not computed yet."""

    @property
    def is_free(self) -> bool:
        """Return whether the caller's model wrote the text."""

    @property
    def is_heavy(self) -> bool:
        """Return whether it leaves one connection free for others while it runs."""

    @property
    def gathers(self) -> bool:
        """Return whether it may take the memory that one backend is allowed."""

    def add_to(self, pipeline: Pipeline, terms: Terms) -> None:
        """Sign the operation and queue its commands."""

    def read(self, results: Results) -> Result:
        """Return the operation's result; raise the error that ended it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement to run for a caller; `params` are values for statements of ours.

    `columns` is how many it has, if its rows come by column (0: one by one). `is_described` marks a
    free one whose columns are known.
    """

    sql: str
    params: Mapping[str, Any] | None = None
    max_rows: int = _OWN_MAX_ROWS
    is_free: bool = False
    is_heavy: bool = False
    gathers: bool = False
    fingerprint: str | None = None
    columns: int = 0
    is_described: bool = False

    @property
    def statistics_text(self) -> str:
        """Return the statement itself."""
        return self.sql

    def signed(self, terms: Terms) -> SignedCall:
        """Sign the statement and its values, once there is a connection: a signature ages."""
        params = orjson.dumps(self.params).decode() if self.params is not None else ""
        return terms.signer.sign(terms.caller, self.sql, params)

    def add_to(self, pipeline: Pipeline, terms: Terms) -> None:
        """Queue the statement; the server describes the columns of a free one once a minute."""
        budgets, milliseconds = terms.budgets, terms.milliseconds
        if self.is_free or budgets.budget.is_limited:
            limits = terms.limits(calls_at_once=budgets.budget.calls_at_once)
            searches = budgets.searches_overdue(terms.caller)
            bounds = Bounds(
                self.max_rows, MAX_ANSWER_BYTES, milliseconds, limits, searches, self.columns
            )
        else:  # statements of ours end by themselves: without a budget they need no admission
            bounds = Bounds(self.max_rows, MAX_ANSWER_BYTES, milliseconds)
        pipeline.add_call(
            terms.role,
            self.signed(terms),
            bounds,
            describe=self.is_free and not self.is_described,
            is_narrowed=terms.is_narrowed,
        )

    def read(self, results: Results) -> StatementResult:
        """Return the statement's rows and the scope in which they were read."""
        return read_statement_result(results, self.columns)


@dataclass(frozen=True, slots=True)
class ExplainPlan:
    """Reads the shape of the plan that a caller's statement has; the statement does not run.

    It holds a connection among the caller's own, as a heavy statement does, and is refused when
    the budget is spent. Of the calls at once it takes none: the next one needs them.
    """

    statement: Statement

    statistics_text: ClassVar[str] = "EXPLAIN"
    fingerprint: ClassVar[str | None] = None
    is_free: ClassVar[bool] = False
    is_heavy: ClassVar[bool] = True
    gathers: ClassVar[bool] = False

    def add_to(self, pipeline: Pipeline, terms: Terms) -> None:
        """Queue the planning of the statement."""
        bounds = Bounds(0, 0, terms.milliseconds, terms.limits(calls_at_once=0))
        call = self.statement.signed(terms)
        pipeline.add_call(
            terms.role,
            call,
            bounds,
            describe=False,
            is_run=False,
            is_narrowed=terms.is_narrowed,
        )

    def read(self, results: Results) -> list[str]:
        """Return the plan, a line a step."""
        return read_plan(results).splitlines()


@dataclass(frozen=True, slots=True)
class ReadAccess:
    """Reads what the caller may see, without a statement on any tenant's rows."""

    audiences: Audiences

    statistics_text: ClassVar[str] = "SELECT * FROM zava.scope()"
    fingerprint: ClassVar[str | None] = None
    is_free: ClassVar[bool] = False
    is_heavy: ClassVar[bool] = False
    gathers: ClassVar[bool] = False

    def add_to(self, pipeline: Pipeline, terms: Terms) -> None:
        """Queue the entry alone."""
        pipeline.add_scope(terms.signer.sign(terms.caller, _ENTRY))

    def read(self, results: Results) -> EffectiveAccess:
        """Return the effective access."""
        return read_access(results, self.audiences)


@dataclass(frozen=True, slots=True)
class ReadUsage:
    """Reads what the caller has used of the budgets, after the entry and in the same trip."""

    audiences: Audiences

    statistics_text: ClassVar[str] = "SELECT * FROM zava.used()"
    fingerprint: ClassVar[str | None] = None
    is_free: ClassVar[bool] = False
    is_heavy: ClassVar[bool] = False
    gathers: ClassVar[bool] = False

    def add_to(self, pipeline: Pipeline, terms: Terms) -> None:
        """Queue the entry and the used budgets."""
        pipeline.add_scope(terms.signer.sign(terms.caller, _ENTRY), with_use=True)

    def read(self, results: Results) -> CountedUsage:
        """Return the used budgets with the access that came first."""
        return read_usage(results, self.audiences)
