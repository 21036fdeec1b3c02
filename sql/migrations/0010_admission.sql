-- Admission of a call, and what becomes of a statement that outlives its deadline: PostgreSQL looks
-- for a cancellation between steps, never inside one function call. The backend works on, and its
-- principal is admitted to nothing new.
SET LOCAL ROLE zava_context;

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
CREATE FUNCTION zava.admit(
  tenant uuid, person uuid, nonce uuid, is_searched boolean, calls_at_once integer, calls_per_minute bigint,
  milliseconds_per_hour double precision, unwritten_calls bigint, unwritten_milliseconds double precision
) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  used zava.usage;
  moment timestamptz := statement_timestamp();
  -- Seconds since 2020, so that they fit a lock's second key until 2088.
  present integer := floor(extract(epoch FROM clock_timestamp()))::integer - 1577836800;
  deadline integer := ceil(extract(epoch FROM current_setting('statement_timeout')::interval))::integer;
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
    SELECT * INTO used FROM zava.usage AS u WHERE u.tenant_id = tenant AND u.object_id = person;
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
  WHILE place < calls_at_once LOOP
    EXIT WHEN pg_try_advisory_xact_lock(hashtextextended(concat_ws('|', tenant, person), place));
    place := place + 1;
  END LOOP;
  IF calls_at_once > 0 AND place = calls_at_once THEN
    RAISE EXCEPTION 'place 1' USING ERRCODE = 'ZA005';
  END IF;
  deadline := present + 1 + coalesce(nullif(deadline, 0), 30);
  PERFORM pg_advisory_xact_lock(zava.proof(concat_ws('|', tenant, person, pg_backend_pid(), deadline)), deadline),
          pg_advisory_xact_lock(zava.proof(concat_ws('|', nonce, pg_backend_pid())), 0);
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
