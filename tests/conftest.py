"""Fixtures that every kind of test shares: one cluster, one seeded database, one session."""

import base64
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from tests.metrics import naive
from tests.support.answers.asking import AskTool, Told
from tests.support.embedding.vectors import KnownVectors, keep_vectors
from tests.support.servers.database import (
    CONTEXT_KEY,
    SERVER_PASSWORD,
    Cluster,
    Database,
    postgresql,
)
from tests.support.servers.homes import open_directory
from tests.support.servers.pgbouncer import has_a_database, is_asked_for, pgbouncer
from tests.support.servers.seeded import SCALE, TODAY, result_cache
from tests.support.suite.garbage import paused_garbage_collection
from tests.support.suite.parts import add_option, is_of_part, needs_no_reading
from tests.support.suite.scheduling import Together
from tests.support.suite.tracing import end_tracing, traced_first, untraced_collection
from zava.app import Application, compose
from zava.cli.client import call_tool
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.result_cache import ResultCache
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.audiences import CUSTOMERS_READ
from zava.model.core import Caller
from zava.protocol.tools.tool import ERROR_META
from zava.retail.data.index_job import embed_catalogue
from zava.retail.data.metric_catalogue import catalogue as read_whole_catalogue
from zava.retail.data.sales_reader import SalesReader
from zava.retail.declaration import RETAIL
from zava.retail.demo.dataset import seed
from zava.retail.demo.principals import demo_callers, grant_demo_principals
from zava.settings import Settings

