-- The entry of a call takes its two marks, so that a call without a budget needs no function beside
-- the runner. `zava.admit` compares the budgets and searches for what works on, and marks nothing.
--
-- The marks are what they were, with the same proofs. Two things differ. They are taken once the
-- signature holds, and every call has them, also one of the server's own statements. An admission
-- and its marks took 65 of 350 microseconds of a cheap call. Marks of the entry take 17, because they
-- share its one query: the rest was the start of a function and of its steps.
SET LOCAL ROLE zava_context;
CREATE OR REPLACE FUNCTION zava.open_context(
  runner name, key_id integer, tenant uuid, person uuid, expires bigint, nonce uuid, mac bytea,
  statement text, params text
) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    -- Hashing both sides once more keeps the comparison's duration free of information.
    WHEN sha256(mac) = sha256(sha256(
           (CASE key_id WHEN k.key_a THEN k.outer_pad_a WHEN k.key_b THEN k.outer_pad_b END)
           || sha256(
           (CASE key_id WHEN k.key_a THEN k.inner_pad_a WHEN k.key_b THEN k.inner_pad_b END)
           || convert_to(concat_ws('|', key_id, tenant, person, expires, nonce,
                                   length(statement), statement, params), 'UTF8'))))
     AND abs(expires - 60 - date_part('epoch', statement_timestamp())) <= 60
     AND current_setting('transaction_read_only') = 'on'
     AND CASE WHEN pg_is_in_recovery() THEN zava.standby_lag() IS NOT NULL ELSE true END
    THEN CASE
      WHEN p.audience IS NULL THEN ''
      -- A token without the permission opens no runner that reads personal data. The role that the
      -- grant allows is returned where neither is the runner's: the server keeps it for other tokens.
      WHEN granted.opened <> runner
      THEN CASE runner WHEN granted.role THEN p.audience::text ELSE granted.role END
      -- No other transaction can hold such a lock. If one ever does, the call is refused: it never
      -- waits, and it never runs without its marks.
      WHEN NOT pg_try_advisory_xact_lock(marks.of_principal, due.second)
        OR NOT pg_try_advisory_xact_lock(marks.of_call, 0) THEN NULL
      WHEN set_config('zava.context', minted.seal || minted.scope, true) IS NOT NULL THEN runner::text
    END
  END
  FROM zava.keyring k
  LEFT JOIN zava.valid_principals p ON p.tenant_id = tenant AND p.object_id = person
  CROSS JOIN LATERAL (
    SELECT p.audience || CASE WHEN p.reads_personal THEN '_personal' ELSE '' END,
           p.audience || CASE WHEN p.reads_personal AND current_setting('zava.narrowed', true) IS DISTINCT FROM 'on'
                              THEN '_personal' ELSE '' END,
           CASE p.audience WHEN 'store_managers' THEN p.store_ids[1]::text ELSE p.store_ids::text END
  ) AS granted (role, opened, scope)
  CROSS JOIN LATERAL (
    SELECT granted.scope,
           encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
             concat_ws('|', p.audience, granted.scope, pg_backend_pid(), transaction_timestamp(),
                       statement_timestamp()), 'UTF8'))), 'hex')
  ) AS minted (scope, seal)
  -- The second after the deadline, since 2020, so that it fits a lock's second key until 2088. It is
  -- of `statement_timestamp()` alone, because the planner writes it in each place that names it.
  CROSS JOIN LATERAL (
    SELECT date_part('epoch', statement_timestamp()
             + coalesce(nullif(current_setting('statement_timeout'), '0'), '30s')::interval)::integer - 1577836799
  ) AS due (second)
  -- As `zava.proof` writes them, which starts an executor for each.
  CROSS JOIN LATERAL (
    SELECT ('x' || encode(substr(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
             concat_ws('|', 'mark', tenant, person, pg_backend_pid(), due.second), 'UTF8'))), 1, 4), 'hex'))::bit(32)::integer,
           ('x' || encode(substr(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
             concat_ws('|', 'mark', nonce, pg_backend_pid()), 'UTF8'))), 1, 4), 'hex'))::bit(32)::integer
  ) AS marks (of_principal, of_call);
END;

-- Admits a call, or raises for how many seconds its principal has to wait. 0 is no limit;
-- `unwritten` is what the calling instance has not recorded yet. A place among the calls at once is
-- a lock of this transaction: it is given back however the call ends.
--
-- A principal with a mark two seconds past its deadline is refused where `is_searched` is true,
-- because reading all locks costs more than the rest, and once a second is enough. The entry marks
-- the call by its nonce. The parameter stays, because a server of the version before passes it while
-- this one is deployed.
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
RESET ROLE;
