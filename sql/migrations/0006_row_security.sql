-- The policies of the tenant tables, and what the planner may know of them.
SET LOCAL ROLE zava_context;
-- The canaries: two rows under the retail policies. They prove the seal on an empty database, too.
GRANT CREATE ON SCHEMA zava TO zava_owner;
SET LOCAL ROLE zava_owner;
CREATE TABLE zava.canary (store_id uuid PRIMARY KEY, song text NOT NULL);
GRANT SELECT ON zava.canary TO store_managers, regional_managers, head_office;
GRANT SELECT, INSERT ON zava.canary TO zava_loader;

-- One policy for each audience on each tenant table, and the one of the loader. Regional managers have
-- no privilege on retail.customer_persons, and store managers not even a policy.
DO $$
DECLARE
  tenant_table regclass;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['retail.stores', 'retail.customers', 'retail.customer_persons',
    'retail.inventory', 'retail.store_targets', 'retail.orders', 'retail.order_items',
    'zava.canary']::regclass[]
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tenant_table);
    IF tenant_table <> 'retail.customer_persons'::regclass THEN
      -- A scalar is estimated exactly; an array counts as ten elements.
      EXECUTE format('CREATE POLICY own_store ON %s FOR SELECT TO store_managers
                      USING (store_id = (SELECT zava.my_store(current_user)))', tenant_table);
    END IF;
    EXECUTE format('CREATE POLICY own_stores ON %s FOR SELECT TO regional_managers, head_office
                    USING (store_id = ANY ((SELECT zava.my_stores(current_user))::uuid[]))', tenant_table);
    EXECUTE format('CREATE POLICY loader ON %s FOR ALL TO zava_loader
                    USING (true) WITH CHECK (true)', tenant_table);
  END LOOP;
END $$;

SET LOCAL ROLE zava_loader;
INSERT INTO zava.canary VALUES
  ('00000000-0000-0000-0000-0000000000a1', 'first canary'),
  ('00000000-0000-0000-0000-0000000000b2', 'second canary');

SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_owner;

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
