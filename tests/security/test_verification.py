"""Each way in which isolation would not be real is found and named."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.security.holes import CLUSTER_HOLES, HOLES
from tests.support.generators.golden_functions import GOLDEN, known_functions
from tests.support.servers.database import Cluster, Database
from zava.data.session.isolation_check import CANARIES, IsolationBroken, IsolationCheck, Probe
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.declaration import RETAIL

# Remedies outside the database, or that need a text or a name which the catalog does not hold.
NO_STATEMENT = re.compile(
    r"zava migrate|(its|the) (CREATE (FUNCTION|TRIGGER)|statement) of |unset PGOPTIONS"
    r"|.* <administrator>$"
)
OF_A_LOGIN = re.compile(r"ALTER (ROLE|USER|DATABASE|SYSTEM)\b")
ROUNDS = 2  # what one remedy makes may need another one
BREAKS = [
    ("ALTER TABLE retail.orders NO FORCE ROW LEVEL SECURITY", "does not force row security"),
    ("ALTER TABLE retail.orders DISABLE ROW LEVEL SECURITY", "retail.orders"),
    ("CREATE POLICY p ON retail.orders USING (true)", "policy p on retail.orders"),
    ("CREATE POLICY p ON retail.orders TO head_office USING (true)", "policy p on retail.orders"),
    ("CREATE POLICY p ON retail.customers TO zava_chain USING (true)", "policy p on retail.cust"),
    (
        # An engine of several nodes makes it permissive on each of them.
        (
            "CREATE POLICY p ON retail.orders AS RESTRICTIVE FOR SELECT TO store_managers"
            " USING (store_id = (SELECT zava.my_store(current_user)))"
        ),
        "policy p on retail.orders",
    ),
    (
        # As such an engine brings one: it opens a session on each node, for everybody.
        (
            "CREATE FUNCTION pg_catalog.run_command_on_workers(text) RETURNS text"
            " LANGUAGE sql AS 'SELECT $1'"
        ),
        "head_office may execute run_command_on_workers(text), which is not the product's",
    ),
    ("ALTER TABLE zava.standby_bound DISABLE TRIGGER log_change", "trigger log_change on zava.sta"),
    ("GRANT UPDATE ON zava.standby_bound TO zava_server", "reads or writes zava.standby_bound"),
    ("ALTER FUNCTION zava.standby_lag() SECURITY INVOKER", "zava.standby_lag() is missing"),
    ("GRANT SELECT ON retail.customers TO zava_chain", "zava_chain reads retail.customers.email"),
    ("GRANT SELECT (product_id) ON retail.order_items TO zava_chain", "zava_chain reads retail"),
    (
        "ALTER FUNCTION zava.chain_quartiles(text, date, date) OWNER TO zava_owner",
        "zava.chain_quartiles(text,date,date) runs with",
    ),
    (
        "ALTER FUNCTION zava.scope(integer, uuid, uuid, bigint, uuid, bytea) RESET search_path",
        "zava.scope(integer,uuid,uuid,bigint,uuid,bytea) is missing",
    ),
    ("GRANT UPDATE ON zava.data_changes TO head_office", "can write zava.data_changes"),
    ("GRANT EXECUTE ON FUNCTION zava.note_change() TO zava_server", "may execute zava.note_change"),
    ("DROP POLICY own_store ON retail.orders", "readable by store_managers without"),
    ("DROP POLICY own_store ON zava.store_days", "readable by store_managers without"),
    ("ALTER TABLE zava.product_months NO FORCE ROW LEVEL SECURITY", "does not force row security"),
    (
        "CREATE POLICY p ON zava.customer_totals AS RESTRICTIVE FOR SELECT USING (true)",
        "policy p on zava.customer_totals",
    ),
    (
        "ALTER VIEW zava.current_days SET (security_invoker = false)",
        "view zava.current_days runs with its owner",
    ),
    (
        "GRANT EXECUTE ON FUNCTION zava.refresh_sums(integer, integer) TO head_office",
        "head_office may execute zava.refresh_sums(integer,integer)",
    ),
    ("GRANT SELECT ON retail.orders TO zava_server", "zava_server reads or writes retail.orders"),
    ("GRANT SELECT (cost) ON retail.products TO zava_server", "zava_server reads or writes"),
    ("GRANT UPDATE ON retail.inventory TO store_managers", "can write retail.inventory"),
    ("GRANT SELECT ON zava.principals TO head_office", "zava.principals is readable"),
    (
        "CREATE VIEW retail.v AS SELECT * FROM retail.orders; GRANT SELECT ON retail.v TO head_office",
        "view retail.v runs with its owner",
    ),
    (
        "CREATE MATERIALIZED VIEW retail.m AS SELECT 1 AS x; GRANT SELECT ON retail.m TO head_office",
        "relation retail.m knows no row security",
    ),
    (
        "CREATE FUNCTION retail.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'select 1'",
        "function retail.f() runs with its owner's rights",
    ),
    (
        "CREATE FUNCTION retail.f() RETURNS int LANGUAGE sql AS 'select 1'",
        "function retail.f() is executable by everyone",
    ),
    ("ALTER FUNCTION zava.my_store(name) RESET search_path", "zava.my_store(name) is missing"),
    (
        "ALTER FUNCTION zava.my_store(name) VOLATILE",
        "zava.my_store(name) is missing, not as volatile",
    ),
    (
        "ALTER FUNCTION zava.my_store(name) SECURITY INVOKER",
        "zava.my_store(name) is missing",
    ),
    ("ALTER FUNCTION zava.store_count() OWNER TO zava_owner", "zava.store_count() runs with"),
    ("GRANT EXECUTE ON FUNCTION zava.my_stores(name) TO zava_server", "may execute zava.my_stores"),
    ("GRANT CREATE ON SCHEMA retail TO store_managers", "may create in schema retail"),
    ("GRANT CREATE ON SCHEMA public TO PUBLIC", "may create in schema public"),
    (
        "CREATE TABLE retail.t (store_id uuid); GRANT SELECT ON retail.t TO head_office",
        "retail.t is readable by head_office without",
    ),
    ("CREATE TABLE retail.t (store_id uuid)", "retail.t has a store_id that may be null"),
    (
        "DO $$ BEGIN EXECUTE format('GRANT TEMP ON DATABASE %I TO PUBLIC', current_database()); END $$",
        "temporary tables",
    ),
    (
        "UPDATE zava.keyring SET outer_pad_a = outer_pad_b, inner_pad_a = inner_pad_b",
        "canary: ZA001",
    ),
    ("GRANT INSERT ON retail.product_words TO head_office", "can write retail.product_words"),
    ("DELETE FROM zava.canary", "canary sees 0 rows"),
    ("UPDATE zava.principals SET active = false", "canary: ZA003"),
    ("UPDATE zava.principals SET valid_until = '2020-01-01'", "canary: ZA003"),
    ("GRANT SELECT ON zava.change_log TO head_office", "head_office may SELECT on the log"),
    ("GRANT DELETE ON zava.change_log TO zava_context", "zava_context may DELETE on the log"),
    ("GRANT UPDATE ON zava.change_log TO PUBLIC", "may UPDATE on the log zava.change_log"),
    ("ALTER FUNCTION zava.log_change() OWNER TO zava_context", "zava.log_change() runs with"),
    ("GRANT SELECT ON zava.audit_log TO zava_context", "zava_context may SELECT on the log"),
    ("GRANT SELECT ON zava.audit_log TO zava_server", "reads or writes zava.audit_log"),
    (
        "GRANT EXECUTE ON FUNCTION zava.record_calls(jsonb) TO head_office",
        "head_office may execute zava.record_calls(jsonb)",
    ),
    (
        "ALTER FUNCTION zava.record_calls(jsonb) OWNER TO zava_context",
        "zava.record_calls(jsonb) runs with",
    ),
    (
        "GRANT EXECUTE ON FUNCTION zava.charge(jsonb) TO store_managers",
        "store_managers may execute zava.charge(jsonb)",
    ),
    ("GRANT SELECT ON zava.sign_ins TO zava_server", "reads or writes zava.sign_ins"),
    ("GRANT SELECT (client_name) ON zava.sign_ins TO zava_server", "reads or writes zava.sign_ins"),
    ("GRANT SELECT ON zava.sign_ins TO head_office", "zava.sign_ins is readable"),
    (
        (
            "GRANT EXECUTE ON FUNCTION zava.sign_in(text, uuid, text, text, uuid, uuid, text, integer)"
            " TO head_office"
        ),
        "head_office may execute zava.sign_in(",
    ),
    (
        (
            "ALTER FUNCTION zava.sign_in(text, uuid, text, text, uuid, uuid, text, integer)"
            " SECURITY INVOKER"
        ),
        "zava.sign_in(text,uuid,text,text,uuid,uuid,text,integer) is missing",
    ),
    ("ALTER FUNCTION zava.charge(jsonb) SECURITY INVOKER", "zava.charge(jsonb) is missing"),
    ("GRANT UPDATE ON zava.usage TO zava_server", "reads or writes zava.usage"),
    (
        "DROP FUNCTION zava.weigh_head_office(integer,uuid,uuid,bigint,uuid,bytea,text,text)",
        "zava.weigh_head_office(integer,uuid,uuid,bigint,uuid,bytea,text,text) is missing",
    ),
    ("GRANT EXECUTE ON FUNCTION zava.log_change() TO zava_server", "may execute zava.log_change"),
    (
        "GRANT SELECT (base_price) ON retail.product_prices TO store_managers",
        "role store_managers reads retail.product_prices, which holds costs",
    ),
    (
        "GRANT SELECT (person_id) ON retail.customer_persons TO regional_managers_personal",
        "regional_managers_personal reads retail.customer_persons, which joins the customers",
    ),
    (
        "GRANT SELECT ON retail.customers TO head_office",
        "role head_office reads retail.customers.email, which is personal",
    ),
    (
        "GRANT SELECT (phone) ON retail.customers TO PUBLIC",
        "role store_managers reads retail.customers.phone, which is personal",
    ),
    ("GRANT DELETE ON zava.audit_log TO zava_audit", "may DELETE on the log zava.audit_log"),
    ("GRANT DELETE ON zava.change_log TO zava_retention", "may DELETE on the log zava.change_log"),
    (
        "GRANT EXECUTE ON FUNCTION zava.remove_records(integer, boolean) TO zava_loader",
        "zava_loader may execute zava.remove_records(integer,boolean), which removes records",
    ),
    (
        "GRANT SELECT ON zava.keyring TO store_managers_personal",
        "zava.keyring is readable by store_managers_personal",
    ),
    (
        (
            "ALTER FUNCTION zava.run_head_office_personal(integer, uuid, uuid, bigint, uuid, bytea,"
            " text, text, integer, bigint, integer) OWNER TO zava_context"
        ),
        "head_office_personal(integer,uuid,uuid,bigint,uuid,bytea,text,text,integer,bigint,integer) runs",
    ),
]
CLUSTER_BREAKS = [
    (
        "ALTER ROLE zava_server BYPASSRLS",
        "ALTER ROLE zava_server NOBYPASSRLS",
        "zava_server is superuser",
    ),
    (
        "GRANT head_office TO zava_server",
        "REVOKE head_office FROM zava_server",
        "zava_server is a member",
    ),
    (
        "GRANT pg_read_all_data TO store_managers",
        "REVOKE pg_read_all_data FROM store_managers",
        "is a member of",
    ),
    (
        "GRANT zava_recorder TO zava_admin WITH SET TRUE",
        "GRANT zava_recorder TO zava_admin WITH SET FALSE",
        "zava_admin can act as zava_recorder",
    ),
    (
        "GRANT zava_audit TO zava_server",
        "REVOKE zava_audit FROM zava_server",
        "zava_server is a member of zava_audit",
    ),
    ("ALTER ROLE zava_audit LOGIN", "ALTER ROLE zava_audit NOLOGIN", "zava_audit may log in"),
    ("ALTER ROLE head_office LOGIN", "ALTER ROLE head_office NOLOGIN", "head_office may log in"),
    (
        "GRANT store_managers TO zava_admin WITH SET TRUE",
        "GRANT store_managers TO zava_admin WITH SET FALSE",
        "zava_admin can act as",
    ),
    (
        "GRANT head_office_personal TO regional_managers WITH INHERIT TRUE",
        "REVOKE head_office_personal FROM regional_managers",
        "regional_managers is a member of head_office_personal",
    ),
    (
        "GRANT head_office TO head_office_personal WITH SET TRUE",
        "REVOKE head_office FROM head_office_personal",
        "head_office_personal can act as head_office",
    ),
    (
        "ALTER ROLE head_office RESET timezone",
        "ALTER ROLE head_office SET timezone = 'America/Los_Angeles'",
        "role head_office lacks the setting TimeZone",
    ),
    (
        "ALTER ROLE store_managers_personal SET search_path = public",
        "ALTER ROLE store_managers_personal SET search_path = pg_catalog, retail, pg_temp",
        "role store_managers_personal lacks the setting search_path",
    ),
]


# Every object that stays shows in one of these sums, also where the check has nothing against it.
OBJECTS = """
SELECT (SELECT sum(hash_record_extended(t, 0)) FROM pg_depend t),
       (SELECT sum(hash_record_extended(t, 0)) FROM pg_shdepend t
         WHERE dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))),
       (SELECT sum(hash_record_extended(ROW(oid, relkind, relowner, relacl), 0)) FROM pg_class),
       (SELECT sum(hash_record_extended(ROW(oid, prosrc, proowner, proacl), 0)) FROM pg_proc),
       (SELECT sum(hash_record_extended(t, 0)) FROM pg_namespace t),
       (SELECT sum(hash_record_extended(t, 0)) FROM pg_db_role_setting t)
