"""Kept answers: behind the entry, shared by one scope and no other, never stale, never an error."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from tests.cache.redis_server import RedisServer, redis_server
from tests.conftest import result_cache
from tests.database import Database
from tests.proxy import counting_proxy
from zava.data.context import ContextSigner
from zava.data.flight import Grant
from zava.data.result_cache import KeptReading, ResultCache, cache_key
from zava.data.tenancy import Reading, Tenancy
from zava.data.verification import Verification
from zava.errors import AccessDenied, DatabaseFault
from zava.infrastructure.byte_store import ByteStore, MemoryStore, RedisStore
from zava.infrastructure.demo_data import store_id
from zava.infrastructure.pool import DatabasePool
from zava.model import Audience, Caller

SQL = "SELECT count(*) AS orders, sum(total_amount) AS revenue FROM retail.orders"
TEXTS = st.text(max_size=60) | st.sampled_from(
    ["a:b", "a", ":", "1:a", "0:", "|", "ü", "x" * 10_000]
)
GRANTS = st.builds(Grant, st.sampled_from(Audience), TEXTS, TEXTS)
CALLS = st.tuples(TEXTS, GRANTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3))


class CountingTenancy(Tenancy):
    """Counts statements on tenant data, and lets a test stand before each."""

    statements = 0
    before: Callable[[Caller], Any] | None = None

    async def read_hashed(
        self, caller: Caller, sql: str, params: Mapping[str, Any] | None = None
    ) -> tuple[Reading, str]:
        self.statements += 1
        if self.before is not None:
            await self.before(caller)
        return await super().read_hashed(caller, sql, params)


class Asking:
    """A cache over a tenancy, asked as the metric tools ask it."""

    def __init__(self, tenancy: CountingTenancy, cache: ResultCache) -> None:
        self.tenancy = tenancy
        self.cache = cache

    async def __call__(self, caller: Caller, sql: str = SQL) -> KeptReading:
        return await self.cache.read(caller, await self.tenancy.grant(caller), sql, {"a": 1})


@asynccontextmanager
async def asking(
    conninfo: str, signer: ContextSigner, store: ByteStore, **options: Any
) -> AsyncIterator[Asking]:
    pool = DatabasePool(conninfo, max_size=3, max_waiting=256)
    tenancy = CountingTenancy(pool, signer, Verification(pool, signer))
    try:
        yield Asking(tenancy, result_cache(tenancy, store, **options))
    finally:
        await pool.close()


@pytest.fixture
async def ask(database: Database, signer: ContextSigner) -> AsyncIterator[Asking]:
    async with asking(database.server, signer, MemoryStore(300)) as ask:
        yield ask


@pytest.fixture
def changing(seeded_clone: Database) -> Iterator[psycopg.Connection]:
    """A superuser of a database of the test's own."""
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        yield owner


@pytest.mark.requirement("S122")
@given(CALLS, CALLS)
def test_two_calls_share_a_key_only_when_all_of_them_is_the_same(
    one: tuple[str, Grant, str, dict[str, str]], other: tuple[str, Grant, str, dict[str, str]]
) -> None:
    assert (cache_key(*one) == cache_key(*other)) == (one == other)


@pytest.mark.requirement("S122")
@given(TEXTS, GRANTS, TEXTS, TEXTS)
def test_no_part_runs_over_into_the_next(version: str, grant: Grant, sql: str, moved: str) -> None:
    """What one part loses at its end and the next gains at its beginning is another call."""
    if not moved:
        return
    left = cache_key(
        version, Grant(grant.audience, grant.scope_hash + moved, grant.data_version), sql, {}
    )
    right = cache_key(
        version, Grant(grant.audience, grant.scope_hash, moved + grant.data_version), sql, {}
    )
    assert left != right
    assert cache_key(version, grant, sql + moved, {}) != cache_key(version + moved, grant, sql, {})
    assert cache_key(version, grant, sql, {moved: 1}) != cache_key(
        version, grant, sql, {moved: "1"}
    )


