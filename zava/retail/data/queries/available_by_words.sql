-- Of the products that the words or the SKUs name, those in stock: the others are not ranked.
ARRAY(
  SELECT w.product_id
  FROM retail.product_words AS w
  WHERE w.words @@ array_to_string(retail.words_of($1->>'text'), ' | ')::tsquery
    AND EXISTS (SELECT FROM retail.inventory AS i WHERE i.product_id = w.product_id AND i.stock_level > 0)
  UNION ALL
  SELECT p.product_id
  FROM retail.products AS p
  WHERE upper(p.sku) IN (SELECT jsonb_array_elements_text($1->'skus'))
    AND EXISTS (SELECT FROM retail.inventory AS i WHERE i.product_id = p.product_id AND i.stock_level > 0)
)
