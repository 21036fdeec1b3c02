-- Who marks days and customers, and who refreshes their sums.
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_loader;

-- Orders of a statement, as they were and as they are.
CREATE FUNCTION zava.mark_orders() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF TG_OP <> 'DELETE' THEN
    WITH marked AS (
      INSERT INTO zava.day_marks (store_id, day)
      SELECT DISTINCT n.store_id, (n.order_date AT TIME ZONE 'America/Los_Angeles')::date FROM new_rows AS n
      ON CONFLICT DO NOTHING
    )
    INSERT INTO zava.customer_marks (store_id, customer_id)
    SELECT n.store_id, n.customer_id FROM new_rows AS n WHERE n.customer_id IS NOT NULL
    ON CONFLICT DO NOTHING;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    WITH marked AS (
      INSERT INTO zava.day_marks (store_id, day)
      SELECT DISTINCT o.store_id, (o.order_date AT TIME ZONE 'America/Los_Angeles')::date FROM old_rows AS o
      ON CONFLICT DO NOTHING
    )
    INSERT INTO zava.customer_marks (store_id, customer_id)
    SELECT o.store_id, o.customer_id FROM old_rows AS o WHERE o.customer_id IS NOT NULL
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;

-- Lines have the day of their order. An order that this transaction wrote is marked already. One whose
-- lines went with it in one statement is in the old rows of its own trigger.
--
-- The orders are locked, as their writers lock them, and in one sequence. Otherwise one transaction
-- could change the lines of an order while another moves it to another day. Each would mark what it
-- sees, and a refresh between the two commits would leave the new day without the change.
CREATE FUNCTION zava.mark_lines() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO zava.day_marks (store_id, day)
    SELECT n.store_id, (d.order_date AT TIME ZONE 'America/Los_Angeles')::date
    FROM (SELECT DISTINCT n.store_id, n.order_id FROM new_rows AS n ORDER BY n.store_id, n.order_id) AS n
    CROSS JOIN LATERAL (SELECT o.order_date FROM retail.orders AS o
                        WHERE o.store_id = n.store_id AND o.order_id = n.order_id
                          AND o.xmin <> pg_current_xact_id()::xid FOR NO KEY UPDATE) AS d
    ON CONFLICT DO NOTHING;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    INSERT INTO zava.day_marks (store_id, day)
    SELECT n.store_id, (d.order_date AT TIME ZONE 'America/Los_Angeles')::date
    FROM (SELECT DISTINCT n.store_id, n.order_id FROM old_rows AS n ORDER BY n.store_id, n.order_id) AS n
    CROSS JOIN LATERAL (SELECT o.order_date FROM retail.orders AS o
                        WHERE o.store_id = n.store_id AND o.order_id = n.order_id
                          AND o.xmin <> pg_current_xact_id()::xid FOR NO KEY UPDATE) AS d
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;

GRANT EXECUTE ON FUNCTION zava.mark_orders(), zava.mark_lines() TO zava_owner;

-- A refresh in the transaction that wrote an order would take its mark away, and lines written after
-- that would bring none.
CREATE FUNCTION zava.refuse_own_mark() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'sums are refreshed by a transaction that changed no sales'
    USING ERRCODE = 'object_not_in_prerequisite_state';
END $$;
GRANT EXECUTE ON FUNCTION zava.refuse_own_mark() TO zava_owner;

SET LOCAL ROLE zava_loader;
-- A TRUNCATE shows no rows to its trigger: whatever has a sum is marked. The owner, who truncates,
-- reads and writes no sum. An older snapshot would not show the latest sums.
CREATE FUNCTION zava.mark_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'TRUNCATE % needs the isolation level READ COMMITTED', TG_TABLE_NAME
      USING ERRCODE = 'feature_not_supported';
  END IF;
  INSERT INTO zava.day_marks (store_id, day) SELECT d.store_id, d.day FROM zava.store_days AS d
  ON CONFLICT DO NOTHING;
  INSERT INTO zava.customer_marks (store_id, customer_id)
  SELECT t.store_id, t.customer_id FROM zava.customer_totals AS t
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION zava.mark_all() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zava.mark_all() TO zava_owner;

-- Marks what has orders or sums, so that the next refresh computes all of it anew: run by the loader,
-- and after a time in which a trigger did not run.
CREATE FUNCTION zava.mark_everything() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO zava.day_marks (store_id, day)
  SELECT o.store_id, (o.order_date AT TIME ZONE 'America/Los_Angeles')::date FROM retail.orders AS o
  UNION SELECT d.store_id, d.day FROM zava.store_days AS d
  ON CONFLICT DO NOTHING;
  INSERT INTO zava.customer_marks (store_id, customer_id)
  SELECT o.store_id, o.customer_id FROM retail.orders AS o WHERE o.customer_id IS NOT NULL
  UNION SELECT t.store_id, t.customer_id FROM zava.customer_totals AS t
  ON CONFLICT DO NOTHING;
END $$;
REVOKE ALL ON FUNCTION zava.mark_everything() FROM PUBLIC;

