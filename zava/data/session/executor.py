"""Run statements for a caller: every statement of a request goes through this module.

There is no other way from a request to a connection. The database looks the caller up inside the
transaction that reads. So a revocation or another scope takes effect at the next call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import orjson
import psycopg
from cachetools import LRUCache

from zava import call_context
from zava.data.session import sqlstate
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.overdue import Overdue
from zava.data.session.pipeline import Bounds, Landing, Pipeline
from zava.data.session.retries import is_lost_connection, repeated
from zava.data.session.signed_context import ContextSigner, SignedCall
from zava.data.usage.budgets import Budgets
from zava.data.usage.query_stats import QueryStatsCollector
from zava.errors import Busy, QueryTimeout, ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Audience, Caller
from zava.telemetry import events
from zava.telemetry.instruments import QueryType

T = TypeVar("T")

MAX_ANSWER_BYTES = 1024 * 1024
SERVER_DEADLINE_SECONDS = 30
"""What the login's role sets."""

GRACE_SECONDS = 2
"""The server cancels first, so that its own error arrives."""

_OWN_BOUNDS_ROWS = 1000
_SLACK_SECONDS = 1  # so much of a call's time may pass before its statement is given less
_ENTRY = "scope"  # the text that a call of the entry alone signs


@dataclass(frozen=True, slots=True)
class Question:
    """One statement to run for a caller; `params` are values for statements of ours.

    Of statements that `gathers` marks, one of a caller runs at a time: each may take the memory
    that one backend is allowed.
    """

    sql: str
    params: Mapping[str, Any] | None = None
    max_rows: int = _OWN_BOUNDS_ROWS
    describe: bool = False
    is_heavy: bool = False
    gathers: bool = False


# How the statistics name what asks the entry alone; they have no plan to tell of.
SCOPE_QUESTION = Question("SELECT * FROM zava.scope()", {})
USED_QUESTION = Question("SELECT * FROM zava.used()", {})


