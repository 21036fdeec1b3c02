-- Names that `value.name` would call or cast to rather than select: functions of one argument that
-- do or read something beside it, and types that name entries of the catalog.
SELECT json_agg(DISTINCT name) AS names
FROM (
  SELECT p.proname
  FROM pg_catalog.pg_proc AS p
  WHERE p.pronamespace IN ('pg_catalog'::regnamespace, 'retail'::regnamespace)
    AND p.prokind = 'f' AND p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1
    AND (p.provolatile <> 'i' OR p.proname LIKE 'pg\_%')
  UNION ALL
  SELECT t.typname
  FROM pg_catalog.pg_type AS t
  WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typname ~ '^_?(reg|acl|xml|pg_)'
) AS called (name)
