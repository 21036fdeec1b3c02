-- Every way in which isolation would not be real, one row each; no row means it holds.
-- Read from the catalog alone, so that the server's own login can run it at start.
WITH
-- The second role of an audience reads what the first one does, and the personal columns.
audience (name, base) AS (
  VALUES ('store_managers'::name, 'store_managers'::name), ('regional_managers', 'regional_managers'),
         ('head_office', 'head_office'), ('store_managers_personal', 'store_managers'),
         ('regional_managers_personal', 'regional_managers'), ('head_office_personal', 'head_office')
),
personal_column (table_name, columns) AS (
  VALUES ('retail.customers', ARRAY['first_name', 'last_name', 'email', 'phone']::name[])
),
shared_table (name) AS (  -- the same rows for everyone: no tenant in them
  VALUES ('retail.categories'), ('retail.product_types'), ('retail.products'),
         ('retail.product_prices'), ('retail.suppliers'), ('retail.product_suppliers'),
         ('retail.promotions'), ('retail.promotion_products'), ('retail.exchange_rates'), ('retail.chain'), ('retail.embedding_models'), ('retail.product_embeddings'), ('retail.product_words')
),
known_definer (signature, owner, volatility, is_called_by_server) AS (
  VALUES
    ('zava.open_context(name,integer,uuid,uuid,bigint,uuid,bytea,text,text)', 'zava_context'::name, 's', false),
    ('zava.my_store(name)', 'zava_context', 's', false),
    ('zava.my_stores(name)', 'zava_context', 's', false),
    ('zava.scope(integer,uuid,uuid,bigint,uuid,bytea)', 'zava_context', 's', true),
    ('zava.scope_of_data(integer,uuid,uuid,bigint,uuid,bytea)', 'zava_context', 's', true),
    ('zava.hours_without_orders()', 'zava_context', 's', true),
    ('zava.standby_lag()', 'zava_context', 's', true),
    ('zava.newest_orders(uuid[])', 'zava_chain', 's', false),
    ('zava.store_places(uuid[])', 'zava_chain', 's', false),
    ('zava.note_place()', 'zava_loader', 'v', false),
    ('zava.store_count()', 'zava_chain', 's', false),
    ('zava.list_currency()', 'zava_chain', 's', false),
    ('zava.last_imports()', 'zava_context', 's', false),
    ('zava.chain_quartiles(text,date,date)', 'zava_chain', 's', false),
    ('zava.mark_all()', 'zava_loader', 'v', false),
    ('zava.mark_moved_store()', 'zava_loader', 'v', false),
    ('zava.refresh_sums(integer,integer)', 'zava_loader', 'v', true),
    ('zava.log_change()', 'zava_recorder', 'v', false),
    ('zava.record_calls(jsonb)', 'zava_recorder', 'v', true),
    ('zava.remove_records(integer,boolean)', 'zava_retention', 'v', false),
    ('zava.charge(jsonb)', 'zava_context', 'v', true),
    ('zava.admit(uuid,uuid,uuid,boolean,integer,bigint,double precision,bigint,double precision)', 'zava_context', 'v', true),
    ('zava.working(uuid[])', 'zava_context', 'v', true),
    ('zava.used(uuid,uuid)', 'zava_context', 's', true),
    ('zava.sign_in(text,uuid,text,text,uuid,uuid,text,integer)', 'zava_context', 'v', true),
    ('zava.audited(integer,text)', 'zava_audit', 's', false),
    ('zava.operator_page(integer,uuid,uuid,bigint,uuid,bytea,text)', 'zava_context', 's', true),
    ('zava.keep_questions(integer,uuid,uuid,bigint,uuid,bytea,text)', 'zava_context', 'v', true),
    ('zava.weigh_store_managers_personal(integer,uuid,uuid,bigint,uuid,bytea,text,text)', 'store_managers_personal', 'v', true),
    ('zava.run_store_managers_personal(integer,uuid,uuid,bigint,uuid,bytea,text,text,integer,bigint,integer)', 'store_managers_personal', 's', true),
    ('zava.weigh_regional_managers_personal(integer,uuid,uuid,bigint,uuid,bytea,text,text)', 'regional_managers_personal', 'v', true),
    ('zava.run_regional_managers_personal(integer,uuid,uuid,bigint,uuid,bytea,text,text,integer,bigint,integer)', 'regional_managers_personal', 's', true),
    ('zava.weigh_head_office_personal(integer,uuid,uuid,bigint,uuid,bytea,text,text)', 'head_office_personal', 'v', true),
    ('zava.run_head_office_personal(integer,uuid,uuid,bigint,uuid,bytea,text,text,integer,bigint,integer)', 'head_office_personal', 's', true),
    ('zava.weigh_store_managers(integer,uuid,uuid,bigint,uuid,bytea,text,text)', 'store_managers', 'v', true),
    ('zava.weigh_regional_managers(integer,uuid,uuid,bigint,uuid,bytea,text,text)', 'regional_managers', 'v', true),
    ('zava.weigh_head_office(integer,uuid,uuid,bigint,uuid,bytea,text,text)', 'head_office', 'v', true),
    ('zava.run_store_managers(integer,uuid,uuid,bigint,uuid,bytea,text,text,integer,bigint,integer)', 'store_managers', 's', true),
    ('zava.run_regional_managers(integer,uuid,uuid,bigint,uuid,bytea,text,text,integer,bigint,integer)', 'regional_managers', 's', true),
    ('zava.run_head_office(integer,uuid,uuid,bigint,uuid,bytea,text,text,integer,bigint,integer)', 'head_office', 's', true)
),
own_role (name) AS (  -- none of them logs in
  SELECT name FROM audience
  UNION ALL VALUES ('zava_owner'::name), ('zava_context'), ('zava_loader'), ('zava_chain'),
                   ('zava_recorder'), ('zava_audit'), ('zava_retention')
),
append_only (name) AS (VALUES ('zava.change_log'), ('zava.audit_log')),
log_privilege (name, role, privilege) AS (
  VALUES ('zava.change_log', 'zava_recorder', 'INSERT'), ('zava.change_log', 'zava_audit', 'SELECT'),
         ('zava.change_log', 'zava_retention', 'INSERT'),
         ('zava.audit_log', 'zava_recorder', 'INSERT'), ('zava.audit_log', 'zava_audit', 'SELECT'),
         ('zava.audit_log', 'zava_retention', 'SELECT'), ('zava.audit_log', 'zava_retention', 'DELETE')
),
-- What the chain's figures are made of, and nothing by which a person or product could be told.
chain_column (table_name, columns) AS (
  VALUES ('retail.orders', ARRAY['store_id', 'order_id', 'customer_id', 'order_date', 'status', 'total_amount', 'is_return']::name[]),
         ('retail.order_items', ARRAY['store_id', 'order_id', 'quantity', 'unit_price', 'discount_amount']),
         ('zava.store_days', ARRAY['store_id', 'day', 'counted', 'orders', 'revenue', 'placed', 'refunded', 'lines', 'units',
                                   'gross_sales', 'discounts']),
         ('zava.day_marks', ARRAY['store_id', 'day', 'zone']),
         ('retail.chain', ARRAY['reporting_currency']),
         ('retail.exchange_rates', ARRAY['currency', 'day', 'rate']),
         ('zava.current_days', ARRAY['store_id', 'day', 'counted', 'orders', 'revenue']),
         ('zava.current_line_days', ARRAY['store_id', 'day', 'lines', 'units', 'gross_sales', 'discounts'])
),
own_schema AS (
  SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace AS n
  WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
),
relation AS (
  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name,
         CASE n.nspname WHEN 'zava' THEN 'zava_context' ELSE 'zava_owner' END AS proper_owner
  FROM pg_catalog.pg_class AS c JOIN own_schema AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
),
function AS (
  SELECT p.*, format('%I.%I(%s)', n.nspname, p.proname,
                     pg_catalog.replace(pg_catalog.oidvectortypes(p.proargtypes), ', ', ',')) AS signature,
         pg_catalog.pg_get_userbyid(p.proowner) AS owner
  FROM pg_catalog.pg_proc AS p JOIN own_schema AS n ON n.oid = p.pronamespace
),
policy AS (
  SELECT p.*, r.name AS table_name,
         pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS condition,
         pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS check_condition,
         (SELECT pg_catalog.array_agg(pg_catalog.pg_get_userbyid(role) ORDER BY pg_catalog.pg_get_userbyid(role))
          FROM pg_catalog.unnest(p.polroles) AS role)::name[] AS roles
  FROM pg_catalog.pg_policy AS p JOIN relation AS r ON r.oid = p.polrelid
)

