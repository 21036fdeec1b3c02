// An answer and the way into it: picking a part asks the next question, Back returns.

import { button, drawAnswer, el, errorOf, fault } from "./chart.js";

export const TOOL = "show_sales_chart";

/** Fill `root`. `ask` takes arguments of TOOL and resolves to a tool's result; null: nobody to ask. */
export function explorer(root, { ask = () => null, save }) {
  const picked = el("span", { className: "muted", dir: "auto" });
  const trail = el("nav", { hidden: true, "aria-label": "Way back" }, button("Back", back), " ", picked);
  const answer = el("div", { "aria-live": "polite" });
  const before = [];
  let asked = {}, shown = null;
  root.replaceChildren(trail, answer);

  function wait(text) {
    answer.replaceChildren(el("p", "wait", text));
  }

  function show(result, given = asked) {
    [asked, shown] = [given, result];
    trail.hidden = !before.length;
    const content = result.structuredContent;
    if (result.isError || !content?.scope) return answer.replaceChildren(fault(errorOf(result)));
    drawAnswer(answer, content, { asked, onPick: ask() && pick, onSave: save });
  }

  async function pick(next, name) {
    const then = { asked, shown, picked: picked.textContent };
    wait("Asking …");
    try {
      const result = await ask()(next);
      before.push(then);
      picked.textContent = [then.picked, name].filter(Boolean).join(" › ");
      show(result, next);
      trail.firstChild.focus();
    } catch (error) {
      show(shown);
      answer.prepend(fault(error));
    }
  }

  function back() {
    const then = before.pop();
    picked.textContent = then.picked;
    show(then.shown, then.asked);
  }

  return { wait, show };
}
