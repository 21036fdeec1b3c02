"""Another project's database is found out before anything in it, or in its server, is changed."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.support.servers.database import Cluster, Database
from zava.infrastructure.postgres.foreign_database import foreign_contents
from zava.infrastructure.postgres.migrations import ForeignDatabase, migrate

# Roles, rights of the database, schemas with their rights, and relations.
STATE = """
SELECT (SELECT array_agg(rolname ORDER BY rolname) FROM pg_roles),
       (SELECT datacl::text FROM pg_database WHERE datname = current_database()),
       (SELECT array_agg(format('%s %s', nspname, nspacl) ORDER BY nspname) FROM pg_namespace
        WHERE nspname !~ '^pg_temp|^pg_toast_temp'),
       (SELECT count(*) FROM pg_class WHERE relpersistence = 'p')
"""


@pytest.fixture
def theirs(cluster: Cluster) -> Iterator[Database]:
    """An empty database with an extension, as an administrator is given it."""
    with cluster.blank("theirs") as database:
        yield database


@pytest.fixture
def app(cluster: Cluster) -> Iterator[str]:
    """A login of another project, which the server's default lets into each database."""
    with psycopg.connect(cluster.superuser, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE their_app LOGIN")
        yield "their_app"
        superuser.execute("DROP ROLE their_app")


def test_empty_database_and_one_of_ours_hold_nothing_foreign(theirs: Database) -> None:
    with psycopg.connect(theirs.admin, autocommit=True) as admin:
        assert foreign_contents(admin) == []
        assert migrate(admin) != []
        admin.execute("CREATE TABLE extensions.beside (id int)")
        assert foreign_contents(admin) == []


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ("CREATE TABLE {public}.orders (id int)", "1 table (public.orders)"),
        ("CREATE VIEW {public}.shown AS SELECT 1 AS one", "1 table (public.shown)"),
        ("CREATE SEQUENCE {public}.numbers", "1 table (public.numbers)"),
        ("CREATE SCHEMA app", "1 schema (app)"),
        (
            "CREATE FUNCTION {public}.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "1 function (public.one)",
        ),
        ("CREATE TYPE {public}.mood AS ENUM ('good')", "1 type (public.mood)"),
        ("SELECT lo_create(4711)", "1 large object (4711)"),
        ("GRANT CONNECT ON DATABASE {database} TO their_app", "1 role with a grant (their_app)"),
        (
            "CREATE SCHEMA extensions2 CREATE TABLE a() CREATE TABLE b() CREATE TABLE c() CREATE TABLE d()",
            "4 tables (extensions2.a, extensions2.b, extensions2.c, …)",
        ),
    ],
)
def test_foreign_database_is_refused_and_left_as_it_is(
    theirs: Database, app: str, made: str, found: str
) -> None:
    statement = sql.SQL(made).format(
        public=sql.Identifier("public"), database=sql.Identifier(theirs.name)
    )
    with (
        psycopg.connect(theirs.owner, autocommit=True) as owner,
        psycopg.connect(theirs.admin, autocommit=True) as admin,
    ):
        owner.execute(statement)
        before = owner.execute(STATE).fetchone()
        with pytest.raises(ForeignDatabase) as refused:
            migrate(admin)
        assert owner.execute(STATE).fetchone() == before
        may = owner.execute(
            "SELECT has_database_privilege(%s, current_database(), 'CONNECT')", [app]
        )
        assert may.fetchone() == (True,)
        for part in (found, f"database {theirs.name} on ", "--adopt-database"):
            assert part in str(refused.value)
        owner.execute(
            sql.SQL("REVOKE ALL ON DATABASE {} FROM their_app").format(sql.Identifier(theirs.name))
        )


def test_foreign_database_that_is_adopted_is_migrated_and_keeps_its_own(theirs: Database) -> None:
    with psycopg.connect(theirs.admin, autocommit=True) as admin:
        admin.execute("CREATE SCHEMA app CREATE VIEW kept AS SELECT 1 AS one")
        assert migrate(admin, adopt=True) != []
        assert admin.execute("SELECT one FROM app.kept").fetchone() == (1,)
        assert migrate(admin) == []


def test_server_s_maintenance_database_is_nobody_s_to_take(cluster: Cluster) -> None:
    with psycopg.connect(cluster.superuser, dbname="postgres", autocommit=True) as superuser:
        assert "the server's own maintenance database" in foreign_contents(superuser)
        with pytest.raises(ForeignDatabase, match="database postgres on "):
            migrate(superuser)
