-- Kept addresses are the console's own, and end: with their time, and with the customer whom they name.
SET LOCAL ROLE zava_context;

-- A browser reads a backslash as a slash and drops tabs and line breaks. So `/\host` and `/<tab>/host`
-- are addresses of another server. A page's name is plain and its query is printable ASCII.
ALTER TABLE zava.kept_questions NO FORCE ROW LEVEL SECURITY;
DELETE FROM zava.kept_questions
WHERE address !~ '^/(\?[!-~]*|console(/[a-z0-9_/-]*)?(\?[!-~]*)?)?$' OR address LIKE '%\\%';
ALTER TABLE zava.kept_questions
  FORCE ROW LEVEL SECURITY,
  DROP CONSTRAINT kept_questions_address_check,
  ADD CONSTRAINT kept_questions_address_check CHECK (
    address ~ '^/(\?[!-~]*|console(/[a-z0-9_/-]*)?(\?[!-~]*)?)?$' AND strpos(address, '\') = 0
    AND length(address) <= 20000);

-- Removes addresses of all persons, or counts them, and returns how many they are. Without `texts` they
-- are the history of more than 90 days. With `texts`, in lower case, they are all that contain one of
-- them in the address, as a query is encoded, or in the title. An administrator runs it in this role.
CREATE FUNCTION zava.forget_questions(texts text[], is_rehearsal boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  person record;
  forgotten bigint := 0;
  removed bigint;
  hashes bigint[];
BEGIN
  FOR person IN SELECT p.tenant_id, p.object_id FROM zava.principals AS p LOOP
    -- The policy shows the rows of the named person alone.
    PERFORM set_config('zava.questions_of', person.tenant_id || '/' || person.object_id, true);
    SELECT coalesce(array_agg(q.address_hash), '{}') INTO hashes
    FROM zava.kept_questions AS q
    WHERE CASE WHEN texts IS NULL
          THEN q.kind = 'history' AND q.noted_at < statement_timestamp() - interval '90 days'
          ELSE EXISTS (
            SELECT FROM unnest(texts) AS t (named)
            WHERE strpos(lower(q.title), t.named) > 0
               OR position(convert_to(t.named, 'UTF8') IN (
                    SELECT coalesce(string_agg(
                             CASE WHEN length(m.part[1]) = 3 AND m.part[1] LIKE '\%__' THEN decode(substr(m.part[1], 2), 'hex')
                                  ELSE convert_to(lower(replace(m.part[1], '+', ' ')), 'UTF8') END, '' ORDER BY m.place), '')
                    FROM regexp_matches(q.address, '%[0-9A-Fa-f]{2}|%|[^%]+', 'g') WITH ORDINALITY AS m (part, place))) > 0)
          END;
    removed := cardinality(hashes);
    IF NOT is_rehearsal AND removed > 0 THEN
      DELETE FROM zava.kept_questions AS q
      WHERE q.address_hash = ANY (hashes) AND (texts IS NOT NULL OR q.kind = 'history');
    END IF;
    forgotten := forgotten + removed;
  END LOOP;
  PERFORM set_config('zava.questions_of', '', true);
  RETURN forgotten;
END $$;
REVOKE ALL ON FUNCTION zava.forget_questions(text[], boolean) FROM PUBLIC;
RESET ROLE;
