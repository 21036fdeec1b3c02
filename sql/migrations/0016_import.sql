-- A retailer's own data come in through tables of text: one run's rows are copied there, checked,
-- and written to the retail tables in one transaction.
--
-- Staged rows survive the importer's end and not the server's: no log is written of them, and a run
-- whose rows are gone reads its files again. The inbox is for tools that write rows themselves.
CREATE SCHEMA zava_import AUTHORIZATION zava_loader;

SET LOCAL ROLE zava_context;
CREATE TABLE zava.import_runs (
  run_id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  source_system  text NOT NULL CHECK (length(source_system) BETWEEN 1 AND 50),
  mode           text NOT NULL CHECK (mode IN ('append', 'upsert', 'replace-period')),
  manifest       text NOT NULL,
  files          jsonb NOT NULL,
  staged         jsonb,
  state          text NOT NULL DEFAULT 'reading' CHECK (state IN ('reading', 'staged', 'done')),
  result         jsonb,
  started_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at    timestamptz
);
COMMENT ON COLUMN zava.import_runs.manifest IS 'Hash over the files, the mapping and the mode.';
COMMENT ON COLUMN zava.import_runs.files IS 'Name, SHA-256 and size of each file.';
COMMENT ON COLUMN zava.import_runs.staged IS 'Rows staged for each table.';
GRANT SELECT, INSERT, UPDATE, DELETE ON zava.import_runs TO zava_loader;

