"""Refreshes the sums of the sales: for commands that load data, and for `zava refresh`.

An answer is right without it, because readers take what is not refreshed from the facts.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

_CUSTOMERS, _MONTHS = 20_000, 24
_REFRESH = "SELECT zava.refresh_sums(%s, %s)"
_MARK_EVERYTHING = "SELECT zava.mark_everything()"
_HAS_MARKS = (
    "SELECT EXISTS (SELECT FROM zava.day_marks) OR EXISTS (SELECT FROM zava.customer_marks)"
)
_TABLES = ", ".join(
    f"zava.{name}"
    for name in (
        *("day_marks", "customer_marks", "store_days", "product_months"),
        *("customer_totals", "month_customers", "new_customer_days"),
    )
)


def refresh_sums(connection: psycopg.Connection) -> bool:
    """Refresh all sums that are marked, each batch in a transaction of its own.

    `connection` is an administrator's, in autocommit. Returns whether this call refreshed them: a
    second refresh at the same time leaves them to the first one.
    """
    with _as_loader(connection):
        if connection.execute(_HAS_MARKS).fetchone() != (True,):
            return True
        is_left: bool | None = True
        while is_left:
            (is_left,) = connection.execute(_REFRESH, [_CUSTOMERS, _MONTHS]).fetchone() or (None,)
        if is_left is None:
            return False
    # Removed marks would be passed over by each reader.
    connection.execute("SET ROLE zava_owner")
    try:
        connection.execute(f"VACUUM (ANALYZE) {_TABLES}")
    finally:
        connection.execute("RESET ROLE")
    return True


def mark_everything(connection: psycopg.Connection) -> None:
    """Mark all that has orders or sums, so that the next refresh computes all of it anew."""
    with _as_loader(connection):
        connection.execute(_MARK_EVERYTHING)


@contextmanager
def _as_loader(connection: psycopg.Connection) -> Iterator[None]:
    """Act as the loader, without a limit of time."""
    connection.execute("SET statement_timeout = 0")
    connection.execute("SET ROLE zava_loader")
    try:
        yield
    finally:
        # A connection that broke has given both back by itself.
        if not connection.broken:
            connection.execute("RESET ROLE")
            connection.execute("RESET statement_timeout")
