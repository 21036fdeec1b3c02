-- Every way in which an adopted database would not isolate its tenants, one row each; no row means
-- that it holds. The administrator runs it, as the owner of the schema zava. Each row names the
-- object and ends with what to run.
WITH RECURSIVE
declared AS MATERIALIZED (
  SELECT d.facts, d.is_complete FROM zava.declaration AS d ORDER BY d.number DESC LIMIT 1
),
server AS MATERIALIZED (
  SELECT r.oid, r.rolname FROM declared AS d JOIN pg_roles AS r ON r.rolname = d.facts ->> 'server'
),
audience AS MATERIALIZED (
  SELECT r.oid, a.role AS name FROM zava.audiences AS a JOIN pg_roles AS r ON r.rolname = a.role
),
caller AS MATERIALIZED (  -- the roles in which statements of callers run, and the login
  SELECT a.oid, a.name FROM audience AS a UNION ALL SELECT s.oid, s.rolname FROM server AS s
),
own_role (name) AS MATERIALIZED (
  SELECT d.facts ->> 'context' FROM declared AS d UNION ALL SELECT d.facts ->> 'server' FROM declared AS d
  UNION ALL SELECT jsonb_array_elements_text(d.facts -> 'audiences') FROM declared AS d
),
relation AS MATERIALIZED (
  SELECT c.oid, c.relkind, c.relrowsecurity, c.relowner, c.relispartition, n.nspname,
         n.nspname || '.' || c.relname AS name, format('%I.%I', n.nspname, c.relname) AS spelled
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
),
policy AS MATERIALIZED (
  SELECT p.polrelid, p.polname, jsonb_build_object(
    'command', p.polcmd, 'permissive', p.polpermissive,
    'roles', (SELECT jsonb_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(role) END ORDER BY role)
              FROM unnest(p.polroles) AS role),
    'condition', pg_get_expr(p.polqual, p.polrelid),
    'check', pg_get_expr(p.polwithcheck, p.polrelid)) AS definition
  FROM pg_policy AS p
),
wanted_policy AS MATERIALIZED (
  SELECT a.relation, a.relation_oid, w.key AS name, w.value AS definition
  FROM zava.adopted AS a CROSS JOIN LATERAL jsonb_each(a.policies) AS w
),
readable AS MATERIALIZED (  -- what callers read outside the schema zava
  SELECT r.oid, r.name, r.spelled, r.relkind, r.relispartition, c.name AS role, c.oid AS role_oid
  FROM relation AS r CROSS JOIN caller AS c
  WHERE r.nspname <> 'zava' AND has_any_column_privilege(c.oid, r.oid, 'SELECT')
    AND has_schema_privilege(c.oid, r.nspname, 'USAGE')
),
rule AS MATERIALIZED (  -- a table whose policies name no audience is shared
  SELECT a.relation_oid, a.rendered - '{zava_others,zava_readers}'::text[] AS restrictive,
         a.rendered - '{zava_others,zava_readers,zava_zz_filter}'::text[] = '{}' AS is_shared
  FROM zava.adopted AS a
),
heir (ancestor, parent, child) AS (  -- the parent is the direct one
  SELECT i.inhparent, i.inhparent::regclass, i.inhrelid FROM pg_inherits AS i
  JOIN pg_class AS c ON c.oid = i.inhparent AND c.relkind IN ('r', 'p')
  UNION
  SELECT h.ancestor, i.inhparent::regclass, i.inhrelid FROM heir AS h JOIN pg_inherits AS i ON i.inhparent = h.child
),
reader (oid, spelled) AS MATERIALIZED (  -- who a grant makes a caller a reader by
  SELECT 0::oid, 'PUBLIC' UNION ALL SELECT c.oid, quote_ident(c.name) FROM caller AS c
),
aggregated AS MATERIALIZED (  -- an aggregate calls these without a look at its caller's privileges
  SELECT a.aggfnoid::oid AS aggregate, called.oid AS called
  FROM pg_aggregate AS a CROSS JOIN LATERAL unnest(ARRAY[
    a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
    a.aggmfinalfn]::oid[]) AS called (oid)
  WHERE called.oid <> 0
),
extension_member AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_depend AS d WHERE d.deptype = 'e'
)

SELECT 'the adoption is not complete; run zava adopt --apply' AS problem
FROM declared AS d WHERE NOT d.is_complete

UNION ALL
SELECT 'role ' || o.name || ' does not exist; run zava adopt --apply'
FROM own_role AS o WHERE to_regrole(quote_ident(o.name)) IS NULL

