-- What a result cache reads before it may answer: the caller, the scope, and the version of the
-- data. One call that reads no tenant's row.
SET LOCAL ROLE zava_context;

-- The data's version is the sum of these counts: of the caller's own stores, and of what all stores
-- share. With one version for the whole chain, `as_of` and `cached` would show each caller when any
-- other store's data changed. A row belongs to whichever transaction holds it, so it moves when that
-- transaction commits, not before: an answer read in between is kept under the version that it was
-- read under. Writers take any row that is free and never wait for one.
CREATE TABLE zava.data_changes (
  slot      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  changes   bigint NOT NULL,
  of_store  uuid
);
CREATE INDEX data_changes_by_store_idx ON zava.data_changes (of_store);
COMMENT ON COLUMN zava.data_changes.of_store IS 'Store whose data changed; NULL: what every store shares, or all stores.';
GRANT SELECT, INSERT, UPDATE, DELETE ON zava.data_changes TO zava_owner, zava_loader;

-- With an argument the trigger counts for each store that its statement has changed, otherwise for
-- all of them. The statement's rows are in the transition tables.
CREATE FUNCTION zava.note_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  this_transaction text := pg_current_xact_id()::text;
  noted text[] := string_to_array(current_setting('zava.changed_in', true), ' ');
  changed text[] := '{all}';
  store text;
  own integer;
BEGIN
  IF TG_NARGS > 0 AND TG_OP = 'INSERT' THEN
    changed := ARRAY(SELECT DISTINCT n.store_id::text FROM new_rows AS n);
  ELSIF TG_NARGS > 0 AND TG_OP = 'DELETE' THEN
    changed := ARRAY(SELECT DISTINCT o.store_id::text FROM old_rows AS o);
  ELSIF TG_NARGS > 0 AND TG_OP = 'UPDATE' THEN
    changed := ARRAY(SELECT o.store_id::text FROM old_rows AS o UNION SELECT n.store_id::text FROM new_rows AS n);
  END IF;
  IF noted[1] IS DISTINCT FROM this_transaction THEN
    noted := ARRAY[this_transaction];
  END IF;
  FOREACH store IN ARRAY changed LOOP
    -- Once for each transaction: nobody sees the data between its statements.
    CONTINUE WHEN noted && ARRAY[store, 'all'];
    noted := noted || store;
    own := NULL;
    -- At a stricter level a row that others moved since the snapshot, or merely read, would fail
    -- the transaction: it adds one and reads none.
    IF current_setting('transaction_isolation') = 'read committed' THEN
      SELECT c.slot INTO own FROM zava.data_changes AS c
      WHERE c.of_store IS NOT DISTINCT FROM nullif(store, 'all')::uuid
      LIMIT 1 FOR UPDATE SKIP LOCKED;
    END IF;
    IF own IS NULL THEN
      INSERT INTO zava.data_changes (changes, of_store) VALUES (1, nullif(store, 'all')::uuid);
    ELSE
      UPDATE zava.data_changes SET changes = changes + 1 WHERE slot = own;
      -- Rows of past transactions are folded into one, so that the sum stays cheap.
      IF (SELECT count(*) FROM zava.data_changes AS c
          WHERE c.of_store IS NOT DISTINCT FROM nullif(store, 'all')::uuid) > 64 THEN
        WITH folded AS (
          DELETE FROM zava.data_changes WHERE slot IN (
            SELECT c.slot FROM zava.data_changes AS c
            WHERE c.slot <> own AND c.of_store IS NOT DISTINCT FROM nullif(store, 'all')::uuid
            FOR UPDATE SKIP LOCKED)
          RETURNING changes
        )
        UPDATE zava.data_changes SET changes = changes + (SELECT coalesce(sum(f.changes), 0) FROM folded AS f)
        WHERE slot = own;
      END IF;
    END IF;
  END LOOP;
  PERFORM set_config('zava.changed_in', array_to_string(noted, ' '), true);
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION zava.note_change() TO zava_owner;

