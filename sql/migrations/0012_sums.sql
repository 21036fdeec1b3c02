-- Sums of the sales, so that the cost of a certified figure does not grow with the orders.
--
-- A writer marks the days and customers that it changes. A reader takes marked keys from the facts
-- and all others from the sums, in one snapshot: its answer is right at every moment and waits for
-- no refresh. A refresh takes marks away and writes the sums in one transaction.
--
-- A mark has the id of its transaction. With one mark for each day, a second writer would find the
-- first one's, a refresh would remove it, and what the second commits later would be in no sum.
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_owner;

SET LOCAL ROLE zava_owner;
CREATE TABLE zava.day_marks (
  store_id   uuid NOT NULL,
  day        date NOT NULL,
  marked_by  xid8 NOT NULL DEFAULT pg_current_xact_id(),
  month      date NOT NULL GENERATED ALWAYS AS (date_trunc('month', day::timestamp)::date) STORED,
  PRIMARY KEY (store_id, day, marked_by)
);
CREATE TABLE zava.customer_marks (
  store_id     uuid NOT NULL,
  customer_id  uuid NOT NULL,
  marked_by    xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (store_id, customer_id, marked_by)
);
COMMENT ON TABLE zava.day_marks IS 'Days of a store whose sums a transaction made stale.';
COMMENT ON TABLE zava.customer_marks IS 'Customers whose totals a transaction made stale.';

-- Days are those of the stores' time zone. "Counted" orders are neither cancelled nor refunded;
-- "placed" ones are not cancelled and no returns.
CREATE TABLE zava.store_days (
  store_id     uuid NOT NULL,
  day          date NOT NULL,
  counted      bigint NOT NULL,
  orders       bigint NOT NULL,
  revenue      numeric NOT NULL,
  placed       bigint NOT NULL,
  refunded     bigint NOT NULL,
  lines        bigint NOT NULL,
  units        numeric NOT NULL,
  gross_sales  numeric NOT NULL,
  discounts    numeric NOT NULL,
  PRIMARY KEY (store_id, day)
);
CREATE TABLE zava.product_months (
  store_id     uuid NOT NULL,
  month        date NOT NULL,
  product_id   uuid NOT NULL,
  orders       bigint NOT NULL,
  revenue      numeric NOT NULL,
  units        numeric NOT NULL,
  gross_sales  numeric NOT NULL,
  discounts    numeric NOT NULL,
  PRIMARY KEY (store_id, month, product_id)
);
-- `ordinal` numbers the customers of a store, for the bit strings of its months. It never changes.
CREATE TABLE zava.customer_totals (
  store_id     uuid NOT NULL,
  customer_id  uuid NOT NULL,
  ordinal      integer NOT NULL CHECK (ordinal > 0),
  orders       bigint NOT NULL DEFAULT 0,
  spent        numeric NOT NULL DEFAULT 0,
  first_at     timestamptz,
  last_at      timestamptz,
  newest_at    timestamptz,
  PRIMARY KEY (store_id, customer_id),
  UNIQUE (store_id, ordinal)
);
CREATE INDEX customer_totals_by_first_idx ON zava.customer_totals (store_id, first_at);
COMMENT ON COLUMN zava.customer_totals.newest_at IS 'The newest order that counts, returns included.';
-- Which customers bought in a month: one bit for each ordinal. Strings of a store have one width, so
-- that months can be united. They are small and read whole: no compression.
CREATE TABLE zava.month_customers (
  store_id  uuid NOT NULL,
  month     date NOT NULL,
  width     integer NOT NULL,
  bits      varbit NOT NULL CHECK (length(bits) = width),
  PRIMARY KEY (store_id, month)
);
ALTER TABLE zava.month_customers ALTER COLUMN bits SET STORAGE EXTERNAL;
-- First purchases by day, of customer_totals as it stands: marked customers are in it, too.
CREATE TABLE zava.new_customer_days (
  store_id   uuid NOT NULL,
  day        date NOT NULL,
  customers  bigint NOT NULL,
  PRIMARY KEY (store_id, day)
);

