// Each question has an address: a path and a query, never a token or a person.

const PREFIX = "/console/";
const SEPARATOR = "|";

/** Return the page and the values that an address names; `/` is the start page. */
export function readAddress({ pathname, search }) {
  const page = pathname.startsWith(PREFIX) ? pathname.slice(PREFIX.length).replace(/\/$/, "") : "";
  return { page: page || "start", values: new URLSearchParams(search) };
}

/** Return an address of ours; empty values are left out, a list repeats its name. */
export function addressOf(page, values = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of [value].flat()) if (each !== "" && each != null) query.append(name, each);
  }
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `${page === "start" ? "/" : PREFIX + page}${text ? `?${text}` : ""}`;
}

const joined = (values) => values.map((value) => value.replace(/[\\|]/g, "\\$&")).join(SEPARATOR);
const divided = (text) => text.match(/(?:\\.|[^|\\])+/g)?.map((value) => value.replace(/\\(.)/g, "$1")) ?? [];

const filterText = ({ dimension, op, value }) => `${dimension}:${op}:${joined(value)}`;

function filterOf(text) {
  const [, dimension, op, value] = /^([a-z_]+):([^:]+):(.*)$/s.exec(text) ?? [];
  const values = divided(value ?? "");
  return dimension && values.length ? { dimension, op, value: values } : null;
}

const list = (text) => (text ?? "").split(",").filter(Boolean);

/** Return the question that an address holds. */
export function questionOf(values) {
  return {
    metrics: list(values.get("metrics")), split: list(values.get("split")),
    filters: values.getAll("filter").map(filterOf).filter(Boolean),
    period: values.get("period") ?? "", compare: values.get("compare") ?? "", chart: values.get("chart") ?? "",
    sort: values.get("sort") ?? "", limit: values.get("limit") ?? "", forecast: values.get("forecast") ?? "", chain: values.get("chain") ?? "",
  };
}

/** Return the address of a question. */
export function addressOfQuestion({ metrics, split, filters = [], ...others }) {
  return addressOf("explore", { metrics: metrics.join(","), split: (split ?? []).join(","), filter: filters.map(filterText), ...others });
}

/** Return the tool's arguments for a question; what is not chosen is left to the server. */
export function argumentsOf({ metrics, split, filters, period, compare, sort, limit, forecast }, most) {
  return {
    metrics, ...(split.length && { dimensions: split }), ...(filters.length && { filters }),
    ...(period && { time_period: period }), ...(compare && { compare }),
    ...(sort && { order_by: [{ by: sort.replace(/^-/, ""), direction: sort.startsWith("-") ? "desc" : "asc" }] }),
    ...((limit || most) && { limit: Number(limit) || most }), ...(Number(forecast) > 0 && { forecast_periods: Number(forecast) }),
  };
}

/** Return the question of a tool's arguments: where drawing code proposes the next one. */
export const questionFrom = (given) => ({
  metrics: given.metrics, split: given.dimensions ?? [], filters: (given.filters ?? []).map((each) => ({ ...each, value: [each.value].flat() })), period: given.time_period ?? "", compare: given.compare ?? "",
});
