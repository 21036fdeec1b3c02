"""Several commands to PostgreSQL and all their answers in one round trip.

The only file that drives libpq itself: `Connection.pipeline()` of psycopg spends a second trip on
an error and cannot describe a statement. `psycopg.generators` is a public module without a
promise, so psycopg is pinned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from zava.data.session.results import Results
from zava.data.session.signed_context import SignedCall
from zava.infrastructure.postgres.connection import PooledConnection
from zava.model.core import ReadingRole

_INT4, _INT8, _TEXT, _UUID, _BYTEA, _JSONB = 23, 20, 25, 2950, 17, 3802
_BOOL, _UUIDS = 16, 2951
_RUNNER_TYPES = (_INT4, _UUID, _UUID, _INT8, _UUID, _BYTEA, _TEXT, _TEXT, _INT4, _INT8)
_RUNNER_FORMATS = (0, 0, 0, 0, 0, 1, 0, 0, 0, 0)  # only the signature travels as bytes
_SIGNATURE_PLACES = 6

_FLOAT8 = 701
_WEIGHER_TYPES = _RUNNER_TYPES[:8]
_ADMIT_TYPES = (_UUID, _UUID, _UUID, _BOOL, _INT4, _INT8, _FLOAT8, _INT8, _FLOAT8)

_BEGIN = b"BEGIN READ ONLY"
_DEADLINE = b"SELECT pg_catalog.set_config('statement_timeout', $1, true)"
_ROLLBACK = b"ROLLBACK"
# The login's own default is read-only; what is recorded is all that it ever writes.
_BEGIN_RECORD = b"BEGIN READ WRITE"
_RECORD = b"SELECT zava.record_calls($1), zava.charge($1)"
_COMMIT = b"COMMIT"
# ROLLBACK undoes settings and notifications; session-level advisory locks survive it.
_UNLOCK = b"SELECT pg_catalog.pg_advisory_unlock_all()"
# The call runs without the personal data that the grant allows: the token does not allow it.
_NARROW = b"SELECT pg_catalog.set_config('zava.narrowed', 'on', true)"
_RUNNERS = {
    role: b"SELECT * FROM zava.run_%s($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    % role.value.encode()
    for role in ReadingRole
}
_ADMIT = b"SELECT zava.admit($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_WORKING = b"SELECT unnest(zava.working($1))"
_WEIGHERS = {
    role: b"SELECT zava.weigh_%s($1, $2, $3, $4, $5, $6, $7, $8)" % role.value.encode()
    for role in ReadingRole
}
# Where a weigher leaves the plan's shape, in its own transaction.
_PLAN = b"SELECT pg_catalog.current_setting('zava.plan')"
_SCOPE = b"SELECT * FROM zava.scope_of_data($1, $2, $3, $4, $5, $6)"
_USED = b"SELECT * FROM zava.used($1, $2)"
# Refuses on a late standby, and on a server that is none. As the first statement it runs before the
# snapshot of the call is taken, so the snapshot is never older than what it has seen.
_STANDBY = b"SELECT zava.standby_lag()"
_TYPES = dict.fromkeys(_RUNNERS.values(), _RUNNER_TYPES) | {
    _SCOPE: _RUNNER_TYPES[:_SIGNATURE_PLACES],
    _USED: (_UUID, _UUID),
    _RECORD: (_JSONB,),
    _ADMIT: _ADMIT_TYPES,
    _WORKING: (_UUIDS,),
    **dict.fromkeys(_WEIGHERS.values(), _WEIGHER_TYPES),
}
# How a call's transaction begins, by the kind of server.
_ON_PRIMARY = {"begin": _BEGIN}
_ON_STANDBY = {"begin": _BEGIN, "standby": _STANDBY}
_DONE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
_NAMES = {
    _BEGIN: b"zava_begin",
    _DEADLINE: b"zava_deadline",
    _NARROW: b"zava_narrow",
    _ROLLBACK: b"zava_rollback",
    _UNLOCK: b"zava_unlock",
    _SCOPE: b"zava_scope",
    _USED: b"zava_used",
    _BEGIN_RECORD: b"zava_begin_record",
    _RECORD: b"zava_record",
    _COMMIT: b"zava_commit",
    _ADMIT: b"zava_admit",
    _WORKING: b"zava_working",
    _STANDBY: b"zava_standby",
}
_NAMES |= {command: b"zava_run_" + role.value.encode() for role, command in _RUNNERS.items()}
_NAMES |= {command: b"zava_weigh_" + role.value.encode() for role, command in _WEIGHERS.items()}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one call may cost: rows, bytes of JSON, and milliseconds (None: the login's own).

    `budget` is what the caller may use, in the order of `zava.admit` (None: the proof of isolation,
    which is not admitted and leaves no mark). `searches_overdue` makes `zava.admit` search for a
    statement of the caller that works past its deadline.
    """

    max_rows: int
    max_bytes: int
    timeout_milliseconds: int | None = None
    budget: tuple[float, ...] | None = None
    searches_overdue: bool = True


