"""The PostgreSQL that the tests run on, and databases cloned from one migrated template."""

import os
import secrets
import socket
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.suite.patience import patient
from zava.infrastructure.local.embedded.server_log import LOG_SETTINGS
from zava.infrastructure.postgres.migrations import migrate
from zava.infrastructure.postgres.server_login import install_context_keys, set_server_password

HIDE_PEERS = Path(__file__).parents[3] / "sql" / "superuser" / "hide_peers.sql"
CONTEXT_KEY = (1, bytes(range(32)))
SERVER_PASSWORD = "the-server-in-tests"
ADMIN_PASSWORD = "the-administrator-in-tests"
# A crash may lose a cluster of the tests.
_FAST_SETTINGS = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
# A login's password is hashed once, not 4096 times, by each test that connects.
_CHEAP_LOGINS = sql.SQL("SET scram_iterations = 1")
_WAIT_SECONDS = 30
_STEADY_SECONDS = 0.2
_RUNNING = """
SELECT count(*), array_agg(pid || ' ' || state_change ORDER BY pid) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'zava-mcp-server' AND state = 'active'
"""


@dataclass(frozen=True)
class Database:
    """One database, as its administrator and as the server's own login."""

    superuser: str
    name: str
    pooler_port: int | None = None

    @property
    def admin(self) -> str:
        return make_conninfo(
            self.superuser, dbname=self.name, user="zava_admin", password=ADMIN_PASSWORD
        )

    @property
    def server(self) -> str:
        login = make_conninfo(
            self.superuser, dbname=self.name, user="zava_server", password=SERVER_PASSWORD
        )
        if self.pooler_port is None:
            return login
        return make_conninfo(login, host="127.0.0.1", port=self.pooler_port)

    @property
    def owner(self) -> str:
        """The cluster's superuser in this database, who sees what nobody else does."""
        return make_conninfo(self.superuser, dbname=self.name)

    async def wait_for_statements(self, count: int) -> float:
        """Return how many seconds it took until that many statements of the server ran here.

        Each of them has to run on for a while: one call is several short statements.
        """
        started = since = time.monotonic()
        before = None
        connection = await psycopg.AsyncConnection.connect(self.owner, autocommit=True)
        async with connection:
            while time.monotonic() < started + patient(_WAIT_SECONDS):
                row = await (await connection.execute(_RUNNING)).fetchone()
                if row is None or row[0] != count or row != before:
                    since, before = time.monotonic(), row
                elif time.monotonic() > since + _STEADY_SECONDS:
                    return since - started
                await connection.execute("SELECT pg_sleep(0.01)")
        raise AssertionError(f"{row} statements run, not {count}")


def one(connection: psycopg.Connection, query: str, *values: Any) -> Any:
    """Return the first value of the first row."""
    return (connection.execute(query, values).fetchone() or (None,))[0]


