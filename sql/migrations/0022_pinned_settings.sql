-- What the reading of a statement, of its values and of the answer depends on, pinned to the login:
-- a setting of the role comes before one of the database or of the whole server. With
-- standard_conforming_strings = off the server would read a string's end elsewhere than the guard.
ALTER ROLE zava_server SET standard_conforming_strings = on;
ALTER ROLE zava_server SET backslash_quote = safe_encoding;
ALTER ROLE zava_server SET client_encoding = 'UTF8';
ALTER ROLE zava_server SET row_security = on;
ALTER ROLE zava_server SET transform_null_equals = off;
ALTER ROLE zava_server SET array_nulls = on;
ALTER ROLE zava_server SET bytea_output = hex;
ALTER ROLE zava_server SET extra_float_digits = 1;

-- Where a superuser has hidden what peers do (sql/superuser/hide_peers.sql), the owner of the
-- context functions still reads the locks.
DO $$
BEGIN
  IF has_function_privilege('pg_lock_status()', 'EXECUTE WITH GRANT OPTION') THEN
    GRANT EXECUTE ON FUNCTION pg_lock_status() TO zava_context;
  END IF;
END $$;
