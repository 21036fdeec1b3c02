-- Real sales: without a customer, with returns, by weight, from stocks below zero.
--
-- A quantity has no fixed scale, so that a piece is written 1 and not 1.000. Its check holds three
-- decimals. The type of a column that a function of the chain reads cannot be altered, so the
-- function is made again below.
GRANT zava_chain TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
SET LOCAL ROLE zava_chain;
DROP FUNCTION zava.chain_quartiles(text, date, date);
SET LOCAL ROLE zava_owner;

-- `created_at` is the day of the row: after an import every store would be new.
ALTER TABLE retail.stores
  ADD COLUMN opened_on date;

-- A till has a card or a name, seldom all of these.
ALTER TABLE retail.customers
  ALTER COLUMN first_name DROP NOT NULL,
  ALTER COLUMN last_name DROP NOT NULL,
  ALTER COLUMN email DROP NOT NULL;

-- A product may be free, and one sold far below its cost has a margin beyond any width.
ALTER TABLE retail.products
  DROP CONSTRAINT products_base_price_check,
  ADD CONSTRAINT products_base_price_check CHECK (base_price >= 0),
  DROP COLUMN gross_margin_percent,
  ADD COLUMN gross_margin_percent numeric(7, 2)
    GENERATED ALWAYS AS (CASE WHEN base_price > 0 THEN
      greatest(round((base_price - cost) / base_price * 100, 2), -99999.99) END) STORED,
  ADD COLUMN unit text NOT NULL DEFAULT 'each' CHECK (length(unit) BETWEEN 1 AND 20);

ALTER TABLE retail.inventory
  DROP CONSTRAINT inventory_stock_level_check,
  DROP CONSTRAINT inventory_reorder_point_check,
  ALTER COLUMN stock_level TYPE numeric,
  ALTER COLUMN reorder_point TYPE numeric,
  ADD CONSTRAINT inventory_stock_level_check
    CHECK (stock_level = round(stock_level, 3) AND abs(stock_level) < 1000000000),
  ADD CONSTRAINT inventory_reorder_point_check
    CHECK (reorder_point = round(reorder_point, 3) AND reorder_point >= 0 AND reorder_point < 1000000000);

ALTER TABLE retail.orders
  ALTER COLUMN customer_id DROP NOT NULL,
  ADD COLUMN is_return boolean NOT NULL DEFAULT false,
  ADD COLUMN tax_amount numeric(12, 2) NOT NULL DEFAULT 0,
  ADD COLUMN shipping_amount numeric(12, 2) NOT NULL DEFAULT 0,
  ADD COLUMN tender text CHECK (length(tender) BETWEEN 1 AND 50),
  DROP CONSTRAINT orders_total_amount_check,
  ADD CONSTRAINT orders_total_amount_check CHECK (total_amount >= 0 OR is_return);
DROP INDEX retail.orders_of_period_idx;
CREATE INDEX orders_of_period_idx ON retail.orders (store_id, order_date)
  INCLUDE (order_id, status, total_amount, customer_id, is_return);

ALTER TABLE retail.order_items
  DROP CONSTRAINT order_items_quantity_check,
  DROP CONSTRAINT order_items_discount_amount_check,
  DROP CONSTRAINT order_items_total_amount_check,
  ALTER COLUMN quantity TYPE numeric,
  ADD CONSTRAINT order_items_quantity_check
    CHECK (quantity <> 0 AND quantity = round(quantity, 3) AND abs(quantity) < 1000000000),
  ADD CONSTRAINT order_items_total_amount_check CHECK (total_amount >= 0 OR quantity < 0);

COMMENT ON COLUMN retail.products.gross_margin_percent IS 'Margin of base_price over cost, in percent.';
COMMENT ON COLUMN retail.inventory.stock_level IS 'Units on hand; 0 or less: out of stock.';
COMMENT ON COLUMN retail.orders.is_return IS 'Goods came back; counts as no order.';
COMMENT ON COLUMN retail.orders.total_amount IS 'Sum of the order''s lines in US dollars, without tax and shipping.';
COMMENT ON COLUMN retail.order_items.quantity IS 'Below 0: goods came back.';

GRANT SELECT (unit) ON retail.products TO store_managers;
GRANT SELECT (is_return) ON retail.orders TO zava_chain;

DO $statistics$
DECLARE
  added record;
BEGIN
  FOR added IN
    SELECT * FROM (VALUES
      ('stores', ARRAY['opened_on']),
      ('orders', ARRAY['tender'])
    ) AS tables (name, columns) CROSS JOIN LATERAL unnest(columns) AS column_name
  LOOP
    EXECUTE format('ALTER TABLE retail.%I ALTER COLUMN %I SET STATISTICS 0', added.name, added.column_name);
  END LOOP;