UNION ALL
SELECT format('role %s is superuser, bypasses row security, or may create or replicate; run ALTER ROLE %I NOSUPERUSER'
              ' NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION', r.rolname, r.rolname)
FROM pg_roles AS r
WHERE r.rolname IN (SELECT o.name FROM own_role AS o)
  AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication)

UNION ALL
SELECT format('role %s may log in; run ALTER ROLE %I NOLOGIN', r.rolname, r.rolname)
FROM pg_roles AS r
WHERE r.rolcanlogin AND r.rolname IN (SELECT o.name FROM own_role AS o)
  AND r.oid NOT IN (SELECT s.oid FROM server AS s)

UNION ALL
SELECT format('role %s is a member of %s; run REVOKE %I FROM %I', m.rolname, g.rolname, g.rolname, m.rolname)
FROM pg_auth_members AS a
JOIN pg_roles AS m ON m.oid = a.member JOIN pg_roles AS g ON g.oid = a.roleid
WHERE m.rolname IN (SELECT o.name FROM own_role AS o)

UNION ALL
SELECT format('role %s can act as %s; run REVOKE %I FROM %I GRANTED BY %I', m.rolname, g.rolname,
              g.rolname, m.rolname, pg_get_userbyid(a.grantor))
FROM pg_auth_members AS a
JOIN pg_roles AS m ON m.oid = a.member JOIN pg_roles AS g ON g.oid = a.roleid
WHERE (a.set_option OR a.inherit_option) AND g.oid IN (SELECT c.oid FROM caller AS c)
  AND NOT m.rolsuper

UNION ALL
-- The owner of the keys can sign for everyone. Its administrators act as it; they are recorded.
SELECT format('role %s can act as %s, which owns the keys; run REVOKE %I FROM %I GRANTED BY %I', m.rolname, g.rolname,
              g.rolname, m.rolname, pg_get_userbyid(a.grantor))
FROM pg_auth_members AS a
JOIN pg_roles AS m ON m.oid = a.member JOIN pg_roles AS g ON g.oid = a.roleid
WHERE (a.set_option OR a.inherit_option) AND g.rolname IN (SELECT d.facts ->> 'context' FROM declared AS d)
  AND NOT m.rolsuper AND m.rolname <> session_user
  AND m.rolname NOT IN (SELECT d.applied_by FROM zava.declaration AS d)

UNION ALL
SELECT format('%s has privileges on %s, which is the seal''s; run REVOKE ALL ON %s FROM %s', g.name, r.name,
              r.spelled, g.spelled)
FROM pg_class AS c JOIN relation AS r ON r.oid = c.oid
CROSS JOIN LATERAL aclexplode(c.relacl) AS a
CROSS JOIN LATERAL (
  SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END,
         CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
) AS g (name, spelled)
WHERE r.nspname = 'zava' AND g.name NOT IN (SELECT o.name FROM own_role AS o)
GROUP BY g.name, g.spelled, r.name, r.spelled

UNION ALL
SELECT format('%s belongs to %s; run ALTER TABLE %s OWNER TO %I', r.name, pg_get_userbyid(r.relowner), r.spelled,
              d.facts ->> 'context')
FROM relation AS r CROSS JOIN declared AS d
WHERE r.nspname = 'zava' AND pg_get_userbyid(r.relowner) <> d.facts ->> 'context'

UNION ALL
-- Rows of a child are read through its parent, under the parent's rule alone.
SELECT format('rows of %s are read through %s, by the rule of that one; run ALTER TABLE %s NO INHERIT %s', c.name,
              p.name, c.spelled, h.parent)
FROM heir AS h JOIN relation AS c ON c.oid = h.child AND NOT c.relispartition
JOIN rule AS a ON a.relation_oid = h.ancestor JOIN relation AS p ON p.oid = h.ancestor
LEFT JOIN rule AS b ON b.relation_oid = h.child
WHERE CASE WHEN a.is_shared THEN NOT coalesce(b.is_shared, false)
           ELSE NOT b.is_shared AND a.restrictive <> b.restrictive END

UNION ALL
SELECT format('%s is a partition of %s now, whose rule decides about its rows; run ALTER TABLE %s DETACH PARTITION %s',
              c.name, h.parent, h.parent, c.spelled)
FROM rule AS b JOIN relation AS c ON c.oid = b.relation_oid AND c.relispartition
JOIN heir AS h ON h.child = c.oid AND h.ancestor = h.parent

