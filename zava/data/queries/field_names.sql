-- What `value.name` may select: the columns of the tables of the schema in $1. And what it would call or cast to
-- instead: functions, aggregates and types. A column of such a name is no call. `tables` has all
-- columns with their types, also those that the caller may not read: what is read of a statement's
-- text does not depend on whose statement was the first.
WITH column_of (name, table_name, type, is_stored) AS (
  SELECT a.attname, c.relname, format_type(a.atttypid, a.atttypmod), c.relkind <> 'v'
  FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  WHERE c.relnamespace = ($1->>'schema')::regnamespace AND c.relkind IN ('r', 'p', 'v')
    AND a.attnum > 0 AND NOT a.attisdropped
),
called (name) AS (
  SELECT p.proname
  FROM pg_catalog.pg_proc AS p
  WHERE p.pronamespace IN ('pg_catalog'::regnamespace, ($1->>'schema')::regnamespace)
    AND p.pronargs >= 1
  UNION
  SELECT t.typname FROM pg_catalog.pg_type AS t WHERE t.typnamespace = 'pg_catalog'::regnamespace
)
SELECT (SELECT json_agg(DISTINCT name) FROM column_of WHERE is_stored) AS columns,
       (SELECT json_object_agg(t.table_name, t.types)
        FROM (SELECT table_name, json_object_agg(name, type) AS types FROM column_of GROUP BY table_name) AS t) AS tables,
       (SELECT json_agg(name) FROM called WHERE name NOT IN (SELECT name FROM column_of WHERE is_stored)) AS calling
