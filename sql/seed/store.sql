-- One store, its stock and its customers; draws are 32-bit parts of an MD5, so every server
-- version makes the same.
WITH new_store AS (
  INSERT INTO retail.stores (store_id, store_name, location, region, is_online, created_at, opened_on)
  VALUES (%(store_id)s, %(store_name)s, %(location)s, %(region)s, %(is_online)s, %(opened)s,
          (%(opened)s::timestamptz AT TIME ZONE 'America/Los_Angeles')::date)
),
shelf AS MATERIALIZED (
  SELECT p.product_id,
         ('x' || substr(h.hex, 1, 8))::bit(32)::bigint / 4294967296::float8 AS kind,
         ('x' || substr(h.hex, 9, 8))::bit(32)::bigint / 4294967296::float8 AS amount,
         5 + (('x' || substr(h.hex, 17, 8))::bit(32)::bigint %% 20)::integer AS reorder_point
  FROM retail.products AS p
  CROSS JOIN LATERAL (SELECT md5(%(seed)s || '|stock|' || %(store_name)s || '|' || p.sku)) AS h (hex)
),
stock AS (
  INSERT INTO retail.inventory (store_id, product_id, stock_level, reorder_point, updated_at)
  SELECT %(store_id)s, product_id,
         CASE
           WHEN kind < 0.06 THEN 0
           WHEN kind < 0.16 THEN 1 + floor(amount * reorder_point)::integer
           ELSE reorder_point + 1 + floor(amount * reorder_point * 7)::integer
         END,
         reorder_point, %(opened)s
  FROM shelf
)
INSERT INTO retail.customers (store_id, customer_id, first_name, last_name, email, phone, created_at)
SELECT %(store_id)s, h.hex::uuid, name.first, name.last,
       lower(regexp_replace(name.first || '.' || name.last, '[^A-Za-z.]', '', 'g')) || k
         || CASE WHEN k %% 3 = 0 THEN '@example.org' ELSE '@example.com' END,
       '(206) 555-' || lpad((('x' || substr(h.hex, 17, 8))::bit(32)::bigint %% 10000)::text, 4, '0'),
       -- Customers come one after the other, so that an order finds those who were there.
       %(opened)s::timestamptz + (%(today)s::date - %(opened)s::timestamptz::date) * interval '1 day'
         * (k::float8 / %(customers)s)
FROM generate_series(0, %(customers)s - 1) AS k
CROSS JOIN LATERAL (SELECT md5(%(seed)s || '|customer|' || %(store_name)s || '|' || k)) AS h (hex)
CROSS JOIN LATERAL (
  SELECT (%(first_names)s::text[])[1 + ('x' || substr(h.hex, 1, 8))::bit(32)::bigint %% array_length(%(first_names)s::text[], 1)],
         (%(last_names)s::text[])[1 + ('x' || substr(h.hex, 9, 8))::bit(32)::bigint %% array_length(%(last_names)s::text[], 1)]
) AS name (first, last)
