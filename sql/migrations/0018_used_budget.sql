-- What one principal has used of the minute and the hour at hand, for that principal to be told:
-- the server asks it behind `zava.scope`, which has checked who asks.
SET LOCAL ROLE zava_context;

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
