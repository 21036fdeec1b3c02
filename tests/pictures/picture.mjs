// Takes one picture of the console, and one of the page on which a person signs in.
//
//   node picture.mjs CHROMIUM URL CONSOLE SIGN-IN

import { openPage, startBrowser } from "./browser.mjs";
import { startClient } from "./signing_in.mjs";

const [chromium, base, file, signIn] = process.argv.slice(2);
const browser = await startBrowser(chromium);
const { page } = await openPage({ browser, opened: [] });
await page.setViewport({ width: 1200, height: 820 });
await page.goto(`${base}/`);
await (await page.waitForSelector("[data-person=eastside]", { visible: true })).click();
await page.waitForSelector("#answers .tiles");
await (await page.waitForSelector("[data-question=sales_over_time]")).click();
await page.waitForSelector("#answers .plot .before");
await page.$eval(".mark:nth-of-type(8)", (mark) => mark.focus({ preventScroll: true }));
await page.waitForSelector(".tip:not([hidden])");
await page.screenshot({ path: file });

const client = await startClient(base, "Claude Code");
const { page: asking } = await openPage({ browser, opened: [] });
await asking.setViewport({ width: 900, height: 940 });
// The same address in each picture, whatever port was free.
await asking.goto(client.url({ redirect_uri: "http://127.0.0.1:52100/callback" }));
await asking.screenshot({ path: signIn });
client.close();
await browser.close();
