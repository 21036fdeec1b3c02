-- Statements that an analyst's model writes: none may be refused, and each has to run as every
-- audience. A line '-- # class' opens a class, a blank line ends a statement, and the first line of
-- a statement is its title with marks:
--   [cost]        reads cost or margin: regional managers and head office only
--   [no rows]     the data have nothing for it
--   [question N]  answers question N of those that users ask

-- # questions of sales
-- Top 20 products by sales revenue [question 1]
SELECT p.product_name, p.sku, SUM(oi.total_amount) AS revenue
FROM retail.order_items oi
JOIN retail.orders o ON o.store_id = oi.store_id AND o.order_id = oi.order_id
JOIN retail.products p ON p.product_id = oi.product_id
WHERE o.status NOT IN ('cancelled', 'refunded')
GROUP BY p.product_id, p.product_name, p.sku
ORDER BY revenue DESC
LIMIT 20;

-- Sales by store [question 2]
SELECT s.store_name, SUM(o.total_amount) AS revenue, COUNT(*) AS orders,
       ROUND(AVG(o.total_amount), 2) AS average_order_value
FROM retail.stores s
JOIN retail.orders o USING (store_id)
WHERE o.status NOT IN ('cancelled', 'refunded')
GROUP BY s.store_name
ORDER BY revenue DESC

-- Sales of a closed quarter by category [question 3]
SELECT c.category_name, SUM(oi.total_amount) AS revenue, SUM(oi.quantity) AS units
FROM retail.order_items AS oi
INNER JOIN retail.orders AS o ON (o.store_id, o.order_id) = (oi.store_id, oi.order_id)
INNER JOIN retail.products AS p ON p.product_id = oi.product_id
INNER JOIN retail.categories AS c ON c.category_id = p.category_id
WHERE o.order_date >= TIMESTAMPTZ '2026-01-01' AND o.order_date < TIMESTAMPTZ '2026-04-01'
  AND o.status IN ('completed', 'pending')
GROUP BY c.category_name
ORDER BY revenue DESC

-- Top 10 products by revenue of the quarter before a day [question 4]
WITH bounds AS (
  SELECT date_trunc('quarter', DATE '2026-06-30') - INTERVAL '3 months' AS first_day,
         date_trunc('quarter', DATE '2026-06-30') AS end_day
)
SELECT p.product_name, ROUND(SUM(oi.total_amount), 2) AS revenue
FROM bounds b
JOIN retail.orders o ON o.order_date >= b.first_day AND o.order_date < b.end_day
JOIN retail.order_items oi ON oi.store_id = o.store_id AND oi.order_id = o.order_id
JOIN retail.products p ON p.product_id = oi.product_id
WHERE o.status <> 'cancelled' AND o.status <> 'refunded'
GROUP BY p.product_name
ORDER BY SUM(oi.total_amount) DESC NULLS LAST
FETCH FIRST 10 ROWS ONLY

-- Best-selling categories of a month [question 5]
SELECT c.category_name AS category,
       SUM(oi.quantity) AS units_sold,
       TO_CHAR(SUM(oi.total_amount), 'FM$999,999,990.00') AS revenue
FROM order_items oi
JOIN orders o USING (store_id, order_id)
JOIN products p USING (product_id)
JOIN categories c USING (category_id)
WHERE date_trunc('month', o.order_date) = TIMESTAMPTZ '2026-06-01 00:00:00'
  AND o.status NOT IN ('cancelled', 'refunded')
GROUP BY c.category_name
ORDER BY SUM(oi.total_amount) DESC

-- Revenue and orders per month over 12 months [question 6]
SELECT to_char(date_trunc('month', order_date), 'YYYY-MM') AS month,
       SUM(total_amount) AS revenue,
       COUNT(*) AS order_count
FROM retail.orders
WHERE order_date >= DATE '2026-06-30' - INTERVAL '12 months'
  AND status NOT IN ('cancelled', 'refunded')
GROUP BY 1
ORDER BY 1

-- Revenue, product count and average price by category and type [question 7]
SELECT c.category_name, pt.type_name,
       COUNT(DISTINCT p.product_id) AS product_count,
       ROUND(AVG(p.base_price), 2) AS average_price,
       COALESCE(SUM(oi.total_amount), 0) AS revenue
FROM retail.categories c
JOIN retail.product_types pt ON pt.category_id = c.category_id
JOIN retail.products p ON p.type_id = pt.type_id
LEFT JOIN retail.order_items oi ON oi.product_id = p.product_id
GROUP BY c.category_name, pt.type_name
ORDER BY c.category_name, revenue DESC

-- Top 10 products of the own store in Q4 2024 [question 8]
SELECT p.product_name, SUM(oi.quantity) AS units, SUM(oi.total_amount) AS revenue,
       RANK() OVER (ORDER BY SUM(oi.total_amount) DESC) AS place
FROM retail.order_items oi
JOIN retail.orders o ON o.store_id = oi.store_id AND o.order_id = oi.order_id
JOIN retail.products p ON p.product_id = oi.product_id
WHERE EXTRACT(YEAR FROM o.order_date) = 2024 AND EXTRACT(QUARTER FROM o.order_date) = 4
  AND o.status NOT IN ('cancelled', 'refunded')
GROUP BY p.product_name
ORDER BY place
LIMIT 10

-- Categories side by side for all stores over six months [question 9]
SELECT c.category_name, s.store_name, SUM(oi.total_amount) AS revenue,
       ROUND(100 * SUM(oi.total_amount) / SUM(SUM(oi.total_amount)) OVER (PARTITION BY s.store_name), 1) AS percent_of_store
FROM retail.order_items oi
JOIN retail.orders o USING (store_id, order_id)
JOIN retail.stores s USING (store_id)
JOIN retail.products p USING (product_id)
JOIN retail.categories c USING (category_id)
WHERE o.order_date >= '2026-01-01' AND o.order_date < '2026-07-01'
GROUP BY c.category_name, s.store_name
ORDER BY c.category_name, revenue DESC

-- Top 5 stores by number of orders [question 10]
SELECT s.store_name, COUNT(o.order_id) AS number_of_orders
FROM retail.stores AS s
LEFT JOIN retail.orders AS o ON o.store_id = s.store_id
GROUP BY s.store_id, s.store_name
ORDER BY number_of_orders DESC, s.store_name
LIMIT 5

-- Top selling products of a month by units [question 11]
SELECT p.product_name, SUM(oi.quantity) AS units_sold
FROM retail.order_items oi, retail.orders o, retail.products p
WHERE oi.order_id = o.order_id AND oi.store_id = o.store_id AND oi.product_id = p.product_id
  AND o.order_date BETWEEN '2026-06-01' AND '2026-06-30 23:59:59.999'
GROUP BY p.product_name
ORDER BY units_sold DESC
LIMIT 10

-- Daily sales of 30 days, quiet days too [question 12]
SELECT d.day::date AS day, COALESCE(SUM(o.total_amount), 0) AS revenue, COUNT(o.order_id) AS orders
FROM generate_series(DATE '2026-06-01', DATE '2026-06-30', INTERVAL '1 day') AS d(day)
LEFT JOIN retail.orders o ON o.order_date >= d.day AND o.order_date < d.day + INTERVAL '1 day'
  AND o.status NOT IN ('cancelled', 'refunded')
GROUP BY d.day
ORDER BY d.day

-- Customers who spent the most in a quarter [question 13]
SELECT cu.first_name || ' ' || cu.last_name AS customer, SUM(o.total_amount) AS spent, COUNT(*) AS orders
FROM retail.customers cu
JOIN retail.orders o ON o.store_id = cu.store_id AND o.customer_id = cu.customer_id
WHERE o.order_date >= DATE '2026-04-01' AND o.order_date < DATE '2026-07-01'
  AND o.status NOT IN ('cancelled', 'refunded')
GROUP BY cu.store_id, cu.customer_id, cu.first_name, cu.last_name
HAVING SUM(o.total_amount) > 0
ORDER BY spent DESC
LIMIT 10

-- Performance of stores with rank and share [question 14]
WITH by_store AS (
  SELECT store_id, SUM(total_amount) AS revenue, COUNT(*) AS orders, COUNT(DISTINCT customer_id) AS buyers
  FROM retail.orders
  WHERE status NOT IN ('cancelled', 'refunded')
  GROUP BY store_id
)
SELECT s.store_name, b.revenue, b.orders, b.buyers,
       RANK() OVER (ORDER BY b.revenue DESC) AS revenue_rank,
       ROUND(b.revenue / SUM(b.revenue) OVER () * 100, 1) AS share_percent,
       ROUND(b.revenue / NULLIF(b.orders, 0), 2) AS average_order_value
FROM by_store b
JOIN retail.stores s ON s.store_id = b.store_id
ORDER BY revenue_rank

-- Daily revenue of a week with the change from the day before [question 15]
SELECT day, revenue, revenue - LAG(revenue) OVER (ORDER BY day) AS change,
       CASE WHEN LAG(revenue) OVER (ORDER BY day) IS NULL THEN 'first'
            WHEN revenue > LAG(revenue) OVER (ORDER BY day) THEN 'up'
            WHEN revenue < LAG(revenue) OVER (ORDER BY day) THEN 'down'
            ELSE 'flat' END AS trend
FROM (
  SELECT order_date::date AS day, SUM(total_amount) AS revenue
  FROM retail.orders
  WHERE order_date >= '2026-06-15' AND order_date < '2026-06-22'
  GROUP BY order_date::date
) AS daily
ORDER BY day

-- # questions of products
-- Containers for paint [question 16]
SELECT p.sku, p.product_name, p.base_price
FROM retail.products p
WHERE (p.product_name ILIKE '%bucket%' OR p.product_name ILIKE '%tray%' OR p.synonyms ILIKE '%container%')
  AND (p.product_name || ' ' || p.product_description) ILIKE '%paint%'
ORDER BY p.base_price

-- Waterproof electrical connectors with availability [question 17]
SELECT p.product_name, p.base_price, s.store_name, i.stock_level
FROM retail.products p
JOIN retail.categories c ON c.category_id = p.category_id
JOIN retail.inventory i ON i.product_id = p.product_id
JOIN retail.stores s ON s.store_id = i.store_id
WHERE c.category_name = 'Electrical'
  AND p.product_name ILIKE '%connector%'
  AND concat_ws(' ', p.product_name, p.product_description, p.synonyms) ~* '(water|weather)[ -]?(proof|tight|resistant)|outdoor|wet'
ORDER BY i.stock_level DESC

-- Waterproof electrical box, by full text [question 18]
SELECT p.product_name,
       ts_rank(to_tsvector('english', p.product_name || ' ' || p.product_description),
               to_tsquery('english', 'outlet & box & (outdoor | weatherproof | waterproof | wet)')) AS relevance
FROM retail.products p
WHERE to_tsvector('english', p.product_name || ' ' || p.product_description)
      @@ to_tsquery('english', 'outlet & box & (outdoor | weatherproof | waterproof | wet)')
ORDER BY relevance DESC
LIMIT 5

-- 15 amp circuit breaker [question 19]
SELECT sku, product_name, base_price FROM retail.products
WHERE lower(product_name) LIKE '%circuit breaker%' AND lower(product_name) LIKE '%15 amp%'

-- LED bulbs for a kitchen ceiling [question 20]
SELECT p.product_name, p.base_price, left(p.product_description, 120) AS description
FROM retail.products AS p
INNER JOIN retail.product_types AS t ON t.type_id = p.type_id
WHERE t.type_name = 'LED Light Bulb'
  AND (position('kitchen' in lower(p.product_name)) > 0 OR p.product_description ILIKE ANY (ARRAY['%kitchen%', '%ceiling%']))
LIMIT 10

-- Running shoes for rainy weather: not sold here [question 21] [no rows]
SELECT product_name, base_price FROM retail.products
WHERE product_name ILIKE '%running shoe%' OR synonyms ILIKE '%sneaker%'

-- Electronics under 500 dollars: no such category [question 22] [no rows]
SELECT p.product_name, p.base_price
FROM retail.products p JOIN retail.categories c USING (category_id)
WHERE c.category_name = 'Electronics' AND p.base_price < 500.00

-- Products similar to one, by type and price [question 23]
WITH chosen AS (
  SELECT product_id, type_id, base_price FROM retail.products WHERE product_name ILIKE '%claw hammer%' ORDER BY sku LIMIT 1
)
SELECT p.product_name, p.base_price, abs(p.base_price - ch.base_price) AS price_distance
FROM retail.products p
JOIN chosen ch ON ch.type_id = p.type_id AND ch.product_id <> p.product_id
ORDER BY price_distance
LIMIT 5

-- Cross-sell: types bought together [question 24]
SELECT t1.type_name AS bought, t2.type_name AS also_bought, COUNT(*) AS times
FROM retail.order_items a
JOIN retail.order_items b ON b.store_id = a.store_id AND b.order_id = a.order_id AND b.line_number > a.line_number
JOIN retail.products p1 ON p1.product_id = a.product_id
JOIN retail.products p2 ON p2.product_id = b.product_id
JOIN retail.product_types t1 ON t1.type_id = p1.type_id
JOIN retail.product_types t2 ON t2.type_id = p2.type_id
WHERE t1.type_id <> t2.type_id
GROUP BY t1.type_name, t2.type_name
ORDER BY times DESC, bought, also_bought
LIMIT 15

