-- Each staged line with the five figures that the table holds. A price of more than two decimals is
-- rounded and the difference put into the discount, so that the line's net sales stay the source's.
SELECT a.file, a.row, a.store_key, a.order_key, a.product_key, a.line_number, a.quantity, a.unit_price,
       a.total_amount, a.computed,
       round(a.quantity * a.unit_price, 2) - a.total_amount AS discount_amount
FROM (
  SELECT s.file, s.row, s.store_key, s.order_key, s.product_key,
         coalesce(s.line_number::integer,
                  row_number() OVER (PARTITION BY s.store_key COLLATE "C", s.order_key COLLATE "C" ORDER BY s.file, s.row)) AS line_number,
         trim_scale(s.quantity::numeric) AS quantity,
         round(coalesce(s.unit_price::numeric,
                        (s.total_amount::numeric + coalesce(s.discount_amount::numeric, 0)) / s.quantity::numeric), 2)
           AS unit_price,
         round(coalesce(s.total_amount::numeric,
                        s.quantity::numeric * s.unit_price::numeric - coalesce(s.discount_amount::numeric, 0)), 2)
           AS total_amount,
         -- Without a discount of its own the difference is one.
         CASE WHEN s.unit_price IS NOT NULL AND s.discount_amount IS NOT NULL
           THEN s.quantity::numeric * s.unit_price::numeric - s.discount_amount::numeric
           ELSE round(coalesce(s.total_amount::numeric,
                        s.quantity::numeric * s.unit_price::numeric - coalesce(s.discount_amount::numeric, 0)), 2)
         END AS computed
  FROM zava_import.order_items AS s
) AS a
