// What the scenarios share: a browser, pages that are watched, a way to the server, axe.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import puppeteer from "puppeteer-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const WAIT_MS = 15000;
const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** Start a browser with a profile of its own. */
export const startBrowser = (path) => puppeteer.launch({ executablePath: path, headless: true, args: FLAGS });

/** Press a button of the sign-in with the pointer, which rests while the page is new. */
export async function press(page, selector) {
  await page.waitForSelector("main[data-ready]");
  await page.click(selector);
}

/** Ask the server as somebody, as any client does. */
export async function rpc(base, token, method, params) {
  const answer = await fetch(`${base}/mcp`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: `Bearer ${token}`, "mcp-protocol-version": "2025-11-25" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const body = await answer.json();
  assert.ok(body.result, JSON.stringify(body));
  return body.result;
}

export const callTool = (base, token, name, given) => rpc(base, token, "tools/call", { name, arguments: given });

/** Open a page of this width and colour; `seen` collects what must not happen. */
export async function openPage({ browser, opened }, { width = 1280, scheme = "light" } = {}) {
  // A context of its own: nothing of another test's sessionStorage.
  const profile = await browser.createBrowserContext();
  opened.push(profile);
  const page = await profile.newPage();
  const seen = { faults: [], requests: [], posts: [] };
  page.on("console", (message) => { if (["error", "warn", "assert"].includes(message.type())) seen.faults.push(`${message.text()} ${message.location()?.url ?? ""}`); });
  page.on("pageerror", (error) => seen.faults.push(String(error)));
  page.on("request", (request) => {
    seen.requests.push(request.url());
    if (request.method() === "POST") seen.posts.push(new URL(request.url()).pathname);
  });
  page.setDefaultTimeout(WAIT_MS);
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
  return { page, seen };
}

/** No fault in the console, and nothing asked of anybody but this origin. */
export function assertQuiet(seen, origin) {
  assert.deepEqual(seen.faults, []);
  const elsewhere = seen.requests.filter((url) => !url.startsWith(`${origin}/`) && !/^(data|blob|about):/.test(url));
  assert.deepEqual(elsewhere, []);
}

/** axe-core finds nothing serious in this frame; with `impacts` null nothing at all. */
export async function assertAccessible(frame, name, { impacts = ["serious", "critical"] } = {}) {
  await frame.evaluate(AXE);
  const violations = await frame.evaluate(async (counted) => (await globalThis.axe.run(document, { resultTypes: ["violations"] })).violations
    .filter((each) => !counted || counted.includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`), impacts);
  assert.deepEqual(violations, [], name);
}

/** Nothing stands outside the page's width. */
export async function assertFits(frame, name) {
  const [inside, outside] = await frame.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
  assert.ok(outside <= inside, `${name}: ${outside} px wide in ${inside}`);
}

/** Serve the host's page on a port of its own. */
export async function startHost() {
  const { outputFiles } = buildSync({ entryPoints: [fileURLToPath(new URL("host.mjs", import.meta.url))], bundle: true, write: false, format: "iife" });
  const page = `<!doctype html><html lang="en"><title>Host</title><link rel="icon" href="data:,"><style>body{margin:0}iframe{border:0;width:100%;display:block}</style><body><script src="/host.js"></script></body></html>`;
  const server = createServer((request, response) => {
    const isScript = request.url === "/host.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? outputFiles[0].contents : page);
  });
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
