"""What a database of several nodes would rest on, held on one node.

No node is made here: each point is a property of the schema or of a session.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.servers.database import Database, one

AUDIENCES = (
    *("store_managers", "regional_managers", "head_office"),
    *("store_managers_personal", "regional_managers_personal", "head_office_personal"),
)
# What a figure depends on: how text, times and numbers are read and written, and where names lead.
SETTINGS = (
    *("TimeZone", "search_path", "default_transaction_read_only", "DateStyle", "IntervalStyle"),
    *("standard_conforming_strings", "backslash_quote", "client_encoding", "row_security"),
    *("transform_null_equals", "array_nulls", "bytea_output", "extra_float_digits"),
)
# Tables of tenants, which a cluster cuts by store; the list of stores would be on every node.
_DISTRIBUTED = """
  SELECT c.oid FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
  WHERE c.relnamespace = 'retail'::regnamespace AND c.relkind IN ('r', 'p')
    AND a.attname = 'store_id' AND c.oid <> 'retail.stores'::regclass"""
_UNIQUE = f"""
  SELECT i.indexrelid::regclass::text FROM pg_index AS i
  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  WHERE i.indisunique AND i.indrelid IN ({_DISTRIBUTED}) AND a.attname <> 'store_id'"""
_FOREIGN = f"""
  SELECT f.conname FROM pg_constraint AS f
  JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
  WHERE f.contype = 'f' AND f.conrelid IN ({_DISTRIBUTED}) AND f.confrelid IN ({_DISTRIBUTED})
    AND a.attname <> 'store_id'"""
_NONE_AT_ALL = f"""
  SELECT d.oid::regclass::text FROM ({_DISTRIBUTED}) AS d
  WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = d.oid AND i.indisprimary)"""


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner, autocommit=True) as owner:
        yield owner


@contextmanager
def able_to_log_in(owner: psycopg.Connection, audience: str) -> Iterator[None]:
    """Let an audience log in, as the workers of a cluster do, for as long as the block runs."""
    owner.execute(f"ALTER ROLE {audience} LOGIN PASSWORD 'a-worker-in-tests'".encode())
    try:
        yield
    finally:
        owner.execute(f"ALTER ROLE {audience} NOLOGIN PASSWORD NULL".encode())


@pytest.mark.parametrize("query", [_UNIQUE, _FOREIGN, _NONE_AT_ALL])
def test_every_key_of_a_table_of_tenants_begins_with_the_store(
    owner: psycopg.Connection, query: str
) -> None:
    assert one(owner, f"SELECT count(*) FROM ({_DISTRIBUTED}) AS d") >= 4
    assert owner.execute(query.encode()).fetchall() == []


def test_a_key_that_begins_otherwise_is_found(changing: psycopg.Connection) -> None:
    changing.execute("CREATE UNIQUE INDEX planted ON retail.orders (order_id)")
    assert changing.execute(_UNIQUE.encode()).fetchall() == [("retail.planted",)]
    changing.execute(
        "ALTER TABLE retail.orders ADD CONSTRAINT planted_too FOREIGN KEY (order_id)"
        " REFERENCES retail.orders (order_id)"
    )
    assert changing.execute(_FOREIGN.encode()).fetchall() == [("planted_too",)]


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_bare_session_of_an_audience_reads_as_the_login_does(
    owner: psycopg.Connection, database: Database, audience: str
) -> None:
    """Without its settings the months of such a session would begin in UTC, without an error."""
    read = "SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS)
    month = "SELECT date_trunc('month', timestamptz '2026-03-01 05:00+00')::text"
    told = []
    owner.execute(f"GRANT CONNECT ON DATABASE {database.name} TO {audience}".encode())
    with able_to_log_in(owner, audience):
        bare = make_conninfo(database.owner, user=audience, password="a-worker-in-tests")
        for conninfo in (database.server, bare):
            with psycopg.connect(conninfo, autocommit=True) as session:
                told.append([session.execute(each.encode()).fetchone() for each in (read, month)])
    owner.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM {audience}".encode())
    assert told[0] == told[1]
    assert told[0][1] == ("2026-02-01 00:00:00-08",)
