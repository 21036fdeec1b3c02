-- Origins (table, column) of text that outsiders may have written; then the enumerations, as column 0.
WITH {{outside}}
SELECT o.attrelid::bigint AS table_id, o.attnum AS column_number FROM outside AS o
UNION ALL
SELECT t.oid::bigint, 0 FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.typtype = 'e' AND n.nspname = ANY ({{path}})
