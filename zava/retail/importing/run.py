"""One import from its files to the retail tables: all of it is written, or nothing.

The rows are staged in one transaction, then checked and written in a second one. An importer that
was killed leaves the retail tables as they were; the next run of the same files goes on from the
staged rows. One importer runs at a time.
"""

import hashlib
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from zava.retail.declaration import RETAIL
from zava.retail.importing.layout import LAYOUTS, ImportRefused, ImportUnderWay
from zava.retail.importing.loading import load_staged, refuse_rejects
from zava.retail.importing.mapping import Mapping
from zava.retail.importing.rejects import ImportReport, Mode, read_rejects
from zava.retail.importing.staging import Progress, Sources, empty, find_sources, stage
from zava.retail.importing.sums import refresh_sums

# Any constant does; a second importer is refused.
_ADVISORY_LOCK = 7_261_941_211


def run_import(
    connection: psycopg.Connection,
    path: Path | Sequence[Path],
    mapping: Mapping,
    *,
    mode: Mode = "upsert",
    dry_run: bool = False,
    strict: bool = False,
    actor: str = "",
    progress: Progress = lambda _what, _share: None,
) -> ImportReport:
    """Load the files of a directory, one file, or the files given, as the loader role.

    `connection` is an administrator's, in autocommit. A dry run writes all and takes it back, so
    that its counts are those of the run itself. With `strict` one rejected row refuses the import.

    Raises:
        ImportRefused: the files cannot be loaded; the retail tables are as before.
    """
    sources = find_sources(path, mapping)
    with as_only_importer(connection, actor):
        run_id, is_staged = _begin(connection, sources, mapping, mode)
        report = ImportReport(run_id, dry_run, is_staged)
        if not is_staged:
            _stage(connection, sources, mapping, run_id, progress)
        with connection.transaction() as writing:
            set_zone(connection, mapping)
            load_staged(connection, report, mapping, mode, progress)
            report.rejects = read_rejects(connection, run_id, sources.files)
            refuse_rejects(report, mode, strict=strict)
            if dry_run:
                raise psycopg.Rollback(writing)
            finish(connection, report)
        if report.is_dry_run:
            _forget(connection, run_id)
    if not dry_run:
        vacuum(connection, report)
        progress("Refreshing sums", 1.0)
        refresh_sums(connection)
    return report


@contextmanager
def as_only_importer(connection: psycopg.Connection, actor: str) -> Iterator[None]:
    """Act as the loader role, as the only importer; `actor` is named in the change log.

    Raises:
        ImportUnderWay: there is another one.
    """
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK]).fetchone()
    if row != (True,):
        raise ImportUnderWay(
            "another import is under way in this database; let it end, then try again"
        )
    try:
        connection.execute("SET statement_timeout = 0")
        # One session alone, whose joins and sorts hold all keys of a run.
        connection.execute("SET work_mem = '256MB'")
        connection.execute("SET jit = off")
        connection.execute("SELECT set_config('zava.actor', %s, false)", [actor])
        connection.execute("SET ROLE zava_loader")
        yield
    finally:
        # A connection that broke has given all of it back by itself.
        if not connection.broken:
            connection.execute("RESET ROLE")
            connection.execute("RESET work_mem")
            connection.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


