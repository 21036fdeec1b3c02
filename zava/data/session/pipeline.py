"""Several commands to PostgreSQL and all their answers in one round trip.

The only file that drives libpq itself: `Connection.pipeline()` of psycopg spends a second trip on
an error and cannot describe a statement. `psycopg.generators` is a public module without a
promise, so psycopg is pinned.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from psycopg import OperationalError, generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from zava.data.session.commands.command_texts import (
    ADMIT,
    BEGIN,
    BEGIN_RECORD,
    COMMIT,
    DEADLINE,
    FORMATS,
    JSONB,
    NAMES,
    NARROW,
    PLAN,
    RECORD,
    ROLLBACK,
    SCOPE,
    STANDBY,
    TYPES,
    UNLOCK,
    USED,
    WORKING,
)
from zava.data.session.commands.role_commands import commands_of
from zava.data.session.results import Results
from zava.data.session.signed_context import SignedCall
from zava.infrastructure.postgres.connection import PooledConnection
from zava.model.audiences import ReadingRole

_DONE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
_LIMITS = 3  # of a budget; what this process has not recorded yet follows them
# libpq holds a part as a whole, whatever its rows weigh: few rows bound its bytes.
_ROWS_A_PART = 64

_Step = tuple[str, bytes, Sequence[bytes] | None]
"""A statement under the name of its step, with its values."""


class _Opening(NamedTuple):
    """How a call's transaction begins, by the kind of server."""

    commands: tuple[bytes, ...]
    steps: tuple[_Step, ...]


