-- Statements, each under the kinds of facts that the lint states about it, most harmful first.
-- A blank line ends a statement, and `-- #` opens a class.

-- # totals that a join repeats
-- repeated totals
SELECT c.category_name, sum(o.total_amount) FROM retail.orders o JOIN retail.order_items oi ON oi.order_id = o.order_id JOIN retail.products p ON p.product_id = oi.product_id JOIN retail.categories c ON c.category_id = p.category_id WHERE o.status = 'completed' GROUP BY c.category_name

-- repeated totals
SELECT sum(total) FROM (SELECT o.total_amount AS total, oi.quantity FROM retail.orders o JOIN retail.order_items oi USING (store_id, order_id) WHERE o.status <> 'cancelled') AS flat

-- repeated totals
WITH sales AS (SELECT o.order_id, o.total_amount, oi.product_id FROM retail.orders AS o INNER JOIN retail.order_items AS oi ON o.order_id = oi.order_id AND o.store_id = oi.store_id WHERE o.status = 'completed') SELECT product_id % 2, sum(total_amount) FROM (SELECT length(product_id::text) AS product_id, total_amount FROM sales) AS s GROUP BY 1

-- repeated totals
SELECT avg(o.total_amount) AS basket FROM retail.orders o, retail.order_items i WHERE i.order_id = o.order_id AND o.status IN ('completed', 'pending') AND i.quantity > 2

-- repeated totals
SELECT count(o.order_id) AS orders, sum(i.total_amount) AS revenue FROM retail.orders o NATURAL JOIN retail.order_items i WHERE o.status = 'completed'

-- repeated totals
SELECT s.store_name, sum(o.shipping_amount) FROM retail.stores s JOIN retail.orders o USING (store_id) LEFT JOIN retail.order_items USING (store_id, order_id) WHERE o.status = 'completed' GROUP BY s.store_name

-- repeated totals
SELECT p.product_id, sum(i.stock_level) AS stock, sum(l.quantity) AS sold FROM retail.products p JOIN retail.inventory i ON i.product_id = p.product_id JOIN retail.order_items l ON l.product_id = p.product_id AND l.store_id = i.store_id JOIN retail.orders o ON o.order_id = l.order_id WHERE o.status = 'completed' GROUP BY p.product_id

-- repeated totals
SELECT date_trunc('month', o.order_date) AS month, sum(o.tax_amount) FROM retail.orders o JOIN LATERAL (SELECT oi.product_id FROM retail.order_items oi WHERE oi.order_id = o.order_id) AS l ON true WHERE o.status = 'completed' GROUP BY 1

-- repeated totals
SELECT o.order_id, sum(o.total_amount) OVER (PARTITION BY o.customer_id) FROM retail.orders o JOIN retail.order_items i ON (o.store_id, o.order_id) = (i.store_id, i.order_id) WHERE o.status = 'completed'

-- repeated totals
SELECT sum(o.total_amount) AS joined_by_store FROM retail.orders o JOIN retail.inventory i ON i.store_id = o.store_id WHERE o.status = 'completed'

-- repeated totals
SELECT count(o.order_id), avg(o.total_amount) FROM orders AS o JOIN order_items AS i ON i.order_id = o.order_id WHERE o.status = 'completed'

-- repeated totals, every status
SELECT sum(o.total_amount) FROM retail.orders o JOIN retail.order_items i USING (order_id)

-- repeated totals, every status
SELECT category, SUM(amount) AS total FROM (SELECT subq_1.category, subq_0.amount FROM (SELECT orders_src.total_amount AS amount, orders_src.order_id AS order_id FROM retail.orders orders_src) subq_0 LEFT OUTER JOIN (SELECT lines_src.order_id AS order_id, products_src.category_id AS category FROM retail.order_items lines_src LEFT OUTER JOIN retail.products products_src ON lines_src.product_id = products_src.product_id) subq_1 ON subq_0.order_id = subq_1.order_id) subq_2 GROUP BY category

-- repeated totals
SELECT (SELECT sum(o.total_amount) FROM retail.orders o JOIN retail.order_items i USING (order_id) WHERE o.status = 'completed') AS total

-- repeated totals
SELECT 'a' AS part, sum(o.total_amount) FROM retail.orders o JOIN retail.order_items i ON i.order_id = o.order_id WHERE status = 'completed' UNION ALL SELECT 'b', 0

