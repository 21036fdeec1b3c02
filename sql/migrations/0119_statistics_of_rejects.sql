-- Rejected and waiting rows hold customers' names and addresses. The planner samples tables by itself
-- and keeps the values, and an erasure removes no sample. No statement joins these columns.
SET LOCAL ROLE zava_loader;
DO $$
DECLARE
  held record;
BEGIN
  FOR held IN
    SELECT c.oid::regclass AS name, a.attname AS column_name
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'zava_import'::regnamespace AND c.relkind = 'r'
      AND (c.relname IN ('inbox_customers', 'inbox_orders')
           OR c.relname = 'rejects' AND a.attname IN ('value', 'record'))
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', held.name, held.column_name);
  END LOOP;
END $$;
RESET ROLE;
