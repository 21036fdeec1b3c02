-- Columns of text that outsiders may have written, one row each: those that the declaration lists, or
-- every column that words fit into. Shared tables and listed values are the application's own words.
declared (name, of_schema, of_table, is_shared, listed, trusted) AS (VALUES {{rules}}),
relation AS MATERIALIZED (
  SELECT d.*, c.oid
  FROM declared AS d JOIN pg_namespace AS n ON n.nspname = d.of_schema
  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = d.of_table
),
outside AS MATERIALIZED (
  SELECT r.name, a.attrelid, a.attnum, a.attname
  FROM relation AS r JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type AS t ON t.oid = a.atttypid
  JOIN pg_type AS b ON b.oid = coalesce(nullif(t.typbasetype, 0), nullif(t.typelem, 0), t.oid)
  WHERE CASE WHEN cardinality(r.listed) > 0 THEN a.attname = ANY (r.listed)
             ELSE NOT r.is_shared AND b.typtype <> 'e' AND a.attname <> ALL (r.trusted)
                  AND b.typname <> ALL ({{without_text}}) END
)
