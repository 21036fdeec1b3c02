-- Sign-ins at the server's own authorization server: which codes and refresh tokens were used.
--
-- Codes and refresh tokens are sealed values that any instance can open, so no instance alone can
-- see a second use. No token is kept here, neither the server's own nor one of a directory.
SET LOCAL ROLE zava_context;
CREATE TABLE zava.sign_ins (
  sign_in_id     uuid PRIMARY KEY,
  tenant_id      uuid NOT NULL,
  object_id      uuid NOT NULL,
  client_name    text NOT NULL CHECK (length(client_name) <= 100),
  begun_at       timestamptz NOT NULL DEFAULT statement_timestamp(),
  used_at        timestamptz NOT NULL DEFAULT statement_timestamp(),
  expires_at     timestamptz NOT NULL,
  following      text NOT NULL CHECK (length(following) <= 100),
  ended_at       timestamptz,
  ended_because  text CHECK (ended_because IN ('reuse', 'administrator')),
  CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
CREATE INDEX sign_ins_by_expiry_idx ON zava.sign_ins (expires_at);
CREATE INDEX sign_ins_by_person_idx ON zava.sign_ins (tenant_id, object_id);
COMMENT ON COLUMN zava.sign_ins.client_name IS 'What the client calls itself: not verified.';
COMMENT ON COLUMN zava.sign_ins.following IS 'The id of the refresh token that may be used next; no token.';

-- An end is a matter of security, so the log keeps it longer than the row.
CREATE TRIGGER log_end AFTER UPDATE ON zava.sign_ins
  FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
  EXECUTE FUNCTION zava.log_change();

-- Takes one step of a sign-in and returns whether it was allowed.
-- `begin` redeems a code: the second time it ends the sign-in. `turn` uses the refresh token of the
-- id `given`: any but the next one ends the sign-in. `following` is the id of the one after it.
-- The second of two at once waits for the row, and reads what the first has written.
CREATE FUNCTION zava.sign_in(
  step text, id uuid, given text, following text, tenant uuid, person uuid, client text, seconds integer
) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF step = 'begin' THEN
    -- A bounded number each time: more expire with no more sign-ins than begin.
    DELETE FROM zava.sign_ins WHERE sign_in_id IN (
      SELECT s.sign_in_id FROM zava.sign_ins AS s WHERE s.expires_at < statement_timestamp()
      ORDER BY s.expires_at LIMIT 20 FOR UPDATE SKIP LOCKED);
    -- One person's are few, however often a program signs in as them. None that is younger than
    -- ten minutes is removed: a code that is redeemed again must find its row.
    DELETE FROM zava.sign_ins WHERE sign_in_id IN (
      SELECT s.sign_in_id FROM zava.sign_ins AS s
      WHERE s.tenant_id = tenant AND s.object_id = person
        AND s.begun_at < statement_timestamp() - interval '10 minutes'
      ORDER BY s.used_at DESC OFFSET 50 FOR UPDATE SKIP LOCKED);
    INSERT INTO zava.sign_ins (sign_in_id, following, tenant_id, object_id, client_name, expires_at)
    VALUES (id, sign_in.following, tenant, person, left(client, 100), statement_timestamp() + make_interval(secs => seconds))
    ON CONFLICT DO NOTHING;
  ELSIF step = 'turn' THEN
    UPDATE zava.sign_ins AS s SET following = sign_in.following, used_at = statement_timestamp()
    WHERE s.sign_in_id = id AND s.following = given AND s.ended_at IS NULL
      AND s.expires_at > statement_timestamp();
  ELSE
    RAISE EXCEPTION 'unknown step' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF FOUND THEN
    RETURN true;
  END IF;
  UPDATE zava.sign_ins AS s SET ended_at = statement_timestamp(), ended_because = 'reuse'
  WHERE s.sign_in_id = id AND s.ended_at IS NULL AND s.expires_at > statement_timestamp();
  RETURN false;
END $$;
GRANT EXECUTE ON FUNCTION zava.sign_in(text, uuid, text, text, uuid, uuid, text, integer) TO zava_server;
RESET ROLE;
