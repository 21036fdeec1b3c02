"""The inbox: rows that other tools write with a login that loads and does not read."""

import secrets
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from zava.retail.importing.layout import LAYOUTS, ImportRefused
from zava.retail.importing.loading import load_staged, refuse_rejects
from zava.retail.importing.mapping import Mapping
from zava.retail.importing.rejects import ImportReport, Mode, read_rejects
from zava.retail.importing.run import as_only_importer, finish, set_zone, vacuum
from zava.retail.importing.staging import Progress, empty
from zava.retail.importing.sums import refresh_sums

INBOX = Path("inbox")
_PASSWORD_BYTES = 24


def make_import_login(connection: psycopg.Connection, name: str) -> str:
    """Make a role that may write to the inbox and nothing else; return its password.

    `connection` is an administrator's, in autocommit. An existing role of this name is refused.

    Raises:
        ImportRefused: there is such a role already, or the name begins like one of the product's.
    """
    if name.startswith(("zava_", "pg_")):
        raise ImportRefused(f"{name}: names of this beginning are taken; choose another one")
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    # The server gets a verifier, so that no log of statements holds the password.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    role = sql.Identifier(name)
    try:
        with connection.transaction():
            connection.execute(
                sql.SQL(
                    "CREATE ROLE {} LOGIN NOINHERIT NOCREATEDB NOCREATEROLE PASSWORD {}"
                ).format(role, sql.Literal(verifier))
            )
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(connection.info.dbname), role
                )
            )
            connection.execute("SET LOCAL ROLE zava_loader")
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA zava_import TO {}").format(role))
            for layout in LAYOUTS:
                connection.execute(
                    sql.SQL("GRANT INSERT ({}) ON {} TO {}").format(
                        sql.SQL(", ").join(map(sql.Identifier, layout.columns)),
                        sql.Identifier("zava_import", f"inbox_{layout.name}"),
                        role,
                    )
                )
    except psycopg.errors.DuplicateObject:
        raise ImportRefused(f"{name}: there is a role of this name already") from None
    return password


def run_inbox(
    connection: psycopg.Connection,
    mapping: Mapping,
    *,
    mode: Mode = "upsert",
    dry_run: bool = False,
    strict: bool = False,
    actor: str = "",
    progress: Progress = lambda _what, _share: None,
) -> ImportReport:
    """Load what lies in the inbox, all of it in one transaction.

    Rows that arrive meanwhile stay for the next run. A run that fails leaves the inbox as it was.

    Raises:
        ImportRefused: another import is under way, or rejected rows are not allowed for.
    """
    with as_only_importer(connection, actor), connection.transaction() as writing:
        row = connection.execute(
            "INSERT INTO zava.import_runs (source_system, mode, manifest, files)"
            " VALUES (%s, %s, 'inbox', %s) RETURNING run_id",
            [mapping.source, mode, Jsonb([{"name": str(INBOX)}])],
        ).fetchone()
        if row is None:
            raise ImportRefused("the run could not be recorded")
        report = ImportReport(row[0], dry_run, was_resumed=False)
        empty(connection)
        _take(connection)
        set_zone(connection, mapping)
        load_staged(connection, report, mapping, mode, progress)
        report.rejects = read_rejects(connection, report.run_id, [INBOX])
        refuse_rejects(report, mode, strict=strict)
        if dry_run:
            raise psycopg.Rollback(writing)
        finish(connection, report)
    if not dry_run:
        vacuum(connection, report)
        progress("Refreshing sums", 1.0)
        refresh_sums(connection)
    return report


def _take(connection: psycopg.Connection) -> None:
    for layout in LAYOUTS:
        columns = sql.SQL(", ").join(map(sql.Identifier, layout.columns))
        connection.execute(
            sql.SQL(
                "WITH taken AS (DELETE FROM {} RETURNING id, {})"
                " INSERT INTO {} (file, row, {}) SELECT 0, id, {} FROM taken"
            ).format(
                sql.Identifier("zava_import", f"inbox_{layout.name}"),
                columns,
                sql.Identifier("zava_import", layout.name),
                columns,
                columns,
            )
        )
