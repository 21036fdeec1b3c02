"""The data's version: it moves with each committed change, and no writer waits for it."""

import re
from importlib.resources import files

import psycopg
import pytest

from tests.cache.cached import asking
from tests.support.servers.database import Database
from zava.data.session.signed_context import ContextSigner
from zava.infrastructure.cache_backends import MemoryStore
from zava.model.core import Caller
from zava.retail.demo.stores import store_id


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
    "product_prices",
    "suppliers",
    "promotions",
    "promotion_products",
    "product_suppliers",
    "store_targets",
    "customer_persons",
    "chain",
    "exchange_rates",
)


BY_STORE = {"customers", "inventory", "orders", "order_items"} | {
    *("store_targets", "customer_persons")
}
"""Tables of which a change counts for its own stores alone."""

# Each kind of change, of the rows that a condition names.
CHANGES = {
    "stores": ["UPDATE retail.stores SET region = region WHERE {}"],
    "customers": [
        "UPDATE retail.customers SET phone = phone WHERE {}",
        (
            "INSERT INTO retail.customers (store_id, first_name, last_name, email)"
            " SELECT store_id, 'A', 'B', gen_random_uuid() || '@example.org' FROM retail.customers"
            " WHERE {} LIMIT 1"
        ),
        "DELETE FROM retail.customers WHERE {} AND first_name = 'A' AND last_name = 'B'",
    ],
    "inventory": [
        "UPDATE retail.inventory SET stock_level = stock_level WHERE {}",
        "CREATE TEMP TABLE kept AS SELECT * FROM retail.inventory WHERE {} LIMIT 1",
        "DELETE FROM retail.inventory WHERE {} AND product_id = (SELECT product_id FROM kept)",
        "INSERT INTO retail.inventory SELECT * FROM kept",
        "DROP TABLE kept",
    ],
    "customer_persons": [
        (
            "INSERT INTO retail.customer_persons SELECT store_id, customer_id, gen_random_uuid()"
            " FROM retail.customers WHERE {} LIMIT 1"
        ),
        "UPDATE retail.customer_persons SET person_id = gen_random_uuid() WHERE {}",
        "DELETE FROM retail.customer_persons WHERE {}",
    ],
    "store_targets": [
        (
            "INSERT INTO retail.store_targets SELECT store_id, '2026-05-01', 900"
            " FROM retail.stores WHERE {}"
        ),
        "UPDATE retail.store_targets SET revenue_target = 800 WHERE {}",
        "DELETE FROM retail.store_targets WHERE {}",
    ],
    "orders": [
        "UPDATE retail.orders SET status = status WHERE {}",
        (
            "INSERT INTO retail.orders (store_id, customer_id, total_amount) SELECT store_id,"
            " customer_id, 0 FROM retail.customers WHERE {} LIMIT 1"
        ),
        "DELETE FROM retail.orders WHERE {} AND total_amount = 0",
    ],
    "order_items": [
        "UPDATE retail.order_items SET quantity = quantity WHERE {}",
        "CREATE TEMP TABLE kept AS SELECT * FROM retail.order_items WHERE {} LIMIT 1",
        (
            "DELETE FROM retail.order_items WHERE {} AND (order_id, line_number) IN"
            " (SELECT order_id, line_number FROM kept)"
        ),
        "INSERT INTO retail.order_items SELECT * FROM kept",
        "DROP TABLE kept",
    ],
}


async def test_each_kind_of_change_of_each_table_moves_the_version_of_its_stores(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    of_seattle = f"store_id = '{store_id('Seattle')}'"
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:

        async def versions() -> dict[str, int]:
            names = ("seattle", "redmond", "eastside", "head-office")
            return {
                name: int((await ask.tenancy.effective_access(callers[name])).data_version)
                for name in names
            }

        for table, changes in CHANGES.items():
            for change in changes:
                before = await versions()
                changing.execute(change.format(of_seattle))
                after = await versions()
                if "TABLE kept" in change:
                    assert after == before
                    continue
                moved = {name for name in after if after[name] == before[name] + 1}
                seeing = {"seattle", "head-office"} if table in BY_STORE else set(after)
                assert moved == seeing, change
                assert {name for name in after if after[name] != before[name]} == moved
        for table in TABLES:
            before = await versions()
            changing.execute(f"TRUNCATE retail.{table} CASCADE")
            assert all(version > before[name] for name, version in (await versions()).items())
        for table in sorted(set(TABLES) - BY_STORE - {"stores"}):
            before = await versions()
            changing.execute(f"DELETE FROM retail.{table}")
            assert await versions() == {name: version + 1 for name, version in before.items()}


async def test_another_store_s_change_renews_no_kept_answer(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
) -> None:
    async with asking(seeded_clone.server, signer, MemoryStore(300)) as ask:
        kept = {name: await ask(callers[name]) for name in ("redmond", "eastside")}
        changing.execute(
            "INSERT INTO retail.orders (store_id, customer_id, total_amount)"
            " SELECT store_id, customer_id, 5 FROM retail.customers WHERE store_id = %s LIMIT 1",
            [store_id("Seattle")],
        )
        for name, before in kept.items():
            after = await ask(callers[name])
            assert after.is_cached
            assert after.as_of == before.as_of
            assert after.reading == before.reading


def test_one_transaction_counts_once_for_each_store_that_it_changes(
    seeded_clone: Database, changing: psycopg.Connection
) -> None:
    version, _ = version_and_rows(seeded_clone)
    with changing.transaction():
        for _ in range(3):
            for name in ("Seattle", "Redmond"):
                changing.execute(
                    "UPDATE retail.orders SET status = status WHERE store_id = %s",
                    [store_id(name)],
                )
            changing.execute("UPDATE retail.customers SET phone = phone")
    assert version_and_rows(seeded_clone)[0] == version + 8
    with changing.transaction():
        changing.execute("UPDATE retail.categories SET category_name = category_name")
        changing.execute("UPDATE retail.customers SET phone = phone")
    assert version_and_rows(seeded_clone)[0] == version + 9


def test_every_table_that_the_metrics_read_moves_the_version() -> None:
    texts = [
        (files("zava") / name).read_text(encoding="utf-8")
        for name in ("retail/metrics.toml", "data/metrics/compiler.py")
    ]
    read = set(re.findall(r"\bretail\.(\w+)", "\n".join(texts)))
    assert {"orders", "order_items", "stores"} < read
    assert read <= set(TABLES)


def version_and_rows(database: Database) -> tuple[int, int]:
    with psycopg.connect(database.owner) as owner:
        row = owner.execute("SELECT sum(changes)::int, count(*) FROM zava.data_changes").fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ("UPDATE retail.categories SET category_name = category_name WHERE false", 1),
        (
            f"UPDATE retail.orders SET status = status WHERE store_id = '{store_id('Seattle')}'",
            2,  # one of what all share is there before
        ),
    ],
)
def test_rows_of_past_transactions_are_folded_and_the_version_goes_on(
    seeded_clone: Database, changing: psycopg.Connection, change: str, rows: int
) -> None:
    version, _ = version_and_rows(seeded_clone)
    for _ in range(80):
        with changing.transaction():
            changing.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            changing.execute(change)
    assert version_and_rows(seeded_clone)[1] > 64
    changing.execute(change)
    assert version_and_rows(seeded_clone) == (version + 81, rows)


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
