-- The structure of the declared tables, reduced to the columns that the reading role may see.
WITH declared (name, of_schema, of_table) AS (VALUES {{tables}}),
relation AS MATERIALIZED (
  SELECT d.name, c.oid, format('%I.%I', d.of_schema, d.of_table) AS spelled
  FROM declared AS d JOIN pg_namespace AS n ON n.nspname = d.of_schema
  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = d.of_table
)
SELECT
  r.name AS table_name,
  obj_description(r.oid, 'pg_class') AS comment,
  (SELECT json_agg(json_build_object(
     'name', a.attname,
     'type', format_type(a.atttypid, a.atttypmod),
     'base', CASE WHEN 'e' IN (t.typtype, b.typtype) THEN 'enum'
                  WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
     'is_nullable', NOT (a.attnotnull OR t.typnotnull),
     'comment', col_description(r.oid, a.attnum),
     'values', coalesce(
       (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid IN (t.oid, b.oid)),
       -- CHECK (status IN (…)) is stored as = ANY (ARRAY['pending'::text, …]).
       (SELECT json_agg(item[1])
        FROM pg_constraint AS k,
             regexp_matches(pg_get_constraintdef(k.oid), '''((?:[^'']|'''')*)''::(?:text|character varying)', 'g') AS item
        WHERE k.conrelid = r.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
          AND pg_get_constraintdef(k.oid) LIKE '%= ANY (%ARRAY[%')))
   ORDER BY a.attnum)
   FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
   LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
   WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
     AND has_column_privilege(r.oid, a.attnum, 'SELECT')) AS columns,
  (SELECT json_agg(a.attname ORDER BY place.position)
   FROM pg_constraint AS k, unnest(k.conkey) WITH ORDINALITY AS place (attnum, position)
   JOIN pg_attribute AS a ON a.attnum = place.attnum
   WHERE k.conrelid = r.oid AND k.contype = 'p' AND a.attrelid = r.oid) AS primary_key,
  (SELECT json_agg(json_build_object(
     'table', target.spelled,
     'columns', (SELECT json_agg(a.attname ORDER BY place.position)
                 FROM unnest(k.conkey) WITH ORDINALITY AS place (attnum, position)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = place.attnum),
     'references', (SELECT json_agg(a.attname ORDER BY place.position)
                    FROM unnest(k.confkey) WITH ORDINALITY AS place (attnum, position)
                    JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = place.attnum))
   ORDER BY k.conname)
   FROM pg_constraint AS k JOIN relation AS target ON target.oid = k.confrelid
   WHERE k.conrelid = r.oid AND k.contype = 'f' AND k.conparentid = 0) AS foreign_keys
FROM relation AS r
WHERE has_any_column_privilege(r.oid, 'SELECT')
ORDER BY r.name