"""


@dataclass
class Lent:
    """A migrated database for one break; `is_whole` when the check found all of it mended."""

    database: Database
    pool: DatabasePool
    objects: tuple[object, ...] | None
    is_whole: bool = False


class Ground:
    """Lends one clone from break to break, while it is whole after each and has its objects."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._clone = AsyncExitStack()
        self._lent: Lent | None = None

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Lent]:
        if self._lent is None:
            database = self._clone.enter_context(self._cluster.database("verified"))
            pool = DatabasePool(database.server, max_size=1)
            self._clone.push_async_callback(pool.close)
            self._lent = Lent(database, pool, _objects(database))
        self._lent.is_whole = False
        try:
            yield self._lent
        finally:
            if not self._lent.is_whole or _objects(self._lent.database) != self._lent.objects:
                await self.leave()

    async def leave(self) -> None:
        self._lent = None
        await self._clone.aclose()


def _objects(database: Database) -> tuple[object, ...] | None:
    with psycopg.connect(database.owner, autocommit=True) as owner:
        return owner.execute(OBJECTS).fetchone()


@asynccontextmanager
async def _checking(
    lent: Lent, signer: ContextSigner, statement: str | None = None
) -> AsyncIterator[IsolationCheck]:
    """Give the check of a lasting session; after what may be of a role, that of a session anew."""
    if statement and not OF_A_LOGIN.search(statement):
        yield IsolationCheck(lent.pool, signer, RETAIL)
    else:
        pool = DatabasePool(lent.database.server, max_size=1)
        try:
            yield IsolationCheck(pool, signer, RETAIL)
        finally:
            await pool.close()