-- # questions of inventory
-- Products low on stock [question 25]
SELECT s.store_name, p.product_name, i.stock_level, i.reorder_point
FROM retail.inventory i
JOIN retail.products p ON p.product_id = i.product_id
JOIN retail.stores s ON s.store_id = i.store_id
WHERE i.stock_level <= i.reorder_point AND i.stock_level > 0 AND NOT p.discontinued
ORDER BY i.stock_level::numeric / NULLIF(i.reorder_point, 0), p.product_name
LIMIT 50

-- Reorder list with quantity and days of supply [question 26]
WITH velocity AS (
  SELECT oi.store_id, oi.product_id, SUM(oi.quantity) / 180.0 AS units_per_day
  FROM retail.order_items oi
  JOIN retail.orders o USING (store_id, order_id)
  WHERE o.order_date >= DATE '2026-06-30' - 180
  GROUP BY oi.store_id, oi.product_id
)
SELECT p.sku, p.product_name, i.stock_level, i.reorder_point,
       GREATEST(i.reorder_point * 2 - i.stock_level, 0) AS suggested_quantity,
       ROUND(i.stock_level / NULLIF(v.units_per_day, 0), 1) AS days_of_supply
FROM retail.inventory i
JOIN retail.products p ON p.product_id = i.product_id
LEFT JOIN velocity v ON v.store_id = i.store_id AND v.product_id = i.product_id
WHERE i.stock_level <= i.reorder_point
ORDER BY days_of_supply ASC NULLS LAST, suggested_quantity DESC

-- Inventory value at list price [question 27]
SELECT c.category_name, SUM(i.stock_level) AS units, SUM(i.stock_level * p.base_price) AS value_at_list_price
FROM retail.inventory i
JOIN retail.products p USING (product_id)
JOIN retail.categories c USING (category_id)
GROUP BY ROLLUP (c.category_name)
ORDER BY c.category_name NULLS LAST

-- Inventory value at cost and the margin in it [question 27] [cost]
SELECT SUM(i.stock_level * p.cost) AS value_at_cost,
       SUM(i.stock_level * (p.base_price - p.cost)) AS margin_in_stock,
       ROUND(AVG(p.gross_margin_percent), 2) AS average_margin_percent
FROM retail.inventory i JOIN retail.products p ON p.product_id = i.product_id

-- Products with zero stock [question 28]
SELECT p.product_name, COUNT(*) AS stores_without, STRING_AGG(s.store_name, ', ' ORDER BY s.store_name) AS stores
FROM retail.inventory i
JOIN retail.products p USING (product_id)
JOIN retail.stores s USING (store_id)
WHERE i.stock_level = 0
GROUP BY p.product_name
ORDER BY stores_without DESC, p.product_name

-- Dead stock: on hand, never sold in a year
SELECT p.product_name, SUM(i.stock_level) AS on_hand
FROM retail.inventory i
JOIN retail.products p ON p.product_id = i.product_id
WHERE i.stock_level > 0
  AND NOT EXISTS (
    SELECT 1 FROM retail.order_items oi
    JOIN retail.orders o ON o.store_id = oi.store_id AND o.order_id = oi.order_id
    WHERE oi.product_id = i.product_id AND oi.store_id = i.store_id AND o.order_date >= '2025-07-01')
GROUP BY p.product_name
ORDER BY on_hand DESC
LIMIT 20

-- # questions of customers
-- Customers without a purchase in 90 days [question 29]
SELECT cu.first_name, cu.last_name, cu.email, MAX(o.order_date)::date AS last_purchase,
       DATE '2026-06-30' - MAX(o.order_date)::date AS days_ago
FROM retail.customers cu
JOIN retail.orders o ON o.store_id = cu.store_id AND o.customer_id = cu.customer_id
GROUP BY cu.store_id, cu.customer_id
HAVING MAX(o.order_date) < TIMESTAMP '2026-06-30' - INTERVAL '90 days'
ORDER BY last_purchase DESC
LIMIT 25

-- Average customer lifetime value [question 30]
SELECT ROUND(AVG(lifetime), 2) AS average_lifetime_value,
       PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY lifetime) AS median_lifetime_value,
       COUNT(*) AS buyers
FROM (
  SELECT customer_id, SUM(total_amount) AS lifetime
  FROM retail.orders
  WHERE status = 'completed'
  GROUP BY store_id, customer_id
) AS per_customer

-- Tiers by spending, in place of a loyalty tier that the data do not have [question 31]
SELECT CASE quartile WHEN 1 THEN 'top quarter' WHEN 2 THEN 'second' WHEN 3 THEN 'third' ELSE 'last' END AS tier,
       COUNT(*) AS customers, MIN(spent) AS from_amount, MAX(spent) AS to_amount
FROM (
  SELECT customer_id, SUM(total_amount) AS spent, NTILE(4) OVER (ORDER BY SUM(total_amount) DESC) AS quartile
  FROM retail.orders GROUP BY store_id, customer_id
) t
GROUP BY quartile
ORDER BY quartile

-- Customers with refunded orders, the nearest thing to returns [question 32]
SELECT cu.last_name, cu.first_name, COUNT(*) AS refunded_orders, SUM(o.total_amount) AS refunded
FROM retail.orders o
JOIN retail.customers cu USING (store_id, customer_id)
WHERE o.status = 'refunded'
GROUP BY cu.store_id, cu.customer_id, cu.last_name, cu.first_name
ORDER BY refunded_orders DESC, refunded DESC

-- Repeat purchase rate
SELECT COUNT(*) FILTER (WHERE orders > 1) AS repeat_buyers, COUNT(*) AS buyers,
       ROUND(100.0 * COUNT(*) FILTER (WHERE orders > 1) / COUNT(*), 1) AS repeat_rate_percent
FROM (SELECT customer_id, COUNT(*) AS orders FROM retail.orders GROUP BY store_id, customer_id) AS c

-- Cohorts by month of the first order
WITH firsts AS (
  SELECT store_id, customer_id, date_trunc('month', MIN(order_date)) AS cohort
  FROM retail.orders GROUP BY store_id, customer_id
), activity AS (
  SELECT f.cohort, f.customer_id,
         (EXTRACT(YEAR FROM age(date_trunc('month', o.order_date), f.cohort)) * 12
          + EXTRACT(MONTH FROM age(date_trunc('month', o.order_date), f.cohort)))::int AS month_number
  FROM firsts f JOIN retail.orders o USING (store_id, customer_id)
)
SELECT to_char(cohort, 'YYYY-MM') AS cohort, month_number, COUNT(DISTINCT customer_id) AS active
FROM activity
WHERE cohort >= '2025-01-01' AND month_number <= 6
GROUP BY cohort, month_number
ORDER BY 1, 2

-- RFM scores
WITH rfm AS (
  SELECT customer_id, MAX(order_date) AS recent, COUNT(*) AS frequency, SUM(total_amount) AS monetary
  FROM retail.orders WHERE status = 'completed' GROUP BY customer_id
)
SELECT customer_id,
       NTILE(5) OVER (ORDER BY recent) AS r,
       NTILE(5) OVER (ORDER BY frequency, recent) AS f,
       NTILE(5) OVER (ORDER BY monetary) AS m,
       NTILE(5) OVER (ORDER BY recent)::text || NTILE(5) OVER (ORDER BY frequency, recent) || NTILE(5) OVER (ORDER BY monetary) AS score
FROM rfm
ORDER BY score DESC
LIMIT 20

-- Days between orders of one customer
SELECT ROUND(AVG(EXTRACT(EPOCH FROM gap) / 86400)::numeric, 1) AS average_days_between_orders
FROM (
  SELECT order_date - LAG(order_date) OVER (PARTITION BY store_id, customer_id ORDER BY order_date) AS gap
  FROM retail.orders
) g
WHERE gap IS NOT NULL

-- # questions of business
-- Summary of a month [question 33]
SELECT COUNT(*) AS orders, SUM(o.total_amount) AS revenue, AVG(o.total_amount)::numeric(12, 2) AS average_order_value,
       COUNT(DISTINCT o.customer_id) AS customers,
       (SELECT SUM(quantity) FROM retail.order_items i JOIN retail.orders x USING (store_id, order_id)
        WHERE x.order_date >= '2026-06-01' AND x.order_date < '2026-07-01') AS units
FROM retail.orders o
WHERE o.order_date >= '2026-06-01' AND o.order_date < '2026-07-01' AND o.status NOT IN ('cancelled', 'refunded')

-- Month against the same month of the year before [question 33]
SELECT SUM(total_amount) FILTER (WHERE order_date >= '2026-06-01' AND order_date < '2026-07-01') AS this_month,
       SUM(total_amount) FILTER (WHERE order_date >= '2025-06-01' AND order_date < '2025-07-01') AS same_month_last_year,
       ROUND(100 * (SUM(total_amount) FILTER (WHERE order_date >= '2026-06-01' AND order_date < '2026-07-01')
             / NULLIF(SUM(total_amount) FILTER (WHERE order_date >= '2025-06-01' AND order_date < '2025-07-01'), 0) - 1), 1) AS growth_percent
FROM retail.orders
WHERE status NOT IN ('cancelled', 'refunded')

-- Seasonal trends by month of the year [question 34]
SELECT EXTRACT(MONTH FROM order_date)::int AS month_number, TRIM(TO_CHAR(order_date, 'Month')) AS month,
       COUNT(*) AS orders, ROUND(SUM(total_amount) / COUNT(DISTINCT EXTRACT(YEAR FROM order_date)), 2) AS revenue_per_year
FROM retail.orders
WHERE status NOT IN ('cancelled', 'refunded')
GROUP BY 1, 2
ORDER BY 1

-- Seasonal index of each category [question 34]
WITH monthly AS (
  SELECT c.category_name, date_part('month', o.order_date) AS month, SUM(oi.total_amount) AS revenue
  FROM retail.orders o
  JOIN retail.order_items oi USING (store_id, order_id)
  JOIN retail.products p USING (product_id)
  JOIN retail.categories c USING (category_id)
  WHERE o.order_date < '2026-01-01'
  GROUP BY 1, 2
)
SELECT category_name, month, revenue,
       ROUND(revenue / AVG(revenue) OVER (PARTITION BY category_name), 2) AS seasonal_index
FROM monthly
ORDER BY category_name, month

-- Best performing categories with growth [question 35]
WITH y AS (
  SELECT c.category_name, date_part('year', o.order_date)::int AS year, SUM(oi.total_amount) AS revenue
  FROM retail.categories c
  JOIN retail.products p ON p.category_id = c.category_id
  JOIN retail.order_items oi ON oi.product_id = p.product_id
  JOIN retail.orders o ON o.order_id = oi.order_id AND o.store_id = oi.store_id
  WHERE o.status NOT IN ('cancelled', 'refunded')
  GROUP BY c.category_name, year
)
SELECT a.category_name, a.revenue AS revenue_2025, b.revenue AS revenue_2024,
       ROUND((a.revenue - b.revenue) * 100 / b.revenue, 1) AS growth_percent
FROM y a LEFT JOIN y b ON b.category_name = a.category_name AND b.year = a.year - 1
WHERE a.year = 2025
ORDER BY revenue_2025 DESC

-- Category margin [question 35] [cost]
SELECT c.category_name, SUM(oi.total_amount) AS revenue, SUM(oi.quantity * p.cost) AS cost_of_goods,
       SUM(oi.total_amount - oi.quantity * p.cost) AS gross_margin,
       ROUND(100 * (1 - SUM(oi.quantity * p.cost) / SUM(oi.total_amount)), 1) AS gross_margin_percent
FROM retail.order_items oi
JOIN retail.products p USING (product_id)
JOIN retail.categories c USING (category_id)
GROUP BY c.category_name
ORDER BY gross_margin DESC

-- Forecast by a straight line through months [question 36]
WITH monthly AS (
  SELECT ROW_NUMBER() OVER (ORDER BY date_trunc('month', order_date)) AS n, SUM(total_amount)::float8 AS revenue
  FROM retail.orders
  WHERE order_date >= '2024-07-01' AND order_date < '2026-07-01'
  GROUP BY date_trunc('month', order_date)
), line AS (
  SELECT regr_slope(revenue, n) AS slope, regr_intercept(revenue, n) AS intercept, regr_r2(revenue, n) AS fit, MAX(n) AS last
  FROM monthly
)
SELECT (DATE '2026-07-01' + make_interval(months => k - 1))::date AS month,
       ROUND((intercept + slope * (last + k))::numeric, 2) AS forecast, ROUND(fit::numeric, 3) AS r_squared
FROM line, generate_series(1, 3) AS k
ORDER BY k

-- Trending products: this quarter against the one before [question 37]
SELECT product_name, recent, earlier, ROUND(recent::numeric / GREATEST(earlier, 1), 2) AS ratio
FROM (
  SELECT p.product_name,
         COALESCE(SUM(oi.quantity) FILTER (WHERE o.order_date >= '2026-04-01'), 0) AS recent,
         COALESCE(SUM(oi.quantity) FILTER (WHERE o.order_date < '2026-04-01'), 0) AS earlier
  FROM retail.orders o
  JOIN retail.order_items oi USING (store_id, order_id)
  JOIN retail.products p USING (product_id)
  WHERE o.order_date >= '2026-01-01' AND o.order_date < '2026-07-01'
  GROUP BY p.product_name
) q
WHERE recent > earlier
ORDER BY ratio DESC, recent DESC
LIMIT 10

