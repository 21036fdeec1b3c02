// Choose measures, splits, filters and a period; see the picture and the rows; go deeper and back.

import { button, drawAnswer, el, kindOf } from "/console/chart.js";
import { addressOf, addressOfQuestion, argumentsOf, questionFrom, questionOf } from "/console/address.js";
import { COMPARISONS, OF_TIME, PERIODS, fitting } from "/console/catalogue.js";
import { answerOf, at, copy, desk, go, link, modelText, personNote, save, told } from "/console/desk.js";
import { CHARTS, picture } from "/console/pictures.js";
import { tableView } from "/console/table_view.js";
import { period, shown, words } from "/console/words.js";

const MOST = 1000, PROPOSED = 200;
const OPERATORS = [["=", "is"], ["!=", "is not"], ["in", "is one of"], ["contains", "contains"], ["between", "between"], [">=", "from"], ["<=", "up to"]];
const LIMITS = ["", "10", "20", "50", "200", "1000"];

const option = (value, text, chosen) => el("option", { value, selected: value === chosen }, text);
let fields = 0;

/** Return a field with its label, and the words that describe it. */
export function field(name, control, help = "") {
  const id = `field-${++fields}`;
  control.id = id;
  const described = help && el("p", { id: `${id}-help`, className: "muted" }, help);
  if (described) control.setAttribute("aria-describedby", `${id}-help`);
  return el("div", "", el("label", { htmlFor: id }, name), control, described);
}

/** Return a field of a period: the server's grammar, its proposals, and days from a calendar. */
export function periodField(value, onChange, { name = "Period", initial = "last month or last 12 months, as fits" } = {}) {
  const input = el("input", { value, autocomplete: "off", placeholder: initial, "data-field": "period", onchange: () => onChange(input.value.trim()) });
  input.setAttribute("list", "periods");
  const [first, last] = ["First day", "Last day"].map((label) => el("input", { type: "date", "aria-label": label, max: desk.today }));
  const days = el("details", "days", el("summary", {}, "Choose days"), el("div", "row", first, last, button("Use these days", () => {
    if (first.value && last.value) onChange(`${first.value}..${last.value}`);
  })));
  return el("div", "", field(name, input, "Such as last quarter, november, 2026-Q3, w/e 2026-11-28, black friday, FY2026-Q1."), days);
}

export const periodList = () => el("datalist", { id: "periods" }, PERIODS.map((value) => el("option", { value })));

// ---- the form

function choose(values, chosen, name, onChange, first) {
  return el("select", { "data-field": name, onchange: (event) => onChange(event.target.value) }, first !== undefined && option("", first, chosen),
    values.map(([value, text]) => option(value, text, chosen)));
}

function filterRow(question, change) {
  const dimensions = fitting(desk.catalogue, question.metrics);
  const dimension = choose(dimensions.map((each) => [each.name, each.title]), "", "filter-dimension", propose, "Filter by …");
  const op = choose(OPERATORS, "=", "filter-op", () => {});
  const value = el("input", { autocomplete: "off", "aria-label": "Value of the filter", "data-field": "filter-value", placeholder: "value" });
  value.setAttribute("list", "filter-values");
  const values = el("datalist", { id: "filter-values" });
  dimension.setAttribute("aria-label", "Dimension of the filter");
  op.setAttribute("aria-label", "Condition of the filter");
  async function propose(name) {
    const known = desk.catalogue.dimension.get(name)?.values ?? [];
    values.replaceChildren(...known.map((each) => el("option", { value: each })));
    if (known.length || !name || OF_TIME.has(name)) return;
    const metric = question.metrics.find((each) => desk.catalogue.metric.get(each)?.fits.has(name)) ?? "revenue";
    const result = await desk.client.call("query_metrics", { metrics: [metric], dimensions: [name], limit: PROPOSED }).catch(() => null);
    values.replaceChildren(...(result?.structuredContent?.rows ?? []).filter(([each]) => each).map(([each]) => el("option", { value: each })));
  }
  const add = button("Add the filter", () => {
    const text = value.value.trim();
    if (!dimension.value || !text) return (dimension.value ? value : dimension).focus();
    const given = ["in", "between"].includes(op.value) ? text.split(/\s*[,;]\s*/) : [text];
    change({ filters: [...question.filters, { dimension: dimension.value, op: op.value, value: given }] });
  });
  value.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); add.click(); } });
  return el("div", "filter-row", dimension, op, value, add, values);
}

const filterWords = ({ dimension, op, value }) =>
  `${words(dimension)} ${OPERATORS.find(([each]) => each === op)?.[1] ?? op} ${value.join(op === "between" ? " and " : ", ")}`;