END $statistics$;

-- Stores of before: their day was that of the row.
SET LOCAL ROLE zava_loader;
UPDATE retail.stores SET opened_on = (created_at AT TIME ZONE 'America/Los_Angeles')::date;

SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_chain;
SET LOCAL ROLE zava_chain;
-- As before; a return is revenue below zero and no order.
CREATE FUNCTION zava.chain_quartiles(p_metric text, p_start date, p_end date)
RETURNS TABLE (store_count bigint, lower_quartile numeric, median numeric, upper_quartile numeric)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH caller AS MATERIALIZED (
    -- The seal answers under the name of the runner that opened it and under no other.
    SELECT coalesce(zava.my_stores('head_office'), zava.my_stores('regional_managers'),
                    CASE WHEN zava.my_store('store_managers') IS NOT NULL
                         THEN ARRAY[zava.my_store('store_managers')] END) AS stores
  ),
  asked AS MATERIALIZED (
    SELECT p_start::timestamp AT TIME ZONE 'America/Los_Angeles' AS since,
           p_end::timestamp AT TIME ZONE 'America/Los_Angeles' AS until
    FROM caller
    WHERE stores IS NOT NULL
      AND p_metric IN ('revenue', 'orders', 'average_order_value', 'customers', 'units', 'discount_rate')
      AND p_end <= (statement_timestamp() AT TIME ZONE 'America/Los_Angeles')::date
      AND ((p_start = date_trunc('month', p_start) AND p_end = p_start + interval '1 month')
        OR (p_start = date_trunc('quarter', p_start) AND p_end = p_start + interval '3 months')
        OR (p_start = date_trunc('year', p_start) AND p_end = p_start + interval '1 year'))
  ),
  ordered AS (
    SELECT o.store_id, sum(o.total_amount) AS revenue,
           count(*) FILTER (WHERE NOT o.is_return) AS orders,
           count(DISTINCT o.customer_id) AS customers
    FROM asked JOIN retail.orders AS o ON o.order_date >= asked.since AND o.order_date < asked.until
    WHERE o.status NOT IN ('cancelled', 'refunded')
    GROUP BY o.store_id
  ),
  sold AS (
    SELECT f.store_id, sum(f.quantity) AS units, sum(f.discount_amount) AS discounts,
           sum(f.quantity * f.unit_price) AS gross_sales
    FROM asked JOIN retail.orders AS o ON o.order_date >= asked.since AND o.order_date < asked.until
    JOIN retail.order_items AS f ON f.store_id = o.store_id AND f.order_id = o.order_id
    WHERE o.status NOT IN ('cancelled', 'refunded') AND p_metric IN ('units', 'discount_rate')
    GROUP BY f.store_id
  ),
  figure AS (
    SELECT store_id,
           CASE p_metric
             WHEN 'revenue' THEN revenue
             WHEN 'orders' THEN orders
             WHEN 'average_order_value' THEN revenue / nullif(orders, 0)
             WHEN 'customers' THEN customers
             WHEN 'units' THEN units
             WHEN 'discount_rate' THEN 100 * discounts / nullif(gross_sales, 0)
           END AS value
    FROM ordered LEFT JOIN sold USING (store_id)
  ),
  summed AS (
    -- A store with no figure, such as one that only took goods back, is none of the cohort.
    SELECT count(*) AS stores,
           count(*) FILTER (WHERE figure.store_id <> ALL (caller.stores)) AS others,
           percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY figure.value::float8) AS quartiles
    FROM figure CROSS JOIN caller
    WHERE figure.value IS NOT NULL
  )
  SELECT stores, shown[1], shown[2], shown[3]
  FROM summed
  CROSS JOIN LATERAL (
    SELECT array_agg(CASE others WHEN 0 THEN round(q::numeric, 2) ELSE round(q::numeric / step) * step END
                     ORDER BY place) AS shown
    FROM unnest(quartiles) WITH ORDINALITY AS each (q, place)
    CROSS JOIN LATERAL (
      SELECT greatest(CASE WHEN q > 0 THEN trim_scale(power(10::numeric, floor(log(q::numeric)) - 1)) ELSE 1 END,
                      CASE WHEN p_metric IN ('orders', 'customers', 'units') THEN 5 ELSE 0 END) AS step
    ) AS coarse
  ) AS rounded
  WHERE stores >= 5 AND (others = 0 OR others >= 5);
END;

GRANT EXECUTE ON FUNCTION zava.chain_quartiles(text, date, date)
  TO store_managers, regional_managers, head_office;
SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_chain;
RESET ROLE;
REVOKE zava_chain FROM CURRENT_USER;
