-- The words of the catalogue and the shapes of its SKUs, from products, which every caller sees
-- alike. Of a very large catalogue the first 20,000 products are read. The parser of full text
-- splits the texts: regular expressions take ten times as long.
WITH product AS MATERIALIZED (
  SELECT p.product_id, p.sku,
         to_tsvector('pg_catalog.simple', p.product_description) AS described,
         lower(concat_ws(', ', t.type_name, p.synonyms)) AS kind,
         to_tsvector('pg_catalog.simple', concat_ws(' ', p.product_name, t.type_name, p.synonyms, c.category_name)) AS named
  FROM retail.products AS p
  JOIN retail.categories AS c ON c.category_id = p.category_id
  JOIN retail.product_types AS t ON t.type_id = p.type_id
  ORDER BY p.product_id
  LIMIT 20000
),
named AS MATERIALIZED (
  SELECT found.lexeme AS word, count(*) AS products
  FROM product AS p
  CROSS JOIN LATERAL unnest(p.named) AS found
  GROUP BY found.lexeme
),
described AS MATERIALIZED (
  SELECT DISTINCT found.lexeme AS word
  FROM product AS p
  CROSS JOIN LATERAL unnest(p.described) AS found
)
SELECT (SELECT json_object_agg(n.word, n.products)
        FROM named AS n
        WHERE n.word ~ '^([[:alpha:]]{2,40}|[0-9]{1,3}(x[0-9]{1,3})+)$') AS named,
       (SELECT json_agg(d.word) FROM described AS d WHERE d.word ~ '^[[:alpha:]]{2,40}$') AS described,
       (SELECT json_agg(DISTINCT p.kind) FROM product AS p) AS kinds,
       (SELECT json_agg(s.shape)
        FROM (SELECT regexp_replace(upper(p.sku), '[0-9]', '9', 'g') AS shape
              FROM product AS p
              GROUP BY shape
              ORDER BY count(*) DESC, shape
              LIMIT 1000) AS s) AS sku_shapes
