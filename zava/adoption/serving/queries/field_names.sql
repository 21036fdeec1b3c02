-- What a statement's names may mean: as the core's statement of this name has it, over every schema of the
-- search path. Further: how tables may be named, types that values may be cast to, and functions that
-- PostgreSQL finds before its own.
WITH {{outside}},
searched AS MATERIALIZED (
  SELECT n.oid, n.nspname FROM pg_namespace AS n WHERE n.nspname = ANY ({{path}})
),
column_of AS MATERIALIZED (
  SELECT r.name AS table_name, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
  FROM relation AS r JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
),
type_of AS MATERIALIZED (
  SELECT t.typname, s.nspname,
         t.typtype = 'e' OR (t.typtype = 'd' AND (b.typtype = 'e' OR (
           b.typnamespace = 'pg_catalog'::regnamespace AND b.typname = ANY ({{types}})))) AS is_value
  FROM pg_type AS t JOIN searched AS s ON s.oid = t.typnamespace LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
),
called (name) AS (
  SELECT p.proname FROM pg_proc AS p
  WHERE p.pronamespace IN (SELECT s.oid FROM searched AS s UNION ALL SELECT 'pg_catalog'::regnamespace)
    AND p.pronargs >= 1
  UNION
  SELECT t.typname FROM pg_type AS t WHERE t.typnamespace = 'pg_catalog'::regnamespace
  UNION
  SELECT t.typname FROM type_of AS t
)
SELECT
  (SELECT json_agg(DISTINCT c.name) FROM column_of AS c) AS columns,
  (SELECT json_object_agg(t.table_name, t.types)
   FROM (SELECT c.table_name, json_object_agg(c.name, c.type) AS types FROM column_of AS c GROUP BY c.table_name) AS t) AS tables,
  (SELECT json_agg(k.name) FROM called AS k WHERE k.name NOT IN (SELECT c.name FROM column_of AS c)) AS calling,
  (SELECT json_agg(r.of_schema || '.' || r.of_table) FROM relation AS r)::jsonb
    -- A bare name with this beginning may be a table of PostgreSQL's own, which is found first.
    || (SELECT coalesce(json_agg(DISTINCT r.of_table) FILTER (WHERE r.of_table NOT LIKE 'pg\_%'), '[]') FROM relation AS r)::jsonb AS names,
  (SELECT coalesce(json_agg(t.nspname || '.' || t.typname) FILTER (WHERE t.is_value), '[]') FROM type_of AS t)::jsonb
    || (SELECT coalesce(json_agg(v.typname), '[]')
        FROM (SELECT t.typname FROM type_of AS t GROUP BY t.typname HAVING bool_and(t.is_value)) AS v
        WHERE NOT EXISTS (SELECT FROM pg_type AS o WHERE o.typnamespace = 'pg_catalog'::regnamespace AND o.typname = v.typname))::jsonb AS types,
  (SELECT coalesce(json_agg(DISTINCT p.proname), '[]')
   FROM pg_proc AS p JOIN searched AS s ON s.oid = p.pronamespace
   CROSS JOIN LATERAL (
     SELECT format('%s(%s)', p.proname, replace(oidvectortypes(p.proargtypes), ', ', ','))
   ) AS f (signature)
   WHERE NOT (f.signature = ANY ({{trusted}}) OR s.nspname || '.' || f.signature = ANY ({{trusted}}))
     -- What comes with an extension and reads nothing of its own is PostgreSQL's for other types.
     AND NOT (NOT p.prosecdef AND EXISTS (
       SELECT FROM pg_depend AS e
       WHERE (e.classid, e.objid, e.deptype) = ('pg_proc'::regclass, p.oid, 'e'::"char")))) AS functions,
  (SELECT coalesce(json_object_agg(o.name, o.columns), '{}')
   FROM (SELECT x.name, json_agg(x.attname) AS columns FROM outside AS x GROUP BY x.name) AS o) AS outside_text
