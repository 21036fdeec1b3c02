-- The planner keeps no value of a tenant column. Its statistics are made from every store's rows,
-- so an estimate that uses them follows the volume and the ids of stores outside the caller's scope.
--
-- ANALYZE and autovacuum leave out a column whose statistics target is 0. PostgreSQL 18 lets the
-- owner put constants in the place of statistics, which no store makes. A column that was analyzed
-- under another target keeps what was stored: `zava verify` names it, and nothing is served.
SET LOCAL ROLE zava_owner;

DO $statistics$
DECLARE
  tenant record;
BEGIN
  FOR tenant IN
    SELECT c.oid::regclass AS name, a.attname AS column_name
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE EXISTS (SELECT FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid)
      -- Measures, dates and references to the shared catalogue: the same list as in `zava verify`.
      AND (c.oid = 'retail.stores'::regclass OR a.attname NOT IN (
        'created_at', 'updated_at', 'order_date', 'status', 'total_amount', 'product_id', 'line_number',
        'quantity', 'unit_price', 'discount_percent', 'discount_amount', 'stock_level', 'reorder_point',
        'is_return', 'tax_amount', 'shipping_amount'))
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', tenant.name, tenant.column_name);
  END LOOP;

  IF current_setting('server_version_num')::integer >= 180000 THEN
    FOR tenant IN
      SELECT * FROM (VALUES
        ('customers', 'store_id', 16, 8.0), ('customers', 'customer_id', 16, -1.0),
        ('customers', 'first_name', 8, 100.0), ('customers', 'last_name', 8, 100.0),
        ('customers', 'email', 24, -1.0), ('customers', 'phone', 16, -1.0),
        ('inventory', 'store_id', 16, 8.0),
        ('orders', 'store_id', 16, 8.0), ('orders', 'order_id', 16, -1.0),
        ('orders', 'customer_id', 16, -0.25),
        ('order_items', 'store_id', 16, 8.0), ('order_items', 'order_id', 16, -0.4)
      ) AS constants (table_name, column_name, width, distinct_values)
    LOOP
      EXECUTE format(
        'SELECT pg_catalog.pg_restore_attribute_stats(''schemaname'', ''retail'', ''relname'', %L,
           ''attname'', %L, ''inherited'', false, ''null_frac'', 0::real,
           ''avg_width'', %s::integer, ''n_distinct'', %s::real)',
        tenant.table_name, tenant.column_name, tenant.width, tenant.distinct_values);
    END LOOP;
  END IF;
END $statistics$;
RESET ROLE;
