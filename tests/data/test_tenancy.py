"""The executor: who sees what, in how many round trips, and what is left when a call fails.

The guard is off here: the session has to hold whatever statement reaches it.
"""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.support.servers.database import Database
from tests.support.servers.proxy import counting_proxy
from zava import call_context
from zava.data.row_decoding.json_rows import read_rows
from zava.data.session.executor import GRACE_SECONDS
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.pipeline import Pipeline
from zava.data.session.results import Results
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import (
    AccessDenied,
    Busy,
    DatabaseFault,
    InvalidInput,
    QueryRefused,
    QueryTimeout,
    ResultTooLarge,
    ZavaError,
)
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller, Column
from zava.retail.access_rules import REGIONAL_MANAGERS
from zava.retail.declaration import RETAIL

TOTALS = "SELECT count(*), sum(total_amount) FROM retail.orders"
OpenTenancy = Callable[..., Any]


@asynccontextmanager
async def tenant_database(
    conninfo: str, signer: ContextSigner, *, size: int = 1, waiting: int = 256, **options: Any
) -> AsyncIterator[TenantDatabase]:
    pool = DatabasePool(conninfo, max_size=size, max_waiting=waiting)
    try:
        yield TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL), **options)
    finally:
        await pool.close()


@pytest.fixture
def tenancy(unguarded: TenantDatabase) -> TenantDatabase:
    return unguarded


async def totals(tenancy: TenantDatabase, caller: Caller) -> tuple[int, float]:
    (row,) = (await tenancy.run(caller, TOTALS, max_rows=1)).rows
    return row[0], round(float(row[1]), 2)


