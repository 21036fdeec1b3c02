"""One import from its files to the retail tables: all of it is written, or nothing.

The rows are staged in one transaction, then checked and written in a second one. An importer that
was killed leaves the retail tables as they were; the next run of the same files goes on from the
staged rows. One importer runs at a time.
"""

import hashlib
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from zava.infrastructure.importing.layout import LAYOUTS, ImportRefused
from zava.infrastructure.importing.mapping import Mapping
from zava.infrastructure.importing.rejects import Reject, read_rejects
from zava.infrastructure.importing.staging import Progress, Sources, empty, find_sources, stage
from zava.infrastructure.importing.statements import (
    cell_checks,
    duplicate_check,
    remove_rejected,
    statement,
)

Mode = Literal["append", "upsert", "replace-period"]
MODES: tuple[Mode, ...] = ("append", "upsert", "replace-period")

# Any constant does; a second importer is refused.
_ADVISORY_LOCK = 7_261_941_211
# The transition tables of a statement's triggers are kept on disk, which a server may bound.
_ORDERS_OF_A_PORTION = 100_000

_CHECKS: MappingOf[str, tuple[str, ...]] = {
    "stores": ("store names taken",),
    "products": ("skus taken",),
    "customers": ("unknown stores of customers",),
    "inventory": ("unknown stores of inventory", "unknown products of inventory"),
    "orders": ("unknown stores of orders", "unknown customers of orders"),
    "order_items": (
        "unknown orders of lines",
        "unknown products of lines",
        "lines without a number among others",
    ),
}
_SHARED = ("stores", "products", "customers", "inventory")


