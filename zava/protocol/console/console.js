// The console: signs a person in, shows the page that the address names, and keeps the history.

import { button, el, fault } from "/console/chart.js";
import { addressOf, addressOfQuestion, questionOf, readAddress } from "/console/address.js";
import { ASK_PAGES } from "/console/ask_pages.js";
import { readCatalogue } from "/console/catalogue.js";
import { Client, whoMayEnter } from "/console/client.js";
import { beginSignIn, endSignIn } from "/console/hosted.js";
import { at, desk, go, isOwn, link, onShow, readResource, told } from "/console/desk.js";
import { showExplorer, showQuestion } from "/console/explorer_page.js";
import { showOperator } from "/console/operate_page.js";
import { QUESTIONS } from "/console/questions.js";
import { clearSaved, noteVisit, pinned, readSaved, showActions, showSaved } from "/console/saved.js";
import { showConnect, showHealth, showProducts, showQuality } from "/console/server_pages.js";
import { listen, showKeys } from "/console/shortcuts.js";
import { clearSql, showSql } from "/console/sql_page.js";
import { showTools } from "/console/tools_page.js";
import { words } from "/console/words.js";

const REMEMBERED = "zava-person"; // who it was; a token is never stored
const HEALTH_SECONDS = 30, MAX_PINNED = 6;
const CLEARED = ["answers", "actions", "rows", "found", "questions", "question", "saved", "saved-fault", "schema", "sql-history", "server", "budget", "performance", "quality", "imports", "quality-scope", "definitions", "tools-page", "operate-page", "configurations", "token-note", "tabs"];
let people = [], showing = 0;

// ---- who is looking

function showGate(error) {
  Object.assign(desk, { client: null, person: null, catalogue: null, tools: [] });
  sessionStorage.removeItem(REMEMBERED);
  clearSaved();
  clearSql();
  at("desk").hidden = at("skip").hidden = true;
  for (const id of CLEARED) at(id).replaceChildren();
  for (const id of ["search-text"]) at(id).value = "";
  at("gate").hidden = false;
  document.title = "Zava console";
  at("gate-fault").replaceChildren(...(error ? [fault(error)] : []));
}

function showPeople() {
  const groups = Map.groupBy(people, (person) => person.audience);
  at("people").replaceChildren(...[...groups].flatMap(([audience, members]) => [
    el("h2", {}, words(audience)),
    el("div", "people", members.map((person) => el("button", { className: "person", type: "button", "data-person": person.name, onclick: () => enter(person) },
      el("b", {}, words(person.name.replaceAll("-", " "))),
      el("span", "muted", person.stores.length > 4 ? `All ${person.stores.length} stores` : person.stores.join(", "))))),
  ]));
}

/** Offer the sign-in of a deployment, or take its answer. */
async function enterHosted() {
  const start = button("Sign in", () => beginSignIn().catch(showGate));
  start.className = "strong";
  at("people").replaceChildren(start);
  try {
    const tokens = await endSignIn();
    if (!tokens) return showGate();
    const client = new Client("", tokens);
    const { structuredContent, isError, content } = await client.call("query_metrics", { metrics: ["stock_on_hand"] });
    if (isError) throw { code: "Not signed in", message: content[0].text };
    await enter({ id: "", name: "you", audience: structuredContent.scope.audience, stores: structuredContent.scope.stores }, client);
  } catch (error) {
    showGate(error);
  }
}

async function enter(person, entering = new Client(person.id)) {
  try {
    const [day, tools] = await Promise.all([entering.call("get_current_utc_date", {}), entering.request("tools/list")]);
    desk.client = entering;
    desk.today = day.structuredContent.business_date ?? day.structuredContent.utc.slice(0, 10);
    desk.tools = tools.tools;
    desk.catalogue = readCatalogue(await readResource("retail://metrics"));
    await readSaved();
  } catch (error) {
    return showGate(error);
  }
  if (person.id) sessionStorage.setItem(REMEMBERED, person.id);
  const title = words(person.name.replaceAll("-", " ")), audience = words(person.audience).toLowerCase().replace(/managers$/, "manager");
  desk.person = { ...person, title, isHeadOffice: person.audience === "head_office" };
  at("gate").hidden = true;
  at("desk").hidden = at("skip").hidden = false;
  at("who-name").textContent = title;
  at("who-audience").textContent = audience === title.toLowerCase() ? "" : audience;
  at("who-scope").textContent = "";
  told(`Signed in as ${person.name}.`);
  scrollTo(0, 0);
  showTabs();
  showQuestions();
  await showAddress();
  at("main").focus({ preventScroll: true });
}

// ---- parts

const PARTS = [["start", "Ask", "/"], ["sql", "SQL", "/console/sql"], ["products", "Products", "/console/products"], ["data", "Data", "/console/data"], ["tools", "Tools", "/console/tools"], ["connect", "Connect", "/console/connect"]];

function showTabs() {
  const own = desk.person.isHeadOffice ? [...PARTS, ["operate", "Operate", "/console/operate"]] : PARTS;
  at("tabs").replaceChildren(...own.map(([name, title, address]) => link(address, title, { "data-part": name })));
}

