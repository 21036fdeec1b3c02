-- The audiences of the declaration; then the two canaries, and a stranger of each audience that does
-- not read every row. No token can name them.
DELETE FROM zava.audiences WHERE role NOT IN (SELECT v.role FROM (VALUES {{audiences}}) AS v (role, name, scope));
INSERT INTO zava.audiences AS a (role, name, scope) VALUES {{audiences}}
  ON CONFLICT (role) DO UPDATE SET name = excluded.name, scope = excluded.scope;
DELETE FROM zava.principals WHERE tenant_id = '00000000-0000-0000-0000-000000000000';
INSERT INTO zava.principals (tenant_id, object_id, display_name, audience, tenants) VALUES {{people}};

-- Each audience gets its policy on the canaries anew.
DO $policies$
DECLARE
  found record;
BEGIN
  FOR found IN SELECT polname FROM pg_catalog.pg_policy WHERE polrelid = 'zava.canary'::regclass LOOP
    EXECUTE pg_catalog.format('DROP POLICY %I ON zava.canary', found.polname);
  END LOOP;
END $policies$;
