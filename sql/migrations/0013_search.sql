-- Product search: words to find, thresholds to judge by, and an index on what is in stock.
SET LOCAL ROLE zava_owner;

-- Until a model is calibrated, whatever it finds counts as weak.
ALTER TABLE retail.embedding_models
  ADD COLUMN weak_similarity real NOT NULL DEFAULT 1
    CHECK (weak_similarity BETWEEN minimum_similarity AND 1);

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
-- A SKU is typed in either case.
CREATE INDEX products_sku_idx ON retail.products (upper(sku));
-- So that a filter on stock touches what is there, however little that is.
CREATE INDEX inventory_in_stock_idx ON retail.inventory (store_id, product_id) WHERE stock_level > 0;

COMMENT ON TABLE retail.product_words IS 'Words of product search; use the search tool instead.';
GRANT SELECT, INSERT, UPDATE, DELETE ON retail.product_words TO zava_loader;
GRANT SELECT ON retail.product_words TO store_managers, regional_managers, head_office;

-- The products that were there before.
SET LOCAL ROLE zava_loader;
UPDATE retail.categories SET category_name = category_name;
RESET ROLE;

-- How an approximate index is walked (pgvector 0.8) stands in the login, as all its settings do.
-- The library defines them, so it is loaded first.
SELECT '[1]'::extensions.vector;
ALTER ROLE zava_server SET hnsw.ef_search = 100;
ALTER ROLE zava_server SET hnsw.iterative_scan = 'relaxed_order';