SELECT 'role ' || wanted.name || ' does not exist'
       || pg_catalog.format('; run CREATE ROLE %I NOLOGIN, and what sql/schema.sql grants to it', wanted.name) AS problem
FROM (SELECT name FROM own_role UNION ALL VALUES ('zava_server'::name)) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = wanted.name)

UNION ALL
SELECT 'role ' || rolname || ' is superuser, bypasses row security, or may create or replicate'
       || pg_catalog.format('; run ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION', rolname)
FROM pg_catalog.pg_roles
WHERE (rolname IN (SELECT name FROM own_role) OR rolname = 'zava_server')
  AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)

UNION ALL
SELECT 'role ' || rolname || ' may log in' || pg_catalog.format('; run ALTER ROLE %I NOLOGIN', rolname)
FROM pg_catalog.pg_roles
WHERE rolcanlogin AND rolname IN (SELECT name FROM own_role)

UNION ALL
SELECT 'role ' || member.rolname || ' is a member of ' || granted.rolname
       || pg_catalog.format('; run REVOKE %I FROM %I', granted.rolname, member.rolname)
FROM pg_catalog.pg_auth_members AS m
JOIN pg_catalog.pg_roles AS member ON member.oid = m.member
JOIN pg_catalog.pg_roles AS granted ON granted.oid = m.roleid
WHERE (member.rolname IN (SELECT name FROM audience)
       OR member.rolname IN ('zava_server', 'zava_chain', 'zava_recorder', 'zava_audit', 'zava_retention'))
  AND NOT EXISTS (SELECT FROM audience AS a WHERE a.name = member.rolname AND a.base = granted.rolname)

