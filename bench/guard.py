"""What the guard costs for a statement that it has not seen, beside the parser alone."""

import time
from collections.abc import Callable
from statistics import median

from bench.report import Goal, Part, table
from zava.data.guard.guard import Guard
from zava.data.syntax.outside_text import OutsideText
from zava.data.syntax.parser import parse, parsing_thread

ROUNDS, REPEATS = 9, 100
GOAL_MS = 0.4

_TABLES = frozenset({"stores", "categories", "products", "orders", "order_items", "customers"})
_COLUMNS = frozenset({"store_id", "order_id", "customer_id", "product_id", "order_date", "status"})
_CALLING = frozenset({"pg_sleep", "lo_unlink"})
STATEMENTS = {
    "monthly shares with windows": """
WITH monthly AS (
  SELECT date_trunc('month', o.order_date) AS month, s.store_name, c.category_name,
         sum(i.total_amount) AS revenue, count(DISTINCT o.order_id) AS orders
  FROM retail.orders AS o
  JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id
  JOIN retail.products AS p ON p.product_id = i.product_id
  JOIN retail.categories AS c ON c.category_id = p.category_id
  JOIN retail.stores AS s ON s.store_id = o.store_id
  WHERE o.status NOT IN ('cancelled', 'refunded') AND o.order_date >= DATE '2026-01-01'
  GROUP BY 1, 2, 3)
SELECT store_name, category_name, month, revenue,
       revenue - lag(revenue) OVER (PARTITION BY store_name ORDER BY month) AS change,
       rank() OVER (PARTITION BY store_name, month ORDER BY revenue DESC) AS place,
       round(100 * revenue / sum(revenue) OVER (PARTITION BY store_name, month), 1) AS share
FROM monthly WHERE revenue > 100 ORDER BY store_name, month, place LIMIT 100""",
    "customers who stayed away": """
SELECT c.first_name || ' ' || c.last_name AS customer, c.email,
       count(o.order_id) AS orders, coalesce(sum(o.total_amount), 0) AS lifetime_value,
       max(o.order_date)::date AS last_order,
       CASE WHEN max(o.order_date) < now() - interval '180 days' THEN 'lost'
            WHEN max(o.order_date) < now() - interval '90 days' THEN 'at risk'
            ELSE 'active' END AS standing
FROM retail.customers AS c
LEFT JOIN retail.orders AS o
  ON o.store_id = c.store_id AND o.customer_id = c.customer_id
 AND o.status NOT IN ('cancelled', 'refunded')
WHERE c.email NOT LIKE '%@example.invalid'
GROUP BY c.store_id, c.customer_id, c.first_name, c.last_name, c.email
HAVING max(o.order_date) < now() - interval '90 days' AND sum(o.total_amount) > 100
ORDER BY lifetime_value DESC NULLS LAST, customer LIMIT 50""",
}


def compare() -> Part:
    """Compare per 1,000 characters, on the thread that parses."""
    judge = Guard("retail", _TABLES, _COLUMNS, _CALLING, OutsideText({})).judge
    rows, slowest = [], 0.0
    for name, sql in STATEMENTS.items():
        if judge(sql).error is not None:
            raise SystemExit(f"{name}: refused")
        whole, parser = (_milliseconds(call, sql) * 1000 / len(sql) for call in (judge, parse))
        slowest = max(slowest, whole)
        rows.append(f"| {name} | {len(sql)} | {whole:.3f} | {parser:.3f} | {whole / parser:.2f} |")
    head = "statement new to the guard | characters | verdict, CPU ms per 1,000 | parser alone"
    goal = Goal("guard: CPU ms for 1,000 characters", slowest, GOAL_MS, is_minimum=False)
    return Part("The guard", table(f"{head} | ratio", rows), (goal,))


def _milliseconds(call: Callable[[str], object], sql: str) -> float:
    def measured() -> float:
        rounds = []
        for _ in range(ROUNDS):
            before = time.thread_time()
            for _ in range(REPEATS):
                call(sql)
            rounds.append((time.thread_time() - before) / REPEATS)
        return median(rounds) * 1000

    return parsing_thread().submit(measured).result()
