"""The one door to the database: every statement runs here, as somebody.

There is no other way to a connection. A call names its caller; the database looks the caller up
inside the very transaction that reads, so a revocation or another scope holds at the next call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

import orjson
import psycopg
from cachetools import LRUCache, TTLCache

from zava import observe, trace
from zava.data import faults
from zava.data.audit import AuditTrail
from zava.data.budgets import Budget, Budgets
from zava.data.cells import Origins, read_columns, read_rows
from zava.data.context import ContextSigner, SignedCall
from zava.data.fingerprint import note_statement
from zava.data.flight import Bounds, Flight, Grant, Landing
from zava.data.limits import check_limits
from zava.data.monitor import QueryMonitor
from zava.data.retries import is_lost_connection, repeated
from zava.data.schema import OUTSIDE_TEXT
from zava.data.statements import statement
from zava.data.verification import Verification
from zava.errors import Busy, QueryRefused, QueryTimeout, ZavaError
from zava.infrastructure.pool import DatabasePool
from zava.measures import QueryType
from zava.model import Audience, BudgetUse, Caller, PerformanceSummary, Scope, Table

T = TypeVar("T")

MAX_ANSWER_BYTES = 1024 * 1024
_OWN_BOUNDS_ROWS = 1000
_SCOPE_SECONDS = 60
_SERVER_DEADLINE_SECONDS = 30  # what the login's role sets
_UNSHARED = 1_000_000  # connections: nobody waits for a place of the own
_SCOPE_CALL = "scope"  # the text that a call of zava.scope signs
GRACE_SECONDS = 2  # the server cancels first, so that its own error arrives
_SLACK_SECONDS = 1  # so much of a call's time may pass before its statement is given less


@dataclass(frozen=True, slots=True)
class Question:
    """One statement to run for a caller; `params` are values for statements of ours."""

    sql: str
    params: Mapping[str, Any] | None = None
    max_rows: int = _OWN_BOUNDS_ROWS
    describe: bool = False
    is_heavy: bool = False


# How the statistics name what asks the entry alone; they have no plan to tell of.
_SCOPE_QUESTION = Question("SELECT * FROM zava.scope()", {})
_USED_QUESTION = Question("SELECT * FROM zava.used()", {})


class Reading(NamedTuple):
    """The rows of a statement of ours, and the scope in which they were read."""

    rows: list[dict[str, Any]]
    scope: Scope


class Tenancy:
    """Runs statements as callers, each call one round trip.

    Whatever text `run` is given, the database holds the caller to the own stores; what else a
    text may do, the guard in front of it decides.
    """

    def __init__(
        self,
        pool: DatabasePool,
        signer: ContextSigner,
        verification: Verification,
        *,
        trail: AuditTrail | None = None,
        budgets: Budgets | None = None,
        max_cost: float | None = None,
        statement_timeout_seconds: int = _SERVER_DEADLINE_SECONDS,
        use_prepared: bool = True,
        monitor: QueryMonitor | None = None,
    ) -> None:
        self._pool = pool
        self._signer = signer
        self._verification = verification
        self._trail = trail or AuditTrail(pool)
        self._budgets = budgets or Budgets(Budget(), connections=_UNSHARED)
        self._max_cost = max_cost
        self._timeout_seconds = statement_timeout_seconds
        self._use_prepared = use_prepared
        self._monitor = monitor or QueryMonitor()
        # By identity: which runner to name first. Only a guess: the entry decides in each call.
        self._audiences: LRUCache[bytes, Audience] = LRUCache(4096)
        # Seen only by callers whose verified scope is the same text; a renamed store shows
        # after a minute.
        self._scopes: TTLCache[tuple[Audience, str], Scope] = TTLCache(1024, _SCOPE_SECONDS)
        self._outside_text: Origins | None = None

    async def run(
        self, caller: Caller, sql: str, *, max_rows: int, is_heavy: bool = False
    ) -> Table:
        """Run a statement that the caller's model wrote; the planner is asked about a heavy one.

        Raises:
            ZavaError: the statement was refused, failed, or could not be run now.
        """
        check_limits(sql)
        await note_statement(caller, sql)
        question = Question(sql, max_rows=max_rows, describe=True, is_heavy=is_heavy)
        audience, landing = await self._ask(caller, question)
        _tell(caller, audience, landing)
        if landing.description is not None and landing.description.nparams:
            raise QueryRefused(
                "The statement holds parameters such as $1, and nothing is bound to them.",
                hint="Write the values into the statement.",
            )
        scope = await self._scope(caller, audience, landing.scope)
        columns = (
            read_columns(landing.description, self._outside_text or frozenset())
            if landing.description
            else ()
        )
        return Table(
            columns=columns,
            rows=read_rows(columns, landing.lines),
            truncated=landing.truncated,
            scope=scope,
            as_of=datetime.now(UTC),
        )

    async def read(
        self, caller: Caller, sql: str, params: Mapping[str, Any] | None = None
    ) -> Reading:
        """Run a statement of ours, whose rows are JSON objects; values travel in `params`.

        Raises:
            ZavaError: it could not be run now, or the caller has no access.
        """
        reading, _ = await self.read_hashed(caller, sql, params)
        return reading

    async def read_hashed(
        self, caller: Caller, sql: str, params: Mapping[str, Any] | None = None
    ) -> tuple[Reading, str]:
        """Read, and say under which `Grant.scope_hash` the rows were seen.

        Raises:
            ZavaError: it could not be run now, or the caller has no access.
        """
        await note_statement(caller, sql)
        audience, landing = await self._ask(caller, Question(sql, params))
        _tell(caller, audience, landing)
        reading = Reading(
            [orjson.loads(line) for line in landing.lines],
            await self._scope(caller, audience, landing.scope),
        )
        return reading, sha256(f"{audience}|{landing.scope}".encode()).hexdigest()

    async def grant(self, caller: Caller) -> Grant:
        """Ask the database who this is and what they may see, in one trip and no tenant's row.

        Raises:
            ZavaError: the caller has no access, or the database cannot be asked.
        """
        grant = await self._enter(caller, _SCOPE_QUESTION, Flight.scope)
        return self._learn(caller, grant)

    async def budget(self, caller: Caller) -> BudgetUse:
        """Ask what a caller has used of the budgets, in one trip and no tenant's row.

        Raises:
            ZavaError: the caller has no access, or the database cannot be asked.
        """
        used = await self._enter(caller, _USED_QUESTION, Flight.used)
        self._learn(caller, used.grant)
        budget, (calls, milliseconds) = self._budgets.budget, self._trail.unwritten(caller)
        return BudgetUse(
            # One limit for both: the calls of every instance, and every request of this one.
            calls=max(used.calls + calls, self._budgets.requests(caller)),
            calls_per_minute=budget.calls_per_minute,
            minute_seconds_left=used.minute_seconds_left,
            database_seconds=(used.milliseconds + milliseconds) / 1000,
            database_seconds_per_hour=budget.database_seconds_per_hour,
            hour_seconds_left=used.hour_seconds_left,
            calls_at_once=budget.calls_at_once,
        )

    def audience(self, caller: Caller) -> Audience | None:
        """Return the audience in which the caller was last seen: a guess, never a permission."""
        return self._audiences.get(caller.identity)

    def performance(self) -> PerformanceSummary:
        """Return what the statements of this process took; whose they were is not in it."""
        return self._monitor.summary()

    async def close(self) -> None:
        """Tell what is still to be told of slow statements, while there is a pool to ask."""
        await self._monitor.close()

    async def _enter(
        self, caller: Caller, question: Question, ask: Callable[..., Awaitable[T]]
    ) -> T:
        """Pass the entry alone; `ask` is given a flight, the signed call and the audit's records.

        `question` is the statement by which the statistics know it.
        """

        async def carry(_: Audience, took: _Took) -> T:
            return await self._fly(
                caller,
                took,
                lambda flight, record, _: ask(
                    flight, self._signer.sign(caller, _SCOPE_CALL), record=record
                ),
            )

        _, answer = await self._repeat(caller, question, carry)
        return answer

    def _learn(self, caller: Caller, grant: Grant) -> Grant:
        self._audiences[caller.identity] = grant.audience
        _tell_scope(caller, grant.audience, grant.scope)
        return grant

    async def _scope(self, caller: Caller, audience: Audience, scope_text: str) -> Scope:
        known = self._scopes.get((audience, scope_text))
        if known is None:
            _, names = await self._ask(caller, Question(statement("scope")))
            stores = [orjson.loads(line) for line in names.lines]
            known = Scope(
                audience,
                tuple(row["store_name"] for row in stores),
                stores[0]["store_count"] if stores else 0,
            )
            if self._outside_text is None:
                question = Question(statement("outside_text"), OUTSIDE_TEXT)
                _, origins = await self._ask(caller, question)
                self._outside_text = frozenset(
                    (row["table_id"], row["column_number"])
                    for row in map(orjson.loads, origins.lines)
                )
            if names.scope != scope_text:
                raise Busy("Your access changed while the question ran.", hint="Ask it again.")
            self._scopes[audience, scope_text] = known
        return known

    async def _ask(self, caller: Caller, question: Question) -> tuple[Audience, Landing]:
        """Run one question.

        Raises:
            ZavaError: what the driver or the server reported, translated.
        """

        async def carry(audience: Audience, took: _Took) -> Landing:
            return await self._carry(caller, audience, question, took)

        return await self._repeat(caller, question, carry)

    async def _repeat(
        self,
        caller: Caller,
        question: Question,
        call: Callable[[Audience, "_Took"], Awaitable[T]],
    ) -> tuple[Audience, T]:
        """Call, again where the fault passes, and tell how it went. Only reads run here.

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
            self._observe(caller, question, took, error)

    async def _attempt(
        self, caller: Caller, took: "_Took", call: Callable[[Audience, "_Took"], Awaitable[T]]
    ) -> tuple[Audience, T]:
        """Call once, naming the right runner."""
        took.attempts += 1
        await self._verification.ensure()
        last_seen = self._audiences.get(caller.identity)
        audience = last_seen or Audience.STORE_MANAGERS
        is_repeated = False
        while True:
            try:
                landing = await call(audience, took)
            except psycopg.Error as error:
                # The entry named the caller's audience: say it once more to the right runner.
                if error.sqlstate == faults.OTHER_AUDIENCE and not is_repeated:
                    audience = Audience(error.diag.message_primary or "")
                    is_repeated = True
                    continue
                if is_lost_connection(error):
                    await self._pool.drop_dead_connections()
                raise
            if audience is not last_seen:
                self._audiences[caller.identity] = audience
            return audience, landing

    async def _carry(
        self, caller: Caller, audience: Audience, question: Question, took: "_Took"
    ) -> Landing:
        async def fly(flight: Flight, record: bytes | None, milliseconds: int | None) -> Landing:
            bounds = Bounds(
                question.max_rows,
                MAX_ANSWER_BYTES,
                milliseconds,
                self._max_cost if question.is_heavy else None,
                self._limits(caller),
            )
            # Signed when a connection is there: the signature ages while one waits.
            signed = self._signed(caller, question)
            return await flight.call(
                audience, signed, bounds, describe=question.describe, record=record
            )

        return await self._fly(caller, took, fly, is_heavy=question.is_heavy)

    async def _fly(
        self,
        caller: Caller,
        took: "_Took",
        call: Callable[[Flight, bytes | None, int | None], Awaitable[T]],
        *,
        is_heavy: bool = False,
    ) -> T:
        """Lend a connection to one call, with the audit records that have to leave with it.

        `call` is given the statement's deadline in milliseconds, None where the login's own holds.
        """
        async with (
            self._budgets.places.hold(caller, is_heavy=is_heavy),
            self._pool.connection() as connection,
        ):
            # Reckoned when a connection is there: waiting for it was part of the call's time.
            left_seconds = trace.remaining_seconds(self._timeout_seconds + GRACE_SECONDS)
            milliseconds = self._deadline(left_seconds - GRACE_SECONDS)
            flight = Flight(connection, use_prepared=self._use_prepared)
            intent = self._trail.intent(caller)
            took.begin()
            try:
                async with asyncio.timeout(left_seconds):
                    return await call(
                        flight, orjson.dumps(intent) if intent else None, milliseconds
                    )
            except TimeoutError as error:
                self._pool.fell_silent(took.since)
                raise QueryTimeout(
                    "The database did not answer in time.",
                    hint="Narrow the period or aggregate more; then try again.",
                ) from error
            finally:
                took.end()
                self._trail.intended(caller, intent, is_committed=flight.is_recorded)
                if caller.call is not None:
                    caller.call.database_seconds += took.seconds

    def _limits(self, caller: Caller) -> tuple[float, ...] | None:
        budget = self._budgets.budget
        if not budget.is_limited:
            return None
        return (
            budget.calls_at_once,
            budget.calls_per_minute,
            budget.database_seconds_per_hour * 1000.0,
            *self._trail.unwritten(caller),
        )

    def _translated(self, caller: Caller, error: psycopg.Error) -> ZavaError:
        fault = faults.translate(error)
        if error.sqlstate == faults.BUDGET_SPENT and isinstance(fault, Busy):
            what = (error.diag.message_primary or "").partition(" ")[0]
            self._budgets.close_until(caller, what, fault.retry_after_seconds)
        return fault

    def _deadline(self, left_seconds: float) -> int | None:
        """Return the statement's deadline in milliseconds; None where the login's own holds.

        Raises:
            Busy: the call has waited so long that no time is left for the statement.
        """
        if left_seconds <= 0:
            raise Busy(
                "The call's time passed while it waited for the database.",
                hint="Try again in a few seconds.",
            )
        if left_seconds < self._timeout_seconds - _SLACK_SECONDS:
            return max(1, int(left_seconds * 1000))
        if self._timeout_seconds == _SERVER_DEADLINE_SECONDS:
            return None
        return self._timeout_seconds * 1000

    def _observe(
        self, caller: Caller, question: Question, took: "_Took", error: BaseException | None
    ) -> None:
        if took.since == 0:  # it never left
            return
        kind = QueryType.FREE if question.describe else QueryType.OWN
        observe.query(kind, seconds=took.seconds, error=error, attempts=took.attempts)
        # What a call is told to run first is what its caller wrote, where that is the question.
        call = caller.call if question.describe else None
        self._monitor.record(
            kind,
            question.sql,
            took.seconds,
            failed=error is not None,
            fingerprint=call.fingerprint if call is not None else None,
        )
        if not self._monitor.is_slow(took.seconds) or isinstance(error, asyncio.CancelledError):
            return
        # What ran, to its end or out of its time: not what was refused.
        is_explained = question not in (_SCOPE_QUESTION, _USED_QUESTION) and isinstance(
            error, QueryTimeout | None
        )
        explain = partial(self._explain, caller, question) if is_explained else None
        self._monitor.tell_slow(kind, question.sql, took.seconds, explain)

    async def _explain(self, caller: Caller, question: Question) -> list[str]:
        """Return the shape of the plan that the caller's statement has; it is not run again.

        It holds a place among the caller's own, as a heavy statement does, and is refused when the
        budget is spent. Of the calls at once it takes none: the next one needs them.

        Raises:
            ZavaError: it could not be asked for now.
        """
        audience = self._audiences.get(caller.identity, Audience.STORE_MANAGERS)

        async def fly(flight: Flight, _record: bytes | None, milliseconds: int | None) -> str:
            limits = self._limits(caller)
            bounds = Bounds(0, 0, milliseconds, budget=(0, *limits[1:]) if limits else None)
            return await flight.plan(audience, self._signed(caller, question), bounds)

        try:
            return (await self._fly(caller, _Took(), fly, is_heavy=True)).splitlines()
        except psycopg.Error as error:
            raise self._translated(caller, error) from error

    def _signed(self, caller: Caller, question: Question) -> SignedCall:
        params = orjson.dumps(question.params).decode() if question.params is not None else ""
        return self._signer.sign(caller, question.sql, params)


def _tell(caller: Caller, audience: Audience, landing: Landing) -> None:
    """Note on the caller's call what the audit says of an answer: whose, how much, never what."""
    _tell_scope(caller, audience, landing.scope)
    if caller.call is not None:
        caller.call.row_count += len(landing.lines)
        caller.call.byte_count += sum(map(len, landing.lines))


def _tell_scope(caller: Caller, audience: Audience, scope: str) -> None:
    if caller.call is not None:
        caller.call.audience = audience
        caller.call.store_ids = tuple(part for part in scope.strip("{}").split(",") if part)


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
