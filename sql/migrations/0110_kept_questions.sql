-- Questions that people keep in the console, and the latest that they opened: addresses, no answers.
--
-- A row is its person's alone. The function below verifies the signed call, as every entry does, and
-- names the person for the policy. The server's login reads no row in any other way.
SET LOCAL ROLE zava_context;
CREATE TABLE zava.kept_questions (
  tenant_id     uuid NOT NULL,
  object_id     uuid NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('saved', 'history')),
  address_hash  bigint NOT NULL,
  address       text NOT NULL CHECK (address ~ '^/[^/]' AND length(address) <= 20000 OR address = '/'),
  title         text NOT NULL CHECK (length(title) BETWEEN 1 AND 100),
  is_pinned     boolean NOT NULL DEFAULT false,
  noted_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, object_id, kind, address_hash),
  CHECK (kind = 'saved' OR NOT is_pinned)
);
COMMENT ON TABLE zava.kept_questions IS 'Addresses of questions that a person saved or opened in the console.';
ALTER TABLE zava.kept_questions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_questions ON zava.kept_questions TO zava_context
  USING (tenant_id || '/' || object_id = current_setting('zava.questions_of', true))
  WITH CHECK (tenant_id || '/' || object_id = current_setting('zava.questions_of', true));
DO $$
DECLARE
  name text;
BEGIN
  -- No statistics: an address can hold what a person looked for.
  FOREACH name IN ARRAY ARRAY['tenant_id', 'object_id', 'kind', 'address_hash', 'address', 'title', 'is_pinned', 'noted_at'] LOOP
    EXECUTE format('ALTER TABLE zava.kept_questions ALTER %I SET STATISTICS 0', name);
  END LOOP;
END $$;

-- Does one thing with a person's list and returns the list, newest first: at most 100 saved ones and
-- the 100 latest opened of the last 90 days. `change` is the signed text:
-- {"action": "list" | "save" | "remove" | "pin" | "visit" | "clear", "address", "title", "is_pinned"}
CREATE FUNCTION zava.keep_questions(
  p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, change text
) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given jsonb;
  asked text;
  place text;
  hash bigint;
BEGIN
  -- The other entries open a context in a transaction that only reads. This one writes, so it verifies
  -- the signature alone, by the same keys and within the same time.
  IF NOT coalesce((
    SELECT sha256(p_mac) = sha256(sha256(
             CASE p_key_id WHEN k.key_a THEN k.outer_pad_a WHEN k.key_b THEN k.outer_pad_b END
             || sha256(CASE p_key_id WHEN k.key_a THEN k.inner_pad_a WHEN k.key_b THEN k.inner_pad_b END
                       || convert_to(concat_ws('|', p_key_id, p_tenant, p_person, p_expires, p_nonce,
                                               length('keep questions'), 'keep questions', change), 'UTF8'))))
           AND abs((p_expires - 60)::double precision - date_part('epoch', statement_timestamp())) <= 60
    FROM zava.keyring AS k), false) THEN
    RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
  ELSIF NOT EXISTS (SELECT FROM zava.valid_principals AS p
                    WHERE p.tenant_id = p_tenant AND p.object_id = p_person) THEN
    RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
  END IF;
  PERFORM set_config('zava.questions_of', p_tenant || '/' || p_person, true);
  given := change::jsonb;
  asked := given ->> 'action';
  place := given ->> 'address';
  hash := hashtextextended(place, 0);
  IF asked IN ('save', 'visit') THEN
    INSERT INTO zava.kept_questions AS q (tenant_id, object_id, kind, address_hash, address, title, is_pinned)
    VALUES (p_tenant, p_person, CASE asked WHEN 'save' THEN 'saved' ELSE 'history' END, hash, place,
            left(given ->> 'title', 100), asked = 'save' AND coalesce((given ->> 'is_pinned')::boolean, false))
    ON CONFLICT (tenant_id, object_id, kind, address_hash) DO UPDATE
      SET title = excluded.title, is_pinned = excluded.is_pinned, noted_at = excluded.noted_at;
    DELETE FROM zava.kept_questions AS q
    WHERE q.tenant_id = p_tenant AND q.object_id = p_person
      AND (q.kind = 'history' AND q.noted_at < statement_timestamp() - interval '90 days'
           OR (q.kind, q.address_hash) IN (
             SELECT n.kind, n.address_hash
             FROM (SELECT o.kind, o.address_hash, row_number() OVER (PARTITION BY o.kind ORDER BY o.noted_at DESC) AS place
                   FROM zava.kept_questions AS o WHERE o.tenant_id = p_tenant AND o.object_id = p_person) AS n
             WHERE n.place > 100));
  ELSIF asked = 'pin' THEN
    UPDATE zava.kept_questions AS q SET is_pinned = (given ->> 'is_pinned')::boolean
    WHERE q.tenant_id = p_tenant AND q.object_id = p_person AND q.kind = 'saved' AND q.address_hash = hash;
  ELSIF asked IN ('remove', 'clear') THEN
    DELETE FROM zava.kept_questions AS q
    WHERE q.tenant_id = p_tenant AND q.object_id = p_person
      AND CASE asked WHEN 'remove' THEN q.kind = 'saved' AND q.address_hash = hash ELSE q.kind = 'history' END;
  ELSIF asked IS DISTINCT FROM 'list' THEN
    RAISE EXCEPTION 'unknown action' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', q.kind, 'address', q.address, 'title', q.title,
                                                       'is_pinned', q.is_pinned) ORDER BY q.noted_at DESC), '[]')::text
          FROM zava.kept_questions AS q WHERE q.tenant_id = p_tenant AND q.object_id = p_person);
END $$;
REVOKE ALL ON FUNCTION zava.keep_questions(integer, uuid, uuid, bigint, uuid, bytea, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zava.keep_questions(integer, uuid, uuid, bigint, uuid, bytea, text) TO zava_server;
RESET ROLE;
