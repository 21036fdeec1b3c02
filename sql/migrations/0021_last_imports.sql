-- What the head office sees of imports: when, from which system, how many rows. No file, row or key.
SET LOCAL ROLE zava_context;
CREATE FUNCTION zava.last_imports()
RETURNS TABLE (finished_at timestamptz, source text, mode text, written bigint, rejected bigint)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT r.finished_at, r.source_system, r.mode,
         (SELECT sum((c.value ->> 'added')::bigint + (c.value ->> 'changed')::bigint + (c.value ->> 'removed')::bigint)
          FROM jsonb_each(r.result) AS c)::bigint,
         (SELECT sum((c.value ->> 'rejected')::bigint) FROM jsonb_each(r.result) AS c)::bigint
  FROM zava.import_runs AS r
  -- The seal answers under the name of the runner that opened it and under no other.
  WHERE r.state = 'done' AND zava.my_stores('head_office') IS NOT NULL
  ORDER BY r.finished_at DESC LIMIT 10;
END;
GRANT EXECUTE ON FUNCTION zava.last_imports() TO head_office;
RESET ROLE;
