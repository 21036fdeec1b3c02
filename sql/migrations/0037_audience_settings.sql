-- The audience roles carry every setting that a figure depends on, as the login does.
--
-- Today all audiences run in sessions of the login zava_server, whose settings hold. On the engine of
-- several nodes a worker's session belongs to the audience itself. Without these settings its months
-- would begin in UTC, and its figures would differ without an error.
DO $$
DECLARE
  audience text;
  setting text;
BEGIN
  FOREACH audience IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office',
    'store_managers_personal', 'regional_managers_personal', 'head_office_personal']
  LOOP
    FOREACH setting IN ARRAY ARRAY[
      'default_transaction_read_only = on', 'search_path = pg_catalog, retail, pg_temp',
      'timezone = ''America/Los_Angeles''', 'datestyle = ''ISO, YMD''', 'intervalstyle = iso_8601',
      'standard_conforming_strings = on', 'backslash_quote = safe_encoding', 'client_encoding = ''UTF8''',
      'row_security = on', 'transform_null_equals = off', 'array_nulls = on', 'bytea_output = hex',
      'extra_float_digits = 1']
    LOOP
      EXECUTE format('ALTER ROLE %I SET %s', audience, setting);
    END LOOP;
  END LOOP;
END $$;
