// Questions with pages of their own: the summary, stock to reorder, customers, orders and lines.

import { drawAnswer, el } from "/console/chart.js";
import { addressOf, addressOfQuestion, questionOf } from "/console/address.js";
import { answerOf, at, copy, desk, go, link, modelText, personNote, save, told } from "/console/desk.js";
import { field, periodField, periodList } from "/console/explorer_page.js";
import { daysBefore } from "/console/questions.js";
import { showRows } from "/console/rows_view.js";
import { bestCustomers, boughtTogether, deadStock, lapsedCustomers, linesStatement, ordersStatement } from "/console/statements.js";
import { tableView } from "/console/table_view.js";
import { period, shown } from "/console/words.js";

const MOST_ROWS = 1000;
const fewer = (text) => el("p", "caution", text);

function head(page, values, title, text, ...fields) {
  at("question").replaceChildren(el("h2", { tabIndex: -1 }, title), el("p", "muted", text), fields.length ? el("div", "fields", fields) : "", periodList());
  at("question").onsubmit = (event) => event.preventDefault();
  const card = el("div", "card", el("p", "wait", "Asking …"));
  at("answers").replaceChildren(card);
  return card;
}

const changed = (page, values) => (name) => (value) => go(addressOf(page, { ...Object.fromEntries(values), [name]: value }));
const dateField = (title, value, onChange, help) => field(title, el("input", { type: "date", value, max: desk.today, onchange: (event) => event.target.value && onChange(event.target.value) }), help);
const choice = (title, values, chosen, onChange) => field(title, el("select", { onchange: (event) => onChange(event.target.value) }, values.map(([value, text]) => el("option", { value, selected: value === chosen }, text))));

async function stores() {
  const result = await desk.client.call("query_metrics", { metrics: ["stock_on_hand"], dimensions: ["store"], limit: 1000 }).catch(() => null);
  return (result?.structuredContent?.rows ?? []).map(([name]) => name).sort();
}

/** Show how the stores did: figures, findings, parts; each part leads to its question. */
async function summary(values, { isCurrent }) {
  const change = changed("summary", values), names = await stores();
  if (!isCurrent()) return null;
  const asked = { time_period: values.get("period") ?? "", store: values.get("store") ?? "" };
  const card = head("summary", values, "Business summary", "How the stores did in a period, with findings.",
    periodField(asked.time_period, change("period"), { initial: "last month" }),
    choice("Store", [["", "All that you see"], ...names.map((name) => [name, name])], asked.store, change("store")));
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value));
  const result = await answerOf("get_store_performance", given, card);
  if (!result || !isCurrent()) return null;
  const content = result.structuredContent, body = el("div", "");
  drawAnswer(body, { ...content, notes: content.notes.map(personNote) }, {});
  for (const part of body.querySelectorAll(":scope > details")) part.remove();
  const before = [["the period before", content.previous_period], ["a year before", content.previous_year]].filter(([, days]) => days).map(([name, days]) => `${name}: ${period(days)}`);
  const within = { period: `${content.period.first_day}..${content.period.last_day}`, filters: asked.store ? [{ dimension: "store", op: "=", value: [asked.store] }] : [], metrics: ["revenue", "orders", "average_order_value"], compare: "previous_period" };
  const deeper = [["by store", ["store"]], ["by category", ["category"]], ["by product", ["product"]], ["by day", ["day"]], ["by weekday and hour", ["weekday", "hour"]]];
  const rows = content.metrics;
  card.replaceChildren(body, el("p", "muted", `Compared with ${before.join("; ")}.`),
    el("p", "row", "Go deeper: ", deeper.map(([name, split]) => link(addressOfQuestion({ ...within, split, ...(split[1] && { chart: "heatmap", compare: "" }) }), name, { className: "quiet" }))),
    tableView(rows.columns.map((name) => ({ name })), rows.rows, { caption: "Figures", name: "zava-summary", onSave: save, onCopy: copy }), modelText(result, "get_store_performance", given));
  return body.querySelector("h2").textContent;
}

const URGENCY = { now: "Out of stock", high: "High: may end before the delivery", soon: "Soon: at the reorder point" };

