// Keys of the console: each is listed by "?".

import { button, el } from "/console/chart.js";
import { at, go } from "/console/desk.js";

const KEYS = [
  ["?", "List the keys", () => showKeys()],
  ["/", "Go to the first field of the question", () => focusFirst()],
  ["a", "Go to the answer", () => at("main").focus()],
  ["g s", "Start page", () => go("/")],
  ["g e", "Explore", () => go("/console/explore?metrics=revenue&split=month")],
  ["g q", "SQL", () => go("/console/sql")],
  ["g p", "Products", () => go("/console/products")],
  ["g d", "Data", () => go("/console/data")],
  ["g t", "Tools", () => go("/console/tools")],
  ["g c", "Connect", () => go("/console/connect")],
];

function focusFirst() {
  const shown = [...document.querySelectorAll("main section:not([hidden])")][0];
  shown?.querySelector("form select, form input, form textarea")?.focus();
}

/** List the keys in a dialog. */
export function showKeys() {
  const dialog = el("dialog", { "aria-labelledby": "keys-title" }, el("h2", { id: "keys-title" }, "Keys"),
    el("dl", "facts", [...KEYS, ["Ctrl + Enter", "Run the statement"], ["Arrow keys", "Move along a chart"], ["Enter", "Go deeper at a point or a bar"]].map(([key, text]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, text)])),
    el("div", "row", button("Close", () => dialog.close())));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Listen for the keys; a field, an editor and a dialog keep theirs. */
export function listen(isSignedIn) {
  let before = "";
  document.addEventListener("keydown", (event) => {
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey || !isSignedIn() || document.querySelector("dialog[open]")) return;
    if (target.closest?.("input, select, textarea, [contenteditable]")) return;
    const pressed = before === "g" ? `g ${event.key}` : event.key;
    before = event.key === "g" && before !== "g" ? "g" : "";
    const found = KEYS.find(([key]) => key === pressed);
    if (!found) return;
    event.preventDefault();
    found[2]();
  });
}
