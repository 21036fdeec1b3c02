-- Short lists of values worth knowing before writing a WHERE, as this caller sees them.
SELECT 'stores' AS table_name, 'store_name' AS column_name, array_agg(s.store_name ORDER BY s.store_name) AS values
FROM retail.stores AS s
UNION ALL
SELECT 'stores', 'region', array_agg(DISTINCT s.region ORDER BY s.region)
FROM retail.stores AS s
UNION ALL
SELECT 'categories', 'category_name', array_agg(c.category_name ORDER BY c.category_name)
FROM retail.categories AS c
UNION ALL
SELECT 'product_types', 'type_name', array_agg(DISTINCT t.type_name ORDER BY t.type_name)
FROM retail.product_types AS t
