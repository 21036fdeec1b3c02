-- Promotions: which products, from which day to which. A sale counts for one of them: of several
-- that hold on its day the one that began last, and of those the first by name.
SET LOCAL ROLE zava_owner;
CREATE TABLE retail.promotions (
  promotion_id    uuid PRIMARY KEY DEFAULT retail.new_id(),
  promotion_name  text NOT NULL UNIQUE CHECK (length(promotion_name) BETWEEN 1 AND 100),
  first_day       date NOT NULL CHECK (first_day BETWEEN '1900-01-01' AND '2999-12-31'),
  last_day        date NOT NULL CHECK (last_day BETWEEN '1900-01-01' AND '2999-12-31'),
  CONSTRAINT promotions_days_check CHECK (last_day >= first_day)
);
CREATE TABLE retail.promotion_products (
  promotion_id  uuid NOT NULL REFERENCES retail.promotions ON DELETE CASCADE,
  product_id    uuid NOT NULL REFERENCES retail.products ON DELETE CASCADE,
  PRIMARY KEY (product_id, promotion_id)
);
CREATE INDEX promotion_products_by_promotion_idx ON retail.promotion_products (promotion_id);
COMMENT ON TABLE retail.promotions IS 'Promotions of the chain, with their first and last day.';
COMMENT ON TABLE retail.promotion_products IS 'The products of a promotion.';
GRANT SELECT ON retail.promotions, retail.promotion_products TO store_managers, regional_managers, head_office;
GRANT SELECT, INSERT, UPDATE, DELETE ON retail.promotions, retail.promotion_products TO zava_loader;
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.promotions
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.promotion_products
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

SET LOCAL ROLE zava_loader;
GRANT CREATE ON SCHEMA zava_import TO zava_owner;
SET LOCAL ROLE zava_owner;
CREATE TABLE zava_import.promotion_keys (
  promotion_id   uuid NOT NULL REFERENCES retail.promotions ON DELETE CASCADE,
  source_system  text NOT NULL CHECK (length(source_system) BETWEEN 1 AND 50),
  source_key     text NOT NULL CHECK (length(source_key) BETWEEN 1 AND 200),
  PRIMARY KEY (promotion_id, source_system),
  UNIQUE (source_system, source_key)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON zava_import.promotion_keys TO zava_loader;

SET LOCAL ROLE zava_loader;
REVOKE CREATE ON SCHEMA zava_import FROM zava_owner;
CREATE UNLOGGED TABLE zava_import.promotions (
  file integer NOT NULL, row bigint NOT NULL,
  promotion_key text, promotion_name text, first_day text, last_day text);
CREATE TABLE zava_import.inbox_promotions (
  id bigint GENERATED ALWAYS AS IDENTITY, loaded_by name NOT NULL DEFAULT session_user,
  promotion_key text, promotion_name text, first_day text, last_day text);
CREATE UNLOGGED TABLE zava_import.promotion_products (
  file integer NOT NULL, row bigint NOT NULL, promotion_key text, product_key text);
CREATE TABLE zava_import.inbox_promotion_products (
  id bigint GENERATED ALWAYS AS IDENTITY, loaded_by name NOT NULL DEFAULT session_user,
  promotion_key text, product_key text);
RESET ROLE;
