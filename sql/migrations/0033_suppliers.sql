-- Who delivers a product, and how many days after an order. The catalogue is shared by all stores,
-- and so are its suppliers.
SET LOCAL ROLE zava_owner;
CREATE TABLE retail.suppliers (
  supplier_id    uuid PRIMARY KEY DEFAULT retail.new_id(),
  supplier_name  text NOT NULL UNIQUE CHECK (length(supplier_name) BETWEEN 1 AND 100),
  lead_days      integer NOT NULL CHECK (lead_days BETWEEN 0 AND 999)
);
CREATE TABLE retail.product_suppliers (
  product_id   uuid PRIMARY KEY REFERENCES retail.products ON DELETE CASCADE,
  supplier_id  uuid NOT NULL REFERENCES retail.suppliers ON DELETE CASCADE
);
CREATE INDEX product_suppliers_by_supplier_idx ON retail.product_suppliers (supplier_id);
COMMENT ON TABLE retail.suppliers IS 'Suppliers of the chain.';
COMMENT ON COLUMN retail.suppliers.lead_days IS 'Days from an order to its delivery.';
COMMENT ON TABLE retail.product_suppliers IS 'The supplier of a product.';
GRANT SELECT ON retail.suppliers, retail.product_suppliers TO store_managers, regional_managers, head_office;
GRANT SELECT, INSERT, UPDATE, DELETE ON retail.suppliers, retail.product_suppliers TO zava_loader;
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.suppliers
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.product_suppliers
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

SET LOCAL ROLE zava_loader;
GRANT CREATE ON SCHEMA zava_import TO zava_owner;
SET LOCAL ROLE zava_owner;
CREATE TABLE zava_import.supplier_keys (
  supplier_id    uuid NOT NULL REFERENCES retail.suppliers ON DELETE CASCADE,
  source_system  text NOT NULL CHECK (length(source_system) BETWEEN 1 AND 50),
  source_key     text NOT NULL CHECK (length(source_key) BETWEEN 1 AND 200),
  PRIMARY KEY (supplier_id, source_system),
  UNIQUE (source_system, source_key)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON zava_import.supplier_keys TO zava_loader;

SET LOCAL ROLE zava_loader;
REVOKE CREATE ON SCHEMA zava_import FROM zava_owner;
CREATE UNLOGGED TABLE zava_import.suppliers (
  file integer NOT NULL, row bigint NOT NULL, supplier_key text, supplier_name text, lead_days text);
CREATE TABLE zava_import.inbox_suppliers (
  id bigint GENERATED ALWAYS AS IDENTITY, loaded_by name NOT NULL DEFAULT session_user,
  supplier_key text, supplier_name text, lead_days text);
CREATE UNLOGGED TABLE zava_import.product_suppliers (
  file integer NOT NULL, row bigint NOT NULL, product_key text, supplier_key text);
CREATE TABLE zava_import.inbox_product_suppliers (
  id bigint GENERATED ALWAYS AS IDENTITY, loaded_by name NOT NULL DEFAULT session_user,
  product_key text, supplier_key text);
RESET ROLE;
