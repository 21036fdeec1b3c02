-- What `zava data` shows of imports. The stores are in sql/quality.

-- name: runs
SELECT r.finished_at, r.source_system, r.mode, (SELECT string_agg(f.file->>'name', ', ')
                                                FROM jsonb_array_elements(r.files) AS f (file)),
       (SELECT sum((c.value->>'added')::bigint + (c.value->>'changed')::bigint + (c.value->>'removed')::bigint)
        FROM jsonb_each(r.result) AS c)::bigint,
       (SELECT sum((c.value->>'rejected')::bigint) FROM jsonb_each(r.result) AS c)::bigint
FROM zava.import_runs AS r WHERE r.state = 'done' ORDER BY r.finished_at DESC LIMIT 10

-- name: rejected by rule
SELECT r.table_name, r.column_name, r.rule, count(*)
FROM zava_import.rejects AS r
WHERE r.run_id = (SELECT l.run_id FROM zava.import_runs AS l WHERE l.state = 'done' ORDER BY l.finished_at DESC LIMIT 1)
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT 20
