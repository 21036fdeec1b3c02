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

-- name: unknown stores of orders
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'orders', s.file, s.row, 'store_key', 'no store has this key', s.store_key, to_jsonb(s)
FROM zava_import.orders AS s
WHERE NOT EXISTS (SELECT FROM zava_import.stores AS k WHERE k.store_key = s.store_key)
  AND NOT EXISTS (SELECT FROM zava_import.store_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.store_key))

-- name: unknown customers of orders
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'orders', s.file, s.row, 'customer_key', 'no customer of the store has this key', s.customer_key, to_jsonb(s)
FROM zava_import.orders AS s
WHERE s.customer_key IS NOT NULL
  AND NOT EXISTS (SELECT FROM zava_import.customers AS k
                  WHERE k.store_key = s.store_key AND k.customer_key = s.customer_key)
  AND (SELECT true FROM zava_import.customer_keys AS k
       WHERE k.source_system = %(source)s AND k.source_key = s.customer_key
         AND k.store_id = (SELECT t.store_id FROM zava_import.store_keys AS t
                           WHERE (t.source_system, t.source_key) = (%(source)s, s.store_key))) IS NULL

-- name: unknown orders of lines
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'order_items', s.file, s.row, 'order_key', 'no order of these files has this key', s.order_key, to_jsonb(s)
FROM zava_import.order_items AS s
WHERE NOT EXISTS (SELECT FROM zava_import.orders AS k WHERE k.store_key = s.store_key AND k.order_key = s.order_key)
  AND NOT EXISTS (SELECT FROM zava_import.rejects AS r
                  WHERE r.run_id = %(run)s AND r.table_name = 'orders'
                    AND r.record->>'store_key' = s.store_key AND r.record->>'order_key' = s.order_key)

-- name: unknown products of lines
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'order_items', s.file, s.row, 'product_key', 'no product has this key', s.product_key, to_jsonb(s)
FROM zava_import.order_items AS s
WHERE NOT EXISTS (SELECT FROM zava_import.products AS k WHERE k.product_key = s.product_key)
  AND NOT EXISTS (SELECT FROM zava_import.product_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.product_key))

-- name: lines without a number among others
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'order_items', s.file, s.row, 'line_number', 'required, because other rows have one', NULL, to_jsonb(s)
FROM zava_import.order_items AS s
WHERE s.line_number IS NULL
  AND EXISTS (SELECT FROM zava_import.order_items AS o WHERE o.line_number IS NOT NULL)

-- name: lines whose total does not follow
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'order_items', p.file, p.row, 'total_amount', p.rule, p.total_amount::text, to_jsonb(s)
FROM (
  SELECT p.*, CASE
           WHEN p.total_amount IS NULL THEN 'unit_price or total_amount is required'
           WHEN abs(p.unit_price) >= 100000000 THEN 'the price of one unit is too large'
           WHEN abs(p.total_amount - p.computed) > 0.05 THEN 'quantity * unit_price - discount_amount is another amount'
           WHEN p.total_amount < 0 AND p.quantity > 0 THEN 'below 0 with a quantity above 0'
           WHEN p.unit_price < 0 THEN 'above 0 with a quantity below 0'
           WHEN p.total_amount <> round(p.quantity * p.unit_price - p.discount_amount, 2) THEN
             'no discount in whole cents makes this amount'
         END AS rule
  FROM (/* priced */) AS p
) AS p
JOIN zava_import.order_items AS s ON s.file = p.file AND s.row = p.row
WHERE p.rule IS NOT NULL

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
FROM zava_import.orders AS s
WHERE NOT EXISTS (SELECT FROM zava_import.order_items AS k WHERE k.store_key = s.store_key AND k.order_key = s.order_key)

-- name: lines of rejected orders
INSERT INTO zava_import.rejects (run_id, table_name, file, row, column_name, rule, value, record)
SELECT %(run)s, 'order_items', s.file, s.row, 'order_key', 'its order is rejected', s.order_key, to_jsonb(s)
FROM zava_import.order_items AS s
WHERE NOT EXISTS (SELECT FROM zava_import.orders AS k WHERE k.store_key = s.store_key AND k.order_key = s.order_key)
