-- How fresh and how whole the orders of each visible store are. $1 has `days`: how far back gaps and
-- totals are looked at. `recent` counts the orders of the last 14 days, the newest day last. That
-- day is the newest one of all visible stores, so a late store ends with zeros.
WITH store AS (
  SELECT s.store_id, s.store_name, s.time_zone, f.orders, f.first_day, f.last_day, max(f.last_day) OVER () AS newest_day
  FROM retail.stores AS s
  CROSS JOIN LATERAL (
    SELECT count(*) AS orders, min(o.order_date AT TIME ZONE s.time_zone)::date AS first_day,
           max(o.order_date AT TIME ZONE s.time_zone)::date AS last_day
    FROM retail.orders AS o WHERE o.store_id = s.store_id
  ) AS f
),
looked_at (days) AS (
  SELECT ($1::jsonb ->> 'days')::integer
)
SELECT s.store_name AS store, s.orders, s.first_day, s.last_day, g.gaps, t.differing, d.recent
FROM store AS s CROSS JOIN looked_at AS l
-- Days without an order, from the last one back.
CROSS JOIN LATERAL (
  SELECT count(*) AS gaps
  FROM generate_series(greatest(s.first_day, s.last_day - l.days), s.last_day, interval '1 day') AS d (day)
  WHERE NOT EXISTS (SELECT FROM retail.orders AS o
                    WHERE o.store_id = s.store_id
                      AND o.order_date >= d.day::timestamp AT TIME ZONE s.time_zone
                      AND o.order_date < (d.day::timestamp + interval '1 day') AT TIME ZONE s.time_zone)
) AS g
CROSS JOIN LATERAL (
  SELECT count(*) AS differing
  FROM retail.orders AS o
  WHERE o.store_id = s.store_id
    AND o.order_date >= (s.last_day - l.days)::timestamp AT TIME ZONE s.time_zone
    AND o.total_amount <> (SELECT coalesce(sum(i.total_amount), 0) FROM retail.order_items AS i
                           WHERE i.store_id = o.store_id AND i.order_id = o.order_id)
) AS t
CROSS JOIN LATERAL (
  SELECT array_agg(of_day.orders ORDER BY of_day.day) AS recent
  FROM (SELECT d.day, (SELECT count(*) FROM retail.orders AS o
                       WHERE o.store_id = s.store_id
                         AND o.order_date >= d.day::timestamp AT TIME ZONE s.time_zone
                         AND o.order_date < (d.day::timestamp + interval '1 day') AT TIME ZONE s.time_zone
                      ) AS orders
        FROM generate_series(s.newest_day - 13, s.newest_day, interval '1 day') AS d (day)) AS of_day
) AS d
ORDER BY s.store_name
