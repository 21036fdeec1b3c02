"""A customer who was erased is found nowhere, and every figure stays as it was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.importing.files import write_shop
from tests.support.servers.database import Cluster, Database
from zava.retail.data.customer_erasure import (
    erase_customer,
    export_customer,
    find_customers,
)
from zava.retail.importing.layout import ImportRefused
from zava.retail.importing.mapping import documented_layout
from zava.retail.importing.run import run_import

EMAIL = "ann.example@example.com"
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('retail', 'zava', 'zava_import', 'zava_migrations') AND c.relkind IN ('r', 'p')
"""
_FIGURES = """
SELECT count(*), count(DISTINCT o.customer_id), sum(o.total_amount) FROM retail.orders AS o
"""


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    with cluster.database("erasure") as database:
        yield database


@pytest.fixture
def admin(empty: Database, tmp_path: Path) -> Iterator[psycopg.Connection]:
    """The administrator of a shop in which Ann has bought, and once could not be loaded."""
    ann = {"customer_key": EMAIL, "email": EMAIL, "first_name": "Ann", "phone": "555-0100"}
    bo = {"customer_key": "c2", "email": "bo@example.com"}
    undated = {"order_key": "o3", "customer_key": EMAIL, "order_date": "never"}
    write_shop(
        tmp_path,
        customers=[ann, bo, ann | {"store_key": "s9"}],
        orders=[{"customer_key": EMAIL}, {"order_key": "o2", "customer_key": "c2"}, undated],
        order_items=[{}, {"order_key": "o2"}, {"order_key": "o3"}],
    )
    with psycopg.connect(empty.admin, autocommit=True) as connection:
        run_import(connection, tmp_path, documented_layout())
        with connection.transaction():
            connection.execute("SET LOCAL ROLE zava_loader")
            connection.execute(
                "INSERT INTO zava_import.inbox_customers (store_key, customer_key, email)"
                " VALUES ('s1', %s, %s)",
                [EMAIL, EMAIL.upper()],
            )
            connection.execute(
                "INSERT INTO zava_import.inbox_orders (store_key, order_key, customer_key)"
                " VALUES ('s1', 'o4', %s)",
                [EMAIL],
            )
        yield connection


def places(database: Database, text: str) -> set[str]:
    """Return the tables of which a row holds the text, in any case."""
    with psycopg.connect(database.owner) as owner:
        return {
            f"{schema}.{table}"
            for schema, table in owner.execute(_TABLES).fetchall()
            if owner.execute(
                sql.SQL("SELECT 1 FROM {} AS t WHERE t::text ILIKE %s LIMIT 1").format(
                    sql.Identifier(schema, table)
                ),
                [f"%{text}%"],
            ).fetchone()
        }


def keep_question(admin: psycopg.Connection, number: int, address: str, title: str) -> None:
    """Keep a question in the console as a person of the shop."""
    person = f"5a7a0000-0000-4000-8000-{number:012}"
    with admin.transaction():
        admin.execute("SET LOCAL ROLE zava_context")
        admin.execute(
            "INSERT INTO zava.principals (tenant_id, object_id, display_name, audience, store_ids)"
            " VALUES (%s, %s, 'Someone', 'head_office', '{}')",
            [person, person],
        )
        admin.execute("SELECT set_config('zava.questions_of', %s, true)", [f"{person}/{person}"])
        admin.execute(
            "INSERT INTO zava.kept_questions"
            " (tenant_id, object_id, kind, address_hash, address, title)"
            " VALUES (%s, %s, 'saved', 1, %s, %s)",
            [person, person, address, title],
        )


