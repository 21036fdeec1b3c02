-- The policies of one table, in the server's spelling.
INSERT INTO zava.adopted AS a (relation, relation_oid, had_row_security, rendered, dormant, policies)
SELECT {{relation}}, {{oid}}, {{had}}, {{rendered}}, {{dormant}}::text[], coalesce(
  jsonb_object_agg(p.polname, jsonb_build_object(
    'command', p.polcmd, 'permissive', p.polpermissive,
    'roles', (SELECT jsonb_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(role) END ORDER BY role)
              FROM unnest(p.polroles) AS role),
    'condition', pg_get_expr(p.polqual, p.polrelid),
    'check', pg_get_expr(p.polwithcheck, p.polrelid))), '{}')
FROM pg_policy AS p WHERE p.polrelid = {{oid}} AND p.polname LIKE 'zava\_%'
ON CONFLICT (relation) DO UPDATE SET
  relation_oid = excluded.relation_oid, had_row_security = excluded.had_row_security,
  rendered = excluded.rendered, dormant = excluded.dormant, policies = excluded.policies;
