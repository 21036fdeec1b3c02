-- The runners: the only functions that the server's login may call, one for each audience and one for
-- its role that reads personal data.
--
-- SECURITY DEFINER, owned by the audience role, locks role and session_authorization for the
-- statement, hides the peers' query texts and denies signalling them. STABLE refuses every write,
-- lock and EXPLAIN; the cursor refuses several statements and all transaction control.
--
-- The first row returned is the scope; then one text for each row; a last row 'truncated:…'
-- means that a cap ended the answer. Names are qualified to the last operator: the statement may
-- change search_path while it runs.
--
-- In a chain of few stores the planner would look for the first rows of a LIMIT by reading the
-- whole table, and pass over other stores' rows: the time would follow how many there are. The head
-- office sees every row.
--
-- A row is text, with cells as PostgreSQL writes them, and no JSON object. PostgreSQL looks up how to
-- write a type as JSON for each cell of a row, and how to write it as text once. The caller passes how
-- many columns the statement has; with 0 the rows come as JSON. They also do where the text is no query
-- in parentheses.
--
-- The signed text is put in parentheses whole. A text that closes them itself is still one statement
-- of a cursor in a STABLE function, so it may do what any other may. Every row passes the caps.
SET LOCAL ROLE zava_context;

-- Each row has the number of its NULLs and then its cells, NULL as an empty one, separated by U+001F.
-- A cell that holds this character shows in the number of cells. The names of the cells are no table's:
-- a statement may select more columns than it had when its width was read.
--
-- PostgreSQL merges a query in FROM with the query around it and then writes the expression of a cell
-- in each place that names it: a subquery in a SELECT list ran twice for each row. OFFSET 0 keeps the
-- two queries apart and skips no row.
CREATE FUNCTION zava.rows_as_text(statement text, columns integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT format(
    $text$SELECT pg_catalog.concat(pg_catalog.num_nulls(%1$s), E'\x1f', %2$s)
      FROM (SELECT %1$s FROM (%3$s
    ) AS q (%1$s) OFFSET 0) AS q$text$,
    string_agg(format('"zava cell %s"', n), ', ' ORDER BY n),
    string_agg(format('"zava cell %s"', n), $text$, E'\x1f', $text$ ORDER BY n),
    statement)
  FROM generate_series(1, columns) AS n;
END;
GRANT EXECUTE ON FUNCTION zava.rows_as_text(text, integer)
  TO store_managers, regional_managers, head_office;
RESET ROLE;

DO $runners$
DECLARE
  reader text;
  parameters text := '(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer)';
BEGIN
  FOREACH reader IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office',
    'store_managers_personal', 'regional_managers_personal', 'head_office_personal'] LOOP
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', reader);
    SET LOCAL ROLE zava_context;
    EXECUTE format('GRANT CREATE ON SCHEMA zava TO %I', reader);
    EXECUTE format('SET LOCAL ROLE %I', reader);
    EXECUTE format($create$
      CREATE FUNCTION zava.run_%1$s(
        p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea,
        p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer DEFAULT 0
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
        is_answered boolean := false;
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
                  RAISE EXCEPTION 'a row exceeds %% bytes', p_max_bytes USING ERRCODE = '54000';
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
        END IF;
        -- Nothing of the caller's runs below: drop its session locks, then see that the context held.
        IF pg_catalog.pg_advisory_unlock_all() IS NULL
           OR pg_catalog.current_setting('zava.context', true) IS DISTINCT FROM context THEN
          RAISE EXCEPTION 'context altered' USING ERRCODE = 'ZA002';
        END IF;
        IF verdict IS NOT NULL THEN
          RETURN NEXT verdict;
        END IF;
      END $body$
    $create$, reader, CASE WHEN reader NOT LIKE 'head_office%' THEN 'SET enable_seqscan = off' END);
    EXECUTE format('REVOKE ALL ON FUNCTION zava.run_%s%s FROM PUBLIC', reader, parameters);
    EXECUTE format('GRANT EXECUTE ON FUNCTION zava.run_%s%s TO zava_server', reader, parameters);
    RESET ROLE;
    SET LOCAL ROLE zava_context;
    EXECUTE format('REVOKE CREATE ON SCHEMA zava FROM %I', reader);
    RESET ROLE;
    EXECUTE format('REVOKE %I FROM CURRENT_USER', reader);
  END LOOP;
END $runners$;

-- The plan of a statement that was slow, explained under the caller's own policies. Like the
-- runners, but VOLATILE: a STABLE function may not explain. It never analyzes, so nothing of the
-- statement runs. It leaves in the transaction's setting zava.plan what the planner would do: kind
-- of each step, join, index, table, estimates. Conditions stay here, the policies' as well as the
-- caller's, and so does every name that the statement itself gives.

-- One line a step, indented as the plan's tree is; rows and cost are the planner's estimates.
SET LOCAL ROLE zava_context;
CREATE FUNCTION zava.plan_shape(plan json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH RECURSIVE step (place, plan) AS (
    SELECT ARRAY[]::bigint[], plan_shape.plan
    UNION ALL
    SELECT step.place || child.number, child.plan
    FROM step CROSS JOIN LATERAL json_array_elements(step.plan -> 'Plans') WITH ORDINALITY AS child (plan, number)
  ),
  line (number, words) AS (
    SELECT row_number() OVER (ORDER BY place),
           concat(repeat('  ', cardinality(place)), plan ->> 'Node Type',
                  ' ' || lower(nullif(plan ->> 'Join Type', 'Inner')),
                  ' using ' || (plan ->> 'Index Name'), ' on ' || (plan ->> 'Relation Name'),
                  '  rows=', plan ->> 'Plan Rows', ' cost=', round((plan ->> 'Total Cost')::numeric))
    FROM step
  )
  SELECT string_agg(CASE number WHEN 61 THEN '…' ELSE words END, E'\n' ORDER BY number)
  FROM line WHERE number <= 61;
END;
GRANT EXECUTE ON FUNCTION zava.plan_shape(json) TO store_managers, regional_managers, head_office;
RESET ROLE;

DO $plans$
DECLARE
  reader text;
  parameters text := '(integer, uuid, uuid, bigint, uuid, bytea, text, text)';
BEGIN
  FOREACH reader IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office',
    'store_managers_personal', 'regional_managers_personal', 'head_office_personal'] LOOP
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', reader);
    SET LOCAL ROLE zava_context;
    EXECUTE format('GRANT CREATE ON SCHEMA zava TO %I', reader);
    EXECUTE format('SET LOCAL ROLE %I', reader);
    EXECUTE format($create$
      CREATE FUNCTION zava.weigh_%1$s(
        p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea,
        p_statement text, p_params text
      ) RETURNS void
      LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
      SET search_path = pg_catalog, retail, pg_temp %2$s
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
    $create$, reader, CASE WHEN reader NOT LIKE 'head_office%' THEN 'SET enable_seqscan = off' END);
    EXECUTE format('REVOKE ALL ON FUNCTION zava.weigh_%s%s FROM PUBLIC', reader, parameters);
    EXECUTE format('GRANT EXECUTE ON FUNCTION zava.weigh_%s%s TO zava_server', reader, parameters);
    SET LOCAL ROLE zava_context;
    EXECUTE format('REVOKE CREATE ON SCHEMA zava FROM %I', reader);
    RESET ROLE;
    EXECUTE format('REVOKE %I FROM CURRENT_USER', reader);
  END LOOP;
END $plans$;
