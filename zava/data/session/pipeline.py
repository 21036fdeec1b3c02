"""Several commands to PostgreSQL and all their answers in one round trip.

The only file that drives libpq itself: `Connection.pipeline()` of psycopg spends a second trip on
an error and cannot describe a statement. `psycopg.generators` is a public module without a
promise, so psycopg is pinned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg import Error, OperationalError, errors, generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from zava.data.session.signed_context import SignedCall
from zava.errors import Busy
from zava.infrastructure.postgres.connection import PooledConnection
from zava.model.core import Audience

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
_RUNNERS = {
    audience: b"SELECT * FROM zava.run_%s($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    % audience.value.encode()
    for audience in Audience
}
_ADMIT = b"SELECT zava.admit($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_WORKING = b"SELECT unnest(zava.working($1))"
_WEIGHERS = {
    audience: b"SELECT zava.weigh_%s($1, $2, $3, $4, $5, $6, $7, $8)" % audience.value.encode()
    for audience in Audience
}
# Where a weigher leaves the plan's shape, in its own transaction.
_PLAN = b"SELECT pg_catalog.current_setting('zava.plan')"
_SCOPE = b"SELECT * FROM zava.scope($1, $2, $3, $4, $5, $6)"
_USED = b"SELECT * FROM zava.used($1, $2)"
_TYPES = dict.fromkeys(_RUNNERS.values(), _RUNNER_TYPES) | {
    _SCOPE: _RUNNER_TYPES[:_SIGNATURE_PLACES],
    _USED: (_UUID, _UUID),
    _RECORD: (_JSONB,),
    _ADMIT: _ADMIT_TYPES,
    _WORKING: (_UUIDS,),
    **dict.fromkeys(_WEIGHERS.values(), _WEIGHER_TYPES),
}
_DONE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
_NAMES = {
    _BEGIN: b"zava_begin",
    _DEADLINE: b"zava_deadline",
    _ROLLBACK: b"zava_rollback",
    _UNLOCK: b"zava_unlock",
    _SCOPE: b"zava_scope",
    _USED: b"zava_used",
    _BEGIN_RECORD: b"zava_begin_record",
    _RECORD: b"zava_record",
    _COMMIT: b"zava_commit",
    _ADMIT: b"zava_admit",
    _WORKING: b"zava_working",
}
_NAMES |= {
    command: b"zava_run_" + audience.value.encode() for audience, command in _RUNNERS.items()
}
_NAMES |= {
    command: b"zava_weigh_" + audience.value.encode() for audience, command in _WEIGHERS.items()
}


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


@dataclass(frozen=True, slots=True)
class Landing:
    """What one runner's call brought back.

    `lines` are the runner's rows as UTF-8 JSON without the scope line; `scope` is the verified
    scope text, never parsed from anything the statement wrote.
    """

    description: PGresult | None
    scope: str
    lines: Sequence[bytes]
    truncated: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller may see now: `scope_hash` identifies the scope, `data_version` its state.

    `scope` is the verified scope text, for the audit.
    """

    audience: Audience
    scope_hash: str
    data_version: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Used:
    """What the database has counted of a caller's budgets, and when it counts anew."""

    grant: Grant
    calls: int
    milliseconds: float
    minute_seconds_left: int
    hour_seconds_left: int


