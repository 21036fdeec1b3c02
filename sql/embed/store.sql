-- One batch; a product that went away meanwhile is left out.
INSERT INTO retail.product_embeddings (product_id, model_id, content_hash, embedding, embedded_at)
SELECT p.product_id, %(model_id)s, made.hash, made.vector::extensions.vector, statement_timestamp()
FROM unnest(%(product_ids)s::uuid[], %(hashes)s::bytea[], %(vectors)s::text[]) AS made (product_id, hash, vector)
JOIN retail.products AS p ON p.product_id = made.product_id
ON CONFLICT (product_id, model_id) DO UPDATE
SET content_hash = excluded.content_hash, embedding = excluded.embedding, embedded_at = excluded.embedded_at
