-- Roles, the login's settings, and schemas.
--
-- Roles belong to the whole server and may exist already (a second database, Azure's pgaadauth for
-- the login), so each is made only when missing. Nothing here needs a superuser: since PostgreSQL
-- 16 the creator of a role may grant it, and takes SET without INHERIT.
DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('zava_owner',        'NOLOGIN'),  -- owns the retail tables
      ('zava_context',      'NOLOGIN'),  -- owns keys, principals and the context functions
      ('zava_loader',       'NOLOGIN'),  -- imports data; granted to the administrator only
      ('zava_chain',        'NOLOGIN'),  -- owns the chain-wide aggregates; has no members
      ('zava_recorder',     'NOLOGIN'),  -- owns what writes the append-only logs; has no members
      ('zava_audit',        'NOLOGIN'),  -- reads the append-only logs
      ('zava_retention',    'NOLOGIN'),  -- owns what removes old records of the audit; has no members
      ('store_managers',    'NOLOGIN'),
      ('regional_managers', 'NOLOGIN'),
      ('head_office',       'NOLOGIN'),
      -- Column privileges belong to roles. So each audience has a second role, which inherits all that
      -- the audience reads, and reads names, e-mail and phone of customers.
      ('store_managers_personal',    'NOLOGIN'),
      ('regional_managers_personal', 'NOLOGIN'),
      ('head_office_personal',       'NOLOGIN'),
      ('zava_server',       'LOGIN')     -- the server's login; member of no role
    ) AS roles (name, may_login)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
      EXECUTE format('CREATE ROLE %I %s NOINHERIT NOCREATEDB NOCREATEROLE', wanted.name, wanted.may_login);
    END IF;
    IF starts_with(wanted.name, 'zava_') AND wanted.name <> 'zava_server' THEN
      EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', wanted.name);
    ELSIF wanted.name LIKE '%\_personal' THEN
      EXECUTE format('GRANT %I TO %I WITH INHERIT TRUE, SET FALSE',
                     replace(wanted.name, '_personal', ''), wanted.name);
    END IF;
  END LOOP;
END $$;

SET LOCAL ROLE zava_owner;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE zava_context;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE zava_chain;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE zava_recorder;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE zava_retention;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
RESET ROLE;

-- A file that creates something for one of these takes the membership and returns it: between
-- migrations the administrator is no member.
REVOKE zava_chain, zava_recorder, zava_retention FROM CURRENT_USER;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- pgvector is not a trusted extension: on a server whose administrator is no superuser it is
-- allowed by name (Azure) or made beforehand (the embedded server).
CREATE SCHEMA IF NOT EXISTS extensions;
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA extensions;
GRANT USAGE ON SCHEMA extensions
  TO zava_owner, zava_loader, store_managers, regional_managers, head_office, zava_server;

CREATE SCHEMA retail AUTHORIZATION zava_owner;
CREATE SCHEMA zava AUTHORIZATION zava_context;
SET LOCAL ROLE zava_owner;
GRANT USAGE ON SCHEMA retail
  TO zava_server, zava_loader, zava_chain, store_managers, regional_managers, head_office;
SET LOCAL ROLE zava_context;
GRANT USAGE ON SCHEMA zava
  TO zava_server, zava_owner, zava_loader, zava_chain, store_managers, regional_managers, head_office,
     zava_recorder, zava_audit;
RESET ROLE;

-- What the reading of a statement, of its values and of the answer depends on. A setting of the role
-- comes before one of the database or of the whole server. With standard_conforming_strings = off the
-- server would read a string's end elsewhere than the guard. The runners resolve names along the same
-- path, so that Describe and execution agree.
--
-- The audience roles carry these settings, too. Today all audiences run in sessions of the login
-- zava_server. On the engine of several nodes a worker's session belongs to the audience itself.
-- Without these settings its months would begin in UTC, and its figures would differ without an error.
DO $$
DECLARE
  reader text;
  setting text;
BEGIN
  FOREACH reader IN ARRAY ARRAY['zava_server', 'store_managers', 'regional_managers', 'head_office',
    'store_managers_personal', 'regional_managers_personal', 'head_office_personal']
  LOOP
    FOREACH setting IN ARRAY ARRAY[
      'default_transaction_read_only = on', 'search_path = pg_catalog, retail, pg_temp',
      'timezone = ''America/Los_Angeles''', 'datestyle = ''ISO, YMD''', 'intervalstyle = iso_8601',
      'standard_conforming_strings = on', 'backslash_quote = safe_encoding', 'client_encoding = ''UTF8''',
      'row_security = on', 'transform_null_equals = off', 'array_nulls = on', 'bytea_output = hex',
      'extra_float_digits = 1']
    LOOP
      EXECUTE format('ALTER ROLE %I SET %s', reader, setting);
    END LOOP;
  END LOOP;
END $$;

-- A first line of defence that costs no round trip: the login's own bounds. ROLLBACK undoes
-- what a statement changes of them, and PgBouncer cannot leak what no session sets.
ALTER ROLE zava_server SET statement_timeout = '30s';
ALTER ROLE zava_server SET lock_timeout = '5s';
ALTER ROLE zava_server SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE zava_server SET jit = off;
ALTER ROLE zava_server SET work_mem = '4MB';
-- The data lie on solid-state disks and in memory: a page elsewhere costs about as much as the next
-- one. With the default of 4 the planner reads a store's whole past to find one month of its lines.
ALTER ROLE zava_server SET random_page_cost = 1.1;
-- How an approximate index is walked (pgvector 0.8). The library defines these settings, so it is
-- loaded first.
SELECT '[1]'::extensions.vector;
ALTER ROLE zava_server SET hnsw.ef_search = 100;
ALTER ROLE zava_server SET hnsw.iterative_scan = 'relaxed_order';
