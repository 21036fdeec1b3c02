// Pictures of metrics beside lines and bars: stacked, heatmap, scatter, sparklines, small multiples.
// Values from data become text nodes and attributes only, never markup.

import { el } from "/console/chart.js";
import { OF_TIME } from "/console/catalogue.js";
import { plain, shown, timeLabel, words } from "/console/words.js";

const MAX_SERIES = 8, MAX_PANELS = 24;
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

function svg(name, given, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(given ?? {})) made.setAttribute(key, value);
  made.append(...children.flat(9).filter((child) => child || child === 0));
  return made;
}

const axes = (content) => content.columns.filter((column) => !column.unit).map((column) => column.name);
const measures = (content) => content.columns.filter((column) => column.unit && !/_(previous|change|change_percent)$/.test(column.name));
const label = (axis, value) => (value === null ? "(none)" : OF_TIME.has(axis) && axis !== "cohort" && !axis.startsWith("fiscal") ? timeLabel(axis, value) : plain(value));
const brief = (value, unit) => (Math.abs(value) >= 1000 ? Number(value).toLocaleString("en", { notation: "compact", maximumFractionDigits: 1, ...(/^[A-Z]{3}$/.test(unit ?? "") && { style: "currency", currency: unit }) }) : shown(value, unit));
/** Return a short label, with the year where it changes. */
const shortLabel = (axis, value, before) => (["day", "month", "quarter", "iso_week"].includes(axis) && value
  ? timeLabel(axis, value, true) + (before?.slice(0, 4) === value.slice(0, 4) ? "" : ` ’${value.slice(2, 4)}`) : label(axis, value));
const inOrder = (axis, values) => (WEEKDAYS.some((day) => values.includes(day)) ? WEEKDAYS.filter((day) => values.includes(day))
  : OF_TIME.has(axis) || axis === "hour" ? [...values].sort() : values);

/** Return the answer as a matrix of its first two dimensions, with the named measure in its cells. */
function matrix(content, column) {
  const at = content.columns.findIndex((each) => each.name === column.name);
  const names = axes(content).slice(0, 2), cells = new Map(), seen = [new Set(), new Set()];
  for (const row of content.rows) {
    cells.set(`${row[0]}\u0000${row[1]}`, row[at]);
    seen[0].add(row[0]);
    seen[1].add(row[1]);
  }
  const values = seen.map((each, place) => inOrder(names[place], [...each]));
  return { names, values, cell: (one, other) => cells.get(`${one}\u0000${other}`) ?? null };
}

/** Put the dimension of time first, so that series stand in the rows. */
function byTime(content, column) {
  const found = matrix(content, column);
  if (!OF_TIME.has(found.names[1]) || OF_TIME.has(found.names[0])) return found;
  return { names: [...found.names].reverse(), values: [...found.values].reverse(), cell: (one, other) => found.cell(other, one) };
}

/** Return the series with the largest sums, and all others as one. */
function largest({ values: [times, series], cell }) {
  const sums = series.map((name) => [name, times.reduce((sum, time) => sum + Number(cell(time, name) ?? 0), 0)]).sort((one, other) => other[1] - one[1]);
  const kept = sums.slice(0, MAX_SERIES - (sums.length > MAX_SERIES ? 1 : 0)).map(([name]) => name), rest = series.filter((name) => !kept.includes(name));
  const drawn = kept.map((name) => ({ name, at: (time) => Number(cell(time, name) ?? 0) }));
  if (rest.length) drawn.push({ name: `${rest.length} others`, at: (time) => rest.reduce((sum, name) => sum + Number(cell(time, name) ?? 0), 0) });
  return drawn;
}