UNION ALL
-- The creator's own ADMIN option is neither SET nor INHERIT: it reads nothing.
SELECT 'role ' || member.rolname || ' can act as ' || granted.rolname || '; run '
       || pg_catalog.concat_ws('; ',
            CASE WHEN m.set_option THEN pg_catalog.format('REVOKE SET OPTION FOR %s', what.membership) END,
            CASE WHEN m.inherit_option THEN pg_catalog.format('REVOKE INHERIT OPTION FOR %s', what.membership) END)
FROM pg_catalog.pg_auth_members AS m
JOIN pg_catalog.pg_roles AS member ON member.oid = m.member
JOIN pg_catalog.pg_roles AS granted ON granted.oid = m.roleid
CROSS JOIN LATERAL (
  SELECT pg_catalog.format('%I FROM %I GRANTED BY %I', granted.rolname, member.rolname, pg_catalog.pg_get_userbyid(m.grantor))
) AS what (membership)
WHERE (m.set_option OR m.inherit_option)
  AND (granted.rolname IN (SELECT name FROM audience) OR granted.rolname IN ('zava_chain', 'zava_recorder', 'zava_retention'))
  AND (m.set_option OR NOT EXISTS (SELECT FROM audience AS a
                                   WHERE a.name = member.rolname AND a.base = granted.rolname))

UNION ALL
SELECT 'the login zava_server owns ' || r.name
       || pg_catalog.format('; run ALTER TABLE %s OWNER TO %I', r.name, r.proper_owner)
FROM relation AS r WHERE pg_catalog.pg_get_userbyid(r.relowner) = 'zava_server'

UNION ALL
SELECT 'the login zava_server reads or writes ' || r.name || ' directly'
       || pg_catalog.format('; run REVOKE ALL ON %s FROM PUBLIC, zava_server', r.name)
