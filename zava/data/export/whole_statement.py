"""One statement of a caller with all its rows, which the executor runs as any other.

The rows do not come together as one result: each part of them goes into the spool when it arrives.
"""

from dataclasses import dataclass
from typing import ClassVar

from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from zava.data.export.row_spool import RowSpool
from zava.data.session.operations import Terms
from zava.data.session.pipeline import Bounds, Pipeline
from zava.data.session.results import Results, StatementResult, read_parts

_PARTS = frozenset({ExecStatus.TUPLES_OK, ExecStatus.TUPLES_CHUNK, ExecStatus.SINGLE_TUPLE})


@dataclass(slots=True)
class SpooledRows:
    """Takes the parts of a runner's result: the scope first, then rows, then whether it was cut."""

    spool: RowSpool
    scope: str | None = None
    truncated: str | None = None

    def restart(self) -> None:
        """Forget what an attempt that failed has brought."""
        self.scope = self.truncated = None
        self.spool.restart()

    def take(self, part: PGresult) -> None:
        """Keep one part."""
        if part.status not in _PARTS:
            return
        lines = [part.get_value(row, 0) or b"" for row in range(part.ntuples)]
        if lines and self.scope is None:
            self.scope = lines.pop(0).decode()
        if lines and lines[-1].startswith(b"truncated:"):  # a row begins with a brace
            self.truncated = lines.pop().removeprefix(b"truncated:").decode()
        self.spool.add(lines)


@dataclass(frozen=True, slots=True)
class WholeStatement:
    """A free statement whose rows go into a spool."""

    sql: str
    rows: SpooledRows
    fingerprint: str | None
    gathers: bool
    max_rows: int
    max_bytes: int

    is_free: ClassVar[bool] = True
    # It runs for longer than others: one connection stays free for them.
    is_heavy: ClassVar[bool] = True

    @property
    def statistics_text(self) -> str:
        """Return the statement itself."""
        return self.sql

    def add_to(self, pipeline: Pipeline, terms: Terms) -> None:
        """Queue the statement; its rows go into the spool from the first one."""
        self.rows.restart()
        budget = terms.budgets.budget
        limits = terms.limits(calls_at_once=budget.calls_at_once)
        bounds = Bounds(
            self.max_rows,
            self.max_bytes,
            terms.milliseconds,
            limits,
            terms.budgets.searches_overdue(terms.caller),
        )
        pipeline.take_parts(self.rows.take)
        pipeline.add_call(
            terms.role,
            terms.signer.sign(terms.caller, self.sql, ""),
            bounds,
            describe=True,
            is_narrowed=terms.is_narrowed,
        )

    def read(self, results: Results) -> StatementResult:
        """Return the description and the scope; the rows are in the spool."""
        return read_parts(results, self.rows.scope or "", self.rows.truncated)
