-- Who may ask, from when until when, and a log of every change to that.
--
-- Two further roles without a login: zava_recorder owns what writes the append-only logs and may
-- do nothing but insert there; zava_audit reads them. Nobody is a member of the first.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['zava_recorder', 'zava_audit'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT NOCREATEDB NOCREATEROLE', wanted);
    END IF;
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', wanted);
  END LOOP;
END $$;

SET LOCAL ROLE zava_recorder;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

SET LOCAL ROLE zava_context;
ALTER TABLE zava.principals
  ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'application')),
  ADD COLUMN valid_from timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN valid_until timestamptz NOT NULL DEFAULT 'infinity',
  ADD CHECK (valid_from < valid_until);

-- The one definition of "may ask at this moment"; whatever else asks for it reads it here.
CREATE VIEW zava.valid_principals AS
  SELECT tenant_id, object_id, audience, store_ids
  FROM zava.principals
  WHERE active AND valid_from <= statement_timestamp() AND statement_timestamp() < valid_until;

-- As before, but for the people it knows.
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
      WHEN p.audience <> runner THEN p.audience::text
      WHEN set_config('zava.context', minted.seal || minted.scope, true) IS NOT NULL THEN runner::text
    END
  END
  FROM zava.keyring k
  LEFT JOIN zava.valid_principals p ON p.tenant_id = tenant AND p.object_id = person
  CROSS JOIN LATERAL (
    SELECT CASE runner WHEN 'store_managers' THEN p.store_ids[1]::text ELSE p.store_ids::text END
  ) AS granted (scope)
  CROSS JOIN LATERAL (
    SELECT granted.scope,
           encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
             concat_ws('|', runner, granted.scope, pg_backend_pid(), transaction_timestamp(),
                       statement_timestamp()), 'UTF8'))), 'hex')
  ) AS minted (scope, seal);
END;

-- What was, what is, by whom: the database's login, and the person whom the command line names.
CREATE TABLE zava.change_log (
  change_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  subject     name NOT NULL,
  login       name NOT NULL,
  actor       text,
  old         jsonb,
  new         jsonb,
  CHECK (old IS NOT NULL OR new IS NOT NULL)
);
GRANT USAGE, CREATE ON SCHEMA zava TO zava_recorder;
GRANT USAGE ON SCHEMA zava TO zava_audit;
GRANT INSERT ON zava.change_log TO zava_recorder;
GRANT SELECT ON zava.change_log TO zava_audit;
-- Append-only by privilege: the owner itself reads, changes and deletes nothing.
REVOKE ALL ON zava.change_log FROM zava_context;

SET LOCAL ROLE zava_recorder;
CREATE FUNCTION zava.log_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO zava.change_log (subject, login, actor, old, new) VALUES (
    TG_TABLE_NAME, session_user, nullif(current_setting('zava.actor', true), ''),
    CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
    CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION zava.log_change() TO zava_context;

SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_recorder;
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON zava.principals
  FOR EACH ROW EXECUTE FUNCTION zava.log_change();
-- An import is one row here, whatever it wrote.
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON zava.demo_data
  FOR EACH ROW EXECUTE FUNCTION zava.log_change();
RESET ROLE;
REVOKE zava_recorder FROM CURRENT_USER;
