-- Every way in which roles, memberships or settings would undo isolation, one row each.
-- Read from the catalog alone, so that the server's own login can run it at start.
-- The login's own privileges and the audiences' memberships stand in isolation.sql.
WITH
audience (name) AS (
  VALUES ('store_managers'::name), ('regional_managers'), ('head_office'),
         ('store_managers_personal'), ('regional_managers_personal'), ('head_office_personal')
),
sealed_role (name) AS (  -- only the migrations ever act as one of them
  SELECT name FROM audience UNION ALL VALUES ('zava_chain'::name), ('zava_recorder'), ('zava_retention'), ('zava_server')
),
administered_role (name) AS (  -- an administrator takes one of them for a command
  VALUES ('zava_owner'::name), ('zava_context'), ('zava_loader'), ('zava_audit')
),
own_role (name) AS (
  SELECT name FROM sealed_role UNION ALL SELECT name FROM administered_role
),
this_database AS (
  SELECT d.oid, d.datname, d.datdba FROM pg_catalog.pg_database AS d
  WHERE d.datname = pg_catalog.current_database()
),
-- By design: superusers, the owner of the database and its members, and the role that made ours.
administrator AS (
  SELECT r.oid FROM pg_catalog.pg_roles AS r CROSS JOIN this_database AS d
  WHERE r.rolname NOT IN (SELECT name FROM own_role)
    AND (r.rolsuper OR pg_catalog.pg_has_role(r.oid, d.datdba, 'MEMBER')
         OR (r.rolcreaterole AND pg_catalog.pg_has_role(
               r.oid, pg_catalog.to_regrole('zava_owner')::oid, 'MEMBER WITH ADMIN OPTION')))
),
membership AS (
  SELECT member.oid AS member_oid, member.rolname AS member, granted.rolname AS granted,
         m.admin_option, m.set_option OR m.inherit_option AS is_usable
  FROM pg_catalog.pg_auth_members AS m
  JOIN pg_catalog.pg_roles AS member ON member.oid = m.member
  JOIN pg_catalog.pg_roles AS granted ON granted.oid = m.roleid
),
-- What the reading of a statement, of its values and of the answer depends on. `is_reading`: also
-- refused where it is set for the whole database, although the login's own setting comes first.
pinned (name, value, is_reading) AS (
  VALUES
    ('standard_conforming_strings', 'on', true), ('backslash_quote', 'safe_encoding', true),
    ('client_encoding', 'UTF8', true), ('row_security', 'on', true),
    ('transform_null_equals', 'off', true), ('array_nulls', 'on', true),
    ('default_transaction_read_only', 'on', false), ('statement_timeout', '30s', false),
    ('lock_timeout', '5s', false), ('idle_in_transaction_session_timeout', '15s', false),
    ('search_path', 'pg_catalog, retail, pg_temp', false), ('TimeZone', 'America/Los_Angeles', false),
    ('DateStyle', 'ISO, YMD', false), ('IntervalStyle', 'iso_8601', false),
    ('bytea_output', 'hex', false), ('extra_float_digits', '1', false)
),
-- PostgreSQL's own log holds no statement and no cell: the values of LOG_SETTINGS.
silent (name, value) AS (
  VALUES
    ('log_error_verbosity', 'terse'), ('log_min_messages', 'fatal'),
    ('log_min_error_statement', 'panic'), ('log_statement', 'none'), ('log_duration', 'off'),
    ('log_min_duration_statement', '-1'), ('log_min_duration_sample', '-1'),
    ('log_transaction_sample_rate', '0'), ('log_parameter_max_length', '0'),
    ('log_parameter_max_length_on_error', '0'), ('debug_print_parse', 'off'),
    ('debug_print_rewritten', 'off'), ('debug_print_plan', 'off')
),
-- What only a superuser can set, and what no login of ours ever needs otherwise.
expected_in_session (name, value) AS (
  SELECT name, value FROM pinned
  UNION ALL VALUES ('session_replication_role', 'origin'), ('allow_system_table_mods', 'off'),
                   ('lo_compat_privileges', 'off'), ('ignore_system_indexes', 'off')
),
stored AS (
  SELECT s.setdatabase <> 0 AS is_here, s.setrole <> 0 AS is_login, pair.name, pair.value,
         CASE WHEN s.setrole <> 0 THEN 'ALTER ROLE zava_server ' ELSE '' END
           || CASE WHEN s.setdatabase = 0 AND s.setrole = 0 THEN 'ALTER ROLE ALL '
                   WHEN s.setdatabase = 0 THEN ''
                   WHEN s.setrole = 0 THEN pg_catalog.format('ALTER DATABASE %I ', d.datname)
                   ELSE pg_catalog.format('IN DATABASE %I ', d.datname) END
           || 'RESET ' || pair.name AS remedy
  FROM pg_catalog.pg_db_role_setting AS s
  JOIN this_database AS d ON s.setdatabase IN (0, d.oid)
  CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS entry
  CROSS JOIN LATERAL (
    SELECT pg_catalog.split_part(entry, '=', 1), pg_catalog.substr(entry, pg_catalog.strpos(entry, '=') + 1)
  ) AS pair (name, value)
  WHERE s.setrole IN (0, coalesce(pg_catalog.to_regrole('zava_server'), 0)::oid)
)