FROM relation AS r
WHERE EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'zava_server')
  AND (pg_catalog.has_table_privilege('zava_server', r.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
       OR pg_catalog.has_any_column_privilege('zava_server', r.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))

UNION ALL
SELECT 'the login zava_server may execute ' || f.signature
       || pg_catalog.format('; run REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, zava_server', f.signature)
FROM function AS f
WHERE f.pronamespace IN ('zava'::regnamespace, 'retail'::regnamespace)
  AND pg_catalog.has_function_privilege('zava_server', f.oid, 'EXECUTE')
  AND NOT EXISTS (SELECT FROM known_definer AS k WHERE k.signature = f.signature AND k.is_called_by_server)

UNION ALL
SELECT 'role ' || grantee.name || ' may execute ' || f.signature || ', which is the server''s'
       || pg_catalog.format('; run REVOKE EXECUTE ON FUNCTION %s FROM %s', f.signature, grantee.name)
FROM function AS f JOIN known_definer AS k ON k.signature = f.signature AND k.is_called_by_server
CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(acl.grantee)) END
) AS grantee (name)
WHERE acl.grantee NOT IN (f.proowner, coalesce(pg_catalog.to_regrole('zava_server'), 0)::oid)

UNION ALL
SELECT 'role ' || grantee.name || ' may ' || acl.privilege_type || ' on the log ' || l.name
       || pg_catalog.format('; run REVOKE %s ON %s FROM %s', acl.privilege_type, l.name, grantee.name)
FROM append_only AS l JOIN relation AS r ON r.name = l.name
CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(r.relacl, pg_catalog.acldefault('r', r.relowner))) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(acl.grantee)) END
) AS grantee (name)
WHERE NOT EXISTS (SELECT FROM log_privilege AS p
                  WHERE (p.name, p.role, p.privilege) = (l.name, grantee.name, acl.privilege_type))

UNION ALL
SELECT 'role ' || grantee.name || ' may execute ' || f.signature || ', which removes records'
       || pg_catalog.format('; run REVOKE EXECUTE ON FUNCTION %s FROM %s', f.signature, grantee.name)
FROM function AS f
CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(acl.grantee)) END
) AS grantee (name)
WHERE f.signature = 'zava.remove_records(integer,boolean)' AND grantee.name NOT IN ('zava_retention', 'zava_context')

UNION ALL
SELECT 'role zava_chain reads ' || r.name || '.' || a.attname
       || pg_catalog.format('; run REVOKE SELECT ON %s FROM PUBLIC, zava_chain', r.name)
       || coalesce((SELECT pg_catalog.format('; GRANT SELECT (%s) ON %s TO zava_chain',
                                             pg_catalog.array_to_string(c.columns, ', '), r.name)
                    FROM chain_column AS c WHERE c.table_name = r.name), '')
FROM relation AS r
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'zava_chain')
  AND pg_catalog.has_column_privilege('zava_chain', r.oid, a.attnum, 'SELECT')
  AND r.name <> 'retail.stores'
  AND NOT EXISTS (SELECT FROM chain_column AS c WHERE c.table_name = r.name AND a.attname = ANY (c.columns))

UNION ALL
SELECT 'role ' || a.name || ' reads ' || r.name || '.' || c.attname || ', which is personal'
       || pg_catalog.format('; run REVOKE SELECT ON %s FROM PUBLIC, %I; REVOKE SELECT (%I) ON %s FROM PUBLIC, %I; GRANT SELECT (%s) ON %s TO %I',
                            r.name, a.name, c.attname, r.name, a.name, open.columns, r.name, a.name)
FROM relation AS r
JOIN personal_column AS p ON p.table_name = r.name
JOIN pg_catalog.pg_attribute AS c ON c.attrelid = r.oid AND c.attname = ANY (p.columns)
CROSS JOIN audience AS a
CROSS JOIN LATERAL (
  SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.attname), ', ' ORDER BY o.attnum)
  FROM pg_catalog.pg_attribute AS o
  WHERE o.attrelid = r.oid AND o.attnum > 0 AND NOT o.attisdropped AND o.attname <> ALL (p.columns)
) AS open (columns)
WHERE a.name = a.base AND pg_catalog.has_column_privilege(a.name, r.oid, c.attnum, 'SELECT')

UNION ALL
SELECT 'role ' || a.name || ' can write ' || r.name
       || pg_catalog.format('; run REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON %s FROM PUBLIC, %I',
                            r.name, a.name)
