-- Reads on a streaming standby, and the bound on their age that the database itself holds.
--
-- A standby answers from the past. So a revocation on the primary would hold there only once it is
-- replayed. The entry of every call therefore refuses on a standby that lags by more than the bound
-- of the table below. The primary holds that table, so one change of it reaches every standby.
SET LOCAL ROLE zava_context;
CREATE TABLE zava.standby_bound (
  only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  seconds   double precision NOT NULL CHECK (seconds BETWEEN 1 AND 300)
);
COMMENT ON COLUMN zava.standby_bound.seconds IS 'How old the data of an answer from a standby may be, at most.';
INSERT INTO zava.standby_bound (seconds) VALUES (5);
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON zava.standby_bound
  FOR EACH ROW EXECUTE FUNCTION zava.log_change();

-- Returns by how many seconds this standby lags: the age of the newest transaction that it has
-- replayed. It cannot tell a silent primary from a cut line, so silence counts as lag. A transaction
-- from the future means that the two clocks disagree, and then no age is known.
CREATE FUNCTION zava.standby_lag() RETURNS double precision
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  lag double precision := extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp());
BEGIN
  IF NOT pg_is_in_recovery() THEN
    RAISE EXCEPTION 'not a standby' USING ERRCODE = 'ZA009';
  ELSIF (lag BETWEEN -1 AND (SELECT b.seconds FROM zava.standby_bound AS b)) IS NOT TRUE THEN
    RAISE EXCEPTION 'standby late' USING ERRCODE = 'ZA008';
  END IF;
  RETURN lag;
END $$;
GRANT EXECUTE ON FUNCTION zava.standby_lag() TO zava_server;

-- As before, and on a standby within the bound alone.
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