SELECT 'role ' || member || ' can act as ' || granted
       || pg_catalog.format('; run REVOKE %I FROM %I', granted, member) AS problem
FROM membership
WHERE (is_usable OR admin_option) AND granted IN (SELECT name FROM administered_role)
  AND member_oid NOT IN (SELECT oid FROM administrator)

UNION ALL
SELECT 'role ' || member || ' may grant ' || granted || ' to itself'
       || pg_catalog.format('; run REVOKE %I FROM %I', granted, member)
FROM membership
WHERE admin_option AND granted IN (SELECT name FROM sealed_role)
  AND member_oid NOT IN (SELECT oid FROM administrator)

UNION ALL
SELECT 'role ' || member || ' can act as the login zava_server'
       || pg_catalog.format('; run REVOKE zava_server FROM %I', member)
FROM membership
WHERE is_usable AND granted = 'zava_server' AND member_oid NOT IN (SELECT oid FROM administrator)

UNION ALL
SELECT 'role ' || member || ' is a member of ' || granted
       || pg_catalog.format('; run REVOKE %I FROM %I', granted, member)
FROM membership WHERE member IN ('zava_owner', 'zava_context', 'zava_loader')

UNION ALL
SELECT 'role ' || member || ' reads or writes past the policies as a member of ' || granted
       || pg_catalog.format('; run REVOKE %I FROM %I', granted, member)
FROM membership
WHERE granted IN ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files',
                  'pg_write_server_files', 'pg_execute_server_program')
  AND member_oid NOT IN (SELECT oid FROM administrator)

UNION ALL
SELECT 'role ' || r.rolname || ' passes by row security'
       || pg_catalog.format('; run ALTER ROLE %I NOBYPASSRLS', r.rolname)
FROM pg_catalog.pg_roles AS r
WHERE r.rolbypassrls AND NOT r.rolsuper
  AND r.oid NOT IN (SELECT oid FROM administrator) AND r.rolname NOT IN (SELECT name FROM own_role)

UNION ALL
SELECT 'the database belongs to ' || r.rolname
       || pg_catalog.format('; run ALTER DATABASE %I OWNER TO <administrator>', d.datname)
FROM this_database AS d JOIN pg_catalog.pg_roles AS r ON r.oid = d.datdba
WHERE r.rolname IN (SELECT name FROM own_role)

UNION ALL
SELECT 'the login zava_server lacks the setting ' || p.name || ' = ' || p.value
       || '; run ALTER ROLE zava_server SET ' || p.name || ' = '
       || CASE p.name WHEN 'search_path' THEN p.value ELSE pg_catalog.quote_literal(p.value) END
FROM pinned AS p
WHERE EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'zava_server')
  AND NOT EXISTS (SELECT FROM stored AS s
                  WHERE s.is_login AND NOT s.is_here AND pg_catalog.lower(s.name) = pg_catalog.lower(p.name)
                    AND pg_catalog.lower(s.value) = pg_catalog.lower(p.value))

