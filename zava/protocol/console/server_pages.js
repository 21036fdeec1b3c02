// Products, the state of the data, how to connect, and the server's state for an operator.

import { el, fault } from "/console/chart.js";
import { addressOf } from "/console/address.js";
import { answerOf, at, block, copyButton, desk, go, modelText, personNote, readResource, told } from "/console/desk.js";
import { tableView } from "/console/table_view.js";
import { shown, words } from "/console/words.js";

// ---- products

export async function showProducts(values) {
  const text = values.get("q") ?? "", isInStock = values.has("in_stock");
  at("search-text").value = text;
  at("search-stock").checked = isInStock;
  at("search").onsubmit = (event) => {
    event.preventDefault();
    const written = at("search-text").value.trim();
    if (!written) return at("search-text").focus();
    go(addressOf("products", { q: written, in_stock: at("search-stock").checked ? "1" : "" }));
  };
  if (!text) {
    at("found").replaceChildren();
    return "Products";
  }
  const card = el("div", "card", el("p", "wait", "Searching …")), given = { query_description: text, in_stock_only: isInStock };
  at("found").replaceChildren(card);
  const result = await answerOf("semantic_search_products", given, card);
  if (!result) return null;
  const { products, notes, found, scope } = result.structuredContent;
  const [, currency] = notes.join(" ").match(/List prices are in ([A-Z]{3})/) ?? [null, "USD"];
  card.replaceChildren(
    el("div", "head", el("div", {}, el("h2", { tabIndex: -1 }, products.length ? `${products.length} of ${found} ${found === 1 ? "product" : "products"}` : "No product fits"), el("p", "muted", `${scope.stores.length} of ${scope.store_count} stores`))),
    el("ul", {}, products.map((product) => el("li", "product",
      el("p", { dir: "auto" }, el("b", {}, product.name), product.weak ? el("span", "muted", " – weak match") : null), el("p", "number", shown(product.price, currency)),
      el("p", { className: "muted", dir: "auto" }, product.description), el("p", `number ${product.stock ? "muted" : "bad"}`, product.stock ? `${shown(product.stock)} in stock` : "Out of stock"),
      el("p", { className: "muted", dir: "auto" }, `${product.sku} · ${product.category}`)))),
    el("div", "notes muted", notes.map((note) => el("p", { dir: "auto" }, personNote(note)))), modelText(result, "semantic_search_products", given));
  told(`${products.length} products.`);
  return `Products: ${text}`;
}

// ---- data

/** Return a table from lines whose cells are divided by bars; counts become numbers. */
function barTable(lines, caption) {
  const [heads, ...rows] = lines.map((line) => line.split(" | "));
  if (!rows.length || rows[0].length < heads.length) return el("p", "muted", `${caption}: none.`);
  return tableView(heads.map((name) => ({ name })), rows.map((row) => row.map((cell) => (/^\d+$/.test(cell) ? Number(cell) : cell))), { caption });
}

/** Show how fresh and whole the data of this person's stores are, and the definitions. */
export async function showQuality({ isCurrent }) {
  at("quality").replaceChildren(el("p", "wait", "Asking …"));
  at("imports").replaceChildren();
  showDefinitions();
  try {
    const [head, stores, imports] = (await readResource("retail://data-quality")).split("\n\n");
    if (!isCurrent()) return null;
    at("quality-scope").textContent = head.replaceAll("\n", ". ");
    at("quality").replaceChildren(barTable(stores.split("\n"), "Stores"));
    if (imports) at("imports").replaceChildren(el("h3", {}, "Last imports"), barTable(imports.split("\n"), "Imports"));
    told("The state of the data is here.");
  } catch (error) {
    if (isCurrent()) at("quality").replaceChildren(fault(error));
  }
  return "Data";
}

function showDefinitions() {
  const { metrics, dimensions } = desk.catalogue;
  const listed = (title, entries) => el("details", "", el("summary", "", `${title} (${entries.length})`), el("dl", "facts", entries.map((each) => [el("dt", {}, each.title), el("dd", {}, each.meaning, each.unit ? ` (${each.unit})` : "")])));
  at("definitions").replaceChildren(listed("Measures", metrics), listed("Dimensions", dimensions));
}

// ---- connect

const url = `${location.origin}/mcp`;
const facts = (pairs) => [el("dl", "facts", pairs.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]))];

export function showConnect() {
  const configurations = [
    ["Visual Studio Code", ".vscode/mcp.json", JSON.stringify({ servers: { zava: { type: "http", url } } }, null, 2)],
    ["Claude Code", "in a terminal", `claude mcp add --transport http zava ${url}`],
    ["Cursor", ".cursor/mcp.json", JSON.stringify({ mcpServers: { zava: { url } } }, null, 2)],
  ];
  at("configurations").replaceChildren(...configurations.flatMap(([name, place, content]) =>
    [el("h3", {}, name, " ", el("span", "muted", place)), block(content)]));
  const copying = copyButton(async () => (await desk.client.token()).token, "Copy a token");
  copying.id = "copy-token";
  copying.addEventListener("click", async () => { at("token-note").textContent = `It speaks for ${desk.person.title} and holds for ${Math.round((await desk.client.token()).seconds / 60)} minutes at most.`; });
  at("copy-token").replaceWith(copying);
  const mine = desk.client;
  const show = async (place, draw, asked) => {
    const drawn = await asked.then(draw, (error) => [fault(error)]);
    if (mine === desk.client) at(place).replaceChildren(...drawn);
  };
  show("server", () => facts([["Address", url], ["Tools", desk.tools.map((tool) => tool.name).join(", ")]]), Promise.resolve());
  show("budget", budgetFacts, readResource("zava://budget"));
  // Listed for all, answered for head office: a request of another would only show a refusal.
  if (!desk.person.isHeadOffice) return at("performance").replaceChildren();
  show("performance", (text) => [el("h3", {}, "Statements"), el("pre", { tabIndex: 0 }, text)], readResource("zava://performance"));
}

export const budgetFacts = (text) => facts(text.split("\n").map((line) => line.split(": ")));

export async function showHealth() {
  const health = await fetch("/health/ready").then((answer) => answer.json()).catch(() => ({ status: "unhealthy", checks: { server: "does not answer" } }));
  const text = `${words(health.status)}: ${Object.entries(health.checks ?? {}).map(([part, state]) => `${part} ${state}`).join(", ")}`;
  if (at("health").textContent === text) return health;
  at("health").dataset.state = health.status;
  at("health").textContent = text;
  return health;
}
