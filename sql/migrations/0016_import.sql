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
      ('stores', 'store_key text, store_name text, location text, region text, is_online text, opened_on text'),
      ('products', 'product_key text, sku text, product_name text, category text, product_type text, cost text, base_price text, unit text, description text, synonyms text, discontinued text'),
      ('customers', 'store_key text, customer_key text, first_name text, last_name text, email text, phone text, created_at text'),
      ('inventory', 'store_key text, product_key text, stock_level text, reorder_point text'),
      ('orders', 'store_key text, order_key text, customer_key text, order_date text, status text, total_amount text, tax_amount text, shipping_amount text, tender text'),
      ('order_items', 'store_key text, order_key text, line_number text, product_key text, quantity text, unit_price text, discount_amount text, total_amount text')
    ) AS layout (name, columns)
  LOOP
    EXECUTE format('CREATE UNLOGGED TABLE zava_import.%I (file integer NOT NULL, row bigint NOT NULL, %s)',
                   staged.name, staged.columns);
    EXECUTE format('CREATE TABLE zava_import.%I (id bigint GENERATED ALWAYS AS IDENTITY,'
                   ' loaded_by name NOT NULL DEFAULT session_user, %s)',
                   'inbox_' || staged.name, staged.columns);
  END LOOP;
END $tables$;

-- What a run's orders and lines are in the database, computed once; `number` is the order's place
-- in the run, by which they are written in portions.
CREATE UNLOGGED TABLE zava_import.resolved_orders (
  number             bigint NOT NULL,
  store_key          text NOT NULL,
  order_key          text NOT NULL,
  of_store           uuid NOT NULL,
  order_id           uuid NOT NULL,
  is_new             boolean NOT NULL,
  customer_id        uuid,
  order_date         timestamptz NOT NULL,
  status             text NOT NULL,
  is_return          boolean NOT NULL,
  total_amount       numeric(12, 2) NOT NULL,
  tax_amount         numeric(12, 2) NOT NULL,
  shipping_amount    numeric(12, 2) NOT NULL,
  tender             text,
  difference         numeric
);
CREATE INDEX resolved_orders_number_idx ON zava_import.resolved_orders (number);
CREATE UNLOGGED TABLE zava_import.resolved_lines (
  number            bigint NOT NULL,
  of_store          uuid NOT NULL,
  order_id          uuid NOT NULL,
  is_new            boolean NOT NULL,
  line_number       smallint NOT NULL,
  product_id        uuid NOT NULL,
  quantity          numeric NOT NULL,
  unit_price        numeric(10, 2) NOT NULL,
  discount_percent  numeric(5, 2) NOT NULL,
  discount_amount   numeric(12, 2) NOT NULL,
  total_amount      numeric(12, 2) NOT NULL
);
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
-- retail tables, so that `SELECT *` on those stays what a reader wants to see. A store or product
-- may come from several sources, with a key of each.
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
BEGIN
  FOREACH keys IN ARRAY ARRAY['zava_import.store_keys', 'zava_import.customer_keys',
    'zava_import.order_keys']::regclass[]
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', keys);
    EXECUTE format('CREATE POLICY loader ON %s FOR ALL TO zava_loader USING (true) WITH CHECK (true)', keys);
  END LOOP;
END $policies$;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON zava_import.store_keys, zava_import.product_keys, zava_import.customer_keys, zava_import.order_keys TO zava_loader;

SET LOCAL ROLE zava_loader;
REVOKE CREATE ON SCHEMA zava_import FROM zava_owner;
RESET ROLE;
