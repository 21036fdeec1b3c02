"""Checks the staged rows of a run and writes them to the retail tables, in one transaction."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import psycopg

from zava.infrastructure.importing.layout import LAYOUTS, ImportRefused
from zava.infrastructure.importing.rejects import Reject
from zava.infrastructure.importing.staging import Progress
from zava.infrastructure.importing.statements import (
    cell_checks,
    duplicate_check,
    remove_rejected,
    statement,
)

Mode = Literal["append", "upsert", "replace-period"]
MODES: tuple[Mode, ...] = ("append", "upsert", "replace-period")

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


def load_staged(
    connection: psycopg.Connection,
    report: ImportReport,
    source: str,
    mode: Mode,
    progress: Progress,
) -> None:
    """Reject what cannot be loaded and write the rest; the report gets the counts and notes."""
    values: dict[str, Any] = {"run": report.run_id, "source": source}
    if _value(connection, statement("count erased keys")):
        connection.execute(statement("leave out erased customers"), values)
        connection.execute(statement("name erased customers by their pseudonym"), values)
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
    # A statement that sets `order_date` takes back how far orders were stated to be loaded.
    is_moved = _value(connection, statement("is an order moved"))
    last = _value(connection, "SELECT coalesce(max(number), 0) FROM zava_import.resolved_orders")
    for first in range(1, last + 1, _ORDERS_OF_A_PORTION):
        progress("Writing orders", 0.5 + 0.5 * first / last)
        portion = values | {"first": first, "last": first + _ORDERS_OF_A_PORTION - 1}

        def write(name: str, portion: dict[str, Any] = portion) -> int:
            return connection.execute(statement(name), portion).rowcount

        orders.changed += write("change orders")
        if is_moved:
            write("move orders")
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


def refuse_rejects(report: ImportReport, mode: Mode, *, strict: bool) -> None:
    """Refuse an import with rejected rows where the mode or the caller does not allow for them.

    Raises:
        ImportRefused: there are some; the message names the first one.
    """
    # A sale that is rejected would be removed with the period that the files replace.
    if report.rejected and (strict or mode == "replace-period"):
        raise ImportRefused(
            f"{report.rejected:,} rows are rejected and nothing was loaded;"
            f" the first: {report.rejects[0]}"
        )


def _value(connection: psycopg.Connection, query: str, values: dict[str, Any] | None = None) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