-- none
SELECT p.category_id, sum(oi.total_amount) FROM retail.orders o JOIN retail.order_items oi ON oi.order_id = o.order_id JOIN retail.products p ON p.product_id = oi.product_id WHERE o.status = 'completed' GROUP BY 1

-- none
SELECT p.product_id, sum(o.total_amount) AS orders_with_it FROM retail.orders o JOIN retail.order_items i USING (store_id, order_id) JOIN retail.products p USING (product_id) WHERE o.status = 'completed' GROUP BY p.product_id

-- none
SELECT sum(o.total_amount) FROM retail.orders o WHERE o.status = 'completed' AND EXISTS (SELECT FROM retail.order_items i WHERE i.order_id = o.order_id AND i.quantity > 3)

-- none
SELECT sum(o.total_amount) FROM retail.orders o JOIN (SELECT DISTINCT order_id FROM retail.order_items) AS i ON i.order_id = o.order_id WHERE o.status = 'completed'

-- none
WITH lines AS (SELECT order_id, count(*) AS n FROM retail.order_items GROUP BY order_id) SELECT avg(o.total_amount), avg(lines.n) FROM retail.orders o JOIN lines USING (order_id) WHERE o.status = 'completed'

-- none
SELECT sum(o.total_amount) FROM retail.orders o JOIN retail.stores s USING (store_id) LEFT JOIN retail.customers c USING (store_id, customer_id) WHERE o.status = 'completed'

-- none
SELECT sum(DISTINCT o.total_amount), count(DISTINCT o.order_id) FROM retail.orders o JOIN retail.order_items i USING (order_id) WHERE o.status = 'completed'

-- none
SELECT max(o.total_amount), min(o.total_amount) FROM retail.orders o JOIN retail.order_items i USING (order_id) WHERE o.status = 'completed'

-- none
SELECT o.order_id, sum(o.total_amount) FROM retail.orders o JOIN retail.order_items i ON i.order_id = o.order_id AND i.line_number = 1 WHERE o.status = 'completed' GROUP BY o.order_id

-- none
SELECT a.order_id, sum(b.total_amount) AS running FROM retail.orders a JOIN retail.orders b ON b.store_id = a.store_id AND b.order_date <= a.order_date WHERE a.status = 'completed' AND b.status = 'completed' GROUP BY a.order_id

-- none
SELECT sum(o.total_amount) FROM retail.orders o CROSS JOIN LATERAL (SELECT max(i.quantity) AS most FROM retail.order_items i WHERE i.order_id = o.order_id) AS x WHERE o.status = 'completed' AND x.most > 4

-- none
SELECT sum(o.total_amount) FROM retail.orders o LEFT JOIN LATERAL (SELECT i.product_id FROM retail.order_items i WHERE i.order_id = o.order_id ORDER BY i.total_amount DESC LIMIT 1) AS top ON true WHERE o.status = 'completed'

-- none
SELECT sum(total_amount) FROM (SELECT DISTINCT o.order_id, o.total_amount FROM retail.orders o JOIN retail.order_items i USING (order_id) WHERE o.status = 'completed') AS once

-- none
SELECT sum(total_amount) FROM (SELECT o.*, row_number() OVER (PARTITION BY o.order_id ORDER BY i.line_number) AS n FROM retail.orders o JOIN retail.order_items i USING (order_id) WHERE o.status = 'completed') AS t WHERE n = 1

-- none
SELECT sum(i.stock_level * p.base_price) AS value FROM retail.inventory i JOIN retail.products p USING (product_id) JOIN retail.categories c USING (category_id)

-- none
SELECT sum(i.total_amount), sum(i.quantity * p.base_price) FROM retail.order_items i JOIN retail.products p USING (product_id) JOIN retail.orders o USING (store_id, order_id) WHERE o.status = 'completed'

-- none
SELECT sum(l.quantity) FROM retail.order_items l JOIN retail.orders o ON o.order_id = l.order_id JOIN retail.inventory i ON i.product_id = l.product_id AND i.store_id = l.store_id WHERE o.status = 'completed' AND i.stock_level = 0

-- none
WITH o AS (SELECT store_id, order_id, total_amount FROM retail.orders WHERE status = 'completed'), l AS (SELECT store_id, order_id, sum(quantity) AS units FROM retail.order_items GROUP BY 1, 2) SELECT sum(o.total_amount) / sum(l.units) FROM o JOIN l ON o.store_id = l.store_id AND o.order_id = l.order_id

