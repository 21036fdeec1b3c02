CREATE OR REPLACE FUNCTION zava.{{runner}}(
  p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea,
  p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint,
  p_columns integer DEFAULT 0
) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = {{path}}
AS $body$
DECLARE
  opened text := zava.open_context(
    current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
  context text;
  found_row record;
  line text;
  rows_left integer := p_max_rows;
  bytes_left bigint := p_max_bytes;
  is_answered boolean := false;
  verdict text;
BEGIN
  -- The usual call takes one step: each step of a function is prepared in every transaction.
  IF opened IS DISTINCT FROM current_user::text THEN
    IF opened IS NULL THEN
      RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
    ELSIF opened OPERATOR(pg_catalog.=) '' THEN
      RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
    END IF;
    RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
  END IF;
  -- The owner of a table may switch its policies off, and a cascade may drop them. Then nothing is
  -- read, from the next call on.
  IF NOT ({{are_active}}) THEN
    RAISE EXCEPTION 'row security is off, or a policy is missing' USING ERRCODE = 'ZA010';
  END IF;
  context := pg_catalog.current_setting('zava.context', true);
  RETURN NEXT pg_catalog.substr(context, 65);
  IF p_columns OPERATOR(pg_catalog.>) 0 THEN
    BEGIN
      FOR line IN
        EXECUTE zava.rows_as_text(p_statement, p_columns) USING NULLIF(p_params, '')::pg_catalog.jsonb
      LOOP
        IF rows_left OPERATOR(pg_catalog.=) 0 THEN
          verdict := 'truncated:rows';
          EXIT;
        END IF;
        bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
        IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
          IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
            RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
          END IF;
          verdict := 'truncated:bytes';
          EXIT;
        END IF;
        rows_left := rows_left OPERATOR(pg_catalog.-) 1;
        RETURN NEXT line;
      END LOOP;
      is_answered := true;
    EXCEPTION WHEN syntax_error OR invalid_column_reference THEN
      IF rows_left OPERATOR(pg_catalog.<>) p_max_rows THEN
        RAISE;
      END IF;
    END;
  END IF;
  IF NOT is_answered THEN
    FOR found_row IN EXECUTE p_statement USING NULLIF(p_params, '')::pg_catalog.jsonb LOOP
      IF rows_left OPERATOR(pg_catalog.=) 0 THEN
        verdict := 'truncated:rows';
        EXIT;
      END IF;
      -- The size is asked first: JSON of an oversized row is never built.
      IF pg_catalog.pg_column_size(found_row) OPERATOR(pg_catalog.>) p_max_bytes THEN
        RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
      END IF;
      line := pg_catalog.row_to_json(found_row)::pg_catalog.text;
      bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
      IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
        IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
          RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
        END IF;
        verdict := 'truncated:bytes';
        EXIT;
      END IF;
      rows_left := rows_left OPERATOR(pg_catalog.-) 1;
      RETURN NEXT line;
    END LOOP;
  END IF;
  -- Nothing of the caller's runs below: drop its session locks, then see that the context held.
  -- The statement's locks keep row security as it is now until the transaction ends. While it waited
  -- for them, a policy may have been dropped.
  IF pg_catalog.pg_advisory_unlock_all() IS NULL
     OR pg_catalog.current_setting('zava.context', true) IS DISTINCT FROM context
     OR NOT ({{are_active}}) THEN
    RAISE EXCEPTION 'context altered' USING ERRCODE = 'ZA002';
  END IF;
  IF verdict IS NOT NULL THEN
    RETURN NEXT verdict;
  END IF;
END $body$;
REVOKE ALL ON FUNCTION
  zava.{{runner}}(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  zava.{{runner}}(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer) TO {{server}};
CREATE OR REPLACE FUNCTION zava.{{weigher}}(
  p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea,
  p_statement text, p_params text
) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = {{path}}
AS $plan$
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
    RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
  END IF;
  -- The estimates of a plan without policies are of every tenant's rows.
  IF NOT ({{are_active}}) THEN
    RAISE EXCEPTION 'row security is off, or a policy is missing' USING ERRCODE = 'ZA010';
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
END $plan$;
REVOKE ALL ON FUNCTION
  zava.{{weigher}}(integer, uuid, uuid, bigint, uuid, bytea, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  zava.{{weigher}}(integer, uuid, uuid, bigint, uuid, bytea, text, text) TO {{server}};