-- Pareto: products that make 80 percent of revenue
WITH r AS (
  SELECT product_id, SUM(total_amount) AS revenue FROM retail.order_items GROUP BY product_id
), c AS (
  SELECT product_id, revenue, SUM(revenue) OVER (ORDER BY revenue DESC, product_id) / SUM(revenue) OVER () AS running
  FROM r
)
SELECT COUNT(*) AS products, COUNT(*) FILTER (WHERE running <= 0.8) AS products_for_80_percent FROM c

-- Effect of discounts on basket size
SELECT CASE WHEN oi.discount_percent = 0 THEN 'none' WHEN oi.discount_percent < 15 THEN 'small' ELSE 'large' END AS discount,
       COUNT(*) AS lines, ROUND(AVG(oi.quantity), 2) AS units_per_line, SUM(oi.discount_amount) AS given_away
FROM retail.order_items AS oi
GROUP BY 1
ORDER BY lines DESC

-- # aggregates
-- Row count
SELECT count(*) FROM retail.orders

-- All the plain aggregates at once
SELECT count(*), count(phone), count(DISTINCT last_name), min(created_at), max(created_at) FROM retail.customers

-- Every spread of the order amount
SELECT stddev(total_amount), stddev_pop(total_amount), stddev_samp(total_amount),
       variance(total_amount), var_pop(total_amount), var_samp(total_amount)
FROM retail.orders

-- Correlation of quantity and discount
SELECT corr(quantity, discount_percent), covar_pop(quantity, discount_percent), covar_samp(quantity, discount_percent),
       regr_count(quantity, discount_percent), regr_avgx(quantity, discount_percent), regr_avgy(quantity, discount_percent),
       regr_sxx(quantity, discount_percent), regr_sxy(quantity, discount_percent), regr_syy(quantity, discount_percent)
FROM retail.order_items

-- Percentiles of the order amount
SELECT percentile_cont(ARRAY[0.1, 0.25, 0.5, 0.75, 0.9]) WITHIN GROUP (ORDER BY total_amount) AS deciles,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY total_amount) AS p95,
       mode() WITHIN GROUP (ORDER BY status) AS usual_status
FROM retail.orders

-- Median per store
SELECT s.store_name, percentile_cont(0.5) WITHIN GROUP (ORDER BY o.total_amount) AS median
FROM retail.orders o JOIN retail.stores s USING (store_id) GROUP BY s.store_name

-- Hypothetical rank of an order of 500 dollars
SELECT rank(500) WITHIN GROUP (ORDER BY total_amount DESC) AS would_be_place,
       percent_rank(500) WITHIN GROUP (ORDER BY total_amount) AS share_below,
       dense_rank(500) WITHIN GROUP (ORDER BY total_amount), cume_dist(500) WITHIN GROUP (ORDER BY total_amount)
FROM retail.orders

-- Booleans over groups
SELECT category_id, bool_and(base_price > 1) AS all_above_one, bool_or(discontinued) AS any_discontinued,
       every(length(sku) > 3) AS every_sku_is_long
FROM retail.products GROUP BY category_id

-- Average of an interval
SELECT avg(order_date - created_at) AS average_age_of_customer_at_order
FROM retail.orders JOIN retail.customers USING (store_id, customer_id)

-- Distinct ordered text list with a filter
SELECT string_agg(DISTINCT status, ' / ' ORDER BY status) FILTER (WHERE total_amount > 10) AS statuses FROM retail.orders

-- HAVING on several aggregates
SELECT customer_id, count(*) AS n, sum(total_amount) AS spent
FROM retail.orders
GROUP BY customer_id
HAVING count(*) >= 2 AND sum(total_amount) BETWEEN 1 AND 100000 AND max(order_date) > '2021-01-01'
ORDER BY spent DESC
LIMIT 10

-- Aggregate without GROUP BY but with HAVING
SELECT sum(quantity) AS units FROM retail.order_items HAVING count(*) > 0

-- Any value of a group
SELECT any_value(product_name) AS example, count(*) FROM retail.products GROUP BY type_id ORDER BY 2 DESC, 1 LIMIT 5

-- Pivot of statuses by store with CASE
SELECT s.store_name,
       SUM(CASE WHEN o.status = 'completed' THEN 1 ELSE 0 END) AS completed,
       SUM(CASE WHEN o.status = 'pending' THEN 1 ELSE 0 END) AS pending,
       SUM(CASE WHEN o.status = 'cancelled' THEN 1 ELSE 0 END) AS cancelled,
       SUM(CASE WHEN o.status = 'refunded' THEN 1 ELSE 0 END) AS refunded
FROM retail.orders o JOIN retail.stores s ON s.store_id = o.store_id
GROUP BY s.store_name

-- Weighted average price
SELECT SUM(unit_price * quantity) / NULLIF(SUM(quantity), 0) AS weighted_price FROM retail.order_items

-- # grouping
-- ROLLUP with grouping()
SELECT CASE WHEN grouping(s.store_name) = 1 THEN 'all stores' ELSE s.store_name END AS store,
       CASE WHEN grouping(o.status) = 1 THEN 'all' ELSE o.status END AS status,
       sum(o.total_amount) AS amount
FROM retail.orders o JOIN retail.stores s USING (store_id)
GROUP BY ROLLUP (s.store_name, o.status)
ORDER BY grouping(s.store_name), s.store_name, grouping(o.status), o.status

-- CUBE over year and status
SELECT date_part('year', order_date) AS year, status, count(*), grouping(date_part('year', order_date), status) AS level
FROM retail.orders GROUP BY CUBE (date_part('year', order_date), status)
ORDER BY level, year, status

-- GROUPING SETS with the empty set
SELECT c.category_name, t.type_name, count(*) AS products
FROM retail.products p JOIN retail.categories c USING (category_id) JOIN retail.product_types t USING (type_id)
GROUP BY GROUPING SETS ((c.category_name), (c.category_name, t.type_name), ())
ORDER BY c.category_name NULLS FIRST, t.type_name NULLS FIRST

-- GROUPING SETS that hold a ROLLUP
SELECT store_id, extract(year from order_date) AS y, extract(month from order_date) AS m, sum(total_amount)
FROM retail.orders WHERE order_date >= '2025-01-01'
GROUP BY GROUPING SETS (ROLLUP (extract(year from order_date), extract(month from order_date)), (store_id))

-- GROUP BY DISTINCT of two rollups
SELECT status, date_part('dow', order_date) AS weekday, count(*)
FROM retail.orders GROUP BY DISTINCT ROLLUP (status), ROLLUP (status, date_part('dow', order_date))

-- GROUP BY position and expression
SELECT width_bucket(total_amount, 0, 2000, 10) AS bucket, min(total_amount), max(total_amount), count(*)
FROM retail.orders GROUP BY 1 ORDER BY 1

-- DISTINCT ON: the last order of each customer
SELECT DISTINCT ON (store_id, customer_id) customer_id, order_date, total_amount, status
FROM retail.orders ORDER BY store_id, customer_id, order_date DESC LIMIT 20

-- DISTINCT over two columns
SELECT DISTINCT status, date_part('year', order_date)::int AS year FROM retail.orders ORDER BY year, status

-- # windows
-- Running total and moving average over rows
SELECT day, revenue,
       sum(revenue) OVER (ORDER BY day ROWS UNBOUNDED PRECEDING) AS running_total,
       round(avg(revenue) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), 2) AS seven_rows
FROM (SELECT order_date::date AS day, sum(total_amount) AS revenue FROM retail.orders
      WHERE order_date >= '2026-05-01' GROUP BY 1) d
ORDER BY day

-- Moving sum over a range of days
SELECT order_date, total_amount,
       sum(total_amount) OVER (ORDER BY order_date RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW) AS seven_days
FROM retail.orders WHERE order_date >= '2026-05-01' ORDER BY order_date

