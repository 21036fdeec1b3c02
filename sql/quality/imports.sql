-- The last imports that ended, the newest first. They concern the whole chain.
SELECT to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS finished, source, mode, written, rejected FROM zava.last_imports()
