-- Products by SKU, by words and by meaning, ranked by a function whose plan the connection keeps; with
-- the stock that the caller sees. `$1` holds the values; marked places are filled with constant text.
/*nearest*/
SELECT r.*, /*is_exact*/ AS is_exact, coalesce(s.stock, 0) AS stock, coalesce(s.stores, 0) AS stores_in_stock
FROM retail.rank_products($1, /*available*/, /*near*/) AS r
CROSS JOIN LATERAL (
  SELECT sum(i.stock_level) AS stock, count(*) FILTER (WHERE i.stock_level > 0) AS stores
  FROM retail.inventory AS i
  WHERE i.product_id = r.product_id
) AS s
ORDER BY r.place
