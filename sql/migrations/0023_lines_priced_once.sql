-- What a run's lines are is computed once, before they are checked against each other: a line keeps
-- its place in the files and the rule that it breaks. A portion of the run is a range of `number`,
-- the moment of the order, because a sort of all lines would not fit into the temporary files that
-- a server allows.
SET LOCAL ROLE zava_loader;
ALTER TABLE zava_import.resolved_orders
  DROP COLUMN total_amount,
  DROP COLUMN is_return,
  DROP COLUMN difference,
  ALTER COLUMN of_store DROP NOT NULL,
  ADD COLUMN file integer NOT NULL,
  ADD COLUMN row bigint NOT NULL,
  ADD COLUMN of_order bigint NOT NULL,
  ADD COLUMN has_unknown_customer boolean NOT NULL,
  ADD COLUMN stated_amount numeric;
COMMENT ON COLUMN zava_import.resolved_orders.number IS 'The moment of the order, in microseconds of Unix time.';
COMMENT ON COLUMN zava_import.resolved_orders.of_order IS 'The order in this run: file and row in one number.';
COMMENT ON COLUMN zava_import.resolved_orders.stated_amount IS 'The total that the source gives for the order.';
ALTER TABLE zava_import.resolved_lines
  ALTER COLUMN number DROP NOT NULL,
  ALTER COLUMN of_store DROP NOT NULL,
  ALTER COLUMN order_id DROP NOT NULL,
  ALTER COLUMN is_new DROP NOT NULL,
  ALTER COLUMN line_number DROP NOT NULL,
  ALTER COLUMN product_id DROP NOT NULL,
  ALTER COLUMN unit_price DROP NOT NULL,
  ALTER COLUMN discount_percent DROP NOT NULL,
  ALTER COLUMN discount_amount DROP NOT NULL,
  ALTER COLUMN total_amount DROP NOT NULL,
  ADD COLUMN file integer NOT NULL,
  ADD COLUMN row bigint NOT NULL,
  ADD COLUMN of_order bigint,
  ADD COLUMN rule text;
COMMENT ON COLUMN zava_import.resolved_lines.rule IS 'Why its figures cannot be loaded; its price and amounts are then NULL.';
RESET ROLE;
