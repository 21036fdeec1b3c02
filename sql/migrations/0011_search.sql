-- Product search: words to find, vectors, and thresholds to judge by.
SET LOCAL ROLE zava_owner;

CREATE TABLE retail.embedding_models (
  model_id            uuid PRIMARY KEY DEFAULT retail.new_id(),
  name                text NOT NULL UNIQUE,
  dimensions          integer NOT NULL CHECK (dimensions BETWEEN 1 AND 2000),
  minimum_similarity  real NOT NULL CHECK (minimum_similarity BETWEEN 0 AND 1),
  active              boolean NOT NULL DEFAULT false,
  -- Until a model is calibrated, whatever it finds counts as weak.
  weak_similarity     real NOT NULL DEFAULT 1,
  CHECK (weak_similarity BETWEEN minimum_similarity AND 1)
);
CREATE UNIQUE INDEX embedding_models_one_active_idx ON retail.embedding_models (active) WHERE active;

-- The column carries no dimension: two models stand side by side while one replaces the other.
CREATE TABLE retail.product_embeddings (
  product_id    uuid NOT NULL REFERENCES retail.products ON DELETE CASCADE,
  model_id      uuid NOT NULL REFERENCES retail.embedding_models,
  content_hash  bytea NOT NULL,
  embedding     extensions.vector NOT NULL,
  embedded_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (product_id, model_id)
);
CREATE INDEX product_embeddings_model_idx ON retail.product_embeddings (model_id);
ALTER TABLE retail.product_embeddings ALTER COLUMN embedding SET STORAGE PLAIN;

CREATE FUNCTION retail.check_dimensions() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  expected integer := (SELECT m.dimensions FROM retail.embedding_models m WHERE m.model_id = NEW.model_id);
BEGIN
  IF extensions.vector_dims(NEW.embedding) <> expected THEN
    RAISE EXCEPTION 'embedding has % dimensions, its model %', extensions.vector_dims(NEW.embedding), expected
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER product_embeddings_dimensions BEFORE INSERT OR UPDATE ON retail.product_embeddings
  FOR EACH ROW EXECUTE FUNCTION retail.check_dimensions();

-- Apart from the products, so that `SELECT *` on those stays what a reader wants to see.
CREATE TABLE retail.product_words (
  product_id  uuid PRIMARY KEY REFERENCES retail.products ON DELETE CASCADE,
  words       tsvector NOT NULL
);

-- By statement, not by row: a catalogue is imported in one.
CREATE FUNCTION retail.index_words() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  touched uuid[];
BEGIN
  IF TG_TABLE_NAME = 'products' THEN
    touched := ARRAY(SELECT n.product_id FROM changed AS n);
  ELSIF TG_TABLE_NAME = 'product_types' THEN
    touched := ARRAY(SELECT p.product_id FROM retail.products AS p JOIN changed AS n ON n.type_id = p.type_id);
  ELSE
    touched := ARRAY(SELECT p.product_id FROM retail.products AS p JOIN changed AS n ON n.category_id = p.category_id);
  END IF;
  INSERT INTO retail.product_words (product_id, words)
  SELECT p.product_id,
         setweight(to_tsvector('pg_catalog.english', p.product_name), 'A')
         || setweight(to_tsvector('pg_catalog.english', concat_ws(', ', t.type_name, p.synonyms)), 'B')
         || setweight(to_tsvector('pg_catalog.english', c.category_name), 'C')
         || setweight(to_tsvector('pg_catalog.english', p.product_description), 'D')
  FROM retail.products AS p
  JOIN retail.categories AS c ON c.category_id = p.category_id
  JOIN retail.product_types AS t ON t.type_id = p.type_id
  WHERE p.product_id = ANY (touched)
  ON CONFLICT (product_id) DO UPDATE SET words = excluded.words
  WHERE product_words.words IS DISTINCT FROM excluded.words;
  RETURN NULL;
