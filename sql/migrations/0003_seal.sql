-- The seal: a tenant context that no statement of the caller's can forge, keep or pass on.
--
-- The application signs (HMAC-SHA256) the caller and the very text to be run. A runner, one for
-- each audience, hands that signature to open_context, which checks it, looks the person up and
-- mints a transaction-local setting with a second key that never leaves the database. The row
-- policies accept only that setting, recomputed over role, scope, backend and both timestamps:
-- a copy is worthless in the next statement, transaction or session.
SET LOCAL ROLE zava_context;

-- RFC 2104 pads, never the key itself. Up to two application keys, so that rotation has no gap.
CREATE TABLE zava.keyring (
  only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  key_a        integer,
  inner_pad_a  bytea,
  outer_pad_a  bytea,
  key_b        integer,
  inner_pad_b  bytea,
  outer_pad_b  bytea,
  inner_pad    bytea NOT NULL,
  outer_pad    bytea NOT NULL,
  CHECK (key_a <> key_b)
);

CREATE FUNCTION zava.pad(key bytea, fill integer) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- RFC 2104: a key longer than the 64-byte block is hashed, a shorter one filled with zeros.
  block bytea := CASE WHEN length(key) > 64 THEN sha256(key) ELSE key END;
BEGIN
  block := block || decode(repeat('00', 64 - length(block)), 'hex');
  FOR i IN 0..63 LOOP
    block := set_byte(block, i, get_byte(block, i) # fill);
  END LOOP;
  RETURN block;
END $$;

-- The database's own key is drawn here and shown to no role: four random UUIDs hold 488 random bits.
DO $$
DECLARE
  own bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                   || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
BEGIN
  INSERT INTO zava.keyring (inner_pad, outer_pad) VALUES (zava.pad(own, 54), zava.pad(own, 92));
END $$;

-- Reads on a streaming standby, and the bound on their age that the database itself holds.
--
-- A standby answers from the past. So a revocation on the primary would hold there only once it is
-- replayed. The entry of every call therefore refuses on a standby that lags by more than the bound
-- of this table. The primary holds the table, so one change of it reaches every standby.
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

-- Returns the role of the caller's grant, '' for an unknown person, NULL for a signature that does not
-- hold. Only when that role is the runner's own is the context minted. The signature covers each
-- field before the text in a fixed grammar, and the text's length, so no two calls share one.
--
-- A token that lacks the permission of personal data makes the server set `zava.narrowed`: the call
-- then runs under the first role of its audience. The setting can only narrow, so it needs no proof.
CREATE FUNCTION zava.open_context(
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

-- The verified scope, or NULL: recomputed at every table reference, so a setting that the
-- statement itself wrote matches nothing. The planner may fold it into one InitPlan. Both roles of an
-- audience read under its one seal.
CREATE FUNCTION zava.my_store(reader name) RETURNS uuid
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    WHEN sha256(convert_to(left(context, 64), 'UTF8')) = sha256(convert_to(encode(sha256(k.outer_pad
           || sha256(k.inner_pad || convert_to(concat_ws('|', replace(reader::text, '_personal', ''),
                substr(context, 65), pg_backend_pid(), transaction_timestamp(),
                statement_timestamp()), 'UTF8'))), 'hex'), 'UTF8'))
    THEN substr(context, 65)::uuid
  END
  FROM current_setting('zava.context', true) AS context, zava.keyring k;
END;

CREATE FUNCTION zava.my_stores(reader name) RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    WHEN sha256(convert_to(left(context, 64), 'UTF8')) = sha256(convert_to(encode(sha256(k.outer_pad
           || sha256(k.inner_pad || convert_to(concat_ws('|', replace(reader::text, '_personal', ''),
                substr(context, 65), pg_backend_pid(), transaction_timestamp(),
                statement_timestamp()), 'UTF8'))), 'hex'), 'UTF8'))
    THEN substr(context, 65)::uuid[]
  END
  FROM current_setting('zava.context', true) AS context, zava.keyring k;
END;

-- The caller's statement may name open_context, but never holds a signature: those travel as
-- bind parameters of the runner and are gone with the call.
GRANT EXECUTE ON FUNCTION
  zava.open_context(name, integer, uuid, uuid, bigint, uuid, bytea, text, text)
  TO store_managers, regional_managers, head_office;
GRANT EXECUTE ON FUNCTION zava.my_store(name) TO store_managers;
GRANT EXECUTE ON FUNCTION zava.my_stores(name) TO regional_managers, head_office;
RESET ROLE;