@pytest.mark.requirement("S116")
@pytest.mark.requirement("S119")
async def test_second_call_is_answered_from_memory_with_the_time_of_the_first(
    ask: Asking, callers: dict[str, Caller]
) -> None:
    first, second = await ask(callers["seattle"]), await ask(callers["seattle"])
    assert (first.is_cached, second.is_cached) == (False, True)
    assert second.reading == first.reading
    assert second.as_of == first.as_of
    assert second.reading.rows is not first.reading.rows  # nobody's change reaches another's answer
    assert ask.tenancy.statements == 1


@pytest.mark.requirement("S121")
async def test_hits_and_misses_are_counted(ask: Asking, callers: dict[str, Caller]) -> None:
    for name in ("seattle", "seattle", "redmond", "seattle"):
        await ask(callers[name])
    told = ask.cache.statistics
    assert (told.hits, told.misses, told.joined) == (2, 2, 0)
    assert told.hit_ratio == 0.5


async def test_hit_passes_the_entry_in_one_trip_and_a_miss_takes_two(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=1)
        tenancy = CountingTenancy(pool, signer, Verification(pool, signer))
        ask = Asking(tenancy, result_cache(tenancy, MemoryStore(300)))
        await ask(callers["seattle"], "SELECT 1 AS one")  # learns the scope's names
        trips = []
        for _ in range(2):
            before = proxy.round_trips
            await ask(callers["seattle"])
            trips.append(proxy.round_trips - before)
        assert trips == [2, 1]
        await pool.close()


async def test_no_two_scopes_share_an_answer(ask: Asking, callers: dict[str, Caller]) -> None:
    answers = {name: (await ask(caller)).reading for name, caller in callers.items()}
    again = {name: (await ask(caller)).reading for name, caller in callers.items()}
    assert again == answers
    assert len({str(answer.rows) for answer in answers.values()}) == len(callers)
    assert ask.tenancy.statements == len(callers)


@pytest.mark.requirement("S119")
async def test_fifty_that_miss_at_once_run_one_statement(
    ask: Asking, callers: dict[str, Caller]
) -> None:
    answers = await asyncio.gather(*(ask(callers["seattle"]) for _ in range(50)))
    assert ask.tenancy.statements == 1
    assert len({str(answer.reading.rows) for answer in answers}) == 1


