-- What a result cache asks before it may answer: who is this, what may they see, has anything
-- changed. One call that reads no tenant's row.
SET LOCAL ROLE zava_context;

-- The data's version is the sum of these counts. A row belongs to whichever transaction holds it,
-- so it moves when that transaction commits, not before: an answer read in between is kept under
-- the version that it was read under. Writers take any row that is free and never wait for one.
CREATE TABLE zava.data_changes (
  slot     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  changes  bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON zava.data_changes TO zava_owner, zava_loader;

CREATE FUNCTION zava.note_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  this_transaction text := pg_current_xact_id()::text;
  own integer;
BEGIN
  -- Once for each transaction: nobody sees the data between its statements.
  IF current_setting('zava.changed_in', true) = this_transaction THEN
    RETURN NULL;
  END IF;
  PERFORM set_config('zava.changed_in', this_transaction, true);
  -- At a stricter level a row that others moved since the snapshot, or merely read, would fail the
  -- transaction: it adds one and reads none.
  IF current_setting('transaction_isolation') = 'read committed' THEN
    SELECT c.slot INTO own FROM zava.data_changes AS c LIMIT 1 FOR UPDATE SKIP LOCKED;
  END IF;
  IF own IS NULL THEN
    INSERT INTO zava.data_changes (changes) VALUES (1);
  ELSIF (SELECT count(*) FROM zava.data_changes) <= 64 THEN
    UPDATE zava.data_changes SET changes = changes + 1 WHERE slot = own;
  ELSE
    -- Rows of past transactions are folded into one, so that the sum stays cheap.
    WITH folded AS (
      DELETE FROM zava.data_changes WHERE slot IN (
        SELECT c.slot FROM zava.data_changes AS c WHERE c.slot <> own FOR UPDATE SKIP LOCKED)
      RETURNING changes
    )
    UPDATE zava.data_changes SET changes = changes + 1 + (SELECT coalesce(sum(f.changes), 0) FROM folded AS f)
    WHERE slot = own;
  END IF;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION zava.note_change() TO zava_owner;

-- The entry's sibling, signed like a call of the text 'scope': the entry checks the signature and
-- looks the person up. No audience is named '', so it mints no context.
CREATE FUNCTION zava.scope(
  p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea
) RETURNS TABLE (audience text, scope_hash text, data_version bigint)
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
         encode(sha256(convert_to(concat_ws('|', opened,
           CASE opened WHEN 'store_managers' THEN p.store_ids[1]::text ELSE p.store_ids::text END), 'UTF8')), 'hex'),
         (SELECT coalesce(sum(c.changes), 0)::bigint FROM zava.data_changes AS c)
  FROM zava.principals AS p
  WHERE p.tenant_id = p_tenant AND p.object_id = p_person;
END $$;
GRANT EXECUTE ON FUNCTION zava.scope(integer, uuid, uuid, bigint, uuid, bytea) TO zava_server;

SET LOCAL ROLE zava_owner;
DO $$
DECLARE
  read_table regclass;
BEGIN
  FOREACH read_table IN ARRAY ARRAY['retail.stores', 'retail.customers', 'retail.inventory',
    'retail.orders', 'retail.order_items', 'retail.categories', 'retail.product_types',
    'retail.products']::regclass[]
  LOOP
    EXECUTE format('CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change()', read_table);
  END LOOP;
END $$;
RESET ROLE;
