-- Products whose text is not embedded with this model as it stands, in the order of their ids.
SELECT p.product_id, p.sku, said.text, said.hash
FROM retail.products AS p
JOIN retail.categories AS c ON c.category_id = p.category_id
JOIN retail.product_types AS t ON t.type_id = p.type_id
CROSS JOIN LATERAL (
  SELECT concat_ws(E'\n', p.product_name, c.category_name, t.type_name, p.product_description,
                   nullif(p.synonyms, ''))
) AS made (text)
CROSS JOIN LATERAL (SELECT made.text, sha256(convert_to(made.text, 'UTF8'))) AS said (text, hash)
LEFT JOIN retail.product_embeddings AS e
  ON e.product_id = p.product_id AND e.model_id = %(model_id)s
WHERE e.content_hash IS DISTINCT FROM said.hash
  AND (%(after)s::uuid IS NULL OR p.product_id > %(after)s::uuid)
ORDER BY p.product_id
LIMIT %(most)s