FROM relation AS r CROSS JOIN audience AS a
WHERE pg_catalog.has_table_privilege(a.name, r.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
   OR pg_catalog.has_any_column_privilege(a.name, r.oid, 'INSERT, UPDATE, REFERENCES')

UNION ALL
-- A table of tenants gets its policy back, from which no other table could be read.
SELECT 'table ' || r.name || ' is readable by ' || a.name || ' without forced row security and a policy; run '
       || CASE
            WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS s WHERE s.attrelid = r.oid AND s.attname = 'store_id')
                 OR NOT r.relname = ANY (ARRAY['stores', 'customers', 'inventory', 'orders', 'order_items', 'store_targets', 'customer_persons', 'canary',
                   'day_marks', 'customer_marks', 'store_days', 'product_months', 'customer_totals', 'month_customers',
                   'new_customer_days']::name[])
              THEN pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC, %I', r.name, a.name)
            WHEN NOT (r.relrowsecurity AND r.relforcerowsecurity)
              THEN pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', r.name)
            WHEN a.base = 'store_managers'
              THEN pg_catalog.format('CREATE POLICY own_store ON %s FOR SELECT TO store_managers'
                                     ' USING (store_id = (SELECT zava.my_store(current_user)))', r.name)
            ELSE pg_catalog.format('CREATE POLICY own_stores ON %s FOR SELECT TO regional_managers, head_office'
                                   ' USING (store_id = ANY ((SELECT zava.my_stores(current_user))::uuid[]))', r.name)
          END
FROM relation AS r CROSS JOIN audience AS a
WHERE r.relkind IN ('r', 'p')
  AND pg_catalog.has_any_column_privilege(a.name, r.oid, 'SELECT')
  AND (a.name = a.base OR NOT pg_catalog.has_any_column_privilege(a.base, r.oid, 'SELECT'))
  AND r.name NOT IN (SELECT s.name FROM shared_table AS s)
  AND NOT (r.relrowsecurity AND r.relforcerowsecurity
           AND EXISTS (SELECT FROM policy AS p WHERE p.polrelid = r.oid AND a.base = ANY (p.roles)))

UNION ALL
SELECT 'table ' || r.name || ' does not force row security'
       || pg_catalog.format('; run ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', r.name)
FROM relation AS r
WHERE r.relkind IN ('r', 'p') AND NOT (r.relrowsecurity AND r.relforcerowsecurity)
  AND (r.name = 'zava.kept_questions' OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = r.oid AND a.attname = 'store_id' AND NOT a.attisdropped))

UNION ALL
SELECT 'table ' || r.name || ' has a store_id that may be null or leads no key'
       || pg_catalog.format('; run ALTER TABLE %s ALTER store_id SET NOT NULL; CREATE INDEX ON %s (store_id)', r.name, r.name)
FROM relation AS r
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attname = 'store_id'
WHERE r.relkind IN ('r', 'p')
  AND (NOT a.attnotnull
       OR NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i
                      WHERE i.indrelid = r.oid AND i.indisvalid AND i.indkey[0] = a.attnum))

UNION ALL
-- Rows of every store are staged there. A login of `zava import-login` may insert into the inbox.
SELECT 'role ' || grantee.name || ' may ' || acl.privilege_type || ' ' || r.name || ', where imports are staged'
       || pg_catalog.format('; run REVOKE ALL ON %s FROM %s', r.name, grantee.name)
FROM relation AS r
CROSS JOIN LATERAL (
  SELECT e.grantee, e.privilege_type FROM pg_catalog.aclexplode(r.relacl) AS e
  UNION
  SELECT e.grantee, e.privilege_type
  FROM pg_catalog.pg_attribute AS a CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS e WHERE a.attrelid = r.oid
) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(acl.grantee)) END
) AS grantee (name)
WHERE r.name LIKE 'zava\_import.%' AND acl.grantee <> r.relowner AND grantee.name <> 'zava_loader'
  AND NOT (r.name LIKE 'zava\_import.inbox\_%' AND acl.privilege_type = 'INSERT' AND acl.grantee <> 0)

