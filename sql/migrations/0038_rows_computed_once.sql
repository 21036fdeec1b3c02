-- As before, with each cell computed once. PostgreSQL merges a query in FROM with the query around it
-- and then writes the expression of a cell in each place that names it: a subquery in a SELECT list
-- ran twice for each row. OFFSET 0 keeps the two queries apart and skips no row.
SET LOCAL ROLE zava_context;
CREATE OR REPLACE FUNCTION zava.rows_as_text(statement text, columns integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT format(
    $text$SELECT pg_catalog.concat(pg_catalog.num_nulls(%1$s), E'\x1f', %2$s)
      FROM (SELECT %1$s FROM (%3$s
    ) AS q (%1$s) OFFSET 0) AS q$text$,
    string_agg('c' || n, ', ' ORDER BY n),
    string_agg('c' || n, $text$, E'\x1f', $text$ ORDER BY n),
    statement)
  FROM generate_series(1, columns) AS n;
END;
RESET ROLE;
