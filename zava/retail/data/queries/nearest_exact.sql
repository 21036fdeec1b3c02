nearest AS MATERIALIZED (
  SELECT e.product_id, e.embedding OPERATOR(extensions.<=>) (SELECT vector FROM asked) AS distance
  FROM retail.product_embeddings AS e
  WHERE e.model_id = ($1->>'model_id')::uuid AND (SELECT vector FROM asked) IS NOT NULL
    /*filters of e.product_id*/
  ORDER BY distance, e.product_id
  LIMIT 51
)
