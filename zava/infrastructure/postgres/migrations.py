"""Applies `sql/migrations` in order, each file in its own transaction, once."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from zava.infrastructure.command_line import command
from zava.infrastructure.postgres.foreign_database import foreign_contents, place
from zava.sql_files import SQL

DIRECTORY = SQL / "migrations"

# Any constant does; two migrations of one database wait for each other.
_ADVISORY_LOCK = 7_261_941_205

_LEDGER = """
CREATE SCHEMA IF NOT EXISTS zava_migrations;
CREATE TABLE IF NOT EXISTS zava_migrations.applied (
  name        text PRIMARY KEY,
  checksum    text NOT NULL,
  applied_at  timestamptz NOT NULL DEFAULT now()
);
REVOKE ALL ON SCHEMA zava_migrations FROM PUBLIC;
"""

# Asserted at every run: a restored or cloned database starts with everyone's TEMP and CONNECT.
_CLOSE_DATABASE = """
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO zava_server', current_database());
END $$
"""

# A login for imports keeps the columns that it was made with: those that came later are added.
_GRANT_INBOX = """
DO $$
DECLARE
  missing record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'zava_import') THEN
    RETURN;
  END IF;
  SET LOCAL ROLE zava_loader;
  FOR missing IN
    SELECT login.oid::regrole AS login, a.attname AS column_name, a.attrelid::regclass AS inbox
    FROM (SELECT DISTINCT e.grantee
          FROM pg_attribute AS k CROSS JOIN LATERAL aclexplode(k.attacl) AS e
          WHERE k.attrelid = 'zava_import.inbox_orders'::regclass AND e.privilege_type = 'INSERT'
            AND e.grantee <> 0) AS login (oid)
    CROSS JOIN pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'zava_import'::regnamespace AND c.relkind = 'r'
      AND starts_with(c.relname, 'inbox_') AND a.attname NOT IN ('id', 'loaded_by')
      AND NOT has_column_privilege(login.oid, c.oid, a.attnum, 'INSERT')
  LOOP
    EXECUTE format('GRANT INSERT (%I) ON %s TO %s',
                   missing.column_name, missing.inbox, missing.login);
  END LOOP;
END $$
"""


class MigrationRefused(Exception):
    """The database cannot be migrated as it is; nothing was applied."""


class ForeignDatabase(MigrationRefused):
    """The database is another project's; the message names it, and what was found in it."""

    def __init__(self, connection: psycopg.Connection, found: list[str]) -> None:
        super().__init__(
            f"DATABASE_URL: {place(connection)} is not Zava's; it holds {', '.join(found)};"
            " nothing was changed; name an empty database, unset DATABASE_URL for the embedded"
            " server, or take it over with --adopt-database"
        )


class OtherVersion(MigrationRefused):
    """The database was migrated by files that this version does not have."""

    def __init__(self, connection: psycopg.Connection, unknown: list[str]) -> None:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        super().__init__(
            f"{place(connection)} was migrated by another version of Zava ({unknown[0]}{more});"
            " nothing was changed; begin with an empty database, on this machine with"
            f" `{command('run', home=Path('.zava-new'))}`, elsewhere with its address in"
            f" DATABASE_URL and `{command('migrate')}`"
        )


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of SQL; `checksum` is the SHA-256 of its text."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Return the checksum of this text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_migrations(directory: Path = DIRECTORY) -> list[Migration]:
    """Return the files in the order of their numbers."""
    return [
        Migration(path.name, path.read_text(encoding="utf-8"))
        for path in sorted(directory.glob("[0-9]*.sql"))
    ]


def migrate(
    connection: psycopg.Connection,
    *,
    directory: Path = DIRECTORY,
    adopt: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Bring the database up to date and return the names of the files applied.

    `connection` is an administrator's, in autocommit. A file that fails leaves the database as it
    was before that file. `adopt` allows for a database that holds what Zava has not made.

    Raises:
        ForeignDatabase: it holds such things, and `adopt` was not given.
        OtherVersion: files were applied that this version does not have.
        MigrationRefused: an applied file has changed, or this administrator may not alter what
            another one made.
    """
    connection.execute("SET statement_timeout = 0")
    # A session lock: it outlives the transactions below and ends with the connection.
    connection.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
    try:
        # Under the lock: what another migration makes meanwhile would look like another project.
        found = [] if adopt else foreign_contents(connection)
        if found:
            raise ForeignDatabase(connection, found)
        _refuse_strangers(connection)
        connection.execute(_LEDGER)
        applied = list(_apply(connection, read_migrations(directory), report))
        connection.execute(_GRANT_INBOX)
        close_database(connection)
        return applied
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


def close_database(connection: psycopg.Connection) -> None:
    """Let only the owner and the server's login into this database."""
    connection.execute(_CLOSE_DATABASE)


def _refuse_strangers(connection: psycopg.Connection) -> None:
    # Since PostgreSQL 16 one CREATEROLE administrator cannot alter what another one made.
    row = connection.execute(
        """
        SELECT current_user FROM pg_roles
        WHERE rolname = 'zava_owner' AND NOT pg_has_role(current_user, oid, 'SET')
        """
    ).fetchone()
    if row is not None:
        raise MigrationRefused(
            f"{row[0]} cannot act as zava_owner, which another administrator made; "
            "connect as the administrator who migrated first, or as a member of that group"
        )


def _apply(
    connection: psycopg.Connection, migrations: list[Migration], report: Callable[[str], None]
) -> Iterator[str]:
    applied: dict[str, str] = dict(
        connection.execute("SELECT name, checksum FROM zava_migrations.applied")
    )
    unknown = sorted(applied.keys() - {migration.name for migration in migrations})
    if unknown:
        raise OtherVersion(connection, unknown)
    for migration in migrations:
        known = applied.get(migration.name)
        if known is not None and known != migration.checksum:
            raise MigrationRefused(
                f"{migration.name} was applied with another text; "
                "restore the file and write the change as a new migration"
            )
    for migration in migrations:
        if migration.name in applied:
            continue
        report(migration.name)
        with connection.transaction():
            connection.execute(migration.text)
            connection.execute("RESET ROLE")
            connection.execute(
                "INSERT INTO zava_migrations.applied (name, checksum) VALUES (%s, %s)",
                [migration.name, migration.checksum],
            )
        yield migration.name
