-- Resolves the orders and lines of a run and writes them. An order and its lines are what the files
-- hold. A row that would not change is not written.

-- name: has another zone
SELECT EXISTS (SELECT FROM retail.stores AS s WHERE s.time_zone <> current_setting('TimeZone'))

-- name: resolve orders
INSERT INTO zava_import.resolved_orders (
  number, file, row, of_order, store_key, order_key, of_store, order_id, is_new, customer_id, has_unknown_customer,
  order_date, status, stated_amount, tax_amount, shipping_amount, tender)
SELECT (t.epoch * 1000000)::bigint, t.file, t.row, (t.file::bigint << 40) | t.row, t.store_key, t.order_key, r.store_id,
       -- Time first, so that new ids lie side by side in an index.
       coalesce(o.order_id, (lpad(to_hex(floor(t.epoch * 1000)::bigint), 12, '0')
         || '7' || substr(h.hex, 1, 3) || 'a' || substr(h.hex, 4, 15))::uuid),
       o.order_id IS NULL, c.customer_id, t.customer_key IS NOT NULL AND c.customer_id IS NULL, t.moment,
       coalesce(t.status, 'completed'), round(t.total_amount::numeric, 2), round(coalesce(t.tax_amount::numeric, 0), 2),
       round(coalesce(t.shipping_amount::numeric, 0), 2), t.tender
FROM (SELECT s.*, date_part('epoch', s.moment) AS epoch
      FROM (SELECT s.*, /* moment */ AS moment FROM zava_import.orders AS s/* zones */ OFFSET 0) AS s OFFSET 0) AS t
JOIN zava_import.store_keys AS r ON (r.source_system, r.source_key) = (%(source)s, t.store_key)
LEFT JOIN LATERAL (SELECT k.order_id FROM zava_import.order_keys AS k
                   WHERE k.store_id = r.store_id AND k.source_system = %(source)s AND k.source_key = t.order_key
                     -- Looked up once: the first import of a source finds no order.
                     AND (SELECT EXISTS (SELECT FROM zava_import.order_keys AS a WHERE a.source_system = %(source)s))
                   OFFSET 0) AS o ON true
LEFT JOIN LATERAL (SELECT k.customer_id FROM zava_import.customer_keys AS k
                   WHERE k.store_id = r.store_id AND k.source_system = %(source)s AND k.source_key = t.customer_key
                   OFFSET 0) AS c ON true
CROSS JOIN LATERAL (SELECT md5(%(source)s || '|' || t.store_key || '|' || t.order_key) OFFSET 0) AS h (hex)

-- name: leave known orders
WITH known AS (DELETE FROM zava_import.resolved_orders WHERE NOT is_new)
DELETE FROM zava_import.resolved_lines WHERE NOT is_new

-- name: resolve lines
-- A price of more than two decimals is rounded and the difference put into the discount, so that
-- the line's net sales stay the source's. A share of the lines at a time, by their key: their join
-- with the orders would else take more temporary files than a server allows.
INSERT INTO zava_import.resolved_lines (
  number, file, row, of_order, of_store, order_id, is_new, line_number, product_id, quantity, unit_price,
  discount_percent, discount_amount, total_amount, rule)
SELECT p.number, p.file, p.row, p.of_order, p.of_store, p.order_id, p.is_new,
       CASE WHEN p.line_number <= 32767 THEN p.line_number END, p.product_id, p.quantity,
       CASE WHEN p.rule IS NULL THEN p.unit_price END,
       CASE WHEN p.rule IS NULL THEN
         CASE WHEN p.discount_amount = 0 OR p.quantity * p.unit_price = 0 THEN 0
           ELSE least(greatest(round(100 * p.discount_amount / (p.quantity * p.unit_price), 2), 0), 100) END
       END,
       CASE WHEN p.rule IS NULL THEN p.discount_amount END, CASE WHEN p.rule IS NULL THEN p.total_amount END, p.rule
