"""Run callers' statements and our own in a tenant's scope, and read a caller's access."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from anyio.lowlevel import checkpoint
from cachetools import TTLCache

from zava.data.named_queries import statement
from zava.data.row_decoding import Origins, read_columns, read_rows
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.executor import SERVER_DEADLINE_SECONDS, TenantExecutor
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.operations import ReadAccess, ReadUsage, Statement
from zava.data.session.results import EffectiveAccess, StatementResult, scope_hash
from zava.data.session.signed_context import ContextSigner
from zava.data.syntax.fingerprint import note_statement
from zava.data.syntax.limits import check_limits
from zava.data.syntax.outside_text import OUTSIDE_TEXT
from zava.data.usage.budgets import Budget, Budgets
from zava.data.usage.query_stats import QueryStatsCollector
from zava.errors import Busy, QueryRefused
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import (
    Audience,
    BudgetUse,
    Caller,
    PerformanceSummary,
    ReadingRole,
    Scope,
    Table,
)

if TYPE_CHECKING:
    from zava.data.session.standby.routing import StandbyRouting

_SCOPE_SECONDS = 60
_MANY_ROWS = 64
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
        self._scopes: TTLCache[tuple[ReadingRole, str], Scope] = TTLCache(1024, _SCOPE_SECONDS)
        self._outside_text: Origins | None = None

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
    ) -> Table:
        """Run a statement that the caller's model wrote.

        Of statements that gather much in memory, one of a caller runs at a time. `fingerprint` is
        the statement's, if it was computed already.

        Raises:
            ZavaError: the statement was refused, failed, or could not be run now.
        """
        check_limits(sql)
        await note_statement(caller, sql)
        free = Statement(
            sql,
            max_rows=max_rows,
            is_free=True,
            is_heavy=is_heavy,
            gathers=gathers,
            fingerprint=fingerprint,
        )
        role, result = await self._executor.execute(caller, free)
        _tell(caller, role.audience, result)
        if len(result.lines) > _MANY_ROWS:
            # Whoever got this one's place sends a statement first: making an answer of many rows
            # takes so long that the database would rest meanwhile.
            await checkpoint()
        if result.description is not None and result.description.nparams:
            raise QueryRefused(
                "The statement holds parameters such as $1, and nothing is bound to them.",
                hint="Write the values into the statement.",
            )
        scope = await self._scope(caller, role, result.scope)
        columns = (
            read_columns(
                result.description,
                self._outside_text or frozenset(),
                reads_outside_text=reads_outside_text,
            )
            if result.description
            else ()
        )
        return Table(
            columns=columns,
            rows=read_rows(columns, result.lines),
            truncated=result.truncated,
            scope=scope,
            as_of=datetime.now(UTC),
        )

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
        await note_statement(caller, sql)
        role, result = await self._executor.execute(caller, Statement(sql, params))
        _tell(caller, role.audience, result)
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
        _, effective_access = await self._executor.execute(caller, ReadAccess())
        return self._learn(caller, effective_access)

    async def budget(self, caller: Caller) -> BudgetUse:
        """Read what a caller has used of the budgets, in one trip and without any tenant's row.

        Raises:
            ZavaError: the caller has no access, or the database does not answer.
        """
        _, used = await self._executor.execute(caller, ReadUsage())
        self._learn(caller, used.effective_access)
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
        self._executor.charge_refusal(caller)

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

    def _learn(self, caller: Caller, effective_access: EffectiveAccess) -> EffectiveAccess:
        self._executor.learn(caller, effective_access.role)
        _tell_scope(caller, effective_access.audience, effective_access.scope)
        return effective_access.of_token(caller)

    async def _scope(self, caller: Caller, role: ReadingRole, scope_text: str) -> Scope:
        known = self._scopes.get((role, scope_text))
        if known is None:
            _, names = await self._executor.execute(caller, Statement(statement("scope")))
            stores = [orjson.loads(line) for line in names.lines]
            known = Scope(
                role.audience,
                tuple(row["store_name"] for row in stores),
                stores[0]["store_count"] if stores else 0,
                role.reads_personal,
            )
            if self._outside_text is None:
                read_origins = Statement(statement("outside_text"), OUTSIDE_TEXT)
                _, origins = await self._executor.execute(caller, read_origins)
                self._outside_text = frozenset(
                    (row["table_id"], row["column_number"])
                    for row in map(orjson.loads, origins.lines)
                )
            if names.scope != scope_text:
                raise Busy("Your access changed while the call ran.", hint="Send it again.")
            self._scopes[role, scope_text] = known
        return known


def _tell(caller: Caller, audience: Audience, result: StatementResult) -> None:
    """Record on the caller's call what the audit keeps of an answer: scope and size, no content."""
    _tell_scope(caller, audience, result.scope)
    if caller.call is not None:
        caller.call.row_count += len(result.lines)
        caller.call.byte_count += sum(map(len, result.lines))


def _tell_scope(caller: Caller, audience: Audience, scope: str) -> None:
    if caller.call is not None:
        caller.call.audience = audience
        caller.call.store_ids = tuple(filter(None, scope.strip("{}").split(",")))