async def test_next_statement_leaves_before_many_rows_become_an_answer(
    monkeypatch: pytest.MonkeyPatch,
    database: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    happened = []
    run = Pipeline.run

    async def leaving(pipeline: Pipeline) -> Results:
        happened.append("left")
        return await run(pipeline)

    def reading(columns: Sequence[Column], lines: Sequence[bytes]) -> list[list[Any]]:
        happened.append("answered")
        return read_rows(columns, lines)

    async with tenant_database(database.server, signer) as tenancy:
        await totals(tenancy, callers["seattle"])
        monkeypatch.setattr(Pipeline, "run", leaving)
        monkeypatch.setattr("zava.data.session.tenant_database.read_rows", reading)
        many = "SELECT generate_series(1, 100) AS n"
        await asyncio.gather(*(tenancy.run(callers["seattle"], many, max_rows=100) for _ in "12"))
    assert happened == ["left", "left", "answered", "answered"]


@pytest.mark.requirement("S04")
@pytest.mark.requirement("S24")
@pytest.mark.requirement("S52")
@pytest.mark.requirement("S63")
async def test_same_statement_gives_each_caller_the_own_stores(
    tenancy: TenantDatabase, callers: dict[str, Caller]
) -> None:
    seen = {name: await totals(tenancy, caller) for name, caller in callers.items()}
    stores = [name for name in seen if name not in {"eastside", "head-office"}]
    assert len({seen[name] for name in ("seattle", "redmond", "eastside", "head-office")}) == 4
    for whole, parts in (
        ("eastside", ["bellevue", "redmond", "kirkland"]),
        ("head-office", stores),
    ):
        assert seen[whole][0] == sum(seen[part][0] for part in parts)
        assert seen[whole][1] == pytest.approx(sum(seen[part][1] for part in parts))


@pytest.mark.requirement("S53")
@pytest.mark.requirement("S62")
@pytest.mark.parametrize("table", ["stores", "customers", "inventory", "orders", "order_items"])
async def test_each_tenant_table_shows_only_the_own_store(
    tenancy: TenantDatabase, callers: dict[str, Caller], table: str
) -> None:
    answer = await tenancy.run(
        callers["redmond"],
        f"SELECT count(*), count(DISTINCT store_id) FROM retail.{table}",
        max_rows=1,
    )
    assert answer.rows[0][0] > 0
    assert answer.rows[0][1] == 1
    assert answer.scope.stores == ("Zava Retail Redmond",)
    assert answer.scope.store_count == 8


async def test_scope_and_text_of_outsiders_are_told(
    tenancy: TenantDatabase, callers: dict[str, Caller]
) -> None:
    answer = await tenancy.run(
        callers["eastside"], "SELECT first_name AS f, store_id FROM retail.customers", max_rows=2
    )
    assert answer.scope.audience is REGIONAL_MANAGERS
    assert answer.scope.stores == (
        "Zava Retail Bellevue",
        "Zava Retail Kirkland",
        "Zava Retail Redmond",
    )
    assert [column.is_outside_text for column in answer.columns] == [True, False]
    assert [column.type for column in answer.columns] == ["text", "uuid"]
    assert answer.truncated == "rows"


@pytest.mark.requirement("S26")
@pytest.mark.requirement("S64")
async def test_nobody_we_know_is_denied(
    tenancy: TenantDatabase, callers: dict[str, Caller]
) -> None:
    stranger = Caller(callers["seattle"].tenant_id, uuid4())
    with pytest.raises(AccessDenied):
        await tenancy.run(stranger, TOTALS, max_rows=1)


async def test_revocation_another_audience_and_another_store_hold_at_the_next_call(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    seattle = callers["seattle"]
    change = "UPDATE zava.principals SET {} WHERE object_id = %s"
    async with tenant_database(seeded_clone.server, signer) as tenancy:
        own = await totals(tenancy, seattle)
        with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
            admin.execute("SET ROLE zava_context")
            everything = (
                "(SELECT store_ids FROM zava.principals WHERE display_name = 'head-office')"
            )
            admin.execute(
                change.format(f"audience = 'head_office', store_ids = {everything}"),
                [seattle.object_id],
            )
            promoted = await totals(tenancy, seattle)
            redmond = "(SELECT store_ids FROM zava.principals WHERE display_name = 'redmond')"
            admin.execute(
                change.format(f"audience = 'store_managers', store_ids = {redmond}"),
                [seattle.object_id],
            )
            moved = await totals(tenancy, seattle)
            assert moved == await totals(tenancy, callers["redmond"])
            admin.execute(change.format("active = false"), [seattle.object_id])
            with pytest.raises(AccessDenied):
                await totals(tenancy, seattle)
    assert own != promoted != moved != own


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        (TOTALS, None),
        ("SELEC 1", DatabaseFault),
        ("SELECT 1 / 0", DatabaseFault),
        ("SELECT * FROM retail.nothing", DatabaseFault),
    ],
)
async def test_warm_call_takes_one_round_trip_also_when_it_fails(
    database: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
    sql: str,
    error: type[ZavaError] | None,
) -> None:
    async with (
        counting_proxy(database.server) as proxy,
        tenant_database(proxy.conninfo, signer) as tenancy,
    ):
        await tenancy.run(callers["eastside"], "SELECT 1", max_rows=1)
        before = proxy.round_trips
        if error is None:
            await tenancy.run(callers["eastside"], sql, max_rows=10)
        else:
            with pytest.raises(error):
                await tenancy.run(callers["eastside"], sql, max_rows=10)
        assert proxy.round_trips - before == 1
        # The next call finds the same connection as if nothing had happened.
        assert (await tenancy.run(callers["eastside"], "SELECT 1", max_rows=1)).rows == [[1]]
        assert proxy.round_trips - before == 2
        assert proxy.connections == 1


@pytest.mark.requirement("S27")
@pytest.mark.requirement("S28")
async def test_deadline_ends_the_statement_in_the_server(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(database.server, signer, statement_timeout_seconds=1) as tenancy:
        started = time.monotonic()
        with pytest.raises(QueryTimeout) as caught:
            await tenancy.run(callers["seattle"], "SELECT pg_sleep(60)", max_rows=1)
        assert 0.9 < time.monotonic() - started < 2.5
        assert caught.value.code == "QUERY_TIMEOUT"
        assert caught.value.hint
        with psycopg.connect(database.owner) as owner:
            running = owner.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'"
                " AND state = 'active' AND pid <> pg_backend_pid()"
            ).fetchone()
        assert running == (0,)
        assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]


