-- What a caller may see of stores that are not theirs. The role zava_chain reads the columns that are
-- named here and in the file of the data versions, and no others. Its functions decide what leaves.
GRANT zava_chain TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;

SET LOCAL ROLE zava_owner;
GRANT SELECT (store_id, order_id, quantity, unit_price, discount_amount) ON retail.order_items TO zava_chain;
CREATE POLICY chain ON retail.order_items FOR SELECT TO zava_chain USING (true);
-- Quartiles are read from the sums, as the callers' own figures are.
GRANT SELECT (store_id, day, counted, orders, revenue, placed, refunded, lines, units, gross_sales, discounts)
  ON zava.store_days TO zava_chain;
GRANT SELECT (store_id, day) ON zava.day_marks TO zava_chain;
GRANT SELECT (store_id, day, counted, orders, revenue) ON zava.current_days TO zava_chain;
GRANT SELECT (store_id, day, lines, units, gross_sales, discounts) ON zava.current_line_days TO zava_chain;
CREATE POLICY chain ON zava.store_days FOR SELECT TO zava_chain USING (true);
CREATE POLICY chain ON zava.day_marks FOR SELECT TO zava_chain USING (true);

SET LOCAL ROLE zava_context;
GRANT EXECUTE ON FUNCTION zava.my_store(name), zava.my_stores(name) TO zava_chain;
GRANT CREATE ON SCHEMA zava TO zava_chain;

SET LOCAL ROLE zava_chain;
-- How many stores there are is no secret: an answer says "1 of 8".
CREATE FUNCTION zava.store_count() RETURNS bigint
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT count(*) FROM retail.stores;
END;
GRANT EXECUTE ON FUNCTION zava.store_count() TO store_managers, regional_managers, head_office;

-- The chain's quartiles of one figure, for callers who see only a part of the stores.
--
-- A caller's own SQL may call this directly, so it holds by itself: a fixed list of figures, whole
-- calendar months, quarters and years that are over, the whole chain as the one cohort, no filter.
-- It returns no row unless five stores have a figure, and five besides those that the caller sees:
-- fewer could be computed from the quartiles and the caller's own values. For the same reason it
-- rounds to two digits: a quartile of few values is one of them, or lies between two, of which one
-- may be the caller's own. Counts go by fives at least: two digits of a small one are all of it.
-- A caller who sees every store gets it exactly. A return is revenue below zero and no order.
CREATE FUNCTION zava.chain_quartiles(p_metric text, p_start date, p_end date)
RETURNS TABLE (store_count bigint, lower_quartile numeric, median numeric, upper_quartile numeric)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH caller AS MATERIALIZED (
    -- The seal answers under the name of the runner that opened it and under no other.
    SELECT coalesce(zava.my_stores('head_office'), zava.my_stores('regional_managers'),
                    CASE WHEN zava.my_store('store_managers') IS NOT NULL
                         THEN ARRAY[zava.my_store('store_managers')] END) AS stores
  ),
  asked AS MATERIALIZED (
    SELECT p_start::timestamp AT TIME ZONE 'America/Los_Angeles' AS since,
           p_end::timestamp AT TIME ZONE 'America/Los_Angeles' AS until
    FROM caller
    WHERE stores IS NOT NULL
      AND p_metric IN ('revenue', 'orders', 'average_order_value', 'customers', 'units', 'discount_rate')
      AND p_end <= (statement_timestamp() AT TIME ZONE 'America/Los_Angeles')::date
      AND ((p_start = date_trunc('month', p_start) AND p_end = p_start + interval '1 month')
        OR (p_start = date_trunc('quarter', p_start) AND p_end = p_start + interval '3 months')
        OR (p_start = date_trunc('year', p_start) AND p_end = p_start + interval '1 year'))
  ),
  ordered AS (
    SELECT d.store_id, sum(d.revenue) AS revenue, sum(d.orders) AS orders
    FROM asked CROSS JOIN zava.current_days AS d
    WHERE d.day >= p_start AND d.day < p_end AND d.counted > 0
    GROUP BY d.store_id
  ),
  bought AS (
    SELECT o.store_id, count(DISTINCT o.customer_id) AS customers
    FROM asked JOIN retail.orders AS o ON o.order_date >= asked.since AND o.order_date < asked.until
    WHERE o.status NOT IN ('cancelled', 'refunded') AND p_metric = 'customers'
    GROUP BY o.store_id
  ),
  sold AS (
    SELECT d.store_id, sum(d.units) AS units, sum(d.discounts) AS discounts, sum(d.gross_sales) AS gross_sales
    FROM asked CROSS JOIN zava.current_line_days AS d
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
GRANT EXECUTE ON FUNCTION zava.chain_quartiles(text, date, date)
  TO store_managers, regional_managers, head_office;

SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_chain;
RESET ROLE;
REVOKE zava_chain FROM CURRENT_USER;
