"""The retail schema refuses what must not be."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.servers.database import Database, one
from zava.retail.demo.stores import STORES, store_id

SEATTLE, REDMOND = store_id("Seattle"), store_id("Redmond")
TENANT_TABLES = ("stores", "customers", "inventory", "orders", "order_items", "store_targets")


@pytest.mark.requirement("S41")
@pytest.mark.requirement("S42")
@pytest.mark.requirement("S43")
@pytest.mark.requirement("S45")
def test_row_that_breaks_a_rule_is_refused(loader: psycopg.Connection) -> None:
    customer = one(loader, "SELECT customer_id FROM retail.customers WHERE store_id = %s", REDMOND)
    own = one(loader, "SELECT customer_id FROM retail.customers WHERE store_id = %s", SEATTLE)
    order = one(loader, "SELECT order_id FROM retail.orders WHERE store_id = %s", SEATTLE)
    product = one(loader, "SELECT product_id FROM retail.products")
    email = one(loader, "SELECT email FROM retail.customers WHERE store_id = %s", SEATTLE)
    errors = psycopg.errors
    insert_order = (
        "INSERT INTO retail.orders (store_id, customer_id, status, total_amount)"
        " VALUES (%s, %s, %s, %s)"
    )
    insert_line = (
        "INSERT INTO retail.order_items (store_id, order_id, line_number, product_id, quantity,"
        " unit_price, discount_amount, total_amount) VALUES (%s, %s, 99, %s, %s, 10, 1, %s)"
    )
    insert_customer = (
        "INSERT INTO retail.customers (store_id, first_name, last_name, email)"
        " VALUES (%s, 'A', 'B', %s)"
    )
    refused: list[tuple[str, list[Any], type[psycopg.Error]]] = [
        (insert_order, [SEATTLE, customer, "pending", 1], errors.ForeignKeyViolation),
        (insert_order, [SEATTLE, own, "pending", -1], errors.CheckViolation),
        (insert_order, [SEATTLE, own, "lost", 1], errors.CheckViolation),
        (insert_order, [None, own, "pending", 1], errors.NotNullViolation),
        (insert_line, [SEATTLE, order, product, 0, 0], errors.CheckViolation),
        (insert_line, [SEATTLE, order, product, 2, 20], errors.CheckViolation),
        (insert_line, [REDMOND, order, product, 2, 19], errors.ForeignKeyViolation),
        (insert_line, [SEATTLE, order, UUID(int=1), 2, 19], errors.ForeignKeyViolation),
        (insert_customer, [SEATTLE, email], errors.UniqueViolation),
        (insert_customer, [UUID(int=1), "x@example.com"], errors.ForeignKeyViolation),
        (
            "INSERT INTO retail.stores (store_name, location, region) VALUES (%s, 'x', 'y')",
            ["Zava Retail Seattle"],
            errors.UniqueViolation,
        ),
        ("DELETE FROM retail.stores WHERE store_id = %s", [SEATTLE], errors.ForeignKeyViolation),
    ]
    for statement, values, error in refused:
        with pytest.raises(error):
            loader.execute(statement, values)
    # The same address at another store is no conflict, so no oracle either.
    loader.execute(insert_customer, [REDMOND, email])
    loader.execute(insert_line, [SEATTLE, order, product, 2, 19])


@pytest.mark.requirement("S45")
@pytest.mark.requirement("S46")
@pytest.mark.requirement("S60")
def test_tenant_tables_lead_with_the_store_and_foreign_keys_have_indexes(
    database: Database,
) -> None:
    with psycopg.connect(database.owner) as owner:
        for table in TENANT_TABLES:
            assert one(
                owner,
                "SELECT a.attnotnull AND c.relforcerowsecurity FROM pg_attribute a JOIN pg_class c"
                " ON c.oid = a.attrelid WHERE c.oid = %s::regclass AND a.attname = 'store_id'",
                f"retail.{table}",
            )
        unindexed = owner.execute(
            """
            SELECT k.conrelid::regclass, k.conname FROM pg_constraint k
            WHERE k.contype = 'f' AND k.connamespace = 'retail'::regnamespace
              AND NOT EXISTS (
                SELECT FROM pg_index i JOIN pg_attribute a
                  ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                WHERE i.indrelid = k.conrelid
                  -- A tenant's index begins with the store, whatever the key refers to.
                  AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1
                        + (a.attname = 'store_id' AND a.attnum <> ALL (k.conkey))::int] @> k.conkey)
            """
        ).fetchall()
        assert unindexed == []
        # Another index would be read through the entries of every store.
        others = owner.execute(
            """
            SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_attribute a
              ON a.attrelid = i.indrelid AND a.attname = 'store_id'
            WHERE i.indkey[0] <> a.attnum
              -- One row for each store, which no caller's statement reads through these indexes.
              AND i.indrelid NOT IN ('retail.stores'::regclass, 'zava_import.store_keys'::regclass)
            """
        ).fetchall()
        assert others == []


def test_ids_are_time_ordered_and_of_version_seven(database: Database) -> None:
    with psycopg.connect(database.owner) as owner:
        rows = owner.execute(
            "SELECT retail.new_id() FROM generate_series(1, 3), pg_sleep(0.002)"
        ).fetchall()
    ids = [row[0] for row in rows]
    assert all(made.version == 7 and made.variant == "specified in RFC 4122" for made in ids)
    assert len(set(ids)) == 3


def test_embedding_of_another_dimension_is_refused(loader: psycopg.Connection) -> None:
    model = one(
        loader,
        "INSERT INTO retail.embedding_models (name, dimensions, minimum_similarity)"
        " VALUES ('m', 3, 0.2) RETURNING model_id",
    )
    product = one(loader, "SELECT product_id FROM retail.products")
    insert = "INSERT INTO retail.product_embeddings VALUES (%s, %s, '\\x00', %s)"
    with pytest.raises(psycopg.errors.CheckViolation, match="2 dimensions"):
        loader.execute(insert, [product, model, "[1,2]"])
    loader.execute(insert, [product, model, "[1,2,3]"])


@pytest.mark.requirement("S50")
@pytest.mark.requirement("S51")
@pytest.mark.requirement("S55")
@pytest.mark.requirement("S56")
@pytest.mark.requirement("S58")
def test_audience_without_a_context_reads_nothing_and_writes_never(
    seeded_clone: Database,
) -> None:
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        for audience in ("store_managers", "regional_managers", "head_office"):
            owner.execute(f"SET ROLE {audience}")
            for table in TENANT_TABLES:
                assert one(owner, f"SELECT count(*) FROM retail.{table}") == 0
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    owner.execute(f"DELETE FROM retail.{table}")
            for value in ("not-a-context", "0" * 64 + str(SEATTLE), ""):
                owner.execute("SELECT set_config('zava.context', %s, false)", [value])
                assert one(owner, "SELECT count(*) FROM retail.orders") == 0
            owner.execute("RESET ROLE")


def test_eight_stores_are_the_contract_s() -> None:
    assert [store.name for store in STORES] == [
        f"Zava Retail {name}"
        for name in (
            *("Seattle", "Bellevue", "Tacoma", "Spokane"),
            *("Everett", "Redmond", "Kirkland", "Online"),
        )
    ]
