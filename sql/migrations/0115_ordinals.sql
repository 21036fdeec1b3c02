-- A refresh numbers new customers from the last ordinal of their store. It read that ordinal for each
-- customer, past all those that the same statement had just written: the time grew with the square of
-- a month's new customers, to minutes for some ten thousand.
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_loader;

SET LOCAL ROLE zava_loader;
CREATE OR REPLACE FUNCTION zava.refresh_sums(p_customers integer, p_months integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET random_page_cost = 1.1 SET jit = off
AS $$
DECLARE
  marked record;
  stores uuid[];
  customers uuid[];
  first_stores uuid[];
  first_days date[];
  since timestamptz;
  until timestamptz;
  needed integer;
  had integer;
BEGIN
  -- Any constant does, but not the importer's.
  IF NOT pg_try_advisory_xact_lock(7261941212) THEN
    RETURN NULL;
  END IF;

  WITH chosen AS (
    SELECT DISTINCT m.store_id, m.customer_id FROM zava.customer_marks AS m
    ORDER BY m.store_id, m.customer_id LIMIT p_customers
  ), taken AS (
    DELETE FROM zava.customer_marks AS m USING chosen AS c
    WHERE m.store_id = c.store_id AND m.customer_id = c.customer_id
  )
  SELECT array_agg(c.store_id), array_agg(c.customer_id) INTO stores, customers FROM chosen AS c;

  IF stores IS NOT NULL THEN
    SELECT array_agg(f.store_id), array_agg(f.day) INTO first_stores, first_days
    FROM (SELECT DISTINCT t.store_id, (t.first_at AT TIME ZONE z.time_zone)::date AS day
          FROM unnest(stores, customers) AS k (store_id, customer_id)
          JOIN zava.customer_totals AS t ON t.store_id = k.store_id AND t.customer_id = k.customer_id
          JOIN retail.stores AS z ON z.store_id = k.store_id
          WHERE t.first_at IS NOT NULL) AS f;

    -- The last ordinals are read before the first row is written. Read for each row, they would pass by
    -- all rows that the statement wrote before it.
    WITH last AS MATERIALIZED (
      SELECT s.store_id, (SELECT coalesce(max(n.ordinal), 0) FROM zava.customer_totals AS n
                          WHERE n.store_id = s.store_id) AS ordinal
      FROM (SELECT DISTINCT u.store_id FROM unnest(stores) AS u (store_id)) AS s
    )
    INSERT INTO zava.customer_totals AS t (store_id, customer_id, ordinal, orders, spent, first_at, last_at, newest_at)
    SELECT k.store_id, k.customer_id,
           coalesce(e.ordinal, last.ordinal
             + row_number() OVER (PARTITION BY k.store_id, e.ordinal IS NULL ORDER BY k.customer_id)),
           f.orders, f.spent, f.first_at, f.last_at, f.newest_at
    FROM unnest(stores, customers) AS k (store_id, customer_id)
    LEFT JOIN zava.customer_totals AS e ON e.store_id = k.store_id AND e.customer_id = k.customer_id
    CROSS JOIN LATERAL (
      SELECT count(*) AS counted, count(*) FILTER (WHERE NOT o.is_return) AS orders, sum(o.total_amount) AS spent,
             min(o.order_date) FILTER (WHERE NOT o.is_return) AS first_at,
             max(o.order_date) FILTER (WHERE NOT o.is_return) AS last_at, max(o.order_date) AS newest_at
      FROM retail.orders AS o
      WHERE o.store_id = k.store_id AND o.customer_id = k.customer_id AND o.status NOT IN ('cancelled', 'refunded')
    ) AS f
    JOIN last ON last.store_id = k.store_id
    WHERE f.counted > 0
    ON CONFLICT (store_id, customer_id) DO UPDATE SET
      orders = excluded.orders, spent = excluded.spent, first_at = excluded.first_at,
      last_at = excluded.last_at, newest_at = excluded.newest_at;

    DELETE FROM zava.customer_totals AS t
    USING unnest(stores, customers) AS k (store_id, customer_id)
    WHERE t.store_id = k.store_id AND t.customer_id = k.customer_id
      AND NOT EXISTS (SELECT FROM retail.orders AS o
                      WHERE o.store_id = k.store_id AND o.customer_id = k.customer_id
                        AND o.status NOT IN ('cancelled', 'refunded'));

    SELECT array_agg(f.store_id), array_agg(f.day) INTO first_stores, first_days
    FROM (SELECT s.store_id, s.day FROM unnest(first_stores, first_days) AS s (store_id, day)
          UNION
          SELECT t.store_id, (t.first_at AT TIME ZONE z.time_zone)::date
          FROM unnest(stores, customers) AS k (store_id, customer_id)
          JOIN zava.customer_totals AS t ON t.store_id = k.store_id AND t.customer_id = k.customer_id
          JOIN retail.stores AS z ON z.store_id = k.store_id
          WHERE t.first_at IS NOT NULL) AS f;
    DELETE FROM zava.new_customer_days AS n USING unnest(first_stores, first_days) AS s (store_id, day)
    WHERE n.store_id = s.store_id AND n.day = s.day;
    INSERT INTO zava.new_customer_days (store_id, day, customers)
    SELECT s.store_id, s.day, f.customers
    FROM unnest(first_stores, first_days) AS s (store_id, day)
    JOIN retail.stores AS z ON z.store_id = s.store_id
    CROSS JOIN LATERAL (
      SELECT count(*) AS customers FROM zava.customer_totals AS t
      WHERE t.store_id = s.store_id AND t.first_at >= (s.day::timestamp AT TIME ZONE z.time_zone)
        AND t.first_at < ((s.day + 1)::timestamp AT TIME ZONE z.time_zone)
    ) AS f
    WHERE f.customers > 0;
  END IF;

  FOR marked IN
    SELECT DISTINCT m.store_id, m.month, m.zone FROM zava.day_marks AS m
    ORDER BY m.month DESC, m.store_id LIMIT p_months
  LOOP
    since := marked.month::timestamp AT TIME ZONE marked.zone;
    until := (marked.month + interval '1 month') AT TIME ZONE marked.zone;
    DELETE FROM zava.day_marks AS m
    WHERE m.store_id = marked.store_id AND m.day >= marked.month AND m.day < marked.month + interval '1 month';
    DELETE FROM zava.store_days AS d
    WHERE d.store_id = marked.store_id AND d.day >= marked.month AND d.day < marked.month + interval '1 month';
    DELETE FROM zava.product_months AS p WHERE p.store_id = marked.store_id AND p.month = marked.month;
    DELETE FROM zava.month_customers AS c WHERE c.store_id = marked.store_id AND c.month = marked.month;

    -- The lines of the month are read once, for its days and its products.
    WITH line AS MATERIALIZED (
      SELECT (o.order_date AT TIME ZONE marked.zone)::date AS day, i.product_id, o.order_id, o.is_return,
             count(*) AS lines, sum(i.total_amount) AS revenue, sum(i.quantity) AS units,
             sum(i.quantity * i.unit_price) AS gross_sales, sum(i.discount_amount) AS discounts
      FROM retail.orders AS o
      JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id
      WHERE o.store_id = marked.store_id AND o.order_date >= since AND o.order_date < until
        AND o.status NOT IN ('cancelled', 'refunded')
      GROUP BY o.order_id, o.order_date, o.is_return, i.product_id
    ), by_product AS (
      INSERT INTO zava.product_months (store_id, month, product_id, orders, revenue, units, gross_sales, discounts)
      SELECT marked.store_id, marked.month, l.product_id, count(*) FILTER (WHERE NOT l.is_return),
             sum(l.revenue), sum(l.units), sum(l.gross_sales), sum(l.discounts)
      FROM line AS l GROUP BY l.product_id
    )
    INSERT INTO zava.store_days (store_id, day, counted, orders, revenue, placed, refunded, lines, units, gross_sales, discounts)
    SELECT marked.store_id, s.day, sum(s.counted), sum(s.orders), sum(s.revenue), sum(s.placed), sum(s.refunded),
           sum(s.lines), sum(s.units), sum(s.gross_sales), sum(s.discounts)
    FROM (
      SELECT (o.order_date AT TIME ZONE marked.zone)::date AS day,
             count(*) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded')) AS counted,
             count(*) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return) AS orders,
             coalesce(sum(o.total_amount) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded')), 0) AS revenue,
             count(*) FILTER (WHERE o.status <> 'cancelled' AND NOT o.is_return) AS placed,
             count(*) FILTER (WHERE o.status = 'refunded' AND NOT o.is_return) AS refunded,
             0::bigint AS lines, 0::numeric AS units, 0::numeric AS gross_sales, 0::numeric AS discounts
      FROM retail.orders AS o
      WHERE o.store_id = marked.store_id AND o.order_date >= since AND o.order_date < until
      GROUP BY 1
      UNION ALL
      SELECT l.day, 0, 0, 0, 0, 0, sum(l.lines), sum(l.units), sum(l.gross_sales), sum(l.discounts)
      FROM line AS l GROUP BY l.day
    ) AS s
    GROUP BY s.day
    HAVING sum(s.counted) > 0 OR sum(s.placed) > 0;

    -- A customer without an ordinal gets one; the totals follow with that customer's own mark.
    SELECT coalesce(max(t.ordinal), 0) INTO needed FROM zava.customer_totals AS t WHERE t.store_id = marked.store_id;
    INSERT INTO zava.customer_totals (store_id, customer_id, ordinal)
    SELECT b.store_id, b.customer_id, needed + row_number() OVER (ORDER BY b.customer_id)
    FROM (
      SELECT DISTINCT o.store_id, o.customer_id FROM retail.orders AS o
      WHERE o.store_id = marked.store_id AND o.order_date >= since AND o.order_date < until
        AND o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return AND o.customer_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM zava.customer_totals AS t
                        WHERE t.store_id = o.store_id AND t.customer_id = o.customer_id)
    ) AS b;

    SELECT coalesce(max(t.ordinal), 0) INTO needed FROM zava.customer_totals AS t WHERE t.store_id = marked.store_id;
    SELECT coalesce(max(c.width), 0) INTO had FROM zava.month_customers AS c WHERE c.store_id = marked.store_id;
    IF needed > had THEN
      -- Wider than needed, so that the strings of all months are seldom written anew.
      needed := 1024 * (1 + needed * 5 / 4096);
      UPDATE zava.month_customers AS c
      SET bits = c.bits || repeat('0', needed - c.width)::varbit, width = needed
      WHERE c.store_id = marked.store_id;
    ELSE
      needed := had;
    END IF;
    INSERT INTO zava.month_customers (store_id, month, width, bits)
    SELECT marked.store_id, marked.month, needed,
           (coalesce(f.bits, '') || repeat('0', needed - coalesce(f.highest, 0)))::varbit
    FROM (
      SELECT string_agg(repeat('0', n.ordinal - n.before - 1) || '1', '' ORDER BY n.ordinal) AS bits,
             max(n.ordinal) AS highest, count(*) AS rows
      FROM (
        SELECT d.ordinal, lag(d.ordinal, 1, 0) OVER (ORDER BY d.ordinal) AS before
        FROM (
          SELECT DISTINCT CASE WHEN NOT o.is_return THEN t.ordinal END AS ordinal
          FROM retail.orders AS o
          LEFT JOIN zava.customer_totals AS t ON t.store_id = o.store_id AND t.customer_id = o.customer_id
          WHERE o.store_id = marked.store_id AND o.order_date >= since AND o.order_date < until
            AND o.status NOT IN ('cancelled', 'refunded')
        ) AS d
        -- Who came after the numbering has a mark, so that this string is not read.
        WHERE d.ordinal IS NULL OR d.ordinal <= needed
      ) AS n
    ) AS f
    WHERE f.rows > 0;
  END LOOP;

  RETURN EXISTS (SELECT FROM zava.day_marks) OR EXISTS (SELECT FROM zava.customer_marks);
END $$;

SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_loader;
RESET ROLE;
