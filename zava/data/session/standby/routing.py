"""Decide whether a statement runs on the standby, and do on the primary what comes before it.

The database holds the promise: on a standby the entry refuses a call when the data are older than
the bound. This module saves the refused trips. It also sends on to the primary what the standby
could not answer, once for each call.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import psycopg

from zava import call_context
from zava.data.session import sqlstate
from zava.data.session.audit_writer import AuditWriter, Entry
from zava.data.session.executor import ReadServer
from zava.data.session.isolation_check import IsolationBroken
from zava.data.session.operations import Operation, ReadAccess, Statement
from zava.data.session.pipeline import Pipeline
from zava.data.session.results import Results, read_admission, standby_lag
from zava.data.session.retries import is_passing
from zava.data.usage.budgets import Budgets
from zava.errors import Busy, QueryTimeout
from zava.infrastructure.postgres.connection import PooledConnection
from zava.infrastructure.postgres.pool import DatabasePool, GivenUp
from zava.model.core import Caller, CallRecord
from zava.telemetry import events
from zava.telemetry.instruments import StandbyRefusal

_PRIMARY = "primary"
_ADMIT_SECONDS = 10.0
# How long no call tries the standby after such a refusal. A conflict concerns one statement alone.
_REST_SECONDS = {
    StandbyRefusal.LATE: 0.5,
    StandbyRefusal.UNREACHABLE: 0.5,
    StandbyRefusal.PROMOTED: 5.0,
    StandbyRefusal.UNPROVEN: 5.0,
}
_BY_STATE = {
    sqlstate.STANDBY_LATE: StandbyRefusal.LATE,
    sqlstate.NOT_A_STANDBY: StandbyRefusal.PROMOTED,
    "40001": StandbyRefusal.CONFLICT,
}


class StandbyChanged(Exception):
    """The connection leads to another standby than the call's earlier statement read from."""


class PrimaryAway(Exception):
    """The primary did not take what has to be written before the standby may read."""


