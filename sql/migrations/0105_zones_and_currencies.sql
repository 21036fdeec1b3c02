-- Where a store is and in what it sells: its time zone and its currency, and the rates between the
-- currencies by day.
SET LOCAL ROLE zava_owner;
-- The conversion fails for a zone that PostgreSQL does not have.
ALTER TABLE retail.stores
  ADD COLUMN time_zone text NOT NULL DEFAULT 'America/Los_Angeles',
  ADD COLUMN currency text NOT NULL DEFAULT 'USD',
  ADD CONSTRAINT stores_time_zone_check CHECK (
    time_zone ~ '^(UTC|[A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]+){1,2})$'
    AND timezone(time_zone, '2000-01-01 00:00+00'::timestamptz) IS NOT NULL),
  ADD CONSTRAINT stores_currency_check CHECK (currency ~ '^[A-Z]{3}$');
ALTER TABLE retail.stores
  ALTER COLUMN time_zone SET STATISTICS 0,
  ALTER COLUMN currency SET STATISTICS 0;

-- Without its row the currency is USD and the zone America/Los_Angeles. No audience reads it: an
-- answer has its currency as a unit.
CREATE TABLE retail.chain (
  reporting_currency  text PRIMARY KEY CHECK (reporting_currency ~ '^[A-Z]{3}$'),
  time_zone           text NOT NULL CHECK (timezone(time_zone, '2000-01-01 00:00+00'::timestamptz) IS NOT NULL)
);
CREATE UNIQUE INDEX chain_only_row_idx ON retail.chain ((true));
COMMENT ON TABLE retail.chain IS 'The currency of figures over several currencies, and the zone of stores that name none.';
GRANT SELECT, INSERT, UPDATE, DELETE ON retail.chain TO zava_loader;
GRANT SELECT (reporting_currency) ON retail.chain TO zava_chain;
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.chain
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

CREATE TABLE retail.exchange_rates (
  currency  text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  day       date NOT NULL CHECK (day BETWEEN '1900-01-01' AND '2999-12-31'),
  rate      numeric NOT NULL CHECK (rate > 0 AND rate < 1000000000 AND rate = round(rate, 12)),
  PRIMARY KEY (currency, day)
);
COMMENT ON TABLE retail.exchange_rates IS 'To the reporting currency, by day.';
GRANT SELECT ON retail.exchange_rates TO store_managers, regional_managers, head_office, zava_chain;
GRANT SELECT, INSERT, UPDATE, DELETE ON retail.exchange_rates TO zava_loader;
CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.exchange_rates
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

COMMENT ON COLUMN retail.products.base_price IS 'List price; order_items.unit_price is what was charged.';
COMMENT ON COLUMN retail.products.cost IS 'Purchase cost today.';
COMMENT ON COLUMN retail.orders.order_date IS 'When the order was placed, by the store''s time_zone.';
COMMENT ON COLUMN retail.orders.total_amount IS 'Sum of the order''s lines in the store''s currency, without tax and shipping.';
COMMENT ON COLUMN retail.order_items.unit_price IS 'Price charged per unit before discount.';

SET LOCAL ROLE zava_loader;
ALTER TABLE zava_import.stores ADD COLUMN time_zone text, ADD COLUMN currency text;
ALTER TABLE zava_import.inbox_stores ADD COLUMN time_zone text, ADD COLUMN currency text;
CREATE UNLOGGED TABLE zava_import.chain (
  file integer NOT NULL, row bigint NOT NULL, reporting_currency text, time_zone text);
CREATE TABLE zava_import.inbox_chain (
  id bigint GENERATED ALWAYS AS IDENTITY, loaded_by name NOT NULL DEFAULT session_user,
  reporting_currency text, time_zone text);
CREATE UNLOGGED TABLE zava_import.exchange_rates (
  file integer NOT NULL, row bigint NOT NULL, currency text, day text, rate text);
CREATE TABLE zava_import.inbox_exchange_rates (
  id bigint GENERATED ALWAYS AS IDENTITY, loaded_by name NOT NULL DEFAULT session_user,
  currency text, day text, rate text);
RESET ROLE;
