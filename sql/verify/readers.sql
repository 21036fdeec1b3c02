-- Who reads or changes every store's rows by design, one row each: notices, not faults.
-- What reaches them by no design is a line of logins.sql.
WITH RECURSIVE
exempt (name, why) AS (  -- roles that the policies let see all, and those that could change that
  VALUES ('zava_loader'::name, 'imports data: the loader''s policy'),
         ('zava_chain', 'chain-wide figures over named columns: the chain''s policy'),
         ('zava_owner', 'owns the tables'), ('zava_context', 'owns the keys and the grants'),
         ('store_managers', 'the audience of one store'), ('regional_managers', 'the audience of several stores'),
         ('head_office', 'the audience of all stores'),
         ('store_managers_personal', 'the audience of one store, with personal data'),
         ('regional_managers_personal', 'the audience of several stores, with personal data'),
         ('head_office_personal', 'the audience of all stores, with personal data')
),
reach (role, granted, why, path) AS (
  SELECT m.member, r.rolname, e.why, ARRAY[m.roleid, m.member]
  FROM exempt AS e
  JOIN pg_catalog.pg_roles AS r ON r.rolname = e.name
  JOIN pg_catalog.pg_auth_members AS m ON m.roleid = r.oid
  WHERE pg_catalog.pg_get_userbyid(m.member) <> r.rolname || '_personal'
  UNION
  SELECT m.member, reach.granted, reach.why, reach.path || m.member
  FROM reach JOIN pg_catalog.pg_auth_members AS m ON m.roleid = reach.role
  WHERE m.member <> ALL (reach.path)
),
passing (role, reason) AS (
  SELECT r.rolname, 'superuser: no policy holds'
  FROM pg_catalog.pg_roles AS r WHERE r.rolsuper
  UNION ALL
  SELECT r.rolname, 'BYPASSRLS: no policy holds'
  FROM pg_catalog.pg_roles AS r WHERE r.rolbypassrls AND NOT r.rolsuper
  UNION ALL
  SELECT r.rolname, 'REPLICATION: copies the whole server'
  FROM pg_catalog.pg_roles AS r WHERE r.rolreplication AND NOT r.rolsuper
  UNION ALL
  SELECT r.rolname, 'owns this database'
  FROM pg_catalog.pg_database AS d JOIN pg_catalog.pg_roles AS r ON r.oid = d.datdba
  WHERE d.datname = pg_catalog.current_database() AND NOT r.rolsuper
  UNION ALL
  SELECT member.rolname, 'member of ' || granted.rolname || ': reads every table'
  FROM pg_catalog.pg_auth_members AS m
  JOIN pg_catalog.pg_roles AS granted ON granted.oid = m.roleid
  JOIN pg_catalog.pg_roles AS member ON member.oid = m.member
  WHERE granted.rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files',
                            'pg_write_server_files', 'pg_execute_server_program')
  UNION ALL
  SELECT member.rolname,
         CASE WHEN pg_catalog.pg_has_role(reach.role, reach.granted, 'SET')
                OR pg_catalog.pg_has_role(reach.role, reach.granted, 'USAGE')
              THEN 'may act as ' ELSE 'may grant itself ' END
         || reach.granted || CASE WHEN pg_catalog.cardinality(reach.path) > 2
              THEN ' through ' || (SELECT pg_catalog.string_agg(pg_catalog.pg_get_userbyid(step), ', ')
                                   FROM pg_catalog.unnest(reach.path[2:pg_catalog.cardinality(reach.path) - 1]) AS step)
              ELSE '' END || ' (' || reach.why || ')'
  FROM reach JOIN pg_catalog.pg_roles AS member ON member.oid = reach.role
  WHERE NOT member.rolsuper
  UNION ALL
  SELECT DISTINCT pg_catalog.pg_get_userbyid(e.grantee), 'import login: writes sales of any store through the inbox, reads none'
  FROM pg_catalog.pg_namespace AS n
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
  CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS e
  WHERE n.nspname = 'zava_import' AND c.relname = 'inbox_orders' AND e.privilege_type = 'INSERT'
  UNION ALL
  SELECT e.name, e.why || '; cannot log in'
  FROM exempt AS e JOIN pg_catalog.pg_roles AS r ON r.rolname = e.name
  WHERE e.name IN ('zava_loader', 'zava_chain', 'zava_owner')
)
SELECT role::text, pg_catalog.string_agg(DISTINCT reason, '; ' ORDER BY reason) AS why
FROM passing GROUP BY role ORDER BY role