class StandbyRouting:
    """The standby of one process, and when its callers' statements run there.

    All statements of a call read from one server. A kept answer would otherwise get the version of
    newer data than it was read from. `pool` is the primary's.
    """

    def __init__(
        self,
        server: ReadServer,
        pool: DatabasePool,
        *,
        trail: AuditWriter,
        budgets: Budgets,
        use_prepared: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.server = server
        self._pool = pool
        self._trail = trail
        self._budgets = budgets
        self._use_prepared = use_prepared
        self._clock = clock
        self._rests_until = float("-inf")
        self._left: StandbyRefusal | None = None

    def chosen_for(self, record: CallRecord | None, operation: Operation[Any]) -> ReadServer | None:
        """Return the standby if the operation may run there now; None for the primary."""
        if record is None or record.server == _PRIMARY:
            return None
        if isinstance(operation, Statement | ReadAccess) and self._is_usable():
            return self.server
        record.server = _PRIMARY
        return None

    async def admit(self, caller: Caller, record: CallRecord | None) -> None:
        """Commit the intent and compare the budgets on the primary, in one trip, once for a call.

        Without either there is no trip. The calls at once are counted where the statement runs.

        Raises:
            PrimaryAway: the primary cannot be reached, or the connection was lost.
            Busy: the intent could not be written.
            QueryTimeout: the primary did not answer in time.
            psycopg.Error: the budget is used up.
        """
        try:
            await self._admit_once(caller, record)
        except Exception as error:
            if isinstance(error, GivenUp) or is_passing(error):
                raise PrimaryAway from error
            raise

    async def _admit_once(self, caller: Caller, record: CallRecord | None) -> None:
        intent = self._trail.intent(caller, record)
        budget = self._budgets.budget
        is_counted = bool(budget.calls_per_minute or budget.database_seconds_per_hour)
        if record is None or not (intent or (is_counted and not record.is_admitted)):
            return
        quota = self._budgets.quota
        is_spare = await quota.acquire(caller.identity, is_heavy=False)
        try:
            async with self._pool.connection(is_spare=is_spare) as connection:
                await self._admit_over(connection, record, intent, is_counted=is_counted)
        finally:
            quota.release(caller.identity)
        record.is_admitted = True

    async def _admit_over(
        self,
        connection: PooledConnection,
        record: CallRecord,
        intent: list[Entry],
        *,
        is_counted: bool,
    ) -> None:
        pipeline = Pipeline(connection, use_prepared=self._use_prepared)
        since = time.monotonic()
        try:
            async with asyncio.timeout(call_context.remaining_seconds(_ADMIT_SECONDS)):
                if intent:
                    pipeline.add_record(orjson.dumps(intent))
                if is_counted:
                    self._add_admission(pipeline, record.caller)
                read_admission(await pipeline.run(), "admit" if is_counted else "record")
        except TimeoutError as error:
            self._pool.report_timeout(since)
            raise QueryTimeout(
                "The database did not answer in time.", hint="Try again in a few seconds."
            ) from error
        finally:
            if not connection.is_reusable:
                await connection.close()  # a failed transaction stands open on it
            record.database_seconds += time.monotonic() - since
            if intent:
                self._trail.intended(record, intent, is_committed=pipeline.is_recorded)

    async def check(
        self, record: CallRecord | None, connection: PooledConnection, results: Results
    ) -> None:
        """Accept what the standby has answered, and keep the call on it; or raise why not.

        Raises:
            psycopg.Error: the standby lags too far behind, or it was promoted.
            StandbyChanged: an earlier statement of the call read from another one.
        """
        try:
            lag_seconds = standby_lag(results)
        except psycopg.Error as error:
            if error.sqlstate == sqlstate.NOT_A_STANDBY:
                await connection.close()  # another host of the list may be one
            raise
        place = connection.pgconn
        address = f"{place.hostaddr.decode()}:{place.port.decode()}"
        if record is not None and record.server not in {"", address}:
            raise StandbyChanged
        self._keep_on(record, address)
        events.standby_read(lag_seconds)
        if self._left is not None:
            self._left = None
            events.standby_returned()

    def falls_back(self, record: CallRecord | None, error: Exception) -> bool:
        """Whether the primary answers instead, after this failure and to the end of the call."""
        if isinstance(error, PrimaryAway):
            self._keep_on(record, _PRIMARY)
            return True
        reason = refusal(error)
        if reason is None:
            return False
        events.standby_refused(reason)
        if reason in _REST_SECONDS:
            self._rests_until = self._clock() + _REST_SECONDS[reason]
            if self._left is None:
                events.standby_left(reason)
            self._left = reason
        self._keep_on(record, _PRIMARY)
        return True

    @staticmethod
    def _keep_on(record: CallRecord | None, server: str) -> None:
        if record is not None:
            record.server = server

    def _is_usable(self) -> bool:
        if self._clock() < self._rests_until:
            return False
        circuit = self.server.pool.circuit
        if not circuit.is_open:
            return True
        if circuit.lets_pass():
            # The trial runs beside the calls: none waits for a server that may be gone.
            self.server.pool.report_timeout(time.monotonic())
        return False

    def _add_admission(self, pipeline: Pipeline, caller: Caller) -> None:
        budget = self._budgets.budget
        limits = (
            0,
            budget.calls_per_minute,
            budget.database_seconds_per_hour * 1000.0,
            *self._trail.unwritten(caller),
        )
        principal = str(caller.tenant_id), str(caller.object_id)
        pipeline.add_admission(principal, str(uuid4()), limits)


def refusal(error: BaseException | None) -> StandbyRefusal | None:
    """Return why the standby could not answer; None for a failure that the primary would repeat."""
    if isinstance(error, StandbyChanged):
        return StandbyRefusal.CHANGED
    if isinstance(error, IsolationBroken):
        return StandbyRefusal.UNPROVEN
    if isinstance(error, psycopg.Error) and error.sqlstate in _BY_STATE:
        return _BY_STATE[error.sqlstate]
    if isinstance(error, GivenUp) or (error is not None and is_passing(error)):
        return StandbyRefusal.UNREACHABLE
    # What the proof of isolation reports when the standby does not answer it.
    return refusal(error.__cause__) if isinstance(error, Busy) else None
