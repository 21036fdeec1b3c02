"""Run statements for a caller: every statement of a request goes through this module.

There is no other way from a request to a connection. The database looks the caller up inside the
transaction that reads. So a revocation or another scope takes effect at the next call.
"""

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import psycopg

from zava import call_context
from zava.data.session import sqlstate
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.operations import ExplainPlan, Operation, Statement, Terms
from zava.data.session.overdue import Overdue
from zava.data.session.pipeline import Pipeline
from zava.data.session.retries import Repetition, is_lost_connection
from zava.data.session.signed_context import ContextSigner
from zava.data.usage.budgets import Budgets, ConnectionQuota
from zava.data.usage.query_stats import QueryStatsCollector
from zava.errors import Busy, QueryTimeout, ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.infrastructure.recent_values import RecentValues
from zava.infrastructure.request_timer import Patience
from zava.model.audiences import ReadingRole
from zava.model.core import Caller, CallRecord
from zava.telemetry import events
from zava.telemetry.instruments import QueryType

if TYPE_CHECKING:
    from zava.data.session.standby.routing import StandbyRouting

T = TypeVar("T")

SERVER_DEADLINE_SECONDS = 30
"""What the login's role sets."""

GRACE_SECONDS = 2
"""The server cancels first, so that its own error arrives."""

_SLACK_SECONDS = 1  # so much of a call's time may pass before its statement is given less


@dataclass(frozen=True, slots=True, eq=False)
class ReadServer:
    """One PostgreSQL server that callers' statements run on, and what this process keeps of it."""

    pool: DatabasePool
    verification: IsolationCheck
    quota: ConnectionQuota
    overdue: Overdue
    is_standby: bool = False