-- The loader marks here which demo data it made, and refuses to mix them with others.
CREATE TABLE zava.demo_data (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  seed       text NOT NULL,
  scale      numeric NOT NULL,
  today      date NOT NULL,
  loaded_at  timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON zava.demo_data TO zava_loader;

-- An import is one row of the log, whatever it wrote.
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON zava.demo_data
  FOR EACH ROW EXECUTE FUNCTION zava.log_change();
CREATE TRIGGER log_change AFTER UPDATE ON zava.import_runs
  FOR EACH ROW WHEN (OLD.state <> 'done' AND NEW.state = 'done') EXECUTE FUNCTION zava.log_change();

SET LOCAL ROLE zava_loader;
DO $tables$
DECLARE
  staged record;
BEGIN
  FOR staged IN
    SELECT * FROM (VALUES
      ('stores', 'store_key text, store_name text, location text, region text, is_online text, opened_on text, closed_on text'),
      ('products', 'product_key text, sku text, product_name text, category text, product_type text, cost text, base_price text, unit text, description text, synonyms text, discontinued text'),
      ('customers', 'store_key text, customer_key text, first_name text, last_name text, email text, phone text, created_at text, person_key text'),
      ('inventory', 'store_key text, product_key text, stock_level text, reorder_point text'),
      ('orders', 'store_key text, order_key text, customer_key text, order_date text, status text, total_amount text, tax_amount text, shipping_amount text, tender text'),
      ('order_items', 'store_key text, order_key text, line_number text, product_key text, quantity text, unit_price text, discount_amount text, total_amount text'),
      ('product_prices', 'product_key text, valid_from text, cost text, base_price text'),
      ('store_targets', 'store_key text, month text, revenue_target text'),
      ('suppliers', 'supplier_key text, supplier_name text, lead_days text'),
      ('product_suppliers', 'product_key text, supplier_key text'),
      ('promotions', 'promotion_key text, promotion_name text, first_day text, last_day text'),
      ('promotion_products', 'promotion_key text, product_key text')
    ) AS layout (name, columns)
  LOOP
    EXECUTE format('CREATE UNLOGGED TABLE zava_import.%I (file integer NOT NULL, row bigint NOT NULL, %s)',
                   staged.name, staged.columns);
    EXECUTE format('CREATE TABLE zava_import.%I (id bigint GENERATED ALWAYS AS IDENTITY,'
                   ' loaded_by name NOT NULL DEFAULT session_user, %s)',
                   'inbox_' || staged.name, staged.columns);
  END LOOP;
END $tables$;

-- What a run's orders and lines are in the database, computed once, before they are checked against
-- each other: a line keeps its place in the files and the rule that it breaks. A portion of the run is
-- a range of `number`, the moment of the order, because a sort of all lines would not fit into the
-- temporary files that a server allows.
CREATE UNLOGGED TABLE zava_import.resolved_orders (
  number                bigint NOT NULL,
  store_key             text NOT NULL,
  order_key             text NOT NULL,
  of_store              uuid,
  order_id              uuid NOT NULL,
  is_new                boolean NOT NULL,
  customer_id           uuid,
  order_date            timestamptz NOT NULL,
  status                text NOT NULL,
  tax_amount            numeric(12, 2) NOT NULL,
  shipping_amount       numeric(12, 2) NOT NULL,
  tender                text,
  file                  integer NOT NULL,
  row                   bigint NOT NULL,
  of_order              bigint NOT NULL,
  has_unknown_customer  boolean NOT NULL,
  stated_amount         numeric
);
COMMENT ON COLUMN zava_import.resolved_orders.number IS 'The moment of the order, in microseconds of Unix time.';
COMMENT ON COLUMN zava_import.resolved_orders.of_order IS 'The order in this run: file and row in one number.';
COMMENT ON COLUMN zava_import.resolved_orders.stated_amount IS 'The total that the source gives for the order.';
CREATE INDEX resolved_orders_number_idx ON zava_import.resolved_orders (number);
CREATE UNLOGGED TABLE zava_import.resolved_lines (
  number            bigint,
  of_store          uuid,
  order_id          uuid,
  is_new            boolean,
  line_number       smallint,
  product_id        uuid,
  quantity          numeric NOT NULL,
  unit_price        numeric(10, 2),
  discount_percent  numeric(5, 2),
  discount_amount   numeric(12, 2),
  total_amount      numeric(12, 2),
  file              integer NOT NULL,
  row               bigint NOT NULL,
  of_order          bigint,
  rule              text
);
COMMENT ON COLUMN zava_import.resolved_lines.rule IS 'Why its figures cannot be loaded; its price and amounts are then NULL.';
CREATE INDEX resolved_lines_number_idx ON zava_import.resolved_lines (number);

CREATE TABLE zava_import.rejects (
  run_id       uuid NOT NULL,
  table_name   text NOT NULL,
  file         integer NOT NULL,
  row          bigint NOT NULL,
  column_name  text,
  rule         text NOT NULL,
  value        text,
  record       jsonb NOT NULL
);
CREATE INDEX rejects_by_run_idx ON zava_import.rejects (run_id);
GRANT CREATE, USAGE ON SCHEMA zava_import TO zava_owner;

-- The keys that a source gave to what it sent, so that the same row comes in once. Apart from the
-- retail tables, so that `SELECT *` on those stays what a reader wants to see. A store, a
-- product, a supplier or a promotion may come from several sources, with a key of each.
SET LOCAL ROLE zava_owner;
CREATE TABLE zava_import.store_keys (
  store_id       uuid NOT NULL REFERENCES retail.stores ON DELETE CASCADE,
  source_system  text NOT NULL CHECK (length(source_system) BETWEEN 1 AND 50),
  source_key     text NOT NULL CHECK (length(source_key) BETWEEN 1 AND 200),
  PRIMARY KEY (store_id, source_system),
  UNIQUE (source_system, source_key)
);
CREATE TABLE zava_import.product_keys (
  product_id     uuid NOT NULL REFERENCES retail.products ON DELETE CASCADE,
  source_system  text NOT NULL CHECK (length(source_system) BETWEEN 1 AND 50),
  source_key     text NOT NULL CHECK (length(source_key) BETWEEN 1 AND 200),
  PRIMARY KEY (product_id, source_system),
  UNIQUE (source_system, source_key)
);
CREATE TABLE zava_import.supplier_keys (
  supplier_id    uuid NOT NULL REFERENCES retail.suppliers ON DELETE CASCADE,
  source_system  text NOT NULL CHECK (length(source_system) BETWEEN 1 AND 50),
  source_key     text NOT NULL CHECK (length(source_key) BETWEEN 1 AND 200),
  PRIMARY KEY (supplier_id, source_system),
  UNIQUE (source_system, source_key)
);
CREATE TABLE zava_import.promotion_keys (
  promotion_id   uuid NOT NULL REFERENCES retail.promotions ON DELETE CASCADE,
  source_system  text NOT NULL CHECK (length(source_system) BETWEEN 1 AND 50),
  source_key     text NOT NULL CHECK (length(source_key) BETWEEN 1 AND 200),
  PRIMARY KEY (promotion_id, source_system),
  UNIQUE (source_system, source_key)
);
CREATE TABLE zava_import.customer_keys (
  store_id       uuid NOT NULL,
  customer_id    uuid NOT NULL,
  source_system  text NOT NULL CHECK (length(source_system) BETWEEN 1 AND 50),
  source_key     text NOT NULL CHECK (length(source_key) BETWEEN 1 AND 200),
  PRIMARY KEY (store_id, customer_id),
  UNIQUE (store_id, source_system, source_key),
  FOREIGN KEY (store_id, customer_id) REFERENCES retail.customers (store_id, customer_id) ON DELETE CASCADE
);
CREATE TABLE zava_import.order_keys (
  store_id       uuid NOT NULL,
  order_id       uuid NOT NULL,
  source_system  text NOT NULL CHECK (length(source_system) BETWEEN 1 AND 50),
  source_key     text NOT NULL CHECK (length(source_key) BETWEEN 1 AND 200),
  PRIMARY KEY (store_id, order_id),
  UNIQUE (store_id, source_system, source_key),
  FOREIGN KEY (store_id, order_id) REFERENCES retail.orders (store_id, order_id) ON DELETE CASCADE
);
-- An import looks for erased customers first, and hardly any key is one of them.
CREATE INDEX customer_keys_erased_idx ON zava_import.customer_keys (store_id, source_key)
  WHERE starts_with(source_key, 'erased:');
DO $policies$
DECLARE
  keys regclass;
  key_column name;
BEGIN
  FOREACH keys IN ARRAY ARRAY['zava_import.store_keys', 'zava_import.customer_keys',
    'zava_import.order_keys']::regclass[]
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', keys);
    EXECUTE format('CREATE POLICY loader ON %s FOR ALL TO zava_loader USING (true) WITH CHECK (true)', keys);
    -- The planner keeps no value of a tenant's column.
    FOR key_column IN SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = keys AND a.attnum > 0
    LOOP
      EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', keys, key_column);
    END LOOP;
  END LOOP;
END $policies$;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON zava_import.store_keys, zava_import.product_keys, zava_import.supplier_keys,
     zava_import.promotion_keys, zava_import.customer_keys, zava_import.order_keys TO zava_loader;

SET LOCAL ROLE zava_loader;
REVOKE CREATE ON SCHEMA zava_import FROM zava_owner;

-- Customers who were erased on request. The row stays as a pseudonym, so that figures stay as they
-- were. Its source key becomes a digest: a later import of the same files finds the pseudonym and
-- brings no name back.
SET LOCAL ROLE zava_context;
CREATE TABLE zava.erasures (
  erasure_id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  erased_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  customer_ids  uuid[] NOT NULL,
  found_by      text NOT NULL CHECK (found_by IN ('id', 'email', 'key')),
  removed       jsonb NOT NULL
);
COMMENT ON COLUMN zava.erasures.removed IS 'How many rows or values were removed from where.';
GRANT INSERT ON zava.erasures TO zava_loader;
-- The certificate is the row of the log, which no role can change.
CREATE TRIGGER log_change AFTER INSERT ON zava.erasures FOR EACH ROW EXECUTE FUNCTION zava.log_change();

-- What the head office sees of imports: when, from which system, how many rows. No file, row or key.
CREATE FUNCTION zava.last_imports()
RETURNS TABLE (finished_at timestamptz, source text, mode text, written bigint, rejected bigint)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT r.finished_at, r.source_system, r.mode,
         (SELECT sum((c.value ->> 'added')::bigint + (c.value ->> 'changed')::bigint + (c.value ->> 'removed')::bigint)
          FROM jsonb_each(r.result) AS c)::bigint,
         (SELECT sum((c.value ->> 'rejected')::bigint) FROM jsonb_each(r.result) AS c)::bigint
  FROM zava.import_runs AS r
  -- The seal answers under the name of the runner that opened it and under no other.
  WHERE r.state = 'done' AND zava.my_stores('head_office') IS NOT NULL
  ORDER BY r.finished_at DESC LIMIT 10;
END;
GRANT EXECUTE ON FUNCTION zava.last_imports() TO head_office;
RESET ROLE;