-- none
SELECT c.customer_id, count(o.order_id), sum(o.total_amount) FROM retail.customers c LEFT JOIN retail.orders o ON o.customer_id = c.customer_id AND o.store_id = c.store_id AND o.status = 'completed' GROUP BY c.customer_id

-- none
SELECT m.month, sum(o.total_amount) FROM generate_series(1, 12) AS m(month) LEFT JOIN retail.orders o ON extract(month FROM o.order_date) = m.month AND o.status = 'completed' GROUP BY 1

-- none
SELECT count(i.order_id) AS lines FROM retail.orders o JOIN retail.order_items i USING (order_id) WHERE o.status = 'completed'

-- none
SELECT sum(case when i.line_number = 1 then o.total_amount end) FROM retail.orders o JOIN retail.order_items i USING (order_id) WHERE o.status = 'completed'

-- # figures of every status
-- every status
SELECT sum(total_amount) FROM retail.orders

-- every status
SELECT store_name, sum(total_amount) FROM retail.stores JOIN retail.orders USING (store_id) GROUP BY 1

-- every status
SELECT avg(o.total_amount)::numeric(10,2) FROM orders o WHERE o.order_date >= '2026-01-01'

-- every status
SELECT p.sku, sum(i.quantity) FROM retail.order_items i JOIN retail.products p ON i.product_id = p.product_id GROUP BY p.sku ORDER BY 2 DESC LIMIT 5

-- every status
SELECT sum(i.quantity * i.unit_price - i.discount_amount) FROM retail.order_items AS i

-- every status
WITH m AS (SELECT date_trunc('month', order_date) AS month, total_amount AS amount FROM retail.orders) SELECT month, sum(amount) FROM m GROUP BY month

-- every status
SELECT customer_id, sum(total_amount) FILTER (WHERE order_date >= '2026-01-01') FROM retail.orders GROUP BY 1

-- every status
SELECT order_id, total_amount, sum(total_amount) OVER (ORDER BY order_date) FROM retail.orders

-- every status
SELECT s.store_name, (SELECT sum(o.total_amount) FROM retail.orders o WHERE o.store_id = s.store_id) FROM retail.stores s

-- every status
SELECT * FROM (SELECT store_id, sum(total_amount) AS revenue FROM retail.orders GROUP BY store_id) AS t WHERE revenue > 1000

-- every status
SELECT sum(total_amount) FROM retail.orders WHERE NOT is_return

-- every status
SELECT sum(CASE WHEN order_date >= '2026-01-01' THEN total_amount ELSE 0 END) AS this_year, sum(CASE WHEN order_date < '2026-01-01' THEN total_amount END) AS before FROM retail.orders

-- every status
SELECT "source"."store_id" AS "store_id", SUM("source"."total_amount") AS "sum" FROM (SELECT "retail"."orders"."store_id" AS "store_id", "retail"."orders"."total_amount" AS "total_amount" FROM "retail"."orders") AS "source" GROUP BY "source"."store_id" ORDER BY "source"."store_id" ASC

-- every status
SELECT t0.store_id, SUM(t0.total_amount) AS "Sum(total_amount)" FROM retail.orders AS t0 GROUP BY 1

-- every status
SELECT DATE_TRUNC('month', "retail"."orders"."order_date") AS "order_date", SUM("retail"."orders"."total_amount") AS "sum" FROM "retail"."orders" GROUP BY DATE_TRUNC('month', "retail"."orders"."order_date") ORDER BY DATE_TRUNC('month', "retail"."orders"."order_date") ASC

-- every status
SELECT metric_time__day, SUM(revenue) AS revenue FROM (SELECT DATE_TRUNC('day', orders_src_1.order_date) AS metric_time__day, orders_src_1.total_amount AS revenue FROM retail.orders orders_src_1) subq_2 GROUP BY metric_time__day

-- every status
SELECT sum(total_amount) FROM retail.orders UNION ALL SELECT sum(total_amount) FROM retail.order_items

-- every status
WITH r AS (SELECT product_id, sum(total_amount) AS revenue FROM retail.order_items GROUP BY product_id) SELECT count(*) FROM r WHERE revenue > 10

-- none
SELECT sum(total_amount) FROM retail.orders WHERE status NOT IN ('cancelled', 'refunded')

-- none
SELECT status, sum(total_amount) FROM retail.orders GROUP BY status

-- none
SELECT sum(total_amount) FILTER (WHERE status = 'completed') FROM retail.orders

-- none
SELECT sum(CASE WHEN o.status = 'refunded' THEN o.total_amount END) FROM retail.orders o

