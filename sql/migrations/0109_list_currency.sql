-- The currency of costs and list prices: the one that all stores share, or the reporting currency.
-- It is no secret, as the number of stores is none.
GRANT zava_chain TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_chain;
SET LOCAL ROLE zava_chain;
CREATE FUNCTION zava.list_currency() RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT coalesce(CASE WHEN min(s.currency) = max(s.currency) THEN min(s.currency) END,
                  (SELECT c.reporting_currency FROM retail.chain AS c), 'USD')
  FROM retail.stores AS s;
END;
REVOKE ALL ON FUNCTION zava.list_currency() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zava.list_currency() TO store_managers, regional_managers, head_office;
SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_chain;
RESET ROLE;
REVOKE zava_chain FROM CURRENT_USER;
