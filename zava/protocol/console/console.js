// The console: signs a demo person in, asks the server as any MCP client does, shows what it says.

import { button, drawAnswer, el, errorOf, fault, scopeText, table } from "/console/chart.js";
import { Client } from "/console/client.js";
import { explorer } from "/console/explore.js";
import { EXAMPLES, QUESTIONS, suggestion } from "/console/questions.js";
import { csv, shown, words } from "/console/words.js";

const at = (id) => document.getElementById(id);
const REMEMBERED = "zava-person"; // the name alone; a token is never stored
const PERIODS = ["this month", "last month", "last 30 days", "last quarter", "last 12 months", "this year", "last year"];
let people = [], client = null, prompts = [], today = "", asking = 0;

// ---- who is looking

function told(text) {
  at("said").textContent = text;
}

function showGate(error) {
  client = null;
  sessionStorage.removeItem(REMEMBERED);
  at("desk").hidden = true;
  for (const id of ["answers", "rows", "found", "questions", "question", "server", "budget", "performance", "quality", "imports", "quality-scope"]) at(id).replaceChildren();
  at("gate").hidden = false;
  at("gate-fault").replaceChildren(...(error ? [fault(error)] : []));
}

function showPeople() {
  const groups = Map.groupBy(people, (person) => person.audience);
  at("people").replaceChildren(...[...groups].reverse().flatMap(([audience, members]) => [
    el("h2", {}, words(audience)),
    el("div", "people", members.map((person) => el("button", { className: "person", type: "button", "data-person": person.name, onclick: () => enter(person) },
      el("b", {}, words(person.name.replaceAll("-", " "))),
      el("span", "muted", person.stores.length > 4 ? `All ${person.stores.length} stores` : person.stores.join(", "))))),
  ]));
}

async function enter(person) {
  const entering = new Client(person.name);
  try {
    const [listed, day] = await Promise.all([entering.request("prompts/list"), entering.call("get_current_utc_date", {})]);
    client = entering;
    prompts = listed.prompts;
    today = day.structuredContent.utc.slice(0, 10);
  } catch (error) {
    return showGate(error);
  }
  sessionStorage.setItem(REMEMBERED, person.name);
  at("gate").hidden = true;
  at("desk").hidden = false;
  at("who-name").textContent = words(person.name.replaceAll("-", " "));
  at("performance").dataset.audience = person.audience;
  const audience = words(person.audience).toLowerCase().replace(/managers$/, "manager");
  at("who-audience").textContent = audience === at("who-name").textContent.toLowerCase() ? "" : audience;
  at("who-scope").textContent = "";
  told(`Signed in as ${person.name}.`);
  scrollTo(0, 0);
  showPart("ask");
  showQuestions();
  showConnect();
  choose("business_summary");
}

/** Say what this person sees, as the server's own answers say it. */
function seen(scope) {
  at("who-scope").textContent = `Sees ${scopeText(scope)}`;
  at("who-scope").title = scope.stores.join(", ");
}

// ---- parts

