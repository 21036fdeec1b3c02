-- What the entry returns of the places of a caller's stores, and the chain's quartiles over several
-- zones and currencies.
GRANT zava_chain TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_chain, zava_loader;
-- Most chains have one zone and one currency, and each entry would look through all stores to find
-- that. So a change of a store leaves it here.
CREATE TABLE zava.shared_place (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  time_zone  text,
  currency   text
);
COMMENT ON TABLE zava.shared_place IS 'The zone and the currency that all stores share; NULL where they share none.';
INSERT INTO zava.shared_place DEFAULT VALUES;
GRANT SELECT, UPDATE ON zava.shared_place TO zava_loader;

SET LOCAL ROLE zava_loader;
-- Two writers of stores take turns here, so that the second one sees the stores of the first one.
CREATE FUNCTION zava.note_place() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE zava.shared_place SET time_zone = NULL, currency = NULL;
  UPDATE zava.shared_place AS p SET time_zone = f.time_zone, currency = f.currency
  FROM (SELECT CASE WHEN min(s.time_zone) = max(s.time_zone) THEN min(s.time_zone) END AS time_zone,
               CASE WHEN min(s.currency) = max(s.currency) THEN min(s.currency) END AS currency
        FROM retail.stores AS s) AS f;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION zava.note_place() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zava.note_place() TO zava_owner;
UPDATE zava.shared_place AS p SET time_zone = f.time_zone, currency = f.currency
FROM (SELECT min(s.time_zone) AS time_zone, min(s.currency) AS currency FROM retail.stores AS s) AS f;

SET LOCAL ROLE zava_owner;
CREATE TRIGGER note_place AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF time_zone, currency ON retail.stores
  FOR EACH STATEMENT EXECUTE FUNCTION zava.note_place();

SET LOCAL ROLE zava_chain;
-- As before, but a store is closed once the day of its own zone is over.
CREATE OR REPLACE FUNCTION zava.newest_orders(p_stores uuid[])
RETURNS TABLE (store_id uuid, store_name text, region text, channel text, newest timestamptz)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT s.store_id, s.store_name, s.region, CASE WHEN s.is_online THEN 'online' ELSE 'store' END, last.newest
  FROM retail.stores AS s
  CROSS JOIN LATERAL (SELECT max(o.order_date) AS newest FROM retail.orders AS o WHERE o.store_id = s.store_id) AS last
  WHERE (s.store_id = ANY (p_stores) OR p_stores IS NULL)
    AND (s.closed_on IS NULL OR s.closed_on >= (statement_timestamp() AT TIME ZONE s.time_zone)::date);
END;

-- The same with each store's place; a closed store is returned, too, because its figures are.
-- `chain_currency` is the one that all stores of the chain share. Where they share none, the first and
-- the last day with a rate of each currency come with it.
CREATE FUNCTION zava.store_places(p_stores uuid[])
RETURNS TABLE (store_id uuid, store_name text, region text, channel text, newest timestamptz,
               is_closed boolean, time_zone text, currency text, chain_currency text,
               reporting_currency text, rates text)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT s.store_id, s.store_name, s.region, CASE WHEN s.is_online THEN 'online' ELSE 'store' END, last.newest,
         coalesce(s.closed_on < (statement_timestamp() AT TIME ZONE s.time_zone)::date, false),
         s.time_zone, s.currency, c.shared, coalesce((SELECT g.reporting_currency FROM retail.chain AS g), 'USD'),
         CASE WHEN c.shared IS NULL THEN (
           SELECT json_object_agg(e.currency, json_build_array(e.first_day, e.last_day))::text
           FROM (SELECT x.currency, min(x.day) AS first_day, max(x.day) AS last_day
                 FROM retail.exchange_rates AS x GROUP BY x.currency) AS e) END
  FROM (SELECT CASE WHEN min(o.currency) = max(o.currency) THEN min(o.currency) END AS shared FROM retail.stores AS o) AS c
  CROSS JOIN retail.stores AS s
  CROSS JOIN LATERAL (SELECT max(o.order_date) AS newest FROM retail.orders AS o WHERE o.store_id = s.store_id) AS last
  WHERE s.store_id = ANY (p_stores) OR p_stores IS NULL;
