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
  audience text;
  parameters text := '(integer, uuid, uuid, bigint, uuid, bytea, text, text)';
BEGIN
  FOREACH audience IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office'] LOOP
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', audience);
    SET LOCAL ROLE zava_context;
    EXECUTE format('GRANT CREATE ON SCHEMA zava TO %I', audience);
    EXECUTE format('SET LOCAL ROLE %I', audience);
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
    $create$, audience, CASE WHEN audience <> 'head_office' THEN 'SET enable_seqscan = off' END);
    EXECUTE format('REVOKE ALL ON FUNCTION zava.weigh_%s%s FROM PUBLIC', audience, parameters);
    EXECUTE format('GRANT EXECUTE ON FUNCTION zava.weigh_%s%s TO zava_server', audience, parameters);
    SET LOCAL ROLE zava_context;
    EXECUTE format('REVOKE CREATE ON SCHEMA zava FROM %I', audience);
    RESET ROLE;
    EXECUTE format('REVOKE %I FROM CURRENT_USER', audience);
  END LOOP;
END $plans$;
