"""Run callers' statements and our own in a tenant's scope, and read a caller's access."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from anyio.lowlevel import checkpoint

from zava import call_context
from zava.data.named_queries import statement
from zava.data.row_decoding import Origins, read_columns, read_rows, read_text_rows
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.executor import SERVER_DEADLINE_SECONDS, TenantExecutor
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.operations import ReadAccess, ReadUsage, Statement
from zava.data.session.results import EffectiveAccess, StatementResult, scope_hash
from zava.data.session.signed_context import ContextSigner
from zava.data.syntax.fingerprint import note_statement
from zava.data.syntax.limits import check_limits
from zava.data.usage.budgets import Budget, Budgets
from zava.data.usage.query_stats import QueryStatsCollector
from zava.errors import Busy, QueryRefused
from zava.infrastructure.postgres.pool import DatabasePool
from zava.infrastructure.recent_values import RecentValues
from zava.model.audiences import Audience, ReadingRole
from zava.model.core import BudgetUse, Caller, CallRecord, PerformanceSummary, Scope, Table

if TYPE_CHECKING:
    from zava.data.session.standby.routing import StandbyRouting

_SCOPE_SECONDS = 60
_MAX_SCOPES = 1024
_MAX_NOT_SHOWN = 1024
_MANY_ROWS = 64
_ROWS_AS_TEXT = 100  # from here on the longer planning costs less than it saves
# PostgreSQL's functions have 100 arguments: a row's number of NULLs is one, and each column two.
_MAX_COLUMNS_AS_TEXT = 49
_UNSHARED = 1_000_000  # connections: no caller waits for one


class ScopedRows(NamedTuple):
    """The rows of a statement of ours, and the scope in which they were read."""

    rows: list[dict[str, Any]]
    scope: Scope


class TenantDatabase:
    """Runs statements as callers, each call one round trip.

    The database restricts the rows of any text given to `run` to the caller's stores. The guard
    in front of it decides what else a text may do.
    """

    def __init__(
        self,
        pool: DatabasePool,
        signer: ContextSigner,
        verification: IsolationCheck,
        *,
        trail: AuditWriter | None = None,
        budgets: Budgets | None = None,
        statement_timeout_seconds: int = SERVER_DEADLINE_SECONDS,
        use_prepared: bool = True,
        monitor: QueryStatsCollector | None = None,
        standby: "StandbyRouting | None" = None,
    ) -> None:
        self.domain = verification.domain
        self._executor = TenantExecutor(
            pool,
            signer,
            verification,
            trail=trail or AuditWriter(pool),
            budgets=budgets or Budgets(Budget(), connections=_UNSHARED),
            monitor=monitor or QueryStatsCollector(),
            statement_timeout_seconds=statement_timeout_seconds,
            use_prepared=use_prepared,
            standby=standby,
        )
        # Seen only by callers whose verified scope is the same text; a renamed store shows
        # after a minute.
        self._scopes: RecentValues[tuple[ReadingRole, str], tuple[float, Scope]]
        self._scopes = RecentValues(_MAX_SCOPES)
        self._outside_text: Origins | None = None
        # By person and exact text: statements whose values a text does not show.
        self._not_shown: RecentValues[tuple[bytes, str], bool] = RecentValues(_MAX_NOT_SHOWN)

    async def run(
        self,
        caller: Caller,
        sql: str,
        *,
        max_rows: int,
        is_heavy: bool = False,
        gathers: bool = False,
        reads_outside_text: bool = False,
        fingerprint: str | None = None,
        columns: int = 0,
    ) -> Table:
        """Run a statement that the caller's model wrote.

        Of statements that gather much in memory, one of a caller runs at a time. `fingerprint` is
        the statement's, if it was computed already. `columns` is how many the statement has, 0 if
        its text does not show it.

        Raises:
            ZavaError: the statement was refused, failed, or could not be run now.
        """
        check_limits(sql)
        record = call_context.record()
        await note_statement(record, sql)
        free = Statement(
            sql,
            max_rows=max_rows,
            is_free=True,
            is_heavy=is_heavy,
            gathers=gathers,
            fingerprint=fingerprint,
        )
        first = self._as_text(caller, free, columns) if max_rows >= _ROWS_AS_TEXT else free
        role, result = await self._executor.execute(caller, first, record)
        rows = await _rows(result)
        if rows is None:
            self._not_shown[caller.identity, sql] = True
            role, result = await self._executor.execute(caller, free, record)
            rows = await _rows(result) or []
        _note_answer(record, role.audience, result)
        if result.description is not None and result.description.nparams:
            raise QueryRefused(
                "The statement holds parameters such as $1, and nothing is bound to them.",
                hint="Write the values into the statement.",
            )
        scope = await self._scope(caller, role, result.scope)
        described = (
            read_columns(
                result.description,
                self._outside_text or frozenset(),
                reads_outside_text=reads_outside_text,
            )
            if result.description
            else ()
        )
        return Table(
            columns=described,
            rows=rows,
            truncated=result.truncated,
            scope=scope,
            as_of=datetime.now(UTC),
        )

    def _as_text(self, caller: Caller, free: Statement, columns: int) -> Statement:
        """Return the statement with its rows as text, where its width is known.

        A text that does not show the values costs a second trip, once for a person's statement.
        """
        # A long value would stand in memory twice.
        if not 0 < columns <= _MAX_COLUMNS_AS_TEXT or free.gathers:
            return free
        if (caller.identity, free.sql) in self._not_shown:
            return free
        return replace(free, columns=columns)

    async def read(
        self, caller: Caller, sql: str, params: Mapping[str, Any] | None = None
    ) -> ScopedRows:
        """Run a statement of ours, whose rows are JSON objects; values travel in `params`.

        Raises:
            ZavaError: it could not be run now, or the caller has no access.
        """
        reading, _ = await self.read_hashed(caller, sql, params)
        return reading

    async def read_hashed(
        self, caller: Caller, sql: str, params: Mapping[str, Any] | None = None
    ) -> tuple[ScopedRows, str]:
        """Read, and return under which `EffectiveAccess.scope_hash` the rows were seen.

        Raises:
            ZavaError: it could not be run now, or the caller has no access.
        """
        record = call_context.record()
        await note_statement(record, sql)
        role, result = await self._executor.execute(caller, Statement(sql, params), record)
        _note_answer(record, role.audience, result)
        reading = ScopedRows(
            [orjson.loads(line) for line in result.lines],
            await self._scope(caller, role, result.scope),
        )
        return reading, scope_hash(role, result.scope)

    async def effective_access(self, caller: Caller) -> EffectiveAccess:
        """Read what the caller may see now, in one trip and without any tenant's row.

        Raises:
            ZavaError: the caller has no access, or the database does not answer.
        """
        record = call_context.record()
        reading = ReadAccess(self.domain.audiences)
        _, effective_access = await self._executor.execute(caller, reading, record)
        return self._learn(caller, record, effective_access)

    async def budget(self, caller: Caller) -> BudgetUse:
        """Read what a caller has used of the budgets, in one trip and without any tenant's row.

        Raises:
            ZavaError: the caller has no access, or the database does not answer.
        """
        record = call_context.record()
        reading = ReadUsage(self.domain.audiences)
        _, used = await self._executor.execute(caller, reading, record)
        self._learn(caller, record, used.effective_access)
        budget, (calls, milliseconds) = (
            self._executor.budgets.budget,
            self._executor.trail.unwritten(caller),
        )
        return BudgetUse(
            # One limit for both: the calls of every instance, and every request of this one.
            calls=max(used.calls + calls, self._executor.budgets.requests(caller)),
            calls_per_minute=budget.calls_per_minute,
            minute_seconds_left=used.minute_seconds_left,
            database_seconds=(used.milliseconds + milliseconds) / 1000,
            database_seconds_per_hour=budget.database_seconds_per_hour,
            hour_seconds_left=used.hour_seconds_left,
            calls_at_once=budget.calls_at_once,
        )

    def charge_refusal(self, caller: Caller) -> None:
        """Count a statement that is refused for its cost, as if it had run to its deadline.

        Raises:
            Busy: the caller sent too many of them within the hour.
        """
        self._executor.charge_refusal(caller, call_context.record())

    def role(self, caller: Caller) -> ReadingRole | None:
        """Return the role in which the caller was last seen: a guess, never a permission."""
        return self._executor.role(caller)

    def performance(self) -> PerformanceSummary:
        """Return what the statements of this process took; whose they were is not in it."""
        return self._executor.monitor.summary()

    async def close(self) -> None:
        """Stop the tasks for slow and overdue statements, while the pool is still open."""
        await self._executor.monitor.close()
        await self._executor.close()

    def _learn(
        self, caller: Caller, record: CallRecord | None, effective_access: EffectiveAccess
    ) -> EffectiveAccess:
        self._executor.learn(caller, effective_access.role)
        _note_scope(record, effective_access.audience, effective_access.scope)
        return effective_access.of_token(caller)

    async def _scope(self, caller: Caller, role: ReadingRole, scope_text: str) -> Scope:
        read_at, known = self._scopes.get((role, scope_text), (0.0, None))
        if known is None or time.monotonic() - read_at > _SCOPE_SECONDS:
            record = call_context.record()
            named = Statement(statement("scope", self.domain.package))
            _, names = await self._executor.execute(caller, named, record)
            stores = [orjson.loads(line) for line in names.lines]
            known = Scope(
                role.audience,
                tuple(row["store_name"] for row in stores),
                stores[0]["store_count"] if stores else 0,
                role.reads_personal,
                _listed(stores, "time_zone"),
                _listed(stores, "currency"),
            )
            if self._outside_text is None:
                read_origins = Statement(
                    statement("outside_text"),
                    {"schema": self.domain.schema, "columns": self.domain.outside_text},
                )
                _, origins = await self._executor.execute(caller, read_origins, record)
                self._outside_text = frozenset(
                    (row["table_id"], row["column_number"])
                    for row in map(orjson.loads, origins.lines)
                )
            if names.scope != scope_text:
                raise Busy("Your access changed while the call ran.", hint="Send it again.")
            self._scopes[role, scope_text] = time.monotonic(), known
        return known


async def _rows(result: StatementResult) -> list[list[Any]] | None:
    """Return the rows, None where they came as a text that does not show their values."""
    if len(result.lines) > _MANY_ROWS:
        # The next caller sends a statement first: making an answer of many rows takes so long that
        # the database would rest meanwhile.
        await checkpoint()
    columns = read_columns(result.description, frozenset()) if result.description else ()
    if result.is_text:
        return read_text_rows(columns, result.lines, width=result.width)
    return read_rows(columns, result.lines)


def _listed(stores: Sequence[Mapping[str, Any]], column: str) -> tuple[str, ...]:
    """Return the different values of a column that not every domain has."""
    return tuple(sorted({store[column] for store in stores if column in store}))


def _note_answer(record: CallRecord | None, audience: Audience, result: StatementResult) -> None:
    """Write into a call's record what the audit keeps of an answer: scope and size, no content."""
    _note_scope(record, audience, result.scope)
    if record is not None:
        record.row_count += len(result.lines)
        record.byte_count += sum(map(len, result.lines))


def _note_scope(record: CallRecord | None, audience: Audience, scope: str) -> None:
    if record is not None:
        record.audience = audience
        record.store_ids = tuple(filter(None, scope.strip("{}").split(",")))
