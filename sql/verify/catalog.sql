-- Every way in which an object of the database would undo isolation, one row each.
-- Read from the catalog alone, so that the server's own login can run it at start.
-- The tables' own policies and privileges stand in isolation.sql.
WITH
-- The text of a function depends on these: without them two sessions would write it in two ways.
form AS MATERIALIZED (
  SELECT pg_catalog.set_config('search_path', 'pg_catalog', true),
         pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
         pg_catalog.set_config('IntervalStyle', 'postgres', true)
),
known_function (signature, digest) AS (
  /* known_functions.sql */
),
known_leakproof (oid) AS (
  SELECT pg_catalog.unnest('{
  /* known_leakproof.txt */
  }'::integer[])::oid
),
audience (name) AS (
  VALUES ('store_managers'::name), ('regional_managers'), ('head_office'),
         ('store_managers_personal'), ('regional_managers_personal'), ('head_office_personal')
),
caller (name) AS (
  SELECT name FROM audience UNION ALL VALUES ('zava_server'::name)
),
own_role (name) AS (
  SELECT name FROM caller
  UNION ALL VALUES ('zava_owner'::name), ('zava_context'), ('zava_loader'), ('zava_chain'),
                   ('zava_recorder'), ('zava_audit'), ('zava_retention')
),
own_schema AS (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace AS n
  WHERE n.nspname IN ('retail', 'zava')
),
system_schema AS (
  SELECT n.oid FROM pg_catalog.pg_namespace AS n
  WHERE n.nspname IN ('pg_catalog', 'pg_toast')
),
relation AS (
  SELECT c.oid, c.relkind, c.relowner, c.relacl, c.relrowsecurity AND c.relforcerowsecurity AS is_forced,
         n.nspname, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_catalog.pg_class AS c JOIN own_schema AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
),
held_by_extension AS (  -- needed by the product, or brought by Azure
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_extension'::regclass
  WHERE d.deptype = 'e' AND e.extname IN ('plpgsql', 'vector', 'azure', 'pgaadauth')
),
function AS MATERIALIZED (
  SELECT p.oid, n.nspname, p.proowner, p.proacl,
         pg_catalog.format('%I.%I(%s)', n.nspname, p.proname,
                           pg_catalog.replace(pg_catalog.oidvectortypes(p.proargtypes), ', ', ',')) AS signature,
         CASE WHEN p.prokind IN ('f', 'p') THEN
           pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
             pg_catalog.pg_get_functiondef(p.oid), 'UTF8')), 'hex'), 32) END AS digest
  FROM form, pg_catalog.pg_proc AS p JOIN own_schema AS n ON n.oid = p.pronamespace
),
initial AS (  -- what initdb and extensions granted; objsubid is a column's number
  SELECT i.classoid, i.objoid, i.objsubid, acl.grantee, acl.privilege_type
  FROM pg_catalog.pg_init_privs AS i CROSS JOIN LATERAL pg_catalog.aclexplode(i.initprivs) AS acl
),
-- What an object of a tenant's table calls: an index, a constraint, a default.
part AS (
  SELECT 'pg_catalog.pg_class'::regclass AS classid, i.indexrelid AS objid, i.indrelid AS relid,
         'index ' || i.indexrelid::regclass::text AS what,
         pg_catalog.format('DROP INDEX %s', i.indexrelid::regclass) AS remedy
  FROM pg_catalog.pg_index AS i
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::regclass, c.oid, c.conrelid, 'constraint ' || c.conname,
         pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname)
  FROM pg_catalog.pg_constraint AS c
  UNION ALL
  SELECT 'pg_catalog.pg_attrdef'::regclass, d.oid, d.adrelid, 'default of a column',
         pg_catalog.format('ALTER TABLE %s ALTER %I DROP %s', d.adrelid::regclass, a.attname,
                           CASE a.attgenerated WHEN '' THEN 'DEFAULT' ELSE 'EXPRESSION' END)
  FROM pg_catalog.pg_attrdef AS d
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
)

SELECT 'function ' || f.oid::regprocedure || ' is marked leakproof: it sees rows before the policies do'
       || '; run ALTER FUNCTION ' || f.oid::regprocedure || ' NOT LEAKPROOF' AS problem
FROM pg_catalog.pg_proc AS f
WHERE f.proleakproof AND f.oid NOT IN (SELECT oid FROM known_leakproof)