UNION ALL
SELECT format('each table that %s makes%s is readable by %s; run ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE SELECT'
              ' ON TABLES FROM %s', pg_get_userbyid(d.defaclrole), ' in ' || n.nspname, g.spelled,
              pg_get_userbyid(d.defaclrole), ' IN SCHEMA ' || quote_ident(n.nspname), g.spelled)
FROM pg_default_acl AS d LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
JOIN reader AS g ON g.oid = a.grantee
WHERE d.defaclobjtype = 'r' AND a.privilege_type = 'SELECT'

UNION ALL
-- A sequence counts the rows of every tenant.
SELECT format('sequence %s is readable by %s; run REVOKE SELECT ON SEQUENCE %s FROM %s', s.oid::regclass, g.spelled,
              s.oid::regclass, g.spelled)
FROM pg_class AS s CROSS JOIN LATERAL aclexplode(s.relacl) AS a JOIN reader AS g ON g.oid = a.grantee
WHERE s.relkind = 'S' AND a.privilege_type = 'SELECT'
  AND NOT EXISTS (SELECT FROM extension_member AS e WHERE (e.classid, e.objid) = ('pg_class'::regclass, s.oid))

UNION ALL
SELECT format('large object %s is readable by %s; run REVOKE SELECT ON LARGE OBJECT %s FROM %s', l.oid, g.spelled,
              l.oid, g.spelled)
FROM pg_largeobject_metadata AS l CROSS JOIN LATERAL aclexplode(l.lomacl) AS a JOIN reader AS g ON g.oid = a.grantee
WHERE a.privilege_type = 'SELECT'

UNION ALL
SELECT 'every role reads every large object; set lo_compat_privileges = off'
WHERE current_setting('lo_compat_privileges')::boolean

UNION ALL
SELECT format('foreign server %s is usable by %s; run REVOKE USAGE ON FOREIGN SERVER %I FROM %s', s.srvname, g.spelled,
              s.srvname, g.spelled)
FROM pg_foreign_server AS s CROSS JOIN LATERAL aclexplode(s.srvacl) AS a JOIN reader AS g ON g.oid = a.grantee

UNION ALL
-- An owner passes by the policies of its tables.
SELECT format('role %s owns %s; run REASSIGN OWNED BY %I TO its former owner', c.name,
              pg_describe_object(s.classid, s.objid, 0), c.name)
FROM pg_shdepend AS s JOIN caller AS c ON c.oid = s.refobjid AND s.refclassid = 'pg_authid'::regclass
WHERE s.deptype = 'o' AND s.dbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
  AND NOT (s.classid = 'pg_proc'::regclass
           AND (SELECT f.pronamespace FROM pg_proc AS f WHERE f.oid = s.objid) = 'zava'::regnamespace)

UNION ALL
SELECT a.relation || CASE WHEN r.oid IS NULL THEN ' does not exist any more'
                          ELSE ' is called ' || r.name || ' now' END
       || '; change the declaration and run zava adopt --apply'
FROM zava.adopted AS a LEFT JOIN relation AS r ON r.oid = a.relation_oid
WHERE r.name IS DISTINCT FROM a.relation

UNION ALL
SELECT 'row security of ' || a.relation || ' is off'
       || format('; run ALTER TABLE %s ENABLE ROW LEVEL SECURITY', r.spelled)
FROM zava.adopted AS a JOIN relation AS r ON r.oid = a.relation_oid
WHERE a.policies <> '{}' AND NOT r.relrowsecurity

UNION ALL
SELECT 'policy ' || w.name || ' of ' || w.relation || ' is missing or another; run zava adopt --apply'
FROM wanted_policy AS w JOIN relation AS r ON r.oid = w.relation_oid
LEFT JOIN policy AS p ON p.polrelid = w.relation_oid AND p.polname = w.name
WHERE p.definition IS DISTINCT FROM w.definition

UNION ALL
SELECT format('policy %s of %s is not one of the adoption; run DROP POLICY %I ON %s', p.polname, r.name,
              p.polname, r.spelled)
FROM policy AS p JOIN relation AS r ON r.oid = p.polrelid
WHERE p.polname LIKE 'zava\_%' AND r.nspname <> 'zava'
  AND NOT EXISTS (SELECT FROM wanted_policy AS w WHERE w.relation_oid = p.polrelid AND w.name = p.polname)

