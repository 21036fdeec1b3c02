-- One store's orders of some days, with their lines. `days` and `counts` say how many fall on
-- each day, `thresholds` twelve rows of category boundaries, one row a month. Products come as arrays,
-- the best sellers of each category first: `starts` and `sizes` say where a category lies in them.
WITH placed AS MATERIALIZED (
  SELECT d.day, extract(month FROM d.day)::integer AS month, h.hex,
         ('x' || substr(h.hex, 1, 8))::bit(32)::bigint / 4294967296::float8 AS moment,
         ('x' || substr(h.hex, 9, 8))::bit(32)::bigint / 4294967296::float8 AS who,
         ('x' || substr(h.hex, 17, 8))::bit(32)::bigint / 4294967296::float8 AS fate,
         ('x' || substr(h.hex, 25, 8))::bit(32)::bigint / 4294967296::float8 AS size
  FROM unnest(%(days)s::date[], %(counts)s::integer[]) AS d (day, orders)
  CROSS JOIN LATERAL generate_series(1, d.orders) AS n
  -- OFFSET 0 keeps the planner from computing one draw again for each use of it.
  CROSS JOIN LATERAL (
    SELECT md5(%(seed)s || '|order|' || %(store_name)s || '|' || (d.day - date '2020-01-01') || '|' || n) OFFSET 0) AS h (hex)
),
dated AS MATERIALIZED (
  SELECT p.*,
         -- Today's orders come in the first hour: nothing lies in the future of a working day.
         (p.day + CASE WHEN p.day = %(today)s THEN interval '7 hours' + p.moment * interval '1 hour'
                       ELSE interval '8 hours' + p.moment * interval '12 hours' END)
           AT TIME ZONE 'America/Los_Angeles' AS order_date,
         floor(power(p.who, 1.3) * greatest(1, floor(
           %(customers)s * ((p.day - date '2020-01-01')::float8 / greatest(1, %(today)s::date - date '2020-01-01'))
         )))::integer AS customer
  FROM placed AS p
),
new_order AS MATERIALIZED (
  SELECT o.*,
         -- Version 7 layout: milliseconds first, so that inserts and scans stay local.
         (lpad(to_hex(floor(extract(epoch FROM o.order_date) * 1000)::bigint), 12, '0')
          || '7' || substr(o.hex, 1, 3) || 'a' || substr(o.hex, 4, 15))::uuid AS order_id
  FROM dated AS o
),
line AS MATERIALIZED (
  SELECT o.order_id, n::smallint AS line_number, (%(product_ids)s::uuid[])[c.place] AS product_id, q.quantity, q.unit_price, q.discount_percent,
         round(q.quantity * q.unit_price * q.discount_percent / 100, 2) AS discount_amount
  FROM new_order AS o
  CROSS JOIN LATERAL generate_series(1, 1 + width_bucket(o.size, ARRAY[0.40, 0.70, 0.85, 0.95]::float8[])) AS n
  CROSS JOIN LATERAL (SELECT md5(o.hex || n), md5(n || o.hex) OFFSET 0) AS h (hex, more)
  CROSS JOIN LATERAL (
    SELECT ('x' || substr(h.hex, 1, 8))::bit(32)::bigint / 4294967296::float8,
           ('x' || substr(h.hex, 9, 8))::bit(32)::bigint / 4294967296::float8,
           ('x' || substr(h.hex, 17, 8))::bit(32)::bigint / 4294967296::float8,
           ('x' || substr(h.hex, 25, 8))::bit(32)::bigint / 4294967296::float8,
           ('x' || substr(h.more, 1, 8))::bit(32)::bigint / 4294967296::float8,
           ('x' || substr(h.more, 9, 8))::bit(32)::bigint / 4294967296::float8
    OFFSET 0
  ) AS draw (category, product, quantity, price, discount, value)
  CROSS JOIN LATERAL (
    SELECT 1 + width_bucket(draw.category,
                 (%(thresholds)s::float8[])[(o.month - 1) * %(boundaries)s + 1 : o.month * %(boundaries)s])
  ) AS k (category)
  CROSS JOIN LATERAL (
    SELECT (%(starts)s::integer[])[k.category]
             + floor(power(draw.product, 1.6) * (%(sizes)s::integer[])[k.category])::integer
    OFFSET 0
  ) AS c (place)
  CROSS JOIN LATERAL (
    SELECT greatest(1, 1 + width_bucket(draw.quantity, ARRAY[0.60, 0.85, 0.95, 0.98]::float8[])
             -- A store's order value shows in what it sells at once.
             + CASE WHEN draw.value < abs(%(order_value)s::float8 - 1) THEN sign(%(order_value)s::float8 - 1)::integer ELSE 0 END),
           round((%(prices)s::integer[])[c.place] * (0.8 + 0.4 * draw.price)::numeric / 100, 2),
           CASE WHEN draw.discount < 0.15 THEN (5 + floor(draw.discount / 0.15 * 21))::numeric ELSE 0 END
    OFFSET 0
  ) AS q (quantity, unit_price, discount_percent)
),
ordered AS (
  INSERT INTO retail.orders (store_id, order_id, customer_id, order_date, status, total_amount)
  SELECT %(store_id)s, o.order_id, md5(%(seed)s || '|customer|' || %(store_name)s || '|' || o.customer)::uuid,
         o.order_date,
         CASE
           WHEN o.fate < 0.04 THEN 'cancelled'
           WHEN o.fate < 0.06 THEN 'refunded'
           WHEN o.day > %(today)s::date - 3 AND o.fate < 0.6 THEN 'pending'
           ELSE 'completed'
         END,
         total.amount
  FROM new_order AS o
  JOIN (SELECT order_id, sum(round(quantity * unit_price - discount_amount, 2)) AS amount
        FROM line GROUP BY order_id) AS total USING (order_id)
)
INSERT INTO retail.order_items (store_id, order_id, line_number, product_id, quantity, unit_price,
                                discount_percent, discount_amount, total_amount)
SELECT %(store_id)s, order_id, line_number, product_id, quantity, unit_price, discount_percent,
       discount_amount, round(quantity * unit_price - discount_amount, 2)
FROM line