# The time of one example says how busy the machine is, and nothing about the product.
settings.register_profile("zava", deadline=None)
settings.load_profile("zava")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    config.option.loadscopereorder = False  # small files come last and even out the end
    return Together(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    add_option(parser)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    file = collection_path.relative_to(config.rootpath).as_posix()
    return needs_no_reading(file, config.option.part) or None


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    with paused_garbage_collection(), untraced_collection(session.config):
        return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part = config.option.part
    runs = [item for item in items if is_of_part(item, part)]
    if is_asked_for():
        runs = [item for item in runs if has_a_database(item)]
    left_out = set(items).difference(runs)
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = runs
    traced_first(items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    end_tracing(item)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as opened:
        directory = opened.enter_context(open_directory())
        superuser = opened.enter_context(postgresql(directory))
        port = None
        if is_asked_for():
            port = opened.enter_context(
                pgbouncer(
                    superuser,
                    user="zava_server",
                    password=SERVER_PASSWORD,
                    directory=Path(opened.enter_context(tempfile.TemporaryDirectory())),
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
            for kind in (AuditWriter, TenantDatabase, IsolationCheck):
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
def changing(seeded_clone: Database) -> Iterator[psycopg.Connection]:
    """The superuser of a seeded database of the test's own, who passes by every policy."""
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        yield owner


@pytest.fixture
def empty_admin(cluster: Cluster) -> Iterator[psycopg.Connection]:
    """The administrator of a migrated database without data."""
    with (
        cluster.database("empty") as empty,
        psycopg.connect(empty.admin, autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The file with the catalogue's vectors, which the first worker that has them writes."""
    own = tmp_path_factory.getbasetemp()
    return (own if worker_id == "master" else own.parent) / "vectors.json"


@pytest.fixture(scope="session")
def searchable_template(
    cluster: Cluster, seeded_template: Database, vectors: Path
) -> Iterator[Database]:
    """The seeded database with its catalogue embedded by the local model."""
    with cluster.database("embedded", template=seeded_template) as template:
        with psycopg.connect(template.admin, autocommit=True) as connection:
            embed_catalogue(connection, KnownVectors(vectors))
        keep_vectors(template.owner, vectors)
        yield template


@pytest.fixture(scope="session")
def searchable(cluster: Cluster, searchable_template: Database) -> Iterator[Database]:
    """A database to search in, that no test may change."""
    with cluster.database("searchable", template=searchable_template) as database:
        yield database


@pytest.fixture
def searchable_clone(cluster: Cluster, searchable_template: Database) -> Iterator[Database]:
    """A database to search in, of the test's own."""
    with cluster.database("searchable_clone", template=searchable_template) as clone:
        yield clone


@pytest.fixture(scope="session")
def signer() -> ContextSigner:
    return ContextSigner([ContextKey(*CONTEXT_KEY)])


@pytest.fixture(scope="session")
def callers() -> dict[str, Caller]:
    """The demo principals by name, with the permission to read customers' names."""
    permissions = frozenset({CUSTOMERS_READ})
    return {
        name: replace(caller, permissions=permissions) for name, caller in demo_callers().items()
    }


@pytest.fixture(scope="session")
async def pool(database: Database) -> AsyncIterator[DatabasePool]:
    pool = DatabasePool(database.server, max_size=3, max_waiting=256)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
async def unguarded(pool: DatabasePool, signer: ContextSigner) -> TenantDatabase:
    """The session alone, with whatever statement it is given."""
    return TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))


@pytest.fixture(scope="session")
async def free_query(unguarded: TenantDatabase) -> FreeQuery:
    """What the use cases read from: the session behind the guard."""
    return FreeQuery(unguarded, RETAIL)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return read_whole_catalogue()


@pytest.fixture(scope="session")
def uncached(unguarded: TenantDatabase) -> ResultCache:
    """What the metric tools read through, keeping nothing."""
    return result_cache(unguarded, MemoryStore(1), ttl_seconds=0)


@pytest.fixture(scope="session")
def metrics(unguarded: TenantDatabase, uncached: ResultCache, catalogue: Catalogue) -> SalesReader:
    """The metrics over the shared database, each question asked anew."""
    return SalesReader(unguarded, uncached, catalogue)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> StateDirectory:
    """A home with a local issuer, apart from the cluster's."""
    return StateDirectory(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def tokens(home: StateDirectory, callers: dict[str, Caller]) -> dict[str, str]:
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
    database: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The whole app, cold, over the shared database."""
    application = _composed(database, home, context_keys)
    yield application
    await application.close()


@pytest.fixture(scope="session")
async def moved_application(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The whole app over the shared database, on the day to which the data run."""
    settings = Settings.model_validate({"ZAVA_HOME": home.path, "ZAVA_TODAY": TODAY.isoformat()})
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    yield application
    await application.close()


@pytest.fixture(scope="session")
async def search_app(
    searchable: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The app over an embedded catalogue that nobody changes, its model loaded once."""
    application = _composed(searchable, home, context_keys)
    await _load_model(application)
    yield application
    await application.close()


@pytest.fixture(scope="session")
def ask_tool(moved_application: Application, tokens: dict[str, str]) -> AskTool:
    """Call tools as a client does: through the endpoint, with a token."""

    async def ask(principal: str, tool: str, arguments: Mapping[str, Any]) -> Told:
        status, body = await call_tool(
            moved_application.endpoint, tokens[principal], tool, arguments
        )
        assert status == 200, body
        result = body["result"]
        is_error = result["isError"]
        content = result["_meta"][ERROR_META] if is_error else result["structuredContent"]
        return Told(result["content"][0]["text"], content, is_error=is_error)

    return ask


@pytest.fixture(scope="session")
def exported(database: Database) -> naive.Exported:
    """Every row of the shared database, for computing in plain Python."""
    return naive.export(database.owner)


@pytest.fixture
async def own_search_app(
    searchable_clone: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The app over an embedded catalogue of the test's own."""
    application = _composed(searchable_clone, home, context_keys)
    await _load_model(application)
    yield application
    await application.close()


async def _load_model(application: Application) -> None:
    """Load the local model ahead: a question waits two seconds for it, whatever the machine does."""
    # The app loads its model at the first question, with a bound; the test loads it before.
    (embedder,) = application.vectors._embedders.values()
    await embedder.embed(["hammer"], within_seconds=60)


def _composed(database: Database, home: StateDirectory, context_keys: list[str]) -> Application:
    settings = Settings.model_validate({"ZAVA_HOME": home.path})
    return compose(settings, conninfo=database.server, context_keys=context_keys)