UNION ALL
SELECT 'view ' || r.name || ' runs with its owner''s rights'
       || pg_catalog.format('; run ALTER VIEW %s SET (security_invoker = true)', r.name)
FROM relation AS r CROSS JOIN audience AS a
WHERE r.relkind = 'v' AND pg_catalog.has_any_column_privilege(a.name, r.oid, 'SELECT')
  AND NOT coalesce(r.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)

UNION ALL
SELECT 'relation ' || r.name || ' knows no row security'
       || pg_catalog.format('; run REVOKE ALL ON %s FROM PUBLIC, %I', r.name, a.name)
FROM relation AS r CROSS JOIN audience AS a
WHERE r.relkind IN ('m', 'f') AND pg_catalog.has_any_column_privilege(a.name, r.oid, 'SELECT')

UNION ALL
SELECT 'policy ' || p.polname || ' on ' || p.table_name || ' is not one of the sealed ones'
       || pg_catalog.format('; run DROP POLICY %I ON %s', p.polname, p.table_name)
FROM policy AS p CROSS JOIN (
  VALUES ('(((tenant_id || ''/''::text) || object_id) = current_setting(''zava.questions_of''::text, true))')
) AS own_person (condition)
WHERE NOT (
  p.polpermissive AND p.check_condition IS NULL AND p.polcmd = 'r' AND (
    (p.roles = ARRAY['store_managers']::name[]
     AND p.condition = '(store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store))')
    OR (p.roles = ARRAY['head_office', 'regional_managers']::name[]
     AND p.condition = '(store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[]))')
    OR (p.roles = ARRAY['zava_chain']::name[] AND p.condition = 'true'
        AND p.table_name IN ('retail.stores', 'retail.orders', 'retail.order_items', 'zava.store_days', 'zava.day_marks'))))
  AND NOT (p.polpermissive AND p.roles = ARRAY['zava_loader']::name[] AND p.polcmd = '*'
           AND p.condition = 'true' AND p.check_condition = 'true')
  -- A person's own questions: the function that verifies the signed call names the person.
  AND NOT (p.polpermissive AND p.table_name = 'zava.kept_questions' AND p.roles = ARRAY['zava_context']::name[] AND p.polcmd = '*'
           AND p.condition = own_person.condition AND p.check_condition = own_person.condition)

UNION ALL
SELECT 'function ' || f.signature || ' runs with its owner''s rights and is not known; run '
       || coalesce((SELECT pg_catalog.format('ALTER FUNCTION %s OWNER TO %I', k.signature, k.owner)
                    FROM known_definer AS k WHERE k.signature = f.signature),
                   pg_catalog.format('DROP FUNCTION %s', f.signature))
FROM function AS f
WHERE f.prosecdef
  AND NOT EXISTS (SELECT FROM known_definer AS k WHERE k.signature = f.signature AND k.owner = f.owner)

UNION ALL
SELECT 'function ' || k.signature || ' is missing, not as volatile as known, not a definer''s, or has no fixed search_path; run '
       || CASE WHEN f.oid IS NULL THEN 'its CREATE FUNCTION of sql/schema.sql'
          ELSE pg_catalog.format('ALTER FUNCTION %s SECURITY DEFINER %s SET search_path = pg_catalog,%s pg_temp', k.signature,
                                 CASE k.volatility WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
                                 CASE WHEN k.owner IN (SELECT name FROM audience) THEN ' retail,' ELSE '' END) END
FROM known_definer AS k
LEFT JOIN function AS f ON f.signature = k.signature
WHERE f.oid IS NULL OR NOT f.prosecdef OR f.provolatile::text <> k.volatility
   OR f.proconfig IS NULL OR NOT EXISTS (SELECT FROM pg_catalog.unnest(f.proconfig) AS setting
                                             WHERE setting LIKE 'search\_path=pg\_catalog, %pg\_temp')

UNION ALL
SELECT 'function ' || f.signature || ' is executable by everyone'
       || pg_catalog.format('; run REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f.signature)
FROM function AS f
WHERE f.pronamespace IN ('zava'::regnamespace, 'retail'::regnamespace)
  AND EXISTS (SELECT FROM pg_catalog.aclexplode(coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))) AS acl
              WHERE acl.grantee = 0)

