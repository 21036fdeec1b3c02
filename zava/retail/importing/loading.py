"""Checks the staged rows of a run and writes them to the retail tables, in one transaction."""

from collections.abc import Mapping as MappingOf
from typing import Any

import psycopg

from zava.retail.declaration import RETAIL
from zava.retail.importing.layout import LAYOUTS, ImportRefused
from zava.retail.importing.mapping import Mapping
from zava.retail.importing.rejects import Counts, ImportReport, Mode
from zava.retail.importing.sales_loading import SALES, check_rows, load_sales
from zava.retail.importing.staging import Progress
from zava.retail.importing.statements import statement

_CHECKS: MappingOf[str, tuple[str, ...]] = {
    "chain": ("chain described twice", "reporting currency of known rates"),
    "stores": ("store names taken",),
    "exchange_rates": ("rates of the reporting currency", "days of rates twice"),
    "products": ("skus taken",),
    "suppliers": ("supplier names taken",),
    "product_suppliers": (
        "unknown products of product_suppliers",
        "unknown suppliers of product_suppliers",
    ),
    "product_prices": ("unknown products of product_prices", "days of prices twice"),
    "promotions": ("promotion names taken", "promotions that end before they begin"),
    "promotion_products": (
        "unknown promotions of promotion_products",
        "unknown products of promotion_products",
    ),
    "customers": ("unknown stores of customers",),
    "inventory": ("unknown stores of inventory", "unknown products of inventory"),
    "store_targets": ("unknown stores of store_targets", "months of targets twice"),
}
_SHARED = (
    *("chain", "stores", "exchange_rates"),
    *("products", "suppliers", "product_suppliers", "product_prices", "promotions"),
    *("promotion_products", "customers", "inventory", "store_targets"),
)
_ADOPTED = frozenset({"stores", "products", "suppliers", "promotions"})
_NEVER_CHANGED = frozenset({"promotion_products"})  # its key is all it has


def load_staged(
    connection: psycopg.Connection,
    report: ImportReport,
    mapping: Mapping,
    mode: Mode,
    progress: Progress,
) -> None:
    """Reject what cannot be loaded and write the rest; the report gets the counts and notes."""
    values: dict[str, Any] = {"run": report.run_id, "source": mapping.source}
    values |= {"zone": RETAIL.time_zone, "currency": RETAIL.currency}
    if _value(connection, statement("count erased keys")):
        connection.execute(statement("leave out erased customers"), values)
        connection.execute(statement("name erased customers by their pseudonym"), values)
    for layout in LAYOUTS:
        report.counts[layout.name] = Counts(
            staged=_value(connection, f"SELECT count(*) FROM zava_import.{layout.name}")  # noqa: S608  # our own table names
        )
    for number, layout in enumerate(LAYOUTS):
        if layout not in SALES and report.counts[layout.name].staged:
            progress(f"Checking {layout.name}", 0.1 * number / len(LAYOUTS))
            check_rows(connection, layout, _CHECKS[layout.name], values)
    progress("Writing", 0.1)
    _write_shared(connection, report, values, mode)
    if any(report.counts[layout.name].staged for layout in SALES):
        by_store = mapping.time_zone is None
        load_sales(connection, report, values, mode, progress, by_store=by_store)
    for layout in LAYOUTS:
        report.counts[layout.name].rejected = _value(
            connection,
            "SELECT count(DISTINCT (file, row)) FROM zava_import.rejects"
            " WHERE run_id = %(run)s AND table_name = %(table)s",
            values | {"table": layout.name},
        )


def _write_shared(
    connection: psycopg.Connection, report: ImportReport, values: dict[str, Any], mode: Mode
) -> None:
    for table in _SHARED:
        counts = report.counts[table]
        if not counts.staged:
            continue
        if table in _ADOPTED:
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
        if mode != "append" and table not in _NEVER_CHANGED:
            if table == "products":
                connection.execute(statement("keep prices of before"), values)
            counts.changed = connection.execute(statement(f"change {table}"), values).rowcount
        counts.added = connection.execute(statement(f"add {table}"), values).rowcount
        if table == "customers":
            connection.execute(statement("link persons"), values)


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