UNION ALL
SELECT 'function ' || f.signature || ' is not as this version made it; run '
       || CASE WHEN f.signature IN (SELECT k.signature FROM known_function AS k)
          THEN 'its statement of sql/schema.sql as CREATE OR REPLACE FUNCTION'
          ELSE 'DROP FUNCTION ' || f.signature END
FROM function AS f
WHERE NOT EXISTS (SELECT FROM known_function AS k WHERE (k.signature, k.digest) = (f.signature, f.digest))

UNION ALL
SELECT 'function ' || k.signature || ' is not there; run its CREATE FUNCTION of sql/schema.sql'
FROM known_function AS k
WHERE NOT EXISTS (SELECT FROM function AS f WHERE f.signature = k.signature)

UNION ALL
SELECT 'role ' || grantee.name || ' may execute ' || f.signature
       || '; run REVOKE EXECUTE ON FUNCTION ' || f.signature || ' FROM ' || grantee.name
FROM function AS f
CROSS JOIN LATERAL pg_catalog.aclexplode(f.proacl) AS acl
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_userbyid(acl.grantee) AS name) AS grantee
WHERE acl.grantee <> 0 AND grantee.name NOT IN (SELECT name FROM own_role)
  AND NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.oid = acl.grantee)

UNION ALL
-- A function of another schema runs for the caller, with what its author wrote.
SELECT 'role ' || a.name || ' may execute ' || f.oid::regprocedure || ', which is not the product''s'
       || '; run REVOKE EXECUTE ON FUNCTION ' || f.oid::regprocedure || ' FROM PUBLIC'
FROM pg_catalog.pg_proc AS f
JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
CROSS JOIN caller AS a
WHERE f.oid >= 16384 AND n.oid NOT IN (SELECT oid FROM own_schema)
  AND f.oid NOT IN (SELECT h.objid FROM held_by_extension AS h WHERE h.classid = 'pg_catalog.pg_proc'::regclass)
  AND pg_catalog.has_schema_privilege(a.name, n.oid, 'USAGE')
  AND pg_catalog.has_function_privilege(a.name, f.oid, 'EXECUTE')

UNION ALL
-- Closed by initdb, open now: files, signals, the statistics of others.
SELECT 'role ' || a.name || ' may execute ' || f.oid::regprocedure || ', which PostgreSQL closes'
       || '; run REVOKE EXECUTE ON FUNCTION ' || f.oid::regprocedure || ' FROM PUBLIC, ' || a.name
FROM pg_catalog.pg_proc AS f
JOIN pg_catalog.pg_init_privs AS i ON i.classoid = 'pg_catalog.pg_proc'::regclass AND i.objoid = f.oid
CROSS JOIN caller AS a
WHERE f.oid < 16384
  AND NOT EXISTS (SELECT FROM initial AS x WHERE x.classoid = i.classoid AND x.objoid = i.objoid
                    AND x.grantee = 0 AND x.privilege_type = 'EXECUTE')
  AND pg_catalog.has_function_privilege(a.name, f.oid, 'EXECUTE')

UNION ALL
SELECT 'role ' || grantee.name || ' may ' || acl.privilege_type || ' ' || c.oid::regclass || ', which PostgreSQL closes'
       || pg_catalog.format('; run REVOKE %s ON %s FROM %s', acl.privilege_type, c.oid::regclass, grantee.name)
FROM pg_catalog.pg_class AS c
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
CROSS JOIN LATERAL (VALUES (c.relacl, 0), (a.attacl, a.attnum::integer)) AS granted (acl, number)
CROSS JOIN LATERAL pg_catalog.aclexplode(granted.acl) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(acl.grantee)::text END
) AS grantee (name)
WHERE c.relnamespace IN (SELECT oid FROM system_schema)
  AND (acl.grantee = 0 OR grantee.name IN (SELECT name::text FROM own_role))
  AND NOT EXISTS (SELECT FROM initial AS x
                  WHERE x.classoid = 'pg_catalog.pg_class'::regclass AND x.objoid = c.oid
                    AND x.objsubid = granted.number AND x.grantee = acl.grantee
                    AND x.privilege_type = acl.privilege_type)

UNION ALL
SELECT 'statistics ' || s.stxname || ' keep values of every store of ' || r.name
       || pg_catalog.format('; run DROP STATISTICS %I.%I', n.nspname, s.stxname)
FROM pg_catalog.pg_statistic_ext AS s
JOIN relation AS r ON r.oid = s.stxrelid AND r.is_forced
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace

UNION ALL
SELECT 'rule ' || w.rulename || ' rewrites statements on ' || r.name
       || pg_catalog.format('; run DROP RULE %I ON %s', w.rulename, r.name)
FROM pg_catalog.pg_rewrite AS w JOIN relation AS r ON r.oid = w.ev_class
WHERE r.relkind IN ('r', 'p')

UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || r.name || ' runs ' || t.tgfoid::regprocedure || ', which is not the product''s'
       || pg_catalog.format('; run DROP TRIGGER %I ON %s', t.tgname, r.name)
FROM pg_catalog.pg_trigger AS t JOIN relation AS r ON r.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgfoid NOT IN (SELECT oid FROM function)

UNION ALL
-- Without it a grant, or the end of a sign-in, leaves no record; or a change of the sales is in no sum.
SELECT 'trigger ' || k.name || ' on ' || k.relation || ' does not run; run '
       || CASE WHEN t.oid IS NULL THEN 'its CREATE TRIGGER of sql/schema.sql'
               WHEN t.tgenabled NOT IN ('O', 'A') THEN pg_catalog.format('ALTER TABLE %s ENABLE TRIGGER %I', k.relation, k.name)
               ELSE 'its CREATE TRIGGER of sql/schema.sql as CREATE OR REPLACE TRIGGER' END
       || k.remedy
FROM (VALUES ('log_change'::name, 'zava.principals', 'log_change'::name, ''),
             ('log_change', 'zava.standby_bound', 'log_change', ''),
             ('log_end', 'zava.sign_ins', 'log_change', ''),
             ('mark_insert', 'retail.orders', 'mark_orders', '; SELECT zava.mark_everything()'),
             ('mark_update', 'retail.orders', 'mark_orders', '; SELECT zava.mark_everything()'),
             ('mark_delete', 'retail.orders', 'mark_orders', '; SELECT zava.mark_everything()'),
             ('mark_all', 'retail.orders', 'mark_all', '; SELECT zava.mark_everything()'),
             ('mark_insert', 'retail.order_items', 'mark_lines', '; SELECT zava.mark_everything()'),
             ('mark_update', 'retail.order_items', 'mark_lines', '; SELECT zava.mark_everything()'),
             ('mark_delete', 'retail.order_items', 'mark_lines', '; SELECT zava.mark_everything()'),
             ('mark_all', 'retail.order_items', 'mark_all', '; SELECT zava.mark_everything()'),
             ('note_place', 'retail.stores', 'note_place', ''),
             ('mark_moved_store', 'retail.stores', 'mark_moved_store', '; SELECT zava.mark_everything()')) AS k (name, relation, runs, remedy)
JOIN relation AS r ON r.name = k.relation
LEFT JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.oid AND t.tgname = k.name
LEFT JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
WHERE t.oid IS NULL OR t.tgenabled NOT IN ('O', 'A') OR t.tgqual IS NOT NULL AND k.remedy <> '' OR f.proname <> k.runs

UNION ALL
SELECT 'event trigger ' || e.evtname || ' runs at every login'
       || pg_catalog.format('; run DROP EVENT TRIGGER %I', e.evtname)
FROM pg_catalog.pg_event_trigger AS e
WHERE e.evtevent = 'login'

UNION ALL
SELECT what || ' on ' || r.name || ' calls ' || d.refobjid::regprocedure || ', which is not the product''s; run ' || p.remedy
FROM part AS p
JOIN relation AS r ON r.oid = p.relid
JOIN pg_catalog.pg_depend AS d ON d.classid = p.classid AND d.objid = p.objid
                              AND d.refclassid = 'pg_catalog.pg_proc'::regclass
WHERE d.refobjid >= 16384
  AND d.refobjid NOT IN (SELECT oid FROM function)
  AND d.refobjid NOT IN (SELECT h.objid FROM held_by_extension AS h WHERE h.classid = 'pg_catalog.pg_proc'::regclass)

UNION ALL
-- A parent's policies alone hold for its children; a foreign table knows none.
SELECT 'table ' || i.inhrelid::regclass || ' is read through ' || i.inhparent::regclass || ' without its own policies'
       || pg_catalog.format('; run ALTER TABLE %s NO INHERIT %s', i.inhrelid::regclass, i.inhparent::regclass)
FROM pg_catalog.pg_inherits AS i
JOIN pg_catalog.pg_class AS child ON child.oid = i.inhrelid AND child.relkind IN ('r', 'p', 'f')
JOIN pg_catalog.pg_class AS parent ON parent.oid = i.inhparent
WHERE (child.oid IN (SELECT oid FROM relation) OR parent.oid IN (SELECT oid FROM relation))
  AND NOT (child.relrowsecurity AND child.relforcerowsecurity AND child.relkind <> 'f'
           AND parent.relrowsecurity AND parent.relforcerowsecurity)