-- none
SELECT count(*) FROM retail.orders

-- none
SELECT max(total_amount), min(order_date) FROM retail.orders

-- none
SELECT avg(base_price) FROM retail.products

-- none
SELECT sum(stock_level) FROM retail.inventory

-- none
SELECT order_id, total_amount FROM retail.orders ORDER BY total_amount DESC LIMIT 10

-- none
SELECT sum(i.total_amount) FROM retail.order_items i JOIN retail.orders o USING (store_id, order_id) WHERE o.status = ANY (ARRAY['completed', 'pending'])

-- none
SELECT "source"."store_id", COUNT(*) AS "count" FROM "retail"."orders" AS "source" GROUP BY 1

-- none
SELECT avg(discount_percent) FROM retail.order_items

-- none
SELECT count(DISTINCT customer_id) FROM retail.orders WHERE order_date >= CURRENT_DATE - 90

-- none
WITH valid AS (SELECT * FROM retail.orders WHERE status IN ('completed', 'pending')) SELECT date_trunc('week', order_date), sum(total_amount) FROM valid GROUP BY 1

-- none
SELECT SUM(CASE WHEN orders_src.status = 'completed' THEN orders_src.total_amount ELSE 0 END) AS completed_revenue FROM retail.orders orders_src

-- # names that several rows have
-- merged names
SELECT first_name || ' ' || last_name AS customer, sum(o.total_amount) FROM retail.customers c JOIN retail.orders o USING (customer_id) WHERE status = 'completed' GROUP BY first_name || ' ' || last_name

-- merged names
SELECT c.first_name, c.last_name, count(*) FROM retail.orders o JOIN retail.customers c ON c.customer_id = o.customer_id GROUP BY c.first_name, c.last_name

-- merged names
SELECT concat_ws(' ', c.first_name, c.last_name) AS name, count(*) AS n FROM retail.customers c, retail.orders o WHERE o.customer_id = c.customer_id GROUP BY name ORDER BY n DESC

-- merged names
WITH named AS (SELECT c.first_name || ' ' || c.last_name AS customer, o.total_amount FROM retail.orders o JOIN retail.customers c USING (store_id, customer_id) WHERE o.status = 'completed') SELECT customer, sum(total_amount) FROM named GROUP BY customer

-- merged names
SELECT p.product_name, sum(i.quantity) FROM retail.order_items i JOIN retail.products p USING (product_id) JOIN retail.orders o USING (store_id, order_id) WHERE o.status = 'completed' GROUP BY 1

-- merged names
SELECT upper(trim(p.product_name)) AS product, sum(v.stock_level) FROM retail.inventory v JOIN retail.products p ON p.product_id = v.product_id GROUP BY 1

-- merged names
SELECT t.type_name, count(*) FROM retail.products p JOIN retail.product_types t USING (type_id) GROUP BY t.type_name

-- merged names
SELECT initcap(coalesce(c.first_name, '') || ' ' || coalesce(c.last_name, '')), sum(o.total_amount) FROM retail.orders AS o LEFT JOIN retail.customers AS c ON c.customer_id = o.customer_id WHERE o.status = 'completed' GROUP BY 1

-- merged names
SELECT "Products"."product_name" AS "Products__product_name", COUNT(*) AS "count" FROM "retail"."order_items" LEFT JOIN "retail"."products" AS "Products" ON "retail"."order_items"."product_id" = "Products"."product_id" GROUP BY "Products"."product_name" ORDER BY "count" DESC

-- none
SELECT c.customer_id, c.first_name, c.last_name, count(*) FROM retail.orders o JOIN retail.customers c USING (customer_id) GROUP BY 1, 2, 3

-- none
SELECT c.first_name, c.last_name, sum(o.total_amount) FROM retail.orders o JOIN retail.customers c USING (store_id, customer_id) WHERE o.status = 'completed' GROUP BY o.customer_id, c.first_name, c.last_name

-- none
SELECT p.sku, p.product_name, sum(i.quantity) FROM retail.order_items i JOIN retail.products p USING (product_id) JOIN retail.orders o USING (order_id) WHERE o.status = 'completed' GROUP BY p.sku, p.product_name

-- none
SELECT first_name, count(*) FROM retail.customers GROUP BY first_name ORDER BY 2 DESC

-- none
SELECT first_name, last_name, count(*) FROM retail.customers GROUP BY first_name, last_name HAVING count(*) > 1

-- none
SELECT first_name, last_name, count(*) FROM retail.customers GROUP BY 1, 2

