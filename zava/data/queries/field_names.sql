-- What `value.name` may select: the columns of the retail tables. And what it would call or cast to
-- instead: functions, aggregates and types. A column of such a name is no call.
WITH column_of (name) AS (
  SELECT a.attname
  FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  WHERE c.relnamespace = 'retail'::regnamespace AND c.relkind IN ('r', 'p')
    AND a.attnum > 0 AND NOT a.attisdropped
),
called (name) AS (
  SELECT p.proname
  FROM pg_catalog.pg_proc AS p
  WHERE p.pronamespace IN ('pg_catalog'::regnamespace, 'retail'::regnamespace)
    AND p.pronargs >= 1
  UNION
  SELECT t.typname FROM pg_catalog.pg_type AS t WHERE t.typnamespace = 'pg_catalog'::regnamespace
)
SELECT (SELECT json_agg(DISTINCT name) FROM column_of) AS columns,
       (SELECT json_agg(name) FROM called WHERE name NOT IN (SELECT name FROM column_of)) AS calling
