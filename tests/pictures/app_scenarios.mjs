// The app inside the official host: each kind of chart, the way into it, themes, refusals.

import assert from "node:assert/strict";
import { assertAccessible, assertFits, assertQuiet, callTool, openPage, rpc } from "./browser.mjs";

const KINDS = {
  time_series: ["show_sales_chart", { kind: "time_series", metrics: ["revenue", "orders"] }, ".plot .mark"],
  days: ["show_sales_chart", { dimensions: ["day"], time_period: "last 30 days" }, ".plot path.before"],
  forecast: ["query_metrics", { metrics: ["revenue"], dimensions: ["month"], forecast_periods: 3 }, ".plot path.ahead"],
  categories: ["show_sales_chart", { kind: "bars" }, ".bars button.bar"],
  stores: ["show_sales_chart", { kind: "bars", dimensions: ["store"] }, ".bars button.bar"],
  stock_risks: ["show_sales_chart", { kind: "stock_risks" }, ".bars .bar"],
  performance: ["get_store_performance", {}, ".tiles dd.value"],
  chain: ["compare_with_chain", { metric: "revenue" }, ".bars .bar circle"],
  figures: ["query_metrics", { metrics: ["revenue", "units"] }, ".tiles dd.value"],
};

/** Show an answer of this kind in a host's page. */
async function show({ base, tokens }, page, { who, kind, theme, canAsk }) {
  const [tool, given] = KINDS[kind];
  const token = tokens[who];
  const { tools } = await rpc(base, token, "tools/list", {});
  const { resourceUri } = tools.find((each) => each.name === tool)._meta.ui;
  const { contents: [{ text, mimeType }] } = await rpc(base, token, "resources/read", { uri: resourceUri });
  assert.equal(mimeType, "text/html;profile=mcp-app");
  const result = await callTool(base, token, tool, given);
  await page.evaluate((...all) => window.showApp(...all), text, { given, result, theme, canAsk });
  const frame = await (await page.waitForSelector("iframe")).contentFrame();
  await frame.waitForSelector("h2");
  return { frame, result };
}

async function openHost(context, who, options) {
  const { base, host, tokens } = context, opened = await openPage(context, options);
  await opened.page.exposeFunction("askServer", (name, asked) => callTool(base, tokens[who], name, asked));
  await opened.page.goto(`${host.origin}/`);
  return opened;
}

async function shownApp(context, { who = "eastside", kind = "categories", width, scheme, theme, canAsk } = {}) {
  const opened = await openHost(context, who, { width, scheme });
  return { ...opened, token: context.tokens[who], ...await show(context, opened.page, { who, kind, theme, canAsk }) };
}

const figures = (frame) => frame.$$eval(".figure", (found) => found.map((each) => each.firstChild.textContent));

