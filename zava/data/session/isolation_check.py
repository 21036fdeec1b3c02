"""Prove isolation before anything is served, and again every minute.

The check compares the catalog with everything that isolation rests on. Then it reads as the two
canaries, principals that no token can name. Each must see its own row, and a forged, an expired and
a missing context must see none. All of it is one round trip.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol
from uuid import UUID

import psycopg
from psycopg.pq.abc import PGresult

from zava.data.session import sqlstate
from zava.data.session.pipeline import Bounds, Pipeline
from zava.data.session.results import raise_error
from zava.data.session.retries import is_lost_connection
from zava.data.session.signed_context import ContextSigner, SignedCall
from zava.errors import Busy, ZavaError
from zava.infrastructure.postgres.pool import DatabasePool, Unreachable
from zava.model.audiences import Audience
from zava.model.core import Caller
from zava.model.domain import Domain
from zava.sql_files import SQL

logger = logging.getLogger(__name__)

_FRESH_SECONDS = 60.0
_NOBODY = UUID(int=0)
CANARIES = (
    Caller(_NOBODY, UUID("00000000-0000-0000-0000-0000000000a1")),
    Caller(_NOBODY, UUID("00000000-0000-0000-0000-0000000000b2")),
)
"""Principals whom no token can name; each sees one row of its own and no store."""

_PROBE = "SELECT store_id FROM zava.canary"
# The scope of this forgery is the second canary's; sixty-four zeros stand where its seal would.
_FORGED_PROBE = (
    "WITH forged AS MATERIALIZED (SELECT set_config('zava.context', repeat('0', 64)"
    " || '00000000-0000-0000-0000-0000000000b2', true)) SELECT store_id FROM forged, zava.canary"
)

_BOUNDS = Bounds(max_rows=10, max_bytes=10_000)
_DIRECTORY = SQL / "verify"
_QUESTIONS = ("isolation.sql", "logins.sql", "catalog.sql")
_LISTS = ("known_functions.sql", "known_leakproof.txt")


_RESTORE = "the CREATE FUNCTION of zava.open_context and zava.my_store in sql/schema.sql"
_CANARIES_AGAIN = (
    "INSERT INTO zava.canary VALUES ('00000000-0000-0000-0000-0000000000a1', 'first canary'),"
    " ('00000000-0000-0000-0000-0000000000b2', 'second canary') ON CONFLICT DO NOTHING"
)
_PRINCIPALS_AGAIN = (
    "INSERT INTO zava.principals (tenant_id, object_id, display_name, audience, store_ids)"
    " SELECT '00000000-0000-0000-0000-000000000000', store_id, song, '{audience}',"
    " ARRAY[store_id] FROM zava.canary ON CONFLICT (tenant_id, object_id) DO UPDATE SET"
    " active = true, valid_from = '-infinity', valid_until = 'infinity',"
    " audience = excluded.audience, store_ids = excluded.store_ids, reads_personal = false"
)
_REMEDIES = {
    sqlstate.CONTEXT_REFUSED: "zava migrate, which installs the keys that sign the context",
    sqlstate.PRINCIPAL_REFUSED: _PRINCIPALS_AGAIN,
    sqlstate.OTHER_AUDIENCE: _PRINCIPALS_AGAIN,
}


@dataclass(frozen=True, slots=True)
class Probe:
    """One call of a canary, and what it must bring: these rows, or this SQLSTATE.

    Without `remedy` the remedies of the shipped schema are named.
    """

    what: str
    call: SignedCall
    rows: list[bytes] | None = None
    state: str | None = None
    audience: Audience | None = None
    remedy: str | None = None

    def problems(self, result: PGresult, audience: Audience) -> list[str]:
        """Return in which way the answer is not the one that isolation brings."""
        try:
            raise_error(result)
        except psycopg.Error as error:
            if error.sqlstate == self.state:
                return []
            if error.sqlstate == sqlstate.STANDBY_LATE:
                raise  # an old answer proves nothing either way
            remedy = self.remedy or _REMEDIES.get(error.sqlstate or "", _RESTORE).format(
                audience=audience
            )
            return [f"{self.what}: {error.sqlstate}; run {remedy}"]
        rows = [result.get_value(row, 0) for row in range(1, result.ntuples)]
        if rows == self.rows:
            return []
        remedy = self.remedy or (_RESTORE if rows or self.rows is None else _CANARIES_AGAIN)
        return [f"{self.what} sees {len(rows)} rows; run {remedy}"]


class IsolationBroken(ZavaError):
    """The database does not isolate tenants; nothing is served until it does."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            "Tenant isolation could not be proven, so nothing is served.",
            hint="An administrator runs `python -m zava verify` for the reasons.",
        )
        self.problems = problems