def _manifest(sources: Sources, mapping: Mapping, mode: Mode) -> str:
    parts = [mode, mapping.source, mapping.text]
    parts += [f"{print_.name} {print_.sha256}" for print_ in sources.fingerprints]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _begin(
    connection: psycopg.Connection, sources: Sources, mapping: Mapping, mode: Mode
) -> tuple[UUID, bool]:
    """Return the run's id, and whether its rows are staged already."""
    manifest = _manifest(sources, mapping, mode)
    with connection.transaction():
        row = connection.execute(
            "SELECT run_id, staged FROM zava.import_runs WHERE state = 'staged' AND manifest = %s",
            [manifest],
        ).fetchone()
        if row is not None and _is_whole(connection, row[1]):
            return UUID(str(row[0])), True
        connection.execute(
            "WITH gone AS (DELETE FROM zava.import_runs WHERE state <> 'done' RETURNING run_id)"
            " DELETE FROM zava_import.rejects WHERE run_id IN (SELECT run_id FROM gone)"
        )
        files = [
            {"name": print_.name, "sha256": print_.sha256, "size": print_.size}
            for print_ in sources.fingerprints
        ]
        made = connection.execute(
            "INSERT INTO zava.import_runs (source_system, mode, manifest, files)"
            " VALUES (%s, %s, %s, %s) RETURNING run_id",
            [mapping.source, mode, manifest, Jsonb(files)],
        ).fetchone()
    if made is None:
        raise ImportRefused("the run could not be recorded")
    return UUID(str(made[0])), False


def finish(connection: psycopg.Connection, report: ImportReport) -> None:
    """Record the run, with one row of the change log, and remove what was staged."""
    counts = {name: asdict(counts) for name, counts in report.counts.items()}
    connection.execute(
        "UPDATE zava.import_runs SET state = 'done', result = %s, finished_at = clock_timestamp()"
        " WHERE run_id = %s",
        [Jsonb(counts), report.run_id],
    )
    empty(connection)


def _forget(connection: psycopg.Connection, run_id: UUID) -> None:
    with connection.transaction():
        empty(connection)
        connection.execute("DELETE FROM zava_import.rejects WHERE run_id = %s", [run_id])
        connection.execute("DELETE FROM zava.import_runs WHERE run_id = %s", [run_id])


def _is_whole(connection: psycopg.Connection, staged: MappingOf[str, int]) -> bool:
    # The server's crash empties the staging tables and leaves the run's record.
    return all(
        _value(connection, f"SELECT count(*) FROM zava_import.{layout.name}")  # noqa: S608  # our own table names
        == staged.get(layout.name, 0)  # a version before may have had fewer tables
        for layout in LAYOUTS
    )


def _stage(
    connection: psycopg.Connection,
    sources: Sources,
    mapping: Mapping,
    run_id: UUID,
    progress: Progress,
) -> None:
    with connection.transaction():
        counts = stage(connection, sources, mapping, run_id, progress)
        connection.execute(
            "UPDATE zava.import_runs SET state = 'staged', staged = %s WHERE run_id = %s",
            [Jsonb(counts), run_id],
        )
    # Of the columns by which rows are joined: of all of them it takes as long as a check.
    for layout in LAYOUTS:
        if counts[layout.name]:
            keys = ", ".join(("file", "row", *layout.key))
            connection.execute(f"ANALYZE zava_import.{layout.name} ({keys})")


def set_zone(connection: psycopg.Connection, mapping: Mapping) -> None:
    """Read moments without a zone in the mapping's or the chain's, until the transaction ends.

    Raises:
        ImportRefused: the server does not have that zone.
    """
    try:
        with connection.transaction():
            connection.execute(
                "SELECT set_config('TimeZone',"
                " coalesce(%s, (SELECT c.time_zone FROM retail.chain AS c), %s), true)",
                [mapping.time_zone, RETAIL.time_zone],
            )
    except psycopg.errors.InvalidParameterValue:
        raise ImportRefused(
            f"time_zone: {mapping.time_zone} is unknown; America/New_York is one"
        ) from None


def vacuum(connection: psycopg.Connection, report: ImportReport) -> None:
    """Vacuum and count the tables that were written."""
    # VACUUM runs in no transaction; without it index-only scans look into the heap all the same.
    connection.execute("SET ROLE zava_owner")
    try:
        for name, counts in report.counts.items():
            if counts.written:
                connection.execute(f"VACUUM (ANALYZE) retail.{name}")
    finally:
        connection.execute("RESET ROLE")


def _value(connection: psycopg.Connection, query: str, values: dict[str, Any] | None = None) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