UNION ALL
SELECT 'relation ' || r.name || ' belongs to ' || pg_catalog.pg_get_userbyid(r.relowner)
       || pg_catalog.format('; run ALTER TABLE %s OWNER TO %s', r.name,
                            CASE r.nspname WHEN 'zava' THEN 'zava_context' ELSE 'zava_owner' END)
FROM relation AS r
WHERE (r.is_forced OR r.nspname = 'zava')
  AND pg_catalog.pg_get_userbyid(r.relowner) NOT IN ('zava_owner', 'zava_context')

UNION ALL
SELECT 'schema ' || n.nspname || ' belongs to ' || pg_catalog.pg_get_userbyid(n.nspowner)
       || pg_catalog.format('; run ALTER SCHEMA %I OWNER TO %s', n.nspname,
                            CASE n.nspname WHEN 'zava' THEN 'zava_context' ELSE 'zava_owner' END)
FROM own_schema AS n
WHERE pg_catalog.pg_get_userbyid(n.nspowner) NOT IN ('zava_owner', 'zava_context')

UNION ALL
SELECT 'role ' || grantee.name || ' may create in schema ' || n.nspname
       || pg_catalog.format('; run REVOKE CREATE ON SCHEMA %I FROM %s', n.nspname, grantee.name)
FROM own_schema AS n
CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(acl.grantee)::text END
) AS grantee (name)
WHERE acl.privilege_type = 'CREATE' AND acl.grantee <> n.nspowner

UNION ALL
SELECT 'role ' || grantee.name || ' may ' || acl.privilege_type || ' ' || r.name
       || pg_catalog.format('; run REVOKE %s ON %s FROM %s', acl.privilege_type, r.name, grantee.name)
FROM relation AS r
CROSS JOIN LATERAL pg_catalog.aclexplode(r.relacl) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(acl.grantee)::text END
) AS grantee (name)
WHERE (r.nspname = 'zava' OR (r.is_forced AND acl.privilege_type IN ('TRUNCATE', 'TRIGGER', 'REFERENCES')))
  AND acl.grantee <> r.relowner AND grantee.name NOT IN (SELECT name::text FROM own_role)

UNION ALL
-- A column has an access list of its own.
SELECT 'role ' || grantee.name || ' may ' || acl.privilege_type || ' ' || r.name || '.' || a.attname
       || pg_catalog.format('; run REVOKE %s (%I) ON %s FROM %s', acl.privilege_type, a.attname, r.name, grantee.name)
FROM relation AS r
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attacl IS NOT NULL
CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(acl.grantee)::text END
) AS grantee (name)
WHERE r.nspname = 'zava' AND grantee.name NOT IN (SELECT name::text FROM own_role)

UNION ALL
-- The second role of store managers inherits from the first one: it is named where it reads more.
SELECT 'role ' || role.name || ' reads retail.products.' || a.attname
       || '; run REVOKE SELECT ON retail.products FROM PUBLIC, ' || role.name
       || CASE role.name WHEN 'store_managers' THEN '; GRANT SELECT ('
       || (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.attname), ', ' ORDER BY o.attnum)
           FROM pg_catalog.pg_attribute AS o
           WHERE o.attrelid = a.attrelid AND o.attnum > 0 AND NOT o.attisdropped
             AND o.attname NOT IN ('cost', 'gross_margin_percent'))
       || ') ON retail.products TO store_managers' ELSE '' END
FROM pg_catalog.pg_attribute AS a
CROSS JOIN (VALUES ('store_managers'::name), ('store_managers_personal')) AS role (name)
WHERE a.attrelid = pg_catalog.to_regclass('retail.products') AND a.attname IN ('cost', 'gross_margin_percent')
  AND pg_catalog.has_column_privilege(role.name, a.attrelid, a.attnum, 'SELECT')
  AND (role.name = 'store_managers' OR NOT pg_catalog.has_column_privilege('store_managers', a.attrelid, a.attnum, 'SELECT'))

UNION ALL
SELECT 'role ' || role.name || ' reads ' || c.oid::regclass || ', which holds costs; run REVOKE SELECT ON '
       || c.oid::regclass || ' FROM PUBLIC, ' || role.name