-- none
SELECT left(c.last_name, 1) AS initial, count(*) FROM retail.customers c JOIN retail.orders o USING (customer_id) GROUP BY 1

-- none
SELECT c.category_name, count(*) FROM retail.products p JOIN retail.categories c USING (category_id) GROUP BY c.category_name

-- none
SELECT s.store_name, count(*) FROM retail.orders o JOIN retail.stores s USING (store_id) GROUP BY s.store_name

-- none
SELECT DISTINCT p.product_name FROM retail.products p JOIN retail.inventory i USING (product_id)

-- none
SELECT split_part(p.product_name, ',', 1), count(*) FROM retail.products p JOIN retail.inventory i USING (product_id) GROUP BY 1

-- none
SELECT c.category_name, t.type_name, count(*) FROM retail.products p JOIN retail.product_types t USING (type_id) JOIN retail.categories c ON c.category_id = t.category_id GROUP BY 1, 2

-- # days that a condition loses
-- lost day
SELECT count(*) FROM retail.orders WHERE order_date BETWEEN '2026-10-01' AND '2026-10-31'

-- lost day
SELECT count(*) FROM retail.orders WHERE order_date >= '2026-10-01' AND order_date <= '2026-10-31'

-- lost day
SELECT count(*) FROM retail.orders o WHERE o.order_date BETWEEN DATE '2026-07-01' AND DATE '2026-09-30'

-- lost day
SELECT count(*) FROM retail.orders o WHERE '2026-10-31'::date >= o.order_date AND o.status = 'completed'

-- lost day
SELECT count(*) FROM retail.orders WHERE order_date = '2026-10-30'

-- lost day
SELECT count(*) FROM retail.customers WHERE created_at <= TIMESTAMPTZ '2026-06-30'

-- lost day
WITH o AS (SELECT order_date AS day, status FROM retail.orders) SELECT count(*) FROM o WHERE day BETWEEN '2026-01-01' AND '2026-03-31'

-- lost day
SELECT s.store_name, count(o.order_id) FROM retail.stores s LEFT JOIN retail.orders o ON o.store_id = s.store_id AND o.order_date BETWEEN '2026-10-01' AND '2026-10-31' GROUP BY 1

-- lost day
SELECT count(*) FROM retail.inventory WHERE updated_at <= '2026-10-15'

-- lost day
SELECT COUNT(*) AS "count" FROM "retail"."orders" WHERE ("retail"."orders"."order_date" >= timestamp '2026-10-01') AND ("retail"."orders"."order_date" <= date '2026-10-30')

-- none
SELECT count(*) FROM retail.orders WHERE order_date >= '2026-10-01' AND order_date < '2026-11-01'

-- none
SELECT count(*) FROM retail.orders WHERE order_date::date BETWEEN '2026-10-01' AND '2026-10-31'

-- none
SELECT count(*) FROM retail.orders WHERE order_date BETWEEN '2026-10-01' AND '2026-10-31 23:59:59'

-- none
SELECT count(*) FROM retail.orders WHERE order_date BETWEEN '2026-10-01' AND '2026-11-01'

-- none
SELECT count(*) FROM retail.orders WHERE date(order_date) = '2026-10-31'

-- none
SELECT count(*) FROM retail.stores WHERE opened_on <= '2020-10-31'

-- none
SELECT count(*) FROM retail.orders WHERE date_trunc('day', order_date) <= '2026-10-31'

-- none
SELECT count(*) FROM retail.orders WHERE order_date <= CURRENT_DATE

-- none
SELECT count(*) FROM retail.orders WHERE order_date <= '2099-12-30'

-- none
SELECT count(*) FROM (SELECT order_date::date AS day FROM retail.orders) AS o WHERE day <= '2026-10-31'

-- none
SELECT count(*) FROM retail.orders WHERE order_date > '2026-10-31'

-- none
SELECT count(*) FROM retail.orders WHERE (order_date AT TIME ZONE 'America/Los_Angeles')::date = '2026-10-31'

-- # divisions of integers
-- whole number
SELECT count(*) FILTER (WHERE status = 'refunded') / count(*) AS rate FROM retail.orders

-- whole number
SELECT sum(CASE WHEN status = 'refunded' THEN 1 ELSE 0 END) * 100 / count(*) AS percent FROM retail.orders

-- whole number
SELECT round(count(*) / count(DISTINCT customer_id), 2) FROM retail.orders

