-- Distances are reckoned anew at full precision: the index holds half of it.
WITH asked AS MATERIALIZED (
  SELECT retail.asked_vector($1) AS vector
),
nearest AS MATERIALIZED (
  SELECT best.product_id,
         best.embedding OPERATOR(extensions.<=>) (SELECT vector FROM asked) AS distance
  FROM (
    SELECT e.product_id, e.embedding
    FROM retail.product_embeddings AS e
    WHERE e.model_id = ($1->>'model_id')::uuid AND (SELECT vector FROM asked) IS NOT NULL
    ORDER BY e.embedding::extensions.halfvec(/*dimensions*/) OPERATOR(extensions.<=>)
             (SELECT vector FROM asked)::extensions.halfvec(/*dimensions*/)
    LIMIT 51
  ) AS best
)