function showQuestions() {
  at("questions").replaceChildren(link(addressOfQuestion({ metrics: ["revenue"], split: ["month"] }), "Explore", { "data-question": "explore" }),
    ...Object.entries(QUESTIONS).map(([name, [title, address]]) => link(address(), title, { "data-question": name })));
}

/** Mark where the person is, in the tabs and among the questions. */
function markPlace(page, values) {
  const part = ["sql", "products", "data", "connect"].includes(page) ? page : page.startsWith("tools") ? "tools" : page === "operate" ? "operate" : "start";
  const shown = part === "start" ? "ask" : part;
  for (const section of document.querySelectorAll("#main > section")) section.hidden = section.id !== shown;
  const current = (element, isCurrent, value) => { if (isCurrent) element.setAttribute("aria-current", value); else element.removeAttribute("aria-current"); };
  for (const tab of at("tabs").children) current(tab, tab.dataset.part === part, "page");
  const own = questionOf(values);
  const same = (address) => {
    const target = readAddress(new URL(address, location.origin)), asked = questionOf(target.values);
    return target.page === page && (page !== "explore" || (asked.metrics.join() === own.metrics.join() && asked.split.join() === own.split.join() && asked.chart === own.chart && asked.forecast === own.forecast && !own.filters.length));
  };
  for (const offered of at("questions").children) current(offered, same(offered.getAttribute("href")), "true");
}

/** Show the pinned questions, or the summary where nothing is pinned. */
async function showStart(current) {
  const kept = pinned().slice(0, MAX_PINNED);
  if (!kept.length) return ASK_PAGES.summary(new URLSearchParams(), current);
  at("question").replaceChildren(el("h2", { tabIndex: -1 }, "Pinned questions"), el("p", "muted", "Each is asked anew. Its title leads to its page."));
  const cards = kept.map((item) => el("div", "card pinned", el("h3", { dir: "auto" }, link(item.address, item.title)), el("div", "")));
  at("answers").replaceChildren(...cards);
  await Promise.all(kept.map(async (item, place) => {
    const { page, values } = readAddress(new URL(item.address, location.origin));
    if (page === "explore") await showQuestion(questionOf(values), cards[place].lastChild, { isPinned: true });
  }));
  return "Start";
}

/** Show the page of the address; a later address ends what this one still waits for. */
async function showAddress() {
  if (!desk.client) return;
  const mine = ++showing, client = desk.client, isCurrent = () => mine === showing && client === desk.client;
  const { page, values } = readAddress(location), [first, ...rest] = page.split("/");
  markPlace(page, values);
  at("actions").replaceChildren();
  const others = {
    start: () => showStart({ isCurrent }), sql: () => showSql(values, { isCurrent }), products: () => showProducts(values), data: () => showQuality({ isCurrent }),
    tools: () => showTools(rest.join("/"), values), operate: () => showOperator(values, { isCurrent }), connect: () => { showConnect(); return "Connect"; },
    explore: () => showExplorer(values, { isCurrent, head: (title, text) => [el("h2", { tabIndex: -1 }, title), el("p", "muted", text)] }),
  };
  const shown = ASK_PAGES[page] ? () => ASK_PAGES[page](values, { isCurrent }) : others[first];
  if (!shown) return go("/", { replace: true });
  showSaved();
  const title = await shown();
  if (!isCurrent()) return;
  document.title = `${title ?? "Refused"} – ${desk.person.title} – Zava`;
  if (!title) return;
  if (ASK_PAGES[page]) told(`The answer is here: ${title}.`);
  if (page === "start" || ["data", "connect", "operate"].includes(first)) return;
  if (first !== "sql" && first !== "products" && first !== "tools") showActions(title);
  if (first !== "tools" && isOwn()) noteVisit(location.pathname + location.search, title);
}

// ---- start

onShow(async () => {
  // A field that was left by the keyboard is found again in the form that is drawn anew.
  const name = document.activeElement?.dataset?.field, isLink = document.activeElement?.closest?.("a, #examples");
  const done = showAddress();
  if (name) at("question").querySelector(`[data-field="${name}"]`)?.focus();
  await done;
  if (isLink && document.activeElement === document.body) at("main").focus({ preventScroll: true });
});
addEventListener("popstate", () => showAddress());
at("sign-out").addEventListener("click", () => { showGate(); document.querySelector("[data-person]")?.focus(); });
at("help").addEventListener("click", () => showKeys());
at("skip").addEventListener("click", (event) => { event.preventDefault(); at("answers").querySelector("h2")?.scrollIntoView(); at("main").focus(); });
listen(() => Boolean(desk.client));

const entry = await whoMayEnter();
people = entry.people;
at("gate-note").textContent = entry.note;
at("served").textContent = entry.served;
const remembered = people.find((person) => person.id === sessionStorage.getItem(REMEMBERED));
if (entry.isHosted) {
  await enterHosted();
} else {
  showPeople();
  if (remembered) await enter(remembered); else showGate();
}
showHealth();
setInterval(() => { if (!document.hidden) showHealth(); }, HEALTH_SECONDS * 1000);
