"""What an attacker gets with the guard off, nothing of another store's; and with it on, nothing."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import psycopg
import pytest

from tests.security.corpus import CATALOG, GUARD_ONLY, PERSONAL, Hostile, read_corpus
from tests.support.servers.database import Database
from tests.support.servers.pgbouncer import is_asked_for
from tests.support.suite.patience import patient
from zava.data.guard.analysis import SHORT_CHARACTERS
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.data.syntax.output_width import output_columns
from zava.data.syntax.parser import NotParsed, parse
from zava.errors import QueryTimeout, ResultTooLarge, ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.audiences import SQL_QUERY
from zava.model.core import Caller
from zava.retail.declaration import RETAIL

DEADLINE_SECONDS = 1
SLACK_SECONDS = 1.5
FIRST_LETTERS = 12
TENANT_TABLES = ("stores", "customers", "inventory", "orders", "order_items", "store_targets")
PEER_SECRET = "peer_secret_4711"
# Here an answer is the harm: metadata, WAL, locks and memory are nobody's rows.
ANSWER_HARMS = frozenset({GUARD_ONLY, CATALOG})
ANSWERED, ENDED, REFUSED = "answered", "ended at a bound", "refused or failed"

corpus = read_corpus()


@dataclass
class Arena:
    """One attacker's connection, a peer at work, and a superuser who looks on."""

    tenancy: TenantDatabase
    pool: DatabasePool
    watcher: psycopg.AsyncConnection[Any]
    peer: psycopg.AsyncConnection[Any]
    values: dict[str, object]
    foreign: dict[str, list[str]]
    """What only others' rows hold, by its first letters."""
    chain_counts: frozenset[int]
    baseline: dict[str, str] = field(default_factory=dict)
    baseline_digest: object = None
    baseline_pid: int = 0
    initial_state: tuple[Any, ...] = ()
    transactions: object = None
    """After which of the server's transactions the state was last seen to be the initial one."""

    def foreign_in(self, text: str) -> set[str]:
        """Look up each place of a text, rather than seek each of many thousand values in it."""
        return {
            value
            for at in range(len(text))
            for value in self.foreign.get(text[at : at + FIRST_LETTERS], ())
            if text.startswith(value, at)
        }

    async def settings_digest(self) -> object:
        """Return what changes with any setting: comparing 400 rows here costs ten times as much."""
        async with self.pool.connection() as connection:
            rows = await connection.execute(
                "SELECT md5(string_agg(name || '=' || coalesce(setting, ''), ',' ORDER BY name)),"
                " current_user, session_user, coalesce(current_setting('zava.context', true), ''),"
                " coalesce(current_setting('mallory.note', true), '') FROM pg_settings"
            )
            return await rows.fetchone()

    async def attacker_settings(self) -> dict[str, str]:
        async with self.pool.connection() as connection:
            rows = await connection.execute("SELECT name, setting FROM pg_settings")
            settings = {str(name): str(setting) for name, setting in await rows.fetchall()}
            rows = await connection.execute(
                "SELECT current_user, session_user, coalesce(current_setting('zava.context', true), ''),"
                " coalesce(current_setting('mallory.note', true), '')"
            )
            who = await rows.fetchone()
        return settings | {"who": repr(who)}

    async def state(self) -> tuple[Any, ...]:
        """What a write would change: rows, relations, roles, large objects, policies."""
        # Whatever writes a row, if only the value that stood there, makes another version of it.
        counts = [
            f"(SELECT sum(hash_record_extended(ROW(t.ctid, t.xmin), 0)) FROM retail.{name} t)"
            for name in TENANT_TABLES
        ]
        rows = await self.watcher.execute(
            f"SELECT {', '.join(counts)}, (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc),"
            " (SELECT string_agg(rolname || rolsuper || rolbypassrls, ',' ORDER BY rolname) FROM pg_roles),"
            " (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_policy),"
            " (SELECT string_agg(relacl::text, '' ORDER BY oid) FROM pg_class WHERE relacl IS NOT NULL)"
        )
        return tuple(await rows.fetchone() or ())

    async def remember(self) -> None:
        self.transactions = await self._transactions()
        self.initial_state = await self.state()

    async def is_unchanged(self) -> bool:
        """Whether the state is the initial one; read anew only if any transaction has written."""
        transactions = await self._transactions()
        if transactions == self.transactions:
            return True
        self.transactions = transactions
        return await self.state() == self.initial_state

    async def _transactions(self) -> object:
        """Return the id after the last ended transaction's: one that writes nothing has no id."""
        rows = await self.watcher.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())")
        return await rows.fetchone()

    async def left_behind(self) -> list[str]:
        """What the attacker's connection still holds after its call."""
        found = []
        if await self.settings_digest() != self.baseline_digest:
            found += await self._changed_settings()
        async with self.pool.connection() as connection:
            pid = await backend_pid(connection)
            rows = await connection.execute(
                "SELECT name FROM pg_prepared_statements WHERE name NOT LIKE 'zava\\_%'"
                " UNION ALL SELECT name FROM pg_cursors WHERE name <> '' "
                " UNION ALL SELECT pg_listening_channels()"
            )
            found += [f"holds {name}" for (name,) in await rows.fetchall()]
            # Before the connection is returned: the plan of a slow statement is read with it next.
            locks = await self.watcher.execute(
                "SELECT locktype FROM pg_locks WHERE pid = %s AND locktype = 'advisory'", [pid]
            )
            found += [f"holds a lock {row}" for row in await locks.fetchall()]
        return found

    async def _changed_settings(self) -> list[str]:
        now = await self.attacker_settings()
        async with self.pool.connection() as connection:
            is_another = await backend_pid(connection) != self.baseline_pid
        # One that took the place of a backend that was too late may not have loaded the module of
        # these settings.
        if is_another or is_asked_for():
            now = {name: value for name, value in self.baseline.items() if "." in name} | now
        return [
            f"{name}: {self.baseline[name]} -> {now.get(name)}"
            for name in self.baseline
            if now.get(name) != self.baseline[name]
        ]


