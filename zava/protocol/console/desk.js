// What every part of the console uses: the person's client, the address, the live region, copying.

import { button, el, errorOf, fault, scopeText } from "/console/chart.js";
import { addressOf } from "/console/address.js";
import { words } from "/console/words.js";

export const at = (id) => document.getElementById(id);

/** The person who is signed in, with what the server's lists hold for that person. */
export const desk = { client: null, person: null, today: "", catalogue: null, tools: [] };

/** Say in the live region what happened, in a few words. */
export function told(text) {
  at("said").textContent = text;
}

const OWN = { isOwn: true };

/**
 * Whether the person opened this address within the console. A link from elsewhere has no such state,
 * and no other page can set it; going back, forward and reloading keep it.
 */
export const isOwn = () => history.state?.isOwn === true;
export const makeOwn = (address = location.pathname + location.search) => history.replaceState(OWN, "", address);

/** Put an address into the history and show its page. */
export function go(address, { replace = false } = {}) {
  const before = location.pathname;
  if (replace || address === location.pathname + location.search) makeOwn(address); else history.pushState(OWN, "", address);
  // Another page begins at its top, under its tabs; the same page with other fields stays where it is.
  if (location.pathname !== before) scrollTo(0, 0);
  return show();
}

let show = () => {};
export const onShow = (shown) => { show = shown; };

/** Whether an address is one of the console: a browser reads `//` and `/\\` as another server. */
const isOfConsole = (address) => /^\/(\?|$|console([/?]|$))[!-[\]-~]*$/.test(address);

/** Return a link within the console; a click with a modifier opens a tab, as everywhere. */
export const link = (address, text, given = {}) => !isOfConsole(address) ? el("span", "", text) : el("a", { href: address, ...given, onclick: (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  given.onclick?.(event);
  go(address);
} }, text);

export function save(name, content, type = "text/csv") {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

export async function copy(text, what = "Copied.") {
  await navigator.clipboard.writeText(text);
  told(what);
}

export function copyButton(read, label = "Copy") {
  const copying = button(label, async () => {
    await copy(await read());
    copying.textContent = "Copied";
    setTimeout(() => { copying.textContent = label; }, 1500);
  });
  return copying;
}

export const block = (text) => el("div", "block", el("pre", { tabIndex: 0 }, text), copyButton(() => text));

/** Show in the head what this person sees, as the server's own answers state it. */
export function seen(scope) {
  at("who-scope").textContent = `Sees ${scopeText(scope)}`;
  at("who-scope").title = scope.stores.join(", ");
}

/**
 * Call a tool and return its result; null where it was refused, which `place` then shows, or where
 * another person has signed in meanwhile.
 */
export async function answerOf(name, given, place, { onError = fault } = {}) {
  const mine = desk.client;
  try {
    const result = await mine.call(name, given);
    if (mine !== desk.client) return null;
    if (result.structuredContent?.scope) seen(result.structuredContent.scope);
    if (!result.isError) return result;
    place.replaceChildren(onError(errorOf(result)));
  } catch (error) {
    if (mine === desk.client) place.replaceChildren(onError(error));
  }
  if (mine === desk.client) told("The call was refused.");
  return null;
}

export const readResource = (uri) => desk.client.request("resources/read", { uri }).then((told_) => told_.contents[0].text);

const filled = (children) => {
  const details = el("details", "reads", el("summary", {}, "What a model reads"));
  details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) details.append(...children()); });
  return details;
};

/** Return the call that led to a result, its text and its JSON: enough to make it again. */
export const modelText = (result, name, given) => filled(() => {
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: given } };
  const curl = `curl -s ${location.origin}/mcp -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' -H 'mcp-protocol-version: 2025-11-25' -d '${JSON.stringify(call).replaceAll("'", "'\\''")}'`;
  return [
    el("h3", {}, "Text"), block(result.content.find((part) => part.type === "text").text),
    el("h3", {}, "Call"), block(JSON.stringify(call, null, 2)), el("p", "muted", "In a shell, with a token of “Connect”:"), block(curl),
    el("p", "row", link(addressOf(`tools/${name}`, { arguments: JSON.stringify(given) }), "Change the call on the page of tools")),
    el("h3", {}, "Structured content"), block(JSON.stringify(result.structuredContent, null, 1)),
  ];
});

/** Replace what a note states in the words of a tool by words for a person. */
export function personNote(note) {
  return note
    .replace(/^(\d[\d,]*) of (\d[\d,]*) groups; raise limit above \d+ or filter to see others\.$/, "$1 of $2 groups are listed. Choose more rows, or add a filter, to see others.")
    .replace(/ ?compare_with_chain (sets|compares) yours (beside|with) [^.]*\./, " “Beside the chain” shows where yours stand.")
    .replaceAll("raise max_rows", "export all rows").replace(/\b(query_metrics|execute_sales_query|show_sales_chart|get_store_performance)\b/g, (name) => words(name).toLowerCase());
}