async def test_statement_gets_what_is_left_of_its_calls_time(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    seattle = callers["seattle"]
    async with tenant_database(database.server, signer) as tenancy:
        await tenancy.run(seattle, "SELECT 1", max_rows=1)
        started = time.monotonic()
        with (
            call_context.use(call_context.begin(None, seconds=GRACE_SECONDS + 0.5)),
            pytest.raises(QueryTimeout) as caught,
        ):
            await tenancy.run(seattle, "SELECT pg_sleep(60)", max_rows=1)
        assert getattr(caught.value.__cause__, "sqlstate", None) == "57014", "by the server itself"
        assert time.monotonic() - started < GRACE_SECONDS
        with (
            call_context.use(call_context.begin(None, seconds=GRACE_SECONDS / 2)),
            pytest.raises(Busy, match="call timed out"),
        ):
            await tenancy.run(seattle, "SELECT 1", max_rows=1)
        assert (await tenancy.run(seattle, "SELECT 1", max_rows=1)).rows == [[1]]


async def test_server_that_falls_silent_is_given_up_and_replaced(
    database: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zava.data.session.executor.GRACE_SECONDS", -0.7)
    async with (
        counting_proxy(database.server) as proxy,
        tenant_database(proxy.conninfo, signer, statement_timeout_seconds=1) as tenancy,
    ):
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        proxy.answers_flow.clear()
        started = time.monotonic()
        with pytest.raises(QueryTimeout):
            await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        assert time.monotonic() - started < 2
        proxy.answers_flow.set()
        assert (await tenancy.run(callers["seattle"], "SELECT 2", max_rows=1)).rows == [[2]]


async def test_rested_connection_to_a_silent_server_is_not_waited_for(
    database: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.postgres.connection._CHECK_TIMEOUT_SECONDS", 0.1)
    async with (
        counting_proxy(database.server) as proxy,
        tenant_database(proxy.conninfo, signer) as tenancy,
    ):
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        # Below the use cases no public name leads to the executor and its pool.
        async with tenancy._executor._primary.pool.connection() as connection:
            pass
        connection.idle_since -= 31
        # The driver's pool lies below ours; its waits and its figures have no other name.
        monkeypatch.setattr(tenancy._executor._primary.pool._pool, "timeout", 1.0)
        proxy.answers_flow.clear()
        started = time.monotonic()
        with pytest.raises(Busy):
            await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        assert time.monotonic() - started < 3
        proxy.answers_flow.set()
        monkeypatch.setattr(tenancy._executor._primary.pool._pool, "timeout", 10.0)
        assert (await tenancy.run(callers["seattle"], "SELECT 2", max_rows=1)).rows == [[2]]


async def test_cancelled_call_leaves_no_statement_running(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(database.server, signer) as tenancy:
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        call = asyncio.ensure_future(
            tenancy.run(callers["seattle"], "SELECT pg_sleep(20), 'cancel me'", max_rows=1)
        )
        async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as owner:
            active = (
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                " AND wait_event = 'PgSleep' AND datname = current_database()"
            )
            while (await (await owner.execute(active)).fetchone()) != (1,):
                pass  # each look is a round trip
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            while (await (await owner.execute(active)).fetchone()) != (0,):
                pass
        assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]


async def test_connection_that_the_server_ended_is_replaced_unseen(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(database.server, signer) as tenancy:
        (row,) = (await tenancy.run(callers["seattle"], "SELECT pg_backend_pid()", max_rows=1)).rows
        with psycopg.connect(database.owner, autocommit=True) as owner:
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", [row[0]])
        assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]


async def test_statement_that_ends_its_own_backend_twice_is_told_to_come_back(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(database.server, signer) as tenancy:
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)

        async def end_sleepers() -> None:
            async with await psycopg.AsyncConnection.connect(
                database.owner, autocommit=True
            ) as owner:
                ended: set[int] = set()  # one that was told to end is still seen for a moment
                while len(ended) < 2:
                    rows = await owner.execute(
                        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE wait_event = 'PgSleep' AND datname = current_database()"
                    )
                    ended |= {pid for pid, _ in await rows.fetchall()}

        killer = asyncio.create_task(end_sleepers())
        with pytest.raises(Busy):
            await tenancy.run(callers["seattle"], "SELECT pg_sleep(30)", max_rows=1)
        await killer


@pytest.mark.requirement("S29")
async def test_waiting_is_bounded_and_excess_is_told_at_once(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(database.server, signer, size=1, waiting=2) as tenancy:
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        calls = [
            asyncio.ensure_future(
                tenancy.run(callers["seattle"], "SELECT pg_sleep(0.3), 1", max_rows=1)
            )
            for _ in range(5)
        ]
        done = await asyncio.gather(*calls, return_exceptions=True)
    refused = [outcome for outcome in done if isinstance(outcome, Busy)]
    assert len(refused) == 2
    assert all(error.retryable for error in refused)


async def test_fifty_cold_calls_open_one_pool_and_mix_nobody_up(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    pool = DatabasePool(database.server, max_size=3)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    names = [name for name in callers if name not in {"eastside", "head-office"}] * 7
    answers = await asyncio.gather(
        *(
            tenancy.run(callers[name], "SELECT store_name FROM retail.stores", max_rows=9)
            for name in names[:50]
        )
    )
    assert pool.times_opened == 1
    await pool.close()
    for name, answer in zip(names, answers, strict=False):
        assert answer.rows == [[f"Zava Retail {name.capitalize()}"]]


@pytest.mark.requirement("S23")
async def test_unreachable_database_is_busy_not_a_failed_proof(signer: ContextSigner) -> None:
    async with tenant_database(
        "host=127.0.0.1 port=1 dbname=x user=y password=z", signer
    ) as tenancy:
        tenancy._executor._primary.pool._pool.timeout = 0.3
        with pytest.raises(Busy):
            await tenancy.run(Caller(uuid4(), uuid4()), "SELECT 1", max_rows=1)


async def test_wrong_context_key_is_broken_isolation(
    database: Database, callers: dict[str, Caller]
) -> None:
    stranger = ContextSigner([ContextKey(1, bytes(32))])
    async with tenant_database(database.server, stranger) as tenancy:
        with pytest.raises(ZavaError) as caught:
            await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    assert caught.value.code == "MCP_ERROR"


@pytest.mark.requirement("S30")
@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("", InvalidInput),
        (" ; ", InvalidInput),
        ("SELECT '" + "x" * 17_000 + "'", InvalidInput),
        ("SELECT 1 " + "/**/" * 65, InvalidInput),
        ("SELECT 1\0; SELECT 2", InvalidInput),
        ("SELECT '\ud800'", InvalidInput),
        ("SELECT 1; SELECT 2", QueryRefused),
        ("UPDATE retail.orders SET status = 'refunded'", QueryRefused),
        ("-- nothing", QueryRefused),
        ("SELECT cost FROM retail.products", QueryRefused),
        ("SELECT repeat('x', 2000000)", ResultTooLarge),
        ("SELECT $1", QueryRefused),
    ],
)
async def test_bad_statement_is_a_clear_error_and_harms_no_next_call(
    tenancy: TenantDatabase, callers: dict[str, Caller], sql: str, error: type[ZavaError]
) -> None:
    with pytest.raises(error) as caught:
        await tenancy.run(callers["seattle"], sql, max_rows=10)
    assert type(caught.value) is error
    assert caught.value.message
    assert caught.value.hint
    assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]


async def test_syntax_error_tells_the_server_s_words_and_the_position(
    tenancy: TenantDatabase, callers: dict[str, Caller]
) -> None:
    with pytest.raises(DatabaseFault) as caught:
        await tenancy.run(callers["seattle"], "SELECT count(*) FORM retail.orders", max_rows=1)
    assert caught.value.message == 'Syntax error at or near "retail" (at character 22).'
    assert "zava" not in str(caught.value.to_dict())


async def test_answer_is_cut_by_bytes_and_says_so(
    tenancy: TenantDatabase, callers: dict[str, Caller]
) -> None:
    answer = await tenancy.run(
        callers["seattle"], "SELECT repeat('x', 100000) FROM generate_series(1, 50)", max_rows=50
    )
    assert answer.truncated == "bytes"
    assert 5 <= len(answer.rows) <= 10


@pytest.mark.parametrize("prepared", [True, False])
async def test_statements_run_with_and_without_prepared_ones(
    database: Database, signer: ContextSigner, callers: dict[str, Caller], prepared: bool
) -> None:
    pool = DatabasePool(database.server, max_size=1)
    tenancy = TenantDatabase(
        pool,
        signer,
        IsolationCheck(pool, signer, RETAIL, use_prepared=prepared),
        use_prepared=prepared,
    )
    assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]
    async with pool.connection() as connection:
        rows = await connection.execute("SELECT count(*) FROM pg_prepared_statements")
        # BEGIN, ROLLBACK, the unlocking; with admission the runner that was guessed; without it the
        # right one, which our own statements take as well, and that of the canaries.
        assert ((await rows.fetchone()) or [0])[0] == (6 if prepared else 0)
    await pool.close()


@pytest.mark.requirement("S25")
@pytest.mark.requirement("S75")
@pytest.mark.requirement("S78")
@pytest.mark.requirement("S79")
@pytest.mark.requirement("S80")
@pytest.mark.requirement("S81")
async def test_pooled_connection_has_the_stated_settings_and_no_context(
    pool: DatabasePool, tenancy: TenantDatabase, callers: dict[str, Caller]
) -> None:
    await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    expected = {
        "application_name": "zava-mcp-server",
        "jit": "off",
        "work_mem": "4MB",
        "statement_timeout": "30s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "15s",
        "default_transaction_read_only": "on",
        "TimeZone": "America/Los_Angeles",
        "search_path": "pg_catalog, retail, pg_temp",
    }
    async with pool.connection() as connection:
        shown = {}
        for name in expected:
            row = await (await connection.execute(f"SHOW {name}")).fetchone()
            shown[name] = (row or [None])[0]
        context = await connection.execute(
            "SELECT coalesce(current_setting('zava.context', true), '')"
        )
        assert await context.fetchone() == ("",)
    assert shown == expected


@pytest.mark.requirement("S76")
async def test_pool_never_holds_more_connections_than_its_bound(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(seeded_clone.server, signer, size=2) as tenancy:
        await asyncio.gather(
            *(
                tenancy.run(callers["seattle"], "SELECT pg_sleep(0.05)", max_rows=1)
                for _ in range(8)
            )
        )
        with psycopg.connect(seeded_clone.owner) as owner:
            held = owner.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'zava-mcp-server'"
                " AND datname = current_database()"
            ).fetchone()
    assert held == (2,)


@pytest.mark.requirement("S77")
async def test_only_a_rested_connection_is_checked_before_use(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with (
        counting_proxy(database.server) as proxy,
        tenant_database(proxy.conninfo, signer) as tenancy,
    ):
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        async with tenancy._executor._primary.pool.connection() as connection:
            pass
        connection.idle_since -= 31
        before = proxy.round_trips
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        assert proxy.round_trips - before == 2
        assert tenancy._executor._primary.pool._pool.max_idle == 300


async def test_context_key_must_be_well_formed() -> None:
    from zava.settings import SettingsError

    long_enough = base64.b64encode(bytes(32)).decode()
    for text in (
        *("", "1", "x:AAAA", "1:***", "1:AAAA"),
        *(f"{key_id}:{long_enough}" for key_id in ("0", "-1", str(2**31))),
    ):
        with pytest.raises(SettingsError, match="ZAVA_CONTEXT_KEYS"):
            ContextKey.parse(text)
    with pytest.raises(SettingsError, match="at least one"):
        ContextSigner([])
    assert UUID(ContextSigner([ContextKey(1, bytes(32))]).sign(Caller(uuid4(), uuid4()), "x").nonce)
