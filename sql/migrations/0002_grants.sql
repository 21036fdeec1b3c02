-- A log of every change to grants and to what is loaded: the old row, the new row, and who changed
-- it. That is the database's login, and the person whom the command line names.
SET LOCAL ROLE zava_context;
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
GRANT CREATE ON SCHEMA zava TO zava_recorder;
GRANT INSERT ON zava.change_log TO zava_recorder;
GRANT SELECT ON zava.change_log TO zava_audit;
-- Append-only by privilege: the owner itself reads, changes and deletes nothing.
REVOKE ALL ON zava.change_log FROM zava_context;
RESET ROLE;

GRANT zava_recorder TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
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
RESET ROLE;
REVOKE zava_recorder FROM CURRENT_USER;

-- The grants: a person or application of a directory, the audience, the stores, from when until when.
SET LOCAL ROLE zava_context;
CREATE TABLE zava.principals (
  tenant_id       uuid NOT NULL,
  object_id       uuid NOT NULL,
  display_name    text NOT NULL,
  audience        name NOT NULL CHECK (audience IN ('store_managers', 'regional_managers', 'head_office')),
  store_ids       uuid[] NOT NULL CHECK (array_position(store_ids, NULL) IS NULL),
  active          boolean NOT NULL DEFAULT true,
  kind            text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'application')),
  valid_from      timestamptz NOT NULL DEFAULT '-infinity',
  valid_until     timestamptz NOT NULL DEFAULT 'infinity',
  -- A person of another issuer than Microsoft Entra ID has ids that are a hash of these. They are
  -- for people to read; no decision reads them.
  issuer          text,
  subject         text,
  reads_personal  boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, object_id),
  CHECK (audience <> 'store_managers' OR cardinality(store_ids) = 1),
  CHECK (valid_from < valid_until),
  CHECK ((issuer IS NULL) = (subject IS NULL))
);
COMMENT ON COLUMN zava.principals.reads_personal IS 'Whether names, e-mail and phone of customers are readable.';
GRANT SELECT (tenant_id, object_id, display_name) ON zava.principals TO zava_audit;

-- The one definition of a grant that holds at this moment; every other check reads it here.
CREATE VIEW zava.valid_principals AS
  SELECT tenant_id, object_id, audience, store_ids, reads_personal
  FROM zava.principals
  WHERE active AND valid_from <= statement_timestamp() AND statement_timestamp() < valid_until;

-- The principals of the isolation check, which no token can name: the nil tenant is refused at the
-- edge. They are part of the schema, so the log has no row of them.
INSERT INTO zava.principals (tenant_id, object_id, display_name, audience, store_ids) VALUES
  ('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-0000000000a1', 'first canary',
   'store_managers', '{00000000-0000-0000-0000-0000000000a1}'),
  ('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-0000000000b2', 'second canary',
   'store_managers', '{00000000-0000-0000-0000-0000000000b2}');
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON zava.principals
  FOR EACH ROW EXECUTE FUNCTION zava.log_change();
RESET ROLE;
