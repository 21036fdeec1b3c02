"""Every role that reads all stores' rows is listed, with the way by which it does."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.servers.database import Cluster, Database
from zava.infrastructure.postgres.readers import readers_of_every_store, shows_peers

AWAY = "DROP ROLE IF EXISTS stranger, crew, mate"


@pytest.fixture
def owner(cluster: Cluster) -> Iterator[psycopg.Connection]:
    with (
        cluster.database("readers") as database,
        psycopg.connect(database.owner, autocommit=True) as connection,
    ):
        yield connection
        connection.execute(AWAY)


def why(connection: psycopg.Connection, role: str) -> str:
    return {one.role: one.why for one in readers_of_every_store(connection)}.get(role, "")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("CREATE ROLE stranger SUPERUSER", "superuser"),
        ("CREATE ROLE stranger BYPASSRLS", "BYPASSRLS"),
        ("CREATE ROLE stranger REPLICATION", "REPLICATION"),
        ("CREATE ROLE stranger; GRANT pg_read_all_data TO stranger", "member of pg_read_all_data"),
        ("CREATE ROLE stranger; GRANT zava_loader TO stranger", "may act as zava_loader"),
        ("CREATE ROLE stranger; GRANT zava_chain TO stranger", "may act as zava_chain"),
        ("CREATE ROLE stranger; GRANT head_office TO stranger", "may act as head_office"),
        ("CREATE ROLE stranger; GRANT zava_owner TO stranger", "may act as zava_owner"),
        (
            (
                "CREATE ROLE stranger; GRANT zava_loader TO stranger"
                " WITH ADMIN TRUE, SET FALSE, INHERIT FALSE"
            ),
            "may grant itself zava_loader",
        ),
        (
            (
                "CREATE ROLE crew; CREATE ROLE mate; CREATE ROLE stranger;"
                "GRANT zava_loader TO crew; GRANT crew TO mate; GRANT mate TO stranger"
            ),
            "may act as zava_loader through crew, mate",
        ),
    ],
)
def test_whoever_passes_is_listed_with_the_way(
    owner: psycopg.Connection, made: str, said: str
) -> None:
    assert why(owner, "stranger") == ""
    owner.execute(made)
    assert said in why(owner, "stranger")


def test_a_role_that_passes_by_nothing_is_not_listed(owner: psycopg.Connection) -> None:
    owner.execute("CREATE ROLE stranger LOGIN CREATEDB; GRANT pg_monitor TO stranger")
    assert why(owner, "stranger") == ""
    assert why(owner, "zava_server") == ""
    assert "owns this database" in why(owner, "zava_admin")


def test_open_functions_of_postgresql_are_told(owner: psycopg.Connection) -> None:
    assert not shows_peers(owner)
    owner.execute("GRANT EXECUTE ON FUNCTION pg_lock_status() TO PUBLIC")
    assert shows_peers(owner)


def test_the_administrator_reads_the_list(database: Database) -> None:
    with psycopg.connect(database.admin) as administrator:
        assert [one.role for one in readers_of_every_store(administrator)] == [
            *("postgres", "zava_admin", "zava_chain", "zava_loader", "zava_owner")
        ]