class Pipeline:
    """Commands that leave together; `fly` brings back the result of each."""

    def __init__(
        self,
        connection: PooledConnection,
        *,
        use_prepared: bool = True,
        is_on_standby: bool = False,
    ) -> None:
        self._connection = connection
        self._opening = _ON_STANDBY if is_on_standby else _ON_PRIMARY
        self._pgconn = connection.pgconn
        self._use_prepared = use_prepared
        self._steps: list[str] = []
        self._preparing: list[bytes] = []
        self.is_recorded = False
        """Whether audit records left with it and were committed."""
        self.nonce: str | None = None
        """By which `working` finds the call's backend, once the call was queued."""

    def add_call(
        self,
        role: ReadingRole,
        call: SignedCall,
        bounds: Bounds,
        *,
        describe: bool,
        is_run: bool = True,
        is_narrowed: bool = False,
    ) -> None:
        """Queue a read-only transaction around one runner, and its clean-up.

        Each Sync ends what an error skips: when the first part fails, ROLLBACK and the unlocking
        are already on the wire. They share a Sync, so that behind PgBouncer both reach the same
        server connection.
        """
        self._enter()
        runner = _RUNNERS[role]
        needed = [
            *self._opening.values(),
            _ROLLBACK,
            _UNLOCK,
            runner if is_run else _WEIGHERS[role],
        ]
        if bounds.timeout_milliseconds is not None:
            needed.append(_DEADLINE)
        if bounds.budget is not None:
            needed.append(_ADMIT)
        if is_narrowed:
            needed.append(_NARROW)
        self._prepare(needed)
        for step, command in self._opening.items():
            self._execute(step, command)
        if is_narrowed:
            self._execute("narrow", _NARROW)
        if bounds.timeout_milliseconds is not None:
            milliseconds = str(bounds.timeout_milliseconds).encode()
            self._execute("deadline", _DEADLINE, (milliseconds,), (_TEXT,))
        if bounds.budget is not None:
            searches = "true" if bounds.searches_overdue else "false"
            budget = map(str, bounds.budget)
            limits = (call.tenant_id, call.object_id, call.nonce, searches, *budget)
            self._execute("admit", _ADMIT, [*map(str.encode, limits)], _ADMIT_TYPES)
            self.nonce = call.nonce
        if describe:
            types = (_JSONB,) if call.params else ()
            self._pgconn.send_prepare(b"", call.statement.encode(), types)
            self._pgconn.send_describe_prepared(b"")
            self._steps += ["parse", "describe"]
        values = (
            *_signature(call),
            call.statement.encode(),
            call.params.encode(),
            str(bounds.max_rows).encode(),
            str(bounds.max_bytes).encode(),
        )
        if is_run:
            self._execute_signed("run", runner, values)
        else:
            self._execute_signed("explain", _WEIGHERS[role], values[:8])
            # Too rare to be held prepared.
            self._pgconn.send_query_params(_PLAN, None)
            self._steps.append("plan")
        self._sync()
        self._execute("rollback", _ROLLBACK)
        self._execute("unlock", _UNLOCK)
        self._sync()

    def add_record(self, entries: bytes) -> None:
        """Queue the writing of audit records, a JSON array, as a transaction of its own.

        When it fails, its transaction stays open and failed: a call queued behind it does not
        run, and the call's own clean-up ends it.
        """
        self._enter()
        self._prepare([_BEGIN_RECORD, _RECORD, _COMMIT])
        self._execute("record", _BEGIN_RECORD)
        self._execute("record", _RECORD, (entries,), (_JSONB,))
        self._execute("record", _COMMIT)
        self._sync()

    def add_scope(self, call: SignedCall, *, with_use: bool = False) -> None:
        """Queue the entry alone, which reads no tenant's row; `with_use` adds the used budgets."""
        self._enter()
        needed = [*self._opening.values(), _ROLLBACK, _SCOPE]
        if with_use:
            needed.append(_USED)
        self._prepare(needed)
        for step, command in self._opening.items():
            self._execute(step, command)
        self._execute_signed("scope", _SCOPE, _signature(call))
        if with_use:
            principal = call.tenant_id.encode(), call.object_id.encode()
            self._execute("used", _USED, principal, _TYPES[_USED])
        self._sync()
        self._execute("rollback", _ROLLBACK)
        self._sync()

    def add_admission(
        self, principal: tuple[str, str], nonce: str, limits: Sequence[float]
    ) -> None:
        """Queue the check of the budgets alone, for a call that then runs on a standby.

        Its transaction ends at once. So it holds no place among the calls at once, and no mark.
        """
        self._enter()
        self._prepare((_BEGIN, _ROLLBACK, _ADMIT))
        self._execute("begin", _BEGIN)
        values = (*principal, nonce, "false", *map(str, limits))
        self._execute("admit", _ADMIT, [*map(str.encode, values)], _ADMIT_TYPES)
        self._sync()
        self._execute("rollback", _ROLLBACK)
        self._sync()

    def add_working(self, nonces: Iterable[str]) -> None:
        """Queue the question which of these calls still have a working backend."""
        self._enter()
        self._prepare((_WORKING,))
        asked = b"{%s}" % ",".join(nonces).encode()
        self._execute("working", _WORKING, (asked,), _TYPES[_WORKING])
        self._sync()

    def add_query(self, query: bytes) -> None:
        """Queue one constant statement of ours under its own Sync, outside any tenant context."""
        self._enter()
        self._pgconn.send_query_params(query, None)
        self._steps.append("query")
        self._sync()

    async def run(self) -> Results:
        """Send everything at once and return each command's result in order.

        On any error a connection in doubt is closed, and the pool replaces it.

        Raises:
            psycopg.Error: the connection failed. A command's own error is in its result.
        """
        connection, pgconn, steps = self._connection, self._pgconn, self._steps
        try:
            results = await connection.wait(self._exchange(len(steps)))
            pgconn.exit_pipeline_mode()
        except BaseException:
            await connection.close()
            raise
        told = list(zip(steps, results, strict=True))
        if self._preparing:
            # Behind a failed transaction nothing could be prepared either.
            prepared = [result.status in _DONE for step, result in told if step == "prepare"]
            connection.prepared.update(
                command
                for command, is_held in zip(self._preparing, prepared, strict=True)
                if is_held
            )
        if "record" in steps:
            self.is_recorded = all(
                result.status in _DONE for step, result in told if step == "record"
            )
        return told

    def _enter(self) -> None:
        if not self._steps:
            self._pgconn.enter_pipeline_mode()

    def _prepare(self, needed: Sequence[bytes]) -> None:
        known = self._connection.prepared
        if not self._use_prepared or known.issuperset(needed):
            return
        commands = [
            command for command in needed if command not in known and command not in self._preparing
        ]
        if not commands:
            return
        for command in commands:
            types = _TYPES.get(command)
            self._pgconn.send_prepare(_NAMES[command], command, types)
            self._steps.append("prepare")
        self._preparing += commands
        self._sync()

    def _execute_signed(self, step: str, command: bytes, values: Sequence[bytes]) -> None:
        self._execute(step, command, values, _TYPES[command], _RUNNER_FORMATS[: len(values)])

    def _execute(
        self,
        step: str,
        command: bytes,
        values: Sequence[bytes] | None = None,
        types: Sequence[int] | None = None,
        formats: Sequence[int] | None = None,
    ) -> None:
        if self._use_prepared:
            self._pgconn.send_query_prepared(_NAMES[command], values, formats)
        else:
            self._pgconn.send_query_params(command, values, types, formats)
        self._steps.append(step)

    def _sync(self) -> None:
        self._pgconn.pipeline_sync()
        self._steps.append("sync")

    def _exchange(self, count: int) -> PQGen[list[PGresult]]:
        yield from generators.send(self._pgconn)
        results: list[PGresult] = []
        for _ in range(count):
            results += yield from generators.fetch_many(self._pgconn)
        return results


def _signature(call: SignedCall) -> tuple[bytes, ...]:
    """Return the caller and the signature: the first arguments of a runner and of `scope`."""
    return (
        call.key_id.encode(),
        call.tenant_id.encode(),
        call.object_id.encode(),
        call.expires.encode(),
        call.nonce.encode(),
        call.mac,
    )