-- Groups frame
SELECT status, total_amount,
       count(*) OVER (ORDER BY status GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS in_neighbour_groups
FROM retail.orders ORDER BY status, total_amount LIMIT 30

-- Frame exclusion
SELECT order_id, total_amount,
       avg(total_amount) OVER (ORDER BY order_date ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING EXCLUDE CURRENT ROW) AS neighbours,
       sum(total_amount) OVER (ORDER BY order_date ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING EXCLUDE TIES) AS without_ties,
       max(total_amount) OVER (ORDER BY order_date ROWS BETWEEN 9 PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP) AS other_max
FROM retail.orders WHERE order_date >= '2026-04-01' ORDER BY order_date DESC LIMIT 10

-- Named windows, one built on another
SELECT p.product_name, c.category_name, p.base_price,
       rank() OVER by_price AS place, dense_rank() OVER by_price, row_number() OVER by_price,
       percent_rank() OVER by_price, cume_dist() OVER by_price, ntile(4) OVER by_price,
       avg(p.base_price) OVER per_category AS category_average
FROM retail.products p JOIN retail.categories c USING (category_id)
WINDOW per_category AS (PARTITION BY c.category_name), by_price AS (per_category ORDER BY p.base_price DESC)
ORDER BY c.category_name, place
LIMIT 40

-- lag and lead with offset and default
SELECT month, revenue, lag(revenue, 1, 0::numeric) OVER w AS before, lead(revenue, 1) OVER w AS after,
       lag(revenue, 12) OVER w AS year_ago
FROM (SELECT date_trunc('month', order_date) AS month, sum(total_amount) AS revenue FROM retail.orders GROUP BY 1) m
WINDOW w AS (ORDER BY month)
ORDER BY month DESC
LIMIT 24

-- first_value, last_value, nth_value
SELECT DISTINCT category_id,
       first_value(product_name) OVER w AS dearest,
       last_value(product_name) OVER w AS cheapest,
       nth_value(product_name, 2) OVER w AS second_dearest
FROM retail.products
WINDOW w AS (PARTITION BY category_id ORDER BY base_price DESC, sku ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)

-- Filtered aggregate as a window
SELECT order_date::date AS day, status,
       count(*) FILTER (WHERE status = 'refunded') OVER (ORDER BY order_date) AS refunds_so_far
FROM retail.orders ORDER BY order_date LIMIT 50

-- Window over an aggregate
SELECT date_trunc('quarter', order_date)::date AS quarter, sum(total_amount) AS revenue,
       sum(sum(total_amount)) OVER (ORDER BY date_trunc('quarter', order_date)) AS cumulative,
       round(100.0 * sum(total_amount) / sum(sum(total_amount)) OVER (), 2) AS share
FROM retail.orders GROUP BY date_trunc('quarter', order_date) ORDER BY quarter

-- Top three of each category by a row number
SELECT category_name, product_name, revenue FROM (
  SELECT c.category_name, p.product_name, sum(oi.total_amount) AS revenue,
         row_number() OVER (PARTITION BY c.category_name ORDER BY sum(oi.total_amount) DESC) AS rn
  FROM retail.order_items oi JOIN retail.products p USING (product_id) JOIN retail.categories c USING (category_id)
  GROUP BY c.category_name, p.product_name
) ranked WHERE rn <= 3 ORDER BY category_name, revenue DESC

-- Gaps and islands: streaks of days with orders
WITH days AS (SELECT DISTINCT order_date::date AS day FROM retail.orders),
     marked AS (SELECT day, day - (row_number() OVER (ORDER BY day))::int AS island FROM days)
SELECT min(day) AS from_day, max(day) AS to_day, count(*) AS length FROM marked GROUP BY island ORDER BY length DESC LIMIT 5

-- Year over year by lag over a partition
SELECT month, year, revenue,
       round(100 * (revenue / nullif(lag(revenue) OVER (PARTITION BY month ORDER BY year), 0) - 1), 1) AS yoy_percent
FROM (SELECT extract(year FROM order_date) AS year, extract(month FROM order_date) AS month, sum(total_amount) AS revenue
      FROM retail.orders GROUP BY 1, 2) AS t
ORDER BY month, year

-- # joins
-- Inner join over all the tables of sales
SELECT s.store_name, cu.last_name, o.order_date, oi.line_number, p.product_name, c.category_name, t.type_name, i.stock_level
FROM retail.stores s
JOIN retail.customers cu ON cu.store_id = s.store_id
JOIN retail.orders o ON o.store_id = cu.store_id AND o.customer_id = cu.customer_id
JOIN retail.order_items oi ON oi.store_id = o.store_id AND oi.order_id = o.order_id
JOIN retail.products p ON p.product_id = oi.product_id
JOIN retail.categories c ON c.category_id = p.category_id
JOIN retail.product_types t ON t.type_id = p.type_id
JOIN retail.inventory i ON i.store_id = s.store_id AND i.product_id = p.product_id
ORDER BY o.order_date DESC, oi.line_number
LIMIT 20

-- Left joins to the tables of search
SELECT p.sku, count(e.model_id) AS embeddings, max(m.name) AS model
FROM retail.products p
LEFT JOIN retail.product_embeddings e ON e.product_id = p.product_id
LEFT JOIN retail.embedding_models m ON m.model_id = e.model_id
GROUP BY p.sku ORDER BY p.sku LIMIT 5

-- Full join of two years
SELECT coalesce(a.month, b.month) AS month, a.revenue AS revenue_2024, b.revenue AS revenue_2025
FROM (SELECT extract(month FROM order_date) AS month, sum(total_amount) AS revenue FROM retail.orders
      WHERE order_date >= '2024-01-01' AND order_date < '2025-01-01' GROUP BY 1) AS a
FULL OUTER JOIN (SELECT extract(month FROM order_date) AS month, sum(total_amount) AS revenue FROM retail.orders
      WHERE order_date >= '2025-01-01' AND order_date < '2026-01-01' GROUP BY 1) AS b ON a.month = b.month
ORDER BY 1

-- Right join keeps stores without orders
SELECT s.store_name, count(o.order_id) FROM retail.orders o RIGHT JOIN retail.stores s ON s.store_id = o.store_id GROUP BY s.store_name

-- Cross join of stores and statuses
SELECT s.store_name, v.status, count(o.order_id) AS orders
FROM retail.stores s CROSS JOIN (VALUES ('pending'), ('completed'), ('cancelled'), ('refunded')) AS v(status)
LEFT JOIN retail.orders o ON o.store_id = s.store_id AND o.status = v.status
GROUP BY s.store_name, v.status ORDER BY 1, 2

-- Natural join
SELECT category_name, count(*) FROM retail.product_types NATURAL JOIN retail.categories GROUP BY category_name

-- Self join: pairs of stores or a store with itself
SELECT a.store_name, b.store_name AS other, a.region = b.region AS same_region
FROM retail.stores a JOIN retail.stores b ON a.store_id <= b.store_id ORDER BY 1, 2

-- Join USING with an alias of the merged columns
SELECT k.store_id, o.total_amount FROM retail.orders o JOIN retail.stores s USING (store_id) AS k ORDER BY o.total_amount DESC LIMIT 3

-- Anti join
SELECT cu.first_name, cu.last_name FROM retail.customers cu
LEFT JOIN retail.orders o ON o.store_id = cu.store_id AND o.customer_id = cu.customer_id
WHERE o.order_id IS NULL ORDER BY 2, 1 LIMIT 20

-- Nested joins in parentheses
SELECT s.store_name, x.n FROM retail.stores s LEFT JOIN (
  retail.inventory i JOIN retail.products p ON p.product_id = i.product_id AND p.base_price > 100
) ON i.store_id = s.store_id CROSS JOIN LATERAL (SELECT i.stock_level AS n) x ORDER BY 2 DESC NULLS LAST LIMIT 5

-- Non-equality join: price bands
SELECT b.label, count(*) AS products
FROM (VALUES (0, 10, 'under 10'), (10, 50, '10 to 50'), (50, 1e6, '50 and more')) AS b(low, high, label)
JOIN retail.products p ON p.base_price >= b.low AND p.base_price < b.high
GROUP BY b.label ORDER BY min(b.low)

-- Duplicate output names of two tables
SELECT o.total_amount, oi.total_amount, o.store_id, oi.store_id
FROM retail.orders o JOIN retail.order_items oi USING (order_id) LIMIT 5

-- # subqueries
-- IN with a subquery
SELECT product_name FROM retail.products WHERE category_id IN (SELECT category_id FROM retail.categories WHERE category_name LIKE 'P%') LIMIT 10

-- Correlated EXISTS
SELECT s.store_name FROM retail.stores s WHERE EXISTS (SELECT FROM retail.orders o WHERE o.store_id = s.store_id AND o.total_amount > 100)

-- NOT EXISTS and NOT IN
SELECT p.sku FROM retail.products p
WHERE NOT EXISTS (SELECT 1 FROM retail.order_items oi JOIN retail.orders o USING (store_id, order_id)
                  WHERE oi.product_id = p.product_id AND o.order_date >= '2026-06-01')
  AND p.type_id NOT IN (SELECT type_id FROM retail.product_types WHERE type_name = 'Claw Hammer')
LIMIT 10

-- Scalar subqueries in the select list
SELECT s.store_name,
       (SELECT count(*) FROM retail.customers c WHERE c.store_id = s.store_id) AS customers,
       (SELECT max(o.order_date) FROM retail.orders o WHERE o.store_id = s.store_id) AS last_order
FROM retail.stores s

-- Comparison with ANY and ALL of a subquery
SELECT count(*) FROM retail.products
WHERE base_price > ALL (SELECT avg(base_price) FROM retail.products GROUP BY category_id)
   OR base_price = ANY (SELECT min(base_price) FROM retail.products GROUP BY category_id)

-- Row of a subquery
SELECT order_id FROM retail.orders WHERE (store_id, order_date) IN (SELECT store_id, max(order_date) FROM retail.orders GROUP BY store_id)

-- Row comparison for keyset paging
SELECT order_date, order_id, total_amount FROM retail.orders
WHERE (order_date, order_id) < (TIMESTAMPTZ '2026-03-01 12:00:00-08', '00000000-0000-0000-0000-000000000000'::uuid)
ORDER BY order_date DESC, order_id DESC LIMIT 10

-- Subquery in CASE, ORDER BY and LIMIT
SELECT product_name, CASE WHEN base_price > (SELECT avg(base_price) FROM retail.products) THEN 'above' ELSE 'below' END AS side
FROM retail.products ORDER BY (SELECT count(*) FROM retail.categories), base_price LIMIT (SELECT 3 + 2)

-- Column names given to a derived table
SELECT count(*), sum(t.b) FROM (SELECT product_id, quantity FROM retail.order_items) AS t(a, b) WHERE t.a IS NOT NULL

-- ARRAY of a subquery
SELECT c.category_name, ARRAY(SELECT t.type_name FROM retail.product_types t WHERE t.category_id = c.category_id ORDER BY 1) AS types
FROM retail.categories c ORDER BY 1

-- Nested five deep
SELECT a.n FROM (SELECT b.n FROM (SELECT c.n FROM (SELECT d.n FROM (SELECT count(*) AS n FROM retail.orders) d) c) b) a

-- # common table expressions
-- Pyramid of ten levels
WITH l1 AS (SELECT store_id, order_id, product_id, total_amount FROM retail.order_items),
     l2 AS (SELECT l1.*, p.type_id, p.category_id FROM l1 JOIN retail.products p USING (product_id)),
     l3 AS (SELECT l2.*, o.order_date FROM l2 JOIN retail.orders o USING (store_id, order_id)),
     l4 AS (SELECT *, date_trunc('month', order_date) AS month FROM l3),
     l5 AS (SELECT category_id, month, sum(total_amount) AS revenue FROM l4 GROUP BY category_id, month),
     l6 AS (SELECT *, lag(revenue) OVER (PARTITION BY category_id ORDER BY month) AS before FROM l5),
     l7 AS (SELECT *, revenue - before AS change FROM l6 WHERE before IS NOT NULL),
     l8 AS (SELECT category_id, avg(change) AS average_change, count(*) AS months FROM l7 GROUP BY category_id),
     l9 AS (SELECT c.category_name, l8.* FROM l8 JOIN retail.categories c USING (category_id)),
     l10 AS (SELECT category_name, round(average_change, 2) AS average_change, months FROM l9)
SELECT * FROM l10 ORDER BY average_change DESC

-- One CTE read twice
WITH t AS (SELECT store_id, sum(total_amount) AS revenue FROM retail.orders GROUP BY store_id)
SELECT t.*, (SELECT max(revenue) FROM t) AS best FROM t

-- Materialization spelled out
WITH a AS MATERIALIZED (SELECT * FROM retail.categories), b AS NOT MATERIALIZED (SELECT * FROM retail.product_types)
SELECT a.category_name, count(*) FROM a JOIN b ON b.category_id = a.category_id GROUP BY 1

-- A CTE inside a subquery
SELECT x.total FROM (WITH inner_part AS (SELECT sum(quantity) AS total FROM retail.order_items) SELECT total FROM inner_part) x

-- A CTE named like a table
WITH orders AS (SELECT * FROM retail.orders WHERE status = 'completed') SELECT count(*) AS completed FROM orders

-- A CTE with column names and VALUES
WITH targets(store, target) AS (VALUES ('Seattle', 100000.00), ('Bellevue', 80000.00))
SELECT s.store_name, t.target, sum(o.total_amount) - t.target AS over
FROM retail.stores s JOIN retail.orders o USING (store_id) LEFT JOIN targets t ON s.store_name LIKE '%' || t.store
GROUP BY s.store_name, t.target

-- WITH in front of a set operation
WITH x AS (SELECT status, count(*) AS n FROM retail.orders GROUP BY status)
SELECT status, n FROM x UNION ALL SELECT 'total', sum(n) FROM x ORDER BY 2

-- # recursion with a bound
-- Numbers
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 12) SELECT i, i * i AS square FROM n

-- Calendar of months joined to orders
WITH RECURSIVE months AS (
  SELECT DATE '2026-01-01' AS month
  UNION ALL
  SELECT (month + INTERVAL '1 month')::date FROM months WHERE month < DATE '2026-06-01'
)
SELECT m.month, count(o.order_id) AS orders FROM months m
LEFT JOIN retail.orders o ON date_trunc('month', o.order_date) = m.month GROUP BY m.month ORDER BY m.month

-- Tree of category and type with a path
WITH RECURSIVE tree AS (
  SELECT category_id AS id, NULL::uuid AS parent, category_name AS name, 1 AS depth, ARRAY[category_name] AS path FROM retail.categories
  UNION ALL
  SELECT t.type_id, t.category_id, t.type_name, tree.depth + 1, tree.path || t.type_name
  FROM retail.product_types t JOIN tree ON tree.id = t.category_id WHERE tree.depth < 3
)
SELECT depth, repeat('  ', least(depth, 5) - 1) || name AS name, array_to_string(path, ' > ') AS path FROM tree ORDER BY path LIMIT 30

-- UNION that drops repetitions
WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT (n * 2) % 7 FROM r WHERE n < 100) SELECT n FROM r ORDER BY n

-- SEARCH and CYCLE clauses
WITH RECURSIVE g(a, b) AS (
  SELECT 1, 2 UNION ALL SELECT g.b, e.b FROM g JOIN (VALUES (1, 2), (2, 3), (3, 1)) AS e(a, b) ON e.a = g.b
) SEARCH DEPTH FIRST BY a SET place CYCLE a SET is_cycle USING walked
SELECT a, b, is_cycle FROM g ORDER BY place

-- Compound growth
WITH RECURSIVE growth(year, revenue) AS (
  SELECT 2026, (SELECT sum(total_amount) FROM retail.orders WHERE order_date >= '2025-07-01' AND order_date < '2026-07-01')
  UNION ALL SELECT year + 1, round(revenue * 1.1, 2) FROM growth WHERE year < 2030
)
SELECT * FROM growth

-- # lateral
-- Last three orders of each store
SELECT s.store_name, last.order_date, last.total_amount
FROM retail.stores s
CROSS JOIN LATERAL (SELECT o.order_date, o.total_amount FROM retail.orders o WHERE o.store_id = s.store_id ORDER BY o.order_date DESC LIMIT 3) AS last

-- LEFT JOIN LATERAL ON true
SELECT c.category_name, best.product_name, best.base_price FROM retail.categories c
LEFT JOIN LATERAL (SELECT p.product_name, p.base_price FROM retail.products p WHERE p.category_id = c.category_id ORDER BY p.base_price DESC LIMIT 1) best ON true

-- Lateral function call, comma style
SELECT p.sku, word FROM retail.products p, LATERAL unnest(string_to_array(p.synonyms, ', ')) AS word WHERE word LIKE '%saw%' LIMIT 10

-- Lateral to name an expression once
SELECT oi.order_id, x.gross, x.gross - oi.total_amount AS discount
FROM retail.order_items oi CROSS JOIN LATERAL (SELECT oi.quantity * oi.unit_price AS gross) x ORDER BY discount DESC LIMIT 10

-- Lateral VALUES to unpivot
SELECT v.measure, sum(v.amount) AS amount FROM retail.order_items oi
CROSS JOIN LATERAL (VALUES ('gross', oi.quantity * oi.unit_price), ('discount', oi.discount_amount), ('net', oi.total_amount)) AS v(measure, amount)
GROUP BY v.measure ORDER BY 1

-- Lateral series bounded by a column
SELECT o.order_id, u.n FROM (SELECT order_id, quantity FROM retail.order_items WHERE quantity > 1 LIMIT 5) o
CROSS JOIN LATERAL generate_series(1, o.quantity) AS u(n)

-- # dates
-- Truncation to every unit
SELECT date_trunc('hour', order_date), date_trunc('day', order_date), date_trunc('week', order_date),
       date_trunc('quarter', order_date), date_trunc('year', order_date), date_trunc('day', order_date, 'America/New_York')
FROM retail.orders ORDER BY order_date DESC LIMIT 3

-- Parts by extract and date_part
SELECT EXTRACT(ISODOW FROM order_date) AS weekday, EXTRACT(HOUR FROM order_date) AS hour, EXTRACT(WEEK FROM order_date) AS week,
       EXTRACT(ISOYEAR FROM order_date) AS iso_year, EXTRACT(DOY FROM order_date) AS day_of_year, date_part('epoch', order_date) AS epoch,
       extract("century" FROM order_date), extract('decade' FROM order_date), EXTRACT(TIMEZONE_HOUR FROM order_date)
FROM retail.orders ORDER BY order_date LIMIT 3

-- Sales by weekday name
SELECT to_char(order_date, 'FMDay') AS weekday, count(*) AS orders, sum(total_amount) AS revenue
FROM retail.orders GROUP BY to_char(order_date, 'FMDay'), extract(isodow FROM order_date) ORDER BY extract(isodow FROM order_date)