class Cluster:
    """A PostgreSQL server with an administrator who is no superuser, and a migrated template."""

    def __init__(self, superuser: str, pooler_port: int | None = None) -> None:
        self.superuser = superuser
        self._pooler_port = pooler_port
        self._run = secrets.token_hex(4)
        self._count = 0
        self._connection: psycopg.Connection | None = None
        self._run_as_superuser(
            sql.SQL(
                """
                DO $$ BEGIN
                  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'zava_admin') THEN
                    CREATE ROLE zava_admin CREATEROLE CREATEDB;
                  END IF;
                END $$
                """
            )
        )
        self._run_as_superuser(_CHEAP_LOGINS)
        self._run_as_superuser(
            sql.SQL("ALTER ROLE zava_admin LOGIN PASSWORD {}").format(ADMIN_PASSWORD)
        )
        self.template = self._create("template", None)
        with psycopg.connect(self.template.owner, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA extensions AUTHORIZATION zava_admin")
            connection.execute("CREATE EXTENSION vector SCHEMA extensions")
            connection.execute(HIDE_PEERS.read_bytes())
        with psycopg.connect(self.template.admin, autocommit=True) as connection:
            migrate(connection)
            connection.execute(_CHEAP_LOGINS)
            set_server_password(connection, SERVER_PASSWORD)
            install_context_keys(connection, [CONTEXT_KEY])

    @contextmanager
    def database(self, label: str, template: Database | None = None) -> Iterator[Database]:
        """Clone the template (or another database) for as long as the block runs."""
        database = self._create(label, template or self.template)
        name = sql.Identifier(database.name)
        try:
            # As a migration closes it, and without a connection to it.
            self._run_as_superuser(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            self._run_as_superuser(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO zava_server").format(name)
            )
            yield database
        finally:
            self._drop(database)

    @contextmanager
    def blank(self, label: str) -> Iterator[Database]:
        """Lend a database with nothing but the extension, as a managed server hands it over."""
        database = self._create(label, None)
        try:
            with psycopg.connect(database.owner, autocommit=True) as connection:
                connection.execute("CREATE SCHEMA extensions AUTHORIZATION zava_admin")
                connection.execute("CREATE EXTENSION vector SCHEMA extensions")
            yield database
        finally:
            self._drop(database)

    def drop_template(self) -> None:
        self._drop(self.template)

    def _create(self, label: str, template: Database | None) -> Database:
        self._count += 1
        name = f"zava_test_{self._run}_{self._count}_{label}"
        database = Database(self.superuser, name, self._pooler_port)
        # Files that are copied cost a third of the processor time of pages that are logged.
        self._run_as_superuser(
            sql.SQL("CREATE DATABASE {} OWNER zava_admin TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(database.name),
                sql.Identifier(template.name if template else "template0"),
            )
        )
        return database

    def _drop(self, database: Database) -> None:
        self._run_as_superuser(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
        )

    def _run_as_superuser(self, statement: sql.SQL | sql.Composed) -> None:
        """Run a statement on one connection, for all clones; a crash of the server may end it."""
        if self._connection is not None:
            try:
                self._connection.execute(statement)
            except psycopg.OperationalError:
                if not self._connection.closed:
                    raise
            else:
                return
        self._connection = psycopg.connect(self.superuser, autocommit=True)
        weakref.finalize(self, self._connection.close)
        self._connection.execute(statement)


@contextmanager
def postgresql(home: Path) -> Iterator[str]:
    """Give a superuser's connection string: a server of yours, a container, or the embedded one."""
    given = os.environ.get("ZAVA_TEST_DATABASE_URL")  # noqa: TID251  # the tests' own switch
    if given:
        yield given
    elif _docker_answers():
        from testcontainers.postgres import PostgresContainer

        container = PostgresContainer("pgvector/pgvector:pg18", driver=None)
        options = LOG_SETTINGS | _FAST_SETTINGS
        switches = " ".join(f"-c {name}={value}" for name, value in options.items())
        with container.with_command(f"postgres {switches}"):
            yield container.get_connection_url()
    else:
        from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
        from zava.infrastructure.local.state_dir import StateDirectory

        server = EmbeddedServer(StateDirectory(home), fast=True)
        server.start()
        try:
            _make_cheap(server.superuser_url())
            yield server.superuser_url()
        finally:
            server.stop()


def _make_cheap(superuser: str) -> None:
    """Hash the password of the superuser anew, as those of the other logins are."""
    password = conninfo_to_dict(superuser)["password"]
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(_CHEAP_LOGINS)
        connection.execute(sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(password))


def _docker_answers() -> bool:
    """Whether an engine accepts connections; a client or a stale socket file is not enough."""
    if "DOCKER_HOST" in os.environ:  # noqa: TID251  # where testcontainers looks, too
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex("/var/run/docker.sock") == 0


async def until_asleep(database: Database, count: int) -> None:
    """Wait until so many statements of a database run `pg_sleep`; each look is a round trip."""
    running = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event = 'PgSleep' AND datname = current_database()"
    )
    async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as owner:
        while (await (await owner.execute(running)).fetchone()) != (count,):
            pass
