"""Erase or export what is stored of a customer."""

import re
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from zava.retail.importing.layout import ImportRefused
from zava.retail.importing.run import as_only_importer
from zava.retail.importing.staging import empty
from zava.retail.importing.statements import statement

By = Literal["id", "email", "key"]
_REMOVALS = (
    *("remove from inbox_customers", "replace keys in inbox_orders", "remove keys in inbox_orders"),
    *("remove from rejects", "replace keys", "erase customers", "remove persons"),
)
# An address inside a longer one is another person's.
_ADDRESS = r"(?<![[:alnum:]._%+-]){}(?![[:alnum:]-]|\.[[:alnum:]])"
# What a question of the console may name a customer by: e-mail address, phone number, full name.
_NAMING = """
SELECT lower(email), lower(phone), lower(first_name || ' ' || last_name)
FROM retail.customers WHERE customer_id = ANY (%s)
"""
_LEAST_NAMING = 6  # a shorter number, name or key is that of many


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    """A customer's row at one store, and how many orders refer to it."""

    customer_id: UUID
    store: str
    orders: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """The rows of a customer, and how much was removed from where."""

    found: list[FoundCustomer]
    removed: dict[str, int]


def find_customers(connection: psycopg.Connection, by: By, value: str) -> list[FoundCustomer]:
    """Return the rows of a customer at all stores, by id, e-mail address or source key.

    Raises:
        ImportRefused: no customer is found, or the id is no UUID.
    """
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_loader")
        return _found(connection, by, value)


def erase_customer(
    connection: psycopg.Connection, by: By, value: str, *, actor: str, dry_run: bool = False
) -> Erasure:
    """Erase a customer everywhere in the database.

    Orders keep referring to the row, which is a pseudonym from then on, so figures stay as they
    were. A customer whose rows were all rejected is found, too. What was staged and not loaded is
    removed as a whole. So are the questions that people keep in the console and that name the
    customer. A dry run takes all of it back. `connection` is an administrator's, in autocommit.

    Raises:
        ImportRefused: no row holds the customer, or an import is under way.
    """
    with as_only_importer(connection, actor):
        with connection.transaction() as writing:
            found = _rows_of(connection, by, value)
            values = _values(connection, found, by, value)
            naming = _naming(connection, values["ids"], value)
            removed = {
                name: connection.execute(statement(name), values).rowcount for name in _REMOVALS
            }
            removed["remove from kept questions"] = _forget_questions(connection, naming)
            if not found and not any(removed.values()):
                raise _unknown(by)
            if dry_run:
                raise psycopg.Rollback(writing)
            empty(connection)
            connection.execute("DELETE FROM zava.import_runs WHERE state <> 'done'")
            _forget_statistics(connection)
            connection.execute(
                "INSERT INTO zava.erasures (customer_ids, found_by, removed) VALUES (%s, %s, %s)",
                [values["ids"], by, Jsonb(removed)],
            )
        if not dry_run:
            _vacuum(connection)
    return Erasure(found, removed)


def _values(
    connection: psycopg.Connection, found: list[FoundCustomer], by: By, value: str
) -> dict[str, Any]:
    """Return what the statements of an erasure look for."""
    ids = [one.customer_id for one in found]
    emails = connection.execute(
        "SELECT lower(email) FROM retail.customers"
        " WHERE customer_id = ANY (%s) AND email IS NOT NULL",
        [ids],
    ).fetchall()
    persons = connection.execute(
        "SELECT person_id FROM retail.customer_persons WHERE customer_id = ANY (%s)", [ids]
    ).fetchall()
    addresses = {row[0] for row in emails} | ({value.strip().lower()} if by == "email" else set())
    return {
        "ids": ids,
        "patterns": [_ADDRESS.format(re.escape(address)) for address in sorted(addresses)],
        "persons": [row[0] for row in persons],
        "key": value.strip() if by == "key" else None,
    }


def _naming(connection: psycopg.Connection, ids: list[UUID], value: str) -> list[str]:
    """Return the texts by which a question of the console names a customer."""
    rows = connection.execute(_NAMING, [ids]).fetchall()
    texts = {text for row in rows for text in row if text} | {*map(str, ids), value.strip().lower()}
    return sorted(text for text in texts if len(text) >= _LEAST_NAMING)


def _forget_statistics(connection: psycopg.Connection) -> None:
    """Replace what the planner sampled of staged keys: an empty table keeps its statistics."""
    for table in ("zava_import.customers", "zava_import.orders"):
        connection.execute(f"INSERT INTO {table} (file, row) VALUES (0, 0)")  # noqa: S608  # our own table names
        connection.execute(f"ANALYZE {table}")
        connection.execute(f"TRUNCATE {table}")


def _vacuum(connection: psycopg.Connection) -> None:
    """Remove the old versions of rows: an updated row keeps its text until it is vacuumed."""
    connection.execute(
        "VACUUM zava_import.rejects, zava_import.inbox_customers, zava_import.inbox_orders"
    )
    connection.execute("SET ROLE zava_context")
    connection.execute("VACUUM zava.kept_questions")
    connection.execute("SET ROLE zava_owner")
    connection.execute(
        "VACUUM retail.customers, retail.customer_persons, zava_import.customer_keys"
    )


def export_customer(connection: psycopg.Connection, by: By, value: str) -> list[dict[str, Any]]:
    """Return what is stored of a customer, one object for each store.

    Raises:
        ImportRefused: there is no such customer.
    """
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_loader")
        ids = [one.customer_id for one in _found(connection, by, value)]
        rows = connection.execute(statement("export customers"), {"ids": ids}).fetchall()
    return [row[0] for row in rows]


def _forget_questions(connection: psycopg.Connection, naming: list[str]) -> int:
    connection.execute("SET LOCAL ROLE zava_context")
    row = connection.execute("SELECT zava.forget_questions(%s, false)", [naming]).fetchone()
    connection.execute("SET LOCAL ROLE zava_loader")
    return int(row[0]) if row else 0


def _found(connection: psycopg.Connection, by: By, value: str) -> list[FoundCustomer]:
    found = _rows_of(connection, by, value)
    if not found:
        raise _unknown(by)
    return found


def _rows_of(connection: psycopg.Connection, by: By, value: str) -> list[FoundCustomer]:
    given: dict[str, Any] = {"id": None, "email": None, "key": None} | {by: value.strip()}
    if by == "id":
        try:
            given["id"] = UUID(value)
        except ValueError:
            raise ImportRefused(f"--id: {value} is no UUID") from None
    rows = connection.execute(statement("find customers"), given).fetchall()
    return [FoundCustomer(customer_id, store, orders) for _, customer_id, store, orders in rows]


def _unknown(by: By) -> ImportRefused:
    return ImportRefused(f"--{by}: no customer has it")