UNION ALL
SELECT 'role ' || who.name || ' may create in schema ' || s.nspname
       || pg_catalog.format('; run REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %I', s.nspname, who.name)
FROM own_schema AS s
CROSS JOIN (SELECT name FROM audience UNION ALL VALUES ('zava_server'::name)) AS who (name)
WHERE pg_catalog.has_schema_privilege(who.name, s.oid, 'CREATE')

UNION ALL
SELECT 'role ' || who.name || ' may create schemas or temporary tables in this database'
       || pg_catalog.format('; run REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC, %I',
                            pg_catalog.current_database(), who.name)
FROM (SELECT name FROM audience UNION ALL VALUES ('zava_server'::name)) AS who (name)
WHERE pg_catalog.has_database_privilege(who.name, pg_catalog.current_database(), 'CREATE, TEMPORARY')

UNION ALL
-- The privilege is asked, never the outcome of a REVOKE: that reports success and changes nothing.
SELECT 'role ' || a.name || ' may execute ' || f.oid::regprocedure
       || pg_catalog.format('; run REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, %I', f.oid::regprocedure, a.name)
FROM pg_catalog.pg_proc AS f CROSS JOIN audience AS a
WHERE f.pronamespace = 'pg_catalog'::regnamespace
  AND f.proname IN ('pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'pg_stat_file', 'lo_import',
                    'lo_export', 'pg_reload_conf', 'pg_rotate_logfile', 'pg_promote')
  AND pg_catalog.has_function_privilege(a.name, f.oid, 'EXECUTE')

UNION ALL
-- An estimate from other stores' values would follow them. Only measures and dates are counted.
SELECT 'column ' || r.name || '.' || a.attname || ' may have statistics of every store''s values'
       || pg_catalog.format('; run ALTER TABLE %s ALTER %I SET STATISTICS 0; ', r.name, a.attname)
       || CASE WHEN pg_catalog.current_setting('server_version_num')::integer >= 180000
          THEN pg_catalog.format('SELECT pg_clear_attribute_stats(%L, %L, %L, false)', r.relnamespace::regnamespace, r.relname, a.attname)
          ELSE pg_catalog.format('DELETE FROM pg_statistic WHERE starelid = %L::regclass AND staattnum = %s', r.name, a.attnum) END
FROM relation AS r
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE r.oid IN (SELECT p.polrelid FROM policy AS p)
  AND (r.name = 'retail.stores' OR a.attname NOT IN (
    'created_at', 'updated_at', 'order_date', 'status', 'total_amount', 'product_id', 'line_number',
    'quantity', 'unit_price', 'discount_percent', 'discount_amount', 'stock_level', 'reorder_point',
    'is_return', 'tax_amount', 'shipping_amount', 'day', 'month'))
  AND (coalesce(a.attstattarget, -1) <> 0
       -- The server's login sees no row here; an administrator who passes by the policies does.
       OR EXISTS (SELECT FROM pg_catalog.pg_stats AS s
                  WHERE format('%I.%I', s.schemaname, s.tablename) = r.name AND s.attname = a.attname
                    AND (s.most_common_vals IS NOT NULL OR s.histogram_bounds IS NOT NULL)))

UNION ALL
SELECT 'statistics object ' || s.stxname || ' counts every store''s rows of ' || r.name
       || pg_catalog.format('; run DROP STATISTICS %s.%I', s.stxnamespace::regnamespace, s.stxname)
FROM pg_catalog.pg_statistic_ext AS s JOIN relation AS r ON r.oid = s.stxrelid
WHERE r.oid IN (SELECT p.polrelid FROM policy AS p)

UNION ALL
SELECT 'index ' || i.indexrelid::regclass || ' keeps statistics of an expression of ' || r.name
       || pg_catalog.format('; run DROP INDEX %s', i.indexrelid::regclass)
FROM pg_catalog.pg_index AS i JOIN relation AS r ON r.oid = i.indrelid
WHERE i.indexprs IS NOT NULL AND r.oid IN (SELECT p.polrelid FROM policy AS p)