/** Show what to order and how much, most urgent first. */
async function reorder(values, { isCurrent }) {
  const change = changed("reorder", values), urgency = values.get("urgency") ?? "";
  const card = head("reorder", values, "Products to reorder", "What to order today, and how many: the quantity brings a product to twice its reorder point.",
    choice("Urgency", [["", "All"], ...Object.entries(URGENCY)], urgency, change("urgency")));
  const levels = urgency ? [urgency] : Object.keys(URGENCY);
  const given = { metrics: ["reorder_quantity", "stock_on_hand", "reorder_point"], dimensions: ["product", "store", "reorder_urgency"], filters: [{ dimension: "reorder_urgency", op: "in", value: levels }], limit: MOST_ROWS };
  const result = await answerOf("query_metrics", given, card);
  if (!result || !isCurrent()) return null;
  const content = result.structuredContent, rank = Object.keys(URGENCY);
  const rows = content.rows.map(([product, store, level, ...numbers]) => [product, URGENCY[level] ?? level, store, ...numbers, rank.indexOf(level)])
    .sort((one, other) => one[6] - other[6] || other[3] - one[3] || (one[0] < other[0] ? -1 : 1)).map((row) => row.slice(0, 6));
  const columns = [{ name: "product" }, { name: "urgency" }, { name: "store" }, ...content.columns.slice(3)];
  const counts = rank.map((level) => [URGENCY[level], content.rows.filter((row) => row[2] === level).length]).filter(([, count]) => count);
  card.replaceChildren(el("h2", {}, `${shown(content.group_count)} to reorder, ${shown(rows.reduce((sum, row) => sum + Number(row[3]), 0))} units`),
    el("dl", "tiles", counts.map(([name, count]) => el("div", "", el("dt", "", name), el("dd", "value", shown(count))))),
    rows.length ? tableView(columns, rows, { caption: "Products to reorder", name: "zava-reorder", onSave: save, onCopy: copy }) : el("p", "empty", "Nothing is to be reordered."),
    el("div", "notes muted", content.notes.map((note) => el("p", {}, personNote(note)))), modelText(result, "query_metrics", given));
  return "Products to reorder";
}

/** Show products whose units rose most, of those that sold often enough to mean something. */
async function trending(values, { isCurrent }) {
  const change = changed("trending", values), least = Number(values.get("least")) || 5;
  const asked = values.get("period") || "last 30 days";
  const card = head("trending", values, "Trending products", "Products whose units rose most against the period before.",
    periodField(values.get("period") ?? "", change("period"), { initial: "last 30 days" }),
    choice("At least", ["1", "3", "5", "10", "20"].map((each) => [each, `${each} units before`]), String(least), change("least")));
  const given = { metrics: ["units", "revenue"], dimensions: ["product"], compare: "previous_period", time_period: asked, limit: MOST_ROWS, order_by: [{ by: "units_change", direction: "desc" }] };
  const result = await answerOf("query_metrics", given, card);
  if (!result || !isCurrent()) return null;
  const content = result.structuredContent, before = content.columns.findIndex((column) => column.name === "units_previous");
  const rows = content.rows.filter((row) => Number(row[before]) >= least && Number(row[content.columns.findIndex((column) => column.name === "units_change")]) > 0).slice(0, 50);
  card.replaceChildren(el("h2", {}, `${shown(rows.length)} products rose`), el("p", "muted", `${period(content.period)}, compared with ${period(content.compared_with)}. Products with fewer than ${least} units before are left out.`),
    rows.length ? tableView(content.columns, rows, { caption: "Trending products", name: "zava-trending", onSave: save, onCopy: copy }) : el("p", "empty", "No product rose that sold so often before."),
    fewer("Few units are chance: from 2 to 4 is twice as many and means little."), modelText(result, "query_metrics", given));
  return "Trending products";
}

/** Run a statement of a page; personal names that the grant withholds are left out. */
async function rowsOf(card, make) {
  for (const named of [true, false]) {
    const statement = make(named), given = { postgresql_query: statement, max_rows: MOST_ROWS };
    const mine = desk.client, result = await mine.call("execute_sales_query", given).catch((error) => ({ isError: true, _meta: { "zava/error": error }, content: [] }));
    if (mine !== desk.client) return null;
    if (result.isError && named && result._meta?.["zava/error"]?.code === "QUERY_REFUSED") continue;
    if (!result.isError) return { result, statement, given };
    await answerOf("execute_sales_query", given, card);
    return null;
  }
  return null;
}

async function statementPage(card, { isCurrent }, title, make, shownAs, ...parts) {
  const found = await rowsOf(card, make);
  if (!found || !isCurrent()) return null;
  const body = el("div", "");
  showRows(body, found.result.structuredContent, { statement: found.statement, title, ...shownAs(found.result.structuredContent) });
  card.replaceChildren(body, ...parts, modelText(found.result, "execute_sales_query", found.given));
  return title;
}

