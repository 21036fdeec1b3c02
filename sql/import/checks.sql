-- Rows that cannot be loaded go to zava_import.rejects with their rule. Each statement is one rule
-- between rows; what a cell alone breaks is checked by statements made from the layout.

-- A store of the same name, or a product of the same SKU, that another source sent is the same
-- one. Within one source it is not.

-- name: store names taken
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'stores', s.file, s.row, 'store_name', 'another store has this name', s.store_name, to_jsonb(s)
FROM zava_import.stores AS s
WHERE EXISTS (SELECT FROM retail.stores AS o
              JOIN zava_import.store_keys AS k ON k.store_id = o.store_id
              WHERE o.store_name = s.store_name AND k.source_system = %(source)s AND k.source_key <> s.store_key)
   OR EXISTS (SELECT FROM zava_import.stores AS o
              WHERE o.store_name = s.store_name AND o.store_key <> s.store_key AND (o.file, o.row) < (s.file, s.row))

-- name: chain described twice
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'chain', s.file, s.row, 'reporting_currency', 'the chain has one row', s.reporting_currency, to_jsonb(s)
FROM zava_import.chain AS s
WHERE EXISTS (SELECT FROM zava_import.chain AS o WHERE (o.file, o.row) < (s.file, s.row))

-- name: reporting currency of known rates
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'chain', s.file, s.row, 'reporting_currency', 'rates to ' || g.reporting_currency || ' are loaded', s.reporting_currency, to_jsonb(s)
FROM zava_import.chain AS s
CROSS JOIN (SELECT coalesce((SELECT c.reporting_currency FROM retail.chain AS c), %(currency)s) AS reporting_currency) AS g
WHERE s.reporting_currency <> g.reporting_currency AND EXISTS (SELECT FROM retail.exchange_rates)

-- name: rates of the reporting currency
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'exchange_rates', s.file, s.row, 'currency', 'the reporting currency has no rate', s.currency, to_jsonb(s)
FROM zava_import.exchange_rates AS s
WHERE s.currency = coalesce((SELECT c.reporting_currency FROM zava_import.chain AS c),
                            (SELECT c.reporting_currency FROM retail.chain AS c), %(currency)s)

-- name: days of rates twice
-- One day may be written in several ways.
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'exchange_rates', s.file, s.row, 'day', 'the currency has a row of this day already', s.day, to_jsonb(s)
FROM (SELECT file, row, row_number() OVER (PARTITION BY currency, day::date ORDER BY file, row) AS n
      FROM zava_import.exchange_rates) AS d
JOIN zava_import.exchange_rates AS s ON s.file = d.file AND s.row = d.row
WHERE d.n > 1

-- name: skus taken
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'products', s.file, s.row, 'sku', 'another product has this SKU', coalesce(s.sku, s.product_key), to_jsonb(s)
FROM zava_import.products AS s
WHERE EXISTS (SELECT FROM retail.products AS o
              JOIN zava_import.product_keys AS k ON k.product_id = o.product_id
              WHERE o.sku = coalesce(s.sku, s.product_key)
                AND k.source_system = %(source)s AND k.source_key <> s.product_key)
   OR EXISTS (SELECT FROM zava_import.products AS o
              WHERE coalesce(o.sku, o.product_key) = coalesce(s.sku, s.product_key)
                AND o.product_key <> s.product_key AND (o.file, o.row) < (s.file, s.row))

-- name: unknown products of product_prices
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'product_prices', s.file, s.row, 'product_key', 'no product has this key', s.product_key, to_jsonb(s)
FROM zava_import.product_prices AS s
WHERE NOT EXISTS (SELECT FROM zava_import.products AS k WHERE k.product_key = s.product_key)
  AND NOT EXISTS (SELECT FROM zava_import.product_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.product_key))

-- name: days of prices twice
-- One day may be written in several ways.
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'product_prices', s.file, s.row, 'valid_from', 'the product has a row of this day already', s.valid_from, to_jsonb(s)
FROM (SELECT file, row, row_number() OVER (PARTITION BY product_key, valid_from::date ORDER BY file, row) AS n
      FROM zava_import.product_prices) AS d
JOIN zava_import.product_prices AS s ON s.file = d.file AND s.row = d.row
WHERE d.n > 1

-- name: supplier names taken
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'suppliers', s.file, s.row, 'supplier_name', 'another supplier has this name', s.supplier_name, to_jsonb(s)
FROM zava_import.suppliers AS s
WHERE EXISTS (SELECT FROM retail.suppliers AS o
              JOIN zava_import.supplier_keys AS k ON k.supplier_id = o.supplier_id
              WHERE o.supplier_name = s.supplier_name
                AND k.source_system = %(source)s AND k.source_key <> s.supplier_key)
   OR EXISTS (SELECT FROM zava_import.suppliers AS o
              WHERE o.supplier_name = s.supplier_name
                AND o.supplier_key <> s.supplier_key AND (o.file, o.row) < (s.file, s.row))