function stacked(content, column) {
  const table = byTime(content, column), [axis, other] = table.names, [times] = table.values, series = largest(table);
  const most = Math.max(...times.map((time) => series.reduce((sum, each) => sum + Math.max(0, each.at(time)), 0)), 1);
  const width = 100 / times.length, every = Math.ceil(times.length / 12);
  const bars = times.flatMap((time, place) => {
    let from = 0;
    return series.map((each, number) => {
      const height = (Math.max(0, each.at(time)) / most) * 100;
      from += height;
      return svg("rect", { class: `series-${number}`, x: `${place * width + width * 0.08}%`, width: `${width * 0.84}%`, y: `${100 - from}%`, height: `${height}%` },
        svg("title", {}, `${label(axis, time)}, ${label(other, each.name)}: ${shown(each.at(time), column.unit)}`));
    });
  });
  return el("div", "", el("p", "muted", `The highest column is ${shown(most, column.unit, true)}.`),
    svg("svg", { class: "stack", role: "img", "aria-label": `${words(column.name)} by ${words(axis)} and ${words(other)}; the table below has the values` }, bars),
    el("div", { className: "below", "aria-hidden": "true" }, times.filter((_, place) => place % every === 0).map((time, place, all) => el("span", "", shortLabel(axis, time, all[place - 1])))),
    legend(series.map((each) => label(other, each.name))));
}

const legend = (names) => el("div", "legend muted", names.map((name, number) => el("span", { dir: "auto" }, svg("svg", { "aria-hidden": "true" }, svg("rect", { class: `series-${number}`, width: 12, height: 10, rx: 2 })), name)));

function heatmap(content, column) {
  const { names, values: [rows, columns], cell } = matrix(content, column);
  const all = content.rows.map((row) => row[content.columns.findIndex((each) => each.name === column.name)]).filter((value) => value !== null).map(Number);
  const [low, high] = [Math.min(...all, 0), Math.max(...all, 1)];
  const shade = (value) => (value === null ? "none" : String(Math.min(9, Math.max(0, Math.floor(((value - low) / (high - low || 1)) * 10)))));
  const best = rows.flatMap((row) => columns.map((name) => [row, name, cell(row, name)])).sort((one, other) => Number(other[2]) - Number(one[2]))[0];
  return el("div", "", el("p", "", `Highest: ${label(names[0], best[0])}, ${label(names[1], best[1])}, ${shown(best[2], column.unit)}.`),
    el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Heatmap" },
      el("table", "heat", el("thead", "", el("tr", "", el("th", { scope: "col" }, words(names[0])), columns.map((name) => el("th", { scope: "col", dir: "auto" }, label(names[1], name))))),
        el("tbody", "", rows.map((row) => el("tr", "", el("th", { scope: "row", dir: "auto" }, label(names[0], row)),
          columns.map((name) => { const value = cell(row, name); return el("td", { "data-shade": shade(value) }, value === null ? "" : brief(value, column.unit)); })))))));
}

function scatter(content, column, other) {
  const [first, second] = [column, other ?? column].map((each) => content.columns.findIndex((one) => one.name === each.name));
  const points = content.rows.filter((row) => row[first] !== null && row[second] !== null);
  const range = (at) => { const values = points.map((row) => Number(row[at])); return [Math.min(0, ...values), Math.max(1, ...values)]; };
  const [[left, right], [bottom, top]] = [range(first), range(second)];
  const place = (value, low, high) => 3 + ((Number(value) - low) / (high - low)) * 94;
  return el("div", "", el("p", "muted", `Across: ${words(content.columns[first].name)}, to ${shown(right, content.columns[first].unit, true)}. Up: ${words(content.columns[second].name)}, to ${shown(top, content.columns[second].unit, true)}.`),
    svg("svg", { class: "scatter", role: "img", "aria-label": `${words(column.name)} against ${words(content.columns[second].name)}; the table below has the values` },
      points.map((row) => svg("circle", { class: "point", cx: `${place(row[first], left, right)}%`, cy: `${100 - place(row[second], bottom, top)}%`, r: 5 },
        svg("title", {}, `${plain(row[0])}: ${shown(row[first], content.columns[first].unit)}, ${shown(row[second], content.columns[second].unit)}`)))));
}

