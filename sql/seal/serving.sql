-- What the server does beside reading: it admits calls by their budgets, records them, finds statements
-- that work past their end, and proves isolation. As sql/migrations has it for the shipped domain; a
-- test compares the bodies.

-- The number by which a mark of a transaction is found. The key is in it, so no caller may put it in place.
CREATE OR REPLACE FUNCTION zava.proof(content text) RETURNS integer
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
  SELECT ('x' || encode(substr(sha256(k.outer_pad || sha256(k.inner_pad
            || convert_to('mark|' || content, 'UTF8'))), 1, 4), 'hex'))::bit(32)::integer
  FROM zava.keyring AS k;
END;

-- Returns which of these calls still have a working backend, even if their clients are gone.
CREATE OR REPLACE FUNCTION zava.working(nonces uuid[]) RETURNS uuid[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT coalesce(array_agg(asked.nonce), '{}')
  FROM unnest(nonces) AS asked (nonce)
  WHERE EXISTS (
    SELECT FROM pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.objid = 0
      AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
      AND l.classid::bigint = zava.proof(concat_ws('|', asked.nonce, l.pid))::bigint & 4294967295);
END;

-- Admits a call, or raises for how many seconds its principal has to wait. 0 is no limit. `unwritten` is
-- what the calling instance has not recorded yet. A place among the calls at once is a lock of this
-- transaction. The entry has marked the transaction already.
CREATE OR REPLACE FUNCTION zava.admit(
  tenant uuid, person uuid, nonce uuid, is_searched boolean, calls_at_once integer, calls_per_minute bigint,
  milliseconds_per_hour double precision, unwritten_calls bigint, unwritten_milliseconds double precision
) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  used record;
  moment timestamptz := statement_timestamp();
  place integer := 0;
BEGIN
  IF is_searched THEN
    PERFORM FROM pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 2
      AND l.objid::bigint BETWEEN 1 AND floor(date_part('epoch', clock_timestamp())) - 1577836802
      AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
      AND l.classid::bigint
        = zava.proof(concat_ws('|', tenant, person, l.pid, l.objid))::bigint & 4294967295;
    IF FOUND THEN
      RAISE EXCEPTION 'overdue' USING ERRCODE = 'ZA007';
    END IF;
  END IF;
  IF calls_per_minute > 0 OR milliseconds_per_hour > 0 THEN
    SELECT u.minute, u.calls, u.hour, u.busy_milliseconds INTO used
    FROM zava.usage AS u WHERE u.tenant_id = tenant AND u.object_id = person;
    IF calls_per_minute > 0 AND calls_per_minute <= unwritten_calls
       + (CASE WHEN used.minute = date_trunc('minute', moment) THEN used.calls ELSE 0 END) THEN
      RAISE EXCEPTION 'calls %', ceil(60 - extract(second FROM moment)) USING ERRCODE = 'ZA005';
    END IF;
    IF milliseconds_per_hour > 0 AND milliseconds_per_hour <= unwritten_milliseconds
       + (CASE WHEN used.hour = date_trunc('hour', moment) THEN used.busy_milliseconds ELSE 0 END) THEN
      RAISE EXCEPTION 'time %', ceil(extract(epoch FROM date_trunc('hour', moment) + interval '1 hour' - moment))
        USING ERRCODE = 'ZA005';
    END IF;
  END IF;
  IF calls_at_once > 0 THEN
    WHILE NOT pg_try_advisory_xact_lock(hashtextextended(concat_ws('|', tenant, person), place)) LOOP
      place := place + 1;
      IF place = calls_at_once THEN
        RAISE EXCEPTION 'place 1' USING ERRCODE = 'ZA005';
      END IF;
    END LOOP;
  END IF;
END $$;

-- Counts the calls and the database's time of each principal.
CREATE OR REPLACE FUNCTION zava.charge(entries jsonb) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  INSERT INTO zava.usage AS u (tenant_id, object_id, minute, calls, hour, busy_milliseconds)
  SELECT e.tenant_id, e.object_id, date_trunc('minute', statement_timestamp()), count(*),
         date_trunc('hour', statement_timestamp()), coalesce(sum(e.database_milliseconds), 0)
  FROM jsonb_to_recordset(entries) AS e (
    phase text, tenant_id uuid, object_id uuid, database_milliseconds double precision)
  WHERE e.phase = 'outcome'
  GROUP BY e.tenant_id, e.object_id ORDER BY e.tenant_id, e.object_id
  ON CONFLICT (tenant_id, object_id) DO UPDATE SET
    calls = excluded.calls + CASE WHEN u.minute = excluded.minute THEN u.calls ELSE 0 END,
    busy_milliseconds = excluded.busy_milliseconds
      + CASE WHEN u.hour = excluded.hour THEN u.busy_milliseconds ELSE 0 END,
    minute = excluded.minute,
    hour = excluded.hour;
END;

-- What one principal has used of the minute and the hour at hand.
CREATE OR REPLACE FUNCTION zava.used(tenant uuid, person uuid)
RETURNS TABLE (calls bigint, busy_milliseconds double precision, minute_seconds_left integer, hour_seconds_left integer)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT coalesce(max(u.calls) FILTER (WHERE u.minute = clock.minute), 0),
         coalesce(max(u.busy_milliseconds) FILTER (WHERE u.hour = clock.hour), 0),
         ceil(extract(epoch FROM clock.minute + interval '1 minute' - clock.moment))::integer,
         ceil(extract(epoch FROM clock.hour + interval '1 hour' - clock.moment))::integer
  FROM (SELECT statement_timestamp() AS moment, date_trunc('minute', statement_timestamp()) AS minute,
               date_trunc('hour', statement_timestamp()) AS hour) AS clock
  LEFT JOIN zava.usage AS u ON u.tenant_id = tenant AND u.object_id = person
  GROUP BY clock.moment, clock.minute, clock.hour;
END;

CREATE OR REPLACE FUNCTION zava.record_calls(entries jsonb) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  INSERT INTO zava.audit_log (call_id, phase, called_at, tenant_id, object_id, client_id, client_name, tool,
    fingerprint, audience, tenants, row_count, byte_count, duration_milliseconds, database_milliseconds, outcome,
    correlation_id, trace_id)
  SELECT e.call_id, e.phase, e.called_at, e.tenant_id, e.object_id, e.client_id, e.client_name, e.tool,
    e.fingerprint, e.audience, e.store_ids, e.row_count, e.byte_count, e.duration_milliseconds,
    e.database_milliseconds, e.outcome, e.correlation_id, e.trace_id
  FROM jsonb_to_recordset(entries) AS e (
    call_id uuid, phase text, called_at timestamptz, tenant_id uuid, object_id uuid, client_id text,
    client_name text, tool text, fingerprint text, audience name, store_ids text[], row_count bigint,
    byte_count bigint, duration_milliseconds double precision, database_milliseconds double precision,
    outcome text, correlation_id text, trace_id text)
  ON CONFLICT DO NOTHING;
END;

-- Many rows as text: each row has the number of its NULLs and then its cells, separated by U+001F.
CREATE OR REPLACE FUNCTION zava.rows_as_text(statement text, columns integer) RETURNS text
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

-- The shape of a plan: kind of each step, join, index, table, estimates. Conditions stay out.
CREATE OR REPLACE FUNCTION zava.plan_shape(plan json) RETURNS text
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

-- What a caller may see now, without any tenant's row. What it reads has no version: `data_version` is 0.
CREATE OR REPLACE FUNCTION zava.scope_of_data(
  p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea
) RETURNS TABLE (audience text, scope_hash text, data_version bigint, scope text, reach text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  opened text := zava.open_context('', p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, 'scope', '');
BEGIN
  IF opened IS NULL THEN
    RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
  ELSIF opened = '' THEN
    RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
  END IF;
  RETURN QUERY
  SELECT opened, encode(sha256(convert_to(concat_ws('|', opened, p.scope), 'UTF8')), 'hex'), 0::bigint, p.scope, '{}'
  FROM (SELECT p_tenant AS tenant, p_person AS person) AS c JOIN {{principals}};
END $$;

-- Every way in which isolation does not hold, and whether the server has another declaration than the
-- applied one. The administrator's check is the same query, with the same settings: the text of a
-- function or a policy depends on them.
CREATE OR REPLACE FUNCTION zava.problems(checksum text) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off SET datestyle = 'ISO, YMD' SET intervalstyle = postgres SET timezone = 'UTC'
SET bytea_output = hex SET extra_float_digits = 1
AS $proof$
SELECT p.problem FROM (
{{proof}}
) AS p (problem)
UNION ALL
SELECT 'the declaration differs from the applied one; run zava adopt --apply, or restore the file'
WHERE checksum IS DISTINCT FROM (SELECT d.checksum FROM zava.declaration AS d ORDER BY d.number DESC LIMIT 1)
$proof$;

REVOKE ALL ON FUNCTION
  zava.proof(text), zava.working(uuid[]), zava.charge(jsonb), zava.used(uuid, uuid), zava.record_calls(jsonb),
  zava.admit(uuid, uuid, uuid, boolean, integer, bigint, double precision, bigint, double precision),
  zava.rows_as_text(text, integer), zava.plan_shape(json), zava.problems(text),
  zava.scope_of_data(integer, uuid, uuid, bigint, uuid, bytea)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  zava.working(uuid[]), zava.charge(jsonb), zava.used(uuid, uuid), zava.record_calls(jsonb),
  zava.admit(uuid, uuid, uuid, boolean, integer, bigint, double precision, bigint, double precision),
  zava.problems(text), zava.scope_of_data(integer, uuid, uuid, bigint, uuid, bytea)
  TO {{server}};
