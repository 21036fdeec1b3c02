-- A store that closed: like-for-like leaves it out, and its orders are never late.
SET LOCAL ROLE zava_owner;
ALTER TABLE retail.stores
  ADD COLUMN closed_on date,
  ADD CONSTRAINT stores_closed_on_check CHECK (closed_on >= opened_on);
ALTER TABLE retail.stores ALTER COLUMN closed_on SET STATISTICS 0;
COMMENT ON COLUMN retail.stores.closed_on IS 'NULL: open.';
-- The description of all tables has a bound of tokens, and the name of this column is enough.
COMMENT ON COLUMN retail.stores.is_online IS NULL;
COMMENT ON COLUMN retail.stores.region IS 'Region of a regional manager.';

SET LOCAL ROLE zava_loader;
ALTER TABLE zava_import.stores ADD COLUMN closed_on text;
ALTER TABLE zava_import.inbox_stores ADD COLUMN closed_on text;
RESET ROLE;

GRANT zava_chain TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_chain;
SET LOCAL ROLE zava_chain;
-- As before, but for stores that are closed: none of their orders is missing.
CREATE OR REPLACE FUNCTION zava.newest_orders(p_stores uuid[])
RETURNS TABLE (store_id uuid, store_name text, region text, channel text, newest timestamptz)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT s.store_id, s.store_name, s.region, CASE WHEN s.is_online THEN 'online' ELSE 'store' END, last.newest
  FROM retail.stores AS s
  CROSS JOIN LATERAL (SELECT max(o.order_date) AS newest FROM retail.orders AS o WHERE o.store_id = s.store_id) AS last
  WHERE (s.store_id = ANY (p_stores) OR p_stores IS NULL)
    AND (s.closed_on IS NULL OR s.closed_on >= (statement_timestamp() AT TIME ZONE 'America/Los_Angeles')::date);
END;
SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_chain;
RESET ROLE;
REVOKE zava_chain FROM CURRENT_USER;
