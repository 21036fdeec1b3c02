"""Several commands to PostgreSQL and all their answers in one round trip.

The only file that drives libpq itself: `Connection.pipeline()` of psycopg spends a second trip on
an error and cannot describe a statement. `psycopg.generators` is a public module without a
promise, so psycopg is pinned.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import OperationalError, errors, generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from zava.data.context import SignedCall
from zava.infrastructure.pool import PooledConnection
from zava.model import Audience

_INT4, _INT8, _TEXT, _UUID, _BYTEA, _JSONB = 23, 20, 25, 2950, 17, 3802
_RUNNER_TYPES = (_INT4, _UUID, _UUID, _INT8, _UUID, _BYTEA, _TEXT, _TEXT, _INT4, _INT8)
_RUNNER_FORMATS = (0, 0, 0, 0, 0, 1, 0, 0, 0, 0)  # only the signature travels as bytes
_SIGNATURE_PLACES = 6

_BEGIN = b"BEGIN READ ONLY"
_DEADLINE = b"SELECT pg_catalog.set_config('statement_timeout', $1, true)"
_ROLLBACK = b"ROLLBACK"
# ROLLBACK undoes settings and notifications; session-level advisory locks survive it.
_UNLOCK = b"SELECT pg_catalog.pg_advisory_unlock_all()"
_RUNNERS = {
    audience: b"SELECT * FROM zava.run_%s($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    % audience.value.encode()
    for audience in Audience
}
_SCOPE = b"SELECT * FROM zava.scope($1, $2, $3, $4, $5, $6)"
_TYPES = dict.fromkeys(_RUNNERS.values(), _RUNNER_TYPES) | {
    _SCOPE: _RUNNER_TYPES[:_SIGNATURE_PLACES]
}
_NAMES = {
    _BEGIN: b"zava_begin",
    _DEADLINE: b"zava_deadline",
    _ROLLBACK: b"zava_rollback",
    _UNLOCK: b"zava_unlock",
    _SCOPE: b"zava_scope",
} | {command: b"zava_run_" + audience.value.encode() for audience, command in _RUNNERS.items()}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one call may cost: rows, bytes of JSON, and milliseconds (None: the login's own)."""

    max_rows: int
    max_bytes: int
    timeout_milliseconds: int | None = None


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
    """What a caller may see just now: `scope_hash` tells scopes apart, `data_version` states."""

    audience: Audience
    scope_hash: str
    data_version: str


class Flight:
    """Commands that leave together; `fly` brings back every answer or raises the first error."""

    def __init__(self, connection: PooledConnection, *, use_prepared: bool = True) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._use_prepared = use_prepared
        self._steps: list[str] = []
        self._preparing: list[bytes] = []

    async def call(
        self, audience: Audience, call: SignedCall, bounds: Bounds, *, describe: bool
    ) -> Landing:
        """Run one signed call and nothing else.

        Raises:
            psycopg.Error: the statement, the context or the connection failed.
        """
        self.add_call(audience, call, bounds, describe=describe)
        return self.landing(await self.fly())

    def add_call(
        self, audience: Audience, call: SignedCall, bounds: Bounds, *, describe: bool
    ) -> None:
        """Queue a read-only transaction around one runner, and its clean-up.

        Each Sync ends what an error skips: whatever fails in the first part, ROLLBACK and the
        unlocking are already on the wire. They share a Sync, so that behind PgBouncer both reach
        the same server connection.
        """
        self._enter()
        runner = _RUNNERS[audience]
        needed = [_BEGIN, _ROLLBACK, _UNLOCK, runner]
        if bounds.timeout_milliseconds is not None:
            needed.append(_DEADLINE)
        self._prepare_missing(needed)
        self._execute("begin", _BEGIN)
        if bounds.timeout_milliseconds is not None:
            milliseconds = str(bounds.timeout_milliseconds).encode()
            self._execute("deadline", _DEADLINE, (milliseconds,), (_TEXT,))
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
        self._execute_signed("run", runner, values)
        self._sync()
        self._execute("rollback", _ROLLBACK)
        self._execute("unlock", _UNLOCK)
        self._sync()

    async def scope(self, call: SignedCall) -> Grant:
        """Ask what the caller may see, without a statement on any tenant's rows.

        Raises:
            psycopg.Error: the context or the connection failed.
        """
        self._enter()
        self._prepare_missing([_BEGIN, _ROLLBACK, _SCOPE])
        self._execute("begin", _BEGIN)
        self._execute_signed("scope", _SCOPE, _signature(call))
        self._sync()
        self._execute("rollback", _ROLLBACK)
        self._sync()
        told = None
        for step, result in await self.fly():
            raise_error(result)
            if step == "scope":
                told = result
        if told is None:
            raise OperationalError("the server ended the exchange early")
        audience, scope_hash, data_version = (
            (told.get_value(0, column) or b"").decode() for column in range(3)
        )
        return Grant(Audience(audience), scope_hash, data_version)

    def add_query(self, query: bytes) -> None:
        """Queue one constant statement of ours under its own Sync, outside any tenant context."""
        self._enter()
        self._pgconn.send_query_params(query, None)
        self._steps.append("query")
        self._sync()

    async def fly(self) -> list[tuple[str, PGresult]]:
        """Send everything at once and return each command's result in order.

        Whatever goes wrong on the way, a connection in doubt is closed: the pool replaces it.
        """
        connection, pgconn, steps = self._connection, self._pgconn, self._steps
        try:
            results = await connection.wait(self._exchange(len(steps)))
            pgconn.exit_pipeline_mode()
        except BaseException:
            await connection.close()
            raise
        connection.prepared.update(self._preparing)
        return [(step, result) for step, result in zip(steps, results, strict=True)]

    @staticmethod
    def landing(results: Sequence[tuple[str, PGresult]]) -> Landing:
        """Read the results of one call; raise the error that ended it."""
        description = None
        ran = None
        for step, result in results:
            raise_error(result)
            if step == "describe":
                description = result
            elif step == "run":
                ran = result
        if ran is None:
            raise OperationalError("the server ended the exchange early")
        lines = [ran.get_value(row, 0) or b"" for row in range(ran.ntuples)]
        truncated = None
        if lines[-1].startswith(b"truncated:"):  # a row is a JSON object: it begins with a brace
            truncated = lines.pop().removeprefix(b"truncated:").decode()
        return Landing(description, lines[0].decode(), lines[1:], truncated)

    def _enter(self) -> None:
        if not self._steps:
            self._pgconn.enter_pipeline_mode()

    def _prepare_missing(self, needed: Sequence[bytes]) -> None:
        commands = [command for command in needed if command not in self._connection.prepared]
        if not self._use_prepared or not commands:
            return
        for command in commands:
            self._pgconn.send_prepare(_NAMES[command], command, _TYPES.get(command))
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
    """Return who asks and the proof of it: the first arguments of a runner and of `scope`."""
    return (
        call.key_id.encode(),
        call.tenant_id.encode(),
        call.object_id.encode(),
        call.expires.encode(),
        call.nonce.encode(),
        call.mac,
    )


def raise_error(result: PGresult) -> None:
    """Raise what the server said, with its SQLSTATE, when the result is an error."""
    if result.status == ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(result)
