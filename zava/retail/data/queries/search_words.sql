-- The words of the catalogue and the shapes of its SKUs, from products, which every caller sees
-- alike. Of a very large catalogue the first 20,000 products are read, and of the words as many as
-- fit into an answer. The parser of full text splits the texts: regular expressions take ten times
-- as long.
WITH product AS MATERIALIZED (
  SELECT p.product_id, p.sku,
         to_tsvector('pg_catalog.simple', left(p.product_description, 2000)) AS described,
         lower(concat_ws(', ', t.type_name, left(p.synonyms, 1000))) AS kind,
         to_tsvector('pg_catalog.simple', concat_ws(' ', p.product_name, t.type_name, left(p.synonyms, 1000), c.category_name)) AS named
  FROM retail.products AS p
  JOIN retail.categories AS c ON c.category_id = p.category_id
  JOIN retail.product_types AS t ON t.type_id = p.type_id
  ORDER BY p.product_id
  LIMIT 20000
),
named AS MATERIALIZED (
  SELECT n.word, n.products, sum(octet_length(n.word) + 12) OVER (ORDER BY n.products DESC, n.word) AS bytes
  FROM (SELECT found.lexeme AS word, count(*) AS products
        FROM product AS p
        CROSS JOIN LATERAL unnest(p.named) AS found
        GROUP BY found.lexeme) AS n
  WHERE n.word ~ '^([[:alpha:]]{2,40}|[0-9]{1,3}(x[0-9]{1,3})+)$'
),
described AS MATERIALIZED (
  SELECT d.word, sum(octet_length(d.word) + 4) OVER (ORDER BY d.products DESC, d.word) AS bytes
  FROM (SELECT found.lexeme AS word, count(*) AS products
        FROM product AS p
        CROSS JOIN LATERAL unnest(p.described) AS found
        GROUP BY found.lexeme) AS d
  WHERE d.word ~ '^[[:alpha:]]{2,40}$'
),
kind AS MATERIALIZED (
  SELECT k.text, sum(octet_length(to_json(k.text)::text) + 2) OVER (ORDER BY k.products DESC, k.text) AS bytes
  FROM (SELECT p.kind AS text, count(*) AS products FROM product AS p GROUP BY p.kind) AS k
)
SELECT (SELECT json_object_agg(n.word, n.products) FROM named AS n WHERE n.bytes <= 300000) AS named,
       (SELECT json_agg(d.word) FROM described AS d WHERE d.bytes <= 300000) AS described,
       (SELECT json_agg(k.text) FROM kind AS k WHERE k.bytes <= 300000) AS kinds,
       (SELECT json_agg(s.shape)
        FROM (SELECT regexp_replace(upper(p.sku), '[0-9]', '9', 'g') AS shape
              FROM product AS p
              GROUP BY shape
              ORDER BY count(*) DESC, shape
              LIMIT 1000) AS s) AS sku_shapes
