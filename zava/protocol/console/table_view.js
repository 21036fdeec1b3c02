// A table that a person sorts, narrows by its few values, copies and saves.

import { button, el } from "/console/chart.js";
import { csv, plain, shown, words } from "/console/words.js";

const MAX_FACET_VALUES = 12, MAX_FACETS = 3, DRAWN = 500;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;
const NUMERIC = /^(numeric|int\d?|integer|bigint|smallint|float\d?|double precision|real|money)/;
const MOMENT = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.\d+)?(?:[+-]\d\d:?\d\d|Z)$/;
// Numbers that name something are written as they are.
const NAMES = /^(?!previous_)(.*_)?(id|year|code|zip|phone|sku|number|hour|week|month|quarter)s?$/;

/** Return what kind of values a column holds: number, name of a number, uuid, moment or text. */
function kindOfColumn(column, rows, at) {
  const values = rows.slice(0, 200).map((row) => row[at]).filter((value) => value !== null);
  const isNumber = column.unit || NUMERIC.test(column.type ?? "") || (values.length > 0 && values.every((value) => typeof value === "number"));
  if (isNumber) return NAMES.test(column.name) && !column.unit && values.every(Number.isInteger) ? "code" : "number";
  if (values.length && values.every((value) => typeof value === "string" && UUID.test(value))) return "uuid";
  if (values.length && values.every((value) => typeof value === "string" && MOMENT.test(value))) return "moment";
  return "text";
}

/** Return how many decimals the numbers of a column have, at most two; 0 where units decide. */
const decimalsOf = (column, rows, at) => (column.unit ? 0 : Math.min(2, Math.max(0, ...rows.slice(0, 200).map((row) => /\.(\d+)$/.exec(String(row[at] ?? ""))?.[1].length ?? 0))));

function cellText(value, column, kind, decimals) {
  if (value === null || value === undefined) return "";
  if (kind === "number" && decimals) return Number(value).toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  if (kind === "number") return shown(value, column.unit);
  if (kind === "moment") {
    const [, day, time] = MOMENT.exec(value);
    return time === "00:00" ? day : `${day} ${time}`;
  }
  return plain(value);
}

function compared(one, other, kind) {
  if (one === null || other === null) return (one === null) - (other === null);
  if (kind === "number" || kind === "code") return Number(one) - Number(other);
  return plain(one) < plain(other) ? -1 : plain(one) > plain(other) ? 1 : 0;
}

/** Return rows as a Markdown table; a bar in a cell is escaped. */
export function markdown(columns, rows) {
  const cell = (value) => plain(value).replace(/[\\|]/g, "\\$&").replace(/\s*\n\s*/g, " ");
  const line = (values) => `| ${values.map(cell).join(" | ")} |`;
  return [line(columns.map((column) => column.name)), `|${columns.map(() => " --- |").join("")}`, ...rows.map(line)].join("\n");
}

/** Return the columns that have so few values that a list of them narrows the rows. */
function facetColumns(columns, rows, kinds) {
  if (rows.length < 6) return [];
  return columns.map((column, at) => ({ column, at, values: kinds[at] === "text" ? [...new Set(rows.map((row) => plain(row[at])))] : [] }))
    .filter(({ values }) => values.length > 1 && values.length <= Math.min(MAX_FACET_VALUES, rows.length / 2)).slice(0, MAX_FACETS);
}

/**
 * Return a table of these rows. `onPick(row)` returns what a click on a row's first cell does, or
 * null; `tools` are more buttons; `onCopy(text)` and `onSave(name, text)` take the rows away.
 */
export function tableView(columns, rows, { caption, name = "zava", onPick = () => null, onSave, onCopy, tools = [] }) {
  const kinds = columns.map((column, at) => kindOfColumn(column, rows, at));
  const decimals = columns.map((column, at) => (kinds[at] === "number" ? decimalsOf(column, rows, at) : 0)), chosen = new Map();
  let order = null;
  const body = el("tbody", ""), count = el("span", { className: "muted", role: "status" });
  const visible = () => {
    const kept = rows.filter((row) => [...chosen].every(([at, value]) => plain(row[at]) === value));
    return order ? kept.sort((one, other) => order.sign * compared(one[order.at], other[order.at], kinds[order.at])) : kept;
  };
  const cell = (row, value, at) => {
    const text = cellText(value, columns[at], kinds[at], decimals[at]), action = at === 0 && onPick(row);
    return el("td", { className: kinds[at], dir: "auto" }, action ? el("button", { className: "link", type: "button", onclick: action }, text || "–") : text);
  };
  const draw = () => {
    const kept = visible();
    body.replaceChildren(...kept.slice(0, DRAWN).map((row) => el("tr", "", row.map((value, at) => cell(row, value, at)))));
    const cut = kept.length > DRAWN ? `; the first ${DRAWN} are listed` : "";
    count.textContent = kept.length === rows.length ? `${shown(rows.length)} ${rows.length === 1 ? "row" : "rows"}${cut}` : `${shown(kept.length)} of ${shown(rows.length)} rows${cut}`;
  };
  const heads = columns.map((column, at) => {
    const head = el("th", { scope: "col", className: kinds[at], "aria-sort": "none" });
    head.append(el("button", { type: "button", title: `Sort by ${column.name}`, onclick: () => {
      order = order?.at === at && order.sign !== (kinds[at] === "number" ? 1 : -1) ? { at, sign: -order.sign } : { at, sign: kinds[at] === "number" ? -1 : 1 };
      for (const each of heads) each.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", order.sign > 0 ? "ascending" : "descending");
      draw();
    } }, column.name));
    return head;
  });
  const facets = facetColumns(columns, rows, kinds).map(({ column, at, values }) => el("label", "facet", words(column.name), " ",
    el("select", { onchange: (event) => { if (event.target.selectedIndex) chosen.set(at, event.target.value); else chosen.delete(at); draw(); } },
      el("option", { value: "" }, "all"), values.sort().map((value) => el("option", { value }, value || "(empty)")))));
  draw();
  return el("div", "table-view",
    el("div", "row", count, facets,
      el("span", "chips end", tools,
        onCopy && button("Copy as Markdown", () => onCopy(markdown(columns, visible()))),
        onSave && button("Save as CSV", () => onSave(`${name}.csv`, csv(columns, visible()))))),
    el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
      el("table", "", el("thead", "", el("tr", "", heads)), body)));
}