-- whole number
WITH a AS (SELECT count(*) AS n FROM retail.orders), b AS (SELECT count(*) AS n FROM retail.customers) SELECT a.n / b.n AS per_customer FROM a, b

-- whole number
SELECT count(*) / nullif(count(DISTINCT order_date::date), 0) FROM retail.orders

-- whole number
SELECT (count(*) / 12)::numeric AS per_month FROM retail.orders

-- whole number
SELECT store_id, 100 * count(*) / max(count(*)) OVER () AS of_largest FROM retail.orders GROUP BY store_id

-- whole number
SELECT coalesce(count(*) / nullif(count(customer_id), 0), 0) FROM retail.orders

-- none
SELECT 100.0 * count(*) FILTER (WHERE status = 'refunded') / count(*) FROM retail.orders

-- none
SELECT count(*)::numeric / count(DISTINCT customer_id) FROM retail.orders

-- none
SELECT count(*) / count(*)::float8 FROM retail.orders

-- none
SELECT round(sum(total_amount) / count(*), 2) FROM retail.orders WHERE status = 'completed'

-- none
SELECT n / 10 AS bucket, count(*) FROM (SELECT customer_id, count(*) AS n FROM retail.orders GROUP BY 1) AS t GROUP BY 1

-- none
SELECT (n / 10) * 10 AS bucket, count(*) FROM (SELECT customer_id, count(*) AS n FROM retail.orders GROUP BY 1) AS t GROUP BY bucket

-- none
SELECT floor(count(*) / 7) FROM retail.orders

-- none
SELECT (row_number() OVER (ORDER BY order_id) - 1) / 50 AS page FROM retail.orders

-- none
SELECT x FROM (SELECT total_amount AS x, row_number() OVER (ORDER BY total_amount) AS n, count(*) OVER () AS c FROM retail.orders) AS t WHERE n = (c + 1) / 2

-- none
SELECT 1 / 2 AS half, count(*) FROM retail.orders

-- none
SELECT avg(line_number / 2) , count(*) FROM retail.order_items

-- none
SELECT sum(quantity) / count(*) FROM retail.order_items JOIN retail.orders USING (order_id) WHERE status = 'completed'

-- none
SELECT (count(*) / 8)::int AS stars FROM retail.products

-- # averages of averages
-- average of averages
WITH m AS (SELECT date_trunc('month', order_date) AS month, avg(total_amount) AS a FROM retail.orders WHERE status = 'completed' GROUP BY 1) SELECT avg(a) FROM m

-- average of averages
SELECT avg(basket) FROM (SELECT store_id, round(avg(total_amount), 2) AS basket FROM retail.orders WHERE status = 'completed' GROUP BY store_id) AS per_store

-- average of averages
SELECT region, avg(price) FROM (SELECT s.region, s.store_id, avg(o.total_amount)::numeric AS price FROM retail.orders o JOIN retail.stores s USING (store_id) WHERE o.status = 'completed' GROUP BY 1, 2) AS x GROUP BY region

-- average of averages
WITH a AS (SELECT customer_id, avg(total_amount) AS mean FROM retail.orders WHERE status = 'completed' GROUP BY 1), b AS (SELECT customer_id, mean AS m FROM a) SELECT round(avg(m), 2) FROM b

-- none
SELECT avg(revenue) FROM (SELECT date_trunc('day', order_date) AS day, sum(total_amount) AS revenue, avg(total_amount) AS basket FROM retail.orders WHERE status = 'completed' GROUP BY 1) AS d

-- none
SELECT month, avg(a) OVER (ORDER BY month ROWS 2 PRECEDING) FROM (SELECT date_trunc('month', order_date) AS month, avg(total_amount) AS a FROM retail.orders WHERE status = 'completed' GROUP BY 1) AS m

-- none
SELECT avg(total_amount), avg(tax_amount) FROM retail.orders WHERE status = 'completed'

-- none
SELECT avg(t.total_amount) FROM retail.orders t, (SELECT avg(total_amount) AS mean FROM retail.orders WHERE status = 'completed') AS m WHERE t.total_amount > m.mean AND t.status = 'completed'

-- # data of persons
-- personal data
SELECT email FROM retail.customers

-- personal data
SELECT * FROM retail.customers LIMIT 10

-- personal data
SELECT c.* FROM retail.customers c JOIN retail.orders o USING (customer_id)

-- personal data
SELECT c FROM retail.customers c

-- personal data
WITH k AS (SELECT customer_id, lower(email) AS contact FROM retail.customers) SELECT contact FROM k