-- Formats of to_char
SELECT to_char(order_date, 'YYYY-MM-DD HH24:MI:SS'), to_char(order_date, 'IYYY-"W"IW'), to_char(order_date, 'YYYY "Q"Q'),
       to_char(order_date, 'Dy DD Mon YYYY'), to_char(order_date, 'HH12:MI AM TZ OF')
FROM retail.orders LIMIT 2

-- Dates that are made
SELECT make_date(2026, 6, 30), make_time(13, 5, 0), make_timestamp(2026, 6, 30, 8, 0, 0), make_timestamptz(2026, 6, 30, 8, 0, 0, 'UTC'),
       make_interval(days => 10, hours => 3), to_date('30.06.2026', 'DD.MM.YYYY'), to_timestamp('2026-06-30 08:15', 'YYYY-MM-DD HH24:MI'), to_timestamp(1782800000)

-- Ages and justified intervals
SELECT age(TIMESTAMP '2026-06-30', min(order_date)::timestamp) AS trading_time, age(max(order_date)),
       justify_days(INTERVAL '45 days'), justify_hours(INTERVAL '30 hours'), justify_interval(INTERVAL '1 mon -1 hour')
FROM retail.orders

-- Time zones
SELECT order_date AT TIME ZONE 'UTC' AS utc, order_date AT TIME ZONE 'America/Los_Angeles' AS local,
       (order_date AT TIME ZONE 'America/Los_Angeles')::date AS local_day, timezone('Europe/Berlin', order_date) AS berlin,
       TIMESTAMP '2026-06-30 12:00' AT TIME ZONE INTERVAL '-07:00'
FROM retail.orders ORDER BY order_date DESC LIMIT 3

-- Bins of fifteen minutes
SELECT date_bin('15 minutes', order_date, TIMESTAMPTZ '2020-01-01') AS bin, count(*) FROM retail.orders GROUP BY bin ORDER BY 2 DESC, 1 LIMIT 5

-- Arithmetic of dates and intervals
SELECT DATE '2026-06-30' - DATE '2020-01-01' AS days, DATE '2026-06-30' + 7, DATE '2026-01-31' + INTERVAL '1 month', INTERVAL '1 day' * 2.5,
       INTERVAL '1 hour' / 3, - INTERVAL '2 days', TIME '10:00' + INTERVAL '90 minutes', DATE '2026-06-30' + TIME '08:30',
       INTERVAL '1-2' YEAR TO MONTH, INTERVAL '3' DAY, INTERVAL '4 5:06' DAY TO MINUTE

-- OVERLAPS of two periods
SELECT count(*) FROM retail.orders
WHERE (order_date, order_date + INTERVAL '3 days') OVERLAPS (DATE '2026-06-01', DATE '2026-06-15')

-- Fiscal year that starts in July
SELECT extract(year FROM order_date + INTERVAL '6 months')::int AS fiscal_year, sum(total_amount)
FROM retail.orders GROUP BY 1 ORDER BY 1

-- Last day of each month, working days only
SELECT (date_trunc('month', d) + INTERVAL '1 month - 1 day')::date AS month_end, count(*) FILTER (WHERE extract(isodow FROM d) < 6) AS working_days
FROM generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-06-30', '1 day') AS d GROUP BY 1 ORDER BY 1

-- Year to date against the same days of last year
SELECT sum(total_amount) FILTER (WHERE order_date::date BETWEEN date_trunc('year', DATE '2026-06-30')::date AND DATE '2026-06-30') AS ytd,
       sum(total_amount) FILTER (WHERE order_date::date BETWEEN (date_trunc('year', DATE '2026-06-30') - INTERVAL '1 year')::date AND (DATE '2026-06-30' - INTERVAL '1 year')::date) AS prior_ytd
FROM retail.orders

-- Relative to the clock
SELECT count(*) AS orders FROM retail.orders WHERE order_date > now() - INTERVAL '30 years' AND order_date < CURRENT_TIMESTAMP + INTERVAL '1 day'

-- Yesterday and tomorrow as words
SELECT count(*) FROM retail.orders WHERE order_date < 'tomorrow'::timestamptz AND order_date > '-infinity' AND order_date < 'infinity'::timestamptz

-- Infinite dates in the answer
SELECT 'infinity'::date AS open_end, '-infinity'::timestamptz AS open_start, isfinite(DATE '2026-06-30')

-- # series
-- Integers, steps and downwards
SELECT generate_series(1, 10, 3) AS up, generate_series(4, 1, -1) AS down

-- Decimals
SELECT n, n * 2 AS twice FROM generate_series(0.5, 2.5, 0.5) AS n

-- Months with a left join
SELECT m::date AS month, coalesce(sum(o.total_amount), 0) AS revenue
FROM generate_series('2025-07-01'::date, '2026-06-01'::date, '1 month'::interval) AS m
LEFT JOIN retail.orders o ON o.order_date >= m AND o.order_date < m + interval '1 month' GROUP BY m ORDER BY m

-- Hours of the day
SELECT h.hour, count(o.order_id) AS orders FROM generate_series(0, 23) AS h(hour)
LEFT JOIN retail.orders o ON extract(hour FROM o.order_date) = h.hour GROUP BY h.hour ORDER BY h.hour

-- Weeks with ordinality
SELECT w.n, w.week::date FROM generate_series(TIMESTAMPTZ '2026-05-04', TIMESTAMPTZ '2026-06-29', '7 days') WITH ORDINALITY AS w(week, n)

-- Two series side by side
SELECT * FROM ROWS FROM (generate_series(1, 3), generate_series(10, 14)) AS t(a, b)

-- Series of the data's own range
SELECT count(*) AS days FROM generate_series((SELECT min(order_date)::date FROM retail.orders), (SELECT max(order_date)::date FROM retail.orders), INTERVAL '1 day')

-- Subscripts of an array
SELECT i, (ARRAY['low', 'middle', 'high'])[i] AS label FROM generate_subscripts(ARRAY['low', 'middle', 'high'], 1) AS i

-- # text
-- Case and length
SELECT upper(last_name), lower(email), initcap(lower(first_name)), length(email), char_length(email), octet_length(email), bit_length(email), reverse(last_name)
FROM retail.customers LIMIT 3

-- Email domains
SELECT split_part(email, '@', 2) AS domain, substring(email from position('@' in email) + 1) AS same, count(*)
FROM retail.customers GROUP BY 1, 2 ORDER BY 3 DESC

-- Substring in all forms
SELECT substring(sku from 1 for 3), substring(sku from '[0-9]+'), substring(sku for 2), substr(sku, 5), left(sku, 3), right(sku, 4),
       substring(sku similar '%-#"[0-9]{4}#"%' escape '#')
FROM retail.products LIMIT 3

-- Trim variants
SELECT trim('  a  '), trim(both 'x' from 'xxaxx'), trim(leading '0' from '00042'), trim(trailing '.' from 'end...'), btrim('--a--', '-'), ltrim('  a'), rtrim('a  ')

-- Overlay, position, replace, translate
SELECT overlay(phone placing 'XXXX' from length(phone) - 3 for 4) AS masked, position('(' in phone), strpos(phone, '555'),
       replace(phone, '555', '***'), translate(phone, '()- ', '')
FROM retail.customers WHERE phone IS NOT NULL LIMIT 3

-- format, concat, padding
SELECT format('%s, %s <%s>', last_name, first_name, email), format('%1$s %1$s %%', 'again'), format('%-10s|%5s', 'left', 'right'),
       concat(first_name, ' ', last_name), concat_ws(' | ', first_name, NULL, last_name), lpad(length(email)::text, 5, '0'), rpad(last_name, 12, '.'), repeat('*', 5)
FROM retail.customers LIMIT 3

-- Regular expressions
SELECT regexp_replace(product_name, '\s+', ' ', 'g'), regexp_match(product_name, '(\d+) ?(amp|watt|ft|gal)'), regexp_count(product_name, '[aeiou]'),
       regexp_substr(product_name, '[0-9]+'), regexp_instr(product_name, '[0-9]'), regexp_like(product_name, 'saw', 'i')
FROM retail.products LIMIT 5

-- Every match as a row
SELECT p.sku, m[1] AS number, m[2] AS unit FROM retail.products p, regexp_matches(p.product_name, '(\d+)\s*(amp|watt|ft|in|gal|oz)', 'g') AS m LIMIT 10

-- Most frequent words of descriptions
SELECT word, count(*) FROM (SELECT lower(regexp_split_to_table(product_description, '[^A-Za-z]+')) AS word FROM retail.products) w
WHERE length(word) > 4 GROUP BY word ORDER BY 2 DESC, 1 LIMIT 10

-- Words by array and by table
SELECT (regexp_split_to_array(product_name, ' '))[1] AS first_word, (string_to_array(product_name, ' '))[2], array_length(string_to_array(product_name, ' '), 1)
FROM retail.products LIMIT 3

-- string_to_table and ordinals
SELECT t.word, t.n FROM string_to_table('Paint, Brush, Roller', ', ') WITH ORDINALITY AS t(word, n)

-- Codes and digests
SELECT ascii('A'), chr(65), md5('zava'), encode(sha256('zava'::bytea), 'hex'), encode('zava'::bytea, 'base64'), convert_from(decode('7a617661', 'hex'), 'UTF8'), to_hex(255)

-- Quoting and the start of a word
SELECT starts_with(sku, 'HND'), sku ^@ 'HND', quote_literal(product_name), quote_ident(sku), quote_nullable(NULL) FROM retail.products LIMIT 2

-- Collation and sort
SELECT last_name FROM retail.customers ORDER BY last_name COLLATE "C" DESC, first_name LIMIT 5

-- Comparison under a collation
SELECT count(*) FROM retail.customers WHERE last_name COLLATE "C" >= 'M' AND last_name COLLATE "POSIX" < 'P'

-- Unicode literals and normal forms
SELECT 'Müller ☕ 電動' AS plain, U&'\00e9' AS escaped, E'tab\there\u00e9' AS c_style, normalize('é', NFD) = 'é' AS same, 'é' IS NFC NORMALIZED, unistr('\00e9')

-- Literal that spans lines and dollar quotes
SELECT 'one '
  'two' AS joined, $$it's "quoted"$$ AS dollar, $note$a ; b -- c /* d */$note$ AS tagged

-- Text that looks like SQL
SELECT 'DROP TABLE orders; --' AS text, 'set_config' AS word, product_name FROM retail.products WHERE product_name NOT LIKE '%pg_sleep(1)%' LIMIT 1

-- Text with control characters, quotes and backslashes
SELECT E'line one\nline two\ttab "quoted" back\\slash \x01' AS text, '' AS empty, ' ' AS blank, NULL::text AS nothing

-- # patterns
-- LIKE with escape and underscore
SELECT product_name FROM retail.products WHERE product_name LIKE '%-pack%' OR product_name LIKE '%100!%%' ESCAPE '!' OR sku LIKE 'HND-__01' LIMIT 5

-- NOT ILIKE and LIKE ANY, ALL
SELECT count(*) FROM retail.products
WHERE product_name NOT ILIKE '%paint%' AND product_name ILIKE ALL (ARRAY['%a%', '%e%']) AND product_name LIKE ANY ('{%Saw%,%Drill%,%Hammer%}')

-- SIMILAR TO
SELECT sku FROM retail.products WHERE sku SIMILAR TO '(HND|PWR)-[0-9]{2}(01|02)' AND sku NOT SIMILAR TO '%99' LIMIT 5

-- Regular expression operators
SELECT count(*) FILTER (WHERE product_name ~ '^[A-Z]') AS capital, count(*) FILTER (WHERE product_name ~* 'drill|saw') AS tools,
       count(*) FILTER (WHERE product_name !~ '[0-9]') AS without_digits, count(*) FILTER (WHERE product_name !~* 'PAINT') AS no_paint
FROM retail.products

-- Operators behind LIKE
SELECT count(*) FROM retail.products WHERE product_name ~~ '%Set%' AND product_name !~~ '%zz%' AND product_name ~~* '%set%' AND product_name !~~* '%ZZ%'

-- # numbers
-- Rounding
SELECT round(2.5), round(-1.005, 2), trunc(9.99), trunc(12345.678, -2), ceil(1.1), ceiling(1.1), floor(-1.1), sign(-3), abs(-7), scale(1.230), trim_scale(1.230), min_scale(1.230)

-- Powers and logarithms
SELECT sqrt(2), cbrt(27), power(2, 10), 2 ^ 3, exp(1), ln(10), log(100), log10(1000), log(2.0, 8.0), |/ 16 AS root, ||/ 8.0 AS cube_root, @ -5 AS absolute, factorial(5)

-- Division and remainders
SELECT 7 / 2 AS whole, 7 / 2.0 AS exact, 7 % 3, mod(7, 3), div(7, 2), gcd(12, 18), lcm(4, 6), -7 % 3

-- Circles for a map
SELECT pi(), degrees(pi()), radians(180), sin(0.5), cos(0.5), tan(0.5), asin(0.5), acos(0.5), atan(1), atan2(1, 2), sind(30), cosh(0), tanh(0)

-- Histogram of prices
SELECT width_bucket(base_price, ARRAY[10, 25, 50, 100, 250]::numeric[]) AS bucket, count(*), min(base_price), max(base_price)
FROM retail.products GROUP BY 1 ORDER BY 1

