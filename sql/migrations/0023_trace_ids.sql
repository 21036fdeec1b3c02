-- The audit keeps the id of the trace that a client sent, beside the correlation id of the product.
-- The client chooses it, so several calls of several people may share one.
SET LOCAL ROLE zava_context;
ALTER TABLE zava.audit_log ADD COLUMN trace_id text CHECK (length(trace_id) = 32);
COMMENT ON COLUMN zava.audit_log.trace_id IS 'Trace id that the client sent: not verified, not unique. NULL where it sent none.';
COMMENT ON COLUMN zava.audit_log.correlation_id IS 'Id that the product gave this call; also in the log and in the error.';
GRANT CREATE ON SCHEMA zava TO zava_recorder;
RESET ROLE;

GRANT zava_recorder TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
SET LOCAL ROLE zava_recorder;
CREATE OR REPLACE FUNCTION zava.record_calls(entries jsonb) RETURNS void
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
SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_recorder;
RESET ROLE;
REVOKE zava_recorder FROM CURRENT_USER;

-- No statement is refused for the planner's cost, so the functions that explain take no limit.
DO $plans$
DECLARE
  audience text;
  parameters text := '(integer, uuid, uuid, bigint, uuid, bytea, text, text)';
BEGIN
  FOREACH audience IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office'] LOOP
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', audience);
    SET LOCAL ROLE zava_context;
    EXECUTE format('GRANT CREATE ON SCHEMA zava TO %I', audience);
    EXECUTE format('SET LOCAL ROLE %I', audience);
    EXECUTE format('DROP FUNCTION zava.weigh_%s(integer, uuid, uuid, bigint, uuid, bytea, text, text,'
                   ' double precision)', audience);
    EXECUTE format($create$
      CREATE FUNCTION zava.weigh_%1$s(
        p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea,
        p_statement text, p_params text
      ) RETURNS void
      LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
      SET search_path = pg_catalog, retail, pg_temp
      AS $body$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        found_plan record;
        plan pg_catalog.json;
      BEGIN
        IF opened IS NULL THEN
          RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
        ELSIF opened OPERATOR(pg_catalog.=) '' THEN
          RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
        ELSIF opened OPERATOR(pg_catalog.<>) current_user::text THEN
          RAISE EXCEPTION '%%', opened USING ERRCODE = 'ZA004';
        END IF;
        -- As the runner's cursor would: that takes no workers.
        PERFORM pg_catalog.set_config('max_parallel_workers_per_gather', '0', true);
        FOR found_plan IN
          EXECUTE 'EXPLAIN (FORMAT JSON) ' OPERATOR(pg_catalog.||) p_statement
          USING NULLIF(p_params, '')::pg_catalog.jsonb
        LOOP
          plan := found_plan."QUERY PLAN" OPERATOR(pg_catalog.#>) '{0,Plan}';
        END LOOP;
        PERFORM pg_catalog.set_config('zava.plan', zava.plan_shape(plan), true);
      END $body$
    $create$, audience);
    EXECUTE format('REVOKE ALL ON FUNCTION zava.weigh_%s%s FROM PUBLIC', audience, parameters);
    EXECUTE format('GRANT EXECUTE ON FUNCTION zava.weigh_%s%s TO zava_server', audience, parameters);
    SET LOCAL ROLE zava_context;
    EXECUTE format('REVOKE CREATE ON SCHEMA zava FROM %I', audience);
    RESET ROLE;
    EXECUTE format('REVOKE %I FROM CURRENT_USER', audience);
  END LOOP;
END $plans$;
