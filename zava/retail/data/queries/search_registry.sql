-- What search has to know beforehand: the active model, its vectors and index, the categories, and
-- the currency of list prices.
SELECT m.model_id, m.name, m.dimensions, m.minimum_similarity, m.weak_similarity,
       (SELECT count(*) FROM retail.product_embeddings AS e WHERE e.model_id = m.model_id) AS embedded,
       (SELECT count(*) FROM retail.products) AS products,
       EXISTS (
         SELECT FROM pg_catalog.pg_index AS i
         JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
         WHERE i.indrelid = 'retail.product_embeddings'::regclass AND i.indisvalid
           AND c.relname = 'product_embeddings_' || replace(m.model_id::text, '-', '') || '_idx'
       ) AS is_indexed,
       (SELECT json_object_agg(k.category_name, k.category_id) FROM retail.categories AS k) AS categories,
       zava.list_currency() AS currency
FROM (SELECT true) AS always
LEFT JOIN retail.embedding_models AS m ON m.active
