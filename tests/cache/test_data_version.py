"""The data's version: it moves with each committed change, and no writer waits for it."""

import re
from importlib.resources import files

import psycopg
import pytest

from tests.cache.cached import asking
from tests.database import Database
from zava.data.context import ContextSigner
from zava.infrastructure.byte_store import MemoryStore
from zava.infrastructure.demo_data import store_id
from zava.model import Caller


@pytest.mark.requirement("S123")
async def test_changed_data_is_seen_at_the_next_call(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        before = (await ask(callers["seattle"])).reading.rows[0]["orders"]
        with psycopg.connect(seeded_clone.admin) as loading:  # as an import does it
            loading.execute("SET ROLE zava_loader")
            loading.execute(
                "INSERT INTO retail.orders (store_id, customer_id, total_amount)"
                " SELECT store_id, customer_id, 5 FROM retail.customers WHERE store_id = %s LIMIT 1",
                [store_id("Seattle")],
            )
            during = await ask(callers["seattle"])
            assert during.is_cached  # not committed: nothing has changed for anybody
            assert during.reading.rows[0]["orders"] == before
        after = await ask(callers["seattle"])
        assert not after.is_cached
        assert after.reading.rows[0]["orders"] == before + 1


@pytest.mark.requirement("S123")
async def test_answer_read_while_a_change_is_open_is_not_kept_beyond_its_commit(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        with psycopg.connect(seeded_clone.owner) as writing:
            writing.execute("DELETE FROM retail.order_items")
            writing.execute("DELETE FROM retail.orders")
            before = await ask(callers["seattle"])  # computed and kept while the change is open
            assert before.reading.rows[0]["orders"] > 0
        assert (await ask(callers["seattle"])).reading.rows[0]["orders"] == 0


TABLES = (
    "stores",
    "customers",
    "inventory",
    "orders",
    "order_items",
    "categories",
    "product_types",
    "products",
)


async def test_each_kind_of_change_of_each_table_moves_the_version(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        versions = [(await ask.tenancy.grant(callers["seattle"])).data_version]
        for table in TABLES:
            changing.execute(f"ALTER TABLE retail.{table} NO FORCE ROW LEVEL SECURITY")
            for change in (
                "DELETE FROM {} WHERE false",
                "UPDATE {} SET ctid = ctid",
                "INSERT INTO {} SELECT * FROM {} WHERE false",
            ):
                statement = change.format(*(f"retail.{table}",) * 2)
                if "ctid" in statement:
                    column = {
                        "products": "sku",
                        "product_types": "type_name",
                        "categories": "category_name",
                    }.get(table, "store_id")
                    statement = f"UPDATE retail.{table} SET {column} = {column} WHERE false"
                if statement.startswith("INSERT") and table == "products":
                    statement = "INSERT INTO retail.products (sku) SELECT sku FROM retail.products WHERE false"
                changing.execute(statement)
                versions.append((await ask.tenancy.grant(callers["seattle"])).data_version)
            changing.execute(f"TRUNCATE retail.{table} CASCADE")
            versions.append((await ask.tenancy.grant(callers["seattle"])).data_version)
    assert len(set(versions)) == 1 + 4 * len(TABLES)
    assert versions == sorted(versions, key=int)


def test_every_table_that_the_metrics_read_moves_the_version() -> None:
    texts = [
        (files("zava.data") / name).read_text(encoding="utf-8")
        for name in ("metrics.toml", "metric_sql.py")
    ]
    read = set(re.findall(r"\bretail\.(\w+)", "\n".join(texts)))
    assert {"orders", "order_items", "stores"} < read
    assert read <= set(TABLES)


def version_and_rows(database: Database) -> tuple[int, int]:
    with psycopg.connect(database.owner) as owner:
        row = owner.execute("SELECT sum(changes)::int, count(*) FROM zava.data_changes").fetchone()
    assert row is not None
    return row[0], row[1]


def test_rows_of_past_transactions_are_folded_and_the_version_goes_on(
    seeded_clone: Database, changing: psycopg.Connection
) -> None:
    version, _ = version_and_rows(seeded_clone)
    change = "UPDATE retail.categories SET category_name = category_name WHERE false"
    for _ in range(80):
        with changing.transaction():
            changing.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            changing.execute(change)
    assert version_and_rows(seeded_clone)[1] > 64
    changing.execute(change)
    assert version_and_rows(seeded_clone) == (version + 81, 1)


def test_change_after_a_savepoint_was_left_counts(
    seeded_clone: Database, changing: psycopg.Connection
) -> None:
    version, _ = version_and_rows(seeded_clone)
    change = "UPDATE retail.categories SET category_name = category_name WHERE false"
    with changing.transaction():
        changing.execute("SAVEPOINT part")
        changing.execute(change)
        changing.execute("ROLLBACK TO part")
        changing.execute(change)
    assert version_and_rows(seeded_clone)[0] == version + 1


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_writers_never_wait_for_one_another_on_account_of_the_version(
    seeded_clone: Database, level: str
) -> None:
    before = version_and_rows(seeded_clone)
    writers = [psycopg.connect(seeded_clone.owner) for _ in range(3)]
    try:
        for writer in writers:
            writer.execute("SET lock_timeout = '2s'")
            writer.commit()
            writer.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            writer.execute("SELECT 1 FROM retail.stores")  # takes the snapshot
        for round_ in range(3):
            for number, writer in enumerate(writers):
                name = f"{round_} {number}"
                writer.execute("INSERT INTO retail.categories (category_name) VALUES (%s)", [name])
        for writer in writers:
            writer.commit()
    finally:
        for writer in writers:
            writer.close()
    after = version_and_rows(seeded_clone)
    assert after[0] == before[0] + 3  # once for each transaction
    assert after[1] <= 4  # a row for each that writes at once, not for each statement