-- personal data
SELECT json_agg(json_build_object('mail', email)) FROM retail.customers

-- personal data
SELECT first_name || ' <' || email || '>' FROM retail.customers UNION SELECT 'nobody'

-- personal data
SELECT coalesce(phone, 'none') FROM retail.customers

-- personal data
SELECT "source".* FROM (SELECT "retail"."customers"."customer_id", "retail"."customers"."phone" FROM "retail"."customers") AS "source" LIMIT 2000

-- none
SELECT count(email), count(DISTINCT phone) FROM retail.customers

-- none
SELECT customer_id FROM retail.customers WHERE email IS NULL OR phone = '555'

-- none
SELECT first_name, last_name, email IS NOT NULL AS has_email FROM retail.customers

-- none
SELECT split_part(email, '@', 2) AS domain, count(*) FROM retail.customers GROUP BY 1

-- none
SELECT customer_id, created_at FROM retail.customers ORDER BY email LIMIT 5

-- none
SELECT o.* FROM retail.customers c JOIN retail.orders o USING (customer_id)

-- none
SELECT count(*) FROM (SELECT * FROM retail.customers) AS c

-- none
SELECT length(email) FROM retail.customers

-- # nothing to state
-- none
SELECT store_name FROM retail.stores

-- none
VALUES (1, '2026-10-31')

-- none
SELECT d::date FROM generate_series(DATE '2026-10-01', DATE '2026-10-31', INTERVAL '1 day') AS d

-- none
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) / count(*) FROM n

-- none
SELECT t1.store_name, COUNT(*) AS "CountStar()" FROM retail.orders t0 INNER JOIN retail.stores t1 ON t0.store_id = t1.store_id GROUP BY 1

-- none
SELECT COUNT(DISTINCT subq_3.customer) AS buyers FROM (SELECT orders_src.customer_id AS customer, DATE_TRUNC('day', orders_src.order_date) AS metric_time__day FROM retail.orders orders_src) subq_3 WHERE subq_3.metric_time__day BETWEEN '2026-01-01' AND '2026-03-31'

-- none
SELECT p.sku, i.stock_level FROM retail.inventory i JOIN retail.products p USING (product_id) WHERE i.stock_level <= i.reorder_point

-- none
SELECT sum(total_amount) FROM (VALUES (1.5), (2.5)) AS orders(total_amount)

-- none
WITH orders AS (SELECT 1 AS order_id, 2.0 AS total_amount) SELECT sum(total_amount) FROM orders

-- none
SELECT x.email FROM (SELECT 'a@b' AS email) AS x, retail.customers

-- none
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total_amount) FROM retail.orders

-- none
SELECT extract(hour FROM order_date) AS hour, count(*) FROM retail.orders GROUP BY 1 ORDER BY 2 DESC

-- # joins, days, quotients and pages that analysts write
-- none
SELECT count(*) FROM retail.orders WHERE order_date BETWEEN CURRENT_DATE - 30 AND CURRENT_DATE

-- lost day
SELECT count(*) FROM retail.orders WHERE order_date = CURRENT_DATE

-- lost day
SELECT count(*) FROM retail.orders WHERE order_date BETWEEN CURRENT_DATE - INTERVAL '7 days' AND CURRENT_DATE - INTERVAL '1 day'

-- lost day
SELECT count(*) FROM retail.orders o WHERE o.order_date >= '2026-10-01' AND o.order_date <= CURRENT_DATE - 1

-- lost day
SELECT count(*) FROM retail.orders WHERE order_date BETWEEN '2026-10-01' AND ('2026-10-20'::date - 1)

-- lost day
SELECT count(*) FROM retail.orders WHERE order_date IN ('2026-10-30', '2026-10-31')

-- none
SELECT count(*) FROM retail.orders WHERE order_date NOT IN ('2026-10-30', '2026-10-31')

-- none
SELECT count(*) FROM retail.orders WHERE order_date::date IN ('2026-10-30', '2026-10-31')

-- none
SELECT count(*) FROM retail.orders WHERE order_date >= CURRENT_DATE - 30 AND order_date <= CURRENT_DATE + 1

-- none
SELECT count(*) FROM retail.orders WHERE order_date BETWEEN CURRENT_DATE - 30 AND now()

-- none
SELECT count(*) FROM retail.orders WHERE order_date BETWEEN CURRENT_DATE - 30 AND CURRENT_TIMESTAMP

-- none
SELECT count(*) FROM retail.orders WHERE order_date <= date_trunc('month', CURRENT_DATE)

