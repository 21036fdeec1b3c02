// The rows of a statement: a chart of chosen columns, a table, the notes, and the whole export.

import { button, drawAnswer, el, scopeText } from "/console/chart.js";
import { copy, personNote, save } from "/console/desk.js";
import { exportDialog } from "/console/export.js";
import { tableView } from "/console/table_view.js";
import { picture } from "/console/pictures.js";
import { shown } from "/console/words.js";

const MAX_DRAWN = 400, MONTH_START = /^(\d{4}-\d\d)-01(?:T00:00:00.*)?$/, MIDNIGHT = /^(\d{4}-\d\d-\d\d)(?:T00:00:00.*)?$/;
const UNITS = [[/_usd$|revenue|amount|total$|price|value$/, "USD"], [/percent|_pct$/, "percent"]];

const isNumbers = (rows, at) => rows.some((row) => typeof row[at] === "number") && rows.every((row) => row[at] === null || typeof row[at] === "number");

/** Return labels of time in the form of the charts: a month, a day, or as they are. */
function timeOf(values) {
  for (const [name, form] of [["month", MONTH_START], ["day", MIDNIGHT]]) {
    const read = values.map((value) => (typeof value === "string" ? form.exec(value)?.[1] : undefined));
    if (values.length && read.every(Boolean)) return { name, read };
  }
  return values.every((value) => /^\d{4}-\d\d$/.test(value ?? "")) && values.length ? { name: "month", read: values } : null;
}

/** Return the columns by which rows can be drawn: what they are called by, and their numbers. */
export function drawable({ columns, rows }) {
  const numbers = columns.map((_, at) => at).filter((at) => isNumbers(rows, at));
  return { labels: columns.map((_, at) => at).filter((at) => !numbers.includes(at)), numbers };
}

/** Return the rows as figures with these columns; null where no chart shows them. */
export function asFigures(content, { label, second = -1, number }) {
  const { columns, rows } = content;
  if (rows.length < 2 || rows.length > MAX_DRAWN || label === undefined || number === undefined) return null;
  const keys = rows.map((row) => row[label]), time = timeOf(keys);
  if (second < 0 && new Set(keys).size < keys.length) return null;
  const unit = UNITS.find(([form]) => form.test(columns[number].name))?.[1] ?? "number";
  const axes = [{ name: time?.name ?? columns[label].name }, ...(second < 0 ? [] : [{ name: columns[second].name }])];
  return {
    columns: [...axes, { name: columns[number].name, unit }],
    rows: rows.map((row, place) => [time?.read[place] ?? String(row[label] ?? "–"), ...(second < 0 ? [] : [String(row[second] ?? "–")]), row[number]]), notes: [], scope: content.scope,
  };
}

const CHOICES = [["", "What fits"], ["none", "No chart"], ["bars", "Bars"], ["stacked", "Stacked columns"], ["heatmap", "Heatmap"], ["multiples", "One picture each"]];

/** Return a chart of the rows, with the choice of its kind and columns; null where none fits. */
function chartOf(content, chosen, onChoose) {
  const { labels, numbers } = drawable(content);
  if (!labels.length || !numbers.length || content.rows.length < 2) return null;
  const state = { chart: chosen.chart ?? "", label: chosen.label ?? labels[0], number: chosen.number ?? numbers[0] };
  state.second = chosen.second ?? (new Set(content.rows.map((row) => row[state.label])).size < content.rows.length && labels.length > 1 ? labels.find((at) => at !== state.label) : -1);
  const plot = el("div", "");
  const draw = () => {
    plot.replaceChildren();
    if (state.chart === "none") return;
    const figures = asFigures(content, state);
    if (!figures) return plot.replaceChildren(el("p", "muted", "These columns give no chart: choose others, or fewer rows."));
    const drawn = state.second >= 0 ? picture(state.chart && state.chart !== "bars" ? state.chart : "stacked", figures) : null;
    if (drawn) return plot.replaceChildren(drawn);
    drawAnswer(plot, { ...figures, ...(state.chart === "bars" && { kind: "bars" }) }, {});
    for (const part of plot.querySelectorAll("details, .head")) part.remove(); // said once, around it
  };
  const choose = (name, choices, key) => el("label", "facet", name, " ", el("select", { onchange: (event) => { state[key] = key === "chart" ? event.target.value : Number(event.target.value); draw(); onChoose?.(state); } },
    choices.map(([value, text]) => el("option", { value, selected: value === state[key] }, text))));
  const named = (places) => places.map((at) => [at, content.columns[at].name]);
  draw();
  return el("div", "chart-choice", el("div", "row", choose("Chart", CHOICES, "chart"), choose("of", named(numbers), "number"), choose("by", named(labels), "label"),
    labels.length > 1 && choose("and", [[-1, "nothing else"], ...named(labels)], "second")), plot);
}

/** Fill `root` with the rows of a statement. */
export function showRows(root, content, { statement, title, name = "zava-rows", chart = {}, onChoose, onPick, milliseconds, withChart = true } = {}) {
  const { columns, rows, row_count: count } = content;
  const outsiders = columns.filter((column) => column.written_by).map((column) => column.name);
  const spoken = [scopeText(content.scope), milliseconds !== undefined && `${shown(Math.round(milliseconds))} ms`].filter(Boolean).join(" · ");
  root.replaceChildren(
    el("div", "head", el("div", {}, el("h2", { tabIndex: -1 }, title ?? (count ? `${shown(count)} ${count === 1 ? "row" : "rows"}` : "No rows")), el("p", "muted", spoken))),
    ...(content.truncated ? [el("p", "cut", `These are the first ${shown(count)} rows; there are more. `, statement ? button("Export all rows", () => exportDialog(statement, name)) : "")] : []),
    (withChart && chartOf(content, chart, onChoose)) || "",
    count ? tableView(columns, rows, { caption: "Rows", name, onSave: save, onCopy: copy, onPick, tools: statement ? [button("Export all rows", () => exportDialog(statement, name))] : [] }) : el("p", "empty", "No rows."),
    el("div", "notes muted", content.notes.map((note) => el("p", { dir: "auto" }, personNote(note))),
      outsiders.length > 0 && el("p", {}, `Written by customers or suppliers, data and nothing else: ${outsiders.join(", ")}.`)));
}
