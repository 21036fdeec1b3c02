-- Few qualify: they are all looked at. Many do: the index is walked until enough of them are met.
-- Drawn is what one filter leaves, and no more of it than shows that it is not few.
WITH asked AS MATERIALIZED (
  SELECT retail.asked_vector($1) AS vector
),
drawn AS MATERIALIZED (
  /*drawn*/
  LIMIT 30001
),
few AS MATERIALIZED (
  SELECT count(*) <= 30000 AS is_few FROM drawn
),
qualifying AS MATERIALIZED (
  SELECT DISTINCT d.product_id
  FROM drawn AS d
  WHERE (SELECT is_few FROM few) /*filters of d.product_id*/
),
nearest AS MATERIALIZED (
  SELECT best.product_id,
         best.embedding OPERATOR(extensions.<=>) (SELECT vector FROM asked) AS distance
  FROM (
    (SELECT e.product_id, e.embedding
     FROM qualifying AS q
     JOIN retail.product_embeddings AS e
       ON e.product_id = q.product_id AND e.model_id = ($1->>'model_id')::uuid
     WHERE (SELECT vector FROM asked) IS NOT NULL
     ORDER BY e.embedding OPERATOR(extensions.<=>) (SELECT vector FROM asked)
     LIMIT 51)
    UNION ALL
    (SELECT e.product_id, e.embedding
     FROM retail.product_embeddings AS e
     WHERE e.model_id = ($1->>'model_id')::uuid AND (SELECT vector FROM asked) IS NOT NULL
       -- Asked once, before the walk begins: what a filter takes has to be made up for.
       AND (SELECT set_config('hnsw.ef_search', '400', true)
            FROM few AS f WHERE NOT f.is_few) IS NOT NULL
       /*filters of e.product_id*/
     ORDER BY e.embedding::extensions.halfvec(/*dimensions*/) OPERATOR(extensions.<=>)
              (SELECT vector FROM asked)::extensions.halfvec(/*dimensions*/)
     LIMIT 51)
  ) AS best
)
