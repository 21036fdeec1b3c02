-- The ids of a person of an OpenID provider: as the server makes them of its tokens. They are UUIDs of
-- version 8 (RFC 9562), made of a hash.
CREATE OR REPLACE FUNCTION zava.hashed_id(issuer text, subject text DEFAULT NULL) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT encode(set_byte(set_byte(h.bytes, 6, get_byte(h.bytes, 6) & 15 | 128), 8, get_byte(h.bytes, 8) & 63 | 128), 'hex')::uuid
  FROM (SELECT substr(sha256(convert_to(issuer, 'UTF8')
                             || coalesce('\x00'::bytea || convert_to(subject, 'UTF8'), ''::bytea)), 1, 16)) AS h (bytes);
END;

-- The grant of a person: what was granted here, else what the application keeps. It is read late, so that
-- the application may change its table; a table that is gone grants nothing.
CREATE OR REPLACE FUNCTION zava.principal_of(p_tenant uuid, p_person uuid)
RETURNS TABLE (audience name, scope text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- The names of the filter are columns of the application. Each name of ours below has a qualifier.
#variable_conflict use_column
DECLARE
  found_tenants text;
BEGIN
  RETURN QUERY SELECT v.audience, v.scope FROM zava.valid_principals AS v
               WHERE v.tenant_id = p_tenant AND v.object_id = p_person;
  -- A person whose grant was revoked or has ended is none by a membership either.
  IF FOUND OR p_tenant <> {{directory}} OR EXISTS (
       SELECT FROM zava.principals AS p WHERE p.tenant_id = p_tenant AND p.object_id = p_person) THEN
    RETURN;
  END IF;
  found_tenants := (SELECT array_agg(DISTINCT m.{{tenant}}::{{key}})::text FROM {{table}} AS m
                    WHERE {{is_person}} AND m.{{tenant}} IS NOT NULL AND (
{{filter}}
));
  IF found_tenants IS NOT NULL THEN
    RETURN QUERY SELECT {{role}}::name, found_tenants;
  END IF;
EXCEPTION WHEN undefined_table OR undefined_column OR insufficient_privilege THEN
  RETURN;
END $$;
REVOKE ALL ON FUNCTION zava.hashed_id(text, text), zava.principal_of(uuid, uuid) FROM PUBLIC;
