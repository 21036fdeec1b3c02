-- Writes the checked rows of all tables but the sales. A value that a file leaves out stays as it
-- is. A row that would not change is not written.
--
-- Tables of tenants have no statistics, so a key is looked up with OFFSET 0: joined otherwise, the
-- planner reads all keys of a store for each row.

-- name: change chain
UPDATE retail.chain AS t
SET reporting_currency = n.reporting_currency, time_zone = n.time_zone
FROM (SELECT s.reporting_currency, coalesce(s.time_zone, g.time_zone) AS time_zone
      FROM zava_import.chain AS s CROSS JOIN retail.chain AS g) AS n
WHERE (t.reporting_currency, t.time_zone) <> (n.reporting_currency, n.time_zone)

-- name: add chain
INSERT INTO retail.chain (reporting_currency, time_zone)
SELECT s.reporting_currency, coalesce(s.time_zone, %(zone)s) FROM zava_import.chain AS s
WHERE NOT EXISTS (SELECT FROM retail.chain)

-- name: change exchange_rates
UPDATE retail.exchange_rates AS t SET rate = n.rate
FROM (SELECT s.currency, s.day::date AS day, round(s.rate::numeric, 12) AS rate FROM zava_import.exchange_rates AS s) AS n
WHERE t.currency = n.currency AND t.day = n.day AND t.rate <> n.rate

-- name: add exchange_rates
INSERT INTO retail.exchange_rates (currency, day, rate)
SELECT s.currency, s.day::date, round(s.rate::numeric, 12)
FROM zava_import.exchange_rates AS s
WHERE NOT EXISTS (SELECT FROM retail.exchange_rates AS o WHERE o.currency = s.currency AND o.day = s.day::date)

-- name: adopt stores
INSERT INTO zava_import.store_keys (store_id, source_system, source_key)
SELECT o.store_id, %(source)s, s.store_key
FROM zava_import.stores AS s JOIN retail.stores AS o ON o.store_name = s.store_name
WHERE NOT EXISTS (SELECT FROM zava_import.store_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.store_key))

-- name: change stores
UPDATE retail.stores AS t
SET store_name = n.store_name, location = n.location, region = n.region, is_online = n.is_online,
    opened_on = n.opened_on, closed_on = n.closed_on, time_zone = n.time_zone, currency = n.currency
FROM (
  SELECT o.store_id, s.store_name, coalesce(s.location, o.location) AS location, coalesce(s.region, o.region) AS region,
         coalesce(s.is_online::boolean, o.is_online) AS is_online,
         coalesce(s.opened_on::date, o.opened_on) AS opened_on,
         coalesce(s.closed_on::date, o.closed_on) AS closed_on, coalesce(s.time_zone, o.time_zone) AS time_zone,
         coalesce(s.currency, o.currency) AS currency
  FROM zava_import.stores AS s
  JOIN zava_import.store_keys AS k ON (k.source_system, k.source_key) = (%(source)s, s.store_key)
  JOIN retail.stores AS o ON o.store_id = k.store_id
) AS n
WHERE t.store_id = n.store_id
  AND (t.store_name, t.location, t.region, t.is_online, t.opened_on, t.closed_on, t.time_zone, t.currency)
      IS DISTINCT FROM (n.store_name, n.location, n.region, n.is_online, n.opened_on, n.closed_on, n.time_zone, n.currency)

-- name: add stores
WITH added AS MATERIALIZED (
  SELECT retail.new_id() AS store_id, s.* FROM zava_import.stores AS s
  WHERE NOT EXISTS (SELECT FROM zava_import.store_keys AS o WHERE (o.source_system, o.source_key) = (%(source)s, s.store_key))
), written AS (
  INSERT INTO retail.stores (store_id, store_name, location, region, is_online, opened_on, closed_on, time_zone, currency)
  SELECT s.store_id, s.store_name, coalesce(s.location, s.store_name), coalesce(s.region, 'All'),
         coalesce(s.is_online::boolean, false), s.opened_on::date, s.closed_on::date,
         coalesce(s.time_zone, g.time_zone, %(zone)s), coalesce(s.currency, g.reporting_currency, %(currency)s)
  FROM added AS s LEFT JOIN retail.chain AS g ON true
)
INSERT INTO zava_import.store_keys (store_id, source_system, source_key)
SELECT s.store_id, %(source)s, s.store_key FROM added AS s

