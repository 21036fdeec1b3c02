-- The sign-ins of one person are bounded: the fifty that were used last stay.
SET LOCAL ROLE zava_context;
CREATE INDEX sign_ins_by_person_idx ON zava.sign_ins (tenant_id, object_id);

-- Takes one step of a sign-in and returns whether it was allowed.
-- `begin` redeems a code: the second time it ends the sign-in. `turn` uses the refresh token of the
-- id `given`: any but the next one ends the sign-in. `following` is the id of the one after it.
-- The second of two at once waits for the row, and reads what the first has written.
CREATE OR REPLACE FUNCTION zava.sign_in(
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
RESET ROLE;
