// Runs every scenario against a served Zava and prints what came of each, as JSON.
//
//   node run.mjs CHROMIUM URL ARTEFACTS [WORDS OF A NAME]    (stdin: {"tokens": …, "hostile": …})

import { mkdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { scenarios as app } from "./app_scenarios.mjs";
import { startBrowser, startHost } from "./browser.mjs";
import { scenarios as console_ } from "./console_scenarios.mjs";

const [chromium, base, artefacts, only = ""] = process.argv.slice(2);
const { tokens, hostile } = JSON.parse(await text(process.stdin));
mkdirSync(artefacts, { recursive: true });
const browser = await startBrowser(chromium);
const host = await startHost();
const keep = (page, name) => page.screenshot({ path: `${artefacts}/${name}.png`, fullPage: true });
const context = { browser, host, base, tokens, hostile, keep };
const outcomes = {};
for (const [name, scenario] of Object.entries({ ...app, ...console_ })) {
  if (!name.includes(only)) continue;
  const started = performance.now();
  try {
    await scenario(context);
    outcomes[name] = null;
  } catch (error) {
    outcomes[name] = error.stack;
  }
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1)} s  ${name}${outcomes[name] ? "  FAILED" : ""}\n`);
  for (const each of browser.browserContexts().slice(1)) await each.close();
}
await browser.close();
host.close();
process.stdout.write(JSON.stringify(outcomes));