-- Refreshes the sums of so many marked customers and months of a store, and returns whether marks
-- are left: NULL if another session refreshes. Each statement reads a snapshot of its own, after the
-- one that took the marks: what commits in between brings marks of its own, which stay.
--
-- Every join goes by a key: at this size the planner would read all orders of a store.
CREATE FUNCTION zava.refresh_sums(p_customers integer, p_months integer) RETURNS boolean
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
    FROM (SELECT DISTINCT t.store_id, (t.first_at AT TIME ZONE 'America/Los_Angeles')::date AS day
          FROM unnest(stores, customers) AS k (store_id, customer_id)
          JOIN zava.customer_totals AS t ON t.store_id = k.store_id AND t.customer_id = k.customer_id
          WHERE t.first_at IS NOT NULL) AS f;

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
    CROSS JOIN LATERAL (
      SELECT coalesce(max(n.ordinal), 0) AS ordinal FROM zava.customer_totals AS n WHERE n.store_id = k.store_id
    ) AS last
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
          SELECT t.store_id, (t.first_at AT TIME ZONE 'America/Los_Angeles')::date
          FROM unnest(stores, customers) AS k (store_id, customer_id)
          JOIN zava.customer_totals AS t ON t.store_id = k.store_id AND t.customer_id = k.customer_id
          WHERE t.first_at IS NOT NULL) AS f;
    DELETE FROM zava.new_customer_days AS n USING unnest(first_stores, first_days) AS s (store_id, day)
    WHERE n.store_id = s.store_id AND n.day = s.day;
    INSERT INTO zava.new_customer_days (store_id, day, customers)
    SELECT s.store_id, s.day, f.customers
    FROM unnest(first_stores, first_days) AS s (store_id, day)
    CROSS JOIN LATERAL (
      SELECT count(*) AS customers FROM zava.customer_totals AS t
      WHERE t.store_id = s.store_id AND t.first_at >= (s.day::timestamp AT TIME ZONE 'America/Los_Angeles')
        AND t.first_at < ((s.day + 1)::timestamp AT TIME ZONE 'America/Los_Angeles')
    ) AS f
    WHERE f.customers > 0;
  END IF;

  FOR marked IN
    SELECT DISTINCT m.store_id, m.month FROM zava.day_marks AS m
    ORDER BY m.month DESC, m.store_id LIMIT p_months
  LOOP
    since := marked.month::timestamp AT TIME ZONE 'America/Los_Angeles';
    until := (marked.month + interval '1 month') AT TIME ZONE 'America/Los_Angeles';
    DELETE FROM zava.day_marks AS m
    WHERE m.store_id = marked.store_id AND m.day >= marked.month AND m.day < marked.month + interval '1 month';
    DELETE FROM zava.store_days AS d
    WHERE d.store_id = marked.store_id AND d.day >= marked.month AND d.day < marked.month + interval '1 month';
    DELETE FROM zava.product_months AS p WHERE p.store_id = marked.store_id AND p.month = marked.month;
    DELETE FROM zava.month_customers AS c WHERE c.store_id = marked.store_id AND c.month = marked.month;

    -- The lines of the month are read once, for its days and its products.
    WITH line AS MATERIALIZED (
      SELECT (o.order_date AT TIME ZONE 'America/Los_Angeles')::date AS day, i.product_id, o.order_id, o.is_return,
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
      SELECT (o.order_date AT TIME ZONE 'America/Los_Angeles')::date AS day,
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
    INSERT INTO zava.customer_totals (store_id, customer_id, ordinal)
    SELECT b.store_id, b.customer_id, last.ordinal + row_number() OVER (ORDER BY b.customer_id)
    FROM (
      SELECT DISTINCT o.store_id, o.customer_id FROM retail.orders AS o
      WHERE o.store_id = marked.store_id AND o.order_date >= since AND o.order_date < until
        AND o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return AND o.customer_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM zava.customer_totals AS t
                        WHERE t.store_id = o.store_id AND t.customer_id = o.customer_id)
    ) AS b
    CROSS JOIN LATERAL (
      SELECT coalesce(max(n.ordinal), 0) AS ordinal FROM zava.customer_totals AS n WHERE n.store_id = b.store_id
    ) AS last;

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
REVOKE ALL ON FUNCTION zava.refresh_sums(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zava.refresh_sums(integer, integer) TO zava_server;

SET LOCAL ROLE zava_owner;
DO $triggers$
DECLARE
  fact record;
BEGIN
  FOR fact IN SELECT * FROM (VALUES ('orders', 'mark_orders'), ('order_items', 'mark_lines')) AS facts (name, marker)
  LOOP
    EXECUTE format('CREATE TRIGGER mark_insert AFTER INSERT ON retail.%I REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.%I()', fact.name, fact.marker);
    EXECUTE format('CREATE TRIGGER mark_update AFTER UPDATE ON retail.%I
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.%I()', fact.name, fact.marker);
    EXECUTE format('CREATE TRIGGER mark_delete AFTER DELETE ON retail.%I REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.%I()', fact.name, fact.marker);
    EXECUTE format('CREATE TRIGGER mark_all AFTER TRUNCATE ON retail.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.mark_all()', fact.name);
  END LOOP;
END $triggers$;

CREATE TRIGGER refuse_own_mark BEFORE DELETE ON zava.day_marks
  FOR EACH ROW WHEN (OLD.marked_by = pg_catalog.pg_current_xact_id_if_assigned())
  EXECUTE FUNCTION zava.refuse_own_mark();

SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_loader;
RESET ROLE;
