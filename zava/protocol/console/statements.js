// Statements that pages of the console send: free SQL under the person's own policies, as any other.

const SOLD = "o.status NOT IN ('cancelled', 'refunded')";
const TIME_ZONE = "America/Los_Angeles";

/** Return a text as an SQL literal. */
export const literal = (text) => `'${String(text).replaceAll("'", "''")}'`;
const day = (text) => (/^\d{4}-\d\d-\d\d$/.test(text ?? "") ? text : null);
const local = `(o.order_date AT TIME ZONE '${TIME_ZONE}')`;

const OF_LINES = new Set(["category", "product_type", "product"]);
const WEEKDAY = `trim(to_char(${local}, 'Day'))`;
const COLUMNS = {
  store: "s.store_name", region: "s.region", channel: "CASE WHEN s.is_online THEN 'online' ELSE 'store' END",
  category: "ca.category_name", product_type: "t.type_name", product: "p.product_name || ' [' || p.sku || ']'",
  weekday: WEEKDAY, hour: `to_char(${local}, 'HH24:00')`, day: `to_char(${local}, 'YYYY-MM-DD')`, month: `to_char(${local}, 'YYYY-MM')`,
  quarter: `to_char(${local}, 'YYYY"-Q"Q')`, year: `to_char(${local}, 'YYYY')`, iso_week: `to_char(${local}, 'IYYY"-W"IW')`,
};

function condition({ dimension, op, value }) {
  // A customer is named with the end of the key in brackets, or by that alone.
  if (dimension === "customer") return `right(o.customer_id::text, 12) = ${literal(/\[?([0-9a-f]{12})\]?$/.exec(value[0])?.[1] ?? value[0])}`;
  const column = COLUMNS[dimension];
  if (!column) return null;
  if (dimension === "store" && op === "=" && !value[0].startsWith("Zava Retail ")) return `${column} IN (${literal(value[0])}, ${literal(`Zava Retail ${value[0]}`)})`;
  if (op === "in" || op === "!=") return `${column} ${op === "in" ? "" : "NOT "}IN (${value.map(literal).join(", ")})`;
  if (op === "contains") return `(${value.map((each) => `position(lower(${literal(each)}) IN lower(${column})) > 0`).join(" OR ")})`;
  if (op === "between") return `${column} BETWEEN ${literal(value[0])} AND ${literal(value[1] ?? value[0])}`;
  return `${column} ${[">=", "<=", ">", "<"].includes(op) ? op : "="} ${literal(value[0])}`;
}

/** Return the statement of the orders behind a question, newest first; null names what it cannot filter. */
export function ordersStatement({ first, last, filters }) {
  const left = filters.filter(({ dimension }) => dimension !== "customer" && !COLUMNS[dimension]).map(({ dimension }) => dimension);
  const needsLines = filters.some(({ dimension }) => OF_LINES.has(dimension));
  const onOrders = filters.filter(({ dimension }) => !OF_LINES.has(dimension)).map(condition).filter(Boolean);
  const onLines = filters.filter(({ dimension }) => OF_LINES.has(dimension)).map(condition);
  const days = [day(first) && `o.order_date >= ${literal(`${first} ${TIME_ZONE}`)}::timestamptz`, day(last) && `o.order_date < (${literal(last)}::date + 1)::timestamp AT TIME ZONE '${TIME_ZONE}'`].filter(Boolean);
  const lines = needsLines ? `EXISTS (
    SELECT 1 FROM retail.order_items AS i
    JOIN retail.products AS p ON p.product_id = i.product_id
    JOIN retail.categories AS ca ON ca.category_id = p.category_id
    JOIN retail.product_types AS t ON t.type_id = p.type_id
    WHERE i.store_id = o.store_id AND i.order_id = o.order_id AND ${onLines.join(" AND ")})` : null;
  const where = [...days, ...onOrders, lines].filter(Boolean);
  return { left, text: `SELECT right(o.order_id::text, 12) AS order_key, ${local} AS placed, s.store_name AS store, o.status, o.total_amount AS total_usd,
       right(o.customer_id::text, 12) AS customer_key
FROM retail.orders AS o
JOIN retail.stores AS s ON s.store_id = o.store_id
${where.length ? `WHERE ${where.join("\n  AND ")}\n` : ""}ORDER BY o.order_date DESC, o.order_id` };
}