async function customers(values, current, kind) {
  const first = values.get("first_day") || daysBefore(desk.today, 365), change = changed(`customers/${kind}`, values);
  if (kind === "best") {
    const card = head("customers/best", values, "Best customers", "Who spent most, with the number of orders and the last one.", dateField("Since", first, change("first_day")));
    return statementPage(card, current, `The 50 who spent most since ${first}`, (named) => bestCustomers(first, named), () => ({ withChart: false, name: "zava-best-customers" }));
  }
  const card = head("customers/lapsed", values, "Customers who stopped buying", "Those who have not bought for 90 days; who had spent most comes first.");
  const counted = await desk.client.call("query_metrics", { metrics: ["lapsed_customers", "lifetime_value"] }).catch(() => null);
  if (!current.isCurrent()) return null;
  const row = counted?.structuredContent?.rows?.[0];
  const title = row ? `${shown(row[0])} customers stopped buying` : "Customers who stopped buying";
  return statementPage(card, current, title, (named) => lapsedCustomers(desk.today, named), () => ({ withChart: false, name: "zava-lapsed-customers" }), el("p", "muted", "The 200 who had spent most are listed."));
}

async function together(values, current) {
  const first = values.get("first_day") || daysBefore(desk.today, 365), least = values.get("least") || "10", change = changed("together", values);
  const card = head("together", values, "Bought together", "Kinds of product that are in one order more often than by chance.",
    dateField("Since", first, change("first_day")), choice("At least", ["5", "10", "20", "50"].map((each) => [each, `${each} orders with both`]), least, change("least")));
  return statementPage(card, current, "Bought together", () => boughtTogether(first, least), () => ({ withChart: false, name: "zava-bought-together" }),
    fewer("Lift says how much more often two kinds are bought together than by chance. A lift from few orders is weak evidence: see orders_with_both."));
}

async function dead(values, current) {
  const first = values.get("first_day") || daysBefore(desk.today, 180), change = changed("dead-stock", values);
  const card = head("dead-stock", values, "Stock that does not sell", "In stock now, and not sold since the day that you choose; the most money first.", dateField("Not sold since", first, change("first_day")));
  return statementPage(card, current, `Not sold since ${first}`, () => deadStock(first), () => ({ withChart: false, name: "zava-dead-stock" }));
}

/** Show the orders behind a question, and the lines of one of them. */
async function orders(values, current) {
  const { filters } = questionOf(values), key = values.get("order"), first = values.get("first"), last = values.get("last");
  if (key) {
    const card = head("orders", values, `Order ${key}`, "Its lines, as they were sold.");
    const back = Object.fromEntries([...values].filter(([name]) => !["order", "placed"].includes(name)));
    return statementPage(card, current, `Lines of order ${key}`, () => linesStatement(key, values.get("placed")), () => ({ withChart: false, name: `zava-order-${key}` }),
      el("nav", { "aria-label": "Way back" }, link(addressOf("orders", { ...back, filter: values.getAll("filter") }), "All orders of this question")));
  }
  const { left, text } = ordersStatement({ first, last, filters });
  const days = first && last ? `${period({ first_day: first, last_day: last })}` : "all days";
  const card = head("orders", values, "Orders", `The orders behind the question, ${days}, newest first. Cancelled and refunded ones are listed, too; revenue leaves them out.`);
  const open = (row) => () => go(addressOf("orders", { first, last, filter: values.getAll("filter"), order: row[0], placed: String(row[1]).slice(0, 10) }));
  return statementPage(card, current, "Orders", () => text, () => ({ withChart: false, name: "zava-orders", onPick: open }),
    ...filters.map(({ dimension, value }) => el("p", { className: "muted", dir: "auto" }, `${dimension}: ${value.join(", ")}`)), ...(left.length ? [fewer(`Orders cannot be narrowed by ${left.join(", ")}: this condition is left out.`)] : []));
}

export const ASK_PAGES = {
  summary, reorder, trending, "customers/best": (values, current) => customers(values, current, "best"), "customers/lapsed": (values, current) => customers(values, current, "lapsed"),
  together, "dead-stock": dead, orders: (values, current) => orders(values, current),
};

export const toldAnswer = (title) => title && told(`The answer is here: ${title}.`);
