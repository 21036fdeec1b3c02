"""Run callers' statements and our own in a tenant's scope, and read a caller's access."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from anyio.lowlevel import checkpoint
from psycopg.pq.abc import PGresult

from zava import call_context
from zava.data.named_queries import core_statement, domain_statement
from zava.data.row_decoding.column_types import Origins, are_plain, read_columns
from zava.data.row_decoding.json_rows import read_described_rows, read_rows
from zava.data.row_decoding.text_rows import read_text_rows
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.executor import SERVER_DEADLINE_SECONDS, TenantExecutor
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.operations import Operation, ReadAccess, ReadUsage, Statement
from zava.data.session.results import (
    EffectiveAccess,
    StatementResult,
    in_words,
    scope_hash,
    tenants_of,
)
from zava.data.session.signed_context import ContextSigner
from zava.data.syntax.fingerprint import note_statement
from zava.data.syntax.limits import check_limits
from zava.data.usage.budgets import Budget, Budgets
from zava.data.usage.query_stats import QueryStatsCollector
from zava.errors import Busy, QueryRefused
from zava.infrastructure.postgres.pool import DatabasePool
from zava.infrastructure.recent_values import RecentValues
from zava.model.audiences import Audience, ReadingRole
from zava.model.core import BudgetUse, Caller, CallRecord, Column, PerformanceSummary, Scope, Table

if TYPE_CHECKING:
    from zava.data.session.standby.routing import StandbyRouting

_SCOPE_SECONDS = 60
_MAX_SCOPES = 1024
_MAX_ROW_BY_ROW = 1024
_DESCRIBED_SECONDS = 60
_MAX_DESCRIBED = 1024
_MOST_KEPT_COLUMNS = 64  # a text of 16 KiB has room for 1,664, and a thousand texts are kept
_MANY_ROWS = 64

ROWS_AS_TEXT = 100
"""From so many rows on, the longer planning of rows as text costs less than it saves."""

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
        # By person and exact text: statements whose rows come as JSON, because a text does not show
        # their values (False) or because they had few rows last time (True).
        self._row_by_row: RecentValues[tuple[bytes, str], bool] = RecentValues(_MAX_ROW_BY_ROW)
        # By person and exact text, too. A change of a table shows after a minute: until then its
        # rows are read by the types that the server described before.
        self._columns: RecentValues[tuple[bytes, str], tuple[float, tuple[Column, ...]]]
        self._columns = RecentValues(_MAX_DESCRIBED)

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
        record = call_context.record()
        if fingerprint is None:  # else the caller of this has done both
            check_limits(sql)
            await note_statement(record, sql)
        is_text = max_rows >= ROWS_AS_TEXT and self._comes_as_text(
            caller, sql, columns, gathers=gathers
        )
        # Rows as text do not show whether they have the columns that were described before.
        described = None if is_text else self._described(caller, sql)
        free = Statement(
            sql,
            max_rows=max_rows,
            is_free=True,
            is_heavy=is_heavy,
            gathers=gathers,
            fingerprint=fingerprint,
            columns=columns if is_text else 0,
            is_described=described is not None,
        )
        role, result = await self._executor.execute(caller, free, record)
        rows = await _rows(result, described, self._outside_text)
        if rows is None:
            if described is None:
                self._row_by_row[caller.identity, sql] = False
            as_json = replace(free, columns=0, is_described=False)
            role, result = await self._executor.execute(caller, as_json, record)
            rows = await _rows(result, None, self._outside_text) or []
        if max_rows >= ROWS_AS_TEXT:
            self._note_size(caller, sql, len(rows))
        _note_answer(record, role.audience, result)
        # Before the columns: the first one reads which of them outsiders wrote.
        scope = await self._scope(caller, role, result.scope)
        read = described or ()
        if result.description is not None:
            read = self._read_columns(result.description, reads_outside_text=reads_outside_text)
            if len(read) <= _MOST_KEPT_COLUMNS and are_plain(read):
                self._columns[caller.identity, sql] = time.monotonic(), read
        return Table(
            columns=read,
            rows=rows,
            truncated=result.truncated,
            scope=scope,
            as_of=datetime.now(UTC),
        )

    async def run_whole(
        self, caller: Caller, operation: Operation[StatementResult], *, reads_outside_text: bool
    ) -> Table:
        """Run a caller's statement whose rows go elsewhere; the table has its columns alone.

        Raises:
            ZavaError: the statement was refused, failed, or could not be run now.
        """
        record = call_context.record()
        await note_statement(record, operation.statistics_text)
        role, result = await self._executor.execute(caller, operation, record)
        _note_answer(record, role.audience, result)
        scope = await self._scope(caller, role, result.scope)
        found = result.description
        return Table(
            columns=self._read_columns(found, reads_outside_text=reads_outside_text)
            if found is not None
            else (),
            rows=[],
            truncated=result.truncated,
            scope=scope,
            as_of=datetime.now(UTC),
        )

    def _read_columns(
        self, description: PGresult, *, reads_outside_text: bool
    ) -> tuple[Column, ...]:
        """Read the columns, once `_scope` has read which of them hold text of outsiders."""
        if description.nparams:
            raise QueryRefused(
                "The statement holds parameters such as $1, and nothing is bound to them.",
                hint="Write the values into the statement.",
            )
        return read_columns(
            description,
            self._outside_text or frozenset(),
            reads_outside_text=reads_outside_text,
        )

    def _described(self, caller: Caller, sql: str) -> tuple[Column, ...] | None:
        """Return the columns that the server described for a person's text a moment ago."""
        since, columns = self._columns.get((caller.identity, sql), (-inf, ()))
        return columns if time.monotonic() - since < _DESCRIBED_SECONDS else None

    def _comes_as_text(self, caller: Caller, sql: str, columns: int, *, gathers: bool) -> bool:
        """Return whether a statement's rows come as text: its width is known, and they are many.

        A text that does not show the values costs a second trip, once for a person's statement.
        """
        # A long value would stand in memory twice.
        if not 0 < columns <= _MAX_COLUMNS_AS_TEXT or gathers:
            return False
        return (caller.identity, sql) not in self._row_by_row

    def _note_size(self, caller: Caller, sql: str, rows: int) -> None:
        """Remember whether an answer had few rows; a person's next one is likely alike."""
        key = caller.identity, sql
        is_few = self._row_by_row.get(key)
        if is_few is None and rows < ROWS_AS_TEXT:
            self._row_by_row[key] = True
        elif is_few and rows >= ROWS_AS_TEXT:
            del self._row_by_row[key]

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
        if record is not None:
            record.audience = effective_access.audience
            record.store_ids = tenants_of(record.audience, effective_access.scope)
        return effective_access.of_token(caller)

    async def _scope(self, caller: Caller, role: ReadingRole, scope_text: str) -> Scope:
        read_at, known = self._scopes.get((role, scope_text), (0.0, None))
        if known is None or time.monotonic() - read_at > _SCOPE_SECONDS:
            record = call_context.record()
            named = Statement(domain_statement("scope", self.domain))
            _, names = await self._executor.execute(caller, named, record)
            stores = [orjson.loads(line) for line in names.lines]
            known = Scope(
                role.audience,
                tuple(row["store_name"] for row in stores),
                stores[0]["store_count"] if stores else 0,
                role.reads_personal,
                zones=_listed(stores, "time_zone"),
                currencies=_listed(stores, "currency"),
            )
            known = in_words(known, self.domain.words, scope_text)
            if self._outside_text is None:
                read_origins = Statement(
                    core_statement("outside_text", self.domain),
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


async def _rows(
    result: StatementResult, described: Sequence[Column] | None, known: Origins | None
) -> list[list[Any]] | None:
    """Return the rows, None where they came as a text that does not show their values.

    `described` are the columns of a statement whose result does not describe them. Then it is None
    as well where the rows have other columns. `known` are the origins that the catalog named.
    """
    if len(result.lines) > _MANY_ROWS:
        # The next caller sends a statement first: making an answer of many rows takes so long that
        # the database would rest meanwhile.
        await checkpoint()
    if described is not None:
        return read_described_rows(described, result.lines)
    columns = read_columns(result.description, known or frozenset()) if result.description else ()
    if result.is_text:
        return read_text_rows(columns, result.lines, width=result.width)
    return read_rows(columns, result.lines)


def _listed(stores: Sequence[Mapping[str, Any]], column: str) -> tuple[str, ...]:
    """Return the different values of a column that not every domain has."""
    return tuple(sorted({store[column] for store in stores if column in store}))


def _note_answer(record: CallRecord | None, audience: Audience, result: StatementResult) -> None:
    """Write into a call's record what the audit keeps of an answer: scope and size, no content."""
    if record is not None:
        record.audience = audience
        record.store_ids = tenants_of(audience, result.scope)
        record.row_count += len(result.lines)
        record.byte_count += sum(map(len, result.lines))
