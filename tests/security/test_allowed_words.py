"""The words that the guard lets through are what their page says, on each supported PostgreSQL."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.servers.database import Database
from tests.support.servers.homes import open_directory
from zava.data.guard.vocabulary import FUNCTIONS, OPERATORS, TYPES
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
from zava.infrastructure.local.state_dir import StateDirectory

OLDEST, STANDARD = 16, 18
# Volatile, and change nothing that outlives the call.
VOLATILE = frozenset({"clock_timestamp", "gen_random_uuid", "random", "random_normal"})
# As above, and not in the oldest version.
YOUNGER_VOLATILE = frozenset({"array_sample", "array_shuffle", "uuidv4", "uuidv7"})
# A call of one argument by a type's name is a cast.
CASTS = frozenset({"jsonb", "uuid"})
# Functions that run text as SQL, sleep, lock, or read settings, files and the catalog.
FORBIDDEN = (
    "^(pg_|lo_|has_|to_reg|inet_|txid_|xml|xpath|acl|ts_stat|ts_rewrite|ts_parse|ts_token|current_"
    "|(query|cursor|table|schema|database)_to|set_config|setseed|setval|nextval|currval|lastval"
    "|row_security|getdatabase|version$|format_type$|col_desc|obj_desc|shobj_desc|json_populate"
    "|jsonb_populate|amvalidate|binary_upgrade)"
)
# Types whose text is looked up in the catalog.
CATALOG_TYPES = "^_?(reg(?!config)|acl|xml|pg_(?!lsn)|cstring|internal|refcursor)"


@pytest.fixture(scope="module", params=[STANDARD, OLDEST])
def catalog(request: pytest.FixtureRequest, database: Database) -> Iterator[psycopg.Connection]:
    """A superuser's connection to the tests' own server, and to the oldest supported version."""
    if request.param == STANDARD:
        with psycopg.connect(database.owner, autocommit=True) as connection:
            yield connection
        return
    with open_directory() as directory:
        server = EmbeddedServer(StateDirectory(directory), version=request.param, fast=True)
        server.start()
        try:
            with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
                assert connection.info.server_version // 10000 == OLDEST
                yield connection
        finally:
            server.stop()


def names(connection: psycopg.Connection, query: str, *values: object) -> set[str]:
    return {name for (name,) in connection.execute(query.encode(), values).fetchall()}


OVERLOADS = (
    "FROM pg_proc AS p JOIN pg_type AS r ON r.oid = p.prorettype"
    " WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (%s)"
)


def test_every_overload_of_a_listed_function_only_reckons(catalog: psycopg.Connection) -> None:
    listed = list(FUNCTIONS)
    volatile = names(catalog, f"SELECT p.proname {OVERLOADS} AND p.provolatile = 'v'", listed)
    assert VOLATILE <= volatile <= VOLATILE | YOUNGER_VOLATILE
    assert names(catalog, f"SELECT p.proname {OVERLOADS} AND p.prosecdef", listed) == set()
    assert (
        names(catalog, f"SELECT p.proname {OVERLOADS} AND r.typname ~ %s", listed, CATALOG_TYPES)
        == set()
    )
    matched = f"SELECT p.proname {OVERLOADS} AND p.proname ~ %s"
    assert names(catalog, matched, listed, FORBIDDEN) == set()
    assert names(catalog, matched, ["pg_sleep", "lo_unlink", "query_to_xml"], FORBIDDEN) != set()
    reading = (
        f"SELECT p.proname {OVERLOADS} AND p.proargtypes::regtype[]::text ~ 'cstring|internal'"
    )
    assert names(catalog, reading, listed) == set()
    assert names(catalog, reading, ["textin"]) == {"textin"}


def test_every_listed_function_exists(catalog: psycopg.Connection) -> None:
    missing = FUNCTIONS - names(catalog, f"SELECT p.proname {OVERLOADS}", list(FUNCTIONS))
    if catalog.info.server_version // 10000 == STANDARD:
        assert missing == CASTS


def test_every_operator_of_a_listed_name_only_reckons(catalog: psycopg.Connection) -> None:
    operators = (
        "FROM pg_operator AS o JOIN pg_proc AS p ON p.oid = o.oprcode"
        " WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprname = ANY (%s)"
    )
    found = names(catalog, f"SELECT o.oprname {operators}", list(OPERATORS))
    assert OPERATORS - found == {"!="}  # the grammar's other spelling of <>
    assert (
        names(
            catalog,
            f"SELECT o.oprname {operators} AND (p.provolatile = 'v' OR p.prosecdef)",
            list(OPERATORS),
        )
        == set()
    )


def test_no_listed_type_looks_into_the_catalog(catalog: psycopg.Connection) -> None:
    types = (
        "FROM pg_type AS t WHERE t.typnamespace = 'pg_catalog'::regnamespace"
        " AND t.typname = ANY (%s)"
    )
    assert names(catalog, f"SELECT t.typname {types}", list(TYPES)) == TYPES
    assert (
        names(catalog, f"SELECT t.typname {types} AND t.typname ~ %s", list(TYPES), "^(reg|acl)")
        == set()
    )
    # Composite types and domains would bring columns and checks of others.
    assert (
        names(catalog, f"SELECT t.typname {types} AND t.typtype IN ('c', 'd')", list(TYPES))
        == set()
    )
