// The guest's half of MCP Apps: JSON-RPC with the host by messages between the two windows.

import { el } from "./chart.js";
import { TOOL, explorer } from "./explore.js";

const VERSION = "2026-01-26";
const waiting = new Map();
let host = {}, last = 0;

const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");

function request(method, params) {
  const id = ++last;
  send({ id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

const call = (given) => request("tools/call", { name: TOOL, arguments: given });
const view = explorer(document.querySelector("main"), { ask: () => host.hostCapabilities?.serverTools && call, save });
view.wait("Waiting for the figures …");

function save(name, text) {
  if (host.hostCapabilities?.downloadFile) {
    const resource = { uri: `file:///${name}`, mimeType: "text/csv", text };
    return request("ui/download-file", { contents: [{ type: "resource", resource }] }).catch(() => {});
  }
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  el("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

function adopt(context) {
  if (context?.theme) document.documentElement.dataset.theme = context.theme;
}

let given = {};
const told = {
  "ui/notifications/tool-input": (params) => { given = params.arguments ?? {}; },
  "ui/notifications/tool-result": (result) => view.show(result, given),
  "ui/notifications/tool-cancelled": () => view.wait("The question was cancelled."),
  "ui/notifications/host-context-changed": adopt,
};

addEventListener("message", (event) => {
  const message = event.data;
  if (event.source !== parent || message?.jsonrpc !== "2.0") return;
  const { id, method } = message;
  if (method && id !== undefined) {
    const isKnown = method === "ping" || method === "ui/resource-teardown";
    send(isKnown ? { id, result: {} } : { id, error: { code: -32601, message: "Method not found" } });
  } else if (method) {
    told[method]?.(message.params ?? {});
  } else {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (message.error) asked?.reject(message.error); else asked?.resolve(message.result);
  }
});

new ResizeObserver(() => {
  const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
  send({ method: "ui/notifications/size-changed", params: { height } });
}).observe(document.documentElement);

const appInfo = { name: "zava-sales-chart", version: "1" };
host = await request("ui/initialize", { appInfo, appCapabilities: {}, protocolVersion: VERSION });
adopt(host.hostContext);
send({ method: "ui/notifications/initialized" });
