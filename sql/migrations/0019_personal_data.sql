-- Names, e-mail and phone of customers are a permission of their own, in the grant and in the token.
--
-- Column privileges belong to roles. So each audience has a second role, which inherits all that
-- the audience reads, rows by its policies and columns by its grants, and reads four columns more.
-- A principal whose grant has `reads_personal` runs under the second role. A token that lacks the
-- permission makes the server set `zava.narrowed`: the call then runs under the first one. The
-- setting can only narrow, so it needs no proof.
DO $roles$
DECLARE
  audience text;
BEGIN
  FOREACH audience IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office'] LOOP
    IF to_regrole(audience || '_personal') IS NULL THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT NOCREATEDB NOCREATEROLE', audience || '_personal');
    END IF;
    EXECUTE format('GRANT %I TO %I WITH INHERIT TRUE, SET FALSE', audience, audience || '_personal');
  END LOOP;
END $roles$;

SET LOCAL ROLE zava_owner;
REVOKE SELECT ON retail.customers FROM store_managers, regional_managers, head_office;
GRANT SELECT (store_id, customer_id, created_at) ON retail.customers
  TO store_managers, regional_managers, head_office;
GRANT SELECT (first_name, last_name, email, phone) ON retail.customers
  TO store_managers_personal, regional_managers_personal, head_office_personal;

SET LOCAL ROLE zava_context;
-- Grants of before keep what they allowed; a new one has to name it. The canaries read no person.
ALTER TABLE zava.principals ADD COLUMN reads_personal boolean NOT NULL DEFAULT true;
ALTER TABLE zava.principals ALTER COLUMN reads_personal SET DEFAULT false;
UPDATE zava.principals SET reads_personal = false WHERE tenant_id = '00000000-0000-0000-0000-000000000000';
COMMENT ON COLUMN zava.principals.reads_personal IS 'Whether names, e-mail and phone of customers are readable.';

CREATE OR REPLACE VIEW zava.valid_principals AS
  SELECT tenant_id, object_id, audience, store_ids, reads_personal
  FROM zava.principals
  WHERE active AND valid_from <= statement_timestamp() AND statement_timestamp() < valid_until;

-- As before, but it returns the role of the grant, and the seal is that of the audience.
CREATE OR REPLACE FUNCTION zava.open_context(
  runner name, key_id integer, tenant uuid, person uuid, expires bigint, nonce uuid, mac bytea,
  statement text, params text
) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    -- Hashing both sides once more keeps the comparison's duration free of information.
    WHEN sha256(mac) = sha256(sha256(
           (CASE key_id WHEN k.key_a THEN k.outer_pad_a WHEN k.key_b THEN k.outer_pad_b END)
           || sha256(
           (CASE key_id WHEN k.key_a THEN k.inner_pad_a WHEN k.key_b THEN k.inner_pad_b END)
           || convert_to(concat_ws('|', key_id, tenant, person, expires, nonce,
                                   length(statement), statement, params), 'UTF8'))))
     AND abs(expires - 60 - date_part('epoch', statement_timestamp())) <= 60
     AND current_setting('transaction_read_only') = 'on'
    THEN CASE
      WHEN p.audience IS NULL THEN ''
      WHEN granted.role <> runner
       AND (p.audience <> runner OR current_setting('zava.narrowed', true) IS DISTINCT FROM 'on')
      THEN granted.role
      WHEN set_config('zava.context', minted.seal || minted.scope, true) IS NOT NULL THEN runner::text
    END
  END
  FROM zava.keyring k
  LEFT JOIN zava.valid_principals p ON p.tenant_id = tenant AND p.object_id = person
  CROSS JOIN LATERAL (
    SELECT p.audience || CASE WHEN p.reads_personal THEN '_personal' ELSE '' END,
           CASE p.audience WHEN 'store_managers' THEN p.store_ids[1]::text ELSE p.store_ids::text END
  ) AS granted (role, scope)
  CROSS JOIN LATERAL (
    SELECT granted.scope,
           encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
             concat_ws('|', p.audience, granted.scope, pg_backend_pid(), transaction_timestamp(),
                       statement_timestamp()), 'UTF8'))), 'hex')
  ) AS minted (scope, seal);
END;

-- As before; both roles of an audience read under its one seal.
CREATE OR REPLACE FUNCTION zava.my_store(reader name) RETURNS uuid
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    WHEN sha256(convert_to(left(context, 64), 'UTF8')) = sha256(convert_to(encode(sha256(k.outer_pad
           || sha256(k.inner_pad || convert_to(concat_ws('|', replace(reader::text, '_personal', ''),
                substr(context, 65), pg_backend_pid(), transaction_timestamp(),
                statement_timestamp()), 'UTF8'))), 'hex'), 'UTF8'))
    THEN substr(context, 65)::uuid
  END
  FROM current_setting('zava.context', true) AS context, zava.keyring k;
END;

CREATE OR REPLACE FUNCTION zava.my_stores(reader name) RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    WHEN sha256(convert_to(left(context, 64), 'UTF8')) = sha256(convert_to(encode(sha256(k.outer_pad
           || sha256(k.inner_pad || convert_to(concat_ws('|', replace(reader::text, '_personal', ''),
                substr(context, 65), pg_backend_pid(), transaction_timestamp(),
                statement_timestamp()), 'UTF8'))), 'hex'), 'UTF8'))
    THEN substr(context, 65)::uuid[]
  END
  FROM current_setting('zava.context', true) AS context, zava.keyring k;
END;

-- As before; `audience` is the role of the grant.
CREATE OR REPLACE FUNCTION zava.scope(
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

CREATE OR REPLACE FUNCTION zava.scope_of_data(
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
RESET ROLE;

-- The second role's runner and weigher are those of the audience under another owner and name.
DO $runners$
DECLARE
  audience text;
  personal text;
  wanted record;
  made text;
BEGIN
  FOREACH audience IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office'] LOOP
    personal := audience || '_personal';
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', personal);
    SET LOCAL ROLE zava_context;
    EXECUTE format('GRANT CREATE ON SCHEMA zava TO %I', personal);
    FOR wanted IN
      SELECT p.proname, oidvectortypes(p.proargtypes) AS types, pg_get_functiondef(p.oid) AS definition
      FROM pg_proc AS p
      WHERE p.pronamespace = 'zava'::regnamespace AND p.proname IN ('run_' || audience, 'weigh_' || audience)
    LOOP
      RESET ROLE;
      EXECUTE format('SET LOCAL ROLE %I', personal);
      made := wanted.proname || '_personal';
      EXECUTE replace(wanted.definition, format('FUNCTION zava.%s(', wanted.proname), format('FUNCTION zava.%s(', made));
      EXECUTE format('REVOKE ALL ON FUNCTION zava.%I(%s) FROM PUBLIC', made, wanted.types);
      EXECUTE format('GRANT EXECUTE ON FUNCTION zava.%I(%s) TO zava_server', made, wanted.types);
    END LOOP;
    RESET ROLE;
    SET LOCAL ROLE zava_context;
    EXECUTE format('REVOKE CREATE ON SCHEMA zava FROM %I', personal);
    RESET ROLE;
    EXECUTE format('REVOKE %I FROM CURRENT_USER', personal);
  END LOOP;
END $runners$;