-- z-scores of order amounts
SELECT order_id, total_amount, (total_amount - avg(total_amount) OVER ()) / nullif(stddev(total_amount) OVER (), 0) AS z
FROM retail.orders ORDER BY z DESC LIMIT 5

-- Geometric mean
SELECT exp(avg(ln(total_amount))) AS geometric_mean FROM retail.orders WHERE total_amount > 0

-- Numbers in every spelling
SELECT 1e3, .5, 5., 0x1F, 0o17, 0b101, 1_000_000, -0.0, 1.5e-3, 12345678901234567890, 9007199254740993, 0.1 + 0.2

-- Numbers to text and back
SELECT to_char(1234567.891, '999,999,999.99'), to_char(0.256 * 100, 'FM990.0"%"'), to_number('12,454.8-', '99G999D9S'), '42'::int + 1, 3.7::int, '1e3'::float8, to_char(42, 'RN'), to_char(5, '000')

-- Special values of floats
SELECT 'NaN'::float8 AS not_a_number, 'Infinity'::float8 AS endless, '-Infinity'::float8, 'NaN'::numeric, 'Infinity'::numeric

-- Least squares of price and quantity
SELECT regr_slope(quantity, unit_price), regr_intercept(quantity, unit_price), regr_r2(quantity, unit_price) FROM retail.order_items

-- # conditions
-- CASE in both forms, nested
SELECT CASE status WHEN 'completed' THEN 1 WHEN 'pending' THEN 0 END AS code,
       CASE WHEN total_amount > 1000 THEN CASE WHEN status = 'completed' THEN 'big done' ELSE 'big open' END ELSE 'small' END AS kind, count(*)
FROM retail.orders GROUP BY 1, 2

-- COALESCE, NULLIF, GREATEST, LEAST
SELECT coalesce(phone, email, 'none'), nullif(phone, ''), greatest(1, 2, NULL, 3), least(DATE '2026-01-01', DATE '2025-01-01') FROM retail.customers LIMIT 2

-- IS DISTINCT FROM and NULL tests
SELECT count(*) FILTER (WHERE phone IS DISTINCT FROM '') AS has_phone, count(*) FILTER (WHERE phone IS NOT DISTINCT FROM NULL) AS without,
       count(*) FILTER (WHERE phone ISNULL), count(*) FILTER (WHERE phone NOTNULL), num_nulls(1, NULL, 2), num_nonnulls(1, NULL, 2)
FROM retail.customers

-- Truth tests
SELECT discontinued IS TRUE, discontinued IS NOT TRUE, discontinued IS FALSE, discontinued IS NOT UNKNOWN, NOT discontinued AND true OR false, count(*)
FROM retail.products GROUP BY discontinued

-- BETWEEN, symmetric and not
SELECT count(*) FROM retail.orders WHERE total_amount BETWEEN 10 AND 100 AND total_amount NOT BETWEEN 50 AND 51 AND total_amount BETWEEN SYMMETRIC 100 AND 1
   AND total_amount NOT BETWEEN SYMMETRIC 20 AND 19

-- CASE in ORDER BY and GROUP BY
SELECT status, count(*) FROM retail.orders GROUP BY status
ORDER BY CASE status WHEN 'pending' THEN 1 WHEN 'completed' THEN 2 WHEN 'cancelled' THEN 3 ELSE 4 END

-- Row comparisons
SELECT (1, 2) = (1, 2) AS same, ROW(1, 'a') < ROW(1, 'b') AS less, (1, NULL) IS NULL AS all_null, ROW(1, 2) IS DISTINCT FROM ROW(1, 3), ROW(1, 2.5, 'x') AS made

-- # arrays
-- array_agg with order and filter
SELECT status, array_agg(total_amount ORDER BY total_amount DESC) FILTER (WHERE total_amount > 500) AS largest
FROM retail.orders WHERE order_date >= '2026-01-01' GROUP BY status

-- Functions on arrays
SELECT cardinality(a), array_length(a, 1), array_position(a, 'b'), array_positions(a, 'a'), array_append(a, 'z'), array_prepend('0', a), array_cat(a, ARRAY['y']),
       array_remove(a, 'a'), array_replace(a, 'a', 'x'), array_to_string(a, ','), array_upper(a, 1), array_lower(a, 1), array_dims(a), array_ndims(a), trim_array(a, 1)
FROM (SELECT ARRAY['a', 'b', 'a'] AS a) t

-- Slices and subscripts
SELECT a[1], a[2:3], a[:2], a[2:], (ARRAY[[1, 2], [3, 4]])[2][1], (ARRAY[[1, 2], [3, 4]])[1:1] FROM (VALUES ('{10,20,30}'::int[])) AS v(a)

-- unnest of several arrays with ordinality
SELECT u.n, u.name, u.weight FROM unnest(ARRAY['a', 'b', 'c'], ARRAY[1.5, 2.5]) WITH ORDINALITY AS u(name, weight, n)

-- ANY and ALL of an array
SELECT count(*) FROM retail.orders WHERE status = ANY (ARRAY['completed', 'pending']) AND status <> ALL ('{cancelled,refunded}'::text[])

-- Array operators
SELECT ARRAY[1, 2] || 3 AS joined, 0 || ARRAY[1], ARRAY[1, 2, 3] @> ARRAY[2], ARRAY[2] <@ ARRAY[1, 2], ARRAY[1, 2] && ARRAY[2, 9], ARRAY[1, 2] = ARRAY[1, 2], ARRAY[]::int[] AS none

-- Baskets as arrays
SELECT o.order_id, array_agg(p.product_name ORDER BY oi.line_number) AS basket
FROM retail.orders o JOIN retail.order_items oi USING (store_id, order_id) JOIN retail.products p USING (product_id)
GROUP BY o.order_id HAVING count(*) >= 3 ORDER BY count(*) DESC, o.order_id LIMIT 5

-- Field of a row in an array
SELECT store_id, ((array_agg(o ORDER BY o.order_date DESC))[1]).total_amount AS last_amount FROM retail.orders o GROUP BY store_id

-- The first of an ordered array
SELECT category_id, (array_agg(product_name ORDER BY base_price DESC))[1] AS dearest FROM retail.products GROUP BY category_id

-- Nested arrays of dates and nulls
SELECT ARRAY[DATE '2026-06-30', NULL] AS dates, ARRAY[[1, NULL], [3, 4]] AS matrix, ARRAY[true, false] AS flags, ARRAY['a,b', 'c"d', NULL, ''] AS texts, ARRAY[1.10, 2.20] AS amounts

-- # json
-- One object per store
SELECT json_build_object('store', s.store_name, 'orders', count(o.order_id), 'revenue', sum(o.total_amount), 'last', max(o.order_date)) AS summary
FROM retail.stores s JOIN retail.orders o USING (store_id) GROUP BY s.store_name

-- Array of objects
SELECT jsonb_agg(jsonb_build_object('category', category_name, 'products', n) ORDER BY n DESC, category_name) AS categories
FROM (SELECT c.category_name, count(*) AS n FROM retail.categories c JOIN retail.products p USING (category_id) GROUP BY 1) t

-- Object from pairs
SELECT jsonb_object_agg(status, n) AS by_status, json_object_agg(status, n ORDER BY status) AS again FROM (SELECT status, count(*) AS n FROM retail.orders GROUP BY status) s

-- row_to_json of a subselect
SELECT row_to_json(t) FROM (SELECT store_name, region, is_online FROM retail.stores) t

-- to_jsonb of a row, and its keys
SELECT to_jsonb(c) AS category, ARRAY(SELECT jsonb_object_keys(to_jsonb(c)) ORDER BY 1) AS keys FROM retail.categories c LIMIT 2

-- Nested aggregation
SELECT json_agg(json_build_object('category', c.category_name, 'types', (
  SELECT json_agg(t.type_name ORDER BY t.type_name) FROM retail.product_types t WHERE t.category_id = c.category_id))) AS tree
FROM retail.categories c

-- Reading by arrows and paths
SELECT j -> 'a' AS a, j ->> 'b' AS b, j #> '{c,0}' AS first, j #>> '{c,1}' AS second, j['c'][0] AS subscript, j ? 'a' AS has_a, j ?| array['x', 'b'] AS any_of, j ?& array['a', 'b'] AS all_of,
       j @> '{"b": "two"}' AS contains, j - 'a' AS without, j #- '{c,0}' AS without_path, j || '{"d": 4}' AS merged
FROM (SELECT '{"a": 1, "b": "two", "c": [10, 20]}'::jsonb AS j) AS doc

-- Elements and pairs as rows
SELECT e.value ->> 'sku' AS sku, (e.value ->> 'n')::int AS n FROM jsonb_array_elements('[{"sku": "A", "n": 1}, {"sku": "B", "n": 2}]'::jsonb) AS e

-- Keys and values
SELECT k.key, k.value FROM jsonb_each_text('{"x": 1, "y": "z"}') AS k

-- Whole call expanded
SELECT (jsonb_each('{"x": 1, "y": [2]}'::jsonb)).key, jsonb_array_length('[1, 2, 3]'), jsonb_typeof('null'::jsonb)

-- Record set with a column list
SELECT r.sku, r.quantity * 2 AS twice FROM jsonb_to_recordset('[{"sku": "A", "quantity": 3}, {"sku": "B"}]') AS r(sku text, quantity int)

-- JSON path
SELECT jsonb_path_query('{"a": [1, 2, 3]}', '$.a[*] ? (@ > 1)') AS found, jsonb_path_exists('{"a": 1}', '$.a'), jsonb_path_query_array('{"a": [1, 2]}', '$.a[*]'),
       jsonb_path_query_first('{"a": [5]}', '$.a[0]'), '{"a": 1}'::jsonb @? '$.a', '{"a": 1}'::jsonb @@ '$.a == 1'

-- Changing a document
SELECT jsonb_set('{"a": 1}', '{b}', '2'), jsonb_insert('{"a": [1]}', '{a,0}', '0'), jsonb_strip_nulls('{"a": null}'), jsonb_pretty('{"a": 1}'), json_build_array(1, 'two', NULL), jsonb_build_array(true)

-- Standard constructors
SELECT JSON_OBJECT('a': 1, 'b': 'two' ABSENT ON NULL), JSON_ARRAY(1, 2, 3), JSON_ARRAYAGG(status ORDER BY status), JSON_OBJECTAGG(status: n), '{}' IS JSON OBJECT
FROM (SELECT status, count(*) AS n FROM retail.orders GROUP BY status) t

-- A document with numbers, escapes and repeated keys
SELECT '{"big": 12345678901234567890.123, "small": 1e-7, "text": "a\u00e9\n", "x": 1, "x": 2, "none": null}'::json AS j, '{"x": 1, "x": 2}'::jsonb AS jb, 'null'::jsonb AS json_null, '"text"'::json AS json_text, '3'::jsonb AS json_number

-- array_to_json and arrays of objects
SELECT array_to_json(array_agg(t)) FROM (SELECT type_name, count(*) AS n FROM retail.product_types GROUP BY type_name ORDER BY type_name LIMIT 3) t

-- # sets
-- UNION ALL with a total
SELECT store_name AS label, (SELECT sum(total_amount) FROM retail.orders o WHERE o.store_id = s.store_id) AS revenue FROM retail.stores s
UNION ALL SELECT 'Total', sum(total_amount) FROM retail.orders
ORDER BY revenue

-- INTERSECT: customers of two years
SELECT customer_id FROM retail.orders WHERE order_date < '2024-01-01' INTERSECT SELECT customer_id FROM retail.orders WHERE order_date >= '2025-01-01' LIMIT 20

-- EXCEPT: customers lost
SELECT customer_id FROM retail.orders WHERE order_date < '2025-01-01' EXCEPT SELECT customer_id FROM retail.orders WHERE order_date >= '2025-01-01' LIMIT 20

-- ALL variants
(SELECT status FROM retail.orders INTERSECT ALL SELECT status FROM retail.orders) EXCEPT ALL (SELECT 'nothing') LIMIT 5

-- Parentheses with their own order and limit
(SELECT product_name, base_price FROM retail.products ORDER BY base_price DESC LIMIT 3)
UNION
(SELECT product_name, base_price FROM retail.products ORDER BY base_price ASC LIMIT 3)
ORDER BY base_price

-- VALUES alone
VALUES (1, 'one'), (2, 'two'), (3, NULL)

-- VALUES with order and limit
VALUES (3), (1), (2) ORDER BY column1 DESC LIMIT 2

-- VALUES as a table with odd types
SELECT * FROM (VALUES (1, DATE '2026-06-30', 1.5, true, NULL), (2, '2026-07-01', 2, false, 'x')) AS v(i, d, n, b, t)

-- TABLE
TABLE retail.categories

-- TABLE with order
TABLE product_types ORDER BY type_name LIMIT 5

-- # ranges
-- Ranges contain and overlap
SELECT daterange('2026-06-01', '2026-07-01') @> DATE '2026-06-30' AS within, daterange('2026-01-01', '2026-03-01') && daterange('2026-02-01', '2026-04-01') AS overlap,
       int4range(1, 10) * int4range(5, 15) AS common, numrange(1.1, 2.2) + numrange(2.2, 3.3) AS joined, int4range(1, 3) -|- int4range(3, 5) AS adjacent, int4range(1, 2) << int4range(3, 4) AS before,
       lower(int4range(1, 5)), upper(int4range(1, 5)), isempty('empty'::int4range), lower_inc(int4range(1, 5)), upper_inf(int4range(1, NULL))

