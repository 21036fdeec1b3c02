"""Fixtures that every kind of test shares: one cluster, one seeded database, one door."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import date

import psycopg
import pytest

from tests.database import CONTEXT_KEY, SERVER_PASSWORD, Cluster, Database, postgresql
from tests.pgbouncer import is_asked_for, pgbouncer
from zava.app import Application, compose
from zava.data.context import ContextKey, ContextSigner
from zava.data.retail import RetailData
from zava.data.tenancy import Tenancy
from zava.data.verification import Verification
from zava.infrastructure.demo_data import seed
from zava.infrastructure.demo_principals import demo_callers, grant_demo_principals
from zava.infrastructure.home import Home
from zava.infrastructure.local_issuer import LocalIssuer
from zava.infrastructure.pool import DatabasePool
from zava.model import Caller
from zava.settings import Settings

TODAY = date(2026, 6, 30)
SCALE = 0.02


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with ExitStack() as opened:
        superuser = opened.enter_context(postgresql(tmp_path_factory.mktemp("postgresql")))
        port = None
        if is_asked_for():
            port = opened.enter_context(
                pgbouncer(
                    superuser,
                    user="zava_server",
                    password=SERVER_PASSWORD,
                    directory=tmp_path_factory.mktemp("pgbouncer"),
                )
            )
        cluster = Cluster(superuser, port)
        yield cluster
        cluster.drop_template()


@pytest.fixture(scope="session", autouse=True)
def without_prepared_statements() -> Iterator[None]:
    """Use none behind PgBouncer; elsewhere change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        if is_asked_for():
            patch.setenv("ZAVA_PREPARED_STATEMENTS", "false")
            for kind in (Tenancy, Verification):
                defaults = kind.__init__.__kwdefaults__ or {}
                patch.setitem(defaults, "use_prepared", False)
        yield


@pytest.fixture(scope="session")
def seeded_template(cluster: Cluster) -> Iterator[Database]:
    """A seeded database that nobody connects to, so that it can be cloned at any time."""
    with cluster.database("seeded") as template:
        with psycopg.connect(template.admin, autocommit=True) as connection:
            seed(connection, scale=SCALE, today=TODAY, progress=lambda *_: None)
            grant_demo_principals(connection)
        yield template


@pytest.fixture(scope="session")
def database(cluster: Cluster, seeded_template: Database) -> Iterator[Database]:
    """A seeded database that every test may read and none may change."""
    with cluster.database("shared", template=seeded_template) as database:
        yield database


@pytest.fixture
def seeded_clone(cluster: Cluster, seeded_template: Database) -> Iterator[Database]:
    """A seeded database of the test's own, to change as it likes."""
    with cluster.database("clone", template=seeded_template) as clone:
        yield clone


@pytest.fixture
def empty_admin(cluster: Cluster) -> Iterator[psycopg.Connection]:
    """The administrator of a migrated database without data."""
    with (
        cluster.database("empty") as empty,
        psycopg.connect(empty.admin, autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture(scope="session")
def signer() -> ContextSigner:
    return ContextSigner([ContextKey(*CONTEXT_KEY)])


@pytest.fixture(scope="session")
def callers() -> dict[str, Caller]:
    """The demo principals by name."""
    return demo_callers()


@pytest.fixture(scope="session")
async def pool(database: Database) -> AsyncIterator[DatabasePool]:
    pool = DatabasePool(database.server, max_size=3, max_waiting=256)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
async def unguarded(pool: DatabasePool, signer: ContextSigner) -> Tenancy:
    """The session alone, with whatever statement it is given."""
    return Tenancy(pool, signer, Verification(pool, signer))


@pytest.fixture(scope="session")
async def tenancy(unguarded: Tenancy) -> RetailData:
    """What the use cases read from: the session behind the guard."""
    return RetailData(unguarded)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a local issuer, apart from the cluster's."""
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def tokens(home: Home, callers: dict[str, Caller]) -> dict[str, str]:
    """A bearer token for each demo principal."""
    issuer = LocalIssuer(home)
    return {
        name: issuer.token(
            tenant_id=caller.tenant_id, object_id=caller.object_id, name=name, ttl_seconds=3600
        )
        for name, caller in callers.items()
    }


@pytest.fixture(scope="session")
def context_keys() -> list[str]:
    key_id, secret = CONTEXT_KEY
    return [f"{key_id}:{base64.b64encode(secret).decode()}"]


@pytest.fixture
async def application(
    database: Database, home: Home, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The whole app, cold, over the shared database."""
    settings = Settings.model_validate({"ZAVA_HOME": home.path})
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    yield application
    await application.close()
