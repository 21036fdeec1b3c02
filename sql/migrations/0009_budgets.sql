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
RESET ROLE;