-- Orders in a range of time
SELECT count(*) FROM retail.orders WHERE tstzrange('2026-06-01', '2026-07-01', '[)') @> order_date

-- Bands of price as ranges
SELECT b.band, count(p.product_id) FROM (VALUES (numrange(0, 20)), (numrange(20, 100)), (numrange(100, NULL))) AS b(band)
LEFT JOIN retail.products p ON p.base_price <@ b.band GROUP BY b.band ORDER BY b.band

-- Multiranges
SELECT range_agg(daterange(order_date::date, order_date::date, '[]')) AS trading_days FROM retail.orders WHERE order_date >= '2026-06-15' AND order_date < '2026-07-01'

-- Ranges from text and merged
SELECT '[2026-01-01,2026-02-01)'::tsrange, range_merge(int4range(1, 2), int4range(5, 6)), '{[1,3),[5,7)}'::int4multirange, unnest('{[1,3),[5,7)}'::int4multirange)

-- # bits
-- Bit operators
SELECT 5 & 3 AS both, 5 | 3 AS either, 5 # 3 AS one, ~5 AS inverse, 1 << 4 AS shifted, 256 >> 2 AS back, bit_and(n), bit_or(n), bit_xor(n) FROM generate_series(1, 7) AS n

-- Bit strings
SELECT B'1010' AS bits, X'1F' AS hex, 5::bit(8), B'1010'::int, bit_count(B'1011'), get_bit(B'1010', 0), length(B'1010'), b'1' || b'0'

-- Bytes
SELECT '\xDEADBEEF'::bytea AS bytes, length('\xDEAD'::bytea), get_byte('\xDEAD'::bytea, 0), ''::bytea AS none, NULL::bytea AS missing, ARRAY['\x01'::bytea] AS several

-- # types
-- CAST to ordinary types
SELECT CAST('1' AS integer), CAST('2' AS bigint), CAST('3' AS smallint), CAST(1.005 AS numeric(10, 2)), CAST('1.5' AS real), CAST('2.5' AS double precision), CAST(1 AS boolean),
       CAST('x' AS varchar(10)), CAST('x' AS char(3)), CAST('x' AS text), CAST('2026-06-30' AS date), CAST('10:00' AS time), CAST('2026-06-30 10:00' AS timestamp),
       CAST('2026-06-30 10:00+00' AS timestamp with time zone), CAST('1 day' AS interval), CAST('{"a": 1}' AS jsonb), CAST(12.5 AS decimal(5, 1)), CAST('10:00+02' AS time with time zone)

-- The same by double colon
SELECT '1'::int2, '1'::int4, '1'::int8, '1'::float4, '1'::float8, 't'::bool, '1'::dec, '2026-06-30'::timestamp(0), '2026-06-30'::timestamptz(3), '00000000-0000-0000-0000-000000000001'::uuid,
       '{1,2}'::integer[], '{a,b}'::text[], '{1.5}'::numeric(5, 2)[], '{{1,2},{3,4}}'::int[][], 'x'::character varying, 'x'::national character(2), 'x'::bpchar, '101'::bit varying(5)

-- Typed literals
SELECT DATE '2026-06-30', TIME '13:45', TIMESTAMP '2026-06-30 13:45', TIMESTAMP WITH TIME ZONE '2026-06-30 13:45+00', INTERVAL '2 weeks', INTERVAL '1 year 2 months 3 days 04:05:06.789', BOOLEAN 'yes', UUID '00000000-0000-0000-0000-000000000001', NUMERIC '1.50', JSON '[1]', float8 '1.5'

-- Money as an analyst prints it
SELECT sum(total_amount)::money AS revenue FROM retail.orders

-- Comparison of UUIDs
SELECT count(*) FROM retail.orders WHERE order_id > '00000000-0000-0000-0000-000000000000' AND order_id <> UUID 'ffffffff-ffff-ffff-ffff-ffffffffffff' AND order_id::text LIKE '%-%'

-- Types that are asked for
SELECT pg_typeof(total_amount)::text AS amount, pg_typeof(order_date)::text AS moment, pg_typeof(1 + 1.0)::text FROM retail.orders LIMIT 1

-- Casts in the style of functions, and chained
SELECT date(order_date), text(status), date(TIMESTAMP '2026-06-30 10:00'), CAST(order_date AS date)::text::date FROM retail.orders LIMIT 1

-- Unnamed, repeated and blank columns
SELECT 1, 2, 'a', 1 AS x, 2 AS x, NULL, count(*), max(total_amount), max(order_date) FROM retail.orders

-- # full text
-- Search and rank
SELECT product_name, ts_rank(to_tsvector('english', product_name), q) AS rank
FROM retail.products, plainto_tsquery('english', 'cordless drill') AS q
WHERE to_tsvector('english', product_name) @@ q ORDER BY rank DESC, product_name LIMIT 5

-- websearch, phrase and rank by cover density
SELECT product_name, ts_rank_cd(to_tsvector('english', product_description), websearch_to_tsquery('english', 'outdoor -indoor'), 32) AS rank
FROM retail.products
WHERE to_tsvector('english', product_description) @@ (websearch_to_tsquery('english', '"outdoor" or garden -indoor') || phraseto_tsquery('english', 'lawn mower'))
ORDER BY rank DESC LIMIT 5

-- Weights and a headline
SELECT ts_headline('english', product_description, to_tsquery('english', 'paint:*'), 'MaxWords=10, MinWords=5') AS headline,
       setweight(to_tsvector('english', product_name), 'A') || setweight(to_tsvector('english', product_description), 'B') AS document
FROM retail.products WHERE to_tsvector('english', product_name) @@ to_tsquery('english', 'paint & !spray') LIMIT 3

-- Lexemes
SELECT u.lexeme, u.positions FROM unnest(to_tsvector('english', 'The painters painted the fence')) AS u

-- Query made from a plain cast
SELECT 'fat & rat'::tsquery && 'cat'::tsquery AS q, !! 'cat'::tsquery AS negated, 'a:1 b:2'::tsvector AS v, numnode('a & b'::tsquery), strip('a:1'::tsvector), length('a:1 b:2'::tsvector)

-- # spelling
-- All lower case, no schema, no blanks to spare
select status,count(*) from orders group by status order by count(*)desc

-- ALL UPPER CASE
SELECT STORE_NAME, REGION FROM RETAIL.STORES WHERE IS_ONLINE = FALSE OR IS_ONLINE = TRUE

-- Comments everywhere
SELECT /* the count */ count(*) -- of rows
/* nested /* comment */ here */ FROM retail.orders -- the end

-- Comment in front, semicolon and comment behind
-- monthly numbers
SELECT count(*) FROM retail.customers; -- done

-- Several blanks, tabs and a semicolon
	SELECT   1
  ;  

-- Quoted identifiers and odd aliases
SELECT "o"."status" AS "Order Status", count(*) AS "№ of ""orders"" (all)", sum("o"."total_amount") AS "Σ $" FROM "retail"."orders" "o" GROUP BY "o"."status" ORDER BY "Σ $" DESC

-- Key words as aliases
SELECT 1 AS select, 2 AS "from", 3 AS order, 4 AS user, 5 AS group, 6 AS table, 7 AS end, 8 value, 9 AS type, 10 AS date, 11 AS timestamp

-- Aliases without AS, table aliases of one letter
SELECT o.total_amount amount, o.status state FROM retail.orders o ORDER BY amount DESC, 2 ASC LIMIT 3

-- Columns qualified by schema and table
SELECT retail.orders.status, retail.orders.total_amount FROM retail.orders WHERE retail.orders.total_amount > 0 ORDER BY retail.orders.order_date LIMIT 3

-- Functions of pg_catalog
SELECT pg_catalog.count(*), pg_catalog.round(pg_catalog.avg(total_amount), 2), pg_catalog.to_char(pg_catalog.now(), 'YYYY') FROM retail.orders

-- Types and operators of pg_catalog
SELECT '1'::pg_catalog.int4 OPERATOR(pg_catalog.+) 1 AS two, CAST('x' AS pg_catalog.text)

-- Output names that repeat a table's column
SELECT sum(total_amount) AS total_amount, count(*) AS count, max(order_date) AS max FROM retail.orders

-- LIMIT, OFFSET and their SQL spelling
SELECT product_name FROM retail.products ORDER BY product_name OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY

-- LIMIT ALL and an expression as OFFSET
SELECT category_name FROM retail.categories ORDER BY 1 LIMIT ALL OFFSET 1 + 1

-- WITH TIES
SELECT quantity, order_id FROM retail.order_items ORDER BY quantity DESC FETCH FIRST 3 ROWS WITH TIES

-- ORDER BY USING and NULLS FIRST
SELECT phone, last_name FROM retail.customers ORDER BY phone ASC NULLS FIRST, last_name USING > LIMIT 3

-- Star of everything readable
SELECT * FROM retail.stores

-- Star of one table beside a column
SELECT o.*, s.store_name FROM retail.orders o JOIN retail.stores s USING (store_id) LIMIT 2

-- Star of the tables with timestamps and uuids
SELECT * FROM inventory i, categories c ORDER BY i.product_id, c.category_name LIMIT 2

-- Star of products, for those who see cost [cost]
SELECT * FROM retail.products ORDER BY gross_margin_percent DESC LIMIT 5

-- Margin below a threshold [cost]
SELECT product_name, base_price, cost, gross_margin_percent FROM retail.products p WHERE gross_margin_percent < 30 ORDER BY cost LIMIT 10

-- A sample of rows
SELECT order_id, total_amount FROM retail.orders ORDER BY random() LIMIT 20

-- Alias of a table with renamed columns
SELECT c.label FROM retail.categories AS c(id, label) ORDER BY c.label LIMIT 3

-- Whole row counted and shown
SELECT count(c), count(c.*), count(DISTINCT c) FROM retail.categories AS c

-- A row as one column
SELECT c FROM retail.categories c ORDER BY c LIMIT 2

-- Field of a composite
SELECT (c).category_name, (c.category_name) FROM retail.categories c LIMIT 2

-- SELECT ALL and constants in GROUP BY
SELECT ALL status, 'all' AS label FROM retail.orders GROUP BY status, ()

-- Rows without a column
SELECT FROM retail.stores

-- Embedding models, of which a fresh chain has none [no rows]
SELECT name, dimensions, active FROM retail.embedding_models

-- Search vectors, of which a fresh chain has none [no rows]
SELECT product_id, content_hash, embedded_at FROM retail.product_embeddings

-- A store of another region [no rows]
SELECT * FROM retail.stores WHERE store_name = 'Zava Retail Portland'

-- # without a table
-- A connection's first statement
SELECT 1

-- The clock in every spelling
SELECT now(), current_date, current_time, current_timestamp, localtime, localtimestamp, transaction_timestamp(), statement_timestamp(), clock_timestamp() >= now(), current_timestamp(0), current_time(0), localtime(0), localtimestamp(0)

-- A calculator
SELECT 19.99 * 3 * (1 - 0.15) AS price, 100 / 3.0 AS third, true AND NOT false AS yes, 'a' || 'b' AS joined

-- One row from nothing with a condition
SELECT 'there are orders' AS note WHERE EXISTS (SELECT 1 FROM retail.orders)

-- # idioms of models
-- One short alias for a series and for the CTE made of it
WITH days AS (SELECT d::date AS day FROM generate_series('2026-06-01'::date, '2026-06-30'::date, '1 day') d),
     totals AS (SELECT order_date::date AS day, sum(total_amount) AS revenue FROM retail.orders GROUP BY 1)
SELECT d.day, coalesce(t.revenue, 0) AS revenue FROM days d LEFT JOIN totals t ON t.day = d.day ORDER BY d.day

-- One alias in two branches, once of a function
SELECT m.label, m.n FROM (SELECT 'orders' AS label, count(*) AS n FROM retail.orders) m
UNION ALL SELECT 'month ' || m.m, m.m FROM generate_series(1, 2) AS m

-- Months from a number and a text
SELECT (DATE '2026-01-01' + (n || ' months')::interval)::date AS month, DATE '2026-01-01' + n * '1 month'::interval AS again FROM generate_series(0, 5) AS n

-- Alias of a function used as its column
SELECT m.m, w.w, e.value, e.ordinality FROM generate_series(1, 2) m, unnest(ARRAY['a', 'b']) w, jsonb_array_elements('[1]') WITH ORDINALITY AS e

-- Functions in FROM without an alias
SELECT generate_series, unnest, ordinality FROM generate_series(1, 2), unnest(ARRAY['x', 'y']) WITH ORDINALITY

-- Distinct pairs counted
SELECT count(DISTINCT (store_id, customer_id)) AS buyers, count(DISTINCT ROW(store_id, order_date::date)) AS store_days, sum(DISTINCT total_amount) FROM retail.orders

-- Rates from booleans
SELECT sum((status = 'refunded')::int) AS refunds, round(avg((status = 'refunded')::int) * 100, 2) AS refund_percent, 100.0 * count(*) FILTER (WHERE status = 'cancelled') / count(*)::float AS cancelled FROM retail.orders

-- Order by a list of values
SELECT status, count(*) FROM retail.orders GROUP BY status ORDER BY array_position(ARRAY['pending', 'completed', 'cancelled', 'refunded'], status), status = 'pending' DESC

-- Hours between first and last order
SELECT round((EXTRACT(EPOCH FROM (max(order_date) - min(order_date))) / 3600)::numeric, 1) AS hours, extract(day FROM max(order_date) - min(order_date)) AS days FROM retail.orders

