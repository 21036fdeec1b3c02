-- All of the declaration is applied. The isolation check compares functions and settings with these.
UPDATE zava.declaration SET
  is_complete = true,
  applied_at = clock_timestamp(),
  facts = facts || jsonb_build_object(
    'functions', (SELECT jsonb_object_agg(p.oid::regprocedure::text,
                           encode(sha256(convert_to(pg_get_functiondef(p.oid), 'UTF8')), 'hex'))
                  FROM pg_proc AS p WHERE p.pronamespace = 'zava'::regnamespace),
    'settings', (SELECT to_jsonb(s.setconfig) FROM pg_db_role_setting AS s
                 JOIN pg_database AS d ON d.oid = s.setdatabase
                 JOIN pg_roles AS r ON r.oid = s.setrole
                 WHERE d.datname = current_database() AND r.rolname = {{server}}))
WHERE number = (SELECT max(l.number) FROM zava.declaration AS l);
