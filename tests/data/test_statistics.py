"""What the planner keeps of the tenant tables: no value by which another store could be told."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.servers.database import Cluster, Database
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.infrastructure.postgres.pool import DatabasePool
from zava.retail.declaration import RETAIL
from zava.retail.demo.stores import store_id

ISOLATION = Path(__file__).parents[2] / "sql" / "verify" / "isolation.sql"
BREAKS = [
    (
        "ALTER TABLE retail.orders ALTER COLUMN store_id SET STATISTICS 100",
        "column retail.orders.store_id may have statistics",
    ),
    (
        "ALTER TABLE retail.customers ALTER COLUMN email SET STATISTICS DEFAULT",
        "column retail.customers.email may have statistics",
    ),
    (
        "ALTER TABLE retail.order_items ADD COLUMN gift_for text",
        "column retail.order_items.gift_for may have statistics",
    ),
    (
        (
            "CREATE TABLE retail.visits (store_id uuid PRIMARY KEY);"
            " CREATE POLICY loader ON retail.visits TO zava_loader USING (true) WITH CHECK (true)"
        ),
        "column retail.visits.store_id may have statistics",
    ),
    (
        "CREATE STATISTICS retail.s (mcv) ON store_id, status FROM retail.orders",
        "statistics object s counts every store's rows of retail.orders",
    ),
    (
        "CREATE INDEX i ON retail.customers (store_id, lower(email))",
        "keeps statistics of an expression of retail.customers",
    ),
]
# As a dump that carries statistics, or a mistaken restore, would bring them in.
RESTORED = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'retail', 'relname', 'orders', 'attname', 'store_id', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 8::real,
  'most_common_vals', '{4f0fbd5a-6b5a-4c85-8d31-3b0d3a1e0001}'::text,
  'most_common_freqs', '{0.5}'::real[])
"""

REMEDY = (
    "; run ALTER TABLE retail.orders ALTER store_id SET STATISTICS 0;"
    " SELECT pg_clear_attribute_stats('retail', 'orders', 'store_id', false)"
)


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    with cluster.database("statistics") as database:
        yield database


def kept_values(owner: psycopg.Connection) -> set[str]:
    """Return the columns of tenant tables of which PostgreSQL keeps values."""
    rows = owner.execute(
        """
        SELECT tablename || '.' || attname FROM pg_stats
        WHERE schemaname IN ('retail', 'zava')
          AND (most_common_vals IS NOT NULL OR histogram_bounds IS NOT NULL)
          AND tablename IN (SELECT relname FROM pg_policy JOIN pg_class ON polrelid = pg_class.oid)
        """
    )
    return {name for (name,) in rows}


def estimate(owner: psycopg.Connection, table: str, condition: str) -> int:
    """Return how many rows the planner expects."""
    query = f"EXPLAIN (FORMAT JSON) SELECT FROM retail.{table} WHERE {condition}"
    (plan,) = owner.execute(query).fetchone() or (None,)
    assert plan is not None
    rows: int = plan[0]["Plan"]["Plan Rows"]
    return rows


def test_no_value_of_a_store_or_person_is_kept_whoever_analyzes(
    changing: psycopg.Connection,
) -> None:
    for _ in range(2):
        kept = kept_values(changing)
        assert {"orders.order_date", "orders.status", "order_items.product_id"} <= kept
        names = {name.split(".")[1] for name in kept}
        assert not names & {"store_id", "order_id", "customer_id", "email", "phone", "store_name"}
        assert not {name for name in names if name.endswith("_name")}
        changing.execute("ANALYZE")


@pytest.mark.parametrize("table", ["orders", "order_items", "customers", "inventory"])
def test_planner_expects_the_same_of_every_store(changing: psycopg.Connection, table: str) -> None:
    changing.execute("ANALYZE")
    stores = [store_id(name) for name in ("Online", "Seattle", "Kirkland", "Tacoma")]
    counts = {
        changing.execute(
            f"SELECT count(*) FROM retail.{table} WHERE store_id = %s",
            [store],
        ).fetchone()
        for store in stores
    }
    if table != "inventory":  # there each store holds every product
        assert len(counts) > 1
    no_store = "ffffffff-ffff-4fff-bfff-ffffffffffff"
    for comparison in ("=", "<=", ">"):
        expected = {
            estimate(changing, table, f"store_id {comparison} '{store}'")
            for store in (*stores, no_store)
        }
        assert len(expected) == 1


@pytest.mark.parametrize(("statement", "problem"), BREAKS)
async def test_statistics_that_would_count_every_store_are_named(
    empty: Database, signer: ContextSigner, statement: str, problem: str
) -> None:
    pool = DatabasePool(empty.server, max_size=1)
    verification = IsolationCheck(pool, signer, RETAIL)
    assert await verification.problems() == []
    with psycopg.connect(empty.owner, autocommit=True) as owner:
        owner.execute(statement)
    found = await verification.problems()
    await pool.close()
    assert any(problem in text for text in found), found


def test_kept_values_are_named_to_who_may_see_them(empty: Database) -> None:
    with psycopg.connect(empty.owner, autocommit=True) as owner:
        question = ISOLATION.read_text(encoding="utf-8")
        assert owner.execute(question).fetchall() == []
        owner.execute(RESTORED)
        assert owner.execute(question).fetchall() == [
            ("column retail.orders.store_id may have statistics of every store's values" + REMEDY,)
        ]
