-- The words of the catalogue and the shapes of its SKUs, from products, which every caller sees
-- alike. Of a very large catalogue the first 50,000 products are read.
WITH product AS MATERIALIZED (
  SELECT p.product_id, p.sku, lower(p.product_description) AS described,
         lower(concat_ws(', ', t.type_name, p.synonyms)) AS kind,
         lower(concat_ws(' ', p.product_name, t.type_name, p.synonyms, c.category_name)) AS named
  FROM retail.products AS p
  JOIN retail.categories AS c ON c.category_id = p.category_id
  JOIN retail.product_types AS t ON t.type_id = p.type_id
  ORDER BY p.product_id
  LIMIT 50000
),
named AS MATERIALIZED (
  SELECT found.word[1] AS word, count(DISTINCT p.product_id) AS products
  FROM product AS p
  CROSS JOIN LATERAL regexp_matches(p.named, '[[:alpha:]]{2,40}|[0-9]{1,3}(?:x[0-9]{1,3})+', 'g') AS found (word)
  GROUP BY found.word[1]
)
SELECT (SELECT json_object_agg(n.word, n.products) FROM named AS n) AS named,
       (SELECT json_agg(DISTINCT found.word[1])
        FROM product AS p
        CROSS JOIN LATERAL regexp_matches(p.described, '[[:alpha:]]{2,40}', 'g') AS found (word)) AS described,
       (SELECT json_agg(DISTINCT p.kind) FROM product AS p) AS kinds,
       (SELECT json_agg(s.shape)
        FROM (SELECT regexp_replace(upper(p.sku), '[0-9]', '9', 'g') AS shape
              FROM product AS p
              GROUP BY shape
              ORDER BY count(*) DESC, shape
              LIMIT 1000) AS s) AS sku_shapes