DO $policies$
DECLARE
  tenant_table text;
  name text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['day_marks', 'customer_marks', 'store_days', 'product_months',
    'customer_totals', 'month_customers', 'new_customer_days']
  LOOP
    EXECUTE format('ALTER TABLE zava.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('CREATE POLICY own_store ON zava.%I FOR SELECT TO store_managers
                    USING (store_id = (SELECT zava.my_store(current_user)))', tenant_table);
    EXECUTE format('CREATE POLICY own_stores ON zava.%I FOR SELECT TO regional_managers, head_office
                    USING (store_id = ANY ((SELECT zava.my_stores(current_user))::uuid[]))', tenant_table);
    EXECUTE format('CREATE POLICY loader ON zava.%I FOR ALL TO zava_loader
                    USING (true) WITH CHECK (true)', tenant_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON zava.%I TO zava_loader', tenant_table);
    -- The planner keeps no value of a tenant's column but dates, by which no store can be told.
    FOR name IN SELECT a.attname FROM pg_attribute AS a
                WHERE a.attrelid = format('zava.%I', tenant_table)::regclass AND a.attnum > 0
                  AND a.attname NOT IN ('day', 'month', 'product_id')
    LOOP
      EXECUTE format('ALTER TABLE zava.%I ALTER COLUMN %I SET STATISTICS 0', tenant_table, name);
    END LOOP;
    IF current_setting('server_version_num')::integer >= 180000 THEN
      EXECUTE format(
        'SELECT pg_catalog.pg_restore_attribute_stats(''schemaname'', ''zava'', ''relname'', %L,
           ''attname'', ''store_id'', ''inherited'', false, ''null_frac'', 0::real,
           ''avg_width'', 16, ''n_distinct'', 8::real)', tenant_table);
    END IF;
  END LOOP;
END $policies$;
-- The roles of the audiences read the sums in the statements of the metric tools. The guard keeps
-- them from free SQL. Ids of transactions would tell how much other stores write.
GRANT SELECT ON zava.store_days, zava.product_months, zava.customer_totals, zava.month_customers,
  zava.new_customer_days TO store_managers, regional_managers, head_office;
GRANT SELECT (store_id, day, month) ON zava.day_marks TO store_managers, regional_managers, head_office;
GRANT SELECT (store_id, customer_id) ON zava.customer_marks TO store_managers, regional_managers, head_office;

-- What readers see. Marked keys are few, and each is looked up by itself: an aggregate without
-- GROUP BY in a LATERAL keeps the planner from reading all facts of a store to find them.
CREATE VIEW zava.current_days WITH (security_invoker = true) AS
  SELECT d.store_id, d.day, d.counted, d.orders, d.revenue, d.placed, d.refunded
  FROM zava.store_days AS d
  WHERE NOT EXISTS (SELECT FROM zava.day_marks AS m WHERE m.store_id = d.store_id AND m.day = d.day)
  UNION ALL
  SELECT m.store_id, m.day, f.counted, f.orders, f.revenue, f.placed, f.refunded
  FROM (SELECT DISTINCT m.store_id, m.day FROM zava.day_marks AS m) AS m
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded')) AS counted,
           count(*) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return) AS orders,
           sum(o.total_amount) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded')) AS revenue,
           count(*) FILTER (WHERE o.status <> 'cancelled' AND NOT o.is_return) AS placed,
           count(*) FILTER (WHERE o.status = 'refunded' AND NOT o.is_return) AS refunded
    FROM retail.orders AS o
    WHERE o.store_id = m.store_id
      AND o.order_date >= (m.day::timestamp AT TIME ZONE 'America/Los_Angeles')
      AND o.order_date < ((m.day + 1)::timestamp AT TIME ZONE 'America/Los_Angeles')
  ) AS f;

