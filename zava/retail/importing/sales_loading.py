"""Checks the staged orders and lines of a run and writes them to the retail tables.

The import looks each order up once and computes the figures of each line once. All later checks
and writes read that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from zava.retail.importing.layout import BY_NAME, Layout
from zava.retail.importing.rejects import ImportReport, Mode
from zava.retail.importing.staging import Progress
from zava.retail.importing.statements import (
    cell_checks,
    duplicate_check,
    remove_rejected,
    statement,
)

# The transition tables of a statement's triggers are kept on disk, which a server may bound.
_ORDERS_OF_A_PORTION = 100_000
# The join of so many lines with their orders stays in memory.
_LINES_OF_A_SHARE = 2_500_000
_HASHES = 1024
_ORDERS, _LINES = SALES = BY_NAME["orders"], BY_NAME["order_items"]


@dataclass(frozen=True, slots=True)
class _Totals:
    """What the lines make of the orders of a run."""

    orders: int
    with_lines: int
    differing: int
    difference: Any
    first_differing: str | None
    known: int
    too_large: int
    repeating: int
    """Orders of which a line may be there twice."""


def check_rows(
    connection: psycopg.Connection,
    layout: Layout,
    checks: Sequence[str],
    values: dict[str, Any],
    *,
    are_unique: bool = False,
) -> None:
    """Reject the staged rows of a table that break a rule of their own, or one of `checks`.

    With `are_unique` the keys are compared elsewhere.
    """
    # What a ragged row lacks would be reported a second time as missing.
    connection.execute(remove_rejected(layout), values)
    connection.execute(cell_checks(layout), values)
    connection.execute(remove_rejected(layout), values)
    if not are_unique:
        connection.execute(duplicate_check(layout), values)
        connection.execute(remove_rejected(layout), values)
    for check in checks:
        connection.execute(statement(check), values)
    connection.execute(remove_rejected(layout), values)


def load_sales(
    connection: psycopg.Connection,
    report: ImportReport,
    values: dict[str, Any],
    mode: Mode,
    progress: Progress,
    *,
    by_store: bool,
) -> None:
    """Reject orders and lines that cannot be loaded and write the rest.

    Stores, products and customers of the run are written already. With `by_store` moments without
    a zone are in that of their store.
    """
    progress("Checking orders", 0.1)
    check_rows(connection, _ORDERS, ["unknown stores of orders"], values)
    progress("Resolving orders", 0.15)
    # Where all stores have the session's zone, it is read without them.
    by_store = by_store and _value(connection, statement("has another zone"))
    connection.execute(statement("resolve orders", by_store=by_store), values)
    connection.execute("ANALYZE zava_import.resolved_orders (number, of_order, of_store)")
    connection.execute(statement("unknown customers of orders"), values)
    connection.execute(statement("orders without a rate"), values)
    _remove_rejected_sales(connection, _ORDERS, values)
    progress("Checking order_items", 0.2)
    checks = ["lines without a number among others"]
    check_rows(connection, _LINES, checks, values, are_unique=True)
    progress("Resolving lines", 0.3)
    _resolve_lines(connection, report.counts[_LINES.name].staged, values)
    connection.execute(statement("lines that cannot be loaded"), values)
    _remove_rejected_sales(connection, _LINES, values)
    totals = _reject_halves(connection, values)
    if not totals.orders:
        return
    _note_totals(connection, report, totals, values)
    if mode == "append":
        connection.execute(statement("leave known orders"), values)
    _write_sales(connection, report, values, progress, has_known=bool(totals.known))
    if mode == "replace-period":
        _remove_replaced(connection, report, values)
    connection.execute(statement("date openings"), values)


def _resolve_lines(connection: psycopg.Connection, staged: int, values: dict[str, Any]) -> None:
    has_numbers = _value(
        connection,
        "SELECT EXISTS (SELECT FROM zava_import.order_items WHERE line_number IS NOT NULL)",
    )
    shares = min(1 + staged // _LINES_OF_A_SHARE, _HASHES)
    for share in range(shares):
        connection.execute(
            statement("resolve lines", has_numbers=bool(has_numbers)),
            values
            | {
                "shares": shares,
                "from": _HASHES * share // shares,
                "to": _HASHES * (share + 1) // shares - 1,
            },
        )
    connection.execute("ANALYZE zava_import.resolved_lines (number, of_order)")


def _reject_halves(connection: psycopg.Connection, values: dict[str, Any]) -> _Totals:
    """Reject what would be half an order; return the totals of the orders that are left."""
    totals = _read_totals(connection)
    # What an order's lines make shows it at once: of all keys it takes as long as a write.
    if totals.repeating:
        connection.execute(duplicate_check(_LINES), values)
        _remove_rejected_sales(connection, _LINES, values)
    is_rejected = _value(
        connection,
        "SELECT EXISTS (SELECT FROM zava_import.rejects WHERE run_id = %(run)s"
        " AND table_name IN ('orders', 'order_items'))",
        values,
    )
    if totals.with_lines == totals.orders and not totals.too_large and not is_rejected:
        return totals
    for check, layout in (
        ("orders with a rejected line", _ORDERS),
        ("orders without a line", _ORDERS),
        ("orders whose total is too large", _ORDERS),
        ("lines of rejected orders", _LINES),
    ):
        connection.execute(statement(check), values)
        _remove_rejected_sales(connection, layout, values)
    return _read_totals(connection)


def _remove_rejected_sales(
    connection: psycopg.Connection, layout: Layout, values: dict[str, Any]
) -> None:
    resolved = "resolved_orders" if layout is _ORDERS else "resolved_lines"
    connection.execute(remove_rejected(layout), values)
    connection.execute(remove_rejected(layout, resolved), values)


def _read_totals(connection: psycopg.Connection) -> _Totals:
    row = connection.execute(statement("totals")).fetchone()
    return _Totals(*(row or ()))


def _note_totals(
    connection: psycopg.Connection, report: ImportReport, totals: _Totals, values: dict[str, Any]
) -> None:
    if totals.differing:
        report.notes.append(
            f"{totals.differing:,} orders have another total_amount than the sum of their lines, by"
            f" {totals.difference:,} together (the first is {totals.first_differing}). Revenue is"
            " the sum of the lines."
        )
    for source, count in connection.execute(statement("orders of other sources"), values):
        report.notes.append(
            f"{count:,} orders of {source} are in the same stores and period. If they are the same"
            " sales, revenue counts them twice."
        )


def _write_sales(
    connection: psycopg.Connection,
    report: ImportReport,
    values: dict[str, Any],
    progress: Progress,
    *,
    has_known: bool,
) -> None:
    orders, lines = report.counts[_ORDERS.name], report.counts[_LINES.name]
    # A statement that sets `order_date` takes back how far orders were stated to be loaded.
    is_moved = has_known and _value(connection, statement("is an order moved"))
    after, written = -1, 0
    while True:
        progress("Writing orders", min(0.5 + 0.5 * written / max(orders.staged, 1), 1.0))
        portion = values | {"after": after, "orders": _ORDERS_OF_A_PORTION}
        portion["upto"] = _value(connection, statement("end of portion"), portion)
        if portion["upto"] is None:
            return

        def write(name: str, portion: dict[str, Any] = portion) -> int:
            return connection.execute(statement(name), portion).rowcount

        if has_known:
            orders.changed += write("change orders")
            if is_moved:
                write("move orders")
            lines.removed += write("remove lines")
            lines.changed += write("change lines")
            lines.added += write("add lines to known orders")
        orders.added += write("add orders")
        write("add keys of orders")
        lines.added += write("add lines")
        after, written = portion["upto"], written + _ORDERS_OF_A_PORTION


def _remove_replaced(
    connection: psycopg.Connection, report: ImportReport, values: dict[str, Any]
) -> None:
    orders, lines = report.counts[_ORDERS.name], report.counts[_LINES.name]
    for store, since, until in connection.execute(statement("periods"), values).fetchall():
        period = values | {"store": store, "since": since, "until": until}
        lines.removed += connection.execute(
            statement("remove lines of replaced orders"), period
        ).rowcount
        orders.removed += connection.execute(statement("remove replaced orders"), period).rowcount


def _value(connection: psycopg.Connection, query: str, values: dict[str, Any] | None = None) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
