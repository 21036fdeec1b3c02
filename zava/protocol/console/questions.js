// What the console asks for each prompt of the server. A prompt is written for a model, which reads
// it and calls a tool; without a model the page makes the call that the prompt names.

const chart = (given) => (values) => [["show_sales_chart", { ...given, ...(values.period ? { time_period: values.period } : {}) }]];

/** The statement in a prompt: its paragraphs from the one that begins with SELECT or WITH. */
function statementIn(prompt) {
  const paragraphs = prompt.split("\n\n");
  const first = paragraphs.findIndex((text) => /^\s*(SELECT|WITH)\b/.test(text));
  return first < 0 ? null : paragraphs[first].trim();
}

const sql = async (_values, filled) => [["execute_sales_query", { postgresql_query: statementIn(await filled()), max_rows: 50 }]];

/** By the prompt's name: the tools to call, given the fields and a way to have the prompt filled. */
export const QUESTIONS = {
  business_summary: ({ period, store }) => [["get_store_performance", { ...(period && { time_period: period }), ...(store && { store }) }]],
  sales_over_time: ({ period, grain }) => chart({ kind: "time_series", metrics: ["revenue", "orders"], dimensions: [grain || "month"] })({ period }),
  sales_by_category: chart({ kind: "bars", metrics: ["revenue", "units", "average_unit_price"], dimensions: ["category"], compare: "previous_period" }),
  best_sellers: chart({ kind: "bars", metrics: ["revenue", "units"], dimensions: ["product"], limit: 20 }),
  compare_stores: ({ period }) => [
    ...chart({ kind: "bars", metrics: ["revenue", "orders", "average_order_value"], dimensions: ["store"], compare: "previous_year" })({ period }),
    ["compare_with_chain", { metric: "revenue" }],
  ],
  trending_products: ({ period }) => chart({
    kind: "bars", metrics: ["units", "revenue"], dimensions: ["product"], compare: "previous_period", limit: 10,
    order_by: [{ by: "units_change", direction: "desc" }],
  })({ period: period || "last 30 days" }),
  sales_forecast: ({ months }) => [["show_sales_chart", {
    kind: "time_series", metrics: ["revenue", "orders"], dimensions: ["month"], time_period: "last 12 months", compare: "none", forecast_periods: Number(months) || 3,
  }]],
  seasonal_trends: () => [["show_sales_chart", { kind: "time_series", metrics: ["revenue"], dimensions: ["month"], time_period: "last 36 months", compare: "none" }]],
  stock_to_reorder: () => [["show_sales_chart", { kind: "stock_risks" }]],
  inventory_value: () => [["show_sales_chart", { kind: "bars", metrics: ["stock_value", "stock_on_hand", "stock_outs", "low_stock_products"], dimensions: ["category"] }]],
  customer_value: chart({ kind: "time_series", metrics: ["customers", "new_customers", "returning_customers"], dimensions: ["month"] }),
  top_customers: sql,
  lapsed_customers: sql,
  cross_sell: sql,
};

const DAY = 86400000;
const day = (moment) => new Date(moment).toISOString().slice(0, 10);

/** What a field holds before anybody has typed; `today` as the server reckons it. */
export function suggestion(name, today) {
  if (name === "today") return today;
  return name === "first_day" ? day(Date.parse(today) - 90 * DAY) : "";
}

export const EXAMPLES = [
  ["Orders by status", "SELECT status, count(*) AS orders, sum(total_amount) AS total\nFROM retail.orders\nGROUP BY status\nORDER BY orders DESC"],
  ["Revenue by day", "SELECT order_date::date AS day, sum(total_amount) AS revenue\nFROM retail.orders\nWHERE status NOT IN ('cancelled', 'refunded')\n  AND order_date >= date_trunc('month', now()) - interval '1 month'\nGROUP BY day\nORDER BY day"],
  ["Which stores are there?", "SELECT store_name, location, region FROM retail.stores ORDER BY store_name"],
  ["Pretend to be somebody else", "SELECT set_config('app.current_rls_user_id', 'head-office', true)"],
  ["Change a price", "UPDATE retail.products SET base_price = 0"],
];