-- The entry's sibling, signed like a call of the text 'scope': the entry checks the signature and
-- looks the person up. No audience is named '', so it mints no context.
CREATE FUNCTION zava.scope(
  p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea
) RETURNS TABLE (audience text, scope_hash text, data_version bigint, scope text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  opened text := zava.open_context(
    '', p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, 'scope', '');
BEGIN
  IF opened IS NULL THEN
    RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
  ELSIF opened = '' THEN
    RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
  END IF;
  RETURN QUERY
  SELECT opened,
         encode(sha256(convert_to(concat_ws('|', opened, granted.scope), 'UTF8')), 'hex'),
         (SELECT coalesce(sum(c.changes), 0)::bigint FROM zava.data_changes AS c
          WHERE c.of_store IS NULL OR c.of_store = ANY (granted.stores)),
         granted.scope
  FROM zava.principals AS p
  CROSS JOIN LATERAL (
    SELECT CASE p.audience WHEN 'store_managers' THEN p.store_ids[1]::text ELSE p.store_ids::text END,
           CASE p.audience WHEN 'store_managers' THEN p.store_ids[1:1] ELSE p.store_ids END
  ) AS granted (scope, stores)
  WHERE p.tenant_id = p_tenant AND p.object_id = p_person;
END $$;
GRANT EXECUTE ON FUNCTION zava.scope(integer, uuid, uuid, bigint, uuid, bytea) TO zava_server;

-- How many stores there are is no secret, and is in every answer: a change of a store counts for all.
SET LOCAL ROLE zava_owner;
DO $$
DECLARE
  shared_table regclass;
  tenant_table regclass;
BEGIN
  FOREACH shared_table IN ARRAY ARRAY['retail.stores', 'retail.categories', 'retail.product_types',
    'retail.products', 'retail.product_prices', 'retail.suppliers', 'retail.product_suppliers',
    'retail.promotions', 'retail.promotion_products']::regclass[]
  LOOP
    EXECUTE format('CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change()', shared_table);
  END LOOP;
  FOREACH tenant_table IN ARRAY ARRAY['retail.customers', 'retail.customer_persons', 'retail.inventory',
    'retail.store_targets', 'retail.orders', 'retail.order_items']::regclass[]
  LOOP
    EXECUTE format('CREATE TRIGGER note_change AFTER TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change()', tenant_table);
    EXECUTE format('CREATE TRIGGER note_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change(''by store'')', tenant_table);
    EXECUTE format('CREATE TRIGGER note_update AFTER UPDATE ON %s
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change(''by store'')', tenant_table);
    EXECUTE format('CREATE TRIGGER note_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change(''by store'')', tenant_table);
  END LOOP;
END $$;

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

-- zava_chain reads the columns of all stores that are named here and in the file of the chain, and no
-- others. Its functions decide what leaves.
GRANT SELECT ON retail.stores TO zava_chain;
GRANT SELECT (store_id, order_id, customer_id, order_date, status, total_amount, is_return)
  ON retail.orders TO zava_chain;
CREATE POLICY chain ON retail.stores FOR SELECT TO zava_chain USING (true);
CREATE POLICY chain ON retail.orders FOR SELECT TO zava_chain USING (true);
RESET ROLE;

GRANT zava_chain TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_chain;
SET LOCAL ROLE zava_chain;
-- Called by the two functions below, which decide for which stores. A closed store misses no order.
CREATE FUNCTION zava.newest_orders(p_stores uuid[])
RETURNS TABLE (store_id uuid, store_name text, region text, channel text, newest timestamptz)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT s.store_id, s.store_name, s.region, CASE WHEN s.is_online THEN 'online' ELSE 'store' END, last.newest
  FROM retail.stores AS s
  CROSS JOIN LATERAL (SELECT max(o.order_date) AS newest FROM retail.orders AS o WHERE o.store_id = s.store_id) AS last
  WHERE (s.store_id = ANY (p_stores) OR p_stores IS NULL)
    AND (s.closed_on IS NULL OR s.closed_on >= (statement_timestamp() AT TIME ZONE 'America/Los_Angeles')::date);
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
    SELECT CASE WHEN s.audience IN ('store_managers', 'store_managers_personal')
                THEN ARRAY[s.scope::uuid] ELSE s.scope::uuid[] END
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