class IsolationProof(Protocol):
    """What proves the isolation of another database than the shipped one.

    `seconds` is how long a proof holds: no call is served on an older one.
    """

    @property
    def seconds(self) -> float:
        """Return how old a proof may be when a call runs."""

    def queries(self) -> Sequence[bytes]:
        """Return what reads the catalog, each row a problem."""

    def probes(self, signer: ContextSigner) -> Sequence[Probe]:
        """Return the calls of canaries and strangers."""


class IsolationCheck:
    """Remembers for a minute that isolation was proven, for the audiences of one domain.

    `proof` replaces that of the shipped schema, for a database whose owner may open it at any time.
    """

    def __init__(
        self,
        pool: DatabasePool,
        signer: ContextSigner,
        domain: Domain,
        *,
        use_prepared: bool = True,
        clock: Callable[[], float] = time.monotonic,
        proof: IsolationProof | None = None,
    ) -> None:
        self.domain = domain
        self._proof = proof
        self._bound = proof.seconds if proof is not None else None
        self._pool = pool
        self._signer = signer
        self._use_prepared = use_prepared
        self._clock = clock
        self._proving = asyncio.Lock()
        self._holds = False
        self._proven_at = 0.0

    async def ensure(self) -> None:
        """Prove isolation once before the first call; afterwards cost nothing.

        Raises:
            IsolationBroken: it does not hold.
            Busy: the database cannot be reached, which proves nothing either way.
        """
        if self._holds and (self._bound is None or not self._is_old(self._bound)):
            return
        async with self._proving:
            if not self._holds or (self._bound is not None and self._is_old(self._bound)):
                await self._prove()

    async def refresh(self) -> None:
        """Prove isolation anew when the last proof is older than a minute (readiness)."""
        async with self._proving:
            if not self._holds or self._is_old(self._bound or _FRESH_SECONDS):
                await self._prove()

    def _is_old(self, seconds: float) -> bool:
        return self._clock() - self._proven_at > seconds

    async def problems(self) -> list[str]:
        """Return every way in which isolation does not hold, as sentences; empty when it does.

        Raises:
            psycopg.Error: the database did not answer.
        """
        async with self._pool.connection() as connection:
            pipeline = Pipeline(connection, use_prepared=self._use_prepared)
            for query in self._proof.queries() if self._proof else catalog_queries():
                pipeline.add_query(query)
            probes = self._proof.probes(self._signer) if self._proof else _probes(self._signer)
            audience = self.domain.audiences.first
            for probe in probes:
                role = (probe.audience or audience).role
                pipeline.add_call(role, probe.call, _BOUNDS, describe=False)
            results = await pipeline.run()
        found = []
        for catalog in (result for step, result in results if step == "query"):
            raise_error(catalog)
            found += [(catalog.get_value(row, 0) or b"").decode() for row in range(catalog.ntuples)]
        probed = [result for step, result in results if step == "run"]
        for probe, result in zip(probes, probed, strict=True):
            found += probe.problems(result, audience)
        return found

    async def _prove(self) -> None:
        self._holds = False
        try:
            found = await self.problems()
        except psycopg.Error as error:
            kind = Unreachable if is_lost_connection(error) else Busy
            raise kind(
                "The database is unavailable at present.", hint="Try again in a few seconds."
            ) from error
        if found:
            for problem in found:
                logger.critical("isolation: %s", problem)
            raise IsolationBroken(found)
        self._holds = True
        self._proven_at = self._clock()


def _probes(signer: ContextSigner) -> list[Probe]:
    first, second = CANARIES
    own = signer.sign(first, _PROBE)
    return [
        Probe("the first canary", own, rows=[_row(first)]),
        Probe("the second canary", signer.sign(second, _PROBE), rows=[_row(second)]),
        Probe(
            "a forged setting", signer.sign(first, _FORGED_PROBE), state=sqlstate.CONTEXT_ALTERED
        ),
        Probe(
            "a forged signature",
            replace(own, mac=bytes(len(own.mac))),
            state=sqlstate.CONTEXT_REFUSED,
        ),
        Probe("a missing signature", replace(own, mac=b""), state=sqlstate.CONTEXT_REFUSED),
        Probe(
            "a changed statement",
            replace(own, statement=f"{_PROBE} WHERE true"),
            state=sqlstate.CONTEXT_REFUSED,
        ),
    ]


def _row(canary: Caller) -> bytes:
    return b'{"store_id":"%s"}' % str(canary.object_id).encode()


@cache
def catalog_queries() -> tuple[bytes, ...]:
    """Return the statements that read the catalog, with the lists that they compare it with."""
    queries = []
    for name in _QUESTIONS:
        query = (_DIRECTORY / name).read_bytes()
        for listed in _LISTS:
            query = query.replace(f"/* {listed} */".encode(), (_DIRECTORY / listed).read_bytes())
        queries.append(query)
    return tuple(queries)
