// What the scenarios of the console share: signing in, opening an address, reading a page.

import assert from "node:assert/strict";
import { openPage } from "./browser.mjs";

export const SIZES = [[1280, "light"], [360, "dark"], [1280, "dark"], [360, "light"]];

/** Open an address of the console as a person who has not signed in. */
export async function gate(context, { address = "/", ...options } = {}) {
  const opened = await openPage(context, options);
  await opened.page.goto(`${context.base}${address}`);
  await opened.page.waitForSelector("[data-person]", { visible: true });
  return opened;
}

/** Wait until the page of the address has its answer: the title names it. */
export const settled = (page, place = "#main > section:not([hidden])") => page.waitForFunction((at) => {
  const root = document.querySelector(at);
  return root && root.querySelector("h2, .fault") && !root.querySelector(".wait") && / – .* – Zava$/.test(document.title);
}, {}, place);

/** Sign in at an address, and wait for its page. */
export async function enter(context, who, options) {
  const opened = await gate(context, options);
  await opened.page.click(`[data-person=${who}]`);
  await settled(opened.page);
  return opened;
}

/** Go to another address as a link within the page does. */
export async function visit(page, address) {
  await page.evaluate((to) => {
    document.title = "…";
    history.pushState({ isOwn: true }, "", to);
    scrollTo(0, 0);
    dispatchEvent(new PopStateEvent("popstate"));
  }, address);
  await settled(page);
}

/** Run the statement that a link brought. */
export async function runOffered(page) {
  await page.evaluate(() => { document.title = "…"; });
  await (await page.waitForSelector("#rows ::-p-text(Run this statement)")).click();
  await settled(page);
}

export async function ask(page, question) {
  await page.evaluate(() => { document.title = "…"; });
  // The list scrolls by itself: the link is brought into view as the browser does for a person.
  await page.$eval(`[data-question=${question}]`, (found) => { found.scrollIntoView({ block: "center" }); found.click(); });
  await settled(page);
}

export const text = (page, selector) => page.$eval(selector, (found) => found.textContent);
export const cells = (page, place) => page.$$eval(`${place} tbody tr`, (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
export const explore = (values) => `/console/explore?${new URLSearchParams(values)}`;
export const statement = (sql) => `/console/sql?${new URLSearchParams({ q: sql })}`;

/** Choose a value of one of the explorer's fields. */
export async function choose(page, name, value) {
  await page.evaluate(() => { document.title = "…"; });
  const field = `#question [data-field="${name}"]`;
  if (await page.$eval(field, (found) => found.localName) === "select") {
    assert.deepEqual(await page.select(field, value), [value], `${name} offers ${value}`);
  } else {
    await page.$eval(field, (input) => { input.value = ""; });
    await page.type(field, value);
    await page.keyboard.press("Enter");
  }
  await settled(page);
}