-- name: add categories
INSERT INTO retail.categories (category_name)
SELECT DISTINCT coalesce(s.category, 'Other') FROM zava_import.products AS s
WHERE s.category IS NOT NULL
   OR NOT EXISTS (SELECT FROM zava_import.product_keys AS o WHERE (o.source_system, o.source_key) = (%(source)s, s.product_key))
ON CONFLICT DO NOTHING

-- name: add product types
INSERT INTO retail.product_types (category_id, type_name)
SELECT DISTINCT c.category_id, coalesce(s.product_type, c.category_name)
FROM zava_import.products AS s JOIN retail.categories AS c ON c.category_name = coalesce(s.category, 'Other')
WHERE s.category IS NOT NULL
   OR NOT EXISTS (SELECT FROM zava_import.product_keys AS o WHERE (o.source_system, o.source_key) = (%(source)s, s.product_key))
ON CONFLICT DO NOTHING

-- name: adopt products
INSERT INTO zava_import.product_keys (product_id, source_system, source_key)
SELECT o.product_id, %(source)s, s.product_key
FROM zava_import.products AS s JOIN retail.products AS o ON o.sku = coalesce(s.sku, s.product_key)
WHERE NOT EXISTS (SELECT FROM zava_import.product_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.product_key))

-- name: keep prices of before
-- A cost or list price that changes leaves its day in the history. A cost of 0 was unknown, and a
-- change on the day of the product's last one corrects it: neither one begins a history.
WITH changed AS (
  SELECT o.product_id, o.cost, o.base_price, round(s.cost::numeric, 2) AS new_cost,
         round(s.base_price::numeric, 2) AS new_price, t.day,
         (o.updated_at AT TIME ZONE current_setting('TimeZone'))::date < t.day AND o.cost > 0 AS is_history
  FROM zava_import.products AS s
  JOIN zava_import.product_keys AS i ON (i.source_system, i.source_key) = (%(source)s, s.product_key)
  JOIN retail.products AS o ON o.product_id = i.product_id
  CROSS JOIN (SELECT (now() AT TIME ZONE current_setting('TimeZone'))::date) AS t (day)
  WHERE (o.cost, o.base_price) <> (round(s.cost::numeric, 2), round(s.base_price::numeric, 2))
), kept AS (
  INSERT INTO retail.product_prices (product_id, valid_from, cost, base_price)
  SELECT c.product_id, '1970-01-01', c.cost, c.base_price FROM changed AS c
  WHERE c.is_history AND NOT EXISTS (SELECT FROM retail.product_prices AS p WHERE p.product_id = c.product_id)
)
INSERT INTO retail.product_prices AS p (product_id, valid_from, cost, base_price)
SELECT c.product_id, c.day, c.new_cost, c.new_price
FROM changed AS c
LEFT JOIN LATERAL (SELECT h.cost, h.base_price, h.valid_from FROM retail.product_prices AS h
                   WHERE h.product_id = c.product_id AND h.valid_from <= c.day
                   ORDER BY h.valid_from DESC LIMIT 1) AS h ON true
WHERE (h.cost, h.base_price) IS DISTINCT FROM (c.new_cost, c.new_price)
  AND (c.is_history OR h.valid_from IS NOT NULL)
ON CONFLICT (product_id, valid_from) DO UPDATE SET cost = excluded.cost, base_price = excluded.base_price

-- name: change products
UPDATE retail.products AS t
SET sku = n.sku, product_name = n.product_name, category_id = n.category_id, type_id = n.type_id, cost = n.cost,
    base_price = n.base_price, unit = n.unit, product_description = n.description, synonyms = n.synonyms,
    discontinued = n.discontinued
