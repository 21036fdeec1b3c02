"""Who in the database reads every store's rows by design, for the administrator to look at."""

from dataclasses import dataclass

import psycopg

from zava.sql_files import SQL

_READERS = SQL / "verify" / "readers.sql"
_PEERS = "SELECT has_function_privilege('zava_server', 'pg_lock_status()', 'EXECUTE')"


@dataclass(frozen=True, slots=True)
class Reader:
    """A role of the database server, and by what it passes the row policies."""

    role: str
    why: str


def readers_of_every_store(connection: psycopg.Connection) -> tuple[Reader, ...]:
    """Return each role that reads every store's rows, or may let itself, by name.

    Raises:
        psycopg.Error: the database could not be read.
    """
    rows = connection.execute(_READERS.read_bytes()).fetchall()
    return tuple(Reader(*row) for row in rows)


def shows_peers(connection: psycopg.Connection) -> bool:
    """Whether PostgreSQL's own functions show a caller what peers do, were there no guard.

    Raises:
        psycopg.Error: the database could not be read.
    """
    return connection.execute(_PEERS).fetchone() == (True,)
