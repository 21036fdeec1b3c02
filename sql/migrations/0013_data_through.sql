-- How far the orders of each store reach, so that an answer never reads a late load as a collapse.
--
-- The newest order of a store is the default. It is the first entry of an index, so no writer has
-- to count it. That a whole day is loaded, or that a store sold nothing on a day, only the loader
-- can state: by a row in zava.orders_loaded.
SET LOCAL ROLE zava_context;
CREATE TABLE zava.orders_loaded (
  of_store  uuid PRIMARY KEY,
  through   timestamptz NOT NULL
);
COMMENT ON TABLE zava.orders_loaded IS 'Moment before which all orders of a store are loaded, where the loader states it.';
GRANT SELECT, INSERT, UPDATE, DELETE ON zava.orders_loaded TO zava_owner, zava_loader;

-- Orders that are removed or moved make that statement untrue: the newest order counts again.
CREATE FUNCTION zava.forget_loaded() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF TG_NARGS > 0 THEN
    DELETE FROM zava.orders_loaded AS l
    USING (SELECT o.store_id, max(o.order_date) AS newest FROM old_rows AS o GROUP BY o.store_id) AS gone
    WHERE l.of_store = gone.store_id
      AND NOT EXISTS (SELECT FROM retail.orders AS o
                      WHERE o.store_id = gone.store_id AND o.order_date >= gone.newest);
  ELSE
    DELETE FROM zava.orders_loaded;
  END IF;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION zava.forget_loaded() TO zava_owner;

SET LOCAL ROLE zava_owner;
CREATE TRIGGER forget_removed AFTER DELETE ON retail.orders REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION zava.forget_loaded('by store');
CREATE TRIGGER forget_moved AFTER UPDATE OF order_date, store_id OR TRUNCATE ON retail.orders
  FOR EACH STATEMENT EXECUTE FUNCTION zava.forget_loaded();
RESET ROLE;

GRANT zava_chain TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_chain;
SET LOCAL ROLE zava_chain;
-- Called by the two functions below, which decide for which stores.
CREATE FUNCTION zava.newest_orders(p_stores uuid[])
RETURNS TABLE (store_id uuid, store_name text, region text, channel text, newest timestamptz)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT s.store_id, s.store_name, s.region, CASE WHEN s.is_online THEN 'online' ELSE 'store' END, last.newest
  FROM retail.stores AS s
  CROSS JOIN LATERAL (SELECT max(o.order_date) AS newest FROM retail.orders AS o WHERE o.store_id = s.store_id) AS last
  WHERE s.store_id = ANY (p_stores) OR p_stores IS NULL;
END;
GRANT EXECUTE ON FUNCTION zava.newest_orders(uuid[]) TO zava_context;
SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_chain;

-- What zava.scope returns, and how far the orders of these stores reach, in the stores' own time:
-- the newest moment of all, and each store's. Of more than 100 stores only those are listed that
-- end on an earlier day. A store without any order is in neither: it has not opened.
CREATE FUNCTION zava.scope_of_data(
  p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea
) RETURNS TABLE (audience text, scope_hash text, data_version bigint, scope text, reach text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
  SELECT s.audience, s.scope_hash, s.data_version, s.scope, r.reach
  FROM zava.scope(p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac) AS s
  CROSS JOIN LATERAL (
    SELECT CASE s.audience WHEN 'store_managers' THEN ARRAY[s.scope::uuid] ELSE s.scope::uuid[] END
  ) AS granted (stores)
  CROSS JOIN LATERAL (
    SELECT json_build_object(
             'newest', max(t.through),
             'is_whole', count(*) <= 100,
             'stores', coalesce(json_agg(json_build_array(t.store_name, t.region, t.channel, t.through) ORDER BY t.through, t.store_name)
                                FILTER (WHERE t.stores <= 100 OR t.through < date_trunc('day', t.newest)), '[]'))::text
    FROM (SELECT n.store_name, n.region, n.channel, of_store.through,
                 max(of_store.through) OVER () AS newest, count(*) OVER () AS stores
          FROM zava.newest_orders(granted.stores) AS n
          LEFT JOIN zava.orders_loaded AS l ON l.of_store = n.store_id
          CROSS JOIN LATERAL (
            SELECT greatest(n.newest, l.through) AT TIME ZONE 'America/Los_Angeles'
          ) AS of_store (through)
          WHERE of_store.through IS NOT NULL) AS t
  ) AS r (reach);
END $$;
GRANT EXECUTE ON FUNCTION zava.scope_of_data(integer, uuid, uuid, bigint, uuid, bytea) TO zava_server;

-- For readiness and the alert: how long the chain has been without an order, and no store's name.
CREATE FUNCTION zava.hours_without_orders() RETURNS double precision
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT extract(epoch FROM statement_timestamp() - max(n.newest))::double precision / 3600
  FROM zava.newest_orders(NULL) AS n;
END;
GRANT EXECUTE ON FUNCTION zava.hours_without_orders() TO zava_server;
RESET ROLE;
REVOKE zava_chain FROM CURRENT_USER;