FROM (
  SELECT o.product_id, coalesce(s.sku, o.sku) AS sku, s.product_name,
         coalesce(k.category_id, o.category_id) AS category_id, coalesce(k.type_id, o.type_id) AS type_id,
         round(s.cost::numeric, 2) AS cost, round(s.base_price::numeric, 2) AS base_price, coalesce(s.unit, o.unit) AS unit,
         coalesce(s.description, o.product_description) AS description, coalesce(s.synonyms, o.synonyms) AS synonyms,
         coalesce(s.discontinued::boolean, o.discontinued) AS discontinued
  FROM zava_import.products AS s
  JOIN zava_import.product_keys AS i ON (i.source_system, i.source_key) = (%(source)s, s.product_key)
  JOIN retail.products AS o ON o.product_id = i.product_id
  LEFT JOIN (retail.product_types AS k JOIN retail.categories AS c ON c.category_id = k.category_id)
    ON c.category_name = s.category AND k.type_name = coalesce(s.product_type, s.category)
) AS n
WHERE t.product_id = n.product_id
  AND (t.sku, t.product_name, t.category_id, t.type_id, t.cost, t.base_price, t.unit, t.product_description, t.synonyms, t.discontinued)
      IS DISTINCT FROM (n.sku, n.product_name, n.category_id, n.type_id, n.cost, n.base_price, n.unit, n.description, n.synonyms, n.discontinued)

-- name: add products
WITH added AS MATERIALIZED (
  SELECT retail.new_id() AS product_id, s.* FROM zava_import.products AS s
  WHERE NOT EXISTS (SELECT FROM zava_import.product_keys AS o WHERE (o.source_system, o.source_key) = (%(source)s, s.product_key))
), written AS (
  INSERT INTO retail.products (product_id, sku, product_name, category_id, type_id, cost, base_price, unit,
                               product_description, synonyms, discontinued)
  SELECT s.product_id, coalesce(s.sku, s.product_key), s.product_name, c.category_id, k.type_id,
       round(s.cost::numeric, 2), round(s.base_price::numeric, 2), coalesce(s.unit, 'each'), coalesce(s.description, ''),
         coalesce(s.synonyms, ''), coalesce(s.discontinued::boolean, false)
  FROM added AS s
  JOIN retail.categories AS c ON c.category_name = coalesce(s.category, 'Other')
  JOIN retail.product_types AS k ON k.category_id = c.category_id AND k.type_name = coalesce(s.product_type, c.category_name)
)
INSERT INTO zava_import.product_keys (product_id, source_system, source_key)
SELECT s.product_id, %(source)s, s.product_key FROM added AS s

-- name: adopt suppliers
INSERT INTO zava_import.supplier_keys (supplier_id, source_system, source_key)
SELECT o.supplier_id, %(source)s, s.supplier_key
FROM zava_import.suppliers AS s JOIN retail.suppliers AS o ON o.supplier_name = s.supplier_name
WHERE NOT EXISTS (SELECT FROM zava_import.supplier_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.supplier_key))

-- name: change suppliers
UPDATE retail.suppliers AS t SET supplier_name = s.supplier_name, lead_days = s.lead_days::integer
FROM zava_import.suppliers AS s
JOIN zava_import.supplier_keys AS k ON (k.source_system, k.source_key) = (%(source)s, s.supplier_key)
WHERE t.supplier_id = k.supplier_id
  AND (t.supplier_name, t.lead_days) IS DISTINCT FROM (s.supplier_name, s.lead_days::integer)

