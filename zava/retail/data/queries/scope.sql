-- The stores that this caller sees, and how many there are in the chain.
SELECT s.store_name, s.time_zone, s.currency, zava.store_count() AS store_count
FROM retail.stores AS s
ORDER BY s.store_name