class TenantExecutor:
    """Carries questions to the database and answers back, each in one round trip."""

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
    ) -> None:
        self._pool = pool
        self._signer = signer
        self._verification = verification
        self.trail = trail
        self.budgets = budgets
        self._timeout_seconds = statement_timeout_seconds
        self._use_prepared = use_prepared
        self.monitor = monitor
        self.overdue = Overdue(pool, trail, use_prepared=use_prepared)
        # By identity: which runner to name first. Only a guess: the entry decides in each call.
        self._audiences: LRUCache[bytes, Audience] = LRUCache(4096)

    async def ask(self, caller: Caller, statement: Question) -> tuple[Audience, Landing]:
        """Run one question.

        Raises:
            ZavaError: what the driver or the server reported, translated.
        """

        async def carry(audience: Audience, took: _Took) -> Landing:
            return await self._carry(caller, audience, statement, took)

        return await self._repeat(caller, statement, carry)

    async def enter(
        self, caller: Caller, statement: Question, ask: Callable[..., Awaitable[T]]
    ) -> T:
        """Pass the entry alone; `ask` is given a flight, the signed call and the audit's records.

        `question` is the statement under which the statistics count it.
        """

        async def carry(_: Audience, took: _Took) -> T:
            return await self._fly(
                caller,
                took,
                lambda pipeline, record, _: ask(
                    pipeline, self._signer.sign(caller, _ENTRY), record=record
                ),
            )

        _, answer = await self._repeat(caller, statement, carry)
        return answer

    def charge_refusal(self, caller: Caller) -> None:
        """Charge the caller's hour with a whole deadline, and count the refusal.

        Raises:
            Busy: the caller sent too many of them within the hour.
        """
        if caller.call is not None:
            caller.call.is_refused_for_cost = True
            caller.call.database_seconds += self._timeout_seconds
        self.budgets.count_refusal(caller)

    def audience(self, caller: Caller) -> Audience | None:
        """Return the audience in which the caller was last seen: a guess, never a permission."""
        return self._audiences.get(caller.identity)

    def learn(self, caller: Caller, audience: Audience) -> None:
        """Remember in which audience the entry has just seen a caller."""
        self._audiences[caller.identity] = audience

    async def _repeat(
        self,
        caller: Caller,
        statement: Question,
        call: Callable[[Audience, "_Took"], Awaitable[T]],
    ) -> tuple[Audience, T]:
        """Call, repeat after a transient fault, and observe the outcome. Only reads run here.

        Raises:
            ZavaError: what the driver or the server reported, translated.
        """
        took = _Took()
        error: BaseException | None = None
        try:
            return await repeated(partial(self._attempt, caller, took, call))
        except psycopg.Error as cause:
            error = self._translated(caller, cause)
            raise error from cause
        except BaseException as cause:
            error = cause
            raise
        finally:
            self._observe(caller, statement, took, error)

    async def _attempt(
        self, caller: Caller, took: "_Took", call: Callable[[Audience, "_Took"], Awaitable[T]]
    ) -> tuple[Audience, T]:
        """Call once, naming the right runner."""
        took.attempts += 1
        await self._verification.ensure()
        last_seen = self.audience(caller)
        audience = last_seen or Audience.STORE_MANAGERS
        is_repeated = False
        while True:
            try:
                landing = await call(audience, took)
            except psycopg.Error as error:
                # The entry named the caller's audience: say it once more to the right runner.
                if error.sqlstate == sqlstate.OTHER_AUDIENCE and not is_repeated:
                    audience = Audience(error.diag.message_primary or "")
                    is_repeated = True
                    continue
                if is_lost_connection(error):
                    await self._pool.drop_dead_connections()
                raise
            if audience is not last_seen:
                self.learn(caller, audience)
            return audience, landing

    async def _carry(
        self, caller: Caller, audience: Audience, statement: Question, took: "_Took"
    ) -> Landing:
        async def run(
            pipeline: Pipeline, record: bytes | None, milliseconds: int | None
        ) -> Landing:
            bounds = Bounds(
                statement.max_rows,
                MAX_ANSWER_BYTES,
                milliseconds,
                *self._admission(caller, statement),
            )
            # Signed when a connection is there: the signature ages while one waits.
            signed = self._signed(caller, statement)
            return await pipeline.call(
                audience, signed, bounds, describe=statement.describe, record=record
            )

        return await self._fly(
            caller, took, run, is_heavy=statement.is_heavy, gathers=statement.gathers
        )

    async def _fly(
        self,
        caller: Caller,
        took: "_Took",
        call: Callable[[Pipeline, bytes | None, int | None], Awaitable[T]],
        *,
        is_heavy: bool = False,
        gathers: bool = False,
    ) -> T:
        """Lend a connection to one call, with the audit records that have to leave with it.

        `call` is given the statement's deadline in milliseconds, None where the login's own holds.

        Raises:
            Busy: a statement of the caller works past its end, or no time or connection is left.
        """
        await self.overdue.check(caller)
        async with (
            self.budgets.quota.slot(caller, is_heavy=is_heavy, gathers=gathers) as is_spare,
            self._pool.connection(is_spare=is_spare) as connection,
        ):
            # Reckoned when a connection is there: waiting for it was part of the call's time.
            left_seconds = call_context.remaining_seconds(self._timeout_seconds + GRACE_SECONDS)
            milliseconds = self._deadline(left_seconds - GRACE_SECONDS)
            pipeline = Pipeline(connection, use_prepared=self._use_prepared)
            intent = self.trail.intent(caller)
            took.begin()
            try:
                async with asyncio.timeout(left_seconds):
                    return await call(
                        pipeline, orjson.dumps(intent) if intent else None, milliseconds
                    )
            except TimeoutError as error:
                self._pool.fell_silent(took.since)
                raise QueryTimeout(
                    "The database did not answer in time.",
                    hint="Narrow the period or aggregate more; then try again.",
                ) from error
            finally:
                took.end()
                self.trail.intended(caller, intent, is_committed=pipeline.is_recorded)
                if connection.is_abandoned and pipeline.nonce is not None:
                    self.overdue.watch(caller, pipeline.nonce)
                if caller.call is not None:
                    caller.call.database_seconds += took.seconds

    def _admission(
        self, caller: Caller, statement: Question
    ) -> tuple[tuple[float, ...] | None, bool]:
        """Return what a call is admitted by, and whether it searches for overdue statements.

        Statements of ours end by themselves: without a budget they need no admission.
        """
        if not statement.describe and not self.budgets.budget.is_limited:
            return None, False
        return self._limits(caller), self.budgets.searches_overdue(caller)

    def _limits(self, caller: Caller) -> tuple[float, ...]:
        budget = self.budgets.budget
        return (
            budget.calls_at_once,
            budget.calls_per_minute,
            budget.database_seconds_per_hour * 1000.0,
            *self.trail.unwritten(caller),
        )

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
        self, caller: Caller, statement: Question, took: "_Took", error: BaseException | None
    ) -> None:
        if took.since == 0:  # it never left
            return
        kind = QueryType.FREE if statement.describe else QueryType.OWN
        events.query(kind, seconds=took.seconds, error=error, attempts=took.attempts)
        # What a call is told to run first is what its caller wrote, where that is the question.
        call = caller.call if statement.describe else None
        self.monitor.record(
            kind,
            statement.sql,
            took.seconds,
            failed=error is not None,
            fingerprint=call.fingerprint if call is not None else None,
        )
        if not self.monitor.is_slow(took.seconds) or isinstance(error, asyncio.CancelledError):
            return
        # What ran, to its end or out of its time: not what was refused.
        is_explained = statement not in (SCOPE_QUESTION, USED_QUESTION) and isinstance(
            error, QueryTimeout | None
        )
        explain = partial(self.explain, caller, statement) if is_explained else None
        self.monitor.tell_slow(kind, statement.sql, took.seconds, explain)

    async def explain(self, caller: Caller, statement: Question) -> list[str]:
        """Return the shape of the plan that the caller's statement has; it is not run again.

        It holds a place among the caller's own, as a heavy statement does, and is refused when the
        budget is spent. Of the calls at once it takes none: the next one needs them.

        Raises:
            ZavaError: the plan could not be read now.
        """
        audience = self.audience(caller) or Audience.STORE_MANAGERS

        async def run(pipeline: Pipeline, _record: bytes | None, milliseconds: int | None) -> str:
            limits = self._limits(caller)
            bounds = Bounds(0, 0, milliseconds, budget=(0, *limits[1:]))
            return await pipeline.plan(audience, self._signed(caller, statement), bounds)

        try:
            return (await self._fly(caller, _Took(), run, is_heavy=True)).splitlines()
        except psycopg.Error as error:
            raise self._translated(caller, error) from error

    def _signed(self, caller: Caller, statement: Question) -> SignedCall:
        params = orjson.dumps(statement.params).decode() if statement.params is not None else ""
        return self._signer.sign(caller, statement.sql, params)


class _Took:
    """How long a statement was under way, without its wait for a connection."""

    def __init__(self) -> None:
        self.attempts = 0
        self.since = 0.0
        self.seconds = 0.0

    def begin(self) -> None:
        """Note that it leaves."""
        self.since = time.monotonic()

    def end(self) -> None:
        """Note that it is back."""
        self.seconds = time.monotonic() - self.since