-- name: add suppliers
WITH added AS MATERIALIZED (
  SELECT retail.new_id() AS supplier_id, s.* FROM zava_import.suppliers AS s
  WHERE NOT EXISTS (SELECT FROM zava_import.supplier_keys AS o WHERE (o.source_system, o.source_key) = (%(source)s, s.supplier_key))
), written AS (
  INSERT INTO retail.suppliers (supplier_id, supplier_name, lead_days)
  SELECT s.supplier_id, s.supplier_name, s.lead_days::integer FROM added AS s
)
INSERT INTO zava_import.supplier_keys (supplier_id, source_system, source_key)
SELECT s.supplier_id, %(source)s, s.supplier_key FROM added AS s

-- name: change product_suppliers
UPDATE retail.product_suppliers AS t SET supplier_id = k.supplier_id
FROM zava_import.product_suppliers AS s
JOIN zava_import.product_keys AS i ON (i.source_system, i.source_key) = (%(source)s, s.product_key)
JOIN zava_import.supplier_keys AS k ON (k.source_system, k.source_key) = (%(source)s, s.supplier_key)
WHERE t.product_id = i.product_id AND t.supplier_id <> k.supplier_id

-- name: add product_suppliers
INSERT INTO retail.product_suppliers (product_id, supplier_id)
SELECT i.product_id, k.supplier_id
FROM zava_import.product_suppliers AS s
JOIN zava_import.product_keys AS i ON (i.source_system, i.source_key) = (%(source)s, s.product_key)
JOIN zava_import.supplier_keys AS k ON (k.source_system, k.source_key) = (%(source)s, s.supplier_key)
WHERE NOT EXISTS (SELECT FROM retail.product_suppliers AS o WHERE o.product_id = i.product_id)

-- name: change product_prices
UPDATE retail.product_prices AS t SET cost = n.cost, base_price = n.base_price
FROM (
  SELECT i.product_id, s.valid_from::date AS valid_from, round(s.cost::numeric, 2) AS cost,
         round(s.base_price::numeric, 2) AS base_price
  FROM zava_import.product_prices AS s
  JOIN zava_import.product_keys AS i ON (i.source_system, i.source_key) = (%(source)s, s.product_key)
) AS n
WHERE t.product_id = n.product_id AND t.valid_from = n.valid_from
  AND (t.cost, t.base_price) IS DISTINCT FROM (n.cost, n.base_price)

-- name: add product_prices
INSERT INTO retail.product_prices (product_id, valid_from, cost, base_price)
SELECT i.product_id, s.valid_from::date, round(s.cost::numeric, 2), round(s.base_price::numeric, 2)
FROM zava_import.product_prices AS s
JOIN zava_import.product_keys AS i ON (i.source_system, i.source_key) = (%(source)s, s.product_key)
WHERE NOT EXISTS (SELECT FROM retail.product_prices AS o
                  WHERE o.product_id = i.product_id AND o.valid_from = s.valid_from::date)

-- name: adopt promotions
INSERT INTO zava_import.promotion_keys (promotion_id, source_system, source_key)
SELECT o.promotion_id, %(source)s, s.promotion_key
FROM zava_import.promotions AS s JOIN retail.promotions AS o ON o.promotion_name = s.promotion_name
WHERE NOT EXISTS (SELECT FROM zava_import.promotion_keys AS k WHERE (k.source_system, k.source_key) = (%(source)s, s.promotion_key))

-- name: change promotions
UPDATE retail.promotions AS t
SET promotion_name = s.promotion_name, first_day = s.first_day::date, last_day = s.last_day::date
FROM zava_import.promotions AS s
JOIN zava_import.promotion_keys AS k ON (k.source_system, k.source_key) = (%(source)s, s.promotion_key)
WHERE t.promotion_id = k.promotion_id
  AND (t.promotion_name, t.first_day, t.last_day)
      IS DISTINCT FROM (s.promotion_name, s.first_day::date, s.last_day::date)

