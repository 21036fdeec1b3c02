-- The login's settings, in this database alone: another one may use the same role.
DO $login$
DECLARE
  setting record;
BEGIN
  FOR setting IN
    SELECT * FROM (VALUES {{settings}}) AS settings (name, value)
  LOOP
    EXECUTE pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET %s = %s',
                              {{server_text}}, pg_catalog.current_database(), setting.name, setting.value);
  END LOOP;
END $login$;
