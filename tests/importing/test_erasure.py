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
# What the planner keeps of sampled rows.
_SAMPLES = """
SELECT s.starelid::regclass::text FROM pg_statistic AS s
WHERE concat(s.stavalues1::text, s.stavalues2::text, s.stavalues3::text, s.stavalues4::text,
             s.stavalues5::text) ILIKE %s
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
            # In a cell of another meaning, and beside blanks.
            connection.execute(
                "INSERT INTO zava_import.inbox_customers (store_key, customer_key, last_name, phone)"
                " VALUES ('s8', 'x', %s, '555-0100'), ('s1', %s, NULL, '555-0100')",
                [f"Ann <{EMAIL}>", f" {EMAIL} "],
            )
        yield connection


def places(database: Database, text: str) -> set[str]:
    """Return the tables of which a row or a statistic holds the text, in any case."""
    with psycopg.connect(database.owner) as owner:
        owner.execute("ANALYZE")
        sampled = owner.execute(_SAMPLES, [f"%{text}%"]).fetchall()
        return {f"statistics of {table}" for (table,) in sampled} | {
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
    removed = erase_customer(admin, "email", EMAIL, actor="privacy desk").removed
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
        "statistics of zava_import.customers",  # the staged keys of the import
    }
    before = figures(empty)
    (found,) = find_customers(admin, "email", EMAIL.upper())
    assert (found.store, found.orders) == ("Main Street", 1)
    dry = erase_customer(admin, "email", EMAIL.upper(), actor="privacy desk", dry_run=True)
    assert places(empty, EMAIL)
    assert erase_customer(admin, "email", EMAIL.upper(), actor="privacy desk") == dry
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
    # The row of an unknown store belongs to no pseudonym; the staged keys have the address, too.
    assert places(empty, EMAIL) == {"zava_import.rejects", "statistics of zava_import.customers"}
    assert figures(empty) == before
    with pytest.raises(ImportRefused, match="no customer has it"):
        find_customers(admin, "email", EMAIL)
    again = erase_customer(admin, "email", f" {EMAIL} ", actor="privacy desk")
    assert (again.found, again.removed["remove from rejects"]) == ([], 1)
    assert places(empty, EMAIL) == set()
    with pytest.raises(ImportRefused, match="no customer has it"):
        erase_customer(admin, "email", EMAIL, actor="privacy desk")


def test_customer_who_was_never_loaded_is_erased_alone(
    empty: Database, admin: psycopg.Connection
) -> None:
    with admin.transaction():
        admin.execute("SET LOCAL ROLE zava_loader")
        admin.execute(
            "INSERT INTO zava_import.inbox_customers (store_key, customer_key, email) VALUES"
            " ('s1', 'd1', 'dee@example.com'), ('s1', 'd2', 'mary.dee@example.com'),"
            " ('s1', 'd3', 'dee@example.com.au'), ('s1', 'd4', 'dee@exampleXcom')"
        )
        admin.execute(
            "INSERT INTO zava_import.inbox_orders (store_key, order_key, customer_key)"
            " VALUES ('s1', 'd', 'DEE@example.com'), ('s1', 'e', 'd1'), ('s1', 'f', 'd2')"
        )
    erase_customer(admin, "email", "dee@example.com", actor="privacy desk")
    erase_customer(admin, "key", "d1", actor="privacy desk")
    with psycopg.connect(empty.owner) as owner:
        left = owner.execute(
            "SELECT customer_key FROM zava_import.inbox_customers WHERE customer_key ~ '^d'"
            " ORDER BY 1"
        ).fetchall()
        sales = owner.execute(
            "SELECT customer_key FROM zava_import.inbox_orders WHERE order_key IN ('d', 'e', 'f')"
            " ORDER BY order_key"
        ).fetchall()
    assert left == [("d2",), ("d3",), ("d4",)]
    assert sales == [(None,), (None,), ("d2",)]


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
    ((order,), (line,)) = stored["orders"], stored["orders"][0]["lines"]
    assert order["source_keys"] == [{"system": "import", "key": "o1"}]
    assert (line["product"], line["unit_price"], line["discount_amount"]) == ("Nail", 3.5, 0)
    assert {row["order_key"] for row in stored["rejected_rows"] if "order_key" in row} == {"o3"}
    assert {row.get("store_key") for row in stored["rejected_rows"]} == {"s1", "s9"}
    assert export_customer(admin, "id", stored["customer_id"]) == [stored]
    with pytest.raises(ImportRefused, match="is no UUID"):
        export_customer(admin, "id", "7")
