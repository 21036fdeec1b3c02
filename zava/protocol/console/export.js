// Every row of a statement, streamed into a file: how many there are is shown, and it can be ended.

import { button, el, errorOf, fault } from "/console/chart.js";
import { desk, save, told } from "/console/desk.js";
import { shown } from "/console/words.js";

const FORMATS = [["csv", "CSV, for spreadsheets; an apostrophe precedes a text that would run as a formula", "text/csv"], ["jsonl", "JSON Lines, one object a row; every text is as it is", "application/x-ndjson"]];

/** Open the dialog of an export. */
export function exportDialog(statement, name) {
  let stop = null;
  const progress = el("p", { role: "status" }), choices = FORMATS.map(([value, text], place) => el("label", "check", el("input", { type: "radio", name: "format", value, checked: place === 0 }), " ", text));
  const start = el("button", { className: "strong", type: "button" }, "Export");
  const dialog = el("dialog", { "aria-labelledby": "export-title" }, el("h2", { id: "export-title" }, "Export all rows"),
    el("p", {}, "A very large export ends at the server’s limit. Its file then has the number of rows in its name, and this dialog states it."),
    el("div", "choices", choices), progress,
    el("div", "row", start, button("Close", () => dialog.close())));
  start.onclick = async () => {
    if (stop) return stop.abort();
    stop = new AbortController();
    start.textContent = "Cancel";
    const format = dialog.querySelector("input:checked").value;
    try {
      progress.replaceChildren("Reading the rows …");
      const { rows, cut } = await run(statement, name, format, stop.signal, (count) => { progress.textContent = `${shown(count)} bytes received …`; });
      progress.textContent = cut ? `Saved the first ${shown(rows)} rows. There are more: the limit of an export ended it (${cut}).` : `Saved all ${shown(rows)} rows.`;
    } catch (error) {
      progress.replaceChildren(stop.signal.aborted ? "Cancelled. Nothing was saved." : fault(error));
    }
    told(progress.textContent);
    stop = null;
    start.textContent = "Export";
  };
  dialog.addEventListener("close", () => { stop?.abort(); dialog.remove(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

async function run(statement, name, format, signal, onProgress) {
  const answer = await desk.client.post("/console/export", { postgresql_query: statement, format }, signal);
  if (!answer.ok) throw errorOf({ _meta: { "zava/error": (await answer.json()).error } });
  const parts = [];
  let received = 0;
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    received += value.length;
    // A Blob is kept outside of the page's memory, by the browser.
    parts.push(new Blob([value]));
    onProgress(received);
  }
  const rows = Number(answer.headers.get("zava-rows")), cut = answer.headers.get("zava-truncated");
  save(`${name}${cut ? `-first-${rows}-rows` : ""}.${format}`, new Blob(parts, { type: FORMATS.find(([value]) => value === format)[2] }));
  return { rows, cut };
}