CREATE VIEW zava.current_line_days WITH (security_invoker = true) AS
  SELECT d.store_id, d.day, d.lines, d.units, d.gross_sales, d.discounts
  FROM zava.store_days AS d
  WHERE NOT EXISTS (SELECT FROM zava.day_marks AS m WHERE m.store_id = d.store_id AND m.day = d.day)
  UNION ALL
  SELECT m.store_id, m.day, f.lines, f.units, f.gross_sales, f.discounts
  FROM (SELECT DISTINCT m.store_id, m.day FROM zava.day_marks AS m) AS m
  CROSS JOIN LATERAL (
    SELECT count(*) AS lines, sum(i.quantity) AS units, sum(i.quantity * i.unit_price) AS gross_sales,
           sum(i.discount_amount) AS discounts
    FROM retail.orders AS o
    JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id
    WHERE o.store_id = m.store_id
      AND o.order_date >= (m.day::timestamp AT TIME ZONE 'America/Los_Angeles')
      AND o.order_date < ((m.day + 1)::timestamp AT TIME ZONE 'America/Los_Angeles')
      AND o.status NOT IN ('cancelled', 'refunded')
  ) AS f;

CREATE VIEW zava.current_product_months WITH (security_invoker = true) AS
  SELECT p.store_id, p.month, p.product_id, p.orders, p.revenue, p.units, p.gross_sales, p.discounts
  FROM zava.product_months AS p
  WHERE NOT EXISTS (SELECT FROM zava.day_marks AS m WHERE m.store_id = p.store_id AND m.month = p.month)
  UNION ALL
  SELECT m.store_id, m.month, f.product_id, f.orders, f.revenue, f.units, f.gross_sales, f.discounts
  FROM (SELECT DISTINCT m.store_id, m.month FROM zava.day_marks AS m) AS m
  CROSS JOIN LATERAL (
    SELECT i.product_id, count(DISTINCT o.order_id) FILTER (WHERE NOT o.is_return) AS orders,
           sum(i.total_amount) AS revenue, sum(i.quantity) AS units,
           sum(i.quantity * i.unit_price) AS gross_sales, sum(i.discount_amount) AS discounts
    FROM retail.orders AS o
    JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id
    WHERE o.store_id = m.store_id
      AND o.order_date >= (m.month::timestamp AT TIME ZONE 'America/Los_Angeles')
      AND o.order_date < ((m.month + interval '1 month') AT TIME ZONE 'America/Los_Angeles')
      AND o.status NOT IN ('cancelled', 'refunded')
    GROUP BY i.product_id
  ) AS f;

-- A day exists where an order counts. The stored first purchases of marked customers are taken back,
-- and those of the facts come in their place.
CREATE VIEW zava.current_first_days WITH (security_invoker = true) AS
  SELECT n.store_id, n.day, sum(n.customers) AS new_customers
  FROM (
    SELECT d.store_id, d.day, d.counted, 0::bigint AS customers FROM zava.current_days AS d
    UNION ALL
    SELECT f.store_id, f.day, 0::bigint, f.customers FROM zava.new_customer_days AS f
    UNION ALL
    SELECT t.store_id, (t.first_at AT TIME ZONE 'America/Los_Angeles')::date, 0::bigint, (-1)::bigint
    FROM (SELECT DISTINCT m.store_id, m.customer_id FROM zava.customer_marks AS m) AS m
    JOIN zava.customer_totals AS t ON t.store_id = m.store_id AND t.customer_id = m.customer_id
    WHERE t.first_at IS NOT NULL
    UNION ALL
    SELECT m.store_id, (f.first_at AT TIME ZONE 'America/Los_Angeles')::date, 0::bigint, 1::bigint
    FROM (SELECT DISTINCT m.store_id, m.customer_id FROM zava.customer_marks AS m) AS m
    CROSS JOIN LATERAL (
      SELECT min(o.order_date) AS first_at FROM retail.orders AS o
      WHERE o.store_id = m.store_id AND o.customer_id = m.customer_id
        AND o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return
    ) AS f
    WHERE f.first_at IS NOT NULL
  ) AS n
  GROUP BY n.store_id, n.day
  HAVING sum(n.counted) > 0;

-- First purchases of all customers, in one place for cohorts.
CREATE VIEW zava.current_first_purchases WITH (security_invoker = true) AS
  SELECT t.store_id, t.customer_id, t.first_at
  FROM zava.customer_totals AS t
  WHERE t.first_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM zava.customer_marks AS m
                    WHERE m.store_id = t.store_id AND m.customer_id = t.customer_id)
  UNION ALL
  SELECT m.store_id, m.customer_id, f.first_at
  FROM (SELECT DISTINCT m.store_id, m.customer_id FROM zava.customer_marks AS m) AS m
  CROSS JOIN LATERAL (
    SELECT min(o.order_date) AS first_at FROM retail.orders AS o
    WHERE o.store_id = m.store_id AND o.customer_id = m.customer_id
      AND o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return
  ) AS f
  WHERE f.first_at IS NOT NULL;

