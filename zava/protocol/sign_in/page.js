// Sends the person's choice and takes the browser where the answer says. A form would be stopped by
// the page's own policy, and would send no origin.

const main = document.querySelector("main");
const buttons = [...document.querySelectorAll("button")];
const fault = document.getElementById("fault");

// Another page can open a window over this one, ask for a double click and close it with the first
// one: the second would choose here. So the pointer rests when the page is shown or comes to front.
const REST_MS = 500;
let resting;

function rest() {
  clearTimeout(resting);
  delete main.dataset.ready;
  resting = setTimeout(() => { main.dataset.ready = ""; }, REST_MS);
}

rest();
addEventListener("focus", rest);
document.addEventListener("visibilitychange", rest);

async function choose(person) {
  for (const each of buttons) each.disabled = true;
  fault.textContent = "";
  try {
    const answer = await fetch("/oauth/authorize", {
      method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ ticket: main.dataset.ticket, person }),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    document.getElementById("done").hidden = false;
    location.assign(body.location);
  } catch (error) {
    fault.textContent = error instanceof TypeError ? "The server does not answer. Start it and try again." : error.message;
    for (const each of buttons) each.disabled = false;
  }
}

for (const each of buttons) {
  each.addEventListener("click", ({ detail }) => {
    // A key's click counts none: no button has the focus before the person gives it.
    if (detail === 0 || "ready" in main.dataset) choose(each.dataset.person ?? null);
  });
}