def test_questions_that_name_an_erased_customer_go_with_them(
    empty: Database, admin: psycopg.Connection
) -> None:
    (found,) = find_customers(admin, "email", EMAIL)
    query = "/console/sql?q=SELECT+1+--+"
    naming = [
        (f"{query}{EMAIL.replace('@', '%40')}", "SQL"),
        (f"{query}{EMAIL.upper()}", "SQL"),
        (f"{query}555%2D0100", "SQL"),
        (f"/console/explore?filter=customer:eq:{found.customer_id}", "Explorer"),
        ("/console/sql", f"SQL: {EMAIL.title()}"),
    ]
    others = [(f"{query}bo%40example.com", "SQL"), (f"{query}100%25+%C3", "Ann"), ("/", "Start")]
    for number, (address, title) in enumerate([*naming, *others]):
        keep_question(admin, number, address, title)
    removed = erase_customer(admin, "email", EMAIL, actor="privacy desk")
    assert removed["remove from kept questions"] == len(naming)
    with psycopg.connect(empty.owner) as owner:
        left = owner.execute("SELECT address, title FROM zava.kept_questions").fetchall()
    assert sorted(left) == sorted(others)


def figures(database: Database) -> Any:
    with psycopg.connect(database.owner) as owner:
        return owner.execute(_FIGURES).fetchone()


def test_erased_customer_is_found_nowhere_and_figures_stay(
    empty: Database, admin: psycopg.Connection, tmp_path: Path
) -> None:
    assert places(empty, EMAIL) == {
        *("retail.customers", "zava_import.customer_keys", "zava_import.rejects"),
        *("zava_import.inbox_customers", "zava_import.inbox_orders"),
    }
    before = figures(empty)
    (found,) = find_customers(admin, "email", EMAIL.upper())
    assert (found.store, found.orders) == ("Main Street", 1)
    erase_customer(admin, "email", EMAIL.upper(), actor="privacy desk")
    assert places(empty, EMAIL) == set()
    assert places(empty, "555-0100") == set()
    assert figures(empty) == before
    with psycopg.connect(empty.owner) as owner:
        certificate = owner.execute(
            "SELECT actor, new->>'found_by', new->'customer_ids'->>0 FROM zava.change_log"
            " WHERE subject = 'erasures'"
        ).fetchall()
    assert certificate == [("privacy desk", "email", str(found.customer_id))]
    # The same files bring no name back, and the sale stays the pseudonym's.
    run_import(admin, tmp_path, documented_layout())
    assert places(empty, EMAIL) == {"zava_import.rejects"}  # of the store that is none
    assert figures(empty) == before
    with pytest.raises(ImportRefused, match="no customer has it"):
        find_customers(admin, "email", EMAIL)


def test_person_of_several_stores_is_erased_at_each_of_them(
    empty: Database, admin: psycopg.Connection, tmp_path: Path
) -> None:
    persons = "SELECT count(*), count(DISTINCT person_id) FROM retail.customer_persons"
    cy = {"customer_key": "cy1", "email": "cy@example.com", "person_key": "CY"}
    write_shop(
        tmp_path,
        stores=[{}, {"store_key": "s2", "store_name": "Second Street"}],
        customers=[cy, cy | {"store_key": "s2", "customer_key": "cy2", "email": "c@example.org"}],
    )
    for _ in range(2):
        assert run_import(admin, tmp_path, documented_layout()).rejects == []
    with psycopg.connect(empty.owner) as owner:
        assert owner.execute(persons).fetchone() == (2, 1)
    for by, value in (("key", "cy2"), ("email", "cy@example.com")):
        found = find_customers(admin, by, value)  # type: ignore[arg-type]  # a text of the table
        assert [each.store for each in found] == ["Main Street", "Second Street"]
    erase_customer(admin, "key", "cy2", actor="privacy desk")
    run_import(admin, tmp_path, documented_layout())
    with psycopg.connect(empty.owner) as owner:
        assert owner.execute(persons).fetchone() == (0, 0)
    assert places(empty, "cy@example.com") == places(empty, "c@example.org") == set()


def test_export_holds_orders_and_lines_and_is_found_by_id_and_key(
    admin: psycopg.Connection,
) -> None:
    (stored,) = export_customer(admin, "key", EMAIL)
    assert stored["email"] == EMAIL
    assert [line["product"] for order in stored["orders"] for line in order["lines"]] == ["Nail"]
    assert export_customer(admin, "id", stored["customer_id"]) == [stored]
    with pytest.raises(ImportRefused, match="is no UUID"):
        export_customer(admin, "id", "7")