FROM (
  SELECT d.*,
         CASE
           WHEN d.line_number > 32767 THEN 'the order has more than 32,767 lines'
           WHEN d.total_amount IS NULL THEN 'unit_price or total_amount is required'
           WHEN abs(d.unit_price) >= 100000000 THEN 'the price of one unit is too large'
           WHEN greatest(abs(d.total_amount), abs(d.discount_amount)) >= 10000000000 THEN 'the amount of the line is too large'
           WHEN abs(d.total_amount - d.computed) > 0.05 THEN 'quantity * unit_price - discount_amount is another amount'
           WHEN d.total_amount < 0 AND d.quantity > 0 THEN 'below 0 with a quantity above 0'
           WHEN d.unit_price < 0 THEN 'above 0 with a quantity below 0'
           WHEN d.total_amount <> round(d.quantity * d.unit_price - d.discount_amount, 2) THEN
             'no discount in whole cents makes this amount'
         END AS rule
  FROM (
    SELECT a.*, round(a.quantity * a.unit_price, 2) - a.total_amount AS discount_amount
    FROM (
      SELECT o.number, s.file, s.row, o.of_order, o.of_store, o.order_id, o.is_new, k.product_id,
             /* line number */ AS line_number, trim_scale(s.units) AS quantity,
             round(coalesce(s.price, (s.amount + coalesce(s.discount, 0)) / s.units), 2) AS unit_price,
             round(coalesce(s.amount, s.units * s.price - coalesce(s.discount, 0)), 2) AS total_amount,
             -- Without a discount of its own the difference is one.
             CASE WHEN s.price IS NOT NULL AND s.discount IS NOT NULL THEN s.units * s.price - s.discount
               ELSE round(coalesce(s.amount, s.units * s.price - coalesce(s.discount, 0)), 2) END AS computed
      FROM (SELECT s.file, s.row, s.store_key, s.order_key, s.product_key, s.line_number, s.quantity::numeric AS units,
                   s.unit_price::numeric AS price, s.discount_amount::numeric AS discount,
                   s.total_amount::numeric AS amount
            FROM zava_import.order_items AS s
            WHERE %(shares)s = 1 OR hashtext(s.order_key) & 1023 BETWEEN %(from)s AND %(to)s OFFSET 0) AS s
      LEFT JOIN zava_import.resolved_orders AS o
        ON o.store_key = s.store_key AND o.order_key = s.order_key
       AND (%(shares)s = 1 OR hashtext(o.order_key) & 1023 BETWEEN %(from)s AND %(to)s)
      LEFT JOIN zava_import.product_keys AS k ON (k.source_system, k.source_key) = (%(source)s, s.product_key)
      OFFSET 0
    ) AS a OFFSET 0
  ) AS d OFFSET 0
) AS p

-- name: add orders
INSERT INTO retail.orders (store_id, order_id, customer_id, order_date, status, is_return, total_amount, tax_amount,
                           shipping_amount, tender)
SELECT n.of_store, n.order_id, n.customer_id, n.order_date, n.status, n.total < 0 OR n.only_returns, n.total, n.tax_amount,
       n.shipping_amount, n.tender
FROM (/* portion */) AS n
WHERE n.is_new
ORDER BY n.number

-- name: add keys of orders
INSERT INTO zava_import.order_keys (store_id, order_id, source_system, source_key)
SELECT n.of_store, n.order_id, %(source)s, n.order_key
FROM zava_import.resolved_orders AS n
WHERE n.is_new AND n.number > %(after)s AND n.number <= %(upto)s
ORDER BY n.number

-- name: add lines
INSERT INTO retail.order_items (store_id, order_id, line_number, product_id, quantity, unit_price, discount_percent,
                                discount_amount, total_amount)
SELECT n.of_store, n.order_id, n.line_number, n.product_id, n.quantity, n.unit_price, n.discount_percent,
       n.discount_amount, n.total_amount