@pytest.fixture(scope="module")
async def ground(cluster: Cluster) -> AsyncIterator[Ground]:
    ground = Ground(cluster)
    yield ground
    await ground.leave()


@pytest.fixture
async def verification(empty: Database, signer: ContextSigner) -> AsyncIterator[IsolationCheck]:
    pool = DatabasePool(empty.server, max_size=1)
    yield IsolationCheck(pool, signer, RETAIL)
    await pool.close()


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    with cluster.database("verified") as database:
        yield database


async def mend(
    owner: psycopg.Connection,
    lent: Lent,
    signer: ContextSigner,
    verification: IsolationCheck,
    problems: list[str],
) -> None:
    """Run the statement that each problem ends with: none is left that ends with a statement."""
    for _ in range(ROUNDS):
        remedies = [problem.partition("; run ")[2] for problem in problems]
        assert all(remedies), problems
        statements = [remedy for remedy in remedies if not NO_STATEMENT.match(remedy)]
        if not statements:
            return
        for statement in statements:
            # One remedy may have done what another one is for.
            with suppress(psycopg.errors.UndefinedObject, psycopg.errors.UndefinedFunction):
                owner.execute(statement.encode())
        problems = await _problems_now(verification, lent.database, signer, statements)
        lent.is_whole = not problems
    assert all(NO_STATEMENT.match(problem.partition("; run ")[2]) for problem in problems), problems