-- name: unknown products of product_suppliers
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'product_suppliers', s.file, s.row, 'product_key', 'no product has this key', s.product_key, to_jsonb(s)
FROM zava_import.product_suppliers AS s
WHERE NOT EXISTS (SELECT FROM zava_import.products AS k WHERE k.product_key = s.product_key)
  AND NOT EXISTS (SELECT FROM zava_import.product_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.product_key))

-- name: unknown suppliers of product_suppliers
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'product_suppliers', s.file, s.row, 'supplier_key', 'no supplier has this key', s.supplier_key, to_jsonb(s)
FROM zava_import.product_suppliers AS s
WHERE NOT EXISTS (SELECT FROM zava_import.suppliers AS k WHERE k.supplier_key = s.supplier_key)
  AND NOT EXISTS (SELECT FROM zava_import.supplier_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.supplier_key))

-- name: promotion names taken
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'promotions', s.file, s.row, 'promotion_name', 'another promotion has this name', s.promotion_name, to_jsonb(s)
FROM zava_import.promotions AS s
WHERE EXISTS (SELECT FROM retail.promotions AS o
              JOIN zava_import.promotion_keys AS k ON k.promotion_id = o.promotion_id
              WHERE o.promotion_name = s.promotion_name
                AND k.source_system = %(source)s AND k.source_key <> s.promotion_key)
   OR EXISTS (SELECT FROM zava_import.promotions AS o
              WHERE o.promotion_name = s.promotion_name
                AND o.promotion_key <> s.promotion_key AND (o.file, o.row) < (s.file, s.row))

-- name: promotions that end before they begin
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'promotions', s.file, s.row, 'last_day', 'before the first day', s.last_day, to_jsonb(s)
FROM zava_import.promotions AS s
WHERE s.last_day::date < s.first_day::date

-- name: unknown promotions of promotion_products
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'promotion_products', s.file, s.row, 'promotion_key', 'no promotion has this key', s.promotion_key, to_jsonb(s)
FROM zava_import.promotion_products AS s
WHERE NOT EXISTS (SELECT FROM zava_import.promotions AS k WHERE k.promotion_key = s.promotion_key)
  AND NOT EXISTS (SELECT FROM zava_import.promotion_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.promotion_key))

-- name: unknown products of promotion_products
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'promotion_products', s.file, s.row, 'product_key', 'no product has this key', s.product_key, to_jsonb(s)
FROM zava_import.promotion_products AS s
WHERE NOT EXISTS (SELECT FROM zava_import.products AS k WHERE k.product_key = s.product_key)
  AND NOT EXISTS (SELECT FROM zava_import.product_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.product_key))

-- name: unknown stores of customers
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'customers', s.file, s.row, 'store_key', 'no store has this key', s.store_key, to_jsonb(s)
FROM zava_import.customers AS s
WHERE NOT EXISTS (SELECT FROM zava_import.stores AS k WHERE k.store_key = s.store_key)
  AND NOT EXISTS (SELECT FROM zava_import.store_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.store_key))

-- name: unknown stores of inventory
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'inventory', s.file, s.row, 'store_key', 'no store has this key', s.store_key, to_jsonb(s)
FROM zava_import.inventory AS s
WHERE NOT EXISTS (SELECT FROM zava_import.stores AS k WHERE k.store_key = s.store_key)
  AND NOT EXISTS (SELECT FROM zava_import.store_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.store_key))

-- name: unknown products of inventory
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'inventory', s.file, s.row, 'product_key', 'no product has this key', s.product_key, to_jsonb(s)
FROM zava_import.inventory AS s
WHERE NOT EXISTS (SELECT FROM zava_import.products AS k WHERE k.product_key = s.product_key)
  AND NOT EXISTS (SELECT FROM zava_import.product_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.product_key))

-- name: unknown stores of store_targets
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'store_targets', s.file, s.row, 'store_key', 'no store has this key', s.store_key, to_jsonb(s)
FROM zava_import.store_targets AS s
WHERE NOT EXISTS (SELECT FROM zava_import.stores AS k WHERE k.store_key = s.store_key)
  AND NOT EXISTS (SELECT FROM zava_import.store_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.store_key))

-- name: months of targets twice
-- Each day of a month names it.
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'store_targets', s.file, s.row, 'month', 'the store has a row of this month already', s.month, to_jsonb(s)
FROM (SELECT file, row, row_number() OVER (PARTITION BY store_key, date_trunc('month', month::date::timestamp) ORDER BY file, row) AS n
      FROM zava_import.store_targets) AS d
JOIN zava_import.store_targets AS s ON s.file = d.file AND s.row = d.row
WHERE d.n > 1

