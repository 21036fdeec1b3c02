"""A login that loads sales of any store and reads no row of any."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.importing.files import CELLS
from tests.security.corpus import read_corpus
from tests.support.servers.database import Database, one
from zava.infrastructure.postgres.migrations import migrate
from zava.infrastructure.postgres.readers import readers_of_every_store
from zava.retail.demo.stores import store_id
from zava.retail.importing.inbox import make_import_login, run_inbox
from zava.retail.importing.layout import ImportRefused
from zava.retail.importing.mapping import documented_layout

NAME = "etl_of_tests"
VERIFY = (Path(__file__).parents[2] / "sql" / "verify" / "isolation.sql").read_text()


@pytest.fixture
def admin(seeded_clone: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded_clone.admin, autocommit=True) as connection:
        yield connection
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        if one(owner, "SELECT to_regrole(%s)", NAME) is not None:
            owner.execute(f"DROP OWNED BY {NAME}; DROP ROLE {NAME}")


@pytest.fixture
def login(seeded_clone: Database, admin: psycopg.Connection) -> Iterator[psycopg.Connection]:
    password = make_import_login(admin, NAME)
    conninfo = make_conninfo(seeded_clone.admin, user=NAME, password=password)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


def problems(database: Database) -> list[str]:
    with psycopg.connect(database.owner) as owner:
        return [row[0] for row in owner.execute(VERIFY) if "zava_import" in row[0]]


def put(login: psycopg.Connection, table: str, **changes: str) -> None:
    cells = CELLS[table] | changes
    login.execute(
        f"INSERT INTO zava_import.inbox_{table} ({', '.join(cells)})"
        f" VALUES ({', '.join(['%s'] * len(cells))})",
        list(cells.values()),
    )


def test_rows_of_the_inbox_are_loaded_once_and_rejects_kept(
    seeded_clone: Database, admin: psycopg.Connection, login: psycopg.Connection
) -> None:
    for table in CELLS:
        put(login, table)
    put(login, "order_items", order_key="o9")
    with login.cursor().copy(
        "COPY zava_import.inbox_inventory (store_key, product_key, stock_level) FROM STDIN"
    ) as copy:
        copy.write_row(("s1", "p1", "7"))
    dry = run_inbox(admin, documented_layout(), dry_run=True)
    report = run_inbox(admin, documented_layout(), actor="nightly job")
    assert {name: c.added for name, c in dry.counts.items()} == {
        name: c.added for name, c in report.counts.items()
    }
    assert {(reject.table, reject.rule) for reject in report.rejects} == {
        ("order_items", "no order of these files has this key"),
        ("inventory", "the key is there twice, first in row 1"),
    }
    with psycopg.connect(seeded_clone.owner) as owner:
        assert one(
            owner,
            "SELECT o.total_amount FROM retail.orders AS o"
            " JOIN zava_import.order_keys AS k USING (store_id, order_id)",
        ) == Decimal("7.00")
        assert one(owner, "SELECT count(*) FROM zava_import.inbox_order_items") == 0
    again = run_inbox(admin, documented_layout())
    assert all(counts.staged == 0 for counts in again.counts.values())


def test_run_that_is_refused_leaves_the_inbox(
    seeded_clone: Database, admin: psycopg.Connection, login: psycopg.Connection
) -> None:
    put(login, "orders")
    with pytest.raises(ImportRefused, match="inbox: row 1, store_key: no store"):
        run_inbox(admin, documented_layout(), strict=True)
    with psycopg.connect(seeded_clone.owner) as owner:
        assert one(owner, "SELECT count(*) FROM zava_import.inbox_orders") == 1


def test_import_login_reads_changes_and_pretends_nothing(login: psycopg.Connection) -> None:
    put(login, "orders")
    tables = [
        f"{schema}.{table}"
        for schema, names in (
            ("retail", ("stores", "customers", "orders", "order_items", "products")),
            ("zava_import", ("orders", "inbox_orders", "order_keys", "rejects", "resolved_orders")),
            ("zava", ("principals", "import_runs", "change_log", "keyring")),
        )
        for table in names
    ]
    statements = [
        *(f"SELECT * FROM {table}" for table in tables),
        *(f"COPY {table} TO STDOUT" for table in tables),
        *(f"DELETE FROM {table}" for table in tables),
        "INSERT INTO zava_import.inbox_orders (store_key) VALUES ('s1') RETURNING store_key",
        "INSERT INTO zava_import.inbox_orders (loaded_by) VALUES ('postgres')",
        "INSERT INTO zava_import.inbox_orders (id) OVERRIDING SYSTEM VALUE VALUES (1)",
        "INSERT INTO zava_import.orders (file, row) VALUES (0, 1)",
        "UPDATE zava_import.inbox_orders SET store_key = 's2'",
        "TRUNCATE zava_import.inbox_orders",
        "SET ROLE zava_loader",
        "CREATE TABLE zava_import.mine ()",
        "CREATE TEMPORARY TABLE mine ()",
    ]
    for statement in statements:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            login.execute(statement)


def test_import_login_gets_no_row_by_any_hostile_statement(
    seeded_clone: Database, login: psycopg.Connection
) -> None:
    with psycopg.connect(seeded_clone.owner) as owner:
        rows = owner.execute("SELECT store_id::text FROM retail.stores UNION ALL"
                             " SELECT email FROM retail.customers").fetchall()  # fmt: skip
    known = {row[0] for row in rows}
    login.execute("SET statement_timeout = '200ms'")
    tried = 0
    for hostile in read_corpus():
        text = re.sub(r"\{\w+\}", str(store_id("Redmond")), hostile.sql)
        if re.search(r"generate_series|repeat|RECURSIVE|pg_sleep|lo_|COPY", text, re.IGNORECASE):
            continue  # what costs time, and what the statement itself names
        tried += 1
        try:
            with login.transaction(force_rollback=True):
                cursor = login.execute(text)
                found = {str(cell) for row in cursor.fetchmany(100) for cell in row}
        except psycopg.Error:
            continue
        assert not {cell for cell in found & known if cell not in text}, text
    assert tried > 100


def test_proof_names_a_planted_privilege_and_the_list_an_import_login(
    seeded_clone: Database, admin: psycopg.Connection, login: psycopg.Connection
) -> None:
    assert login.info.user == NAME
    assert problems(seeded_clone) == []
    why = {reader.role: reader.why for reader in readers_of_every_store(admin)}
    assert why[NAME] == "import login: writes sales of any store through the inbox, reads none"
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute(f"GRANT SELECT (email) ON zava_import.inbox_customers TO {NAME}")
        owner.execute(f"GRANT UPDATE ON zava_import.orders TO {NAME}")
        owner.execute("GRANT INSERT ON zava_import.inbox_orders TO PUBLIC")
    found = problems(seeded_clone)
    found = [problem for problem in found if "where imports are staged" in problem]
    assert len(found) == 3
    for part in (f"{NAME} may SELECT", f"{NAME} may UPDATE", "PUBLIC may INSERT"):
        assert any(part in problem for problem in found), found


def test_login_made_before_a_column_gets_it_from_the_next_migration(
    seeded_clone: Database, admin: psycopg.Connection, login: psycopg.Connection
) -> None:
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute(f"REVOKE ALL ON zava_import.inbox_product_prices FROM {NAME}")
        owner.execute(f"REVOKE INSERT (closed_on) ON zava_import.inbox_stores FROM {NAME}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        put(login, "stores", closed_on="2026-01-01")
    migrate(admin)
    put(login, "stores", closed_on="2026-01-01")
    put(login, "product_prices")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        login.execute("INSERT INTO zava_import.inbox_stores (loaded_by) VALUES ('postgres')")
    assert problems(seeded_clone) == []


@pytest.mark.parametrize("name", ["zava_etl", "pg_etl", "postgres"])
def test_name_of_another_role_is_refused(admin: psycopg.Connection, name: str) -> None:
    with pytest.raises(ImportRefused, match=name):
        make_import_login(admin, name)