export const scenarios = {
  async "app draws each kind of chart, at each width, light and dark"(context) {
    for (const [width, scheme] of [[1280, "light"], [360, "dark"]]) {
      const { page, seen } = await openHost(context, "eastside", { width, scheme });
      for (const [kind, [, , drawn]] of Object.entries(KINDS)) {
        const { frame } = await show(context, page, { who: "eastside", kind });
        assert.ok(await frame.waitForSelector(drawn), `${kind}: ${drawn}`);
        assert.match(await frame.$eval("main", (main) => main.textContent), /3 of 8 stores/, kind);
        await frame.$eval("details", (details) => { details.open = true; });
        assert.ok((await frame.$$("tbody tr")).length > 0, `${kind}: the rows as a table`);
        await assertAccessible(frame, kind);
        await frame.$eval("details", (details) => { details.open = false; });
        await assertFits(frame, kind);
        await context.keep(page, `app-${kind}-${width}-${scheme}`);
      }
      assertQuiet(seen, context.host.origin);
    }
  },

  async "app asks on when a part is picked, and goes back"(context) {
    const { page, frame, seen, token } = await shownApp(context, { kind: "categories" });
    const name = await frame.$eval("button.bar .name", (found) => found.textContent);
    const before = await figures(frame);
    await frame.click("button.bar");
    await frame.waitForFunction(() => document.querySelector("h2")?.textContent === "Revenue by product type");
    const asked = { metrics: ["revenue"], dimensions: ["product_type"], filters: [{ dimension: "category", op: "=", value: name }] };
    const { structuredContent } = await callTool(context.base, token, "query_metrics", asked);
    const expected = structuredContent.rows.map((row) => row[0]);
    assert.deepEqual(await frame.$$eval("button.bar .name", (found) => found.map((each) => each.textContent)), expected.slice(0, 20));
    assert.match(await frame.$eval("nav", (found) => found.textContent), new RegExp(name));
    await frame.click("nav button");
    await frame.waitForFunction(() => document.querySelector("h2")?.textContent === "Revenue by category");
    assert.deepEqual(await figures(frame), before);
    assertQuiet(seen, context.host.origin);
  },

  async "app goes from a month to its days by keyboard alone"(context) {
    const { page, frame, seen } = await shownApp(context, { kind: "time_series" });
    await frame.waitForSelector(".mark");
    await frame.$eval(".mark", (mark) => mark.focus());
    const first = await frame.$eval(".tip", (tip) => tip.textContent);
    await page.keyboard.press("ArrowRight");
    const second = await frame.$eval(".tip", (tip) => tip.textContent);
    assert.notEqual(first, second);
    assert.match(second, /before/);
    await page.keyboard.press("Enter");
    await frame.waitForFunction(() => document.querySelector("h2")?.textContent === "Revenue by day");
    assertQuiet(seen, context.host.origin);
  },

  async "app takes the host's theme over the system's"(context) {
    const { page, frame } = await shownApp(context, { scheme: "light", theme: "dark" });
    const ink = () => frame.evaluate(() => getComputedStyle(document.body).color);
    const dark = await ink();
    await page.evaluate(() => window.bridge.setHostContext({ theme: "light" }));
    await frame.waitForFunction(() => document.documentElement.dataset.theme === "light");
    assert.notEqual(await ink(), dark);
  },

  async "app offers nothing to pick where the host cannot ask"(context) {
    const { frame } = await shownApp(context, { canAsk: false });
    assert.equal((await frame.$$("button.bar")).length, 0);
    assert.ok((await frame.$$("div.bar")).length > 0);
  },

  async "app hands the rows to the host as CSV"(context) {
    const { page, frame, result } = await shownApp(context, { kind: "stores" });
    await frame.click(".tools button");
    await page.waitForFunction(() => window.saved.length === 1);
    const [header, ...rows] = (await page.evaluate(() => window.saved[0])).trim().split("\r\n");
    assert.equal(header.replace("\ufeff", "").split(",")[0], "store");
    assert.equal(rows.length, result.structuredContent.rows.length);
  },

  async "app says what a refused call says"(context) {
    const { page, frame, token } = await shownApp(context);
    const result = await callTool(context.base, token, "show_sales_chart", { metrics: ["nonsense"] });
    assert.equal(result.isError, true);
    await page.evaluate((refused) => window.bridge.sendToolResult(refused), result);
    const told = await (await frame.waitForSelector(".fault")).evaluate((found) => found.textContent);
    assert.match(told, /VALIDATION_ERROR/);
  },

  async "app shows hostile names as text"(context) {
    const { page, frame, seen } = await shownApp(context, { who: "head-office", kind: "categories", width: 360 });
    const given = { metrics: ["revenue"], dimensions: ["product"], limit: 20 };
    const result = await callTool(context.base, context.tokens["head-office"], "show_sales_chart", given);
    await page.evaluate((told) => window.bridge.sendToolResult(told), result);
    await frame.waitForFunction((text) => document.body.textContent.includes(text), {}, context.hostile.markup);
    assert.equal((await frame.$$("img, b.hostile, script[src]")).length, 0);
    assert.equal(await frame.evaluate(() => window.hurt), undefined);
    await assertFits(frame, "hostile names");
    await context.keep(page, "app-hostile-360-light");
    assertQuiet(seen, context.host.origin);
  },
};