-- Parts of a SKU
SELECT (regexp_match(sku, '^([A-Z]+)-(\d\d)(\d\d)$'))[1] AS code, (regexp_match(sku, '^([A-Z]+)-(\d\d)(\d\d)$'))[2]::int AS type_number, substring(sku, '\d+') FROM retail.products LIMIT 3

-- Variadic arrays and named arguments
SELECT concat(VARIADIC ARRAY['a', 'b']), format('%s-%s', VARIADIC ARRAY['x', 'y']), make_interval(months := 1, days => 2), concat_ws(',', VARIADIC ARRAY['1', '2'])

-- JSON of rows without some keys
SELECT jsonb_agg(to_jsonb(t) - 'store_id' ORDER BY t.total_amount DESC) AS orders, json_agg(t.*) AS whole, json_agg(t) AS again
FROM (SELECT store_id, status, total_amount FROM retail.orders ORDER BY total_amount DESC LIMIT 3) AS t

-- Expanded composites
SELECT (c).*, (jsonb_each('{"a": 1}')).* FROM retail.categories c LIMIT 1

-- A record with a column list
SELECT x.a, x.b FROM jsonb_to_record('{"a": 1, "b": [2]}') AS x(a int, b jsonb)

-- Field of a row that the statement itself makes
SELECT (t).spent AS spent FROM (SELECT customer_id, sum(total_amount) AS spent FROM retail.orders GROUP BY customer_id) t ORDER BY 1 DESC LIMIT 3

-- LIKE over a list of rows and a built pattern
SELECT count(*) FROM retail.products WHERE product_name ILIKE ANY (VALUES ('%saw%'), ('%drill%')) OR product_name ILIKE '%' || 'hammer' || '%'

-- Search for a literal percent sign
SELECT count(*) FROM retail.products WHERE product_description NOT LIKE '%\%%' OR product_description ILIKE '%#%%' ESCAPE '#'

-- ONLY, star and a table in parentheses
SELECT count(*) FROM ONLY retail.orders, (TABLE retail.stores) AS s, ONLY (retail.categories)

-- Text bars of a fixed width
SELECT status, rpad(repeat('#', least(10, (10 * count(*) / sum(count(*)) OVER ())::int)), 10, '.') AS bar FROM retail.orders GROUP BY status

-- Text bars as wide as the amount
SELECT category_name, repeat('*', least((products / 8)::int, 40)) AS bar FROM (SELECT c.category_name, count(*) AS products FROM retail.products p JOIN retail.categories c USING (category_id) GROUP BY 1) t

-- Indentation by depth
WITH RECURSIVE t(name, id, depth) AS (
  SELECT category_name, category_id, 0 FROM retail.categories
  UNION ALL SELECT p.type_name, p.type_id, t.depth + 1 FROM t JOIN retail.product_types p ON p.category_id = t.id
)
SELECT lpad(name, least(length(name) + 2 * depth, 80)) AS label, repeat('- ', least(depth, 8)) AS indent FROM t ORDER BY depth, name LIMIT 20

-- Median by rows in the middle
SELECT avg(total_amount) AS median FROM (SELECT total_amount, row_number() OVER (ORDER BY total_amount) AS n, count(*) OVER () AS c FROM retail.orders) t WHERE n IN ((c + 1) / 2, (c + 2) / 2)

-- Row numbers in any order and an empty window
SELECT row_number() OVER (ORDER BY (SELECT NULL)) AS n, count(*) OVER w AS all_stores, store_name FROM retail.stores WINDOW w AS ()

-- Percentiles with a filter, by group
SELECT status, percentile_cont(0.9) WITHIN GROUP (ORDER BY total_amount) FILTER (WHERE order_date >= '2024-01-01') AS p90, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY total_amount)::numeric, 2) AS median
FROM retail.orders GROUP BY status ORDER BY p90 DESC NULLS LAST

-- Quantities to buckets with labels
SELECT (ARRAY['one', 'two', 'three or more'])[least(quantity, 3)] AS size, count(*) FROM retail.order_items GROUP BY 1 ORDER BY 2 DESC

-- Cross tabulation by month
SELECT c.category_name,
       coalesce(sum(oi.total_amount) FILTER (WHERE date_trunc('month', o.order_date)::date = '2026-04-01'), 0) AS "Apr 2026",
       coalesce(sum(oi.total_amount) FILTER (WHERE date_trunc('month', o.order_date)::date = '2026-05-01'), 0) AS "May 2026",
       coalesce(sum(oi.total_amount) FILTER (WHERE date_trunc('month', o.order_date)::date = '2026-06-01'), 0) AS "Jun 2026"
FROM retail.categories c JOIN retail.products p USING (category_id)
LEFT JOIN retail.order_items oi USING (product_id) LEFT JOIN retail.orders o USING (store_id, order_id)
GROUP BY c.category_name ORDER BY c.category_name

-- Twelve months before the current one, by the clock
SELECT m::date AS month, count(o.order_id) AS orders
FROM generate_series(date_trunc('month', CURRENT_DATE) - INTERVAL '12 months', date_trunc('month', CURRENT_DATE) - INTERVAL '1 month', INTERVAL '1 month') AS m
LEFT JOIN retail.orders o ON date_trunc('month', o.order_date) = m GROUP BY m ORDER BY m

-- Local day of the clock
SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date AS today, CURRENT_DATE - 30 AS month_ago, CURRENT_DATE::timestamp, date_trunc('week', now())::date AS week

-- An answer with its own header row
SELECT 'Store' AS a, 'Revenue' AS b UNION ALL (SELECT s.store_name, to_char(sum(o.total_amount), 'FM999G999G990D00') FROM retail.stores s JOIN retail.orders o USING (store_id) GROUP BY s.store_name ORDER BY sum(o.total_amount) DESC)

-- A random handful of products
SELECT product_name FROM retail.products ORDER BY random() LIMIT 5

-- Words of two products compared
SELECT a.product_name, b.product_name AS like_it, cardinality(ARRAY(SELECT unnest(string_to_array(lower(a.synonyms), ', ')) INTERSECT SELECT unnest(string_to_array(lower(b.synonyms), ', ')))) AS shared
FROM retail.products a JOIN retail.products b ON a.type_id = b.type_id AND a.sku < b.sku WHERE a.sku LIKE 'HND-01%' ORDER BY shared DESC LIMIT 5

-- Gini coefficient of revenue over customers
WITH spend AS (SELECT sum(total_amount) AS x FROM retail.orders GROUP BY customer_id), ranked AS (SELECT x, row_number() OVER (ORDER BY x) AS i, count(*) OVER () AS n, sum(x) OVER () AS total FROM spend)
SELECT round((2 * sum(i * x) / (max(n) * max(total))) - (max(n) + 1.0) / max(n), 3) AS gini FROM ranked

-- Exponential smoothing by recursion over numbered months
WITH RECURSIVE m AS (
  SELECT row_number() OVER (ORDER BY date_trunc('month', order_date)) AS n, sum(total_amount) AS revenue FROM retail.orders WHERE order_date >= '2025-07-01' GROUP BY date_trunc('month', order_date)
), smooth AS (
  SELECT n, revenue, revenue AS level FROM m WHERE n = 1
  UNION ALL SELECT m.n, m.revenue, round(0.3 * m.revenue + 0.7 * s.level, 2) FROM smooth s JOIN m ON m.n = s.n + 1
)
SELECT n, revenue, level FROM smooth ORDER BY n

-- Distinct values by loose scan
WITH RECURSIVE t AS (
  (SELECT status FROM retail.orders ORDER BY status LIMIT 1)
  UNION ALL
  SELECT (SELECT o.status FROM retail.orders o WHERE o.status > t.status ORDER BY o.status LIMIT 1) FROM t WHERE t.status IS NOT NULL
)
SELECT status FROM t WHERE status IS NOT NULL

-- JSON array of a subquery
SELECT JSON_ARRAY(SELECT status FROM retail.orders GROUP BY status ORDER BY status) AS statuses, JSON_OBJECT('n' VALUE count(*) RETURNING jsonb) AS n FROM retail.orders

-- The row before as a whole
SELECT o.order_date, o.total_amount - (lag(o) OVER (PARTITION BY o.customer_id ORDER BY o.order_date)).total_amount AS change
FROM retail.orders o ORDER BY o.order_date DESC LIMIT 6


-- JSON paths with variables of short values
SELECT count(*) FILTER (WHERE jsonb_path_exists(to_jsonb(o), '$.total_amount ? (@ > $least && @ < $most)', '{"least": 1, "most": 100000}')) AS some,
  count(*) FILTER (WHERE jsonb_path_exists(to_jsonb(o), '$.status ? (@ == $status)', jsonb_build_object('status', 'completed'))) AS completed,
  count(*) FILTER (WHERE JSON_EXISTS(to_jsonb(o), '$.total_amount ? (@ > $least)' PASSING 1 AS least)) AS others
FROM retail.orders o

-- Orders of some months with their lines as JSON
WITH lines AS (
  SELECT order_id, json_agg(json_build_object('product_id', product_id, 'quantity', quantity, 'price', unit_price) ORDER BY line_number) AS items
  FROM retail.order_items GROUP BY order_id
)
SELECT json_agg(json_build_object('order_id', o.order_id, 'date', o.order_date, 'status', o.status, 'items', l.items)) AS orders
FROM retail.orders o JOIN lines l ON l.order_id = o.order_id
WHERE o.order_date >= date_trunc('month', (SELECT max(order_date) FROM retail.orders)) AND o.status = 'pending'

-- The orders of one customer with their lines as JSON
SELECT json_agg(t) AS orders
FROM (
  SELECT o.order_id, o.order_date, ARRAY(
    SELECT json_build_object('product_id', i.product_id, 'quantity', i.quantity, 'total', i.total_amount)
    FROM retail.order_items i WHERE i.store_id = o.store_id AND i.order_id = o.order_id ORDER BY i.line_number) AS lines
  FROM retail.orders o
  WHERE o.customer_id = (SELECT customer_id FROM retail.orders ORDER BY order_date LIMIT 1)
) t

-- The lines of the last order as JSON, by a CTE
WITH t AS (
  SELECT o.order_id, o.order_date, json_agg(json_build_object('product_id', i.product_id, 'quantity', i.quantity, 'total', i.total_amount)) AS lines
  FROM retail.orders o JOIN retail.order_items i USING (store_id, order_id)
  WHERE o.order_id = (SELECT order_id FROM retail.orders ORDER BY order_date DESC LIMIT 1)
  GROUP BY o.order_id, o.order_date
)
SELECT json_agg(t) AS last_order FROM t


-- # bounds, names and functions that a text states
-- The days of a month by the difference of two dates
SELECT DATE '2026-01-01' + i AS day FROM generate_series(0, DATE '2026-01-31' - DATE '2026-01-01') AS i ORDER BY 1

-- The last years by a field of today
SELECT y FROM generate_series(EXTRACT(YEAR FROM CURRENT_DATE)::int - 3, EXTRACT(YEAR FROM CURRENT_DATE)::int) AS y ORDER BY y

-- The days of this month
SELECT d FROM generate_series(1, date_part('day', date_trunc('month', now()) + interval '1 month - 1 day')::int) AS d

-- As many numbers as a list has parts
SELECT n FROM generate_series(1, CARDINALITY(ARRAY['a', 'b', 'c'])) AS n ORDER BY n

-- Weeks between two dates
SELECT DATE '2026-01-05' + 7 * w AS week FROM generate_series(0, (DATE '2026-12-28' - DATE '2026-01-05') / 7) AS w

-- Rows with an id each, as tools of metrics write it
SELECT COUNT(DISTINCT gen_random_uuid()) AS n FROM retail.stores

-- UUIDs of both kinds
SELECT uuid_extract_version(uuidv4()) AS random, uuid_extract_version(uuidv7()) AS by_time

-- A sample by a hash
SELECT COUNT(*) AS n FROM retail.customers WHERE hashtext(email) % 2 = 0

-- Another sample by a hash
SELECT COUNT(*) AS n FROM retail.customers WHERE hashtextextended(email, 7) % 10 <> 0

-- Twelve zeros
SELECT array_fill(0, ARRAY[12]) AS months

-- Outputs with the names of types
SELECT x.system, x.xml, x.money FROM (SELECT 1 AS system, 2 AS xml, 3 AS money) AS x

-- An output with the name of a system column
WITH r AS (SELECT min(unit_price) AS xmin, max(unit_price) AS xmax FROM retail.order_items) SELECT r.xmin, r.xmax FROM r

-- A recursion that USING joins
WITH RECURSIVE n AS (SELECT 1 AS k UNION ALL SELECT m.k + 1 FROM n JOIN (VALUES (1), (2), (3)) AS m (k) USING (k)) SELECT * FROM n

-- A recursion that CYCLE ends
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n % 3 + 1 FROM r) CYCLE n SET again USING path SELECT n FROM r

-- Products by each keyword
WITH kw (word) AS (VALUES ('drill'), ('saw')) SELECT kw.word, STRING_AGG(replace(p.sku, kw.word, ''), ', ' ORDER BY p.sku) AS skus FROM kw JOIN retail.products p ON strpos(lower(p.product_name), kw.word) > 0 AND split_part(lower(p.product_name), kw.word, 1) <> '' GROUP BY kw.word ORDER BY kw.word