END $$;
CREATE TRIGGER products_words_made AFTER INSERT ON retail.products
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION retail.index_words();
CREATE TRIGGER products_words_changed AFTER UPDATE ON retail.products
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION retail.index_words();
CREATE TRIGGER product_types_words_changed AFTER UPDATE ON retail.product_types
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION retail.index_words();
CREATE TRIGGER categories_words_changed AFTER UPDATE ON retail.categories
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION retail.index_words();

CREATE INDEX product_words_idx ON retail.product_words USING gin (words);

COMMENT ON TABLE retail.embedding_models IS 'Embedding models known to product search.';
COMMENT ON TABLE retail.product_embeddings IS 'Vectors of product search; use the search tool instead.';
COMMENT ON TABLE retail.product_words IS 'Words of product search; use the search tool instead.';
GRANT SELECT, INSERT, UPDATE, DELETE
  ON retail.embedding_models, retail.product_embeddings, retail.product_words TO zava_loader;
GRANT SELECT ON retail.embedding_models, retail.product_embeddings
  TO regional_managers, head_office, store_managers;
GRANT SELECT ON retail.product_words TO store_managers, regional_managers, head_office;

-- Product search ranks in a function, so that a connection keeps the plan: planning took a third of
-- a search. The function reads what all callers share and no tenant's table. So its plan depends on
-- no caller. The statement that calls it adds the stock, and PostgreSQL plans that each time.
CREATE FUNCTION retail.likened_product(name text) RETURNS uuid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT p.product_id
  FROM retail.products AS p
  WHERE upper(p.sku) = upper(name) OR lower(p.product_name) = lower(name)
  ORDER BY p.sku
  LIMIT 1;
END;

-- The question's own vector, or that of the product that others are likened to.
CREATE FUNCTION retail.asked_vector(question jsonb) RETURNS extensions.vector
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF question->>'vector' IS NOT NULL THEN
    RETURN (question->>'vector')::extensions.vector;
  ELSIF question->>'like' IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT e.embedding
          FROM retail.product_embeddings AS e
          WHERE e.product_id = retail.likened_product(question->>'like')
            AND e.model_id = (question->>'model_id')::uuid);
END $$;