@pytest.mark.requirement("S118")
async def test_lifetime_of_zero_keeps_nothing(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    memory = MemoryStore(300)
    async with asking(database.server, signer, memory, ttl_seconds=0) as ask:
        assert not (await ask(callers["seattle"])).is_cached
        assert not (await ask(callers["seattle"])).is_cached
        assert ask.tenancy.statements == 2
    assert memory.size_bytes == 0


@pytest.mark.requirement("S119")
async def test_errors_are_never_kept(ask: Asking, callers: dict[str, Caller]) -> None:
    for _ in range(2):
        with pytest.raises(DatabaseFault):
            await ask(callers["seattle"], "SELECT 1 / 0 AS x")
    assert ask.tenancy.statements == 2


@pytest.mark.requirement("S124")
async def test_revocation_holds_at_the_next_call_though_the_answer_is_kept(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        await ask(callers["seattle"])
        changing.execute(
            "UPDATE zava.principals SET active = false WHERE object_id = %s",
            [callers["seattle"].object_id],
        )
        with pytest.raises(AccessDenied):
            await ask(callers["seattle"])


@pytest.mark.requirement("S124")
async def test_another_scope_and_another_audience_hold_at_the_next_call(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        before = await ask(callers["seattle"])
        redmond = await ask(callers["redmond"])
        changing.execute(
            "UPDATE zava.principals SET store_ids = %s WHERE object_id = %s",
            [[store_id("Redmond")], callers["seattle"].object_id],
        )
        moved = await ask(callers["seattle"])
        assert moved.reading == redmond.reading  # the same scope: Redmond's kept answer
        assert moved.is_cached
        changing.execute(
            "UPDATE zava.principals SET audience = 'regional_managers', store_ids = %s WHERE object_id = %s",
            [[store_id("Redmond"), store_id("Seattle")], callers["seattle"].object_id],
        )
        both = await ask(callers["seattle"])
        assert both.reading.rows[0]["orders"] == (
            before.reading.rows[0]["orders"] + redmond.reading.rows[0]["orders"]
        )


@pytest.mark.requirement("S123")
async def test_changed_data_is_seen_at_the_next_call(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        before = (await ask(callers["seattle"])).reading.rows[0]["orders"]
        with psycopg.connect(seeded_clone.admin) as loading:  # as an import does it
            loading.execute("SET ROLE zava_loader")
            loading.execute(
                "INSERT INTO retail.orders (store_id, customer_id, total_amount)"
                " SELECT store_id, customer_id, 5 FROM retail.customers WHERE store_id = %s LIMIT 1",
                [store_id("Seattle")],
            )
            during = await ask(callers["seattle"])
            assert during.is_cached  # not committed: nothing has changed for anybody
            assert during.reading.rows[0]["orders"] == before
        after = await ask(callers["seattle"])
        assert not after.is_cached
        assert after.reading.rows[0]["orders"] == before + 1


@pytest.mark.requirement("S123")
async def test_answer_read_while_a_change_is_open_is_not_kept_beyond_its_commit(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        with psycopg.connect(seeded_clone.owner) as writing:
            writing.execute("DELETE FROM retail.order_items")
            writing.execute("DELETE FROM retail.orders")
            before = await ask(callers["seattle"])  # computed and kept while the change is open
            assert before.reading.rows[0]["orders"] > 0
        assert (await ask(callers["seattle"])).reading.rows[0]["orders"] == 0


TABLES = (
    "stores",
    "customers",
    "inventory",
    "orders",
    "order_items",
    "categories",
    "product_types",
    "products",
)


async def test_each_kind_of_change_of_each_table_moves_the_version(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        versions = [(await ask.tenancy.grant(callers["seattle"])).data_version]
        for table in TABLES:
            changing.execute(f"ALTER TABLE retail.{table} NO FORCE ROW LEVEL SECURITY")
            for change in (
                "DELETE FROM {} WHERE false",
                "UPDATE {} SET ctid = ctid",
                "INSERT INTO {} SELECT * FROM {} WHERE false",
            ):
                statement = change.format(*(f"retail.{table}",) * 2)
                if "ctid" in statement:
                    column = {
                        "products": "sku",
                        "product_types": "type_name",
                        "categories": "category_name",
                    }.get(table, "store_id")
                    statement = f"UPDATE retail.{table} SET {column} = {column} WHERE false"
                if statement.startswith("INSERT") and table == "products":
                    statement = "INSERT INTO retail.products (sku) SELECT sku FROM retail.products WHERE false"
                changing.execute(statement)
                versions.append((await ask.tenancy.grant(callers["seattle"])).data_version)
            changing.execute(f"TRUNCATE retail.{table} CASCADE")
            versions.append((await ask.tenancy.grant(callers["seattle"])).data_version)
    assert len(set(versions)) == 1 + 4 * len(TABLES)
    assert versions == sorted(versions, key=int)


def test_every_table_that_the_metrics_read_moves_the_version(changing: psycopg.Connection) -> None:
    read = {
        name
        for (name,) in changing.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'retail'::regnamespace AND relkind = 'r'"
        )
    }
    assert read - {"embedding_models", "product_embeddings"} == set(TABLES)


def version_and_rows(database: Database) -> tuple[int, int]:
    with psycopg.connect(database.owner) as owner:
        row = owner.execute("SELECT sum(changes)::int, count(*) FROM zava.data_changes").fetchone()
    assert row is not None
    return row[0], row[1]


def test_rows_of_past_transactions_are_folded_and_the_version_goes_on(
    seeded_clone: Database, changing: psycopg.Connection
) -> None:
    version, _ = version_and_rows(seeded_clone)
    change = "UPDATE retail.categories SET category_name = category_name WHERE false"
    for _ in range(80):
        with changing.transaction():
            changing.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            changing.execute(change)
    assert version_and_rows(seeded_clone)[1] > 64
    changing.execute(change)
    assert version_and_rows(seeded_clone) == (version + 81, 1)


def test_change_after_a_savepoint_was_left_counts(
    seeded_clone: Database, changing: psycopg.Connection
) -> None:
    version, _ = version_and_rows(seeded_clone)
    change = "UPDATE retail.categories SET category_name = category_name WHERE false"
    with changing.transaction():
        changing.execute("SAVEPOINT part")
        changing.execute(change)
        changing.execute("ROLLBACK TO part")
        changing.execute(change)
    assert version_and_rows(seeded_clone)[0] == version + 1


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_writers_never_wait_for_one_another_on_account_of_the_version(
    seeded_clone: Database, level: str
) -> None:
    before = version_and_rows(seeded_clone)
    writers = [psycopg.connect(seeded_clone.owner) for _ in range(3)]
    try:
        for writer in writers:
            writer.execute("SET lock_timeout = '2s'")
            writer.commit()
            writer.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            writer.execute("SELECT 1 FROM retail.stores")  # takes the snapshot
        for round_ in range(3):
            for number, writer in enumerate(writers):
                name = f"{round_} {number}"
                writer.execute("INSERT INTO retail.categories (category_name) VALUES (%s)", [name])
        for writer in writers:
            writer.commit()
    finally:
        for writer in writers:
            writer.close()
    after = version_and_rows(seeded_clone)
    assert after[0] == before[0] + 3  # once for each transaction
    assert after[1] <= 4  # a row for each that writes at once, not for each statement


async def test_one_that_leaves_does_not_end_what_others_wait_for(
    ask: Asking, callers: dict[str, Caller]
) -> None:
    gate, reached = asyncio.Event(), asyncio.Event()

    async def wait(_: Caller) -> None:
        reached.set()
        await gate.wait()

    ask.tenancy.before = wait
    first = asyncio.create_task(ask(callers["seattle"]))
    await reached.wait()
    second = asyncio.create_task(ask(callers["seattle"]))
    while ask.cache.statistics.joined == 0:
        await ask.tenancy.grant(callers["redmond"])  # time passes
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    assert (await second).reading.rows[0]["orders"] > 0
    assert ask.tenancy.statements == 1


async def test_statement_ends_when_the_last_that_waits_has_left(
    ask: Asking, callers: dict[str, Caller]
) -> None:
    ended, reached = asyncio.Event(), asyncio.Event()

    async def wait(_: Caller) -> None:
        reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    ask.tenancy.before = wait
    only = asyncio.create_task(ask(callers["seattle"]))
    await reached.wait()
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    await ended.wait()
    ask.tenancy.before = None
    assert (await ask(callers["seattle"])).reading.rows[0]["orders"] > 0


async def test_waiting_caller_does_not_share_the_denial_or_the_new_scope_of_who_ran_it(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    """Two people of one scope; the one whose statement runs is changed just before it runs."""
    changing.execute(
        "UPDATE zava.principals SET store_ids = %s WHERE object_id = %s",
        [[store_id("Seattle")], callers["redmond"].object_id],
    )
    for change in ("active = false", f"store_ids = '{{{store_id('Tacoma')}}}'"):
        async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
            gate, reached = asyncio.Event(), asyncio.Event()

            async def wait(
                caller: Caller, gate: asyncio.Event = gate, reached: asyncio.Event = reached
            ) -> None:
                if caller == callers["seattle"]:
                    reached.set()
                    await gate.wait()

            ask.tenancy.before = wait
            ran = asyncio.create_task(ask(callers["seattle"]))
            await reached.wait()
            waits = asyncio.create_task(ask(callers["redmond"]))
            while ask.cache.statistics.joined == 0:
                await ask.tenancy.grant(callers["everett"])
            changing.execute(
                f"UPDATE zava.principals SET {change} WHERE object_id = %s",
                [callers["seattle"].object_id],
            )
            gate.set()
            assert (await waits).reading.scope.stores == ("Zava Retail Seattle",)
            if "active" in change:
                with pytest.raises(AccessDenied):
                    await ran
            else:
                assert (await ran).reading.scope.stores == ("Zava Retail Tacoma",)
            # What was read under another scope was not kept under this one's key.
            assert (await ask(callers["redmond"])).reading.scope.stores == ("Zava Retail Seattle",)
        changing.execute(
            "UPDATE zava.principals SET active = true, store_ids = %s WHERE object_id = %s",
            [[store_id("Seattle")], callers["seattle"].object_id],
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


async def test_instances_share_redis_and_a_change_holds_on_all_of_them(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
    server: RedisServer,
) -> None:
    stores = [RedisStore(server.url, 300, MemoryStore(300)) for _ in range(2)]
    async with (
        asking(seeded_clone.server, signer, stores[0]) as one,
        asking(seeded_clone.server, signer, stores[1]) as other,
    ):
        first = await one(callers["seattle"])
        second = await other(callers["seattle"])
        assert (first.is_cached, second.is_cached) == (False, True)
        assert second.reading == first.reading
        changing.execute("DELETE FROM retail.order_items")
        changing.execute("DELETE FROM retail.orders")
        for ask in (one, other):
            assert (await ask(callers["seattle"])).reading.rows[0]["orders"] == 0
    for store in stores:
        await store.close()


async def test_bytes_of_others_are_ignored(
    database: Database, signer: ContextSigner, callers: dict[str, Caller], server: RedisServer
) -> None:
    store = RedisStore(server.url, 300, MemoryStore(300))
    async with asking(database.server, signer, store) as ask, Redis.from_url(server.url) as redis:
        expected = {name: (await ask(callers[name])).reading for name in ("seattle", "redmond")}
        keys = sorted(cast("list[bytes]", await redis.keys("*")))
        assert len(keys) == 2
        entries = [bytes(await redis.get(key) or b"") for key in keys]  # type: ignore[arg-type]
        forged = entries[0][:32] + entries[0][32:].replace(b'"orders":', b'"orders":9')
        for planted in (
            [b"garbage", b"\x80\x04\x95pickle"],
            [b"x" * 32 + b'{"rows":[]}', b""],
            [entries[1], entries[0]],  # each other's, well made
            [forged, entries[1][:-1]],
            [b"\xff" * 5_000_000, b"{}"],
        ):
            for key, value in zip(keys, planted, strict=True):
                await redis.set(key, value)
            ignored = ask.cache.statistics.ignored
            for name, reading in expected.items():
                answer = await ask(callers[name])
                assert answer.reading == reading
                assert not answer.is_cached
            assert ask.cache.statistics.ignored > ignored
        # Another deployment's key does not open ours.
        stranger = Asking(ask.tenancy, result_cache(ask.tenancy, store, secret=b"t" * 32))
        assert not (await stranger(callers["seattle"])).is_cached
    await store.close()


async def test_answers_stay_right_while_redis_dies_dawdles_and_comes_back(
    database: Database, signer: ContextSigner, callers: dict[str, Caller], server: RedisServer
) -> None:
    now = 1000.0
    store = RedisStore(server.url, 300, MemoryStore(300, clock=lambda: now), clock=lambda: now)
    async with asking(database.server, signer, store) as ask:
        expected = {name: (await ask(callers[name])).reading for name in ("seattle", "eastside")}

        async def all_right() -> None:
            for _ in range(5):
                answers = await asyncio.gather(*(ask(callers[name]) for name in expected))
                assert [answer.reading for answer in answers] == list(expected.values())

        for happens in (server.stop, server.start, server.freeze, server.thaw):
            happens()
            await all_right()
            now += 6  # the pause is over: it is asked again
            await all_right()
        assert ask.cache.statistics.hits > 60
    await store.close()


async def test_no_kept_answer_is_served_before_the_entry_answers(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with asking(database.server, signer, MemoryStore(300)) as ask:
        await ask(callers["seattle"])
        stranger = Caller(callers["seattle"].tenant_id, callers["seattle"].tenant_id)
        with pytest.raises(AccessDenied):
            await ask(stranger)


async def test_signature_of_a_statement_opens_no_scope_and_the_other_way_round(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    """What one function accepts the other refuses: each signs its own text."""
    signed = signer.sign(callers["seattle"], SQL)
    with psycopg.connect(database.server) as login:
        for call, accepted in ((signed, False), (signer.sign(callers["seattle"], "scope"), True)):
            login.execute("BEGIN READ ONLY")
            values = (
                call.key_id,
                call.tenant_id,
                call.object_id,
                call.expires,
                call.nonce,
                call.mac,
            )
            question = "SELECT audience FROM zava.scope(%s::int, %s::uuid, %s::uuid, %s::bigint, %s::uuid, %s)"
            if accepted:
                assert login.execute(question, values).fetchone() == ("store_managers",)
                row = login.execute("SELECT current_setting('zava.context', true)").fetchone()
                assert row in {(None,), ("",)}  # asking mints no context
            else:
                with pytest.raises(psycopg.Error) as refused:
                    login.execute(question, values)
                assert refused.value.sqlstate == "ZA001"
            login.execute("ROLLBACK")
