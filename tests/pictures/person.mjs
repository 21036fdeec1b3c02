// A person at a real browser: picks who they are on the page that a client has opened.
//
//   node person.mjs CHROMIUM NAME URL    (`nobody` says that they did not ask for it, `allow` allows)

import { openPage, press, startBrowser } from "./browser.mjs";

const [chromium, name, url] = process.argv.slice(2);
const browser = await startBrowser(chromium);
const { page } = await openPage({ browser, opened: [] });
await page.goto(url);
const buttons = { nobody: "button:not([data-person])", allow: "button[data-person]" };
await press(page, buttons[name] ?? `[data-name=${name}]`);
// A loopback address answers; one of a program leaves the page, which then states that it is done.
await Promise.race([page.waitForNavigation(), page.waitForSelector("#done:not([hidden])")]);
await page.waitForNetworkIdle();
await browser.close();
