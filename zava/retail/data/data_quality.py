"""Report how fresh and how whole the data are: by store, by import, by rule that rows broke."""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.types.json import Jsonb

from zava.retail.importing.statements import statement
from zava.sql_files import SQL

DAYS = 90
"""How many days back gaps and totals are looked at."""


@dataclass(frozen=True, slots=True)
class StoreData:
    """The orders of a store; `gaps` are days without one, `differing` those unlike their lines.

    `recent` counts those of the last 14 days, the newest day of all stores last.
    """

    store: str
    orders: int
    first_day: date | None
    last_day: date | None
    gaps: int
    differing: int
    recent: list[int] | None


@dataclass(frozen=True, slots=True)
class Run:
    """An import that ended; `written` counts added, changed and removed rows."""

    finished_at: datetime
    source: str
    mode: str
    files: str | None
    written: int | None
    rejected: int | None


@dataclass(frozen=True, slots=True)
class Broken:
    """How many rows of the last import broke a rule."""

    table: str
    column: str | None
    rule: str
    rows: int


@dataclass(frozen=True, slots=True)
class DataReport:
    """Stores by name, the last imports first, and the rules that the last one's rows broke."""

    stores: list[StoreData]
    runs: list[Run]
    broken: list[Broken]


def read_quality(connection: psycopg.Connection, *, days: int = DAYS) -> DataReport:
    """Read the report as the loader role; `connection` is an administrator's."""
    with connection.transaction():
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL ROLE zava_loader")
        of_stores = (SQL / "quality" / "stores.sql").read_bytes()
        stores = psycopg.RawCursor(connection).execute(of_stores, [Jsonb({"days": days})])
        return DataReport(
            [StoreData(*row) for row in stores],
            [Run(*row) for row in connection.execute(statement("runs"))],
            [Broken(*row) for row in connection.execute(statement("rejected by rule"))],
        )
