-- What a product cost and what it was listed at, by the day from which that holds. The margin of a
-- sale is computed with the cost of its day. A product without a row here has the cost that
-- retail.products holds, on every day.
--
-- Regional managers and the head office read it. Store managers read no row: even the days of a
-- product's rows would show when its cost changed.
SET LOCAL ROLE zava_owner;
CREATE TABLE retail.product_prices (
  product_id  uuid NOT NULL REFERENCES retail.products ON DELETE CASCADE,
  valid_from  date NOT NULL CHECK (valid_from BETWEEN '1900-01-01' AND '2999-12-31'),
  cost        numeric(10, 2) NOT NULL CHECK (cost >= 0),
  base_price  numeric(10, 2) NOT NULL CHECK (base_price >= 0),
  PRIMARY KEY (product_id, valid_from)
);
COMMENT ON TABLE retail.product_prices IS 'Cost and list price of a product from a day on; without a row: as in products.';
COMMENT ON COLUMN retail.product_prices.valid_from IS 'First day; holds until the product''s next row. The first row holds before it, too.';
COMMENT ON COLUMN retail.products.cost IS 'Purchase cost today, US dollars.';
GRANT SELECT ON retail.product_prices TO regional_managers, head_office;
GRANT SELECT, INSERT, UPDATE, DELETE ON retail.product_prices TO zava_loader;
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.product_prices
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

SET LOCAL ROLE zava_loader;
CREATE UNLOGGED TABLE zava_import.product_prices (
  file integer NOT NULL, row bigint NOT NULL, product_key text, valid_from text, cost text, base_price text);
CREATE TABLE zava_import.inbox_product_prices (
  id bigint GENERATED ALWAYS AS IDENTITY, loaded_by name NOT NULL DEFAULT session_user,
  product_key text, valid_from text, cost text, base_price text);
RESET ROLE;
