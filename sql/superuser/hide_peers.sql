-- Without the guard a caller could read here what other stores' calls do: locks, snapshots,
-- counters of tables and of connections, and rows past the policies (currtid2).
--
-- These functions belong to PostgreSQL's superuser, in each database. The embedded server runs
-- this at every start; on a server of your own, run it once after the migrations as a superuser
-- in the product's database. It may run again.
DO $$
DECLARE
  shown regprocedure;
  reader name;
BEGIN
  FOR shown IN
    SELECT f.oid FROM pg_proc AS f
    WHERE f.pronamespace = 'pg_catalog'::regnamespace
      AND (f.proname IN ('pg_lock_status', 'pg_current_snapshot', 'txid_current_snapshot', 'currtid2')
           OR f.proname LIKE 'pg\_stat\_get\_%')
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', shown);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pg_monitor', shown);
  END LOOP;
  -- The owner of the context functions reads locks; where it does not exist yet, a migration of
  -- the database's owner passes the right on.
  EXECUTE format('GRANT EXECUTE ON FUNCTION pg_lock_status() TO %I WITH GRANT OPTION',
                 (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()));
  IF to_regrole('zava_context') IS NOT NULL THEN
    GRANT EXECUTE ON FUNCTION pg_lock_status() TO zava_context;
  END IF;
END $$;