-- none
SELECT count(*) FROM retail.orders WHERE order_date <= CURRENT_DATE - INTERVAL '1 second'

-- none
SELECT count(*) FROM retail.orders WHERE order_date::date BETWEEN CURRENT_DATE - 30 AND CURRENT_DATE

-- none
SELECT count(*) FROM retail.stores WHERE opened_on BETWEEN '2015-01-01' AND CURRENT_DATE

-- none
SELECT count(*) FROM retail.orders WHERE order_date BETWEEN '2026-10-05' AND CURRENT_DATE - interval '999999 years'

-- none
SELECT (count(*) + 9) / 10 AS pages FROM retail.orders

-- none
SELECT (count(*) + 49) / 50 FROM retail.customers

-- whole number
SELECT (count(*) + 5) / 10 FROM retail.orders

-- average of averages
SELECT avg(r) FROM (SELECT store_id, sum(total_amount) / count(*) AS r FROM retail.orders WHERE status = 'completed' GROUP BY 1) x

-- average of averages
WITH m AS (SELECT date_trunc('month', order_date) AS month, sum(total_amount) AS revenue, count(*) AS n FROM retail.orders WHERE status = 'completed' GROUP BY 1) SELECT round(avg(revenue / n), 2) FROM m

-- average of averages
WITH m AS (SELECT store_id, 100.0 * count(*) FILTER (WHERE status = 'refunded') / nullif(count(*), 0) AS rate FROM retail.orders GROUP BY 1) SELECT avg(rate) FROM m

-- none
SELECT avg(n) FROM (SELECT customer_id, count(*) AS n FROM retail.orders GROUP BY 1) x

-- none
WITH m AS (SELECT date_trunc('month', order_date) AS month, sum(total_amount) AS revenue FROM retail.orders WHERE status = 'completed' GROUP BY 1), g AS (SELECT month, revenue / lag(revenue) OVER (ORDER BY month) - 1 AS growth FROM m) SELECT avg(growth) FROM g

-- none
SELECT avg(total_amount / 2) FROM retail.orders WHERE status = 'completed'

-- none
WITH m AS (SELECT store_id, sum(total_amount) AS s FROM retail.orders WHERE status = 'completed' GROUP BY 1) SELECT avg(s / 12) FROM m

-- none
SELECT avg(i.total_amount / i.quantity) FROM retail.order_items i JOIN retail.orders o USING (order_id) WHERE o.status = 'completed'

-- counted condition
SELECT count(status = 'completed') FROM retail.orders

-- counted condition
SELECT store_id, COUNT(CASE WHEN total_amount > 100 THEN 1 ELSE 0 END) AS large FROM retail.orders GROUP BY store_id

-- counted condition
SELECT count(status IN ('completed', 'pending')) FROM retail.orders

-- counted condition
SELECT count(total_amount > 5 AND status = 'completed') FROM retail.orders

-- counted condition
SELECT count(customer_id IS NULL) FROM retail.orders

-- none
SELECT count(CASE WHEN status = 'completed' THEN 1 END) FROM retail.orders

-- none
SELECT count(CASE WHEN status = 'completed' THEN 1 ELSE NULL END) FROM retail.orders

-- none
SELECT count(status = 'completed' OR NULL) FROM retail.orders

-- none
SELECT count(nullif(status = 'completed', false)) FROM retail.orders

-- none
SELECT count(DISTINCT CASE WHEN total_amount > 100 THEN 1 ELSE 0 END) FROM retail.orders

-- none
SELECT count(CASE WHEN total_amount > 100 THEN order_id ELSE customer_id END) FROM retail.orders

-- none
SELECT count(*) FILTER (WHERE status = 'completed'), count(customer_id) FROM retail.orders

-- other template
SELECT to_char(order_date, '%Y-%m') AS month, count(*) FROM retail.orders GROUP BY 1

-- other template
SELECT to_char(order_date, 'YYYY-MM-DD HH24:MM') AS minute FROM retail.orders

-- other template
SELECT to_char(order_date, 'yyyy-MM-dd hh:mm') AS minute FROM retail.orders

-- none
SELECT to_char(order_date, 'YYYY-MM-DD HH24:MI') AS minute FROM retail.orders

-- none
SELECT to_char(0.25 * 100, 'FM990.0%') AS share FROM retail.stores

-- none
SELECT to_char(order_date, 'HH24:MI') || ' 5%' AS minute FROM retail.orders