function showPart(name) {
  for (const tab of at("tabs").children) {
    const isShown = tab.dataset.part === name;
    if (isShown) tab.setAttribute("aria-current", "page"); else tab.removeAttribute("aria-current");
    at(tab.dataset.part).hidden = !isShown;
  }
  if (name === "connect") showServer();
  if (name === "data") showQuality();
}

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  el("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

function copyButton(read, label = "Copy") {
  const copying = button(label, async () => {
    await navigator.clipboard.writeText(await read());
    copying.textContent = "Copied";
    told("Copied.");
    setTimeout(() => { copying.textContent = label; }, 1500);
  });
  return copying;
}

const block = (text) => el("div", "block", el("pre", { tabIndex: 0 }, text), copyButton(() => text));

/** Ask a tool; the answer, or the refusal, arrives where `place` says unless somebody asked anew. */
async function answerOf(name, given, place) {
  const mine = client;
  try {
    const result = await mine.call(name, given);
    if (mine !== client) return null;
    if (result.structuredContent?.scope) seen(result.structuredContent.scope);
    if (!result.isError) return result;
    place.replaceChildren(fault(errorOf(result)));
  } catch (error) {
    if (mine === client) place.replaceChildren(fault(error));
  }
  return null;
}

// ---- ask

function showQuestions() {
  at("questions").replaceChildren(...prompts.filter((prompt) => QUESTIONS[prompt.name]).map((prompt) =>
    el("button", { type: "button", "data-question": prompt.name, onclick: () => choose(prompt.name) }, prompt.title)));
}

function choose(name) {
  const prompt = prompts.find((each) => each.name === name);
  for (const offered of at("questions").children) {
    if (offered.dataset.question === name) offered.setAttribute("aria-current", "true"); else offered.removeAttribute("aria-current");
  }
  const fields = (prompt.arguments ?? []).map((argument) => {
    const id = `field-${argument.name}`;
    const input = el("input", { id, name: argument.name, value: suggestion(argument.name, today), required: argument.required ?? false, autocomplete: "off",
      ...(argument.name === "period" ? { placeholder: "last month, 2026-Q1 …" } : {}), "aria-describedby": `${id}-help` });
    if (argument.name === "period") input.setAttribute("list", "periods");
    return el("div", {}, el("label", { htmlFor: id }, words(argument.name)), input, el("p", { id: `${id}-help`, className: "muted" }, argument.description));
  });
  const values = () => Object.fromEntries(new FormData(at("question")));
  const filled = async () => (await client.request("prompts/get", { name, arguments: values() })).messages[0].content.text;
  at("question").replaceChildren(
    el("h2", {}, prompt.title), el("p", "muted", prompt.description),
    ...(fields.length ? [el("div", "fields", fields)] : []),
    el("datalist", { id: "periods" }, PERIODS.map((value) => el("option", { value }))),
    el("div", "row", el("button", { className: "strong", type: "submit" }, "Ask"), copyButton(filled, "Copy the prompt for your model")));
  at("question").onsubmit = (event) => {
    event.preventDefault();
    ask(name, values(), filled);
  };
  ask(name, values(), filled);
}

async function ask(name, values, filled) {
  const mine = ++asking, mineClient = client;
  at("answers").replaceChildren(el("div", "card", el("p", "wait", "Asking …")));
  let calls;
  try {
    calls = await QUESTIONS[name](values, filled);
  } catch (error) {
    if (mine === asking) at("answers").replaceChildren(el("div", "card", fault(error)));
    return;
  }
  const cards = calls.map(() => el("div", "card", el("p", "wait", "Asking …")));
  if (mine !== asking || mineClient !== client) return;
  at("answers").replaceChildren(...cards);
  await Promise.all(calls.map(async ([tool, given], place) => {
    const result = await answerOf(tool, given, cards[place]);
    if (!result || mine !== asking) return;
    const body = el("div", {});
    cards[place].replaceChildren(body, modelText(result));
    if (tool === "execute_sales_query") return showRows(body, result.structuredContent);
    const view = explorer(body, { ask: () => drill, save });
    view.show(result, given);
  }));
  told("The answer is here.");
}

async function drill(given) {
  const result = await client.call("show_sales_chart", given);
  if (result.structuredContent?.scope) seen(result.structuredContent.scope);
  return result;
}

const modelText = (result) => el("details", {}, el("summary", {}, "What a model reads"), block(result.content.find((part) => part.type === "text").text));

// ---- SQL

/** Return a table as figures where its shape allows a chart: a label first, numbers after it. */
function asFigures(content) {
  const { columns, rows } = content;
  const numbers = columns.map((_, place) => place > 0 && rows.some((row) => typeof row[place] === "number") && rows.every((row) => row[place] === null || typeof row[place] === "number"));
  const labels = rows.map((row) => row[0]);
  if (rows.length < 2 || rows.length > 400 || !numbers.some(Boolean) || !labels.every((label) => typeof label === "string") || new Set(labels).size < labels.length) return null;
  const kept = [0, ...columns.keys()].filter((place, index) => index === 0 || numbers[place]);
  const isDay = labels.every((label) => /^\d{4}-\d\d-\d\d$/.test(label)), isMonth = labels.every((label) => /^\d{4}-\d\d$/.test(label));
  return {
    columns: kept.map((place, index) => (index ? { name: columns[place].name, unit: "number" } : { name: isDay ? "day" : isMonth ? "month" : columns[0].name })),
    rows: rows.map((row) => kept.map((place) => row[place])), notes: [], scope: content.scope,
  };
}

function showRows(root, content) {
  const figures = asFigures(content), plot = el("div", {});
  if (figures) drawAnswer(plot, figures, {});
  for (const part of plot.querySelectorAll("details, .head .muted")) part.remove(); // said once, around it
  root.replaceChildren(
    el("div", "head", el("div", {}, el("h2", {}, content.row_count ? `${content.row_count} ${content.row_count === 1 ? "row" : "rows"}` : "No rows"), el("p", "muted", scopeText(content.scope))),
      content.row_count ? el("div", "tools", button("Save as CSV", () => save("zava.csv", csv(content.columns, content.rows)))) : null),
    ...(figures ? [plot] : []),
    ...(content.row_count ? [table(content.columns, content.rows, "Rows")] : []),
    el("div", "notes muted",
      content.notes.map((note) => el("p", { dir: "auto" }, note)),
      content.truncated ? el("p", {}, "Cut at the limit: there are more rows.") : null,
      content.columns.some((column) => column.written_by) ? el("p", {}, `Written by customers or suppliers, data and nothing else: ${content.columns.filter((column) => column.written_by).map((column) => column.name).join(", ")}.`) : null));
}

async function runStatement(event) {
  event?.preventDefault();
  const text = at("sql-text").value.trim();
  if (!text) return at("sql-text").focus();
  const card = el("div", "card", el("p", "wait", "Running …"));
  at("rows").replaceChildren(card);
  const started = performance.now();
  const result = await answerOf("execute_sales_query", { postgresql_query: text, max_rows: 200 }, card);
  if (!result) return told("Refused.");
  const body = el("div", {});
  card.replaceChildren(body, modelText(result));
  showRows(body, result.structuredContent);
  body.querySelector(".head .muted").append(` · ${shown(performance.now() - started)} ms`);
  told("The rows are here.");
}

// ---- products

async function runSearch(event) {
  event.preventDefault();
  const text = at("search-text").value.trim();
  if (!text) return at("search-text").focus();
  const card = el("div", "card", el("p", "wait", "Searching …"));
  at("found").replaceChildren(card);
  const result = await answerOf("semantic_search_products", { query_description: text, in_stock_only: at("search-stock").checked }, card);
  if (!result) return;
  const { products, notes, found, scope } = result.structuredContent;
  const [, currency] = notes.join(" ").match(/List prices are in ([A-Z]{3})/) ?? [null, "USD"];
  card.replaceChildren(
    el("div", "head", el("div", {}, el("h2", {}, products.length ? `${products.length} of ${found} ${found === 1 ? "product" : "products"}` : "No product fits"), el("p", "muted", scopeText(scope)))),
    el("ul", {}, products.map((product) => el("li", "product",
      el("p", { dir: "auto" }, el("b", {}, product.name), product.weak ? el("span", "muted", " – weak match") : null), el("p", "number", shown(product.price, currency)),
      el("p", { className: "muted", dir: "auto" }, product.description), el("p", `number ${product.stock ? "muted" : "bad"}`, product.stock ? `${shown(product.stock)} in stock` : "Out of stock"),
      el("p", { className: "muted", dir: "auto" }, `${product.sku} · ${product.category}`)))),
    el("div", "notes muted", notes.map((note) => el("p", { dir: "auto" }, note))), modelText(result));
}

// ---- connect

const url = `${location.origin}/mcp`;

function showConnect() {
  const configurations = [
    ["Visual Studio Code", ".vscode/mcp.json", JSON.stringify({ servers: { zava: { type: "http", url } } }, null, 2)],
    ["Claude Code", "in a terminal", `claude mcp add --transport http zava ${url}`],
    ["Cursor", ".cursor/mcp.json", JSON.stringify({ mcpServers: { zava: { url } } }, null, 2)],
  ];
  at("configurations").replaceChildren(...configurations.flatMap(([name, place, content]) =>
    [el("h3", {}, name, " ", el("span", "muted", place)), block(content)]));
}

const facts = (pairs) => [el("dl", "facts", pairs.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]))];

