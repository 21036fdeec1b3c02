-- Who exists, and what nobody may do.
--
-- Roles belong to the whole server and may be there already (a second database, Azure's
-- pgaadauth for the login), so each is made only when missing. Nothing here needs a superuser:
-- since PostgreSQL 16 the creator of a role may grant it, and takes SET without INHERIT.
DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('zava_owner',        'NOLOGIN'),  -- owns the retail tables
      ('zava_context',      'NOLOGIN'),  -- owns keys, principals and the context functions
      ('zava_loader',       'NOLOGIN'),  -- imports data; granted to the administrator only
      ('zava_chain',        'NOLOGIN'),  -- owns the chain-wide aggregates; nobody is a member
      ('store_managers',    'NOLOGIN'),
      ('regional_managers', 'NOLOGIN'),
      ('head_office',       'NOLOGIN'),
      ('zava_server',       'LOGIN')     -- the server's login; member of nothing
    ) AS roles (name, may_login)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
      EXECUTE format('CREATE ROLE %I %s NOINHERIT NOCREATEDB NOCREATEROLE', wanted.name, wanted.may_login);
    END IF;
    IF wanted.name <> 'zava_server' THEN
      EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', wanted.name);
    END IF;
  END LOOP;
END $$;

-- A first line of defence that costs no round trip: the login's own defaults. ROLLBACK undoes
-- what a statement changes of them, and PgBouncer cannot leak what no session sets.
ALTER ROLE zava_server SET default_transaction_read_only = on;
ALTER ROLE zava_server SET statement_timeout = '30s';
ALTER ROLE zava_server SET lock_timeout = '5s';
ALTER ROLE zava_server SET idle_in_transaction_session_timeout = '15s';
-- The runners resolve names along the same path, so that Describe and execution agree.
ALTER ROLE zava_server SET search_path = pg_catalog, retail, pg_temp;
ALTER ROLE zava_server SET timezone = 'America/Los_Angeles';
ALTER ROLE zava_server SET datestyle = 'ISO, YMD';
ALTER ROLE zava_server SET intervalstyle = 'iso_8601';
ALTER ROLE zava_server SET jit = off;
ALTER ROLE zava_server SET work_mem = '4MB';

REVOKE ALL ON SCHEMA public FROM PUBLIC;

SET LOCAL ROLE zava_owner;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE zava_context;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE zava_chain;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
RESET ROLE;

-- pgvector is not a trusted extension: on a server whose administrator is no superuser it is
-- allowed by name (Azure) or made beforehand (the embedded server).
CREATE SCHEMA IF NOT EXISTS extensions;
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA extensions;
GRANT USAGE ON SCHEMA extensions
  TO zava_owner, zava_loader, store_managers, regional_managers, head_office, zava_server;

CREATE SCHEMA retail AUTHORIZATION zava_owner;
CREATE SCHEMA zava AUTHORIZATION zava_context;
