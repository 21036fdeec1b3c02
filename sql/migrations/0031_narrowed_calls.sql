-- A narrowed call runs under the first role of its audience alone. Until here the server had to
-- choose that runner by itself, and the database opened either one.
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
    THEN CASE
      WHEN p.audience IS NULL THEN ''
      WHEN granted.role <> runner
       AND (p.audience <> runner OR current_setting('zava.narrowed', true) IS DISTINCT FROM 'on')
      THEN granted.role
      -- A token without the permission opens no runner that reads personal data.
      WHEN p.audience <> runner AND current_setting('zava.narrowed', true) = 'on' THEN p.audience::text
      WHEN set_config('zava.context', minted.seal || minted.scope, true) IS NOT NULL THEN runner::text
    END
  END
  FROM zava.keyring k
  LEFT JOIN zava.valid_principals p ON p.tenant_id = tenant AND p.object_id = person
  CROSS JOIN LATERAL (
    SELECT p.audience || CASE WHEN p.reads_personal THEN '_personal' ELSE '' END,
           CASE p.audience WHEN 'store_managers' THEN p.store_ids[1]::text ELSE p.store_ids::text END
  ) AS granted (role, scope)
  CROSS JOIN LATERAL (
    SELECT granted.scope,
           encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
             concat_ws('|', p.audience, granted.scope, pg_backend_pid(), transaction_timestamp(),
                       statement_timestamp()), 'UTF8'))), 'hex')
  ) AS minted (scope, seal);
END;
RESET ROLE;
