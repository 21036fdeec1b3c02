-- The runners: the only functions that the server's login may call, one for each audience.
--
-- SECURITY DEFINER, owned by the audience role, locks role and session_authorization for the
-- statement, hides the peers' query texts and denies signalling them. STABLE refuses every write,
-- lock and EXPLAIN; the cursor refuses several statements and all transaction control.
--
-- The first row returned is the scope; then a JSON object for each row; a last row 'truncated:…'
-- means that a cap ended the answer. Names are qualified to the last operator: the statement may
-- change search_path while it runs.
--
-- In a chain of few stores the planner would look for the first rows of a LIMIT by reading the
-- whole table, and pass over other stores' rows: the time would follow how many there are. The head
-- office sees every row.
DO $runners$
DECLARE
  audience text;
  parameters text := '(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint)';
BEGIN
  FOREACH audience IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office'] LOOP
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', audience);
    SET LOCAL ROLE zava_context;
    EXECUTE format('GRANT CREATE ON SCHEMA zava TO %I', audience);
    EXECUTE format('SET LOCAL ROLE %I', audience);
    EXECUTE format($create$
      CREATE FUNCTION zava.run_%1$s(
        p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea,
        p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint
      ) RETURNS SETOF text
      LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
      SET search_path = pg_catalog, retail, pg_temp %2$s
      AS $body$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        context text;
        found_row record;
        line text;
        rows_left integer := p_max_rows;
        bytes_left bigint := p_max_bytes;
        verdict text;
      BEGIN
        IF opened IS NULL THEN
          RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
        ELSIF opened OPERATOR(pg_catalog.=) '' THEN
          RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
        ELSIF opened OPERATOR(pg_catalog.<>) current_user::text THEN
          RAISE EXCEPTION '%%', opened USING ERRCODE = 'ZA004';
        END IF;
        context := pg_catalog.current_setting('zava.context', true);
        RETURN NEXT pg_catalog.substr(context, 65);
        FOR found_row IN EXECUTE p_statement USING NULLIF(p_params, '')::pg_catalog.jsonb LOOP
          IF rows_left OPERATOR(pg_catalog.=) 0 THEN
            verdict := 'truncated:rows';
            EXIT;
          END IF;
          -- The size is asked first: JSON of an oversized row is never built.
          IF pg_catalog.pg_column_size(found_row) OPERATOR(pg_catalog.>) p_max_bytes THEN
            RAISE EXCEPTION 'a row exceeds %% bytes', p_max_bytes USING ERRCODE = '54000';
          END IF;
          line := pg_catalog.row_to_json(found_row)::pg_catalog.text;
          bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
          IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
            IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
              RAISE EXCEPTION 'a row exceeds %% bytes', p_max_bytes USING ERRCODE = '54000';
            END IF;
            verdict := 'truncated:bytes';
            EXIT;
          END IF;
          rows_left := rows_left OPERATOR(pg_catalog.-) 1;
          RETURN NEXT line;
        END LOOP;
        -- Nothing of the caller's runs below: drop its session locks, then see that the context held.
        IF pg_catalog.pg_advisory_unlock_all() IS NULL
           OR pg_catalog.current_setting('zava.context', true) IS DISTINCT FROM context THEN
          RAISE EXCEPTION 'context altered' USING ERRCODE = 'ZA002';
        END IF;
        IF verdict IS NOT NULL THEN
          RETURN NEXT verdict;
        END IF;
      END $body$
    $create$, audience, CASE WHEN audience <> 'head_office' THEN 'SET enable_seqscan = off' END);
    EXECUTE format('REVOKE ALL ON FUNCTION zava.run_%s%s FROM PUBLIC', audience, parameters);
    EXECUTE format('GRANT EXECUTE ON FUNCTION zava.run_%s%s TO zava_server', audience, parameters);
    SET LOCAL ROLE zava_context;
    EXECUTE format('REVOKE CREATE ON SCHEMA zava FROM %I', audience);
    RESET ROLE;
    EXECUTE format('REVOKE %I FROM CURRENT_USER', audience);
  END LOOP;
END $runners$;
