-- Products by SKU, by words and by meaning, merged by their places; with the stock that the caller
-- sees. `$1` holds the values; marked places are filled with constant text of ours.
WITH likened AS MATERIALIZED (
  SELECT p.product_id, p.sku
  FROM retail.products AS p
  WHERE $1->>'like' IS NOT NULL
    AND (upper(p.sku) = upper($1->>'like') OR lower(p.product_name) = lower($1->>'like'))
  ORDER BY p.sku
  LIMIT 1
),
-- Read once: the text of a vector is long.
asked AS MATERIALIZED (
  SELECT coalesce(
    ($1->>'vector')::extensions.vector,
    (SELECT e.embedding FROM likened AS l
     JOIN retail.product_embeddings AS e
       ON e.product_id = l.product_id AND e.model_id = ($1->>'model_id')::uuid)
  ) AS vector
),
lexeme AS MATERIALIZED (
  SELECT ('''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery AS query
  FROM unnest(to_tsvector('pg_catalog.english', $1->>'text')) AS l
  LIMIT 64
),
-- Any word is enough: all of them together are found in next to no product.
wanted AS MATERIALIZED (
  SELECT string_agg(l.query::text, ' | ')::tsquery AS query, count(*) AS lexemes FROM lexeme AS l
),
by_sku AS MATERIALIZED (
  SELECT p.product_id, named.place
  FROM jsonb_array_elements_text($1->'skus') WITH ORDINALITY AS named (sku, place)
  JOIN retail.products AS p ON upper(p.sku) = named.sku /*filters of p.product_id*/
),
by_words AS MATERIALIZED (
  SELECT best.product_id, row_number() OVER (ORDER BY best.rank DESC, best.product_id) AS place,
         -- One word of seven says little, whatever place it earns.
         (SELECT count(*) FROM lexeme AS l WHERE best.words @@ l.query)::float8
           / (SELECT lexemes FROM wanted) AS weight
  FROM (
    SELECT w.product_id, w.words, ts_rank(w.words, (SELECT query FROM wanted), 1) AS rank
    FROM retail.product_words AS w
    WHERE w.words @@ (SELECT query FROM wanted) /*filters of w.product_id*/
    ORDER BY rank DESC, w.product_id
    LIMIT 50
  ) AS best
),
/*nearest*/,
-- The floor stands out here: inside, an index would be walked to its end for what nothing meets.
by_meaning AS MATERIALIZED (
  SELECT n.product_id, row_number() OVER (ORDER BY n.distance, n.product_id) AS place
  FROM nearest AS n
  WHERE 1 - n.distance >= ($1->>'threshold')::float8
    AND n.product_id IS DISTINCT FROM (SELECT l.product_id FROM likened AS l)
),
fused AS (
  SELECT placed.product_id, bool_or(placed.is_sku) AS is_sku, bool_or(placed.is_word) AS is_word,
         bool_or(placed.is_meaning) AS is_meaning, sum(placed.weight / (60 + placed.place)) AS score
  FROM (
    SELECT product_id, place, 1.0::float8 AS weight, true AS is_sku, true AS is_word,
           false AS is_meaning
    FROM by_sku
    UNION ALL
    SELECT product_id, place, weight, false, true, false FROM by_words
    UNION ALL
    SELECT product_id, place, 1.0, false, false, true FROM by_meaning
  ) AS placed
  GROUP BY placed.product_id
),
judged AS (
  SELECT f.*, 1 - (e.embedding OPERATOR(extensions.<=>) (SELECT vector FROM asked)) AS similarity,
         (SELECT count(*) FROM lexeme AS l WHERE w.words @@ l.query)::float8
           / nullif((SELECT lexemes FROM wanted), 0) AS coverage,
         jsonb_array_length($1->'size_patterns') > 0 AND NOT EXISTS (
           SELECT FROM jsonb_array_elements_text($1->'size_patterns') AS size (pattern)
           WHERE p.product_name !~* size.pattern
         ) AS is_of_size
  FROM fused AS f
  JOIN retail.products AS p ON p.product_id = f.product_id
  LEFT JOIN retail.product_words AS w ON w.product_id = f.product_id
  LEFT JOIN retail.product_embeddings AS e
    ON e.product_id = f.product_id AND e.model_id = ($1->>'model_id')::uuid
),
chosen AS (
  SELECT j.*, row_number() OVER (
           ORDER BY j.is_sku DESC, coalesce(j.is_of_size AND j.coverage = 1, false) DESC, j.score DESC,
                    j.product_id
         ) AS place
  FROM judged AS j
  -- What shares less than half of the words and no meaning is there by accident; and who gives
  -- nothing but SKUs means those.
  WHERE j.is_sku OR (
    (SELECT count(*) FROM by_sku) < ($1->>'word_count')::integer
    AND (j.similarity IS NULL OR j.similarity >= ($1->>'threshold')::float8
         OR (j.coverage >= 0.5 AND NOT ($1->>'is_strict')::boolean)))
)
SELECT found.*, shown.*
FROM (
  SELECT (SELECT m.model_id FROM retail.embedding_models AS m WHERE m.active)
           IS NOT DISTINCT FROM ($1->>'model_id')::uuid AS is_model_active,
         (SELECT l.sku FROM likened AS l) AS likened,
         (SELECT count(*) FROM by_words) AS words_found,
         (SELECT count(*) FROM nearest) AS nearest_found,
         (SELECT 1 - min(n.distance) FROM nearest AS n
          WHERE n.product_id IS DISTINCT FROM (SELECT l.product_id FROM likened AS l)) AS best_similarity,
         (SELECT json_agg(near.category_name)
          FROM (SELECT k.category_name
                FROM nearest AS n
                JOIN retail.products AS p ON p.product_id = n.product_id
                JOIN retail.categories AS k ON k.category_id = p.category_id
                GROUP BY k.category_name
                ORDER BY min(n.distance)
                LIMIT 3) AS near) AS nearest_categories,
         (SELECT count(*) FROM chosen) AS found,
         (SELECT count(*) FROM chosen AS c WHERE c.is_of_size) AS of_size,
         /*is_exact*/ AS is_exact
) AS found
LEFT JOIN (
  SELECT c.place, p.sku, p.product_name, k.category_name, p.base_price,
         left(p.product_description, 241) AS description, p.discontinued,
         coalesce(s.stock, 0) AS stock, coalesce(s.stores, 0) AS stores_in_stock,
         c.is_sku, c.is_word, c.is_meaning, c.similarity, c.coverage, c.is_of_size
  FROM chosen AS c
  JOIN retail.products AS p ON p.product_id = c.product_id
  JOIN retail.categories AS k ON k.category_id = p.category_id
  CROSS JOIN LATERAL (
    SELECT sum(i.stock_level) AS stock, count(*) FILTER (WHERE i.stock_level > 0) AS stores
    FROM retail.inventory AS i
    WHERE i.product_id = p.product_id
  ) AS s
  WHERE c.place <= ($1->>'max_rows')::integer
) AS shown ON true
ORDER BY shown.place