/** Return the statement of one order's lines. */
export const linesStatement = (key, placed) => `SELECT i.line_number AS line, p.product_name AS product, p.sku, i.quantity, i.unit_price AS unit_price_usd, i.discount_amount AS discount_usd, i.total_amount AS total_usd
FROM retail.orders AS o
JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id
JOIN retail.products AS p ON p.product_id = i.product_id
WHERE right(o.order_id::text, 12) = ${literal(key)}${day(placed) ? `
  AND o.order_date >= ${literal(placed)}::date - 1 AND o.order_date < ${literal(placed)}::date + 2` : ""}
ORDER BY i.line_number`;

const NAMED = "c.first_name, c.last_name", UNNAMED = "right(c.customer_id::text, 12) AS customer_key";
const customers = (named, having, order, limit) => `SELECT ${named ? NAMED : UNNAMED}, s.store_name AS store, sum(o.total_amount) AS revenue_usd, count(*) AS orders,
       max(o.order_date)::date AS last_order
FROM retail.orders AS o
JOIN retail.customers AS c ON c.store_id = o.store_id AND c.customer_id = o.customer_id
JOIN retail.stores AS s ON s.store_id = o.store_id
WHERE ${SOLD}${having.where}
GROUP BY c.store_id, c.customer_id, ${named ? `${NAMED}, ` : ""}s.store_name
${having.having}ORDER BY ${order} LIMIT ${limit}`;

/** Return who spent most since a day, most money first. */
export const bestCustomers = (first, named) => customers(named, { where: `\n  AND o.order_date >= ${literal(first)}::date`, having: "" }, "revenue_usd DESC", 50);

/** Return who has not bought for 90 days, those who had spent most first. */
export const lapsedCustomers = (today, named) => customers(named, { where: "", having: `HAVING max(o.order_date) < ${literal(today)}::date - 90\n` }, "revenue_usd DESC", 200);

/** Return what is bought together, from at least `least` orders. */
export const boughtTogether = (first, least) => `WITH sold AS (
  SELECT DISTINCT i.store_id, i.order_id, t.type_name
  FROM retail.order_items AS i
  JOIN retail.orders AS o ON o.store_id = i.store_id AND o.order_id = i.order_id
  JOIN retail.products AS p ON p.product_id = i.product_id
  JOIN retail.product_types AS t ON t.type_id = p.type_id
  WHERE ${SOLD} AND o.order_date >= ${literal(first)}
),
total AS (SELECT count(DISTINCT (store_id, order_id)) AS orders FROM sold),
single AS (SELECT type_name, count(*) AS orders FROM sold GROUP BY type_name)
SELECT a.type_name AS bought, b.type_name AS together_with, count(*) AS orders_with_both,
       round(100.0 * count(*) / max(total.orders), 2) AS support_percent,
       round(count(*) * max(total.orders)::numeric / (max(x.orders) * max(y.orders)), 2) AS lift
FROM sold AS a
JOIN sold AS b ON b.store_id = a.store_id AND b.order_id = a.order_id AND b.type_name > a.type_name
JOIN single AS x ON x.type_name = a.type_name
JOIN single AS y ON y.type_name = b.type_name
CROSS JOIN total
GROUP BY a.type_name, b.type_name
HAVING count(*) >= ${Number(least) || 10}
ORDER BY lift DESC, orders_with_both DESC, bought, together_with
LIMIT 50`;

/** Return what is in stock and was not sold since a day, by the money that it holds. */
export const deadStock = (first) => `SELECT p.product_name AS product, p.sku, s.store_name AS store, n.stock_level AS stock, round(n.stock_level * p.base_price, 2) AS value_usd
FROM retail.inventory AS n
JOIN retail.products AS p ON p.product_id = n.product_id
JOIN retail.stores AS s ON s.store_id = n.store_id
LEFT JOIN (
  SELECT DISTINCT i.store_id, i.product_id
  FROM retail.order_items AS i
  JOIN retail.orders AS o ON o.store_id = i.store_id AND o.order_id = i.order_id
  WHERE ${SOLD} AND o.order_date >= ${literal(first)}::date
) AS sold ON sold.store_id = n.store_id AND sold.product_id = n.product_id
WHERE n.stock_level > 0 AND sold.product_id IS NULL
ORDER BY value_usd DESC, p.sku, s.store_name
LIMIT 500`;