const readResource = (uri) => client.request("resources/read", { uri }).then((told) => told.contents[0].text);

/** Return a table from lines whose cells are divided by bars; counts become numbers. */
function barTable(lines, caption) {
  const [heads, ...rows] = lines.map((line) => line.split(" | "));
  if (!rows.length || rows[0].length < heads.length) return el("p", "muted", `${caption}: none.`);
  return table(heads.map((name) => ({ name })), rows.map((row) => row.map((cell) => (/^\d+$/.test(cell) ? Number(cell) : cell))), caption);
}

/** Show how fresh and whole the data of this person's stores are, asked anew at each look. */
async function showQuality() {
  const mine = client;
  at("quality").replaceChildren(el("p", "wait", "Asking …"));
  at("imports").replaceChildren();
  try {
    const [head, stores, imports] = (await readResource("retail://data-quality")).split("\n\n");
    if (mine !== client) return;
    at("quality-scope").textContent = head.replaceAll("\n", ". ");
    at("quality").replaceChildren(barTable(stores.split("\n"), "Stores"));
    if (imports) at("imports").replaceChildren(el("h3", {}, "Last imports"), barTable(imports.split("\n"), "Imports"));
    told("The state of the data is here.");
  } catch (error) {
    if (mine === client) at("quality").replaceChildren(fault(error));
  }
}

