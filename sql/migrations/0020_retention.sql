-- Old records of the audit end by one function, and by no other way.
--
-- It removes whole days, none younger than 30 days, and leaves its own line in the change log,
-- which keeps everything. So an administrator who takes a role for the command cannot choose lines
-- to remove. zava_retention owns the function, and no role is a member of it.
DO $$
BEGIN
  IF to_regrole('zava_retention') IS NULL THEN
    CREATE ROLE zava_retention NOLOGIN NOINHERIT NOCREATEDB NOCREATEROLE;
  END IF;
  GRANT zava_retention TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
END $$;

SET LOCAL ROLE zava_retention;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

SET LOCAL ROLE zava_context;
GRANT USAGE, CREATE ON SCHEMA zava TO zava_retention;
GRANT SELECT, DELETE ON zava.audit_log TO zava_retention;
GRANT INSERT ON zava.change_log TO zava_retention;

SET LOCAL ROLE zava_retention;
-- Returns the day before which records are removed, how many they are, and the oldest one of them.
CREATE FUNCTION zava.remove_records(keep_days integer, is_rehearsal boolean)
RETURNS TABLE (before date, records bigint, oldest timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF keep_days IS NULL OR is_rehearsal IS NULL OR keep_days < 30 THEN
    RAISE EXCEPTION 'records of the last 30 days are kept' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  before := (statement_timestamp() AT TIME ZONE 'UTC')::date - keep_days;
  IF is_rehearsal THEN
    SELECT count(*), min(a.called_at) INTO records, oldest
    FROM zava.audit_log AS a WHERE a.called_at < before::timestamp AT TIME ZONE 'UTC';
  ELSE
    WITH removed AS (
      DELETE FROM zava.audit_log AS a WHERE a.called_at < before::timestamp AT TIME ZONE 'UTC'
      RETURNING a.called_at
    )
    SELECT count(*), min(r.called_at) INTO records, oldest FROM removed AS r;
    INSERT INTO zava.change_log (subject, login, actor, new)
    VALUES ('audit_log', session_user, nullif(current_setting('zava.actor', true), ''),
            jsonb_build_object('removed_before', before, 'records', records, 'oldest', oldest));
  END IF;
  RETURN NEXT;
END $$;
GRANT EXECUTE ON FUNCTION zava.remove_records(integer, boolean) TO zava_context;

SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_retention;
RESET ROLE;
REVOKE zava_retention FROM CURRENT_USER;
