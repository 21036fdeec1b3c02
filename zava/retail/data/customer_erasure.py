"""Erase or export what is stored of a customer."""

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
    *("remove from inbox_customers", "replace keys in inbox_orders", "remove from rejects"),
    *("replace keys", "erase customers", "remove persons"),
)
# What a question of the console may name a customer by: e-mail address, phone number, full name.
_NAMING = """
SELECT lower(email), lower(phone), lower(first_name || ' ' || last_name)
FROM retail.customers WHERE customer_id = ANY (%s)
"""
_LEAST_NAMING = 6  # a shorter number or name is that of many


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    """A customer's row at one store, and how many orders refer to it."""

    customer_id: UUID
    store: str
    orders: int


def find_customers(connection: psycopg.Connection, by: By, value: str) -> list[FoundCustomer]:
    """Return the rows of a customer at all stores, by id, e-mail address or source key.

    Raises:
        ImportRefused: no customer is found, or the id is no UUID.
    """
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_loader")
        return _found(connection, by, value)


def erase_customer(
    connection: psycopg.Connection, by: By, value: str, *, actor: str
) -> dict[str, int]:
    """Erase a customer everywhere in the database; return how much was removed from where.

    Orders keep referring to the row, which is a pseudonym from then on, so figures stay as they
    were. What was staged and not loaded is removed as a whole, and so are the questions that people
    keep in the console and that name the customer. `connection` is an administrator's,
    in autocommit.

    Raises:
        ImportRefused: there is no such customer, or an import is under way.
    """
    with as_only_importer(connection, actor):
        with connection.transaction():
            found = _found(connection, by, value)
            ids = [one.customer_id for one in found]
            rows = connection.execute(_NAMING, [ids]).fetchall()
            emails = [row[0] for row in rows if row[0]] + ([value.lower()] if by == "email" else [])
            naming = {text for row in rows for text in row if text and len(text) >= _LEAST_NAMING}
            naming |= {*map(str, ids), *emails, *([value.lower()] if by == "key" else [])}
            values = {"ids": ids, "emails": emails}
            removed = {
                name: connection.execute(statement(name), values).rowcount for name in _REMOVALS
            }
            removed["remove from kept questions"] = _forget_questions(connection, naming)
            empty(connection)
            connection.execute("DELETE FROM zava.import_runs WHERE state <> 'done'")
            connection.execute(
                "INSERT INTO zava.erasures (customer_ids, found_by, removed) VALUES (%s, %s, %s)",
                [ids, by, Jsonb(removed)],
            )
        # An updated row keeps its old text until it is vacuumed.
        connection.execute("VACUUM zava_import.rejects, zava_import.inbox_customers")
        connection.execute("SET ROLE zava_context")
        connection.execute("VACUUM zava.kept_questions")
        connection.execute("SET ROLE zava_owner")
        connection.execute(
            "VACUUM retail.customers, retail.customer_persons, zava_import.customer_keys"
        )
    return removed


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


def _forget_questions(connection: psycopg.Connection, naming: set[str]) -> int:
    connection.execute("SET LOCAL ROLE zava_context")
    row = connection.execute("SELECT zava.forget_questions(%s, false)", [sorted(naming)]).fetchone()
    connection.execute("SET LOCAL ROLE zava_loader")
    return int(row[0]) if row else 0


def _found(connection: psycopg.Connection, by: By, value: str) -> list[FoundCustomer]:
    given: dict[str, Any] = {"id": None, "email": None, "key": None} | {by: value}
    if by == "id":
        try:
            given["id"] = UUID(value)
        except ValueError:
            raise ImportRefused(f"--id: {value} is no UUID") from None
    rows = connection.execute(statement("find customers"), given).fetchall()
    if not rows:
        raise ImportRefused(f"--{by}: no customer has it")
    return [FoundCustomer(customer_id, store, orders) for _, customer_id, store, orders in rows]
