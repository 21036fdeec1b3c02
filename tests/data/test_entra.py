"""Tokens as passwords, on a PostgreSQL whose login changes its password as tokens do."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from psycopg import sql

from tests.support.servers.database import SERVER_PASSWORD, Database
from tests.support.suite.patience import patient
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import Busy
from zava.infrastructure.azure.entra_credentials import DATABASE_SCOPE, DatabaseTokens, NoToken
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.declaration import RETAIL

COUNT = "SELECT count(*) FROM retail.orders"
HOUR = 3600


class Directory:
    """Stands for Microsoft Entra ID: a token that it gives is the login's password from then on."""

    def __init__(self, owner: psycopg.Connection) -> None:
        self._owner = owner
        self.now = 1_000_000.0
        self.asked = 0
        self.failures = 0
        self.answers = threading.Event()
        self.answers.set()

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        assert scopes == (DATABASE_SCOPE,)
        self.asked += 1
        self.answers.wait(patient(10))
        if self.failures:
            self.failures -= 1
            raise ClientAuthenticationError("AADSTS70043 for tenant planted-tenant")
        return AccessToken(self.set_password(f"token-{self.asked}"), int(self.now) + HOUR)

    def set_password(self, password: str) -> str:
        self._owner.execute(
            sql.SQL("ALTER ROLE zava_server PASSWORD {} VALID UNTIL 'infinity'").format(password)
        )
        return password

    def expire(self) -> None:
        """Let an hour pass: the server refuses what was given before."""
        self.now += HOUR
        self._owner.execute("ALTER ROLE zava_server VALID UNTIL '2020-01-01'")

    def end_connections(self, database: Database) -> None:
        self._owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = 'zava_server' AND datname = %s",
            [database.name],
        )


@pytest.fixture
def directory(seeded_clone: Database) -> Iterator[Directory]:
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        directory = Directory(owner)
        yield directory
        directory.set_password(SERVER_PASSWORD)


@asynccontextmanager
async def pool_of(
    directory: Directory, database: Database, *, max_size: int = 2
) -> AsyncIterator[DatabasePool]:
    tokens = DatabaseTokens(lambda: directory, clock=lambda: directory.now)
    pool = DatabasePool(database.server, max_size=max_size, arguments=tokens.arguments)
    yield pool
    await pool.close()


@pytest.fixture
async def pool(directory: Directory, seeded_clone: Database) -> AsyncIterator[DatabasePool]:
    async with pool_of(directory, seeded_clone) as pool:
        yield pool


async def use_all(pool: DatabasePool) -> None:
    """Take both connections at once, so that each has to be there."""
    async with pool.connection() as first, pool.connection() as second:
        for connection in (first, second):
            await connection.execute("SELECT 1")


def tenant_database(pool: DatabasePool, signer: ContextSigner) -> TenantDatabase:
    return TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))


