-- What one principal may use, counted here so that all instances of the server share the count.
SET LOCAL ROLE zava_context;

-- One row a principal, of the minute and the hour at hand. Lost in a crash: then it starts anew.
CREATE UNLOGGED TABLE zava.usage (
  tenant_id          uuid NOT NULL,
  object_id          uuid NOT NULL,
  minute             timestamptz NOT NULL,
  calls              bigint NOT NULL,
  hour               timestamptz NOT NULL,
  busy_milliseconds  double precision NOT NULL,
  PRIMARY KEY (tenant_id, object_id)
);

-- Adds the calls that ended, from the very records of the audit. In one order, so that two
-- instances cannot wait for each other.
CREATE FUNCTION zava.charge(entries jsonb) RETURNS void
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
GRANT EXECUTE ON FUNCTION zava.charge(jsonb) TO zava_server;

-- What one principal has used of the minute and the hour at hand. The server shows it to that
-- principal alone: it calls this behind `zava.scope`, which has checked the caller.
CREATE FUNCTION zava.used(tenant uuid, person uuid)
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
GRANT EXECUTE ON FUNCTION zava.used(uuid, uuid) TO zava_server;

-- Admission of a call, and what becomes of a statement that outlives its deadline: PostgreSQL looks
-- for a cancellation between steps, never inside one function call. The backend works on, and its
-- principal is admitted to nothing new.

-- A short proof, under the database's own key, that `content` was marked here. It is bound when it
-- is created, and pinned to no search_path, so that the planner may put it in place.
CREATE FUNCTION zava.proof(content text) RETURNS integer
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
  SELECT ('x' || encode(substr(sha256(k.outer_pad || sha256(k.inner_pad
            || convert_to('mark|' || content, 'UTF8'))), 1, 4), 'hex'))::bit(32)::integer
  FROM zava.keyring AS k;
END;

-- Returns which of these calls still have a working backend, even if their clients are gone.
CREATE FUNCTION zava.working(nonces uuid[]) RETURNS uuid[]
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

-- Admits a call, or raises for how many seconds its principal has to wait. 0 is no limit;
-- `unwritten` is what the calling instance has not recorded yet. A place among the calls at once is
-- a lock of this transaction: it is given back however the call ends.
--
-- Two more locks mark the transaction and end with the work of its backend: one names the principal
-- and the second of the deadline, one the call. Each holds a proof that covers the backend, so that
-- no other transaction can take or copy a mark. A principal with a mark two seconds past its
-- deadline is refused where `is_searched` is true, because reading all locks costs more than the
-- rest, and once a second is enough.
--
-- Both marks are made of one reading of the key, and seconds are double precision, because arithmetic
-- on numeric costs more.
CREATE FUNCTION zava.admit(
  tenant uuid, person uuid, nonce uuid, is_searched boolean, calls_at_once integer, calls_per_minute bigint,
  milliseconds_per_hour double precision, unwritten_calls bigint, unwritten_milliseconds double precision
) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  used record;
  moment timestamptz := statement_timestamp();
  -- Seconds since 2020, so that they fit a lock's second key until 2088.
  present integer := floor(date_part('epoch', clock_timestamp()))::integer - 1577836800;
  deadline integer := ceil(date_part('epoch', current_setting('statement_timeout')::interval))::integer;
  place integer := 0;
BEGIN
  IF is_searched THEN
    PERFORM FROM pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.objid::bigint BETWEEN 1 AND present - 2
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
  deadline := present + 1 + coalesce(nullif(deadline, 0), 30);
  -- As `zava.proof` writes them, which starts an executor for each.
  PERFORM pg_advisory_xact_lock(
            ('x' || encode(substr(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
              concat_ws('|', 'mark', tenant, person, pg_backend_pid(), deadline), 'UTF8'))), 1, 4), 'hex'))::bit(32)::integer,
            deadline),
          pg_advisory_xact_lock(
            ('x' || encode(substr(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
              concat_ws('|', 'mark', nonce, pg_backend_pid()), 'UTF8'))), 1, 4), 'hex'))::bit(32)::integer,
            0)
  FROM zava.keyring AS k;
END $$;

GRANT EXECUTE ON FUNCTION zava.working(uuid[]) TO zava_server;
GRANT EXECUTE ON FUNCTION
  zava.admit(uuid, uuid, uuid, boolean, integer, bigint, double precision, bigint, double precision) TO zava_server;
RESET ROLE;

-- Where a superuser has hidden what peers do (sql/superuser/hide_peers.sql), the owner of the
-- context functions still reads the locks.
DO $$
BEGIN
  IF has_function_privilege('pg_lock_status()', 'EXECUTE WITH GRANT OPTION') THEN
    GRANT EXECUTE ON FUNCTION pg_lock_status() TO zava_context;
  END IF;
END $$;
