-- Origins (table, column) of text that customers or suppliers wrote; $1 lists it by table of a
-- schema.
SELECT a.attrelid::bigint AS table_id, a.attnum AS column_number
FROM pg_catalog.pg_attribute AS a
JOIN jsonb_each($1->'columns') AS outside (table_name, column_names)
  ON a.attrelid = format('%I.%I', $1->>'schema', table_name)::regclass AND column_names ? a.attname::text