UNION ALL
-- A policy that the application adds later has no effect beside one that lets everyone through.
SELECT 'policy ' || p.polname || ' of ' || r.name || ' is disarmed by zava_others; run zava adopt --apply'
FROM policy AS p JOIN relation AS r ON r.oid = p.polrelid
JOIN zava.adopted AS a ON a.relation_oid = r.oid AND p.polname <> ALL (a.dormant)
WHERE p.polname NOT LIKE 'zava\_%' AND (p.definition -> 'permissive')::boolean
  AND EXISTS (SELECT FROM wanted_policy AS w WHERE w.relation_oid = p.polrelid AND w.name = 'zava_others')

UNION ALL
SELECT CASE WHEN x.relispartition THEN 'partition ' ELSE '' END || x.name || ' is readable by ' || x.role
       || ', and is not declared' || format('; run REVOKE SELECT ON %s FROM PUBLIC, %I', x.spelled, x.role)
FROM readable AS x
WHERE x.oid NOT IN (SELECT a.relation_oid FROM zava.adopted AS a)
  AND NOT EXISTS (SELECT FROM extension_member AS e WHERE (e.classid, e.objid) = ('pg_class'::regclass, x.oid))

UNION ALL
SELECT x.name || '.' || c.attname || ' is readable by ' || x.role || ', and is hidden or new'
       || format('; run REVOKE SELECT (%I) ON %s FROM PUBLIC, %I, or zava adopt --apply', c.attname, x.spelled, x.role)
FROM readable AS x
JOIN zava.adopted AS a ON a.relation_oid = x.oid
JOIN pg_attribute AS c ON c.attrelid = x.oid AND c.attnum > 0 AND NOT c.attisdropped
WHERE has_column_privilege(x.role_oid, x.oid, c.attnum, 'SELECT')
  AND NOT coalesce(a.columns -> x.role::text ? c.attname::text, false)
  -- A renamed column keeps its privileges: it is the next line's.
  AND NOT EXISTS (
    SELECT FROM jsonb_array_elements_text(a.columns -> x.role::text) AS o (name)
    WHERE NOT EXISTS (SELECT FROM pg_attribute AS k
                      WHERE k.attrelid = x.oid AND k.attname = o.name AND NOT k.attisdropped))

UNION ALL
SELECT a.relation || '.' || o.name || ' does not exist any more; run zava adopt --apply, after a change of the'
       || ' declaration where it names the column'
FROM zava.adopted AS a JOIN relation AS r ON r.oid = a.relation_oid
CROSS JOIN LATERAL (SELECT DISTINCT jsonb_array_elements_text(c.value) FROM jsonb_each(a.columns) AS c) AS o (name)
WHERE NOT EXISTS (SELECT FROM pg_attribute AS k
                  WHERE k.attrelid = r.oid AND k.attname = o.name AND NOT k.attisdropped)

UNION ALL
SELECT format('role %s can write %s; run REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON %s FROM PUBLIC, %I',
              c.name, r.name, r.spelled, c.name)