/** Return one small line; a unit that is not whole ends it dashed. */
function spark(times, read, partial, high) {
  const points = times.map((time, place) => [place, read(time), Boolean(partial?.[time])]).filter(([, value]) => value !== null);
  const x = (place) => 2 + (place / Math.max(1, times.length - 1)) * 96, y = (value) => 27 - (Math.max(0, Number(value)) / (high || 1)) * 24;
  const path = (part) => part.map(([place, value], at) => `${at ? "L" : "M"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const whole = points.filter(([, , isCut]) => !isCut), cut = points.slice(-2).some(([, , isCut]) => isCut) ? points.slice(-2) : [];
  return svg("svg", { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { class: "now", d: path(whole) }), cut.length > 1 && svg("path", { class: "now ahead", d: path(cut) }));
}

function panels(content, column, isTable) {
  const table = byTime(content, column), [axis, other] = table.names, [times, series] = table.values;
  const high = Math.max(...content.rows.map((row) => Number(row[content.columns.findIndex((each) => each.name === column.name)] ?? 0)), 1);
  const drawn = series.slice(0, MAX_PANELS).map((name) => {
    const values = times.map((time) => table.cell(time, name)), last = values.findLast((value) => value !== null);
    const own = Math.max(...values.map(Number), 1);
    return { name: label(other, name), last, sum: values.reduce((sum, value) => sum + Number(value ?? 0), 0), line: spark(times, (time) => table.cell(time, name), content.partial, isTable ? own : high) };
  });
  const said = `${label(axis, times[0])} to ${label(axis, times.at(-1))}`;
  if (!isTable) return el("ul", { className: "panels", "aria-label": `One picture for each ${words(other).toLowerCase()}, on one scale` }, drawn.map((each) => el("li", "", el("b", { dir: "auto" }, each.name), each.line, el("p", "muted", `${said}; latest ${shown(each.last, column.unit, true)}`))));
  return el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Small lines" }, el("table", "", el("thead", "", el("tr", "", [words(other), said, "Latest"].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", "", drawn.map((each) => el("tr", "", el("th", { scope: "row", dir: "auto" }, each.name), el("td", "", each.line), el("td", "number", shown(each.last, column.unit)))))));
}

/** The kinds of chart that a person chooses from, with what each needs. */
export const CHARTS = [
  { name: "", title: "What fits", fits: () => true },
  { name: "line", title: "Line", fits: ({ split }) => split.length === 1 && OF_TIME.has(split[0]) },
  { name: "bars", title: "Bars", fits: ({ split }) => split.length > 0 },
  { name: "stacked", title: "Stacked columns", fits: ({ split }) => split.length === 2 },
  { name: "heatmap", title: "Heatmap", fits: ({ split }) => split.length === 2 },
  { name: "sparklines", title: "Table of small lines", fits: ({ split }) => split.length === 2 && split.some((name) => OF_TIME.has(name)) },
  { name: "multiples", title: "One picture each", fits: ({ split }) => split.length === 2 && split.some((name) => OF_TIME.has(name)) },
  { name: "scatter", title: "Scatter of two measures", fits: ({ split, metrics }) => split.length > 0 && metrics.length > 1 },
];

const DRAWING = {
  stacked, heatmap, scatter: (content, column) => scatter(content, column, measures(content)[1]),
  sparklines: (content, column) => panels(content, column, true), multiples: (content, column) => panels(content, column, false),
};

/** Return the picture of this kind, null where the drawing of the apps fits better. */
export function picture(kind, content) {
  const [column] = measures(content);
  const needsTwo = kind !== "scatter";
  if (!DRAWING[kind] || !column || !content.rows.length || (needsTwo && axes(content).length < 2)) return null;
  return el("figure", { className: "picture" }, DRAWING[kind](content, column));
}
