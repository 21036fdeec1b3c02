"""The executor at its edges: what changes between two trips, and a server that ends in the middle."""

import base64
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
from psycopg import OperationalError

from tests.support.servers.database import CONTEXT_KEY, Database
from tests.support.servers.proxy import counting_proxy
from zava.data.named_queries import statement
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.results import in_words, read_statement_result, tenants_of
from zava.data.session.signed_context import ContextKey, ContextSigner, SignedCall
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import Busy
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.audiences import Audience, Breadth
from zava.model.core import Caller, Scope, TenantWords
from zava.retail.declaration import RETAIL
from zava.retail.demo.stores import store_id

STORE_NAMES = "SELECT store_name FROM retail.stores"
FIRST_NAMES = "SELECT first_name FROM retail.customers"


class WatchedSigner(ContextSigner):
    """A signer that tells the test before it signs, which is just before the trip."""

    def __init__(self, before: Callable[[str], None]) -> None:
        super().__init__([ContextKey(*CONTEXT_KEY)])
        self._before = before

    def sign(self, caller: Caller, statement: str, params: str = "") -> SignedCall:
        self._before(statement)
        return super().sign(caller, statement, params)


@pytest.fixture
async def clone_pool(seeded_clone: Database) -> AsyncIterator[DatabasePool]:
    pool = DatabasePool(seeded_clone.server, max_size=1)
    yield pool
    await pool.close()


def give(database: Database, person: Caller, store: str) -> None:
    with psycopg.connect(database.admin) as admin:
        admin.execute("SET ROLE zava_context")
        admin.execute(
            "UPDATE zava.principals SET store_ids = %s WHERE object_id = %s",
            [[store_id(store)], person.object_id],
        )


async def test_grant_that_changes_between_two_trips_never_names_the_wrong_stores(
    seeded_clone: Database, clone_pool: DatabasePool, callers: dict[str, Caller]
) -> None:
    seattle = callers["seattle"]
    meddled: list[str] = []

    def meddle(about_to_run: str) -> None:
        if about_to_run == statement("scope", RETAIL.package) and not meddled:
            meddled.append(about_to_run)
            give(seeded_clone, seattle, "Redmond")

    signer = WatchedSigner(meddle)
    tenancy = TenantDatabase(clone_pool, signer, IsolationCheck(clone_pool, signer, RETAIL))
    # Rows of one scope under the names of another would be a lie.
    with pytest.raises(Busy, match="Your access changed"):
        await tenancy.run(seattle, STORE_NAMES, max_rows=9)
    assert meddled
    moved = await tenancy.run(seattle, STORE_NAMES, max_rows=9)
    assert moved.rows == [["Zava Retail Redmond"]]
    assert moved.scope.stores == ("Zava Retail Redmond",)
    # Had the names of the second trip been kept for the first one's scope, they would show here.
    give(seeded_clone, seattle, "Seattle")
    back = await tenancy.run(seattle, STORE_NAMES, max_rows=9)
    assert back.rows == [["Zava Retail Seattle"]]
    assert back.scope.stores == ("Zava Retail Seattle",)


async def test_forgotten_scope_costs_one_trip_and_text_of_outsiders_stays_marked(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=1)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        warm = await tenancy.run(callers["seattle"], FIRST_NAMES, max_rows=1)
        tenancy._scopes.clear()  # as after a minute
        before = proxy.round_trips
        again = await tenancy.run(callers["seattle"], FIRST_NAMES, max_rows=1)
        assert proxy.round_trips - before == 2
        await pool.close()
    assert again.scope == warm.scope
    assert [column.is_outside_text for column in again.columns] == [True]


async def test_exchange_that_brought_no_answer_is_a_lost_connection() -> None:
    with pytest.raises(OperationalError, match="ended the exchange early") as caught:
        read_statement_result([])
    assert caught.value.sqlstate is None, "so that the call is repeated on a living connection"


async def test_server_that_ends_during_the_proof_is_busy_and_proves_nothing(
    clone_pool: DatabasePool, seeded_clone: Database, signer: ContextSigner
) -> None:
    verification = IsolationCheck(clone_pool, signer, RETAIL)
    async with clone_pool.connection() as connection:
        pid = connection.info.backend_pid
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(Busy) as caught:
        await verification.ensure()
    assert caught.value.retryable
    await verification.ensure()  # on a living connection it holds, and nothing was remembered


async def test_key_as_the_setting_writes_it_signs_what_the_database_believes(
    database: Database, callers: dict[str, Caller]
) -> None:
    key_id, secret = CONTEXT_KEY
    key = ContextKey.parse(f"{key_id}:{base64.b64encode(secret).decode()}")
    assert key == ContextKey(key_id, secret)
    pool = DatabasePool(database.server, max_size=1)
    signer = ContextSigner([key])
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    assert (await tenancy.run(callers["redmond"], STORE_NAMES, max_rows=9)).rows == [
        ["Zava Retail Redmond"]
    ]
    await pool.close()


@pytest.mark.parametrize(
    ("breadth", "scope", "tenants"),
    [
        (Breadth.ONE, "a,b", ("a,b",)),
        (Breadth.ONE, "", ()),
        (Breadth.MANY, "{1,22}", ("1", "22")),
        (Breadth.MANY, "{}", ()),
        (Breadth.MANY, r'{plain,"a,b","{\"x|y\"}","o\\k"}', ("plain", "a,b", '{"x|y"}', "o\\k")),
    ],
)
def test_keys_of_a_scope_are_read_whatever_characters_they_have(
    breadth: Breadth, scope: str, tenants: tuple[str, ...]
) -> None:
    audience = Audience("members", "members", breadth, has_personal_role=False)
    assert audience.personal_role is audience.role
    assert tenants_of(audience, scope) == tenants
    words = TenantWords("account", "accounts")
    seen = in_words(Scope(audience, (), 0), words, scope)
    assert (seen.stores, seen.store_count, seen.words) == (tenants, len(tenants), words)


def test_a_scope_of_every_tenant_names_none_and_the_shipped_domain_keeps_its_own() -> None:
    audience = Audience("auditors", "auditors", Breadth.ALL, has_personal_role=False)
    named = Scope(audience, ("Alder",), 1)
    words = TenantWords("account", "accounts")
    assert in_words(named, words, "all") == Scope(audience, (), 0, words=words)
    assert in_words(named, None, "all") is named


def test_scope_that_reads_like_a_verdict_is_the_scope_of_an_empty_answer(
    database: Database,
) -> None:
    with psycopg.connect(database.owner) as connection:
        ran = connection.pgconn.exec_(b"SELECT 'truncated:rows'")
    answer = read_statement_result([("run", ran)])
    assert (answer.scope, answer.lines, answer.truncated) == ("truncated:rows", [], None)
