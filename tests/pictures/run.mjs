// Runs every scenario against a served Zava and prints what came of each, as JSON.
//
//   node run.mjs CHROMIUM URL ARTEFACTS [WORDS OF A NAME [FILES]]    (stdin: {"tokens": …, "hostile": …, "callsPerMinute": …})

import { mkdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { scenarios as app } from "./app_scenarios.mjs";
import { startBrowser, startHost } from "./browser.mjs";
import { scenarios as console_ } from "./console_scenarios.mjs";
import { scenarios as explorer } from "./explorer_scenarios.mjs";
import { scenarios as signIn } from "./sign_in_scenarios.mjs";

const [chromium, base, artefacts, only = "", files = "app,console,explorer,sign_in"] = process.argv.slice(2);
const { tokens, hostile, callsPerMinute } = JSON.parse(await text(process.stdin));
mkdirSync(artefacts, { recursive: true });
const browser = await startBrowser(chromium);
const host = await startHost();
const keep = (page, name) => page.screenshot({ path: `${artefacts}/${name}.png`, fullPage: true });
const context = { browser, host, base, tokens, hostile, callsPerMinute, keep };
const outcomes = {};
async function runAll(scenarios) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (!name.includes(only)) continue;
    const started = performance.now();
    const opened = [];
    try {
      await scenario({ ...context, opened });
      outcomes[name] = null;
    } catch (error) {
      outcomes[name] = error.stack;
    }
    for (const each of opened) await each.close();
    process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1)} s  ${name}${outcomes[name] ? "  FAILED" : ""}\n`);
  }
}

const all = { app, console: console_, explorer, sign_in: signIn };
await Promise.all(files.split(",").map((name) => runAll(all[name])));
await browser.close();
host.close();
process.stdout.write(JSON.stringify(outcomes));
