// The operator's page, for the head office: readiness, freshness, statements, calls, budgets, grants.

import { button, el, fault } from "/console/chart.js";
import { addressOf } from "/console/address.js";
import { at, copy, desk, go, link, readResource, save, told } from "/console/desk.js";
import { field } from "/console/explorer_page.js";
import { showHealth } from "/console/server_pages.js";
import { tableView } from "/console/table_view.js";
import { shown, words } from "/console/words.js";

const PATH = "/console/operator";
const HOURS = [["1", "The last hour"], ["24", "The last day"], ["168", "The last week"], ["744", "The last month"]];
const OUTCOMES = [["not OK", "Refused, denied and failed"], ["", "All"], ["AUTHORIZATION_ERROR", "Denied"], ["QUERY_REFUSED", "Refused statements"], ["REFUSED_FOR_COST", "Refused for their cost"], ["BUSY", "No capacity or budget"], ["CANCELLED", "Cancelled"]];
const choice = (title, values, chosen, onChange) => field(title, el("select", { onchange: (event) => onChange(event.target.value) }, values.map(([value, text]) => el("option", { value, selected: value === chosen }, text))));
const card = (title, ...parts) => el("div", "card", el("h2", { tabIndex: -1 }, title), ...parts);

/** Return a table over records, in the order of these names. */
function recordTable(records, names, caption, name) {
  return records.length ? tableView(names.map((each) => ({ name: each })), records.map((record) => names.map((each) => record[each] ?? null)), { caption, name, onSave: save, onCopy: copy }) : el("p", "empty", "None.");
}

async function storeNames() {
  const result = await desk.client.call("execute_sales_query", { postgresql_query: "SELECT store_id, store_name FROM retail.stores ORDER BY store_name", max_rows: 1000 });
  return new Map((result.structuredContent?.rows ?? []).map(([id, name]) => [id, name]));
}

function grantRows(grants, names) {
  return grants.map((grant) => ({
    who: grant.who, kind: grant.kind, audience: words(grant.audience).replace(/managers$/, "manager"),
    stores: grant.audience === "head_office" ? "all stores" : grant.store_ids.map((id) => names.get(id) ?? id).join(", "),
    holds: grant.is_valid ? "yes" : grant.active ? "outside its times" : "ended", since: grant.since ?? grant.valid_from, until: grant.valid_until, personal_data: grant.reads_personal ? "yes" : "no",
  }));
}

/** Show who may see what, narrowed by a word: a store, a person, an audience. */
function grantsCard(grants, names) {
  const rows = grantRows(grants, names), place = el("div", { id: "grants" }), table = el("div", "");
  const narrow = el("input", { type: "search", autocomplete: "off" });
  const draw = () => {
    const word = narrow.value.trim().toLowerCase();
    table.replaceChildren(recordTable(rows.filter((row) => Object.values(row).some((value) => String(value ?? "").toLowerCase().includes(word))), ["who", "audience", "stores", "holds", "since", "until", "kind", "personal_data"], "Grants", "zava-grants"));
  };
  narrow.addEventListener("input", draw);
  draw();
  place.append(field("Only with", narrow, "A store, a person or an audience."), table);
  return card("Who sees what", place, el("p", "muted", "A grant is made, explained and ended on the command line: zava grant, zava explain-access --as NAME, zava revoke --as NAME. It holds from the person's next call."));
}

/** Show the page; each part stands alone where another one fails. */
export async function showOperator(values, { isCurrent }) {
  const place = at("operate-page"), hours = values.get("hours") ?? "24", outcome = values.get("outcome") ?? "not OK";
  const change = (name) => (value) => go(addressOf("operate", { hours, outcome, [name]: value || "all" }));
  place.replaceChildren(card("Operate", el("p", "wait", "Asking …")));
  const answer = await desk.client.post(PATH, { hours: Number(hours), outcome: outcome === "all" ? "" : outcome });
  const page = await answer.json();
  if (!isCurrent()) return null;
  if (!answer.ok) {
    place.replaceChildren(card("Operate", fault(page.error)));
    return null;
  }
  const [health, names, quality, statements] = await Promise.all([showHealth(), storeNames(), readResource("retail://data-quality"), readResource("zava://performance")].map((each) => each.catch((error) => error)));
  if (!isCurrent()) return null;
  const [, , imports = ""] = String(quality).split("\n\n"), known = names instanceof Map ? names : new Map();
  const counts = Object.entries(page.outcomes).sort((one, other) => other[1] - one[1]).map(([name, count]) => `${name} ${shown(count)}`).join(", ");
  place.replaceChildren(
    card("Operate", el("dl", "facts", Object.entries({ Readiness: health.status ?? "not known", ...health.checks, Data: String(quality).split("\n\n")[0] }).map(([name, text]) => [el("dt", {}, words(name)), el("dd", {}, String(text))])),
      el("p", "row", link("/console/data", "Freshness of each store", { className: "quiet" }), button("Look again", () => showOperator(values, { isCurrent })))),
    card("Calls", el("p", "muted", counts || "No calls."), el("div", "fields", choice("Of", HOURS, hours, change("hours")), choice("Outcome", OUTCOMES, outcome === "all" ? "" : outcome, change("outcome"))),
      recordTable(page.calls, ["called_at", "who", "tool", "outcome", "row_count", "database_milliseconds", "fingerprint", "client_name", "correlation_id"], "Calls", "zava-audit"),
      el("p", "muted", page.calls.length === 1000 ? "The latest 1,000 are listed." : "")),
    card("Slow statements", el("pre", { tabIndex: 0 }, String(statements.message ?? statements))),
    card("Budgets", recordTable(page.budgets, ["who", "calls_this_minute", "seconds_this_hour"], "Budgets", "zava-budgets")),
    card("Imports", imports ? el("pre", { tabIndex: 0 }, imports) : el("p", "empty", "No import was made."), el("p", "muted", "The rejected rows are in the file that `zava import` named.")),
    grantsCard(page.grants, known));
  told("The state of the server is here.");
  return "Operate";
}
