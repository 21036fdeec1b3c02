-- One person who is a customer of several stores. Who buys where is no store's business: the head
-- office alone reads these rows, and only where its grant has personal data.
SET LOCAL ROLE zava_owner;
CREATE TABLE retail.customer_persons (
  store_id     uuid NOT NULL,
  customer_id  uuid NOT NULL,
  person_id    uuid NOT NULL,
  PRIMARY KEY (store_id, customer_id) INCLUDE (person_id),
  FOREIGN KEY (store_id, customer_id) REFERENCES retail.customers (store_id, customer_id) ON DELETE CASCADE
);
COMMENT ON TABLE retail.customer_persons IS 'Customers of several stores who are one person.';
ALTER TABLE retail.customer_persons ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- The policy is the sealed one; regional managers have no privilege here.
CREATE POLICY own_stores ON retail.customer_persons FOR SELECT TO regional_managers, head_office
  USING (store_id = ANY ((SELECT zava.my_stores(current_user))::uuid[]));
CREATE POLICY loader ON retail.customer_persons FOR ALL TO zava_loader USING (true) WITH CHECK (true);
GRANT SELECT ON retail.customer_persons TO head_office_personal;
GRANT SELECT, INSERT, UPDATE, DELETE ON retail.customer_persons TO zava_loader;
ALTER TABLE retail.customer_persons
  ALTER COLUMN store_id SET STATISTICS 0,
  ALTER COLUMN customer_id SET STATISTICS 0,
  ALTER COLUMN person_id SET STATISTICS 0;
CREATE TRIGGER note_change AFTER TRUNCATE ON retail.customer_persons
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();
CREATE TRIGGER note_insert AFTER INSERT ON retail.customer_persons REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');
CREATE TRIGGER note_update AFTER UPDATE ON retail.customer_persons
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');
CREATE TRIGGER note_delete AFTER DELETE ON retail.customer_persons REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

SET LOCAL ROLE zava_loader;
ALTER TABLE zava_import.customers ADD COLUMN person_key text;
ALTER TABLE zava_import.inbox_customers ADD COLUMN person_key text;
RESET ROLE;