async def _problems_now(
    verification: IsolationCheck, database: Database, signer: ContextSigner, remedies: list[str]
) -> list[str]:
    """Prove isolation once more, on the same connection where no login takes other settings."""
    if not any(OF_A_LOGIN.search(remedy) for remedy in remedies):
        return await verification.problems()
    pool = DatabasePool(database.server, max_size=1)
    problems = await IsolationCheck(pool, signer, RETAIL).problems()
    await pool.close()
    return problems


@pytest.mark.requirement("S49")
@pytest.mark.requirement("S54")
@pytest.mark.requirement("S59")
async def test_migrated_empty_database_is_isolated(verification: IsolationCheck) -> None:
    assert await verification.problems() == []


@pytest.mark.parametrize(("statement", "problem"), [*BREAKS, *HOLES])
async def test_break_is_found(
    ground: Ground, signer: ContextSigner, statement: str, problem: str
) -> None:
    async with ground.lent() as lent, _checking(lent, signer, statement) as verification:
        with psycopg.connect(lent.database.owner, autocommit=True) as owner:
            owner.execute(statement)
            with pytest.raises(IsolationBroken) as caught:
                await verification.ensure()
            found = caught.value.problems
            assert any(problem in text for text in found), found
            await mend(owner, lent, signer, verification, found)