FROM pg_catalog.pg_class AS c
CROSS JOIN (VALUES ('store_managers'::name), ('store_managers_personal')) AS role (name)
WHERE c.oid = pg_catalog.to_regclass('retail.product_prices')
  AND pg_catalog.has_any_column_privilege(role.name, c.oid, 'SELECT')

UNION ALL
-- Of the same person at several stores the head office alone reads, with personal data.
SELECT 'role ' || a.name || ' reads ' || c.oid::regclass || ', which joins the customers of stores; run REVOKE SELECT ON '
       || c.oid::regclass || ' FROM PUBLIC, ' || a.name
FROM pg_catalog.pg_class AS c CROSS JOIN audience AS a
WHERE c.oid = pg_catalog.to_regclass('retail.customer_persons') AND a.name <> 'head_office_personal'
  AND pg_catalog.has_any_column_privilege(a.name, c.oid, 'SELECT')

UNION ALL
-- A generated column holds what it is computed of, and has an access list of its own.
SELECT 'role ' || hidden.role || ' reads ' || a.attrelid::regclass || '.' || a.attname || ', which is computed of '
       || h.attname || pg_catalog.format('; run REVOKE SELECT (%I) ON %s FROM PUBLIC, %I', a.attname, a.attrelid::regclass, hidden.role)
FROM (VALUES
  ('retail.customers', 'store_managers'::name, ARRAY['first_name', 'last_name', 'email', 'phone']::name[]),
  ('retail.customers', 'regional_managers', ARRAY['first_name', 'last_name', 'email', 'phone']),
  ('retail.customers', 'head_office', ARRAY['first_name', 'last_name', 'email', 'phone']),
  ('retail.products', 'store_managers', ARRAY['cost', 'gross_margin_percent']),
  ('retail.products', 'store_managers_personal', ARRAY['cost', 'gross_margin_percent'])
) AS hidden (relation, role, columns)
JOIN pg_catalog.pg_attribute AS h ON h.attrelid = pg_catalog.to_regclass(hidden.relation) AND h.attname = ANY (hidden.columns)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = h.attrelid AND a.attgenerated <> '' AND a.attname <> ALL (hidden.columns)
JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
JOIN pg_catalog.pg_depend AS used ON used.refclassid = 'pg_catalog.pg_class'::regclass
  AND used.refobjid = h.attrelid AND used.refobjsubid = h.attnum
  AND (used.classid, used.objid) = ('pg_catalog.pg_attrdef'::regclass, d.oid)
WHERE pg_catalog.has_column_privilege(hidden.role, a.attrelid, a.attnum, 'SELECT')

UNION ALL
-- Which grants hold at this moment, and what they allow. Blanks and brackets differ by version.
SELECT 'view zava.valid_principals is not as this version made it; run CREATE OR REPLACE VIEW zava.valid_principals AS'
       || ' SELECT tenant_id, object_id, audience, store_ids, reads_personal FROM zava.principals'
       || ' WHERE active AND valid_from <= statement_timestamp() AND statement_timestamp() < valid_until'
FROM form, pg_catalog.pg_class AS c
WHERE c.oid = pg_catalog.to_regclass('zava.valid_principals')
  AND pg_catalog.translate(pg_catalog.pg_get_viewdef(c.oid), E' \n()', '')
    <> 'SELECTtenant_id,object_id,audience,store_ids,reads_personalFROMzava.principalsWHEREactive'
       || 'ANDvalid_from<=statement_timestampANDstatement_timestamp<valid_until;'

UNION ALL
SELECT 'the default of zava.principals.reads_personal is ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid)
       || ': a grant that does not name it allows personal data; run ALTER TABLE zava.principals ALTER reads_personal SET DEFAULT false'
FROM pg_catalog.pg_attrdef AS d
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = pg_catalog.to_regclass('zava.principals') AND a.attname = 'reads_personal'
  AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) <> 'false'

UNION ALL
SELECT 'role ' || a.name || ' uses the sequence ' || s.oid::regclass
       || '; run REVOKE ALL ON SEQUENCE ' || s.oid::regclass || ' FROM PUBLIC, ' || a.name
FROM pg_catalog.pg_class AS s CROSS JOIN caller AS a
WHERE s.relkind = 'S' AND s.relnamespace IN (SELECT oid FROM own_schema)
  AND pg_catalog.has_sequence_privilege(a.name, s.oid, 'SELECT, UPDATE, USAGE')

