-- Categories, types and products from one JSON document; ids derive from the names.
WITH wanted AS MATERIALIZED (
  SELECT *
  FROM jsonb_to_recordset(%(products)s::jsonb) AS p (
    sku text, product_name text, category_name text, type_name text, cost numeric,
    base_price numeric, product_description text, synonyms text, discontinued boolean)
),
new_categories AS (
  INSERT INTO retail.categories (category_id, category_name)
  SELECT DISTINCT md5(%(seed)s || '|category|' || category_name)::uuid, category_name FROM wanted
),
new_types AS (
  INSERT INTO retail.product_types (type_id, category_id, type_name)
  SELECT DISTINCT md5(%(seed)s || '|type|' || type_name)::uuid,
         md5(%(seed)s || '|category|' || category_name)::uuid, type_name
  FROM wanted
)
INSERT INTO retail.products (product_id, sku, product_name, category_id, type_id, cost, base_price,
                             product_description, synonyms, discontinued, updated_at)
SELECT md5(%(seed)s || '|product|' || sku)::uuid, sku, product_name,
       md5(%(seed)s || '|category|' || category_name)::uuid, md5(%(seed)s || '|type|' || type_name)::uuid,
       cost, base_price, product_description, synonyms, discontinued, %(opened)s
FROM wanted
