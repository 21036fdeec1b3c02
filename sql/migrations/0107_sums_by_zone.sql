-- The views of the sums, as before: a marked day is computed in the zone that its mark names. The mark
-- has it, so that no reader joins the stores.
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_owner;
SET LOCAL ROLE zava_owner;
GRANT SELECT (zone) ON zava.day_marks TO store_managers, regional_managers, head_office, zava_chain;
GRANT SELECT (zone) ON zava.customer_marks TO store_managers, regional_managers, head_office;

CREATE OR REPLACE VIEW zava.current_days WITH (security_invoker = true) AS
  SELECT d.store_id, d.day, d.counted, d.orders, d.revenue, d.placed, d.refunded
  FROM zava.store_days AS d
  WHERE NOT EXISTS (SELECT FROM zava.day_marks AS m WHERE m.store_id = d.store_id AND m.day = d.day)
  UNION ALL
  SELECT m.store_id, m.day, f.counted, f.orders, f.revenue, f.placed, f.refunded
  FROM (SELECT DISTINCT m.store_id, m.day, m.zone FROM zava.day_marks AS m) AS m
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded')) AS counted,
           count(*) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return) AS orders,
           sum(o.total_amount) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded')) AS revenue,
           count(*) FILTER (WHERE o.status <> 'cancelled' AND NOT o.is_return) AS placed,
           count(*) FILTER (WHERE o.status = 'refunded' AND NOT o.is_return) AS refunded
    FROM retail.orders AS o
    WHERE o.store_id = m.store_id
      AND o.order_date >= (m.day::timestamp AT TIME ZONE m.zone)
      AND o.order_date < ((m.day + 1)::timestamp AT TIME ZONE m.zone)
  ) AS f;

CREATE OR REPLACE VIEW zava.current_line_days WITH (security_invoker = true) AS
  SELECT d.store_id, d.day, d.lines, d.units, d.gross_sales, d.discounts
  FROM zava.store_days AS d
  WHERE NOT EXISTS (SELECT FROM zava.day_marks AS m WHERE m.store_id = d.store_id AND m.day = d.day)
  UNION ALL
  SELECT m.store_id, m.day, f.lines, f.units, f.gross_sales, f.discounts
  FROM (SELECT DISTINCT m.store_id, m.day, m.zone FROM zava.day_marks AS m) AS m
  CROSS JOIN LATERAL (
    SELECT count(*) AS lines, sum(i.quantity) AS units, sum(i.quantity * i.unit_price) AS gross_sales,
           sum(i.discount_amount) AS discounts
    FROM retail.orders AS o
    JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id
    WHERE o.store_id = m.store_id
      AND o.order_date >= (m.day::timestamp AT TIME ZONE m.zone)
      AND o.order_date < ((m.day + 1)::timestamp AT TIME ZONE m.zone)
      AND o.status NOT IN ('cancelled', 'refunded')
  ) AS f;

CREATE OR REPLACE VIEW zava.current_product_months WITH (security_invoker = true) AS
  SELECT p.store_id, p.month, p.product_id, p.orders, p.revenue, p.units, p.gross_sales, p.discounts
  FROM zava.product_months AS p
  WHERE NOT EXISTS (SELECT FROM zava.day_marks AS m WHERE m.store_id = p.store_id AND m.month = p.month)
  UNION ALL
  SELECT m.store_id, m.month, f.product_id, f.orders, f.revenue, f.units, f.gross_sales, f.discounts
  FROM (SELECT DISTINCT m.store_id, m.month, m.zone FROM zava.day_marks AS m) AS m
  CROSS JOIN LATERAL (
    SELECT i.product_id, count(DISTINCT o.order_id) FILTER (WHERE NOT o.is_return) AS orders,
           sum(i.total_amount) AS revenue, sum(i.quantity) AS units,
           sum(i.quantity * i.unit_price) AS gross_sales, sum(i.discount_amount) AS discounts
    FROM retail.orders AS o
    JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id
    WHERE o.store_id = m.store_id
      AND o.order_date >= (m.month::timestamp AT TIME ZONE m.zone)
      AND o.order_date < ((m.month + interval '1 month') AT TIME ZONE m.zone)
      AND o.status NOT IN ('cancelled', 'refunded')
    GROUP BY i.product_id
  ) AS f;

CREATE OR REPLACE VIEW zava.current_first_days WITH (security_invoker = true) AS
  SELECT n.store_id, n.day, sum(n.customers) AS new_customers
  FROM (
    SELECT d.store_id, d.day, d.counted, 0::bigint AS customers FROM zava.current_days AS d
    UNION ALL
    SELECT f.store_id, f.day, 0::bigint, f.customers FROM zava.new_customer_days AS f
    UNION ALL
    SELECT t.store_id, (t.first_at AT TIME ZONE m.zone)::date, 0::bigint, (-1)::bigint
    FROM (SELECT DISTINCT m.store_id, m.customer_id, m.zone FROM zava.customer_marks AS m) AS m
    JOIN zava.customer_totals AS t ON t.store_id = m.store_id AND t.customer_id = m.customer_id
    WHERE t.first_at IS NOT NULL
    UNION ALL
    SELECT m.store_id, (f.first_at AT TIME ZONE m.zone)::date, 0::bigint, 1::bigint
    FROM (SELECT DISTINCT m.store_id, m.customer_id, m.zone FROM zava.customer_marks AS m) AS m
    CROSS JOIN LATERAL (
      SELECT min(o.order_date) AS first_at FROM retail.orders AS o
      WHERE o.store_id = m.store_id AND o.customer_id = m.customer_id
        AND o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return
    ) AS f
    WHERE f.first_at IS NOT NULL
  ) AS n
  GROUP BY n.store_id, n.day
  HAVING sum(n.counted) > 0;

CREATE OR REPLACE VIEW zava.current_month_customers WITH (security_invoker = true) AS
  SELECT w.store_id, c.month,
         CASE WHEN w.width > c.width THEN c.bits || repeat('0', w.width - c.width)::varbit ELSE c.bits END AS bits
  FROM zava.customer_widths AS w
  CROSS JOIN LATERAL (
    SELECT c.month, c.width, c.bits
    FROM zava.month_customers AS c
    WHERE c.store_id = w.store_id
      AND NOT EXISTS (SELECT FROM zava.day_marks AS m WHERE m.store_id = c.store_id AND m.month = c.month)
    UNION ALL
    SELECT m.month, f.width, f.bits
    FROM (SELECT DISTINCT m.month, m.zone FROM zava.day_marks AS m WHERE m.store_id = w.store_id) AS m
    CROSS JOIN LATERAL (
      SELECT coalesce(max(n.ordinal), 0) AS width, count(*) AS rows,
             coalesce(string_agg(repeat('0', n.ordinal - n.before - 1) || '1', '' ORDER BY n.ordinal), '')::varbit AS bits
      FROM (
        SELECT d.ordinal, lag(d.ordinal, 1, 0) OVER (ORDER BY d.ordinal) AS before
        FROM (
          SELECT DISTINCT o.ordinal FROM zava.numbered_orders AS o
          WHERE o.store_id = w.store_id
            AND o.order_date >= (m.month::timestamp AT TIME ZONE m.zone)
            AND o.order_date < ((m.month + interval '1 month') AT TIME ZONE m.zone)
        ) AS d
      ) AS n
    ) AS f
    WHERE f.rows > 0
  ) AS c;

SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_owner;
RESET ROLE;