-- Any word is enough: all of them together are found in next to no product.
CREATE FUNCTION retail.words_of(text text) RETURNS tsquery[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT array_agg(('''' || replace(replace(t.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery)
  FROM (SELECT l.lexeme FROM unnest(to_tsvector('pg_catalog.english', text)) AS l LIMIT 64) AS t;
END;

-- `available` limits the products, NULL does not. `near_ids` and `near_distances` are the nearest by
-- meaning where an index found them, best first; NULL compares the vectors of all products.
CREATE FUNCTION retail.rank_products(
  question jsonb, available uuid[], near_ids uuid[], near_distances double precision[]
) RETURNS TABLE (
  is_model_active boolean, likened text, words_found bigint, nearest_found bigint,
  best_similarity double precision, nearest_categories json, found bigint, of_size bigint,
  place bigint, product_id uuid, sku text, product_name text, category_name text, base_price numeric,
  description text, discontinued boolean, is_sku boolean, is_word boolean, is_meaning boolean,
  similarity double precision, coverage double precision, is_of_size boolean
)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  -- Read once: in the statement each of them would be read from the JSON at every row.
  v_model uuid := (question->>'model_id')::uuid;
  v_threshold double precision := (question->>'threshold')::double precision;
  v_is_strict boolean := (question->>'is_strict')::boolean;
  v_words integer := (question->>'word_count')::integer;
  v_rows integer := (question->>'max_rows')::integer;
  v_category uuid := (question->>'category_id')::uuid;
  v_least numeric := (question->>'least')::numeric;
  v_most numeric := (question->>'most')::numeric;
  v_is_filtered boolean := v_category IS NOT NULL OR v_least IS NOT NULL OR available IS NOT NULL;
  v_asked extensions.vector := retail.asked_vector(question);
  v_likened uuid;
  v_sizes text[];
  v_skus text[];
  v_sku_ids uuid[];
  v_sku_places bigint[];
  v_lexemes tsquery[] := retail.words_of(question->>'text');
  v_wanted tsquery;
BEGIN
  IF question->>'like' IS NOT NULL THEN
    v_likened := retail.likened_product(question->>'like');
  END IF;
  IF jsonb_array_length(question->'size_patterns') > 0 THEN
    v_sizes := ARRAY(SELECT jsonb_array_elements_text(question->'size_patterns'));
  END IF;
  v_wanted := array_to_string(v_lexemes, ' | ')::tsquery;
  IF jsonb_array_length(question->'skus') > 0 THEN
    SELECT array_agg(p.product_id), array_agg(named.place)
    INTO v_sku_ids, v_sku_places
    FROM jsonb_array_elements_text(question->'skus') WITH ORDINALITY AS named (sku, place)
    JOIN retail.products AS p ON upper(p.sku) = named.sku
    WHERE (v_category IS NULL OR p.category_id = v_category)
      AND (v_least IS NULL OR p.base_price BETWEEN v_least AND v_most)
      AND (available IS NULL OR p.product_id = ANY (available));
  END IF;

  RETURN QUERY
  WITH allowed AS MATERIALIZED (
    SELECT p.product_id
    FROM retail.products AS p
    WHERE (v_category IS NULL OR p.category_id = v_category)
      AND (v_least IS NULL OR p.base_price BETWEEN v_least AND v_most)
      AND (available IS NULL OR p.product_id IN (SELECT unnest(available)))
  ),
  nearest AS MATERIALIZED (
    (SELECT e.product_id, e.embedding OPERATOR(extensions.<=>) v_asked AS distance
     FROM retail.product_embeddings AS e
     WHERE near_ids IS NULL AND v_asked IS NOT NULL AND e.model_id = v_model
       AND (NOT v_is_filtered OR e.product_id IN (SELECT a.product_id FROM allowed AS a))
     ORDER BY distance, e.product_id
     LIMIT 51)
    UNION ALL
    SELECT n.product_id, n.distance FROM unnest(near_ids, near_distances) AS n (product_id, distance)
  ),
  by_words AS MATERIALIZED (
    SELECT best.product_id, row_number() OVER (ORDER BY best.rank DESC, best.product_id) AS place
    FROM (
      SELECT w.product_id, ts_rank(w.words, v_wanted, 1) AS rank
      FROM retail.product_words AS w
      WHERE w.words @@ v_wanted
        AND (NOT v_is_filtered OR w.product_id IN (SELECT a.product_id FROM allowed AS a))
      ORDER BY rank DESC, w.product_id
      LIMIT 50
    ) AS best
  ),
  -- The floor is applied here: inside the limit, an index would be read to its end.
  by_meaning AS (
    SELECT n.product_id, n.distance, n.is_near,
           count(*) FILTER (WHERE n.is_near) OVER (ORDER BY n.distance, n.product_id) AS place
    FROM (SELECT a.product_id, a.distance,
                 1 - a.distance >= v_threshold AND a.product_id IS DISTINCT FROM v_likened AS is_near
          FROM nearest AS a) AS n
  ),
  placed AS (
    SELECT c.product_id, bool_or(c.is_sku) AS is_sku, max(c.word_place) AS word_place,
           bool_or(c.is_near) AS is_meaning, min(c.distance) AS distance, sum(c.score) AS score
    FROM (
      SELECT s.product_id, true AS is_sku, NULL::bigint AS word_place, false AS is_near,
             NULL::double precision AS distance, 1 / (60 + s.place)::double precision AS score
      FROM unnest(v_sku_ids, v_sku_places) AS s (product_id, place)
      UNION ALL
      SELECT b.product_id, false, b.place, false, NULL, 0 FROM by_words AS b
      UNION ALL
      SELECT m.product_id, false, NULL, m.is_near, m.distance,
             CASE WHEN m.is_near THEN 1 / (60 + m.place)::double precision ELSE 0 END
      FROM by_meaning AS m
    ) AS c
    GROUP BY c.product_id
    HAVING bool_or(c.is_sku OR c.is_near OR c.word_place IS NOT NULL)
  ),
  judged AS MATERIALIZED (  -- each of its sub-queries is read once
    SELECT f.*,
           1 - CASE WHEN f.distance IS NOT NULL THEN f.distance
                    WHEN v_asked IS NOT NULL THEN (
                      SELECT e.embedding OPERATOR(extensions.<=>) v_asked
                      FROM retail.product_embeddings AS e
                      WHERE e.product_id = f.product_id AND e.model_id = v_model) END AS similarity,
           -- One word of seven says little, whatever place it has.
           (SELECT count(*) FILTER (WHERE w.words @@ l.query)
            FROM (SELECT unnest(v_lexemes) AS query) AS l)::double precision
             / cardinality(v_lexemes) AS coverage,
           v_sizes IS NOT NULL AND NOT EXISTS (
             SELECT FROM retail.products AS p, unnest(v_sizes) AS size (pattern)
             WHERE p.product_id = f.product_id AND p.product_name !~* size.pattern) AS is_of_size
    FROM placed AS f
    LEFT JOIN retail.product_words AS w ON w.product_id = f.product_id
  ),
  chosen AS MATERIALIZED (
    SELECT j.*,
           row_number() OVER (
             ORDER BY j.is_sku DESC, coalesce(j.is_of_size AND j.coverage = 1, false) DESC,
                      j.score + coalesce(j.coverage / (60 + j.word_place), 0) DESC, j.product_id
           ) AS place
    FROM judged AS j
    -- What shares less than half of the words and no meaning is found by accident. A text that
    -- holds SKUs alone means those.
    WHERE j.is_sku OR (
      coalesce(cardinality(v_sku_ids), 0) < v_words
      AND (j.similarity IS NULL OR j.similarity >= v_threshold OR (j.coverage >= 0.5 AND NOT v_is_strict)))
  )
  SELECT told.*, c.place, p.product_id, p.sku, p.product_name, k.category_name, p.base_price,
         left(p.product_description, 241), p.discontinued, c.is_sku, c.is_sku OR c.word_place IS NOT NULL, c.is_meaning,
         c.similarity, c.coverage, c.is_of_size
  FROM (
    SELECT (SELECT m.model_id FROM retail.embedding_models AS m WHERE m.active) IS NOT DISTINCT FROM v_model,
           CASE WHEN v_likened IS NOT NULL
                THEN (SELECT p.sku FROM retail.products AS p WHERE p.product_id = v_likened) END,
           (SELECT count(*) FROM by_words),
           near.nearest_found, near.best_similarity,
           CASE WHEN whole.found = 0 THEN (
             SELECT json_agg(n.category_name)
             FROM (SELECT k.category_name
                   FROM nearest AS n
                   JOIN retail.products AS p ON p.product_id = n.product_id
                   JOIN retail.categories AS k ON k.category_id = p.category_id
                   GROUP BY k.category_name
                   ORDER BY min(n.distance)
                   LIMIT 3) AS n) END,
           whole.found, whole.of_size
    FROM (SELECT count(*) AS found, count(*) FILTER (WHERE c.is_of_size) AS of_size FROM chosen AS c) AS whole,
         (SELECT count(*) AS nearest_found,
                 1 - min(n.distance) FILTER (WHERE n.product_id IS DISTINCT FROM v_likened) AS best_similarity
          FROM nearest AS n) AS near
  ) AS told
  LEFT JOIN (chosen AS c
             JOIN retail.products AS p ON p.product_id = c.product_id
             JOIN retail.categories AS k ON k.category_id = p.category_id) ON c.place <= v_rows;
END $$;

GRANT EXECUTE ON FUNCTION
  retail.likened_product(text), retail.asked_vector(jsonb), retail.words_of(text),
  retail.rank_products(jsonb, uuid[], uuid[], double precision[])
  TO store_managers, regional_managers, head_office;
RESET ROLE;
