-- The roles of one adoption. Roles belong to the whole server: another database may have made them
-- for a declaration of the same name, and may make them at the same time.
DO $roles$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES {{roles}}) AS roles (name, may_login, is_kept)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
      BEGIN
        EXECUTE pg_catalog.format('CREATE ROLE %I %s NOINHERIT NOCREATEDB NOCREATEROLE', wanted.name, wanted.may_login);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    -- The administrator acts as the owner of the context, and as no role that callers run in.
    IF wanted.is_kept AND NOT pg_catalog.pg_has_role(wanted.name, 'SET') THEN
      EXECUTE pg_catalog.format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', wanted.name);
    END IF;
  END LOOP;
END $roles$;
