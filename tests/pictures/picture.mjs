// Takes one picture of the console.
//
//   node picture.mjs CHROMIUM URL FILE

import { openPage, startBrowser } from "./browser.mjs";

const [chromium, base, file] = process.argv.slice(2);
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
await browser.close();