-- name: unknown stores of orders
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'orders', s.file, s.row, 'store_key', 'no store has this key', s.store_key, to_jsonb(s)
FROM zava_import.orders AS s
WHERE NOT EXISTS (SELECT FROM zava_import.store_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.store_key))

-- name: unknown customers of orders
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'orders', s.file, s.row, 'customer_key', 'no customer of the store has this key', s.customer_key, to_jsonb(s)
FROM zava_import.resolved_orders AS n
JOIN zava_import.orders AS s ON s.file = n.file AND s.row = n.row
WHERE n.has_unknown_customer

-- name: orders without a rate
-- Stores and rates of the run are written already. A bank names no rate on holidays, so a week is enough.
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'orders', s.file, s.row, 'order_date', 'no exchange rate of ' || t.currency || ' within the week before',
       s.order_date, to_jsonb(s)
FROM zava_import.resolved_orders AS n
JOIN retail.stores AS t ON t.store_id = n.of_store
JOIN zava_import.orders AS s ON s.file = n.file AND s.row = n.row
WHERE (SELECT min(c.currency) <> max(c.currency) FROM retail.stores AS c)
  AND t.currency <> coalesce((SELECT c.reporting_currency FROM retail.chain AS c), %(currency)s)
  AND NOT EXISTS (SELECT FROM retail.exchange_rates AS r
                  WHERE r.currency = t.currency
                    AND r.day BETWEEN (n.order_date AT TIME ZONE t.time_zone)::date - 7
                                  AND (n.order_date AT TIME ZONE t.time_zone)::date)

-- name: lines that cannot be loaded
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'order_items', s.file, s.row, c.column_name, c.rule, c.value, to_jsonb(s)
FROM zava_import.resolved_lines AS n
JOIN zava_import.order_items AS s ON s.file = n.file AND s.row = n.row
CROSS JOIN LATERAL (VALUES
  ('order_key', CASE WHEN n.of_order IS NULL AND NOT EXISTS (
     SELECT FROM zava_import.rejects AS r
     WHERE r.run_id = %(run)s AND r.table_name = 'orders'
       AND r.record->>'store_key' = s.store_key AND r.record->>'order_key' = s.order_key)
     THEN 'no order of these files has this key' END, s.order_key),
  ('product_key', CASE WHEN n.product_id IS NULL THEN 'no product has this key' END, s.product_key),
  (CASE WHEN n.line_number IS NULL THEN 'line_number' ELSE 'total_amount' END,
   CASE WHEN n.of_order IS NOT NULL AND n.product_id IS NOT NULL THEN n.rule END,
   coalesce(s.total_amount, s.unit_price))
) AS c (column_name, rule, value)
WHERE (n.of_order IS NULL OR n.product_id IS NULL OR n.rule IS NOT NULL) AND c.rule IS NOT NULL

-- name: lines without a number among others
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'order_items', s.file, s.row, 'line_number', 'required, because other rows have one', NULL, to_jsonb(s)
FROM zava_import.order_items AS s
WHERE s.line_number IS NULL
  AND EXISTS (SELECT FROM zava_import.order_items AS o WHERE o.line_number IS NOT NULL)

-- name: orders with a rejected line
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT DISTINCT ON (s.file, s.row) %(run)s::uuid, 'orders', s.file, s.row, 'order_key',
       'its line in row ' || r.row || ' is rejected', s.order_key, to_jsonb(s)
FROM zava_import.rejects AS r
JOIN zava_import.orders AS s ON s.store_key = r.record->>'store_key' AND s.order_key = r.record->>'order_key'
WHERE r.run_id = %(run)s AND r.table_name = 'order_items'
ORDER BY s.file, s.row, r.row

-- name: orders without a line
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'orders', s.file, s.row, 'order_key', 'no line of these files belongs to it', s.order_key, to_jsonb(s)
FROM zava_import.resolved_orders AS n
JOIN zava_import.orders AS s ON s.file = n.file AND s.row = n.row
WHERE NOT EXISTS (SELECT FROM zava_import.resolved_lines AS l WHERE l.of_order = n.of_order)

-- name: orders whose total is too large
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'orders', s.file, s.row, 'order_key', 'its lines make too large an amount', s.order_key, to_jsonb(s)
FROM (SELECT l.of_order FROM zava_import.resolved_lines AS l
      GROUP BY l.of_order HAVING abs(sum(l.total_amount)) >= 10000000000) AS l
JOIN zava_import.resolved_orders AS n ON n.of_order = l.of_order
JOIN zava_import.orders AS s ON s.file = n.file AND s.row = n.row

-- name: lines of rejected orders
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'order_items', s.file, s.row, 'order_key', 'its order is rejected', s.order_key, to_jsonb(s)
FROM zava_import.resolved_lines AS l
JOIN zava_import.order_items AS s ON s.file = l.file AND s.row = l.row
WHERE NOT EXISTS (SELECT FROM zava_import.resolved_orders AS n WHERE n.of_order = l.of_order)