END;
REVOKE ALL ON FUNCTION zava.store_places(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zava.store_places(uuid[]) TO zava_context;

-- As before, but each store's days are those of its zone. Where the chain has several currencies, its
-- amounts are in the reporting currency, by the rate of the day. Periods are over once they are over
-- at every store.
CREATE OR REPLACE FUNCTION zava.chain_quartiles(p_metric text, p_start date, p_end date)
RETURNS TABLE (store_count bigint, lower_quartile numeric, median numeric, upper_quartile numeric)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH caller AS MATERIALIZED (
    -- The seal answers under the name of the runner that opened it and under no other.
    SELECT coalesce(zava.my_stores('head_office'), zava.my_stores('regional_managers'),
                    CASE WHEN zava.my_store('store_managers') IS NOT NULL
                         THEN ARRAY[zava.my_store('store_managers')] END) AS stores
  ),
  place AS MATERIALIZED (
    SELECT s.store_id, p_start::timestamp AT TIME ZONE s.time_zone AS since,
           p_end::timestamp AT TIME ZONE s.time_zone AS until,
           (statement_timestamp() AT TIME ZONE s.time_zone)::date AS today,
           CASE WHEN c.is_mixed THEN nullif(s.currency, c.reporting_currency) END AS foreign_currency
    FROM retail.stores AS s
    CROSS JOIN (SELECT coalesce((SELECT g.reporting_currency FROM retail.chain AS g), 'USD') AS reporting_currency,
                       (SELECT min(o.currency) <> max(o.currency) FROM retail.stores AS o) AS is_mixed) AS c
  ),
  rate AS MATERIALIZED (
    SELECT f.currency, d.day::date AS day,
           coalesce((SELECT r.rate FROM retail.exchange_rates AS r
                     WHERE r.currency = f.currency AND r.day <= d.day ORDER BY r.day DESC LIMIT 1),
                    (SELECT r.rate FROM retail.exchange_rates AS r
                     WHERE r.currency = f.currency ORDER BY r.day LIMIT 1)) AS rate
    FROM (SELECT DISTINCT p.foreign_currency AS currency FROM place AS p WHERE p.foreign_currency IS NOT NULL) AS f
    CROSS JOIN generate_series(p_start::timestamp, p_end - interval '1 day', interval '1 day') AS d (day)
  ),
  asked AS MATERIALIZED (
    SELECT true AS is_answered
    FROM caller
    WHERE stores IS NOT NULL
      AND p_metric IN ('revenue', 'orders', 'average_order_value', 'customers', 'units', 'discount_rate')
      AND p_end <= (SELECT min(p.today) FROM place AS p)
      AND ((p_start = date_trunc('month', p_start) AND p_end = p_start + interval '1 month')
        OR (p_start = date_trunc('quarter', p_start) AND p_end = p_start + interval '3 months')
        OR (p_start = date_trunc('year', p_start) AND p_end = p_start + interval '1 year'))
      -- A currency without a rate would be left out of its store's figure.
      AND (p_metric NOT IN ('revenue', 'average_order_value', 'discount_rate')
           OR NOT EXISTS (SELECT FROM rate AS r WHERE r.rate IS NULL))
  ),
  ordered AS (
    SELECT d.store_id, sum(CASE WHEN p.foreign_currency IS NULL THEN d.revenue ELSE d.revenue * r.rate END) AS revenue,
           sum(d.orders) AS orders
    FROM asked CROSS JOIN zava.current_days AS d
    JOIN place AS p ON p.store_id = d.store_id
    LEFT JOIN rate AS r ON r.currency = p.foreign_currency AND r.day = d.day
    WHERE d.day >= p_start AND d.day < p_end AND d.counted > 0
    GROUP BY d.store_id
  ),
  bought AS (
    SELECT o.store_id, count(DISTINCT o.customer_id) AS customers
    FROM asked CROSS JOIN place AS p
    JOIN retail.orders AS o ON o.store_id = p.store_id AND o.order_date >= p.since AND o.order_date < p.until
    WHERE o.status NOT IN ('cancelled', 'refunded') AND p_metric = 'customers'
    GROUP BY o.store_id
  ),
  sold AS (
    SELECT d.store_id, sum(d.units) AS units,
           sum(CASE WHEN p.foreign_currency IS NULL THEN d.discounts ELSE d.discounts * r.rate END) AS discounts,
           sum(CASE WHEN p.foreign_currency IS NULL THEN d.gross_sales ELSE d.gross_sales * r.rate END) AS gross_sales
    FROM asked CROSS JOIN zava.current_line_days AS d
    JOIN place AS p ON p.store_id = d.store_id
    LEFT JOIN rate AS r ON r.currency = p.foreign_currency AND r.day = d.day
    WHERE d.day >= p_start AND d.day < p_end AND d.lines > 0 AND p_metric IN ('units', 'discount_rate')
    GROUP BY d.store_id
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
    FROM ordered LEFT JOIN bought USING (store_id) LEFT JOIN sold USING (store_id)
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
SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_chain, zava_loader;

-- As before, with the zones and currencies of the caller's stores. Each store's moment is in its own
-- time. The newest of all is in the time of the zone whose day began last: no store has an earlier
-- date. Where stores have another currency than the reporting one, the first and the last day with a
-- rate come with it.
CREATE OR REPLACE FUNCTION zava.scope_of_data(
  p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea
) RETURNS TABLE (audience text, scope_hash text, data_version bigint, scope text, reach text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  shared record;
BEGIN
  SELECT p.time_zone, p.currency INTO shared FROM zava.shared_place AS p;
  IF shared.time_zone IS NOT NULL AND shared.currency IS NOT NULL THEN
    RETURN QUERY
    SELECT s.audience, s.scope_hash, s.data_version, s.scope, r.reach
    FROM zava.scope(p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac) AS s
    CROSS JOIN LATERAL (
      SELECT CASE WHEN s.audience IN ('store_managers', 'store_managers_personal')
                  THEN ARRAY[s.scope::uuid] ELSE s.scope::uuid[] END
    ) AS granted (stores)
    CROSS JOIN LATERAL (
      SELECT json_build_object(
               'newest', max(t.through),
               'is_whole', count(*) <= 100,
               'stores', coalesce(json_agg(json_build_array(t.store_name, t.region, t.channel, t.through) ORDER BY t.through, t.store_name)
                                  FILTER (WHERE t.stores <= 100 OR t.through < date_trunc('day', t.newest)), '[]'),
               'zones', json_build_array(shared.time_zone), 'latest_zone', shared.time_zone,
               'currencies', json_build_array(shared.currency), 'one_currency', shared.currency,
               'reporting_currency', NULL, 'rates', NULL)::text
      FROM (SELECT n.store_name, n.region, n.channel, of_store.through,
                   max(of_store.through) OVER () AS newest, count(*) OVER () AS stores
            FROM zava.newest_orders(granted.stores) AS n
            LEFT JOIN zava.orders_loaded AS l ON l.of_store = n.store_id
            CROSS JOIN LATERAL (
              SELECT greatest(n.newest, l.through) AT TIME ZONE shared.time_zone
            ) AS of_store (through)
            WHERE of_store.through IS NOT NULL) AS t
    ) AS r (reach);
    RETURN;
  END IF;
  RETURN QUERY
  SELECT s.audience, s.scope_hash, s.data_version, s.scope, r.reach
  FROM zava.scope(p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac) AS s
  CROSS JOIN LATERAL (
    SELECT CASE WHEN s.audience IN ('store_managers', 'store_managers_personal')
                THEN ARRAY[s.scope::uuid] ELSE s.scope::uuid[] END
  ) AS granted (stores)
  CROSS JOIN LATERAL (
    SELECT json_build_object(
             'newest', max(t.newest),
             'is_whole', count(t.through) <= 100,
             'stores', coalesce(json_agg(json_build_array(t.store_name, t.region, t.channel, t.through) ORDER BY t.through, t.store_name)
                                FILTER (WHERE t.through IS NOT NULL AND (t.stores <= 100 OR t.through < date_trunc('day', t.newest))), '[]'),
             'zones', json_agg(DISTINCT t.time_zone),
             'currencies', json_agg(DISTINCT t.currency),
             'latest_zone', min(t.latest_zone),
             'one_currency', min(t.chain_currency),
             'reporting_currency', min(t.reporting_currency),
             'rates', min(t.rates)::json)::text
    FROM (SELECT n.store_name, n.region, n.channel, n.time_zone, n.currency, n.chain_currency, n.reporting_currency, n.rates,
                 of_store.reached AT TIME ZONE n.time_zone AS through,
                 n.latest_zone, max(of_store.reached) OVER () AT TIME ZONE n.latest_zone AS newest,
                 count(of_store.reached) OVER () AS stores
          FROM (SELECT o.*, first_value(o.time_zone) OVER (ORDER BY statement_timestamp() AT TIME ZONE o.time_zone) AS latest_zone
                FROM zava.store_places(granted.stores) AS o) AS n
          LEFT JOIN zava.orders_loaded AS l ON l.of_store = n.store_id
          CROSS JOIN LATERAL (
            SELECT CASE WHEN NOT n.is_closed THEN greatest(n.newest, l.through) END
          ) AS of_store (reached)) AS t
  ) AS r (reach);
END $$;
RESET ROLE;
REVOKE zava_chain FROM CURRENT_USER;
