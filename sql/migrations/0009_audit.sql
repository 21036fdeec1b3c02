-- The audit: caller, statement, stores and outcome of every call. Never literals, never results.
--
-- Append-only by privilege, like the change log. In `required` mode a call leaves two rows: its
-- intent, committed before any row leaves, and its outcome, which repeats and completes it.
SET LOCAL ROLE zava_context;
CREATE TABLE zava.audit_log (
  call_id                uuid NOT NULL,
  phase                  text NOT NULL CHECK (phase IN ('intent', 'outcome')),
  called_at              timestamptz NOT NULL,
  recorded_at            timestamptz NOT NULL DEFAULT clock_timestamp(),
  tenant_id              uuid NOT NULL,
  object_id              uuid NOT NULL,
  client_id              text NOT NULL CHECK (length(client_id) <= 100),
  client_name            text NOT NULL CHECK (length(client_name) <= 100),
  tool                   text NOT NULL CHECK (length(tool) <= 100),
  fingerprint            text CHECK (length(fingerprint) <= 64),
  audience               name,
  store_ids              uuid[],
  row_count              bigint,
  byte_count             bigint,
  duration_milliseconds  double precision,
  database_milliseconds  double precision,
  outcome                text CHECK (length(outcome) <= 100),
  correlation_id         text CHECK (length(correlation_id) <= 100),
  -- The client chooses it, so several calls of several people may share one.
  trace_id               text CHECK (length(trace_id) = 32),
  PRIMARY KEY (call_id, phase),
  CHECK ((outcome IS NOT NULL) = (phase = 'outcome'))
);
CREATE INDEX audit_log_by_time_idx ON zava.audit_log (called_at);
COMMENT ON COLUMN zava.audit_log.client_id IS 'Client that the token was issued to: verified.';
COMMENT ON COLUMN zava.audit_log.client_name IS 'What the client calls itself: not verified.';
COMMENT ON COLUMN zava.audit_log.fingerprint IS 'libpg_query''s: the same for statements that differ in literals only.';
COMMENT ON COLUMN zava.audit_log.outcome IS 'OK, CANCELLED, or the code of the error.';
COMMENT ON COLUMN zava.audit_log.correlation_id IS 'Id that the product gave this call; also in the log and in the error.';
COMMENT ON COLUMN zava.audit_log.trace_id IS 'Trace id that the client sent: not verified, not unique. NULL where it sent none.';
GRANT CREATE ON SCHEMA zava TO zava_recorder;
GRANT INSERT ON zava.audit_log TO zava_recorder;
GRANT SELECT ON zava.audit_log TO zava_audit;
REVOKE ALL ON zava.audit_log FROM zava_context;
RESET ROLE;

GRANT zava_recorder TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
SET LOCAL ROLE zava_recorder;
-- A call that is sent twice, because a connection was lost, is recorded once.
CREATE FUNCTION zava.record_calls(entries jsonb) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  INSERT INTO zava.audit_log (
    call_id, phase, called_at, tenant_id, object_id, client_id, client_name, tool, fingerprint,
    audience, store_ids, row_count, byte_count, duration_milliseconds, database_milliseconds,
    outcome, correlation_id, trace_id)
  SELECT call_id, phase, called_at, tenant_id, object_id, client_id, client_name, tool, fingerprint,
    audience, store_ids, row_count, byte_count, duration_milliseconds, database_milliseconds,
    outcome, correlation_id, trace_id
  FROM jsonb_to_recordset(entries) AS entry (
    call_id uuid, phase text, called_at timestamptz, tenant_id uuid, object_id uuid,
    client_id text, client_name text, tool text, fingerprint text, audience name, store_ids uuid[],
    row_count bigint, byte_count bigint, duration_milliseconds double precision,
    database_milliseconds double precision, outcome text, correlation_id text, trace_id text)
  ON CONFLICT DO NOTHING;
END;
GRANT EXECUTE ON FUNCTION zava.record_calls(jsonb) TO zava_server;
SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_recorder;
RESET ROLE;
REVOKE zava_recorder FROM CURRENT_USER;

-- Old records of the audit end by one function, and by no other way.
--
-- It removes whole days, none younger than 30 days, and leaves its own line in the change log,
-- which keeps everything. So an administrator who takes a role for the command cannot choose lines
-- to remove. zava_retention owns the function, and no role is a member of it.
GRANT zava_retention TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
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
