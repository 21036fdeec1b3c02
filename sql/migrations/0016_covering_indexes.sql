-- What analytics reads of a store, from its indexes alone. Orders arrive in the order of time, so
-- a store's rows lie scattered over the whole heap: an index that carries the asked columns reads
-- a third to a half less than one that sends for each row.
SET LOCAL ROLE zava_owner;

-- Orders, revenue and customers of a period or of the whole history.
CREATE INDEX orders_of_period_idx ON retail.orders (store_id, order_date)
  INCLUDE (order_id, status, total_amount, customer_id);
DROP INDEX retail.orders_by_date_idx;

-- Units and revenue by product. Nothing refers to this key, so it can be made anew.
ALTER TABLE retail.order_items DROP CONSTRAINT order_items_pkey;
ALTER TABLE retail.order_items ADD PRIMARY KEY (store_id, order_id, line_number)
  INCLUDE (product_id, quantity, total_amount);
