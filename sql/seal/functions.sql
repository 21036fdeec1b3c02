-- The tenant context, as sql/migrations has it for the shipped domain. The key of a tenant is {{key}}.

-- Returns the caller's audience, '' for an unknown person, NULL for a signature that does not hold.
-- Only when the audience is the runner's own is the context minted. The signature covers each
-- field before the text in a fixed grammar, and the text's length, so no two calls share one.
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
    THEN CASE
      WHEN p.audience IS NULL THEN ''
      WHEN p.audience <> runner THEN p.audience::text
      -- No other transaction can hold such a lock. If one ever does, the call is refused: it never
      -- waits, and it never runs without its marks.
      WHEN NOT pg_try_advisory_xact_lock(marks.of_principal, due.second)
        OR NOT pg_try_advisory_xact_lock(marks.of_call, 0) THEN NULL
      WHEN set_config('zava.context', minted.seal || p.scope, true) IS NOT NULL THEN runner::text
    END
  END
  FROM zava.keyring k
  LEFT JOIN {{principals}}
  CROSS JOIN LATERAL (
    SELECT encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
             concat_ws('|', runner, p.scope, pg_backend_pid(), transaction_timestamp(),
                       statement_timestamp()), 'UTF8'))), 'hex')
  ) AS minted (seal)
  -- The second after the deadline, since 2020, so that it fits a lock's second key until 2088. It is
  -- of `statement_timestamp()` alone, because the planner writes it in each place that names it.
  CROSS JOIN LATERAL (
    SELECT date_part('epoch', statement_timestamp()
             + coalesce(nullif(current_setting('statement_timeout'), '0'), '30s')::interval)::integer - 1577836799
  ) AS due (second)
  CROSS JOIN LATERAL (
    SELECT ('x' || encode(substr(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
             concat_ws('|', 'mark', tenant, person, pg_backend_pid(), due.second), 'UTF8'))), 1, 4), 'hex'))::bit(32)::integer,
           ('x' || encode(substr(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
             concat_ws('|', 'mark', nonce, pg_backend_pid()), 'UTF8'))), 1, 4), 'hex'))::bit(32)::integer
  ) AS marks (of_principal, of_call);
END;

-- The verified scope, or NULL: recomputed at every table reference, so a setting that the
-- statement itself wrote matches nothing. The planner may fold it into one InitPlan.
CREATE OR REPLACE FUNCTION zava.my_tenant(reader name) RETURNS {{key}}
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    WHEN sha256(convert_to(left(current_setting('zava.context', true), 64), 'UTF8'))
       = sha256(convert_to(encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
           concat_ws('|', reader, substr(current_setting('zava.context', true), 65), pg_backend_pid(),
                     transaction_timestamp(), statement_timestamp()), 'UTF8'))), 'hex'), 'UTF8'))
    THEN substr(current_setting('zava.context', true), 65)::{{key}}
  END
  FROM zava.keyring k;
END;

CREATE OR REPLACE FUNCTION zava.my_tenants(reader name) RETURNS {{key}}[]
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    WHEN sha256(convert_to(left(current_setting('zava.context', true), 64), 'UTF8'))
       = sha256(convert_to(encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
           concat_ws('|', reader, substr(current_setting('zava.context', true), 65), pg_backend_pid(),
                     transaction_timestamp(), statement_timestamp()), 'UTF8'))), 'hex'), 'UTF8'))
    THEN substr(current_setting('zava.context', true), 65)::{{key}}[]
  END
  FROM zava.keyring k;
END;

CREATE OR REPLACE FUNCTION zava.sees_all(reader name) RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT coalesce(
    substr(context, 65) = 'all'
    AND sha256(convert_to(left(context, 64), 'UTF8')) = sha256(convert_to(encode(sha256(k.outer_pad
          || sha256(k.inner_pad || convert_to(concat_ws('|', reader, substr(context, 65),
               pg_backend_pid(), transaction_timestamp(), statement_timestamp()), 'UTF8'))), 'hex'), 'UTF8')),
    false)
  FROM current_setting('zava.context', true) AS context, zava.keyring k;
END;

-- Returns whether each of these tables that is there has its restrictive policy. VOLATILE: it reads the
-- catalog as it is now, not as it was when the caller's statement began and waited for a lock.
CREATE OR REPLACE FUNCTION zava.policies_hold(policy name, tables oid[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
  found_policies bigint := (SELECT pg_catalog.count(*) FROM pg_catalog.pg_policy AS p
                            WHERE p.polrelid OPERATOR(pg_catalog.=) ANY (tables)
                              AND p.polname OPERATOR(pg_catalog.=) policy AND NOT p.polpermissive);
BEGIN
  IF found_policies OPERATOR(pg_catalog.=) pg_catalog.cardinality(tables) THEN
    RETURN true;
  END IF;
  -- A table that was dropped needs none.
  RETURN found_policies OPERATOR(pg_catalog.=) (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class AS c
                                                WHERE c.oid OPERATOR(pg_catalog.=) ANY (tables));
END $$;

REVOKE ALL ON FUNCTION
  zava.open_context(name, integer, uuid, uuid, bigint, uuid, bytea, text, text),
  zava.my_tenant(name), zava.my_tenants(name), zava.sees_all(name), zava.policies_hold(name, oid[]) FROM PUBLIC;