-- name: add promotions
WITH added AS MATERIALIZED (
  SELECT retail.new_id() AS promotion_id, s.* FROM zava_import.promotions AS s
  WHERE NOT EXISTS (SELECT FROM zava_import.promotion_keys AS o WHERE (o.source_system, o.source_key) = (%(source)s, s.promotion_key))
), written AS (
  INSERT INTO retail.promotions (promotion_id, promotion_name, first_day, last_day)
  SELECT s.promotion_id, s.promotion_name, s.first_day::date, s.last_day::date FROM added AS s
)
INSERT INTO zava_import.promotion_keys (promotion_id, source_system, source_key)
SELECT s.promotion_id, %(source)s, s.promotion_key FROM added AS s

-- name: add promotion_products
INSERT INTO retail.promotion_products (promotion_id, product_id)
SELECT k.promotion_id, i.product_id
FROM zava_import.promotion_products AS s
JOIN zava_import.promotion_keys AS k ON (k.source_system, k.source_key) = (%(source)s, s.promotion_key)
JOIN zava_import.product_keys AS i ON (i.source_system, i.source_key) = (%(source)s, s.product_key)
WHERE NOT EXISTS (SELECT FROM retail.promotion_products AS o
                  WHERE o.promotion_id = k.promotion_id AND o.product_id = i.product_id)

-- name: leave out repeated addresses
UPDATE zava_import.customers AS s SET email = NULL
FROM (
  SELECT c.file, c.row, k.store_id, i.customer_id, c.email,
         row_number() OVER (PARTITION BY c.store_key, c.email ORDER BY c.file, c.row) AS n
  FROM zava_import.customers AS c
  LEFT JOIN zava_import.store_keys AS k ON (k.source_system, k.source_key) = (%(source)s, c.store_key)
  LEFT JOIN LATERAL (SELECT i.customer_id FROM zava_import.customer_keys AS i
                     WHERE i.store_id = k.store_id AND i.source_system = %(source)s AND i.source_key = c.customer_key
                     OFFSET 0) AS i ON true
  WHERE c.email IS NOT NULL
) AS d
WHERE s.file = d.file AND s.row = d.row
  AND (d.n > 1 OR EXISTS (SELECT FROM retail.customers AS o
                          WHERE o.store_id = d.store_id AND o.email = d.email
                            AND o.customer_id IS DISTINCT FROM d.customer_id))

-- name: change customers
UPDATE retail.customers AS t
SET first_name = n.first_name, last_name = n.last_name, email = n.email, phone = n.phone, created_at = n.created_at
FROM (
  SELECT o.store_id, o.customer_id, coalesce(s.first_name, o.first_name) AS first_name,
         coalesce(s.last_name, o.last_name) AS last_name, coalesce(s.email, o.email) AS email,
         coalesce(s.phone, o.phone) AS phone, coalesce(s.created_at::timestamptz, o.created_at) AS created_at
  FROM zava_import.customers AS s
  JOIN zava_import.store_keys AS r ON (r.source_system, r.source_key) = (%(source)s, s.store_key)
  JOIN LATERAL (SELECT k.store_id, k.customer_id FROM zava_import.customer_keys AS k
                WHERE k.store_id = r.store_id AND k.source_system = %(source)s AND k.source_key = s.customer_key
                OFFSET 0) AS k ON true
  JOIN retail.customers AS o ON o.store_id = k.store_id AND o.customer_id = k.customer_id
) AS n
WHERE t.store_id = n.store_id AND t.customer_id = n.customer_id
  AND (t.first_name, t.last_name, t.email, t.phone, t.created_at)
      IS DISTINCT FROM (n.first_name, n.last_name, n.email, n.phone, n.created_at)

-- name: add customers
WITH added AS MATERIALIZED (
  SELECT retail.new_id() AS customer_id, r.store_id, s.* FROM zava_import.customers AS s
  JOIN zava_import.store_keys AS r ON (r.source_system, r.source_key) = (%(source)s, s.store_key)
  WHERE (SELECT true FROM zava_import.customer_keys AS o
         WHERE o.store_id = r.store_id AND o.source_system = %(source)s AND o.source_key = s.customer_key) IS NULL
), written AS (
  INSERT INTO retail.customers (store_id, customer_id, first_name, last_name, email, phone, created_at)
  SELECT s.store_id, s.customer_id, s.first_name, s.last_name, s.email, s.phone, coalesce(s.created_at::timestamptz, now())
  FROM added AS s
)
INSERT INTO zava_import.customer_keys (store_id, customer_id, source_system, source_key)
SELECT s.store_id, s.customer_id, %(source)s, s.customer_key FROM added AS s

