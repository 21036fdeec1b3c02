"""Run callers' statements and our own in a tenant's scope, and read a caller's grant."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from anyio.lowlevel import checkpoint
from cachetools import TTLCache

from zava.data.named_queries import statement
from zava.data.session.audit_writer import AuditTrail
from zava.data.session.executor import SERVER_DEADLINE_SECONDS, Door
from zava.data.session.isolation_check import Verification
from zava.data.session.operations import Question, ReadGrant, ReadUse
from zava.data.session.results import Grant, Landing
from zava.data.session.row_decoding import Origins, read_columns, read_rows
from zava.data.session.signed_context import ContextSigner
from zava.data.sql_query.schema_catalog import OUTSIDE_TEXT
from zava.data.syntax.fingerprint import note_statement
from zava.data.syntax.limits import check_limits
from zava.data.usage.budgets import Budget, Budgets
from zava.data.usage.query_stats import QueryMonitor
from zava.errors import Busy, QueryRefused
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Audience, BudgetUse, Caller, PerformanceSummary, Scope, Table

_SCOPE_SECONDS = 60
_MANY_ROWS = 64
_UNSHARED = 1_000_000  # connections: nobody waits for a place of the own


class Reading(NamedTuple):
    """The rows of a statement of ours, and the scope in which they were read."""

    rows: list[dict[str, Any]]
    scope: Scope


class Tenancy:
    """Runs statements as callers, each call one round trip.

    The database restricts the rows of any text given to `run` to the caller's stores. The guard
    in front of it decides what else a text may do.
    """

    def __init__(
        self,
        pool: DatabasePool,
        signer: ContextSigner,
        verification: Verification,
        *,
        trail: AuditTrail | None = None,
        budgets: Budgets | None = None,
        statement_timeout_seconds: int = SERVER_DEADLINE_SECONDS,
        use_prepared: bool = True,
        monitor: QueryMonitor | None = None,
    ) -> None:
        self._door = Door(
            pool,
            signer,
            verification,
            trail=trail or AuditTrail(pool),
            budgets=budgets or Budgets(Budget(), connections=_UNSHARED),
            monitor=monitor or QueryMonitor(),
            statement_timeout_seconds=statement_timeout_seconds,
            use_prepared=use_prepared,
        )
        # Seen only by callers whose verified scope is the same text; a renamed store shows
        # after a minute.
        self._scopes: TTLCache[tuple[Audience, str], Scope] = TTLCache(1024, _SCOPE_SECONDS)
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
    ) -> Table:
        """Run a statement that the caller's model wrote.

        Of statements that gather much in memory, one of a caller runs at a time.

        Raises:
            ZavaError: the statement was refused, failed, or could not be run now.
        """
        check_limits(sql)
        await note_statement(caller, sql)
        question = Question(
            sql, max_rows=max_rows, is_free=True, is_heavy=is_heavy, gathers=gathers
        )
        audience, landing = await self._door.execute(caller, question)
        _tell(caller, audience, landing)
        if len(landing.lines) > _MANY_ROWS:
            # Whoever got this one's place sends a statement first: making an answer of many rows
            # takes so long that the database would rest meanwhile.
            await checkpoint()
        if landing.description is not None and landing.description.nparams:
            raise QueryRefused(
                "The statement holds parameters such as $1, and nothing is bound to them.",
                hint="Write the values into the statement.",
            )
        scope = await self._scope(caller, audience, landing.scope)
        columns = (
            read_columns(
                landing.description,
                self._outside_text or frozenset(),
                reads_outside_text=reads_outside_text,
            )
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
        """Read, and return under which `Grant.scope_hash` the rows were seen.

        Raises:
            ZavaError: it could not be run now, or the caller has no access.
        """
        await note_statement(caller, sql)
        audience, landing = await self._door.execute(caller, Question(sql, params))
        _tell(caller, audience, landing)
        reading = Reading(
            [orjson.loads(line) for line in landing.lines],
            await self._scope(caller, audience, landing.scope),
        )
        return reading, sha256(f"{audience}|{landing.scope}".encode()).hexdigest()

    async def grant(self, caller: Caller) -> Grant:
        """Read the caller's grant, in one trip and without any tenant's row.

        Raises:
            ZavaError: the caller has no access, or the database does not answer.
        """
        _, grant = await self._door.execute(caller, ReadGrant())
        return self._learn(caller, grant)

    async def budget(self, caller: Caller) -> BudgetUse:
        """Read what a caller has used of the budgets, in one trip and without any tenant's row.

        Raises:
            ZavaError: the caller has no access, or the database does not answer.
        """
        _, used = await self._door.execute(caller, ReadUse())
        self._learn(caller, used.grant)
        budget, (calls, milliseconds) = (
            self._door.budgets.budget,
            self._door.trail.unwritten(caller),
        )
        return BudgetUse(
            # One limit for both: the calls of every instance, and every request of this one.
            calls=max(used.calls + calls, self._door.budgets.requests(caller)),
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
        self._door.charge_refusal(caller)

    def audience(self, caller: Caller) -> Audience | None:
        """Return the audience in which the caller was last seen: a guess, never a permission."""
        return self._door.audience(caller)

    def performance(self) -> PerformanceSummary:
        """Return what the statements of this process took; whose they were is not in it."""
        return self._door.monitor.summary()

    async def close(self) -> None:
        """Stop the tasks for slow and overdue statements, while the pool is still open."""
        await self._door.monitor.close()
        await self._door.overdue.close()

    def _learn(self, caller: Caller, grant: Grant) -> Grant:
        self._door.learn(caller, grant.audience)
        _tell_scope(caller, grant.audience, grant.scope)
        return grant

    async def _scope(self, caller: Caller, audience: Audience, scope_text: str) -> Scope:
        known = self._scopes.get((audience, scope_text))
        if known is None:
            _, names = await self._door.execute(caller, Question(statement("scope")))
            stores = [orjson.loads(line) for line in names.lines]
            known = Scope(
                audience,
                tuple(row["store_name"] for row in stores),
                stores[0]["store_count"] if stores else 0,
            )
            if self._outside_text is None:
                question = Question(statement("outside_text"), OUTSIDE_TEXT)
                _, origins = await self._door.execute(caller, question)
                self._outside_text = frozenset(
                    (row["table_id"], row["column_number"])
                    for row in map(orjson.loads, origins.lines)
                )
            if names.scope != scope_text:
                raise Busy("Your access changed while the call ran.", hint="Send it again.")
            self._scopes[audience, scope_text] = known
        return known


def _tell(caller: Caller, audience: Audience, landing: Landing) -> None:
    """Record on the caller's call what the audit keeps of an answer: scope and size, no content."""
    _tell_scope(caller, audience, landing.scope)
    if caller.call is not None:
        caller.call.row_count += len(landing.lines)
        caller.call.byte_count += sum(map(len, landing.lines))


def _tell_scope(caller: Caller, audience: Audience, scope: str) -> None:
    if caller.call is not None:
        caller.call.audience = audience
        caller.call.store_ids = tuple(filter(None, scope.strip("{}").split(",")))