-- A customer who bought since the last refresh has no ordinal yet. Within one statement each of them
-- gets the same one everywhere. The highest ordinal of a store is read once, and not for each customer
-- without one.
CREATE VIEW zava.unnumbered_customers WITH (security_invoker = true) AS
  SELECT u.store_id, u.customer_id,
         (last.ordinal + row_number() OVER (PARTITION BY u.store_id ORDER BY u.customer_id))::integer AS ordinal
  FROM (
    SELECT DISTINCT m.store_id, m.customer_id FROM zava.customer_marks AS m
    WHERE NOT EXISTS (SELECT FROM zava.customer_totals AS t
                      WHERE t.store_id = m.store_id AND t.customer_id = m.customer_id)
  ) AS u
  JOIN (
    SELECT s.store_id,
           coalesce((SELECT max(t.ordinal) FROM zava.customer_totals AS t WHERE t.store_id = s.store_id), 0) AS ordinal
    FROM retail.stores AS s
    OFFSET 0
  ) AS last ON last.store_id = u.store_id;

CREATE VIEW zava.customer_widths WITH (security_invoker = true) AS
  SELECT s.store_id, greatest(
           (SELECT c.width FROM zava.month_customers AS c WHERE c.store_id = s.store_id LIMIT 1),
           coalesce((SELECT max(t.ordinal) FROM zava.customer_totals AS t WHERE t.store_id = s.store_id), 0)
             + (SELECT count(*) FROM zava.unnumbered_customers AS u WHERE u.store_id = s.store_id)
         )::integer AS width
  FROM retail.stores AS s
  -- Once for each store, and not for each string that is made as wide.
  OFFSET 0;

-- Orders that count, with the ordinal of who bought; NULL for a return or an unknown customer.
CREATE VIEW zava.numbered_orders WITH (security_invoker = true) AS
  SELECT o.store_id, o.order_date,
         CASE WHEN NOT o.is_return THEN coalesce(t.ordinal, u.ordinal) END AS ordinal
  FROM retail.orders AS o
  LEFT JOIN zava.customer_totals AS t ON t.store_id = o.store_id AND t.customer_id = o.customer_id
  LEFT JOIN zava.unnumbered_customers AS u ON u.store_id = o.store_id AND u.customer_id = o.customer_id
  WHERE o.status NOT IN ('cancelled', 'refunded');

CREATE VIEW zava.current_month_customers WITH (security_invoker = true) AS
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
    FROM (SELECT DISTINCT m.month FROM zava.day_marks AS m WHERE m.store_id = w.store_id) AS m
    CROSS JOIN LATERAL (
      SELECT coalesce(max(n.ordinal), 0) AS width, count(*) AS rows,
             coalesce(string_agg(repeat('0', n.ordinal - n.before - 1) || '1', '' ORDER BY n.ordinal), '')::varbit AS bits
      FROM (
        SELECT d.ordinal, lag(d.ordinal, 1, 0) OVER (ORDER BY d.ordinal) AS before
        FROM (
          SELECT DISTINCT o.ordinal FROM zava.numbered_orders AS o
          WHERE o.store_id = w.store_id
            AND o.order_date >= (m.month::timestamp AT TIME ZONE 'America/Los_Angeles')
            AND o.order_date < ((m.month + interval '1 month') AT TIME ZONE 'America/Los_Angeles')
        ) AS d
      ) AS n
    ) AS f
    WHERE f.rows > 0
  ) AS c;

GRANT SELECT ON zava.current_days, zava.current_line_days, zava.current_product_months,
  zava.current_first_days, zava.current_first_purchases, zava.unnumbered_customers, zava.customer_widths,
  zava.numbered_orders, zava.current_month_customers
  TO store_managers, regional_managers, head_office;
SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_owner;
RESET ROLE;
