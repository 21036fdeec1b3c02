-- The revenue that a store is to reach in a month. A store manager reads the own store's.
SET LOCAL ROLE zava_owner;
CREATE TABLE retail.store_targets (
  store_id        uuid NOT NULL REFERENCES retail.stores,
  month           date NOT NULL
    CHECK (month = date_trunc('month', month::timestamp)::date AND month BETWEEN '1900-01-01' AND '2999-12-31'),
  revenue_target  numeric(12, 2) NOT NULL CHECK (revenue_target >= 0),
  PRIMARY KEY (store_id, month)
);
COMMENT ON TABLE retail.store_targets IS 'Net sales that a store is to reach in a month.';
COMMENT ON COLUMN retail.store_targets.month IS 'First day of the month.';
ALTER TABLE retail.store_targets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_store ON retail.store_targets FOR SELECT TO store_managers
  USING (store_id = (SELECT zava.my_store(current_user)));
CREATE POLICY own_stores ON retail.store_targets FOR SELECT TO regional_managers, head_office
  USING (store_id = ANY ((SELECT zava.my_stores(current_user))::uuid[]));
CREATE POLICY loader ON retail.store_targets FOR ALL TO zava_loader USING (true) WITH CHECK (true);
GRANT SELECT ON retail.store_targets TO store_managers, regional_managers, head_office;
GRANT SELECT, INSERT, UPDATE, DELETE ON retail.store_targets TO zava_loader;
-- Statistics would hold the targets of every store.
ALTER TABLE retail.store_targets
  ALTER COLUMN store_id SET STATISTICS 0,
  ALTER COLUMN month SET STATISTICS 0,
  ALTER COLUMN revenue_target SET STATISTICS 0;
CREATE TRIGGER note_change AFTER TRUNCATE ON retail.store_targets
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();
CREATE TRIGGER note_insert AFTER INSERT ON retail.store_targets REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');
CREATE TRIGGER note_update AFTER UPDATE ON retail.store_targets
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');
CREATE TRIGGER note_delete AFTER DELETE ON retail.store_targets REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

SET LOCAL ROLE zava_loader;
CREATE UNLOGGED TABLE zava_import.store_targets (
  file integer NOT NULL, row bigint NOT NULL, store_key text, month text, revenue_target text);
CREATE TABLE zava_import.inbox_store_targets (
  id bigint GENERATED ALWAYS AS IDENTITY, loaded_by name NOT NULL DEFAULT session_user,
  store_key text, month text, revenue_target text);
RESET ROLE;