async def test_one_token_serves_every_connection_and_every_call(
    directory: Directory, seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with pool_of(directory, seeded_clone, max_size=5) as pool:
        tenancy = tenant_database(pool, signer)
        await asyncio.gather(
            *(tenancy.run(callers["seattle"], COUNT, max_rows=1) for _ in range(60))
        )
    assert directory.asked == 1


async def test_token_is_renewed_before_its_time_is_over(
    directory: Directory, seeded_clone: Database, pool: DatabasePool
) -> None:
    await use_all(pool)
    for seconds_left, asked in ((301, 1), (299, 2), (299, 2)):
        directory.now = 1_000_000.0 + HOUR - seconds_left
        directory.end_connections(seeded_clone)
        await pool.drop_dead_connections()
        await use_all(pool)
        assert directory.asked == asked


async def test_expired_token_is_not_sent_and_ends_no_connection(
    directory: Directory, seeded_clone: Database, pool: DatabasePool
) -> None:
    await use_all(pool)
    directory.expire()
    await use_all(pool)
    assert directory.asked == 1, "open connections need no token"
    directory.end_connections(seeded_clone)
    await pool.drop_dead_connections()
    await use_all(pool)
    assert directory.asked == 2


async def test_password_that_changes_mid_run_fails_no_call(
    directory: Directory,
    seeded_clone: Database,
    pool: DatabasePool,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    tenancy = tenant_database(pool, signer)
    before = await tenancy.run(callers["seattle"], COUNT, max_rows=1)
    directory.set_password("not what the token says")
    directory.end_connections(seeded_clone)
    after = await tenancy.run(callers["seattle"], COUNT, max_rows=1)
    assert after.rows == before.rows
    assert directory.asked == 2, "the refused token was dropped, once"


async def test_held_token_goes_on_while_the_directory_fails(
    directory: Directory,
    seeded_clone: Database,
    pool: DatabasePool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await use_all(pool)
    directory.now += HOUR - 60
    directory.failures = 100
    directory.end_connections(seeded_clone)
    await pool.drop_dead_connections()
    with caplog.at_level(logging.WARNING, "zava"):
        await use_all(pool)
    assert "is not renewed yet" in caplog.text
    assert "token-1" not in caplog.text
    assert "planted-tenant" not in caplog.text


async def test_held_token_does_not_wait_for_a_silent_directory(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.azure.entra_credentials._RENEWAL_TIMEOUT_SECONDS", 0.1)
    tokens = DatabaseTokens(lambda: directory, clock=lambda: directory.now)
    await tokens.arguments()
    directory.now += HOUR - 60
    directory.answers.clear()
    try:
        async with asyncio.timeout(patient(2)):
            assert (await tokens.arguments())["password"] == "token-1"
    finally:
        directory.answers.set()
    assert (await tokens.arguments())["password"] == "token-2"


async def test_call_waits_for_a_directory_that_recovers(
    directory: Directory, pool: DatabasePool, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    directory.failures = 1
    answer = await tenant_database(pool, signer).run(callers["seattle"], COUNT, max_rows=1)
    assert len(answer.rows) == 1
    assert directory.asked == 2


async def test_directory_that_gives_nothing_is_busy_and_tells_nothing(
    directory: Directory,
    seeded_clone: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.postgres.pool._ACQUIRE_TIMEOUT_SECONDS", 0.3)
    directory.failures = 100
    async with pool_of(directory, seeded_clone) as pool:
        with pytest.raises(Busy) as caught:
            await use_all(pool)
        said = f"{caught.value.message} {caught.value.hint}"
        assert "token" not in said
    assert "planted-tenant" not in caplog.text
    assert "azd auth login" in caplog.text


async def test_silent_directory_holds_nobody_for_long_and_is_asked_once(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.azure.entra_credentials._FETCH_TIMEOUT_SECONDS", 0.1)
    tokens = DatabaseTokens(lambda: directory, clock=lambda: directory.now)
    directory.answers.clear()
    for _ in range(3):
        with pytest.raises(NoToken, match="TimeoutError"):
            await tokens.arguments()
    assert directory.asked == 1, "the question that is out is not asked again beside it"
    monkeypatch.undo()
    directory.answers.set()
    assert (await tokens.arguments())["password"] == "token-1"


async def test_late_refusal_of_the_directory_is_nobodys_exception(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zava.infrastructure.azure.entra_credentials._FETCH_TIMEOUT_SECONDS", 0.1)
    tokens = DatabaseTokens(lambda: directory, clock=lambda: directory.now)
    directory.failures = 1
    directory.answers.clear()
    with pytest.raises(NoToken):
        await tokens.arguments()
    # The fetch runs beside the calls: the test waits for its end.
    late = tokens._fetching
    assert late is not None
    directory.answers.set()
    with pytest.raises(NoToken, match="ClientAuthenticationError"):
        late.result(timeout=patient(5))
    assert (await tokens.arguments())["password"] == "token-2"


async def test_server_that_is_away_costs_no_token(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zava.infrastructure.postgres.pool._ACQUIRE_TIMEOUT_SECONDS", 0.3)
    tokens = DatabaseTokens(lambda: directory, clock=lambda: directory.now)
    away = DatabasePool("host=127.0.0.1 port=1", max_size=1, arguments=tokens.arguments)
    for _ in range(2):
        with pytest.raises(Busy):
            await use_all(away)
    assert directory.asked == 1
    await away.close()