FROM zava_import.resolved_lines AS n
WHERE n.is_new AND n.number > %(after)s AND n.number <= %(upto)s
ORDER BY n.number, n.of_order, n.line_number

-- name: change orders
UPDATE retail.orders AS t
SET customer_id = n.customer_id, status = n.status, is_return = n.total < 0 OR n.only_returns, total_amount = n.total,
    tax_amount = n.tax_amount, shipping_amount = n.shipping_amount, tender = n.tender
FROM (/* portion */) AS n
WHERE NOT n.is_new AND t.store_id = n.of_store AND t.order_id = n.order_id
  AND (t.customer_id, t.order_date, t.status, t.is_return, t.total_amount, t.tax_amount, t.shipping_amount, t.tender)
      IS DISTINCT FROM (n.customer_id, n.order_date, n.status, n.total < 0 OR n.only_returns, n.total, n.tax_amount,
                        n.shipping_amount, n.tender)

-- name: is an order moved
SELECT EXISTS (SELECT FROM zava_import.resolved_orders AS n
               JOIN retail.orders AS t ON t.store_id = n.of_store AND t.order_id = n.order_id
               WHERE NOT n.is_new AND t.order_date <> n.order_date)

-- name: move orders
UPDATE retail.orders AS t
SET order_date = n.order_date
FROM zava_import.resolved_orders AS n
WHERE NOT n.is_new AND n.number > %(after)s AND n.number <= %(upto)s
  AND t.store_id = n.of_store AND t.order_id = n.order_id AND t.order_date <> n.order_date

-- name: remove lines
DELETE FROM retail.order_items AS t
USING zava_import.resolved_orders AS n
WHERE NOT n.is_new AND n.number > %(after)s AND n.number <= %(upto)s
  AND t.store_id = n.of_store AND t.order_id = n.order_id
  AND NOT EXISTS (SELECT FROM zava_import.resolved_lines AS l
                  WHERE l.number = n.number AND l.of_order = n.of_order AND l.line_number = t.line_number)

-- name: change lines
UPDATE retail.order_items AS t
SET product_id = n.product_id, quantity = n.quantity, unit_price = n.unit_price, discount_percent = n.discount_percent,
    discount_amount = n.discount_amount, total_amount = n.total_amount
FROM zava_import.resolved_lines AS n
WHERE NOT n.is_new AND n.number > %(after)s AND n.number <= %(upto)s
  AND t.store_id = n.of_store AND t.order_id = n.order_id AND t.line_number = n.line_number
  AND (t.product_id, t.quantity, t.unit_price, t.discount_percent, t.discount_amount, t.total_amount)
      IS DISTINCT FROM (n.product_id, n.quantity, n.unit_price, n.discount_percent, n.discount_amount, n.total_amount)

-- name: add lines to known orders
INSERT INTO retail.order_items (store_id, order_id, line_number, product_id, quantity, unit_price, discount_percent,
                                discount_amount, total_amount)
SELECT n.of_store, n.order_id, n.line_number, n.product_id, n.quantity, n.unit_price, n.discount_percent,
       n.discount_amount, n.total_amount
FROM zava_import.resolved_lines AS n
WHERE NOT n.is_new AND n.number > %(after)s AND n.number <= %(upto)s
  AND NOT EXISTS (SELECT FROM retail.order_items AS t
                  WHERE t.store_id = n.of_store AND t.order_id = n.order_id AND t.line_number = n.line_number)

-- name: date openings
UPDATE retail.stores AS t SET opened_on = f.day
FROM (SELECT n.of_store AS store_id, min(n.order_date AT TIME ZONE s.time_zone)::date AS day
      FROM zava_import.resolved_orders AS n JOIN retail.stores AS s ON s.store_id = n.of_store GROUP BY n.of_store) AS f
