// Questions with addresses: choosing, going deeper, saving, exporting, and the keyboard.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertAccessible, assertFits, assertQuiet, callTool } from "./browser.mjs";
import { ask, cells, choose, enter, explore, gate, runOffered, settled, statement, text, visit } from "./console_pages.mjs";

const heading = (page) => text(page, "#answers h2");
const VIEWS = {
  summary: "/console/summary", explore: explore({ metrics: "revenue,orders", split: "month" }), heatmap: explore({ metrics: "revenue", split: "weekday,hour", chart: "heatmap" }),
  stacked: explore({ metrics: "revenue", split: "month,store", period: "last 12 months", chart: "stacked" }), multiples: explore({ metrics: "revenue", split: "month,store", period: "last 12 months", chart: "multiples" }),
  sparklines: explore({ metrics: "revenue", split: "month,category", period: "last 12 months", chart: "sparklines" }), scatter: explore({ metrics: "revenue,orders", split: "category", chart: "scatter" }),
  reorder: "/console/reorder", trending: "/console/trending", best: "/console/customers/best", lapsed: "/console/customers/lapsed", together: "/console/together", dead: "/console/dead-stock",
  orders: "/console/orders?first=2026-10-01&last=2026-10-31", sql: statement("SELECT status, count(*) AS orders FROM retail.orders GROUP BY status"), products: "/console/products",
  data: "/console/data", tools: "/console/tools", tool: "/console/tools/query_metrics", connect: "/console/connect",
};

