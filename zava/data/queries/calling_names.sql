-- Names that `value.name` would call rather than select: functions of one argument that do or
-- read something beside it.
SELECT json_agg(DISTINCT p.proname) AS names
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace IN ('pg_catalog'::regnamespace, 'retail'::regnamespace)
  AND p.prokind = 'f' AND p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1
  AND (p.provolatile <> 'i' OR p.proname LIKE 'pg\_%')
