"""The one door to the database: every statement runs here, as somebody.

There is no other way to a connection. A call names its caller; the database looks the caller up
inside the very transaction that reads, so a revocation or another scope holds at the next call.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

import orjson
import psycopg
from cachetools import LRUCache, TTLCache

from zava.data import faults
from zava.data.cells import Origins, read_columns, read_rows
from zava.data.context import ContextSigner
from zava.data.flight import Bounds, Flight, Grant, Landing
from zava.data.limits import check_limits
from zava.data.schema import OUTSIDE_TEXT
from zava.data.statements import statement
from zava.data.verification import Verification
from zava.errors import Busy, QueryRefused, QueryTimeout
from zava.infrastructure.pool import DatabasePool
from zava.model import Audience, Caller, Scope, Table

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_ANSWER_BYTES = 1024 * 1024
_OWN_BOUNDS_ROWS = 1000
_SCOPE_SECONDS = 60
_SERVER_DEADLINE_SECONDS = 30  # what the login's role sets
_SCOPE_CALL = "scope"  # the text that a call of zava.scope signs
_GRACE_SECONDS = 2  # the server cancels first, so that its own error arrives


@dataclass(frozen=True, slots=True)
class Question:
    """One statement to run for a caller; `params` are values for statements of ours."""

    sql: str
    params: Mapping[str, Any] | None = None
    max_rows: int = _OWN_BOUNDS_ROWS
    describe: bool = False


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
        statement_timeout_seconds: int = _SERVER_DEADLINE_SECONDS,
        use_prepared: bool = True,
    ) -> None:
        self._pool = pool
        self._signer = signer
        self._verification = verification
        self._timeout_seconds = statement_timeout_seconds
        self._use_prepared = use_prepared
        # Which runner to name first. Only a guess: the entry decides in each call.
        self._audiences: LRUCache[Caller, Audience] = LRUCache(4096)
        # Seen only by callers whose verified scope is the same text; a renamed store shows
        # after a minute.
        self._scopes: TTLCache[tuple[Audience, str], Scope] = TTLCache(1024, _SCOPE_SECONDS)
        self._outside_text: Origins | None = None

    async def run(self, caller: Caller, sql: str, *, max_rows: int) -> Table:
        """Run a statement that the caller's model wrote.

        Raises:
            ZavaError: the statement was refused, failed, or could not be run now.
        """
        check_limits(sql)
        question = Question(sql, max_rows=max_rows, describe=True)
        audience, landing = await self._ask(caller, question)
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
        audience, landing = await self._ask(caller, Question(sql, params))
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

        async def ask(_: Audience) -> Grant:
            return await self._fly(
                lambda flight: flight.scope(self._signer.sign(caller, _SCOPE_CALL))
            )

        _, grant = await self._attempt(caller, ask)
        self._audiences[caller] = grant.audience
        return grant

    def audience(self, caller: Caller) -> Audience | None:
        """Return the audience in which the caller was last seen: a guess, never a permission."""
        return self._audiences.get(caller)

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
        return await self._attempt(caller, lambda audience: self._carry(caller, audience, question))

    async def _attempt(
        self, caller: Caller, call: Callable[[Audience], Awaitable[T]]
    ) -> tuple[Audience, T]:
        """Call once, and once more where the right runner or a living connection was missing."""
        await self._verification.ensure()
        audience = self._audiences.get(caller, Audience.STORE_MANAGERS)
        is_repeated = False
        while True:
            try:
                landing = await call(audience)
            except psycopg.Error as error:
                # The entry named the caller's audience: say it once more to the right runner.
                if error.sqlstate == faults.OTHER_AUDIENCE and not is_repeated:
                    audience = Audience(error.diag.message_primary or "")
                elif _is_lost_connection(error) and not is_repeated:
                    # Only reads run here, so a repetition on a living connection is safe.
                    await self._pool.drop_dead_connections()
                else:
                    raise self._translated(error) from error
                is_repeated = True
            else:
                self._audiences[caller] = audience
                return audience, landing

    async def _carry(self, caller: Caller, audience: Audience, question: Question) -> Landing:
        params = orjson.dumps(question.params).decode() if question.params is not None else ""
        bounds = Bounds(
            question.max_rows,
            MAX_ANSWER_BYTES,
            None
            if self._timeout_seconds == _SERVER_DEADLINE_SECONDS
            else self._timeout_seconds * 1000,
        )
        return await self._fly(
            lambda flight: flight.call(
                audience,
                # Signed when a connection is there: the signature ages while one waits.
                self._signer.sign(caller, question.sql, params),
                bounds,
                describe=question.describe,
            )
        )

    async def _fly(self, call: Callable[[Flight], Awaitable[T]]) -> T:
        async with self._pool.connection() as connection:
            flight = Flight(connection, use_prepared=self._use_prepared)
            try:
                async with asyncio.timeout(self._timeout_seconds + _GRACE_SECONDS):
                    return await call(flight)
            except TimeoutError as error:
                raise QueryTimeout(
                    "The database did not answer in time.",
                    hint="Narrow the period or aggregate more; then try again.",
                ) from error

    def _translated(self, error: psycopg.Error) -> Exception:
        fault = faults.translate(error)
        logger.info(
            "statement failed: %s %s correlation_id=%s",
            fault.code,
            error.sqlstate,
            fault.correlation_id,
        )
        return fault


def _is_lost_connection(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate in {"57P01", "57P02", "57P03"}
    )