class Pipeline:
    """Commands that leave together; `fly` brings back every answer or raises the first error."""

    def __init__(self, connection: PooledConnection, *, use_prepared: bool = True) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._use_prepared = use_prepared
        self._steps: list[str] = []
        self._preparing: list[bytes] = []
        self.is_recorded = False
        """Whether audit records left with it and were committed."""
        self.nonce: str | None = None
        """By which `working` finds the call's backend, once the call was queued."""

    async def call(
        self,
        audience: Audience,
        call: SignedCall,
        bounds: Bounds,
        *,
        describe: bool,
        record: bytes | None = None,
    ) -> Landing:
        """Run one signed call, once the audit records that go with it are committed.

        Raises:
            psycopg.Error: the statement, the context or the connection failed.
            Busy: the records could not be written, so the statement did not run.
        """
        if record is not None:
            self.add_record(record)
        self.add_call(audience, call, bounds, describe=describe)
        return self.landing(await self.run())

    async def plan(self, audience: Audience, call: SignedCall, bounds: Bounds) -> str:
        """Return what the planner would do with a signed call, a line a step; nothing is run.

        Raises:
            psycopg.Error: the statement, the context or the connection failed.
        """
        self.add_call(audience, call, bounds, describe=False, is_run=False)
        told = _by_step(await self.run(), "plan")["plan"]
        return (told.get_value(0, 0) or b"").decode()

    def add_call(
        self,
        audience: Audience,
        call: SignedCall,
        bounds: Bounds,
        *,
        describe: bool,
        is_run: bool = True,
    ) -> None:
        """Queue a read-only transaction around one runner, and its clean-up.

        Each Sync ends what an error skips: when the first part fails, ROLLBACK and the unlocking
        are already on the wire. They share a Sync, so that behind PgBouncer both reach the same
        server connection.
        """
        self._enter()
        runner = _RUNNERS[audience]
        needed = [_BEGIN, _ROLLBACK, _UNLOCK, runner if is_run else _WEIGHERS[audience]]
        if bounds.timeout_milliseconds is not None:
            needed.append(_DEADLINE)
        if bounds.budget is not None:
            needed.append(_ADMIT)
        self._prepare(needed)
        self._execute("begin", _BEGIN)
        if bounds.timeout_milliseconds is not None:
            milliseconds = str(bounds.timeout_milliseconds).encode()
            self._execute("deadline", _DEADLINE, (milliseconds,), (_TEXT,))
        if bounds.budget is not None:
            searches = str(bounds.searches_overdue).lower()
            budget = map(str, bounds.budget)
            limits = (call.tenant_id, call.object_id, call.nonce, searches, *budget)
            self._execute("admit", _ADMIT, [limit.encode() for limit in limits], _ADMIT_TYPES)
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
            self._execute_signed("explain", _WEIGHERS[audience], values[:8])
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

    async def scope(self, call: SignedCall, *, record: bytes | None = None) -> Grant:
        """Read what the caller may see, without a statement on any tenant's rows.

        The audit records that go with it are committed first.

        Raises:
            psycopg.Error: the context or the connection failed.
            Busy: the records could not be written.
        """
        self._add_scope(call, record)
        return _grant(_by_step(await self.run(), "scope"))

    async def used(self, call: SignedCall, *, record: bytes | None = None) -> Used:
        """Read what the caller has used of the budgets, after the entry and in the same trip.

        Raises:
            psycopg.Error: the context or the connection failed.
            Busy: the records could not be written.
        """
        self._add_scope(call, record, with_use=True)
        told = _by_step(await self.run(), "used")
        calls, milliseconds, minute, hour = _values(told["used"])
        return Used(_grant(told), int(calls), float(milliseconds), int(minute), int(hour))

    def _add_scope(self, call: SignedCall, record: bytes | None, *, with_use: bool = False) -> None:
        if record is not None:
            self.add_record(record)
        self._enter()
        self._prepare([_BEGIN, _ROLLBACK, _SCOPE, *([_USED] if with_use else [])])
        self._execute("begin", _BEGIN)
        self._execute_signed("scope", _SCOPE, _signature(call))
        if with_use:
            principal = call.tenant_id.encode(), call.object_id.encode()
            self._execute("used", _USED, principal, _TYPES[_USED])
        self._sync()
        self._execute("rollback", _ROLLBACK)
        self._sync()

    async def working(self, nonces: Iterable[str]) -> set[str]:
        """Return which of these calls still have a working backend.

        Raises:
            psycopg.Error: the database did not answer.
        """
        self._enter()
        self._prepare([_WORKING])
        asked = b"{%s}" % ",".join(nonces).encode()
        self._execute("working", _WORKING, (asked,), _TYPES[_WORKING])
        self._sync()
        told = _by_step(await self.run(), "working")["working"]
        return {(told.get_value(row, 0) or b"").decode() for row in range(told.ntuples)}

    def add_query(self, query: bytes) -> None:
        """Queue one constant statement of ours under its own Sync, outside any tenant context."""
        self._enter()
        self._pgconn.send_query_params(query, None)
        self._steps.append("query")
        self._sync()

    async def run(self) -> list[tuple[str, PGresult]]:
        """Send everything at once and return each command's result in order.

        On any error a connection in doubt is closed, and the pool replaces it.
        """
        connection, pgconn, steps = self._connection, self._pgconn, self._steps
        try:
            results = await connection.wait(self._exchange(len(steps)))
            pgconn.exit_pipeline_mode()
        except BaseException:
            await connection.close()
            raise
        told = list(zip(steps, results, strict=True))
        prepared = [result.status in _DONE for step, result in told if step == "prepare"]
        # Behind a failed transaction nothing could be prepared either.
        connection.prepared.update(
            command for command, is_held in zip(self._preparing, prepared, strict=True) if is_held
        )
        recorded = [result.status in _DONE for step, result in told if step == "record"]
        self.is_recorded = bool(recorded) and all(recorded)
        return told

    @staticmethod
    def landing(results: Sequence[tuple[str, PGresult]]) -> Landing:
        """Read the results of one call; raise the error that ended it."""
        by_step = _by_step(results, "run")
        description, ran = by_step.get("describe"), by_step["run"]
        lines = [ran.get_value(row, 0) or b"" for row in range(ran.ntuples)]
        truncated = None
        if lines[-1].startswith(b"truncated:"):  # a row is a JSON object: it begins with a brace
            truncated = lines.pop().removeprefix(b"truncated:").decode()
        return Landing(description, lines[0].decode(), lines[1:], truncated)

    def _enter(self) -> None:
        if not self._steps:
            self._pgconn.enter_pipeline_mode()

    def _prepare(self, needed: Sequence[bytes]) -> None:
        known = self._connection.prepared
        commands = [
            command for command in needed if command not in known and command not in self._preparing
        ]
        if not self._use_prepared or not commands:
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


def _by_step(results: Sequence[tuple[str, PGresult]], needed: str) -> dict[str, PGresult]:
    """Return each step's result; raise the first error, or that the needed one never came."""
    by_step = {}
    for step, result in results:
        if step == "record":
            _raise_unrecorded(result)
        raise_error(result)
        by_step[step] = result
    if needed not in by_step:
        raise OperationalError("the server ended the exchange early")
    return by_step


def _grant(told: Mapping[str, PGresult]) -> Grant:
    audience, scope_hash, data_version, scope = _values(told["scope"])
    return Grant(Audience(audience), scope_hash, data_version, scope)


def _values(told: PGresult) -> tuple[str, ...]:
    """Return the text of each column of the first row."""
    return tuple((told.get_value(0, column) or b"").decode() for column in range(told.nfields))


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


def raise_error(result: PGresult) -> None:
    """Raise the server's error, with its SQLSTATE, when the result is one."""
    if result.status == ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(result)


def _raise_unrecorded(result: PGresult) -> None:
    try:
        raise_error(result)
    except Error as error:
        raise Busy(
            "The audit record could not be written, so the statement was not run.",
            hint="Try again in a few seconds; then report it.",
        ) from error
