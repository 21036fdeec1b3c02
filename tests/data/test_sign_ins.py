"""Codes and refresh tokens are used once, whichever instance they come to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.support.servers.database import Database
from tests.support.servers.proxy import counting_proxy
from zava.data.redeemed_codes import SignInLedger
from zava.errors import Busy
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller

SECONDS = 12 * 3600
ROW = "SELECT following, ended_because, client_name FROM zava.sign_ins WHERE sign_in_id = %s"
COUNT = "SELECT count(*) FROM zava.sign_ins WHERE client_name = %s"


@asynccontextmanager
async def instance(database: Database, seconds: int = SECONDS) -> AsyncIterator[SignInLedger]:
    pool = DatabasePool(database.server, max_size=2)
    try:
        yield SignInLedger(pool, seconds=seconds)
    finally:
        await pool.close()


@pytest.fixture
async def two(database: Database) -> AsyncIterator[tuple[SignInLedger, SignInLedger]]:
    async with instance(database) as first, instance(database) as second:
        yield first, second


@pytest.fixture
def person(callers: dict[str, Caller]) -> tuple[UUID, UUID]:
    return callers["seattle"].tenant_id, callers["seattle"].object_id


def read(database: Database, query: str, value: object) -> tuple[object, ...] | None:
    with psycopg.connect(database.owner) as connection:
        return connection.execute(query, [value]).fetchone()


def change(database: Database, query: str, value: object) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(query, [value])


async def test_code_that_comes_to_two_instances_ends_its_sign_in(
    database: Database, two: tuple[SignInLedger, SignInLedger], person: tuple[UUID, UUID]
) -> None:
    sign_in = uuid4()
    assert await two[0].begin(sign_in, "1", *person, "Tests")
    assert not await two[1].begin(sign_in, "1", *person, "Tests")
    assert read(database, ROW, sign_in) == ("1", "reuse", "Tests")
    assert not await two[0].turn(sign_in, "1", "2")


async def test_of_two_at_once_one_is_first(
    two: tuple[SignInLedger, SignInLedger], person: tuple[UUID, UUID]
) -> None:
    sign_in = uuid4()
    begun = await asyncio.gather(*(each.begin(sign_in, "1", *person, "Tests") for each in two))
    assert sorted(begun) == [False, True]
    sign_in = uuid4()
    assert await two[0].begin(sign_in, "1", *person, "Tests")
    turned = await asyncio.gather(*(each.turn(sign_in, "1", "2") for each in two))
    assert sorted(turned) == [False, True]
    assert not await two[0].turn(sign_in, "2", "3"), "the second use has ended it"


async def test_refresh_tokens_alternate_between_instances(
    two: tuple[SignInLedger, SignInLedger], person: tuple[UUID, UUID]
) -> None:
    sign_in = uuid4()
    assert await two[0].begin(sign_in, "1", *person, "Tests")
    for generation in range(1, 7):
        assert await two[generation % 2].turn(sign_in, str(generation), str(generation + 1))
    assert not await two[0].turn(sign_in, "3", "4")
    assert not await two[1].turn(sign_in, "7", "8")


async def test_sign_in_that_is_unknown_or_over_turns_no_more(
    database: Database, person: tuple[UUID, UUID]
) -> None:
    async with instance(database, seconds=60) as ledger:
        assert not await ledger.turn(uuid4(), "1", "2")
        sign_in = uuid4()
        assert await ledger.begin(sign_in, "1", *person, "Tests")
        change(
            database,
            "UPDATE zava.sign_ins SET expires_at = now() - interval '1 s' WHERE sign_in_id = %s",
            sign_in,
        )
        assert not await ledger.turn(sign_in, "1", "2")
        assert read(database, ROW, sign_in) == ("1", None, "Tests"), "an end by time is no reuse"


async def test_beginning_removes_a_bounded_number_of_expired_rows(
    database: Database, person: tuple[UUID, UUID]
) -> None:
    async with instance(database) as ledger:
        for _ in range(25):
            assert await ledger.begin(uuid4(), "1", *person, "Expired")
        change(
            database,
            "UPDATE zava.sign_ins SET expires_at = now() - interval '1 h' WHERE client_name = %s",
            "Expired",
        )
        assert await ledger.begin(uuid4(), "1", *person, "Tests")
        assert read(database, COUNT, "Expired") == (5,)
        assert await ledger.begin(uuid4(), "1", *person, "Tests")
        assert read(database, COUNT, "Expired") == (0,)


async def test_beginning_keeps_fifty_of_a_person_and_each_of_the_last_ten_minutes(
    database: Database, person: tuple[UUID, UUID]
) -> None:
    other = (uuid4(), uuid4())
    async with instance(database) as ledger:
        for client, who in (("Old", person), ("Other", other), ("Old", person)):
            for _ in range(30):
                assert await ledger.begin(uuid4(), "1", *who, client)
        change(
            database,
            "UPDATE zava.sign_ins SET begun_at = now() - interval '11 min' WHERE client_name = %s",
            "Old",
        )
        assert read(database, COUNT, "Old") == (60,)
        for _ in range(5):
            assert await ledger.begin(uuid4(), "1", *person, "Young")
        assert read(database, COUNT, "Old") == (50,)
        assert read(database, COUNT, "Young") == (5,)
        assert read(database, COUNT, "Other") == (30,)


async def test_end_is_logged_with_the_login_and_no_secret(
    database: Database, two: tuple[SignInLedger, SignInLedger], person: tuple[UUID, UUID]
) -> None:
    sign_in = uuid4()
    await two[0].begin(sign_in, "1", *person, "Tests")
    await two[1].begin(sign_in, "1", *person, "Tests")
    logged = read(
        database,
        "SELECT login::text, new FROM zava.change_log WHERE subject = 'sign_ins'"
        " AND new ->> 'sign_in_id' = %s",
        str(sign_in),
    )
    assert logged is not None
    login, row = logged
    assert login == "zava_server"
    assert isinstance(row, dict)
    assert set(row) == {
        *("sign_in_id", "tenant_id", "object_id", "client_name", "begun_at", "used_at"),
        *("expires_at", "following", "ended_at", "ended_because"),
    }


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM zava.sign_ins",
        "SELECT client_name FROM zava.sign_ins",
        "DELETE FROM zava.sign_ins",
        "UPDATE zava.sign_ins SET ended_at = NULL, ended_because = NULL",
        "INSERT INTO zava.sign_ins DEFAULT VALUES",
    ],
)
def test_the_served_login_reads_and_writes_no_row(database: Database, statement: str) -> None:
    with psycopg.connect(database.server) as connection:
        connection.read_only = False
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_no_other_step_exists(database: Database) -> None:
    with psycopg.connect(database.server) as connection:
        connection.read_only = False
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute(
                "SELECT zava.sign_in('end', %s, '1', '2', NULL, NULL, NULL, NULL)", [uuid4()]
            )


async def test_a_database_that_is_away_makes_the_step_busy_and_the_next_one_works(
    database: Database, person: tuple[UUID, UUID]
) -> None:
    away = DatabasePool("host=127.0.0.1 port=1 dbname=zava user=zava_server", max_size=1)
    with pytest.raises(Busy):
        await SignInLedger(away, seconds=SECONDS).turn(uuid4(), "1", "2")
    await away.close()
    async with instance(database) as ledger:
        # A client's name that PostgreSQL cannot store fails the transaction.
        with pytest.raises(psycopg.Error):
            await ledger.begin(uuid4(), "1", *person, "\0")
        assert await ledger.begin(uuid4(), "1", *person, "Tests")


async def test_each_step_is_one_round_trip(database: Database, person: tuple[UUID, UUID]) -> None:
    async with counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=1)
        ledger = SignInLedger(pool, seconds=SECONDS)
        assert await ledger.begin(uuid4(), "1", *person, "Tests")
        sign_in = uuid4()
        before = proxy.round_trips
        assert await ledger.begin(sign_in, "1", *person, "Tests")
        assert proxy.round_trips - before == 1
        assert await ledger.turn(sign_in, "1", "2")
        assert proxy.round_trips - before == 2
        await pool.close()


async def test_step_of_a_client_that_leaves_is_taken_to_its_end(
    database: Database, person: tuple[UUID, UUID]
) -> None:
    async with counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=1)
        ledger, sign_in = SignInLedger(pool, seconds=SECONDS), uuid4()
        assert await ledger.begin(sign_in, "1", *person, "Tests")
        before = proxy.round_trips
        for given in range(1, 11):
            leaving = asyncio.ensure_future(ledger.turn(sign_in, str(given), str(given + 1)))
            await asyncio.wait([leaving], timeout=0)
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
        # The pool's one connection is lent in turn, and was never replaced.
        assert await ledger.turn(sign_in, "11", "12")
        assert proxy.round_trips - before == 11
        await pool.close()