UNION ALL
SELECT 'what ' || pg_catalog.pg_get_userbyid(d.defaclrole) || ' makes is open to ' || grantee.name
       || pg_catalog.format('; run ALTER DEFAULT PRIVILEGES FOR ROLE %I %sREVOKE ALL ON %s FROM %s',
            pg_catalog.pg_get_userbyid(d.defaclrole),
            CASE d.defaclnamespace WHEN 0 THEN '' ELSE pg_catalog.format('IN SCHEMA %s ', d.defaclnamespace::regnamespace) END,
            CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                                 WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END,
            grantee.name)
FROM pg_catalog.pg_default_acl AS d
CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(acl.grantee)::text END
) AS grantee (name)
WHERE acl.grantee <> d.defaclrole
  AND (d.defaclnamespace IN (0, 'retail'::regnamespace, 'zava'::regnamespace))
  AND (pg_catalog.pg_get_userbyid(d.defaclrole) IN (SELECT name FROM own_role)
       OR grantee.name IN (SELECT name::text FROM caller) OR (acl.grantee = 0 AND d.defaclobjtype IN ('r', 'n')))

UNION ALL
-- Resolved before or beside PostgreSQL's own while a statement runs.
SELECT 'operator ' || o.oid::regoperator || ' is not PostgreSQL''s; run DROP OPERATOR ' || o.oid::regoperator
FROM pg_catalog.pg_operator AS o
WHERE o.oid >= 16384
  AND (o.oprnamespace IN (SELECT oid FROM own_schema) OR o.oprnamespace IN (SELECT oid FROM system_schema))

UNION ALL
SELECT 'cast from ' || c.castsource::regtype || ' to ' || c.casttarget::regtype || ' is not the product''s'
       || '; run DROP CAST (' || c.castsource::regtype || ' AS ' || c.casttarget::regtype || ')'
FROM pg_catalog.pg_cast AS c
WHERE c.oid >= 16384
  AND c.oid NOT IN (SELECT h.objid FROM held_by_extension AS h WHERE h.classid = 'pg_catalog.pg_cast'::regclass)

UNION ALL
SELECT 'publication ' || p.pubname || ' copies tenants'' rows past the policies'
       || pg_catalog.format('; run DROP PUBLICATION %I', p.pubname)
FROM pg_catalog.pg_publication AS p
WHERE p.puballtables
   OR EXISTS (SELECT FROM pg_catalog.pg_publication_rel AS t
              WHERE t.prpubid = p.oid AND t.prrelid IN (SELECT oid FROM relation))
   OR EXISTS (SELECT FROM pg_catalog.pg_publication_namespace AS t
              WHERE t.pnpubid = p.oid AND t.pnnspid IN (SELECT oid FROM own_schema))

UNION ALL
SELECT 'a subscription writes ' || r.name || ' past the policies'
       || pg_catalog.format('; run DROP SUBSCRIPTION %I', named.subname)
FROM pg_catalog.pg_subscription_rel AS s
JOIN pg_catalog.pg_subscription AS named ON named.oid = s.srsubid
JOIN relation AS r ON r.oid = s.srrelid

UNION ALL
SELECT 'role ' || a.name || ' may use the foreign server ' || s.srvname
       || pg_catalog.format('; run REVOKE USAGE ON FOREIGN SERVER %I FROM PUBLIC, %I', s.srvname, a.name)
FROM pg_catalog.pg_foreign_server AS s CROSS JOIN caller AS a
WHERE pg_catalog.has_server_privilege(a.name, s.oid, 'USAGE')

UNION ALL
SELECT 'role ' || a.name || ' may write functions in the language ' || l.lanname
       || pg_catalog.format('; run REVOKE USAGE ON LANGUAGE %I FROM PUBLIC, %I', l.lanname, a.name)
FROM pg_catalog.pg_language AS l CROSS JOIN caller AS a
WHERE l.lanname NOT IN ('internal', 'c', 'sql', 'plpgsql') AND l.lanpltrusted
  AND pg_catalog.has_language_privilege(a.name, l.oid, 'USAGE')

UNION ALL
SELECT 'large object ' || o.oid || ' is open to ' || grantee.name
       || '; run REVOKE ALL ON LARGE OBJECT ' || o.oid || ' FROM ' || grantee.name
FROM pg_catalog.pg_largeobject_metadata AS o
CROSS JOIN LATERAL pg_catalog.aclexplode(o.lomacl) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(acl.grantee)::text END
) AS grantee (name)
WHERE acl.grantee = 0 OR grantee.name IN (SELECT name::text FROM caller)