@dataclass(slots=True)
class Counts:
    """What happened to the rows of one table."""

    staged: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    rejected: int = 0

    @property
    def written(self) -> int:
        """Return how many rows of the table are another than before."""
        return self.added + self.changed + self.removed


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do; `notes` are sentences for a person."""

    run_id: UUID
    is_dry_run: bool
    was_resumed: bool
    counts: dict[str, Counts] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """Return how many rows were not loaded."""
        return sum(counts.rejected for counts in self.counts.values())


def run_import(
    connection: psycopg.Connection,
    path: Path,
    mapping: Mapping,
    *,
    mode: Mode = "upsert",
    dry_run: bool = False,
    strict: bool = False,
    actor: str = "",
    progress: Progress = lambda _what, _share: None,
) -> ImportReport:
    """Load the files of a directory, or one file, as the loader role.

    `connection` is an administrator's, in autocommit. A dry run writes all and takes it back, so
    that its counts are those of the run itself. With `strict` one rejected row refuses the import.

    Raises:
        ImportRefused: the files cannot be loaded; the retail tables are as before.
    """
    sources = find_sources(path, mapping)
    with _as_only_importer(connection):
        connection.execute("SELECT set_config('zava.actor', %s, false)", [actor])
        run_id, is_staged = _begin(connection, sources, mapping, mode)
        report = ImportReport(run_id, dry_run, is_staged)
        if not is_staged:
            _stage(connection, sources, mapping, run_id, progress)
        with connection.transaction() as writing:
            _set_zone(connection, mapping)
            _load(connection, report, mapping.source, mode, progress)
            report.rejects = read_rejects(connection, run_id, sources.files)
            _refuse_rejects(report, mode, strict=strict)
            if dry_run:
                raise psycopg.Rollback(writing)
            _finish(connection, report)
        if report.is_dry_run:
            _forget(connection, run_id)
    if not dry_run and any(counts.written for counts in report.counts.values()):
        progress("Counting for the planner", 1.0)
        _vacuum(connection, report)
    return report


@contextmanager
def _as_only_importer(connection: psycopg.Connection) -> Iterator[None]:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK]).fetchone()
    if row != (True,):
        raise ImportRefused(
            "another import is under way in this database; let it end, then try again"
        )
    try:
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET work_mem = '64MB'")
        connection.execute("SET jit = off")
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


def _finish(connection: psycopg.Connection, report: ImportReport) -> None:
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
        == staged[layout.name]
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
    connection.execute("ANALYZE " + ", ".join(f"zava_import.{layout.name}" for layout in LAYOUTS))


def _set_zone(connection: psycopg.Connection, mapping: Mapping) -> None:
    try:
        with connection.transaction():
            connection.execute("SELECT set_config('TimeZone', %s, true)", [mapping.time_zone])
    except psycopg.errors.InvalidParameterValue:
        raise ImportRefused(
            f"time_zone: {mapping.time_zone} is unknown; America/New_York is one"
        ) from None


def _load(
    connection: psycopg.Connection,
    report: ImportReport,
    source: str,
    mode: Mode,
    progress: Progress,
) -> None:
    values: dict[str, Any] = {"run": report.run_id, "source": source}
    for number, layout in enumerate(LAYOUTS):
        progress(f"Checking {layout.name}", 0.3 * number / len(LAYOUTS))
        counts = report.counts[layout.name] = Counts(
            staged=_value(connection, f"SELECT count(*) FROM zava_import.{layout.name}")  # noqa: S608  # our own table names
        )
        if not counts.staged:
            continue
        # What a ragged row lacks would be reported a second time as missing.
        connection.execute(remove_rejected(layout), values)
        connection.execute(cell_checks(layout), values)
        connection.execute(remove_rejected(layout), values)
        connection.execute(duplicate_check(layout), values)
        connection.execute(remove_rejected(layout), values)
        for check in _CHECKS[layout.name]:
            connection.execute(statement(check), values)
        connection.execute(remove_rejected(layout), values)
    _check_orders(connection, values)
    for layout in LAYOUTS:
        report.counts[layout.name].rejected = _value(
            connection,
            "SELECT count(DISTINCT (file, row)) FROM zava_import.rejects"
            " WHERE run_id = %(run)s AND table_name = %(table)s",
            values | {"table": layout.name},
        )
    progress("Writing", 0.3)
    _write_shared(connection, report, values, mode)
    if report.counts["orders"].staged:
        _write_orders(connection, report, values, mode, progress)


def _check_orders(connection: psycopg.Connection, values: dict[str, Any]) -> None:
    orders, lines = LAYOUTS[-2:]
    has_numbers = _has_numbers(connection)
    connection.execute(
        statement("lines whose total does not follow", has_numbers=has_numbers), values
    )
    connection.execute(remove_rejected(lines), values)
    for check, layout in (
        ("orders with a rejected line", orders),
        ("orders without a line", orders),
        ("lines of rejected orders", lines),
    ):
        connection.execute(statement(check), values)
        connection.execute(remove_rejected(layout), values)


def _has_numbers(connection: psycopg.Connection) -> bool:
    return bool(
        _value(
            connection,
            "SELECT EXISTS (SELECT FROM zava_import.order_items WHERE line_number IS NOT NULL)",
        )
    )


def _write_shared(
    connection: psycopg.Connection, report: ImportReport, values: dict[str, Any], mode: Mode
) -> None:
    for table in _SHARED:
        counts = report.counts[table]
        if not counts.staged:
            continue
        if table in {"stores", "products"}:
            connection.execute(statement(f"adopt {table}"), values)
        if table == "products":
            connection.execute(statement("add categories"), values)
            connection.execute(statement("add product types"), values)
        if table == "customers":
            repeated = connection.execute(
                statement("leave out repeated addresses"), values
            ).rowcount
            if repeated:
                report.notes.append(
                    f"{repeated:,} customers have the e-mail address of another customer of their"
                    " store; it is kept at the other one."
                )
        if mode != "append":
            counts.changed = connection.execute(statement(f"change {table}"), values).rowcount
        counts.added = connection.execute(statement(f"add {table}"), values).rowcount


def _write_orders(
    connection: psycopg.Connection,
    report: ImportReport,
    values: dict[str, Any],
    mode: Mode,
    progress: Progress,
) -> None:
    has_numbers = _has_numbers(connection)
    progress("Resolving orders", 0.35)
    connection.execute(statement("resolve orders", has_numbers=has_numbers), values)
    connection.execute("ANALYZE zava_import.resolved_orders")
    _note_totals(connection, report, values)
    if mode == "append":
        connection.execute(statement("leave known orders"), values)
    progress("Resolving lines", 0.45)
    connection.execute(statement("resolve lines", has_numbers=has_numbers), values)
    connection.execute("ANALYZE zava_import.resolved_lines")
    orders, lines = report.counts["orders"], report.counts["order_items"]
    last = _value(connection, "SELECT coalesce(max(number), 0) FROM zava_import.resolved_orders")
    for first in range(1, last + 1, _ORDERS_OF_A_PORTION):
        progress("Writing orders", 0.5 + 0.5 * first / last)
        portion = values | {"first": first, "last": first + _ORDERS_OF_A_PORTION - 1}

        def write(name: str, portion: dict[str, Any] = portion) -> int:
            return connection.execute(statement(name), portion).rowcount

        orders.changed += write("change orders")
        lines.removed += write("remove lines")
        lines.changed += write("change lines")
        lines.added += write("add lines to known orders")
        orders.added += write("add orders")
        write("add keys of orders")
        lines.added += write("add lines")
    if mode == "replace-period":
        for store, since, until in connection.execute(statement("periods"), values).fetchall():
            period = values | {"store": store, "since": since, "until": until}
            lines.removed += connection.execute(
                statement("remove lines of replaced orders"), period
            ).rowcount
            orders.removed += connection.execute(
                statement("remove replaced orders"), period
            ).rowcount
    connection.execute(statement("date openings"), values)


def _note_totals(
    connection: psycopg.Connection, report: ImportReport, values: dict[str, Any]
) -> None:
    row = connection.execute(statement("differences"), values).fetchone()
    if row and row[0]:
        report.notes.append(
            f"{row[0]:,} orders have another total_amount than the sum of their lines, by"
            f" {row[1]:,} together (the first is {row[2]}). Revenue is the sum of the lines."
        )
    for source, count in connection.execute(statement("orders of other sources"), values):
        report.notes.append(
            f"{count:,} orders of {source} are in the same stores and period. If they are the same"
            " sales, revenue counts them twice."
        )


def _vacuum(connection: psycopg.Connection, report: ImportReport) -> None:
    # VACUUM runs in no transaction; without it index-only scans look into the heap all the same.
    connection.execute("SET ROLE zava_owner")
    try:
        for name, counts in report.counts.items():
            if counts.written:
                connection.execute(f"VACUUM (ANALYZE) retail.{name}")
    finally:
        connection.execute("RESET ROLE")


def _refuse_rejects(report: ImportReport, mode: Mode, *, strict: bool) -> None:
    # A sale that is rejected would be removed with the period that the files replace.
    if report.rejected and (strict or mode == "replace-period"):
        raise ImportRefused(
            f"{report.rejected:,} rows are rejected and nothing was loaded;"
            f" the first: {report.rejects[0]}"
        )


def _value(connection: psycopg.Connection, query: str, values: dict[str, Any] | None = None) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