/** Let a page's downloads go into a folder of their own; return a way to wait for the next one. */
async function downloads(page) {
  const folder = mkdtempSync(join(tmpdir(), "zava-export-")), session = await page.createCDPSession();
  await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder, eventsEnabled: true, browserContextId: page.browserContext().id });
  return () => new Promise((resolve) => {
    session.on("Browser.downloadProgress", ({ state }) => { if (state === "completed") resolve(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")])); });
  });
}

export const scenarios = {
  async "explorer gives each question an address that back, forward, reload and a second tab keep"(context) {
    const { page, seen } = await enter(context, "eastside", { address: explore({ metrics: "revenue", split: "category", period: "last month" }) });
    assert.equal(await heading(page), "Revenue by category");
    const first = page.url();
    await choose(page, "split", "store");
    assert.equal(await heading(page), "Revenue by store");
    const second = page.url();
    assert.notEqual(second, first);
    await page.goBack();
    await page.waitForFunction(() => document.querySelector("#answers h2")?.textContent === "Revenue by category");
    assert.equal(page.url(), first);
    await page.goForward();
    await page.waitForFunction(() => document.querySelector("#answers h2")?.textContent === "Revenue by store");
    await page.reload();
    await settled(page);
    assert.equal(await heading(page), "Revenue by store");
    assert.equal(page.url(), second);
    // A colleague opens the same address and sees their own stores.
    const other = await enter(context, "seattle", { address: second.slice(context.base.length) });
    assert.equal(await heading(other.page), "Revenue by store");
    assert.match(await text(other.page, "#who-scope"), /1 of 8/);
    assert.doesNotMatch(second, /eyJ|eastside/);
    assertQuiet(seen, context.base);
  },

  async "console begins another page at its top, under the tabs"(context) {
    const { page, seen } = await enter(context, "eastside", { address: "/console/connect" });
    await page.setViewport({ width: 1280, height: 300 });
    await page.click('[data-part="data"]');
    await settled(page);
    await page.evaluate(() => { scrollTo(0, document.body.scrollHeight); document.title = "…"; });
    assert.ok(await page.evaluate(() => scrollY) > 0);
    await page.$eval('[data-part="sql"]', (tab) => tab.click());
    await settled(page);
    assert.equal(await page.evaluate(() => scrollY), 0);
    assertQuiet(seen, context.base);
  },

  async "explorer answers as the tool does, with filters, and goes to orders, lines and back"(context) {
    const { page, seen } = await enter(context, "eastside", { address: explore({ metrics: "revenue", period: "last month" }) });
    await choose(page, "split", "category");
    await choose(page, "metric-2", "orders");
    const asked = { metrics: ["revenue", "orders"], dimensions: ["category"], time_period: "last month" };
    const { structuredContent } = await callTool(context.base, context.tokens.eastside, "query_metrics", asked);
    const names = (await cells(page, "#answers")).map(([name]) => name);
    assert.deepEqual(names, structuredContent.rows.map(([name]) => name));
    assert.match(await text(page, ".definitions"), /Net sales/);
    await page.select('#question [data-field="filter-dimension"]', "store");
    await page.waitForFunction(() => document.querySelectorAll("#filter-values option").length === 3);
    await page.type('#question [data-field="filter-value"]', "Bellevue");
    await page.evaluate(() => { document.title = "…"; });
    await page.keyboard.press("Enter");
    await settled(page);
    assert.match(await text(page, ".chip"), /Store is Bellevue/);
    const before = page.url();
    await page.evaluate(() => { document.title = "…"; });
    await page.click("#answers tbody td button");
    await settled(page);
    assert.equal(await text(page, "#answers h2"), "Orders");
    assert.ok((await cells(page, "#answers")).every(([, , store]) => store === "Zava Retail Bellevue"));
    await page.evaluate(() => { document.title = "…"; });
    await page.click("#answers tbody td button");
    await settled(page);
    assert.match(await text(page, "#answers h2"), /^Lines of order [0-9a-f]{12}$/);
    assert.ok((await cells(page, "#answers")).length > 0);
    await page.goBack();
    await page.waitForFunction(() => document.querySelector("#answers h2")?.textContent === "Orders");
    await page.goBack();
    await page.waitForFunction((url) => location.href === url && document.querySelector("#answers tbody"), {}, before);
    await page.click(".chip button");
    await page.waitForFunction(() => !document.querySelector(".chip"));
    assertQuiet(seen, context.base);
  },

  async "explorer sorts and narrows its table, and names the days that it compares with"(context) {
    const { page } = await enter(context, "eastside", { address: explore({ metrics: "revenue", split: "store,category", period: "last quarter", compare: "previous_year" }) });
    const values = async () => (await cells(page, "#answers")).map((row) => Number(row[2].replace(/[^\d.]/g, "")));
    await page.click('#answers th button[title="Sort by revenue"]');
    const down = await values();
    assert.deepEqual(down, [...down].sort((one, other) => other - one));
    await page.click('#answers th button[title="Sort by revenue"]');
    const up = await values();
    assert.deepEqual(up, [...up].sort((one, other) => one - other));
    const [store] = await page.$$eval("#answers .facet select option", (options) => options.map((each) => each.value).filter(Boolean));
    await page.select("#answers .facet select", store);
    assert.ok((await cells(page, "#answers")).every(([name]) => name === store));
    assert.match(await text(page, "#answers"), /Compared with .*2025 – .*2025\./);
  },

  async "explorer keeps saved questions, pins and history for their person alone"(context) {
    const address = explore({ metrics: "units", split: "category", period: "last month" });
    const { page, seen } = await enter(context, "bellevue", { address });
    await page.waitForSelector("#actions input");
    await page.$eval("#actions input", (input) => { input.value = "Units <b>of</b> October"; });
    await (await page.$("#actions ::-p-text(Pin to the start page)")).click();
    await page.waitForFunction(() => document.querySelector("#saved .saved-item a")?.textContent === "Units <b>of</b> October");
    await page.reload();
    await settled(page);
    await visit(page, "/");
    await page.waitForSelector("#answers .pinned h2");
    assert.equal(await text(page, "#answers .pinned h3"), "Units <b>of</b> October");
    assert.ok((await page.$$eval("#saved details a", (links) => links.map((each) => each.getAttribute("href")))).some((each) => each.includes("metrics=units")));
    await page.click("#sign-out");
    assert.equal(await text(page, "#saved"), "");
    await page.click("[data-person=redmond]");
    await settled(page);
    assert.doesNotMatch(await text(page, "#saved"), /October/);
    await page.click("#sign-out");
    await page.click("[data-person=bellevue]");
    await settled(page);
    await page.click('#saved button[aria-label^="Remove"]');
    await page.waitForFunction(() => !document.querySelector("#saved .saved-item"));
    assertQuiet(seen, context.base);
  },

  async "explorer keeps two people in two tabs apart"(context) {
    const address = explore({ metrics: "revenue", period: "last month" });
    const one = await enter(context, "seattle", { address });
    const page = await one.page.browserContext().newPage();
    await page.goto(`${context.base}${address}`);
    await (await page.waitForSelector("[data-person=tacoma]", { visible: true })).click();
    await settled(page);
    for (const [tab, who] of [[one.page, "seattle"], [page, "tacoma"], [one.page, "seattle"]]) {
      await tab.bringToFront();
      await tab.reload();
      await settled(tab);
      assert.equal((await text(tab, "#who-name")).toLowerCase(), who);
      const { structuredContent } = await callTool(context.base, context.tokens[who], "query_metrics", { metrics: ["revenue"], time_period: "last month" });
      assert.equal(Number((await cells(tab, "#answers"))[0][0].replace(/[^\d.]/g, "")).toFixed(0), structuredContent.rows[0][0].toFixed(0));
    }
  },

  async "console exports every row, not those that are shown"(context) {
    const { page, seen } = await enter(context, "head-office", { address: statement("SELECT order_id, total_amount, '=1+1' AS formula FROM retail.orders ORDER BY order_id") });
    await runOffered(page);
    const { structuredContent } = await callTool(context.base, context.tokens["head-office"], "execute_sales_query", { postgresql_query: "SELECT count(*) FROM retail.orders" });
    const [[count]] = structuredContent.rows;
    assert.match(await text(page, "#rows .cut"), /first 1,000 rows; there are more/);
    const next = await downloads(page);
    await page.click("#rows .cut button");
    await assertAccessible(page, "export");
    const done = next();
    await page.click("dialog .strong");
    const [[name, content]] = await done;
    assert.equal(name, "zava-rows.csv");
    const lines = content.split("\r\n").slice(0, -1);
    assert.equal(lines[0], "\ufefforder_id,total_amount,formula");
    assert.equal(lines.length - 1, count);
    assert.match(lines[1], /^[0-9a-f-]{36},[\d.]+,'=1\+1$/);
    await page.waitForFunction((all) => document.querySelector("dialog [role=status]").textContent === `Saved all ${all.toLocaleString("en")} rows.`, {}, count);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog"));
    assertQuiet(seen, context.base);
  },

  async "console runs the statement of a link at a click of the person alone"(context) {
    const address = statement("SELECT 41 + 1 AS linked");
    const { page, seen } = await enter(context, "kirkland", { address });
    assert.match(await text(page, "#rows"), /It was not written in this page/);
    assert.equal(await page.$("#rows table"), null);
    assert.doesNotMatch(await text(page, "#saved"), /linked/);
    await page.reload();
    await settled(page);
    assert.equal(await page.$("#rows table"), null, "a reload is no click");
    await runOffered(page);
    await page.waitForFunction(() => document.querySelector("#saved").textContent.includes("linked"));
    assert.deepEqual(await cells(page, "#rows"), [["42"]]);
    await visit(page, "/console/connect");
    await page.goBack();
    await settled(page);
    assert.deepEqual(await cells(page, "#rows"), [["42"]]);
    await page.reload();
    await settled(page);
    assert.deepEqual(await cells(page, "#rows"), [["42"]]);
    assertQuiet(seen, context.base);
  },

  async "console shows hostile texts as texts in every view"(context) {
    const hostile = `<img src=x onerror="window.ran=1"><script>window.ran=1</script>`;
    const { page, seen } = await enter(context, "redmond", { address: "/console/connect" });
    const views = [
      statement(`SELECT '${hostile.replaceAll("'", "''")}' AS "${hostile.replaceAll('"', "")}", 1 AS n`),
      statement(`SELECT "${hostile.replaceAll('"', "")}" FROM retail.products`),
      statement(`SELECT '${hostile}'::int`),
      explore({ metrics: "units", split: "category", filter: `category:eq:${hostile}`, period: hostile }),
      explore({ metrics: hostile, split: hostile, chart: hostile, sort: hostile, limit: hostile }),
      `/console/products?${new URLSearchParams({ q: hostile })}`,
      `/console/tools/execute_sales_query?${new URLSearchParams({ arguments: JSON.stringify({ postgresql_query: hostile }) })}`,
      `/console/tools/${encodeURIComponent(hostile)}`,
    ];
    for (const address of views) {
      await visit(page, address);
      assert.deepEqual(await page.evaluate(() => [window.ran ?? null, document.querySelectorAll("#main img, #main script, #saved img").length]), [null, 0], address);
    }
    await visit(page, explore({ metrics: "units", split: "category", period: "last month" }));
    await page.waitForSelector("#actions input");
    await page.$eval("#actions input", (input, title) => { input.value = title; }, hostile);
    await (await page.$("#actions ::-p-text(Pin to the start page)")).click();
    await page.waitForFunction(() => document.querySelector("#saved .saved-item a"));
    assert.equal(await text(page, "#saved .saved-item a"), hostile);
    await visit(page, "/");
    await page.waitForSelector("#answers .pinned h3");
    assert.equal(await text(page, "#answers .pinned h3"), hostile);
    assert.equal(await page.evaluate(() => window.ran ?? null), null);
    const links = await page.evaluate(async () => {
      const { link } = await import("/console/desk.js");
      return ["//x.example/", "/\\x.example/", "/\t/x.example/", "javascript:alert(1)", "https://x.example/", "/console/sql?q=\n"].map((address) => link(address, "a").localName);
    });
    assert.deepEqual(links, Array(6).fill("span"));
    await page.click('#saved button[aria-label^="Remove"]');
    await page.waitForFunction(() => !document.querySelector("#saved .saved-item"));
    assert.deepEqual(seen.faults.filter((each) => !each.includes("Failed to load resource")), []);
  },

  async "console writes SQL beside its tables, completes names and keeps the statement"(context) {
    const { page, seen } = await enter(context, "redmond", { address: "/console/sql" });
    await page.waitForSelector("#schema details");
    assert.match(await text(page, "#schema"), /retail\.orders/);
    const content = await page.evaluateHandle(() => document.querySelector("#editor").shadowRoot.querySelector(".cm-content"));
    await content.focus();
    await page.keyboard.down("Control");
    await page.keyboard.press("a");
    await page.keyboard.up("Control");
    await page.keyboard.type("SELECT stat");
    await page.waitForFunction(() => document.querySelector("#editor").shadowRoot.querySelector(".cm-tooltip-autocomplete"));
    await assertAccessible(page, "completion");
    await page.keyboard.press("Escape");
    await page.keyboard.type("us, count(*) FROM retail.orders GROUP BY status");
    await page.evaluate(() => { document.title = "…"; });
    await page.keyboard.down("Control");
    await page.keyboard.press("Enter");
    await page.keyboard.up("Control");
    await settled(page);
    assert.ok((await cells(page, "#rows")).length > 1);
    assert.match(new URL(page.url()).searchParams.get("q"), /^SELECT status, count/);
    await page.reload();
    await settled(page);
    assert.ok((await cells(page, "#rows")).length > 1);
    assertQuiet(seen, context.base);
  },

  async "console calls each tool by a form of its schema, and shows the call"(context) {
    const { page, seen } = await enter(context, "kirkland", { address: "/console/tools" });
    const named = await page.$$eval(".tool-list a", (links) => links.map((each) => each.getAttribute("href")));
    assert.equal(named.length, 8);
    await visit(page, named.find((each) => each.endsWith("get_store_performance")));
    await page.type("#tools-page form input", "Kirkland");
    await page.click("#tools-page [type=submit]");
    await page.waitForSelector("#tools-page .reads pre");
    assert.match(await text(page, "#tools-page .reads"), /"method": "tools\/call".*"store": "Kirkland"/s);
    assert.match(await text(page, "#tools-page .reads"), /"scope"/);
    await assertAccessible(page, "tool");
    assertQuiet(seen, context.base);
  },

  async "console is used by keys alone, and says little aloud"(context) {
    const { page, seen } = await gate(context, { address: explore({ metrics: "revenue", split: "store" }) });
    await page.focus("[data-person=eastside]");
    await page.keyboard.press("Enter");
    await settled(page);
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    await assertAccessible(page, "keys");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog"));
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.dataset.field), "metric");
    await page.keyboard.press("Tab");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("g");
    await page.keyboard.press("d");
    await page.waitForFunction(() => location.pathname === "/console/data");
    const live = await page.$$eval("[aria-live], [role=status], [role=alert]", (regions) => regions.map((each) => each.textContent.length));
    assert.ok(Math.max(...live) < 200, `live regions of ${live} characters`);
    await page.reload();
    await settled(page);
    await page.focus("#skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    assertQuiet(seen, context.base);
  },

  async "console has no violation of accessibility in any view, from 360 to 2560 px"(context) {
    for (const [width, scheme] of [[1280, "light"], [360, "dark"], [2560, "light"]]) {
      const { page, seen } = await enter(context, "eastside", { width, scheme, address: "/console/connect" });
      for (const [name, address] of Object.entries(VIEWS)) {
        await visit(page, address);
        assert.equal(await page.$("#main > section:not([hidden]) .fault"), null, `${name}: ${await text(page, "#main > section:not([hidden])")}`);
        await assertFits(page, `${name} ${width}`);
        if (width !== 2560) await assertAccessible(page, `${name} ${width} ${scheme}`, { impacts: null });
        await context.keep(page, `view-${name}-${width}-${scheme}`);
      }
      assertQuiet(seen, context.base);
    }
  },

  async "console is nothing that a page of another origin can use"(context) {
    const { page } = await enter(context, "seattle");
    const foreign = await page.browserContext().newPage();
    await foreign.goto(`${context.host.origin}/`);
    const tried = await foreign.evaluate(async (base) => {
      const attempt = (path, given) => fetch(`${base}${path}`, given).then((answer) => answer.text(), () => "refused");
      const json = { method: "POST", headers: { "content-type": "application/json" }, body: '{"person":"seattle","action":"list"}' };
      return Promise.all([attempt("/console/people.json"), attempt("/console/sign-in", json), attempt("/console/saved", json), attempt("/console/export", json)]);
    }, context.base);
    assert.deepEqual(tried, ["refused", "refused", "refused", "refused"]);
  },

  async "console answers the tasks of a store's day, each in at most five interactions"(context) {
    const { tasks } = await import("./console_tasks.mjs");
    const counts = {};
    for (const [who, own] of Object.entries(tasks)) {
      const { page, seen } = await enter(context, who, { address: "/console/connect" });
      for (const [name, task] of Object.entries(own)) {
        await visit(page, "/console/connect");
        let count = 0;
        const step = (work) => { count += 1; return work; };
        const answered = (pattern) => page.waitForFunction((source) => new RegExp(source, "is").test(document.querySelector("#main").innerText), {}, pattern.source);
        const tab = () => step(page.click('[data-part="start"]'));
        const question = async (asked) => { await tab(); await page.waitForSelector("#questions a"); count += 1; await ask(page, asked); };
        const change = (field, value) => { count += 1; return choose(page, field, value); };
        await task({ page, step, question, change, answered, settled: () => settled(page) });
        assert.ok(count <= 5, `${name}: ${count} interactions`);
        assert.equal(await page.$("#main > section:not([hidden]) .fault"), null, name);
        counts[name] = count;
      }
      assertQuiet(seen, context.base);
    }
    assert.equal(Object.keys(counts).length, 25, JSON.stringify(counts));
    process.stderr.write(`${JSON.stringify(counts)}\n`);
  },
};
