-- The structure of every table of the schema in $1, reduced to the columns that the reading role may see.
-- From pg_catalog, because information_schema hides keys from roles that own nothing.
SELECT
  c.relname AS table_name,
  obj_description(c.oid, 'pg_class') AS comment,
  (SELECT json_agg(json_build_object(
     'name', a.attname,
     'type', format_type(a.atttypid, a.atttypmod),
     'is_nullable', NOT a.attnotnull,
     'comment', col_description(c.oid, a.attnum),
     'values', (
       -- CHECK (status IN (…)) is stored as = ANY (ARRAY['pending'::text, …]).
       SELECT json_agg(item[1])
       FROM pg_constraint AS k,
            regexp_matches(pg_get_constraintdef(k.oid), '''((?:[^'']|'''')*)''::text', 'g') AS item
       WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
         AND pg_get_constraintdef(k.oid) LIKE '%= ANY (ARRAY[%'))
   ORDER BY a.attnum)
   FROM pg_attribute AS a
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     AND has_column_privilege(c.oid, a.attnum, 'SELECT')) AS columns,
  (SELECT json_agg(a.attname ORDER BY place.position)
   FROM pg_constraint AS k,
        unnest(k.conkey) WITH ORDINALITY AS place (attnum, position)
   JOIN pg_attribute AS a ON a.attnum = place.attnum
   WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attrelid = c.oid) AS primary_key,
  (SELECT json_agg(json_build_object(
     'table', ($1->>'schema') || '.' || target.relname,
     'columns', (SELECT json_agg(a.attname ORDER BY place.position)
                 FROM unnest(k.conkey) WITH ORDINALITY AS place (attnum, position)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = place.attnum),
     'references', (SELECT json_agg(a.attname ORDER BY place.position)
                    FROM unnest(k.confkey) WITH ORDINALITY AS place (attnum, position)
                    JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = place.attnum))
   ORDER BY k.conname)
   FROM pg_constraint AS k
   JOIN pg_class AS target ON target.oid = k.confrelid
   WHERE k.conrelid = c.oid AND k.contype = 'f') AS foreign_keys
FROM pg_class AS c
WHERE c.relnamespace = ($1->>'schema')::regnamespace AND c.relkind IN ('r', 'p', 'v')
  AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY c.relname
