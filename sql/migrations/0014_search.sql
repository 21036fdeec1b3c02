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
RESET ROLE;
