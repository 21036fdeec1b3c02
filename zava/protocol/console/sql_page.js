// Write SQL beside the tables that the person may read, and see the rows, the notes and the place of an error.

import { button, el, fault } from "/console/chart.js";
import { addressOf } from "/console/address.js";
import { answerOf, at, copyButton, desk, go, isOwn, makeOwn, modelText, personNote, readResource, told } from "/console/desk.js";
import { EXAMPLES } from "/console/questions.js";
import { showRows } from "/console/rows_view.js";
import { historyOf } from "/console/saved.js";

const MAX_ROWS = 1000;
const PLACE = /\(at character (\d+)\)/;
const TABLE = /^(retail\.\w+): (.*)$/, COLUMN = /^ {2}(\w+) (.+)$/, RULE = /^ {2}(primary key|unique|\(|check)/;

/** Return the tables with their columns, read from the server's own description of them. */
export function readTables(text) {
  const tables = [];
  for (const line of text.split("\n")) {
    const table = TABLE.exec(line), column = !RULE.test(line) && COLUMN.exec(line);
    if (table) tables.push({ name: table[1], meaning: table[2], columns: [] });
    else if (column && tables.length) {
      const [type, meaning = ""] = column[2].split(" -- ");
      tables.at(-1).columns.push({ name: column[1], type, meaning });
    }
  }
  return tables;
}

let editor = null, tables = null, ofPerson = null;

async function schema() {
  if (tables && ofPerson === desk.client) return tables;
  const mine = desk.client, read = readTables(await readResource("retail://schema"));
  if (mine === desk.client) [tables, ofPerson] = [read, mine];
  return read;
}

function showSchema(read) {
  at("schema").replaceChildren(el("h2", {}, "Tables that you may read"), ...read.map((table) => el("details", "", el("summary", {}, table.name),
    el("p", "muted", table.meaning),
    el("ul", "columns", table.columns.map((column) => el("li", "", el("button", { className: "link", type: "button", title: column.meaning || column.type, onclick: () => editor?.insert(column.name) }, column.name), " ", el("span", "muted", column.type)))),
    button("SELECT from it", () => { editor.text = `SELECT ${table.columns.slice(0, 6).map((column) => column.name).join(", ")}\nFROM ${table.name}\nLIMIT 50`; editor.focus(); }))));
}

const names = (read) => ({ retail: Object.fromEntries(read.map((table) => [table.name.replace("retail.", ""), table.columns.map((column) => column.name)])) });

/** Return what a refused statement shows: the hint, and the place, which the editor marks. */
function refused(error) {
  const place = PLACE.exec(error.message ?? "")?.[1];
  const found = place && editor?.mark(Number(place));
  return el("div", "", fault(found ? { ...error, message: error.message.replace(PLACE, `(line ${found.line}, column ${found.column})`) } : error));
}

async function run(text, chart) {
  const card = el("div", "card", el("p", "wait", "Running …")), given = { postgresql_query: text, max_rows: MAX_ROWS };
  at("rows").replaceChildren(card);
  const started = performance.now();
  const result = await answerOf("execute_sales_query", given, card, { onError: refused });
  if (!result) return null;
  const milliseconds = performance.now() - started, body = el("div", {});
  const content = result.structuredContent, checked = content.notes.filter((note) => /^Certified|counts|total|lines|orders/i.test(note));
  showRows(body, content, { statement: text, chart, milliseconds, onChoose: (state) => makeOwn(sqlAddress(text, state)) });
  card.replaceChildren(...(checked.length ? [el("aside", { className: "lint", "aria-label": "Checked" }, el("h2", {}, "What was checked"), checked.map((note) => el("p", { dir: "auto" }, personNote(note))))] : []), body, modelText(result, "execute_sales_query", given));
  told(`${content.row_count} rows.`);
  return `SQL: ${text.replace(/\s+/g, " ").slice(0, 60)}`;
}

const sqlAddress = (text, { chart, label, second, number } = {}) => addressOf("sql", { q: text, chart, label, second, number });

/** Offer to run the statement of a link: it may come from anyone, so the person reads it first. */
function offer() {
  at("rows").replaceChildren(el("div", "card", el("h2", {}, "A statement from a link"), el("p", {}, "It was not written in this page. Read it, then run it: it runs as you, and enters your history."),
    button("Run this statement", () => go(location.pathname + location.search))));
  return "SQL";
}

/** Show the page; the statement of the address runs where the person opened it in the console. */
export async function showSql(values, { isCurrent }) {
  const text = values.get("q") ?? "";
  const submit = () => {
    const written = editor.text.trim();
    if (!written) return editor.focus();
    go(sqlAddress(written));
  };
  at("statement").onsubmit = (event) => { event.preventDefault(); submit(); };
  at("examples").replaceChildren(...EXAMPLES.map(([name, example]) => button(name, () => go(sqlAddress(example)))));
  at("copy-statement").replaceChildren(copyButton(() => editor.text, "Copy the statement"));
  const [{ makeEditor }, read] = await Promise.all([import("/console/editor.js"), schema().catch((error) => error)]);
  if (!isCurrent()) return null;
  const known = Array.isArray(read) ? read : [];
  if (editor === null || editor.of !== desk.client) editor = makeEditor(at("editor"), { text: text || EXAMPLES[0][1], schema: names(known), onRun: submit, label: "Statement" });
  else if (text && editor.text !== text) editor.text = text;
  editor.of = desk.client;
  showSchema(known);
  at("sql-history").replaceChildren(...historyOf("sql"));
  if (!text) {
    at("rows").replaceChildren();
    return "SQL";
  }
  if (!isOwn()) return offer();
  const chosen = Object.fromEntries(["label", "second", "number"].filter((name) => values.has(name)).map((name) => [name, Number(values.get(name))]));
  return run(text, { ...chosen, ...(values.get("chart") && { chart: values.get("chart") }) });
}

/** Forget what the page holds of one person. */
export function clearSql() {
  editor = tables = ofPerson = null;
  at("editor").shadowRoot?.replaceChildren();
}
