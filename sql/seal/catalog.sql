-- One reading of a database's catalog, as one JSON document. The search path is pg_catalog alone, so
-- that every name is qualified.
WITH
extension_member AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_depend AS d WHERE d.deptype = 'e'
),
aggregated AS MATERIALIZED (  -- an aggregate calls these without a look at its caller's privileges
  SELECT a.aggfnoid::oid AS aggregate, called.oid AS called
  FROM pg_aggregate AS a CROSS JOIN LATERAL unnest(ARRAY[
    a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
    a.aggmfinalfn]::oid[]) AS called (oid)
  WHERE called.oid <> 0
),
own_schema AS MATERIALIZED (
  SELECT n.* FROM pg_namespace AS n
  WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'zava', 'zava_migrations')
),
relation AS MATERIALIZED (
  SELECT c.*, n.nspname, n.nspname || '.' || c.relname AS name
  FROM pg_class AS c JOIN own_schema AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
),
granted AS MATERIALIZED (  -- to a relation (0) or to a column (its number)
  SELECT r.oid, 0 AS number, a.grantee, a.privilege_type
  FROM relation AS r CROSS JOIN LATERAL aclexplode(r.relacl) AS a
  WHERE a.grantee <> r.relowner
  UNION ALL
  SELECT t.attrelid, t.attnum, a.grantee, a.privilege_type
  FROM pg_attribute AS t JOIN relation AS r ON r.oid = t.attrelid
  CROSS JOIN LATERAL aclexplode(t.attacl) AS a
  WHERE t.attacl IS NOT NULL AND NOT t.attisdropped AND a.grantee <> r.relowner
),
column_reader AS MATERIALIZED (
  SELECT g.oid, g.number, json_agg(CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END) AS names
  FROM granted AS g WHERE g.number > 0 AND g.privilege_type = 'SELECT'
  GROUP BY g.oid, g.number
)
SELECT json_build_object(
  'version', current_setting('server_version_num')::integer,
  'database', current_database(),
  'administrator', current_user,
  'database_owner', (SELECT pg_get_userbyid(d.datdba) FROM pg_database AS d WHERE d.datname = current_database()),
  'connectors', (SELECT json_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END)
                 FROM pg_database AS d CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
                 WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT'),
  'may_create_schema', has_database_privilege(current_database(), 'CREATE'),
  'may_create_role', (SELECT r.rolcreaterole OR r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user),
  'is_superuser', (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user),
  'seal_owner', (SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace AS n WHERE n.nspname = 'zava'),
  'has_ledger', EXISTS (
    SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE (n.nspname, c.relname) = ('zava', 'declaration')),
  'schemas', (
    SELECT coalesce(json_agg(json_build_object(
             'name', n.nspname,
             'owner', pg_get_userbyid(n.nspowner),
             'public', (SELECT coalesce(json_agg(a.privilege_type), '[]') FROM aclexplode(n.nspacl) AS a WHERE a.grantee = 0),
             'users', (SELECT coalesce(json_agg(pg_get_userbyid(a.grantee)), '[]') FROM aclexplode(n.nspacl) AS a
                       WHERE a.grantee <> 0 AND a.privilege_type = 'USAGE')) ORDER BY n.nspname), '[]')
    FROM own_schema AS n),
  'relations', (
    SELECT coalesce(json_agg(json_build_object(
             'oid', r.oid::bigint, 'name', r.name, 'kind', r.relkind,
             'owner', pg_get_userbyid(r.relowner),
             'may_act', pg_has_role(r.relowner, 'SET'),
             'is_partition', r.relispartition,
             'is_of_extension', EXISTS (SELECT FROM extension_member AS e WHERE (e.classid, e.objid) = ('pg_class'::regclass, r.oid)),
             'parents', (SELECT coalesce(json_agg(p.name ORDER BY p.name), '[]') FROM pg_inherits AS i JOIN relation AS p ON p.oid = i.inhparent
                         WHERE i.inhrelid = r.oid AND NOT r.relispartition),
             'row_security', r.relrowsecurity,
             'readers', (SELECT coalesce(json_agg(CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END), '[]')
                         FROM granted AS g WHERE g.oid = r.oid AND g.number = 0 AND g.privilege_type = 'SELECT'),
             'writers', (SELECT coalesce(json_agg(CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END), '[]')
                         FROM granted AS g WHERE g.oid = r.oid AND g.number = 0 AND g.privilege_type = 'INSERT'),
             'leading', (SELECT coalesce(json_agg(DISTINCT a.attname), '[]')
                         FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                         WHERE i.indrelid = r.oid AND i.indisvalid AND i.indpred IS NULL),
             'unique', (SELECT coalesce(json_agg((SELECT json_agg(a.attname) FROM pg_attribute AS a
                          WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))), '[]')
                        FROM pg_index AS i
                        WHERE i.indrelid = r.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL),
             'columns', (SELECT coalesce(json_agg(json_build_object(
                           'name', a.attname,
                           'type', CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, NULL) ELSE format_type(t.oid, NULL) END,
                           'is_text', b.typcategory = 'S',
                           'folds_texts', NOT coalesce(l.collisdeterministic, true),
                           'computed_from', (SELECT coalesce(json_agg(f.attname), '[]') FROM pg_attrdef AS x
                             JOIN pg_depend AS d ON (d.classid, d.objid) = ('pg_attrdef'::regclass, x.oid)
                               AND (d.refclassid, d.refobjid) = ('pg_class'::regclass, a.attrelid)
                             JOIN pg_attribute AS f ON f.attrelid = a.attrelid AND f.attnum = d.refobjsubid AND f.attnum <> a.attnum
                             WHERE x.adrelid = a.attrelid AND x.adnum = a.attnum AND a.attgenerated <> ''),
                           'not_null', a.attnotnull OR t.typnotnull,
                           'readers', coalesce(g.names, '[]'))
                           ORDER BY a.attnum), '[]')
                         FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
                         JOIN pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
                         LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
                         LEFT JOIN column_reader AS g ON g.oid = a.attrelid AND g.number = a.attnum
                         WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
             'policies', (SELECT coalesce(json_object_agg(p.polname, json_build_object(
                            'command', p.polcmd, 'permissive', p.polpermissive,
                            'roles', (SELECT json_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(role) END ORDER BY role)
                                      FROM unnest(p.polroles) AS role),
                            'condition', pg_get_expr(p.polqual, p.polrelid),
                            'check', pg_get_expr(p.polwithcheck, p.polrelid))), '{}')
                          FROM pg_policy AS p WHERE p.polrelid = r.oid)) ORDER BY r.name), '[]')
    FROM relation AS r),
  'keys', (
    SELECT coalesce(json_agg(json_build_object(
             'table', t.name, 'parent', p.name,
             'columns', (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(f.conkey) WITH ORDINALITY AS k (number, place)
                         JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = k.number),
             'references', (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(f.confkey) WITH ORDINALITY AS k (number, place)
                            JOIN pg_attribute AS a ON a.attrelid = f.confrelid AND a.attnum = k.number))
             ORDER BY t.name, f.conname), '[]')
    FROM pg_constraint AS f JOIN relation AS t ON t.oid = f.conrelid JOIN relation AS p ON p.oid = f.confrelid
    WHERE f.contype = 'f' AND NOT t.relispartition),
  'functions', (
    SELECT coalesce(json_agg(json_build_object(
             'schema', n.nspname, 'name', f.proname,
             'signature', format('%I(%s)', f.proname, replace(oidvectortypes(f.proargtypes), ', ', ',')),
             'owner', pg_get_userbyid(f.proowner),
             'is_definer', f.prosecdef,
             'is_public', f.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(f.proacl) AS a WHERE a.grantee = 0),
             'aggregate', (SELECT min(k.aggregate::regprocedure::text) FROM aggregated AS k WHERE k.called = f.oid),
             'is_trigger', f.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype),
             'is_of_extension', EXISTS (SELECT FROM extension_member AS e WHERE (e.classid, e.objid) = ('pg_proc'::regclass, f.oid)),
             'definition', CASE WHEN f.prosecdef
                                THEN encode(sha256(convert_to(pg_get_functiondef(f.oid), 'UTF8')), 'hex') END)
             ORDER BY n.nspname, f.proname, f.oid), '[]')
    FROM pg_proc AS f JOIN own_schema AS n ON n.oid = f.pronamespace),
  'roles', (
    SELECT json_agg(json_build_object(
             'name', r.rolname, 'may_act', pg_has_role(r.oid, 'SET'),
             'may_administer', pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION'),
             'passes_policies', r.rolsuper OR r.rolbypassrls,
             'can_login', r.rolcanlogin,
             'is_ours_alone', NOT (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication),
             'reads_all_data', pg_has_role(r.oid, 'pg_read_all_data', 'USAGE') AND NOT r.rolsuper,
             'switches_row_security_off', EXISTS (
               SELECT FROM pg_db_role_setting AS s CROSS JOIN LATERAL unnest(s.setconfig) AS one
               WHERE s.setrole = r.oid AND one = 'row_security=off')) ORDER BY r.rolname)
    FROM pg_roles AS r WHERE r.rolname NOT LIKE 'pg\_%')
)
