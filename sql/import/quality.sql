-- What `zava data` shows: how fresh and how whole the data of each store are.

-- name: stores
SELECT s.store_name, f.orders, f.first_day, f.last_day, g.gaps, t.differing
FROM retail.stores AS s
CROSS JOIN LATERAL (
  SELECT count(*) AS orders, min(o.order_date AT TIME ZONE 'America/Los_Angeles')::date AS first_day,
         max(o.order_date AT TIME ZONE 'America/Los_Angeles')::date AS last_day
  FROM retail.orders AS o WHERE o.store_id = s.store_id
) AS f
-- Days without an order, from the last one back.
CROSS JOIN LATERAL (
  SELECT count(*) AS gaps
  FROM generate_series(greatest(f.first_day, f.last_day - %(days)s), f.last_day, interval '1 day') AS d (day)
  WHERE NOT EXISTS (SELECT FROM retail.orders AS o
                    WHERE o.store_id = s.store_id
                      AND o.order_date >= d.day::timestamp AT TIME ZONE 'America/Los_Angeles'
                      AND o.order_date < (d.day::timestamp + interval '1 day') AT TIME ZONE 'America/Los_Angeles')
) AS g
CROSS JOIN LATERAL (
  SELECT count(*) AS differing
  FROM retail.orders AS o
  WHERE o.store_id = s.store_id
    AND o.order_date >= (f.last_day - %(days)s)::timestamp AT TIME ZONE 'America/Los_Angeles'
    AND o.total_amount <> (SELECT coalesce(sum(i.total_amount), 0) FROM retail.order_items AS i
                           WHERE i.store_id = o.store_id AND i.order_id = o.order_id)
) AS t
ORDER BY s.store_name

-- name: runs
SELECT r.finished_at, r.source_system, r.mode, (SELECT string_agg(f.file->>'name', ', ')
                                                FROM jsonb_array_elements(r.files) AS f (file)),
       (SELECT sum((c.value->>'added')::bigint + (c.value->>'changed')::bigint + (c.value->>'removed')::bigint)
        FROM jsonb_each(r.result) AS c)::bigint,
       (SELECT sum((c.value->>'rejected')::bigint) FROM jsonb_each(r.result) AS c)::bigint
FROM zava.import_runs AS r WHERE r.state = 'done' ORDER BY r.finished_at DESC LIMIT 10

-- name: rejected by rule
SELECT r.table_name, r.column_name, r.rule, count(*)
FROM zava_import.rejects AS r
WHERE r.run_id = (SELECT l.run_id FROM zava.import_runs AS l WHERE l.state = 'done' ORDER BY l.finished_at DESC LIMIT 1)
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT 20
