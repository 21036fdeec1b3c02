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

-- Lets a call begin, or says for how many seconds its principal has to wait. 0 is no limit;
-- `unwritten` is what the asking instance has not recorded yet. A place among the calls at once is
-- a lock of this transaction: it is given back however the call ends.
CREATE FUNCTION zava.admit(
  tenant uuid, person uuid, calls_at_once integer, calls_per_minute bigint,
  milliseconds_per_hour double precision, unwritten_calls bigint, unwritten_milliseconds double precision
) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  used zava.usage;
  moment timestamptz := statement_timestamp();
  place integer := 0;
BEGIN
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
END $$;

GRANT EXECUTE ON FUNCTION zava.charge(jsonb) TO zava_server;
GRANT EXECUTE ON FUNCTION
  zava.admit(uuid, uuid, integer, bigint, double precision, bigint, double precision) TO zava_server;
RESET ROLE;