-- name: link persons
INSERT INTO retail.customer_persons AS t (store_id, customer_id, person_id)
SELECT r.store_id, k.customer_id, md5(%(source)s || '|' || s.person_key)::uuid
FROM zava_import.customers AS s
JOIN zava_import.store_keys AS r ON (r.source_system, r.source_key) = (%(source)s, s.store_key)
JOIN LATERAL (SELECT k.customer_id FROM zava_import.customer_keys AS k
              WHERE k.store_id = r.store_id AND k.source_system = %(source)s AND k.source_key = s.customer_key
              OFFSET 0) AS k ON true
WHERE s.person_key IS NOT NULL
ON CONFLICT (store_id, customer_id) DO UPDATE SET person_id = excluded.person_id
WHERE t.person_id <> excluded.person_id

-- name: change inventory
UPDATE retail.inventory AS t SET stock_level = n.stock_level, reorder_point = n.reorder_point
FROM (
  SELECT o.store_id, o.product_id, trim_scale(s.stock_level::numeric) AS stock_level,
         coalesce(trim_scale(s.reorder_point::numeric), o.reorder_point) AS reorder_point
  FROM zava_import.inventory AS s
  JOIN zava_import.store_keys AS r ON (r.source_system, r.source_key) = (%(source)s, s.store_key)
  JOIN zava_import.product_keys AS p ON (p.source_system, p.source_key) = (%(source)s, s.product_key)
  JOIN retail.inventory AS o ON o.store_id = r.store_id AND o.product_id = p.product_id
) AS n
WHERE t.store_id = n.store_id AND t.product_id = n.product_id
  AND (t.stock_level, t.reorder_point) IS DISTINCT FROM (n.stock_level, n.reorder_point)

-- name: add inventory
INSERT INTO retail.inventory (store_id, product_id, stock_level, reorder_point)
SELECT r.store_id, p.product_id, trim_scale(s.stock_level::numeric), coalesce(trim_scale(s.reorder_point::numeric), 0)
FROM zava_import.inventory AS s
JOIN zava_import.store_keys AS r ON (r.source_system, r.source_key) = (%(source)s, s.store_key)
JOIN zava_import.product_keys AS p ON (p.source_system, p.source_key) = (%(source)s, s.product_key)
WHERE NOT EXISTS (SELECT FROM retail.inventory AS o WHERE o.store_id = r.store_id AND o.product_id = p.product_id)

-- name: change store_targets
UPDATE retail.store_targets AS t SET revenue_target = n.revenue_target
FROM (
  SELECT r.store_id, date_trunc('month', s.month::date::timestamp)::date AS month,
         round(s.revenue_target::numeric, 2) AS revenue_target
  FROM zava_import.store_targets AS s
  JOIN zava_import.store_keys AS r ON (r.source_system, r.source_key) = (%(source)s, s.store_key)
) AS n
WHERE t.store_id = n.store_id AND t.month = n.month AND t.revenue_target <> n.revenue_target

-- name: add store_targets
INSERT INTO retail.store_targets (store_id, month, revenue_target)
SELECT n.store_id, n.month, n.revenue_target
FROM (
  SELECT r.store_id, date_trunc('month', s.month::date::timestamp)::date AS month,
         round(s.revenue_target::numeric, 2) AS revenue_target
  FROM zava_import.store_targets AS s
  JOIN zava_import.store_keys AS r ON (r.source_system, r.source_key) = (%(source)s, s.store_key)
) AS n
WHERE NOT EXISTS (SELECT FROM retail.store_targets AS o WHERE o.store_id = n.store_id AND o.month = n.month)
