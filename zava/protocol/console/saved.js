// Saved questions, pins and history of one person, which the server keeps for that person alone.

import { button, el, fault } from "/console/chart.js";
import { at, copy, desk, link, makeOwn, told } from "/console/desk.js";

let items = [];

const PATH = "/console/saved";

/** Do one thing with the person's list and read the list as it then is. */
async function change(action, given = {}) {
  const mine = desk.client, answer = await mine.post(PATH, { action, ...given });
  const body = await answer.json();
  if (mine !== desk.client) return null;
  if (!answer.ok) throw body.error ?? { message: "The list could not be changed." };
  items = body.items;
  return items;
}

export const readSaved = () => change("list").catch(() => { items = []; });
export const clearSaved = () => { items = []; };
export const pinned = () => items.filter((item) => item.is_pinned);
const saved = () => items.filter((item) => item.kind === "saved");

/** Note that an address was opened: the newest of each address is kept. */
export const noteVisit = (address, title) => change("visit", { address, title }).then(() => showSaved(), () => {});

/** Return the links of the history whose address begins with a page. */
export const historyOf = (page) => items.filter((item) => item.kind === "history" && (!page || item.address.startsWith(`/console/${page}`)))
  .slice(0, 20).map((item) => el("li", "", link(item.address, item.title, { dir: "auto" })));

const act = (action, given, said) => async () => {
  try {
    await change(action, given);
    told(said);
  } catch (error) {
    at("saved-fault").replaceChildren(fault(error));
  }
  showSaved();
};

/** Draw the list of saved questions beside the others, and the history below it. */
export function showSaved() {
  const kept = saved(), visited = historyOf("");
  at("saved").replaceChildren(
    ...(kept.length ? [el("h2", {}, "Saved"), el("ul", "", kept.map((item) => el("li", "saved-item", link(item.address, item.title, { dir: "auto" }),
      el("button", { type: "button", className: "link", "aria-pressed": String(item.is_pinned), title: item.is_pinned ? "Take it off the start page" : "Show it on the start page", onclick: act("pin", { address: item.address, is_pinned: !item.is_pinned }, "Changed.") }, item.is_pinned ? "Unpin" : "Pin"),
      el("button", { type: "button", className: "link", "aria-label": `Remove ${item.title}`, onclick: act("remove", { address: item.address }, "Removed.") }, "×"))))] : []),
    ...(visited.length ? [el("details", "", el("summary", {}, "History"), el("ul", "", visited), button("Clear the history", act("clear", {}, "The history is empty.")))] : []));
}

/** Fill the bar above an answer: save, pin, copy the link. */
export function showActions(title) {
  const address = location.pathname + location.search, own = saved().find((item) => item.address === address);
  const name = el("input", { value: own?.title ?? title, "aria-label": "Name of the question", maxLength: 100, autocomplete: "off" });
  at("actions").replaceChildren(
    button("Copy the link", () => copy(location.href, "The link is copied. It holds no token: a colleague sees their own stores.")),
    own ? el("span", "muted", `Saved as “${own.title}”`) : el("span", "row", name, button("Save", save(false, name, address)), button("Pin to the start page", save(true, name, address))));
}

const save = (isPinned, name, address) => async () => {
  makeOwn();
  await act("save", { address, title: name.value.trim() || "Question", is_pinned: isPinned }, isPinned ? "Pinned to the start page." : "Saved.")();
  showActions(name.value);
};