@pytest.mark.parametrize(("statement", "undo", "problem"), [*CLUSTER_BREAKS, *CLUSTER_HOLES])
async def test_break_of_a_role_is_found(
    ground: Ground, signer: ContextSigner, statement: str, undo: str, problem: str
) -> None:
    async with ground.lent() as lent, _checking(lent, signer) as verification:
        with psycopg.connect(lent.database.owner, autocommit=True) as owner:
            owner.execute(statement)
            try:
                found = await verification.problems()
                assert any(problem in text for text in found), found
                await mend(owner, lent, signer, verification, found)
            finally:
                owner.execute(undo)


async def test_session_that_differs_from_the_login_is_found(
    empty: Database, signer: ContextSigner
) -> None:
    differing = make_conninfo(empty.server, options="-c standard_conforming_strings=off")
    pool = DatabasePool(differing, max_size=1)
    found = await IsolationCheck(pool, signer, RETAIL).problems()
    await pool.close()
    assert any("in this session standard_conforming_strings is off" in text for text in found)


def test_known_functions_are_those_of_the_migrations(cluster: Cluster) -> None:
    assert known_functions(cluster.template) == GOLDEN.read_text(encoding="utf-8"), "make schema"


async def test_nothing_is_served_until_isolation_is_proven(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    pool = DatabasePool(seeded_clone.server, max_size=1)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE retail.orders NO FORCE ROW LEVEL SECURITY")
        with pytest.raises(IsolationBroken) as caught:
            await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
        assert any("retail.orders does not force row" in each for each in caught.value.problems)
        owner.execute("ALTER TABLE retail.orders FORCE ROW LEVEL SECURITY")
    assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]
    await pool.close()


async def test_proof_is_renewed_after_a_minute_and_a_broken_one_stops_the_service(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    now = 1000.0
    pool = DatabasePool(seeded_clone.server, max_size=1)
    verification = IsolationCheck(pool, signer, RETAIL, clock=lambda: now)
    tenancy = TenantDatabase(pool, signer, verification)
    await verification.refresh()
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE retail.orders NO FORCE ROW LEVEL SECURITY")
    await verification.refresh()  # still fresh: no question asked
    now += 61
    with pytest.raises(IsolationBroken):
        await verification.refresh()
    with pytest.raises(IsolationBroken):
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    await pool.close()


async def test_start_costs_one_round_trip(empty: Database, signer: ContextSigner) -> None:
    from tests.support.servers.proxy import counting_proxy

    async with counting_proxy(empty.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=1)
        async with pool.connection():
            before = proxy.round_trips
        await IsolationCheck(pool, signer, RETAIL).ensure()
        assert proxy.round_trips - before == 1
        await pool.close()


class OwnProof:
    """A proof of another database than the shipped one; it finds what the test puts in."""

    seconds = 10.0

    def __init__(self) -> None:
        self.found = ""

    def queries(self) -> list[bytes]:
        return [f"SELECT x FROM unnest(ARRAY['{self.found}']) AS x WHERE x <> ''".encode()]

    def probes(self, signer: ContextSigner) -> list[Probe]:
        wrong = replace(signer.sign(CANARIES[0], "SELECT 1 AS one"), mac=b"")
        audience = RETAIL.audiences.widest
        state = "" if self.found else "ZA001"
        return [Probe("a wrong signature", wrong, None, state, audience, "what restores it")]


async def test_no_call_is_served_on_a_proof_of_another_database_that_is_too_old(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    now, proof = 1000.0, OwnProof()
    pool = DatabasePool(seeded_clone.server, max_size=1)
    verification = IsolationCheck(pool, signer, RETAIL, clock=lambda: now, proof=proof)
    tenancy = TenantDatabase(pool, signer, verification)
    assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]
    proof.found = "it is open"
    now += 10
    assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]
    now += 1
    with pytest.raises(IsolationBroken) as broken:
        await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    assert broken.value.problems == [
        "it is open",
        "a wrong signature: ZA001; run what restores it",
    ]
    proof.found = ""
    assert (await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)).rows == [[1]]
    await pool.close()
