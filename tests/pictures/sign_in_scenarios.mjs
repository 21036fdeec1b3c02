// The page on which a person picks who they are, as a browser shows it.

import assert from "node:assert/strict";
import { assertAccessible, assertFits, assertQuiet, callTool, openPage, press } from "./browser.mjs";
import { startClient } from "./signing_in.mjs";

const SIZES = [[1280, "light"], [360, "dark"], [1280, "dark"], [360, "light"]];
const STORES = { postgresql_query: "SELECT store_name FROM retail.stores" };

async function open(context, { name = "Claude Code", changed, ...options } = {}) {
  const client = await startClient(context.base, name);
  context.opened.push(client);
  const { page, seen } = await openPage(context, options);
  await page.goto(client.url(changed));
  return { client, page, seen };
}

const text = (page, selector) => page.$eval(selector, (found) => found.textContent);
const posts = (seen) => seen.posts.filter((path) => path === "/oauth/authorize");

export const scenarios = {
  async "sign-in fits and can be read at each width, light and dark"(context) {
    for (const [width, scheme] of SIZES) {
      const { page, seen } = await open(context, { width, scheme });
      assert.equal(await text(page, "h1"), "Who are you?");
      assert.equal((await page.$$("[data-person]")).length, 10);
      assert.match(await text(page, ".lead"), /^Claude Code asks .* Choose only if you have just asked for this\.$/);
      await assertAccessible(page, `sign-in ${width} ${scheme}`);
      await assertFits(page, `sign-in ${width}`);
      await context.keep(page, `sign-in-${width}-${scheme}`);
      assertQuiet(seen, context.base);
      assert.deepEqual(posts(seen), [], "opening the page has no effect");
    }
  },

  async "sign-in by the keyboard alone brings the code to the client"(context) {
    const { client, page } = await open(context);
    const focused = () => page.evaluate(() => document.activeElement.dataset.name ?? "");
    assert.equal(await focused(), "", "no person is chosen by a key that was meant for another window");
    for (let left = 20; left > 0 && await focused() !== "redmond"; left--) await page.keyboard.press("Tab");
    assert.equal(await focused(), "redmond");
    await page.keyboard.press("Enter");
    const { code, state, iss } = await client.arrived;
    assert.deepEqual([state, iss], ["state", context.base]);
    const { access_token: token } = await client.token(code);
    const { structuredContent } = await callTool(context.base, token, "execute_sales_query", STORES);
    assert.deepEqual(structuredContent.rows, [["Zava Retail Redmond"]]);
    // The client has its request before the browser shows the client's answer.
    await page.waitForFunction((base) => !location.href.startsWith(base), {}, context.base);
  },

  async "sign-in of two people in two clients at once keeps them apart"(context) {
    const people = { seattle: 1, eastside: 3 };
    const counts = await Promise.all(Object.keys(people).map(async (name) => {
      const { client, page } = await open(context, { name });
      await press(page, `[data-name=${name}]`);
      const { access_token: token } = await client.token((await client.arrived).code);
      const { structuredContent } = await callTool(context.base, token, "execute_sales_query", STORES);
      return structuredContent.rows.length;
    }));
    assert.deepEqual(counts, Object.values(people));
  },

  async "sign-in that the person did not ask for is told to the client"(context) {
    const { client, page } = await open(context);
    await press(page, "button:not([data-person])");
    const { error, code } = await client.arrived;
    assert.deepEqual([error, code], ["access_denied", undefined]);
  },

  async "sign-in shows a hostile name as text and a refusal in words"(context) {
    const { markup, rtl } = context.hostile;
    const { page, seen } = await open(context, { name: `${markup} ${rtl}`, width: 360 });
    assert.ok((await text(page, "bdi")).startsWith(markup.slice(0, 60)));
    assert.equal((await page.$$("main img")).length, 1, "the icon alone");
    assert.equal(await page.evaluate(() => window.hurt), undefined);
    await assertFits(page, "hostile client");
    await context.keep(page, "sign-in-hostile-360-light");
    assertQuiet(seen, context.base);
    const refused = await openPage(context, { width: 360 });
    const client = await startClient(context.base, "Test");
    context.opened.push(client);
    const answer = await refused.page.goto(client.url({ redirect_uri: "https://attacker.example/" }));
    assert.equal(answer.status(), 400);
    assert.match(await text(refused.page, ".lead"), /address that is not allowed/);
    assert.ok(refused.page.url().startsWith(context.base), "nothing redirects");
    await assertAccessible(refused.page, "refusal");
    await context.keep(refused.page, "sign-in-refused-360-light");
  },

  async "sign-in cannot be framed or answered by another page"(context) {
    const client = await startClient(context.base, "Test");
    context.opened.push(client);
    const { page } = await openPage(context);
    await page.goto(context.host.origin);
    const isShown = await page.evaluate(async (url) => {
      const frame = document.createElement("iframe");
      const loaded = new Promise((resolve) => { frame.onload = resolve; });
      frame.src = url;
      document.body.append(frame);
      await loaded;
      try { return frame.contentDocument !== null; } catch { return false; }
    }, client.url());
    assert.equal(isShown, false);
    const framed = page.frames().find((frame) => frame !== page.mainFrame());
    assert.ok(!framed || !framed.url().startsWith(context.base), "the browser refuses the frame");
    const told = await page.evaluate(async (base, url) => {
      const tried = {};
      try { await (await fetch(url)).text(); tried.read = true; } catch { tried.read = false; }
      try {
        await fetch(`${base}/oauth/authorize`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
        tried.chose = true;
      } catch { tried.chose = false; }
      return tried;
    }, context.base, client.url());
    assert.deepEqual(told, { read: false, chose: false });
  },

  async "sign-in is chosen by no click that was meant for a window before it"(context) {
    const { client, page, seen } = await open(context);
    for (const kind of ["focus", "visibilitychange"]) {
      await page.waitForSelector("main[data-ready]");
      await page.evaluate((kind) => {
        (kind === "focus" ? window : document).dispatchEvent(new Event(kind));
        const second = new MouseEvent("click", { bubbles: true, detail: 2 });
        document.querySelector("[data-name=redmond]").dispatchEvent(second);
      }, kind);
      assert.equal(await page.$eval("[data-name=redmond]", (button) => button.disabled), false);
    }
    assert.deepEqual(posts(seen), []);
    await press(page, "[data-name=redmond]");
    assert.ok((await client.arrived).code);
  },

  async "sign-in that fails says why and can be tried again"(context) {
    const { client, page } = await open(context);
    await page.$eval("main", (main) => { main.dataset.kept = main.dataset.ticket; main.dataset.ticket = "x"; });
    await press(page, "[data-name=tacoma]");
    await page.waitForFunction(() => document.getElementById("fault").textContent);
    assert.match(await text(page, "#fault"), /too old/);
    assert.equal(await page.$eval("[data-name=tacoma]", (button) => button.disabled), false);
    await page.$eval("main", (main) => { main.dataset.ticket = main.dataset.kept; });
    await press(page, "[data-name=tacoma]");
    assert.ok((await client.arrived).code);
  },
};
