-- Few qualify: they are all looked at. Many do: the index is walked until enough of them are met.
qualifying AS MATERIALIZED (
  SELECT p.product_id FROM retail.products AS p WHERE true /*filters*/ LIMIT 10001
),
few AS MATERIALIZED (
  SELECT count(*) <= 10000 AS is_few FROM qualifying
),
nearest AS MATERIALIZED (
  SELECT best.product_id,
         best.embedding OPERATOR(extensions.<=>) (SELECT vector FROM asked) AS distance
  FROM (
    (SELECT e.product_id, e.embedding
     FROM qualifying AS q
     JOIN retail.product_embeddings AS e
       ON e.product_id = q.product_id AND e.model_id = ($1->>'model_id')::uuid
     WHERE (SELECT is_few FROM few) AND (SELECT vector FROM asked) IS NOT NULL
     ORDER BY e.embedding OPERATOR(extensions.<=>) (SELECT vector FROM asked)
     LIMIT 51)
    UNION ALL
    (SELECT e.product_id, e.embedding
     FROM retail.product_embeddings AS e
     JOIN retail.products AS p ON p.product_id = e.product_id
     WHERE e.model_id = ($1->>'model_id')::uuid AND NOT (SELECT is_few FROM few)
       AND (SELECT vector FROM asked) IS NOT NULL /*filters*/
     ORDER BY e.embedding::extensions.halfvec(/*dimensions*/) OPERATOR(extensions.<=>)
              (SELECT vector FROM asked)::extensions.halfvec(/*dimensions*/)
     LIMIT 51)
  ) AS best
)
