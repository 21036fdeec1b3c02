// A sign-in at a deployment that is begun in one browser and ended in another, and what a page may do.
//
//   node two_browsers.mjs CHROMIUM BASE

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createHash } from "node:crypto";
import { assertAccessible, openPage, press, startBrowser } from "./browser.mjs";

const [chromium, base] = process.argv.slice(2);
const client = createServer((request, answer) => answer.end("ok")).listen(0, "127.0.0.1");
await new Promise((listens) => client.once("listening", listens));
const back = `http://127.0.0.1:${client.address().port}/callback`;
const registered = await (await fetch(`${base}/oauth/register`, {
  method: "POST", headers: { "content-type": "application/json" },
  body: JSON.stringify({ client_name: "Two <b>browsers</b>", redirect_uris: [back] }),
})).json();
const address = `${base}/oauth/authorize?${new URLSearchParams({
  response_type: "code", client_id: registered.client_id, redirect_uri: back, state: "s",
  code_challenge: createHash("sha256").update("v".repeat(43)).digest("base64url"), code_challenge_method: "S256",
})}`;

const [first, second] = await Promise.all([startBrowser(chromium), startBrowser(chromium)]);
const lead = (page) => page.$eval(".lead", (each) => each.textContent);
try {
  // The first browser begins, and is stopped before it comes back from the directory.
  const attacker = await openPage({ browser: first, opened: [] });
  let stopped = "";
  await attacker.page.setRequestInterception(true);
  attacker.page.on("request", (request) => {
    if (request.url().startsWith(`${base}/oauth/callback`) && !stopped) { stopped = request.url(); request.abort(); } else request.continue();
  });
  await attacker.page.goto(address).catch(() => null);
  assert.match(stopped, /code=/);
  const victim = await openPage({ browser: second, opened: [] });
  assert.equal((await victim.page.goto(stopped)).status(), 400);
  assert.match(await lead(victim.page), /began in another browser/);
  assert.equal(await victim.page.$("button"), null);

  // In its own browser the sign-in goes on to the page and back to the client.
  assert.equal((await attacker.page.goto(stopped)).status(), 200);
  assert.match(await lead(attacker.page), /^Two <b>browsers<\/b> asks to read/);
  assert.equal(await attacker.page.$eval("#goes-to", (each) => each.textContent), `a program on this computer (127.0.0.1:${client.address().port})`);
  await assertAccessible(attacker.page, "consent");
  const cookies = await attacker.page.cookies();
  assert.deepEqual(cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite })),
    [{ name: "__Host-zava-sign-in", httpOnly: true, secure: true, sameSite: "Lax" }]);
  assert.equal(await attacker.page.evaluate("document.cookie"), "");
  // By the keyboard alone.
  await attacker.page.focus("button[data-person]");
  await Promise.all([attacker.page.waitForNavigation(), attacker.page.keyboard.press("Enter")]);
  assert.match(attacker.page.url(), /\/callback\?code=.+&state=s&iss=/);

  // The page that was answered is answered no second time.
  await attacker.page.goBack();
  const button = await attacker.page.$("button[data-person]");
  if (button) {
    await press(attacker.page, "button[data-person]");
    await attacker.page.waitForFunction(() => document.getElementById("fault").textContent !== "");
    assert.match(await attacker.page.$eval("#fault", (each) => each.textContent), /answered before/);
  } else {
    assert.match(await lead(attacker.page), /was answered before/, "the page is not kept, and a sign-in sends its code once");
  }
} finally {
  await Promise.all([first.close(), second.close()]);
  client.close();
}