WHERE t.store_id = f.store_id AND (t.opened_on IS NULL OR t.opened_on > f.day)
  AND NOT EXISTS (SELECT FROM zava_import.stores AS s
                  JOIN zava_import.store_keys AS k ON (k.source_system, k.source_key) = (%(source)s, s.store_key)
                  WHERE k.store_id = t.store_id AND s.opened_on IS NOT NULL)

-- name: periods
-- Whole days of the store: their first moment, and the one after their last.
SELECT n.of_store, min(n.order_date AT TIME ZONE s.time_zone)::date::timestamp AT TIME ZONE s.time_zone,
       (max(n.order_date AT TIME ZONE s.time_zone)::date + 1)::timestamp AT TIME ZONE s.time_zone
FROM zava_import.resolved_orders AS n JOIN retail.stores AS s ON s.store_id = n.of_store
GROUP BY n.of_store, s.time_zone

-- name: remove lines of replaced orders
DELETE FROM retail.order_items AS t
USING retail.orders AS o JOIN zava_import.order_keys AS k ON k.store_id = o.store_id AND k.order_id = o.order_id
WHERE t.store_id = o.store_id AND t.order_id = o.order_id
  AND o.store_id = %(store)s AND k.source_system = %(source)s
  AND o.order_date >= %(since)s AND o.order_date < %(until)s
  AND NOT EXISTS (SELECT FROM zava_import.resolved_orders AS n WHERE n.of_store = o.store_id AND n.order_id = o.order_id)

-- name: remove replaced orders
DELETE FROM retail.orders AS o USING zava_import.order_keys AS k
WHERE k.store_id = o.store_id AND k.order_id = o.order_id
  AND o.store_id = %(store)s AND k.source_system = %(source)s
  AND o.order_date >= %(since)s AND o.order_date < %(until)s
  AND NOT EXISTS (SELECT FROM zava_import.resolved_orders AS n WHERE n.of_store = o.store_id AND n.order_id = o.order_id)

-- name: orders of other sources
SELECT coalesce(k.source_system, 'no source'), count(*)
FROM retail.orders AS o
LEFT JOIN zava_import.order_keys AS k ON k.store_id = o.store_id AND k.order_id = o.order_id
JOIN (SELECT n.of_store AS store_id, min(n.order_date) AS since, max(n.order_date) AS until
      FROM zava_import.resolved_orders AS n GROUP BY n.of_store) AS n
  ON o.store_id = n.store_id AND o.order_date BETWEEN n.since AND n.until
WHERE k.source_system IS DISTINCT FROM %(source)s
GROUP BY 1 ORDER BY 1

-- name: totals
-- How many orders there are, how many have a line, and those whose stated total is another. Last,
-- how many orders have lines of one number, or more lines than bits show.
SELECT count(*), count(t.total), count(*) FILTER (WHERE n.stated_amount <> t.total),
       coalesce(sum(n.stated_amount - t.total) FILTER (WHERE n.stated_amount <> t.total), 0),
       min(n.order_key) FILTER (WHERE n.stated_amount <> t.total), count(*) FILTER (WHERE NOT n.is_new),
       count(*) FILTER (WHERE abs(t.total) >= 10000000000),
       count(*) FILTER (WHERE t.lines <> bit_count(t.numbers::bit(64)) OR t.most > 62)
FROM zava_import.resolved_orders AS n
LEFT JOIN (SELECT l.of_order, sum(l.total_amount) AS total, count(*) AS lines, max(l.line_number) AS most,
                  bit_or(1::bigint << least(l.line_number, 63)) AS numbers
           FROM zava_import.resolved_lines AS l GROUP BY l.of_order) AS t
  ON t.of_order = n.of_order

-- name: end of portion
SELECT max(n.number) FROM (SELECT o.number FROM zava_import.resolved_orders AS o
                           WHERE o.number > %(after)s ORDER BY o.number LIMIT %(orders)s) AS n