FROM relation AS r CROSS JOIN caller AS c
WHERE (has_table_privilege(c.oid, r.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
       OR has_any_column_privilege(c.oid, r.oid, 'INSERT, UPDATE, REFERENCES'))
  AND has_schema_privilege(c.oid, r.nspname, 'USAGE')

UNION ALL
SELECT format('the login %s reads %s directly; run REVOKE SELECT ON %s FROM PUBLIC, %I', s.rolname, r.name,
              r.spelled, s.rolname)
FROM relation AS r CROSS JOIN server AS s
WHERE r.nspname = 'zava' AND has_any_column_privilege(s.oid, r.oid, 'SELECT')

UNION ALL
SELECT format('role %s reads %s; run REVOKE SELECT ON %s FROM PUBLIC, %I', a.name, r.name, r.spelled, a.name)
FROM relation AS r CROSS JOIN audience AS a
WHERE r.nspname = 'zava' AND r.name <> 'zava.canary' AND has_any_column_privilege(a.oid, r.oid, 'SELECT')

UNION ALL
SELECT format('function %s runs with the rights of %s, and %s may call it; run REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, %I',
              f.oid::regprocedure, pg_get_userbyid(f.proowner), c.name, f.oid::regprocedure, c.name)
FROM pg_proc AS f JOIN pg_namespace AS n ON n.oid = f.pronamespace CROSS JOIN caller AS c CROSS JOIN declared AS d
WHERE f.prosecdef AND n.nspname NOT IN ('zava', 'pg_catalog')
  AND f.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND has_function_privilege(c.oid, f.oid, 'EXECUTE') AND has_schema_privilege(c.oid, n.oid, 'USAGE')
  AND NOT d.facts -> 'trusted' ?| ARRAY[
    format('%s(%s)', f.proname, replace(oidvectortypes(f.proargtypes), ', ', ',')),
    format('%s.%s(%s)', n.nspname, f.proname, replace(oidvectortypes(f.proargtypes), ', ', ','))]

UNION ALL
SELECT format('function %s runs with the rights of %s in each call of %s; run ALTER FUNCTION %s SECURITY INVOKER',
              f.oid::regprocedure, pg_get_userbyid(f.proowner), k.aggregate::regprocedure, f.oid::regprocedure)
FROM (SELECT DISTINCT a.* FROM aggregated AS a) AS k JOIN pg_proc AS f ON f.oid = k.called AND f.prosecdef
JOIN pg_namespace AS n ON n.oid = f.pronamespace CROSS JOIN declared AS d
WHERE NOT d.facts -> 'trusted' ?| ARRAY[
    format('%s(%s)', f.proname, replace(oidvectortypes(f.proargtypes), ', ', ',')),
    format('%s.%s(%s)', n.nspname, f.proname, replace(oidvectortypes(f.proargtypes), ', ', ','))]

UNION ALL
SELECT format('function %s is not the one that was trusted; read it, and run zava adopt --apply, or REVOKE EXECUTE'
              ' ON FUNCTION %s FROM PUBLIC', f.oid::regprocedure, f.oid::regprocedure)
FROM pg_proc AS f JOIN pg_namespace AS n ON n.oid = f.pronamespace CROSS JOIN declared AS d
CROSS JOIN LATERAL (
  SELECT format('%s(%s)', f.proname, replace(oidvectortypes(f.proargtypes), ', ', ','))
) AS t (signature)
WHERE f.prosecdef AND d.is_complete AND n.nspname NOT IN ('zava', 'pg_catalog')
  AND d.facts -> 'trusted' ?| ARRAY[t.signature, n.nspname || '.' || t.signature]
  AND d.facts -> 'trusted_definitions' ->> (n.nspname || '.' || t.signature)
      IS DISTINCT FROM encode(sha256(convert_to(pg_get_functiondef(f.oid), 'UTF8')), 'hex')

UNION ALL
SELECT format('function %s is marked leakproof: it sees rows before the policies do; run ALTER FUNCTION %s NOT LEAKPROOF',
              f.oid::regprocedure, f.oid::regprocedure)
FROM pg_proc AS f
WHERE f.proleakproof AND f.oid >= 16384
  AND NOT EXISTS (SELECT FROM extension_member AS e WHERE (e.classid, e.objid) = ('pg_proc'::regclass, f.oid))

UNION ALL
SELECT 'function ' || f.oid::regprocedure || ' is not as the adoption made it; run zava adopt --apply'
FROM pg_proc AS f CROSS JOIN declared AS d
WHERE f.pronamespace = 'zava'::regnamespace AND d.is_complete
  AND d.facts -> 'functions' ->> f.oid::regprocedure::text
      IS DISTINCT FROM encode(sha256(convert_to(pg_get_functiondef(f.oid), 'UTF8')), 'hex')

UNION ALL
SELECT 'function ' || k.signature || ' is missing; run zava adopt --remove and --apply'
FROM declared AS d CROSS JOIN LATERAL jsonb_object_keys(d.facts -> 'functions') AS k (signature)
WHERE to_regprocedure(k.signature) IS NULL

UNION ALL
SELECT format('role %s may execute %s; run REVOKE EXECUTE ON FUNCTION %s FROM %s', g.name, f.oid::regprocedure,
              f.oid::regprocedure, g.name)
FROM pg_proc AS f
CROSS JOIN LATERAL aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS a
CROSS JOIN LATERAL (
  SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END
) AS g (name)
WHERE f.pronamespace = 'zava'::regnamespace AND g.name NOT IN (SELECT o.name FROM own_role AS o)

UNION ALL
SELECT format('role %s may create in schema %s; run REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %I', c.name, n.nspname,
              n.nspname, c.name)
FROM pg_namespace AS n CROSS JOIN caller AS c
WHERE n.nspname NOT LIKE 'pg\_%' AND has_schema_privilege(c.oid, n.oid, 'CREATE')

UNION ALL
SELECT 'the settings of ' || s.rolname || ' in this database are others; run zava adopt --apply'
FROM server AS s CROSS JOIN declared AS d
LEFT JOIN pg_db_role_setting AS r ON r.setrole = s.oid
  AND r.setdatabase = (SELECT b.oid FROM pg_database AS b WHERE b.datname = current_database())
WHERE d.is_complete AND to_jsonb(r.setconfig) IS DISTINCT FROM d.facts -> 'settings'
