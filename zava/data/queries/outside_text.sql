-- Origins (table, column) of text that customers or suppliers wrote.
SELECT a.attrelid::bigint AS table_id, a.attnum AS column_number
FROM pg_catalog.pg_attribute AS a
JOIN (VALUES
  ('retail.customers'::regclass, ARRAY['first_name', 'last_name', 'email', 'phone']),
  ('retail.products'::regclass, ARRAY['product_name', 'product_description', 'synonyms'])
) AS outside (table_id, column_names)
  ON a.attrelid = outside.table_id AND a.attname = ANY (outside.column_names)