@pytest.fixture(scope="module")
async def arena(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> AsyncIterator[Arena]:
    async with (
        await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as watcher,
        await psycopg.AsyncConnection.connect(
            database.server, autocommit=True, prepare_threshold=None
        ) as peer,
    ):
        foreign: dict[str, list[str]] = {}
        for name in TENANT_TABLES:
            rows = await watcher.execute(
                f"SELECT to_jsonb(t) FROM retail.{name} t JOIN retail.stores s USING (store_id)"
                " WHERE s.store_name <> 'Zava Retail Seattle'"
            )
            values = {
                str(row[key])
                for (row,) in await rows.fetchall()
                for key in ("store_id", "order_id", "customer_id", "email", "store_name")
                if key in row
            }
            for value in values:
                assert len(value) >= FIRST_LETTERS
                foreign.setdefault(value[:FIRST_LETTERS], []).append(value)
        count = await watcher.execute(
            "SELECT (SELECT count(*) FROM retail.stores), (SELECT count(*) FROM retail.orders),"
            " (SELECT count(*) FROM retail.customers), (SELECT count(*) FROM retail.order_items)"
        )
        ids = await watcher.execute(
            "SELECT s.store_id, o.store_id, o.order_id, o.customer_id FROM retail.stores s,"
            " retail.orders o JOIN retail.stores r USING (store_id)"
            " WHERE s.store_name = 'Zava Retail Seattle' AND r.store_name = 'Zava Retail Redmond' LIMIT 1"
        )
        own, other, order, customer = await ids.fetchone() or (None,) * 4
        pool = DatabasePool(database.server, max_size=1)
        tenancy = TenantDatabase(
            pool,
            signer,
            IsolationCheck(pool, signer, RETAIL),
            statement_timeout_seconds=DEADLINE_SECONDS,
        )
        arena = Arena(
            tenancy=tenancy,
            pool=pool,
            watcher=watcher,
            peer=peer,
            values={
                "own": own,
                "other": other,
                "order": order,
                "customer": customer,
                "peer": await backend_pid(peer),
            },
            foreign=foreign,
            chain_counts=frozenset(await count.fetchone() or ()),
        )
        # The runner is prepared by the first call; only then does the connection look its usual self.
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        arena.baseline = await arena.attacker_settings()
        arena.baseline_digest = await arena.settings_digest()
        async with pool.connection() as connection:
            arena.baseline_pid = await backend_pid(connection)
        await arena.remember()
        yield arena
        await pool.close()


async def backend_pid(connection: psycopg.AsyncConnection[Any]) -> int:
    """Ask the server itself: behind a pooler the driver knows another number."""
    row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    return int(row[0])


def cells(value: Any) -> list[str]:
    """Every scalar of an answer as text, also inside JSON, arrays and rows."""
    if isinstance(value, dict):
        return [text for pair in value.items() for inner in pair for text in cells(inner)]
    if isinstance(value, list | tuple):
        return [text for inner in value for text in cells(inner)]
    return [str(value)]


def foreign_found(rows: list[list[Any]], arena: Arena, sql: str) -> set[str]:
    # What the attacker wrote into the statement comes back without a leak.
    return arena.foreign_in("\n".join(cells(rows))) - arena.foreign_in(sql)


def _ways(sql: str) -> list[int]:
    """Return how the rows may come: as JSON (0), and as text of the columns that a short one names."""
    if len(sql) > SHORT_CHARACTERS:  # a deep one would end this process in the parser
        return [0]
    try:
        width = output_columns(parse(sql)[0]["stmt"])
    except (NotParsed, LookupError):
        return [0]
    return [0, width] if width else [0]


@pytest.mark.parametrize("hostile", corpus, ids=lambda hostile: hostile.label)
@pytest.mark.requirement("S25")
@pytest.mark.requirement("S57")
@pytest.mark.requirement("S62")
async def test_hostile_statement_gets_nothing_and_leaves_nothing(
    hostile: Hostile, arena: Arena, callers: dict[str, Caller], outcomes: dict[Hostile, str]
) -> None:
    sql = hostile.filled(arena.values)
    peer_task = asyncio.ensure_future(arena.peer.execute(f"SELECT '{PEER_SECRET}', pg_sleep(0.02)"))
    started = time.monotonic()
    rows: list[list[Any]] = []
    outcome = ANSWERED
    caller = callers["seattle"]
    if hostile.kind == PERSONAL:
        caller = replace(caller, permissions=frozenset({SQL_QUERY}))
    try:
        for columns in _ways(sql):
            # The line end keeps apart what is remembered of the two ways.
            text = sql if columns else f"{sql}\n"
            answer = await arena.tenancy.run(caller, text, max_rows=1000, columns=columns)
            rows = rows + answer.rows
            assert answer.scope.stores == ("Zava Retail Seattle",)
            if answer.truncated:
                outcome = ENDED
    except (QueryTimeout, ResultTooLarge):
        outcome = ENDED
    except ZavaError as error:  # Busy too: the attacker's own backend was hurt, and nobody else's
        outcome = REFUSED
        rows = [[str(error.to_dict())]]
    took = time.monotonic() - started
    outcomes[hostile] = outcome
    if hostile.kind == PERSONAL:
        assert outcome == REFUSED, "also a count or an order is an answer about persons"

    assert took < patient(DEADLINE_SECONDS + SLACK_SECONDS)
    assert foreign_found(rows, arena, sql) == set()
    if hostile.kind not in ANSWER_HARMS:
        assert not arena.chain_counts & {
            cell for row in rows for cell in row if isinstance(cell, int)
        }
    assert PEER_SECRET not in orjson.dumps(rows).decode()
    await asyncio.wait_for(peer_task, timeout=patient(2))  # alive, and neither ended nor cancelled
    assert await arena.left_behind() == []
    assert await arena.is_unchanged()


@pytest.mark.parametrize("hostile", corpus, ids=lambda hostile: hostile.label)
async def test_guard_refuses_each_statement_but_those_that_the_seal_bounds(
    hostile: Hostile, arena: Arena, free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = hostile.filled(arena.values)
    if hostile.passes:
        (await (await free_query.reader(callers["seattle"])).read(b"", sql)).verdict.enforce()
    else:
        with pytest.raises(ZavaError) as caught:
            await free_query.run(callers["seattle"], sql, max_rows=1)
        assert caught.value.__cause__ is None, "the database was asked"
        assert caught.value.hint


def test_corpus_is_large_and_covers_each_class() -> None:
    kinds = Counter(hostile.kind for hostile in corpus)
    assert len({hostile.sql for hostile in corpus if not hostile.passes}) >= 300
    assert min(kinds.values()) >= 8
    assert len(kinds) == 13


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[Hostile, str]]:
    """What came of each statement without the guard; `make hostile` shows it by class."""
    found: dict[Hostile, str] = {}
    yield found
    if len(found) == len(corpus):
        print("\n".join(_table(found)))  # the table by class


def _table(found: dict[Hostile, str]) -> Iterator[str]:
    """Yield the rows; a statement that passes the guard fares as it does without."""
    off = (REFUSED, ENDED, "answered, harmless", "harmful")
    on = ("refused by the guard", *off)
    yield f"\n| class | statements | off: {' | '.join(off)} | on: {' | '.join(on)} |"
    yield f"|{'---|' * (2 + len(off) + len(on))}"
    for kind in [*dict.fromkeys(hostile.kind for hostile in corpus), "all"]:
        counted: Counter[str] = Counter()
        for hostile, came in found.items():
            if kind not in {hostile.kind, "all"}:
                continue
            outcome = came
            if came == ANSWERED:
                outcome = off[3] if hostile.kind in ANSWER_HARMS else off[2]
            counted["statements"] += 1
            counted[f"off {outcome}"] += 1
            counted[f"on {outcome if hostile.passes else on[0]}"] += 1
        columns = ["statements", *(f"off {name}" for name in off), *(f"on {name}" for name in on)]
        yield f"| {kind} | {' | '.join(str(counted[name]) for name in columns)} |"


async def test_judge_sees_a_foreign_row_when_there_is_one(
    arena: Arena, seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("CREATE POLICY hole ON retail.orders TO store_managers USING (true)")
    pool = DatabasePool(seeded_clone.server, max_size=1)
    verification = IsolationCheck(pool, signer, RETAIL)
    (problem,) = await verification.problems()
    assert problem.startswith("policy hole on retail.orders is not one of the sealed ones")
    verification.ensure = _nothing  # type: ignore[method-assign]  # serve although it is broken
    answer = await TenantDatabase(pool, signer, verification).run(
        callers["seattle"], "SELECT * FROM retail.orders ORDER BY order_id", max_rows=1000
    )
    await pool.close()
    assert foreign_found(answer.rows, arena, "")


async def test_judge_sees_a_write(arena: Arena, seeded_clone: Database) -> None:
    async with await psycopg.AsyncConnection.connect(
        seeded_clone.owner, autocommit=True
    ) as watcher:
        judge = replace(arena, watcher=watcher)
        await judge.remember()
        assert await judge.is_unchanged()
        await watcher.execute("UPDATE retail.stores SET store_name = store_name")
        assert not await judge.is_unchanged()


async def _nothing() -> None:
    return


async def test_backend_that_takes_the_place_of_an_ended_one_holds_nothing(
    arena: Arena, callers: dict[str, Caller]
) -> None:
    async with arena.pool.connection() as connection:
        ended = await backend_pid(connection)
    await arena.watcher.execute("SELECT pg_terminate_backend(%s, 10000)", [ended])
    await arena.tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    async with arena.pool.connection() as connection:
        assert await backend_pid(connection) != ended
    assert await arena.left_behind() == []
