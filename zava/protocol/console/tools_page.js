// Every tool of the server as a form, made from its schema, with the raw call and answer.

import { button, el, errorOf, fault } from "/console/chart.js";
import { addressOf } from "/console/address.js";
import { at, block, desk, go, link, makeOwn, modelText, told } from "/console/desk.js";
import { shown } from "/console/words.js";

let fields = 0;

/** Return a control for one argument: a list, a number, a tick, or JSON for what is nested. */
function control(name, schema, value) {
  const id = `argument-${++fields}`, isText = schema.type === "string";
  const options = (values) => [el("option", { value: "" }, "(left out)"), ...values.map((each) => el("option", { value: String(each), selected: value === each }, String(each)))];
  if (schema.enum) return { id, input: el("select", { id }, options(schema.enum)), read: (input) => input.value || undefined };
  if (schema.type === "boolean") return { id, input: el("select", { id }, options([true, false])), read: (input) => (input.value ? input.value === "true" : undefined) };
  if (["integer", "number"].includes(schema.type)) {
    const bounds = { ...(schema.minimum !== undefined && { min: schema.minimum }), ...(schema.maximum !== undefined && { max: schema.maximum }) };
    return { id, input: el("input", { id, type: "number", step: schema.type === "integer" ? "1" : "any", value: value ?? "", ...bounds }), read: (input) => (input.value === "" ? undefined : Number(input.value)) };
  }
  const isList = schema.type === "array" && schema.items?.type === "string";
  if (isText && /sql|query/.test(name)) return { id, input: el("textarea", { id, rows: 6, spellcheck: false, value: value ?? "" }), read: (input) => input.value || undefined };
  if (isText || isList) {
    return { id, input: el("input", { id, value: isList ? (value ?? []).join(", ") : value ?? "", autocomplete: "off" }), read: (input) => (input.value === "" ? undefined : isList ? input.value.split(/\s*,\s*/).filter(Boolean) : input.value) };
  }
  return { id, input: el("textarea", { id, rows: 3, spellcheck: false, value: value === undefined ? "" : JSON.stringify(value) }), read: (input) => (input.value.trim() ? JSON.parse(input.value) : undefined), help: " As JSON." };
}

async function run(tool, given, place) {
  place.replaceChildren(el("p", "wait", "Calling …"));
  const started = performance.now(), mine = desk.client;
  const result = await mine.call(tool.name, given).catch((error) => error);
  if (mine !== desk.client) return;
  const taken = `${shown(Math.round(performance.now() - started))} ms`;
  if (!result.content) return place.replaceChildren(fault(result));
  const reading = modelText(result, tool.name, given);
  place.replaceChildren(el("h2", { tabIndex: -1 }, result.isError ? "Refused" : "Answer"), el("p", "muted", taken), result.isError ? fault(errorOf(result)) : block(result.content[0].text), reading);
  reading.open = true;
  told(result.isError ? "The call was refused." : "The answer is here.");
  place.querySelector("h2").focus();
}

/** Show the list of tools, or the form of the one that the address names. */
export async function showTools(name, values) {
  const place = at("tools-page"), tool = desk.tools.find((each) => each.name === name);
  if (!tool) {
    place.replaceChildren(el("div", "card", el("h2", { tabIndex: -1 }, "Tools"), el("p", "muted", "What a model can call, with the arguments that it gives. Every call is yours, and is recorded as any other."),
      el("ul", "tool-list", desk.tools.map((each) => el("li", "", link(addressOf(`tools/${each.name}`), each.title ?? each.name), el("p", "muted", each.description.split("\n")[0]))))));
    return "Tools";
  }
  let given = {};
  try {
    given = JSON.parse(values.get("arguments") ?? "{}");
  } catch {
    told("The arguments of this address are not JSON.");
  }
  const required = new Set(tool.inputSchema.required ?? []), answer = el("div", "card", el("p", "muted", "The answer appears here."));
  const controls = Object.entries(tool.inputSchema.properties ?? {}).map(([argument, schema]) => ({ argument, schema, ...control(argument, schema, given[argument]) }));
  const wrong = el("p", { className: "bad", role: "alert" });
  const form = el("form", "card", el("h2", { tabIndex: -1 }, tool.title ?? tool.name), el("p", "muted", link(addressOf("tools"), "All tools"), ` · ${tool.name}`), el("p", "description", tool.description),
    el("div", "fields", controls.map(({ argument, schema, id, input, help = "" }) => {
      input.setAttribute("aria-describedby", `${id}-help`);
      return el("div", "", el("label", { htmlFor: id }, argument, required.has(argument) ? " (required)" : ""), input, el("p", { className: "muted", id: `${id}-help` }, `${schema.description ?? ""}${help}`));
    })), wrong, el("div", "row", el("button", { className: "strong", type: "submit" }, "Call"), button("Clear", () => go(addressOf(`tools/${tool.name}`)))));
  form.onsubmit = (event) => {
    event.preventDefault();
    wrong.textContent = "";
    try {
      const read = Object.fromEntries(controls.map(({ argument, input, read: of }) => [argument, of(input)]).filter(([, value]) => value !== undefined));
      makeOwn(addressOf(`tools/${tool.name}`, { arguments: JSON.stringify(read) }));
      run(tool, read, answer);
    } catch {
      wrong.textContent = "One of the fields that take JSON holds none.";
    }
  };
  place.replaceChildren(form, answer);
  return tool.title ?? tool.name;
}