function form(question, change) {
  const { catalogue } = desk, [first, ...others] = question.metrics;
  const metric = catalogue.metric.get(first);
  const measures = catalogue.metrics.map((each) => [each.name, each.title]);
  const splits = fitting(catalogue, question.metrics).map((each) => [each.name, each.title]);
  const kinds = CHARTS.filter((each) => each.fits(question)).map((each) => [each.name, each.title]);
  const definitions = question.metrics.map((name) => catalogue.metric.get(name)).filter(Boolean);
  const keep = (metrics) => ({ metrics, split: question.split.filter((name) => metrics.every((each) => catalogue.metric.get(each)?.fits.has(name))), filters: question.filters.filter(({ dimension }) => metrics.every((each) => catalogue.metric.get(each)?.fits.has(dimension))), sort: "" });
  return [
    el("div", "fields",
      field("Measure", choose(measures, first, "metric", (value) => change(keep([value, ...others.filter((each) => each !== value)])))),
      field("And", choose(measures.filter(([name]) => name !== first), others[0] ?? "", "metric-2", (value) => change(keep([first, ...(value ? [value] : []), ...others.slice(1)])), "nothing else")),
      field("Split by", choose(splits, question.split[0] ?? "", "split", (value) => change({ split: value ? [value, ...question.split.slice(1).filter((each) => each !== value)] : [], chart: "" }), "nothing: one figure")),
      question.split.length > 0 && field("And by", choose(splits.filter(([name]) => name !== question.split[0]), question.split[1] ?? "", "split-2", (value) => change({ split: [question.split[0], ...(value ? [value] : [])], chart: "" }), "nothing else")),
      periodField(question.period, (value) => change({ period: value })),
      field("Compared with", choose(COMPARISONS, question.compare, "compare", (value) => change({ compare: value }))),
      field("Drawn as", choose(kinds, question.chart, "chart", (value) => change({ chart: value }))),
      field("Rows", choose(LIMITS.map((each) => [each, each || "as fits"]), question.limit, "limit", (value) => change({ limit: value }))),
      question.split.length === 1 && ["day", "iso_week", "month", "quarter"].includes(question.split[0])
        && field("Forecast", choose(["1", "2", "3", "6", "12"].map((each) => [each, `${each} ahead`]), question.forecast, "forecast", (value) => change({ forecast: value }), "none"))),
    el("div", { className: "chips filters", role: "group", "aria-label": "Filters" },
      question.filters.map((each, place) => el("span", "chip", el("span", { dir: "auto" }, filterWords(each)), " ",
        el("button", { type: "button", "aria-label": `Remove: ${filterWords(each)}`, onclick: () => change({ filters: question.filters.filter((_, other) => other !== place) }) }, "×")))),
    filterRow(question, change),
    el("dl", "definitions muted", definitions.flatMap((each) => [el("dt", {}, each.title), el("dd", {}, `${each.meaning} (${each.unit})`)])),
    metric ? null : el("p", "bad", "This address names a measure that does not exist."),
  ];
}

// ---- the answer

/** Return the way from the widest question to this one, by its filters: each step is an address. */
export function breadcrumb(question) {
  if (!question.filters.length) return null;
  const steps = question.filters.map((_, place) => place);
  const titled = ({ value }) => value.join(", ");
  return el("nav", { className: "crumbs", "aria-label": "Way back" }, link(addressOfQuestion({ ...question, filters: [], split: [question.filters[0].dimension], chart: "" }), "All"),
    steps.map((place) => [" › ", place === steps.at(-1) ? el("span", { dir: "auto", "aria-current": "page" }, titled(question.filters[place]))
      : link(addressOfQuestion({ ...question, filters: question.filters.slice(0, place + 1), split: [question.filters[place + 1].dimension], chart: "" }), titled(question.filters[place]), { dir: "auto" })]));
}

/** Return the address of the orders behind a question, or behind one row of its answer. */
export function ordersBehind(question, content, row) {
  const own = row ? question.split.map((dimension, place) => ({ dimension, op: "=", value: [String(row[place])] })).filter(({ value }) => value[0] !== "null") : [];
  const filters = [...question.filters, ...own].map(({ dimension, op, value }) => `${dimension}:${op}:${value.map((each) => each.replace(/[\\|]/g, "\\$&")).join("|")}`);
  return addressOf("orders", { first: content.period?.first_day, last: content.period?.last_day, filter: filters });
}

const OF_PRODUCTS = ["category", "product_type", "product"];

/** Return the address behind a bar or a point: the next split, or the orders where none is finer. */
function afterPick(next) {
  const known = new Set(next.filters.map((each) => each.dimension)), [split] = next.split;
  const goesRound = OF_PRODUCTS.includes(split) && (known.has("product") || known.has(split));
  const [first, last] = next.period.split("..");
  return goesRound && last ? ordersBehind(next, { period: { first_day: first, last_day: last } }) : addressOfQuestion(next);
}

