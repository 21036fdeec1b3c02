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
    SELECT CASE opened WHEN 'store_managers' THEN p.store_ids[1]::text ELSE p.store_ids::text END,
           CASE opened WHEN 'store_managers' THEN p.store_ids[1:1] ELSE p.store_ids END
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
    'retail.products']::regclass[]
  LOOP
    EXECUTE format('CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change()', shared_table);
  END LOOP;
  FOREACH tenant_table IN ARRAY ARRAY['retail.customers', 'retail.inventory', 'retail.orders',
    'retail.order_items']::regclass[]
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
RESET ROLE;
