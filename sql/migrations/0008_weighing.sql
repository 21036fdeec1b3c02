-- What a statement would cost, asked before it runs, under the caller's own policies.
--
-- Like the runners, but VOLATILE: a STABLE function may not explain. It never analyzes, so nothing
-- of the statement runs, and it tells nobody the plan, whose estimates know of every store: it
-- refuses, or says nothing.
DO $weighing$
DECLARE
  audience text;
  parameters text := '(integer, uuid, uuid, bigint, uuid, bytea, text, text, double precision)';
BEGIN
  FOREACH audience IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office'] LOOP
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', audience);
    SET LOCAL ROLE zava_context;
    EXECUTE format('GRANT CREATE ON SCHEMA zava TO %I', audience);
    EXECUTE format('SET LOCAL ROLE %I', audience);
    EXECUTE format($create$
      CREATE FUNCTION zava.weigh_%1$s(
        p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea,
        p_statement text, p_params text, p_max_cost double precision
      ) RETURNS void
      LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
      SET search_path = pg_catalog, retail, pg_temp
      AS $body$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        found_plan record;
        cost pg_catalog.float8;
      BEGIN
        IF opened IS NULL THEN
          RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
        ELSIF opened OPERATOR(pg_catalog.=) '' THEN
          RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
        ELSIF opened OPERATOR(pg_catalog.<>) current_user::text THEN
          RAISE EXCEPTION '%%', opened USING ERRCODE = 'ZA004';
        END IF;
        FOR found_plan IN
          EXECUTE 'EXPLAIN (FORMAT JSON) ' OPERATOR(pg_catalog.||) p_statement
          USING NULLIF(p_params, '')::pg_catalog.jsonb
        LOOP
          cost := (found_plan."QUERY PLAN" OPERATOR(pg_catalog.#>>) '{0,Plan,Total Cost}')::pg_catalog.float8;
        END LOOP;
        IF cost OPERATOR(pg_catalog.>) p_max_cost THEN
          RAISE EXCEPTION 'too expensive' USING ERRCODE = 'ZA006';
        END IF;
      END $body$
    $create$, audience);
    EXECUTE format('REVOKE ALL ON FUNCTION zava.weigh_%s%s FROM PUBLIC', audience, parameters);
    EXECUTE format('GRANT EXECUTE ON FUNCTION zava.weigh_%s%s TO zava_server', audience, parameters);
    SET LOCAL ROLE zava_context;
    EXECUTE format('REVOKE CREATE ON SCHEMA zava FROM %I', audience);
    RESET ROLE;
    EXECUTE format('REVOKE %I FROM CURRENT_USER', audience);
  END LOOP;
END $weighing$;