const SHOWN = { line: "time_series", bars: "bars" };

/** Ask and draw one question into `place`. */
export async function showQuestion(question, place, { isPinned = false } = {}) {
  const needsAll = ["stacked", "heatmap", "sparklines", "multiples", "scatter"].includes(question.chart);
  const tool = needsAll || !question.split.length ? "query_metrics" : "show_sales_chart";
  const given = { ...argumentsOf(question, needsAll ? MOST : 0), ...(tool === "show_sales_chart" && SHOWN[question.chart] && { kind: SHOWN[question.chart] }), ...(question.forecast && !question.compare && { compare: "none" }) };
  place.replaceChildren(el("p", "wait", "Asking …"));
  const result = await answerOf(tool, given, place);
  if (!result) return null;
  const content = result.structuredContent, body = el("div", "");
  const asText = { ...content, notes: content.notes.map(personNote) };
  const isOwnPicture = picture(question.chart, content) !== null;
  const onPick = (next) => go(afterPick(questionFrom(next)));
  drawAnswer(body, isOwnPicture ? { ...asText, rows: asText.rows.slice(0, 2) } : asText, { asked: given, onPick });
  for (const part of body.querySelectorAll(":scope > details")) part.remove();
  const drawn = picture(question.chart, content);
  if (drawn) {
    body.querySelector("figure").replaceWith(drawn);
    for (const part of body.querySelectorAll(".tools select")) part.remove(); // it draws the first measure
  }
  const explained = [
    content.compared_with && `Compared with ${period(content.compared_with)}.`,
    ...content.forecasts.map((each) => `Forecast of ${words(each.metric).toLowerCase()}: ${each.method}. ${each.back_test_error_percent === null ? "How far it was off is not known." : `It was off by ${shown(each.back_test_error_percent, "percent")} on average over ${each.back_test_periods} past periods.`}`),
    Object.keys(content.partial ?? {}).length > 0 && `Not whole: ${Object.entries(content.partial).map(([name, part]) => `${name} (${part})`).join(", ")}.`,
  ].filter(Boolean);
  const isAsOrders = !question.metrics.some((name) => /stock|reorder|target/.test(name));
  const canDeepen = isAsOrders && content.period;
  const rows = content.rows?.length > 0 && kindOf(content) !== "performance"
    ? tableView(content.columns, content.rows, { caption: body.querySelector("h2").textContent, name: ["zava", ...question.metrics, ...question.split].join("-"), onSave: save, onCopy: copy,
      onPick: (row) => (canDeepen && question.split.length ? () => go(ordersBehind(question, content, row)) : null),
      tools: canDeepen ? [link(ordersBehind(question, content), "Orders behind this", { className: "quiet" })] : [] }) : null;
  place.replaceChildren(breadcrumb(question) ?? "", body, ...explained.map((text) => el("p", "muted", text)),
    ...(isPinned ? [] : [rows ?? "", canDeepen && question.split.length ? el("p", "muted", "The first cell of a row leads to its orders.") : "", modelText(result, tool, given)]));
  return { title: body.querySelector("h2").textContent, count: content.rows?.length ?? 0 };
}

/** Show the explorer at the question of the address. */
export async function showExplorer(values, { isCurrent, head }) {
  const question = questionOf(values);
  if (!question.metrics.length) question.metrics = ["revenue"];
  at("question").replaceChildren(...head("Explore", "Choose a measure, how to split it, and the days. The answer and the address follow."),
    ...form(question, (changed) => go(addressOfQuestion({ ...question, ...changed }))).filter(Boolean), periodList());
  at("question").onsubmit = (event) => event.preventDefault();
  const card = el("div", "card"), cards = [card];
  const chain = question.chain && el("div", "card", el("p", "wait", "Asking …"));
  if (chain) cards.push(chain);
  at("answers").replaceChildren(...cards);
  const shownAnswer = await showQuestion(question, card);
  if (!isCurrent()) return null;
  if (chain) await showChain(question, chain);
  if (shownAnswer) told(`${shownAnswer.title}: ${shown(shownAnswer.count)} ${shownAnswer.count === 1 ? "row" : "rows"}.`);
  return shownAnswer?.title ?? null;
}

/** Show where the person's stores stand in the chain, over the same period. */
async function showChain(question, card) {
  const given = { metric: question.metrics[0], ...(question.period && { time_period: question.period }) };
  const result = await answerOf("compare_with_chain", given, card);
  if (!result) return;
  const body = el("div", "");
  drawAnswer(body, { ...result.structuredContent, notes: result.structuredContent.notes.map(personNote) }, {});
  card.replaceChildren(body, modelText(result, "compare_with_chain", given));
}
