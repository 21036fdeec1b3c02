"""Copies of the demo's sales are sales like the others, and the sums count them."""

import psycopg
import pytest

from bench.copies import multiply_sales
from tests.support.servers.database import Database

FIGURES = """
SELECT (SELECT count(*) FROM retail.customers), (SELECT count(*) FROM retail.orders),
       (SELECT count(*) FROM retail.order_items),
       (SELECT sum(orders) FROM zava.store_days), (SELECT sum(revenue) FROM zava.store_days),
       (SELECT sum(units) FROM zava.product_months), (SELECT sum(new_customers) FROM ({new}) AS n)
"""
NEW = "SELECT count(*) AS new_customers FROM zava.customer_totals WHERE first_at IS NOT NULL"
LOOSE = """
SELECT (SELECT count(*) FROM retail.orders AS o LEFT JOIN retail.customers AS c
          USING (store_id, customer_id)
        WHERE o.customer_id IS NOT NULL AND c.created_at IS NULL),
       (SELECT count(*) FROM retail.order_items AS i LEFT JOIN retail.orders AS o
          USING (store_id, order_id) WHERE o.order_date IS NULL),
       (SELECT count(*) FROM zava.day_marks)
"""
INDEXES = "SELECT pg_get_indexdef(indexrelid) FROM pg_index ORDER BY 1"


def test_each_copy_has_its_customer_its_lines_and_its_share_of_the_sums(
    seeded_clone: Database,
) -> None:
    figures = FIGURES.format(new=NEW).encode()
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        before = owner.execute(figures).fetchone()
        indexes = owner.execute(INDEXES).fetchall()
        multiply_sales(seeded_clone.owner, seeded_clone.admin, 3)
        after = owner.execute(figures).fetchone()
        assert before is not None
        assert after == tuple(3 * figure for figure in before)
        assert owner.execute(LOOSE).fetchone() == (0, 0, 0)
        assert owner.execute(INDEXES).fetchall() == indexes
        with pytest.raises(ValueError, match="11 times"):
            multiply_sales(seeded_clone.owner, seeded_clone.admin, 11)