class TenantExecutor:
    """Runs operations for callers, each in one round trip.

    With `standby`, reads run there while it is within its bound, and on the primary otherwise.
    """

    def __init__(
        self,
        pool: DatabasePool,
        signer: ContextSigner,
        verification: IsolationCheck,
        *,
        trail: AuditWriter,
        budgets: Budgets,
        monitor: QueryStatsCollector,
        statement_timeout_seconds: int,
        use_prepared: bool,
        standby: "StandbyRouting | None" = None,
    ) -> None:
        self._signer = signer
        self._audiences = verification.domain.audiences
        self.trail = trail
        self.budgets = budgets
        self._timeout_seconds = statement_timeout_seconds
        self._use_prepared = use_prepared
        self.monitor = monitor
        overdue = Overdue(pool, trail, use_prepared=use_prepared)
        self._primary = ReadServer(pool, verification, budgets.quota, overdue)
        self._standby = standby
        self._servers = (self._primary,) if standby is None else (self._primary, standby.server)
        # By identity: which runner to name first. Only a guess: the entry decides in each call.
        self._roles: RecentValues[bytes, ReadingRole] = RecentValues(4096)
        self._timer = Patience()

    async def execute(
        self, caller: Caller, operation: Operation[T], record: CallRecord | None
    ) -> tuple[ReadingRole, T]:
        """Run one operation, again after a transient fault, and observe the outcome.

        Returns the role in which it ran, and its result. Only reads run here. `record` is that of
        the call that needs it, None for work outside any call.

        Raises:
            ZavaError: what the driver or the server reported, translated.
        """
        server = self._standby.chosen_for(record, operation) if self._standby else None
        server = server or self._primary
        last_seen = self._roles.get(caller.identity)
        attempts = _Attempts(last_seen, last_seen or self._audiences.first.role)
        failed: BaseException | None = None
        try:
            while True:
                try:
                    if server.is_standby and self._standby is not None:
                        await self._standby.admit(caller, record)
                    await server.verification.ensure()
                    allowed = attempts.role.of_token(caller.permissions)
                    result = await self._run_once(
                        server, caller, operation, record, allowed, attempts
                    )
                except Exception as error:
                    if self._falls_back(server, record, error):
                        server = self._primary
                    elif not await self._may_run_again(server, error, attempts):
                        raise
                else:
                    if attempts.role is not attempts.last_seen:
                        self.learn(caller, attempts.role)
                    return allowed, result
        except psycopg.Error as cause:
            failed = self._translated(caller, cause)
            raise failed from cause
        except BaseException as cause:
            failed = cause
            raise
        finally:
            self._observe(server, caller, operation, record, attempts, failed)

    async def explain(
        self, caller: Caller, statement: Statement, record: CallRecord | None = None
    ) -> list[str]:
        """Return the shape of the plan that the caller's statement has; it is not run again.

        Raises:
            ZavaError: the plan could not be read now.
        """
        role = self.role(caller) or self._audiences.first.role
        try:
            return await self._run_once(
                self._primary, caller, ExplainPlan(statement), record, role, _Timing()
            )
        except psycopg.Error as error:
            raise self._translated(caller, error) from error

    def charge_refusal(self, caller: Caller, record: CallRecord | None) -> None:
        """Charge the caller's hour with a whole deadline, and count the refusal.

        Raises:
            Busy: the caller sent too many of them within the hour.
        """
        if record is not None:
            record.is_refused_for_cost = True
            record.database_seconds += self._timeout_seconds
        self.budgets.count_refusal(caller)

    def role(self, caller: Caller) -> ReadingRole | None:
        """Return the role in which the caller was last seen: a guess, never a permission."""
        role = self._roles.get(caller.identity)
        return role and role.of_token(caller.permissions)

    def learn(self, caller: Caller, role: ReadingRole) -> None:
        """Remember which role the entry has just returned for a caller."""
        self._roles[caller.identity] = role

    async def close(self) -> None:
        """Stop the tasks for overdue statements, while the pools are still open."""
        for each in self._servers:
            await each.overdue.close()

    async def _run_once(
        self,
        server: ReadServer,
        caller: Caller,
        operation: Operation[T],
        record: CallRecord | None,
        role: ReadingRole,
        timing: "_Timing",
    ) -> T:
        """Send one operation over a connection, with the audit records that have to leave with it.

        Raises:
            Busy: a statement of the caller works past its end, or no time or connection is left.
        """
        for each in self._servers:
            if each.overdue.is_watching:
                await each.overdue.check(caller)
        quota, pool, gathers = server.quota, server.pool, operation.gathers
        is_spare = await quota.acquire(
            caller.identity, is_heavy=operation.is_heavy, gathers=gathers
        )
        try:
            connection = pool.take_rested() or await pool.take(is_spare=is_spare)
            try:
                # Computed when a connection is there: waiting for it was part of the call's time.
                left_seconds = call_context.remaining_seconds(self._timeout_seconds + GRACE_SECONDS)
                milliseconds = self._deadline(left_seconds - GRACE_SECONDS)
                terms = Terms(
                    caller,
                    role,
                    milliseconds,
                    self._signer,
                    self.budgets,
                    self.trail,
                    is_admitted=server.is_standby,
                )
                pipeline = Pipeline(
                    connection, use_prepared=self._use_prepared, is_on_standby=server.is_standby
                )
                # A standby writes nothing: the primary has the intent already.
                intent = [] if server.is_standby else self.trail.intent(caller, record)
                timing.since = time.monotonic()
                task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]  # runs in one
                self._timer.watch(task, timing.since + left_seconds)
                try:
                    if intent:
                        pipeline.add_record(orjson.dumps(intent))
                    # Signed when a connection is there: the signature ages while one waits.
                    operation.add_to(pipeline, terms)
                    results = await pipeline.run()
                    if self._standby is not None and server.is_standby:
                        await self._standby.check(record, connection, results)
                    result = operation.read(results)
                except asyncio.CancelledError as error:
                    if not self._timer.is_late(task):
                        raise
                    pool.report_timeout(timing.since)
                    raise _silent() from error
                finally:
                    self._timer.leave(task)
                    timing.seconds = time.monotonic() - timing.since
                    if intent:
                        self.trail.intended(record, intent, is_committed=pipeline.is_recorded)
                    if connection.is_abandoned and pipeline.nonce is not None:
                        server.overdue.watch(caller, record, pipeline.nonce)
                    if record is not None:
                        record.database_seconds += timing.seconds
                pool.circuit.succeeded()
                return result
            finally:
                pool.give(connection)
        finally:
            quota.release(caller.identity, gathers=gathers)

    def _falls_back(self, server: ReadServer, record: CallRecord | None, error: Exception) -> bool:
        return (
            server.is_standby
            and self._standby is not None
            and self._standby.falls_back(record, error)
        )

    async def _may_run_again(
        self, server: ReadServer, error: Exception, attempts: "_Attempts"
    ) -> bool:
        """Prepare the next attempt after a failure; return False if this was the last one."""
        if isinstance(error, psycopg.Error):
            # The entry named the caller's role: call the right runner, once an attempt.
            if error.sqlstate == sqlstate.OTHER_AUDIENCE and not attempts.is_corrected:
                attempts.role = self._audiences.role(error.diag.message_primary or "")
                attempts.is_corrected = True
                return True
            if is_lost_connection(error):
                await server.pool.drop_dead_connections()
        repetition = attempts.repetition = attempts.repetition or Repetition()
        if not repetition.allows(error):
            return False
        await repetition.pause(error)
        attempts.count += 1
        attempts.is_corrected = False
        return True

    def _translated(self, caller: Caller, error: psycopg.Error) -> ZavaError:
        fault = sqlstate.translate(error)
        if error.sqlstate in (sqlstate.BUDGET_SPENT, sqlstate.OVERDUE) and isinstance(fault, Busy):
            what = (error.diag.message_primary or "").partition(" ")[0]
            self.budgets.close_until(caller, what, fault.retry_after_seconds)
        return fault

    def _deadline(self, left_seconds: float) -> int | None:
        """Return the statement's deadline in milliseconds; None where the login's own holds.

        Raises:
            Busy: the call has waited so long that no time is left for the statement.
        """
        if left_seconds <= 0:
            raise Busy(
                "The call timed out while it waited for the database.",
                hint="Try again in a few seconds.",
            )
        if left_seconds < self._timeout_seconds - _SLACK_SECONDS:
            return max(1, int(left_seconds * 1000))
        if self._timeout_seconds == SERVER_DEADLINE_SECONDS:
            return None
        return self._timeout_seconds * 1000

    def _observe(
        self,
        server: ReadServer,
        caller: Caller,
        operation: Operation[Any],
        record: CallRecord | None,
        attempts: "_Attempts",
        error: BaseException | None,
    ) -> None:
        if attempts.since == 0:  # it never left
            return
        kind = QueryType.FREE if operation.is_free else QueryType.OWN
        sql, seconds = operation.statistics_text, attempts.seconds
        name = ("standby" if server.is_standby else "primary") if self._standby else None
        events.query(kind, seconds=seconds, error=error, attempts=attempts.count, server=name)
        self.monitor.record(
            kind,
            sql,
            seconds,
            failed=error is not None,
            fingerprint=operation.fingerprint,
        )
        if not self.monitor.is_slow(seconds) or isinstance(error, asyncio.CancelledError):
            return
        # What ran, to its end or out of its time: not what was refused.
        explain = None
        if isinstance(operation, Statement) and isinstance(error, QueryTimeout | None):
            explain = partial(self.explain, caller, operation, record)
        self.monitor.report_slow(kind, sql, seconds, explain)


def _silent() -> QueryTimeout:
    return QueryTimeout(
        "The database did not answer in time.",
        hint="Narrow the period or aggregate more; then try again.",
    )


@dataclass(slots=True)
class _Timing:
    """How long a statement was under way, without its wait for a connection."""

    since: float = field(default=0.0, kw_only=True)
    seconds: float = field(default=0.0, kw_only=True)


@dataclass(slots=True)
class _Attempts(_Timing):
    """The attempts of one operation: how many, and which runner the next one calls."""

    last_seen: ReadingRole | None
    role: ReadingRole
    count: int = 1
    is_corrected: bool = False
    repetition: Repetition | None = None
