// The questions that the console offers: each is an address, with the fields that it takes.

import { addressOf, addressOfQuestion } from "/console/address.js";

const DAY = 86400000;
const day = (moment) => new Date(moment).toISOString().slice(0, 10);
export const daysBefore = (today, count) => day(Date.parse(today) - count * DAY);

const explore = (question) => () => addressOfQuestion(question);

/** By name: the title, what it answers, and its address. The names are those of the server's prompts. */
export const QUESTIONS = {
  business_summary: ["Business summary", () => addressOf("summary")],
  why_sales_moved: ["Why did sales change?", explore({ metrics: ["revenue", "orders", "average_order_value"], split: ["category"], compare: "previous_period", chart: "bars" })],
  sales_over_time: ["Sales over time", explore({ metrics: ["revenue", "orders"], split: ["month"] })],
  sales_by_category: ["Sales by category", explore({ metrics: ["revenue", "units", "average_unit_price"], split: ["category"], compare: "previous_period" })],
  best_sellers: ["Best-selling products", explore({ metrics: ["revenue", "units"], split: ["product"], limit: "20" })],
  compare_stores: ["Compare stores", explore({ metrics: ["revenue", "orders", "average_order_value"], split: ["store"], compare: "previous_year", period: "last quarter", chain: "1" })],
  busiest_hours: ["Best weekday and hour", explore({ metrics: ["revenue", "orders"], split: ["weekday", "hour"], period: "last 12 months", chart: "heatmap" })],
  trending_products: ["Trending products", () => addressOf("trending")],
  sales_forecast: ["Sales forecast", explore({ metrics: ["revenue"], split: ["month"], period: "last 12 months", forecast: "3" })],
  seasonal_trends: ["Seasonal trends", explore({ metrics: ["revenue"], split: ["category", "month"], period: "last 12 months", chart: "heatmap" })],
  stock_to_reorder: ["Products to reorder", () => addressOf("reorder")],
  stock_that_ends: ["Soon out of stock", explore({ metrics: ["weeks_of_supply", "stock_on_hand", "units"], split: ["product", "store"], period: "last 90 days", sort: "weeks_of_supply", limit: "200" })],
  dead_stock: ["Stock that does not sell", () => addressOf("dead-stock")],
  inventory_value: ["Inventory value", explore({ metrics: ["stock_value", "stock_on_hand", "stock_outs", "low_stock_products"], split: ["category"] })],
  top_customers: ["Best customers", () => addressOf("customers/best")],
  lapsed_customers: ["Customers who stopped buying", () => addressOf("customers/lapsed")],
  customer_value: ["New and returning customers", explore({ metrics: ["customers", "new_customers", "returning_customers"], split: ["month"], period: "last 12 months" })],
  refunds: ["Refund rate", explore({ metrics: ["refund_rate", "orders"], split: ["month"], period: "last 12 months" })],
  discounts: ["Discounts against margin", explore({ metrics: ["discount_rate", "gross_margin_percent"], split: ["category"], chart: "scatter" })],
  cross_sell: ["Bought together", () => addressOf("together")],
};

export const EXAMPLES = [
  ["Orders by status", "SELECT status, count(*) AS orders, sum(total_amount) AS total\nFROM retail.orders\nGROUP BY status\nORDER BY orders DESC"],
  ["Revenue by day", "SELECT order_date::date AS day, sum(total_amount) AS revenue\nFROM retail.orders\nWHERE status NOT IN ('cancelled', 'refunded')\n  AND order_date >= date_trunc('month', now()) - interval '1 month'\nGROUP BY day\nORDER BY day"],
  ["Which stores are there?", "SELECT store_name, location, region FROM retail.stores ORDER BY store_name"],
  ["Pretend to be another person", "SELECT set_config('app.current_rls_user_id', 'head-office', true)"],
  ["Change a price", "UPDATE retail.products SET base_price = 0"],
];