UNION ALL
-- On an engine of several nodes a worker's session is the audience's own. It has these settings only,
-- and a figure in another time zone is no error.
SELECT 'role ' || a.name || ' lacks the setting ' || p.name || ' = ' || p.value
       || pg_catalog.format('; run ALTER ROLE %I SET ', a.name) || p.name || ' = '
       || CASE p.name WHEN 'search_path' THEN p.value ELSE pg_catalog.quote_literal(p.value) END
FROM audience AS a CROSS JOIN pinned AS p
WHERE p.name NOT LIKE '%timeout'
  AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = a.name)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting AS s
                  CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS entry
                  WHERE s.setdatabase = 0 AND s.setrole = pg_catalog.to_regrole(a.name)::oid
                    AND pg_catalog.lower(entry) = pg_catalog.lower(p.name || '=' || p.value))

UNION ALL
SELECT 'the setting ' || s.name || ' = ' || s.value || ' changes what the server reads or writes; run ' || s.remedy
FROM stored AS s
JOIN pinned AS p ON pg_catalog.lower(p.name) = pg_catalog.lower(s.name)
                AND pg_catalog.lower(p.value) <> pg_catalog.lower(s.value)
WHERE (s.is_login AND s.is_here) OR (NOT s.is_login AND p.is_reading)

UNION ALL
SELECT 'the setting ' || s.name || ' = ' || s.value || ' writes statements or cells into PostgreSQL''s log; run ' || s.remedy
FROM stored AS s
JOIN silent AS l ON l.name = pg_catalog.lower(s.name) AND l.value <> pg_catalog.lower(s.value)

UNION ALL
-- A category is compared, because each version brings settings of its own. One that the login
-- cannot see (libraries to load, the role to take) has none.
SELECT 'the setting ' || s.name || ' = ' || s.value || ' is not one that the server needs; run ' || s.remedy
FROM stored AS s
LEFT JOIN pg_catalog.pg_settings AS known ON pg_catalog.lower(known.name) = pg_catalog.lower(s.name)
WHERE s.name NOT LIKE '%.%'
  AND NOT EXISTS (SELECT FROM pinned AS p WHERE pg_catalog.lower(p.name) = pg_catalog.lower(s.name))
  AND (s.name IN ('session_preload_libraries', 'local_preload_libraries', 'session_replication_role',
                  'allow_system_table_mods', 'lo_compat_privileges', 'ignore_system_indexes', 'role')
       OR (s.is_login
           AND (known.category IS NULL
                OR known.category LIKE 'Version and Platform Compatibility%'
                OR known.category LIKE 'Client Connection Defaults%'
                OR known.category IN ('Developer Options', 'Error Handling'))))

UNION ALL
-- Where the administrator took the role to verify, the session began without the login's settings.
SELECT 'in this session ' || e.name || ' is ' || pg_catalog.current_setting(e.name)
       || ', not ' || e.value || '; run unset PGOPTIONS, and remove `options` from DATABASE_URL'
FROM expected_in_session AS e
WHERE session_user = 'zava_server'
  AND pg_catalog.lower(pg_catalog.current_setting(e.name)) <> pg_catalog.lower(e.value)

UNION ALL
SELECT 'role ' || grantee.name || ' may ' || acl.privilege_type || ' the parameter ' || p.parname
       || pg_catalog.format('; run REVOKE %s ON PARAMETER %s FROM %s', acl.privilege_type, p.parname, grantee.name)
FROM pg_catalog.pg_parameter_acl AS p
CROSS JOIN LATERAL pg_catalog.aclexplode(p.paracl) AS acl
CROSS JOIN LATERAL (
  SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(acl.grantee)::text END
) AS grantee (name)
WHERE acl.grantee = 0 OR grantee.name IN (SELECT name::text FROM own_role)

UNION ALL
SELECT 'role ' || who.name || ' may create in the tablespace ' || t.spcname
       || pg_catalog.format('; run REVOKE CREATE ON TABLESPACE %I FROM PUBLIC, %I', t.spcname, who.name)
FROM pg_catalog.pg_tablespace AS t
JOIN (SELECT name FROM audience UNION ALL VALUES ('zava_server'::name)) AS who (name)
  ON pg_catalog.has_tablespace_privilege(who.name, t.oid, 'CREATE')