_ON_PRIMARY = _Opening((BEGIN,), (("begin", BEGIN, None),))
_ON_STANDBY = _Opening((BEGIN, STANDBY), (*_ON_PRIMARY.steps, ("standby", STANDBY, None)))


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one call may cost: rows, bytes of JSON, and milliseconds (None: the login's own).

    `budget` is what the caller may use, in the order of `zava.admit`. It is None for the proof of
    isolation and for our own statements without a limit. `searches_overdue` makes `zava.admit`
    search for a statement of the caller that works past its deadline. `columns` is how many the
    statement has, if its rows come by column (0: one by one).
    """

    max_rows: int
    max_bytes: int
    timeout_milliseconds: int | None = None
    budget: tuple[float, ...] | None = None
    searches_overdue: bool = True
    columns: int = 0


class Pipeline:
    """Commands that leave together; `run` returns the result of each."""

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
        self._take_part: Callable[[PGresult], None] | None = None
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
        # There is something for `zava.admit` to compare or to search for.
        is_admitted = bounds.budget is not None and (
            bounds.searches_overdue or any(bounds.budget[:_LIMITS])
        )
        commands = commands_of(role)
        runner = commands.admitted_runner if is_admitted else commands.runner
        command = runner if is_run else commands.admitted_weigher
        needed = [*self._opening.commands, ROLLBACK, UNLOCK, command]
        if bounds.timeout_milliseconds is not None:
            needed.append(DEADLINE)
        if is_narrowed:
            needed.append(NARROW)
        self._prepare(needed)
        steps = [*self._opening.steps]
        if is_narrowed:
            steps.append(("narrow", NARROW, None))
        if bounds.timeout_milliseconds is not None:
            steps.append(("deadline", DEADLINE, [str(bounds.timeout_milliseconds).encode()]))
        self._execute(*steps)
        statement = call.statement.encode()
        if describe:
            types = (JSONB,) if call.params else ()
            self._pgconn.send_prepare(b"", statement, types)
            self._pgconn.send_describe_prepared(b"")
            self._steps += ["parse", "describe"]
        values = [*_signature(call), statement, call.params.encode()]
        if is_run:
            limits = (bounds.max_rows, bounds.max_bytes, bounds.columns)
            values += map(str.encode, map(str, limits))
        if bounds.budget is not None:
            self.nonce = call.nonce
        if bounds.budget is not None and is_admitted:
            values.append(b"true" if bounds.searches_overdue else b"false")
            values += map(str.encode, map(str, bounds.budget))
        self._execute(("run" if is_run else "explain", command, values))
        if not is_run:
            # Too rare to be held prepared.
            self._pgconn.send_query_params(PLAN, None)
            self._steps.append("plan")
        self._sync()
        self._execute(("rollback", ROLLBACK, None), ("unlock", UNLOCK, None))
        self._sync()

    def take_parts(self, take: Callable[[PGresult], None]) -> None:
        """Hand a runner's rows to `take` as they arrive, some at a time."""
        self._take_part = take

    def add_record(self, entries: bytes) -> None:
        """Queue the writing of audit records, a JSON array, as a transaction of its own.

        When it fails, its transaction stays open and failed: a call queued behind it does not
        run, and the call's own clean-up ends it.
        """
        self._enter()
        self._prepare([BEGIN_RECORD, RECORD, COMMIT])
        self._execute(
            ("record", BEGIN_RECORD, None),
            ("record", RECORD, [entries]),
            ("record", COMMIT, None),
        )
        self._sync()

    def add_scope(self, call: SignedCall, *, with_use: bool = False) -> None:
        """Queue the entry alone, which reads no tenant's row; `with_use` adds the used budgets."""
        self._enter()
        needed = (*self._opening.commands, ROLLBACK, SCOPE)
        self._prepare((*needed, USED) if with_use else needed)
        self._execute(*self._opening.steps, ("scope", SCOPE, _signature(call)))
        if with_use:
            principal = [call.tenant_id.encode(), call.object_id.encode()]
            self._execute(("used", USED, principal))
        self._sync()
        self._execute(("rollback", ROLLBACK, None))
        self._sync()

    def add_admission(
        self, principal: tuple[str, str], nonce: str, limits: Sequence[float]
    ) -> None:
        """Queue the check of the budgets alone, for a call that then runs on a standby.

        Its transaction ends at once. So it holds no place among the calls at once, and no mark.
        """
        self._enter()
        self._prepare((BEGIN, ROLLBACK, ADMIT))
        values = (*principal, nonce, "false", *map(str, limits))
        self._execute(("begin", BEGIN, None), ("admit", ADMIT, [*map(str.encode, values)]))
        self._sync()
        self._execute(("rollback", ROLLBACK, None))
        self._sync()

    def add_working(self, nonces: Iterable[str]) -> None:
        """Queue the question which of these calls still have a working backend."""
        self._enter()
        self._prepare((WORKING,))
        asked = b"{%s}" % ",".join(nonces).encode()
        self._execute(("working", WORKING, [asked]))
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
            results = await connection.wait(self._exchange(steps))
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
            types = TYPES.get(command)
            self._pgconn.send_prepare(NAMES[command], command, types)
            self._steps.append("prepare")
        self._preparing += commands
        self._sync()

    def _execute(self, *steps: "_Step") -> None:
        """Queue some of the statements above, each with its values."""
        for step, command, values in steps:
            formats = FORMATS.get(command) if values else None
            if self._use_prepared:
                self._pgconn.send_query_prepared(NAMES[command], values, formats)
            else:
                self._pgconn.send_query_params(command, values, TYPES.get(command), formats)
            self._steps.append(step)

    def _sync(self) -> None:
        self._pgconn.pipeline_sync()
        self._steps.append("sync")

    def _exchange(self, steps: Sequence[str]) -> PQGen[list[PGresult]]:
        yield from generators.send(self._pgconn)
        results: list[PGresult] = []
        for step in steps:
            if step == "run" and self._take_part is not None:
                results += yield from self._parts(self._take_part)
            else:
                results += yield from generators.fetch_many(self._pgconn)
        return results

    def _parts(self, take: Callable[[PGresult], None]) -> PQGen[list[PGresult]]:
        """Hand on each part of one result; return the last one, which has no rows or the error."""
        # A command behind one that failed has its result already, which has no rows.
        with suppress(OperationalError):
            self._pgconn.set_chunked_rows_mode(_ROWS_A_PART)
        last: list[PGresult] = []
        while (part := (yield from generators.fetch(self._pgconn))) is not None:
            take(part)
            last = [part]
        return last


def _signature(call: SignedCall) -> list[bytes]:
    """Return the caller and the signature: the first arguments of a runner and of `scope`."""
    return [
        call.key_id.encode(),
        call.tenant_id.encode(),
        call.object_id.encode(),
        call.expires.encode(),
        call.nonce.encode(),
        call.mac,
    ]
