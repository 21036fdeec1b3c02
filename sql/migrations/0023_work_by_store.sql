-- A statement reads the rows of its caller's stores and passes over no other row: the time that it
-- takes would follow how many there are. Every index of a tenant's table begins with the store, so
-- that the policy is a condition of whichever index is read.
SET LOCAL ROLE zava_owner;
CREATE INDEX order_items_by_product_idx ON retail.order_items (store_id, product_id);
DROP INDEX retail.order_items_product_idx;
-- The primary key begins with the store and ends with the product.
DROP INDEX retail.inventory_product_idx;
RESET ROLE;

-- In a chain of few stores the planner would look for the first rows of a LIMIT by reading the
-- whole table. The head office sees every row, so nothing is passed over.
DO $scans$
DECLARE
  audience text;
BEGIN
  FOREACH audience IN ARRAY ARRAY['store_managers', 'regional_managers'] LOOP
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', audience);
    EXECUTE format('SET LOCAL ROLE %I', audience);
    EXECUTE format('ALTER FUNCTION zava.run_%s(integer, uuid, uuid, bigint, uuid, bytea, text, text,'
                   ' integer, bigint) SET enable_seqscan = off', audience);
    EXECUTE format('ALTER FUNCTION zava.weigh_%s(integer, uuid, uuid, bigint, uuid, bytea, text, text)'
                   ' SET enable_seqscan = off', audience);
    RESET ROLE;
    EXECUTE format('REVOKE %I FROM CURRENT_USER', audience);
  END LOOP;
END $scans$;
