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