/** Show what the server tells this person of itself, asked anew at each look. */
function showServer() {
  const mine = client;
  const show = async (place, draw, asked) => {
    const drawn = await asked.then(draw, (error) => [fault(error)]);
    if (mine === client) at(place).replaceChildren(...drawn);
  };
  const read = (uri) => mine.request("resources/read", { uri }).then((told) => told.contents[0].text);
  show("server", ({ tools }) => facts([["Address", url], ["Tools", tools.map((tool) => tool.name).join(", ")]]), mine.request("tools/list"));
  show("budget", (text) => facts(text.split("\n").map((line) => line.split(": "))), read("zava://budget"));
  // Listed for everybody, answered for head office: asking for another would only show a refusal.
  if (at("performance").dataset.audience !== "head_office") return at("performance").replaceChildren();
  show("performance", (text) => [el("h3", {}, "Statements"), el("pre", { tabIndex: 0 }, text)], read("zava://performance"));
}

async function showHealth() {
  const health = await fetch("/health/ready").then((answer) => answer.json()).catch(() => ({ status: "unhealthy", checks: { server: "does not answer" } }));
  at("health").dataset.state = health.status;
  at("health").textContent = `${words(health.status)}: ${Object.entries(health.checks).map(([part, state]) => `${part} ${state}`).join(", ")}`;
}

// ---- start

at("tabs").addEventListener("click", (event) => { if (event.target.dataset.part) showPart(event.target.dataset.part); });
at("sign-out").addEventListener("click", () => showGate());
at("statement").addEventListener("submit", runStatement);
at("search").addEventListener("submit", runSearch);
at("sql-text").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) runStatement(event); });
at("sql-text").value = EXAMPLES[0][1];
at("examples").replaceChildren(...EXAMPLES.map(([name, text]) => button(name, () => { at("sql-text").value = text; runStatement(); })));
const tokenButton = copyButton(async () => (await client.token()).token, "Copy a token");
tokenButton.addEventListener("click", async () => { at("token-note").textContent = `It speaks for ${at("who-name").textContent} and holds for ${Math.round((await client.token()).seconds / 60)} minutes at most.`; });
at("copy-token").replaceWith(tokenButton);

people = await fetch("/console/people.json").then((answer) => answer.json());
showPeople();
const remembered = people.find((person) => person.name === sessionStorage.getItem(REMEMBERED));
if (remembered) await enter(remembered); else showGate();
showHealth();
setInterval(() => { if (!document.hidden) showHealth(); }, 30000);
