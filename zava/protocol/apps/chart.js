// Draws an answer of the metric tools: structured content in, elements out. It speaks to nobody.
// What comes from data becomes text nodes and attributes only, never markup.

import { DAY, besides, change, csv, iso, moment, period, plain, shown, timeLabel, weekStart, words } from "./words.js";

// Of the longest.
const DAYS = { day: 1, iso_week: 7, month: 31, quarter: 92, year: 366 };
const FINER = { year: "quarter", quarter: "month", month: "day", iso_week: "day" };
const DEEPER = { region: "store", store: "category", channel: "category", category: "product_type", product_type: "product" };
const MAX_BARS = 20, SOON_WEEKS = 2, MAX_WEEKS = 12;

function filled(made, given, children = []) {
  for (const [key, value] of Object.entries(given ?? {})) {
    if (key in made && !(made instanceof SVGElement)) made[key] = value; else made.setAttribute(key, value);
  }
  made.append(...children.flat(9).filter((child) => child || child === 0));
  return made;
}

/** Make an element; `given` is its class or its properties and attributes. */
export const el = (name, given, ...children) =>
  filled(document.createElement(name), typeof given === "string" ? { className: given } : given, children);

const svg = (name, given, ...children) => filled(document.createElementNS("http://www.w3.org/2000/svg", name), given, children);

export const button = (text, onclick) => el("button", { className: "quiet", type: "button", onclick }, text);

const glyph = (...parts) => svg("svg", { "aria-hidden": "true" }, ...parts);
const rect = (kind, attributes) => svg("rect", { class: kind, ...attributes });

// ---- the answer's shape

const dimensions = (content) => content.columns.filter((column) => !column.unit).map((column) => column.name);
const place = (content, name) => content.columns.findIndex((column) => column.name === name);
// Over days whose orders are not loaded no change is told.
const isLike = (content) => !content.data_through?.missing_days;
const isBeside = (column) => /_(previous|change|change_percent)$/.test(column.name);
const measures = (content) => content.columns.filter((column) => column.unit && !isBeside(column));
// A cut unit of time with the part of it that is there.
const named = (content, name) => (content.partial?.[name] ? `${name} (${content.partial[name]})` : name ?? "(all)");
// Of several dimensions, one that is the same in every row says nothing.
const label = (content, row) => dimensions(content).map((_, at) => at)
  .filter((at, _, all) => all.length === 1 || content.rows.some((other) => other[at] !== row[at])).map((at) => named(content, row[at]));

export function kindOf(content) {
  if (content.own) return "chain";
  if (content.metrics) return "performance";
  if (!content.rows.length) return "empty";
  if (place(content, "weeks_of_supply") >= 0 && dimensions(content).length) return "stock_risks";
  const axes = dimensions(content);
  if (!axes.length) return "tiles";
  const isSeries = axes.length === 1 && axes[0] in DAYS;
  return isSeries && content.rows.length > 1 && content.kind !== "bars" ? "time_series" : "bars";
}

/** Return the arguments of the next question when somebody picks a row, null where there is none. */
export function deeper(content, asked, row, metric) {
  const axes = dimensions(content);
  if (axes.length !== 1 || row[0] === null || content.own || content.metrics) return null;
  const [axis] = axes, picked = row[0];
  const next = { metrics: [metric], filters: [...(asked.filters ?? [])], ...(content.compared_with && { compare: "previous_period" }) };
  if (DAYS[axis]) {
    const week = axis === "iso_week" ? weekStart(picked) : 0;
    const days = axis === "day" ? `${picked}..${picked}` : week ? `${iso(week)}..${iso(week + 6 * DAY)}` : picked;
    return { ...next, dimensions: [FINER[axis] ?? "category"], time_period: days };
  }
  if (!DEEPER[axis] && (axis !== "product" || !content.period)) return null;
  next.filters.push({ dimension: axis, op: "=", value: picked });
  if (content.period) next.time_period = `${content.period.first_day}..${content.period.last_day}`;
  return { ...next, dimensions: [DEEPER[axis] ?? "month"] };
}

export function title(content, metric) {
  if (content.own) return `${words(content.metric)} beside the chain`;
  if (content.metrics) return content.store ?? (content.scope.stores.length === 1 ? content.scope.stores[0] : "Your stores together");
  const by = dimensions(content).map((name) => words(name).toLowerCase()).join(" and ");
  if (kindOf(content) === "stock_risks") return "How long the stock lasts";
  return `${words(metric ?? measures(content)[0]?.name ?? "rows")}${by ? ` by ${by}` : ""}`;
}

export const scopeText = (scope) => `${scope.stores.length} of ${scope.store_count} stores`;

// ---- rows for readers

export function table(columns, rows, caption) {
  const kinds = columns.map((column, at) => (column.unit || rows.some((row) => typeof row[at] === "number") ? "number" : ""));
  const cell = (value, at) => {
    const text = columns[at].unit ? shown(value, columns[at].unit) : plain(value);
    return el("td", { className: kinds[at], dir: "auto" }, text);
  };
  return el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    el("table", "",
      el("thead", "", el("tr", "", columns.map((column, at) => el("th", { scope: "col", className: kinds[at] }, column.name)))),
      el("tbody", "", rows.map((row) => el("tr", "", row.map(cell))))));
}

// ---- figures

function ticks(low, high) {
  const rough = (high - low || 1) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) * power;
  const found = [];
  for (let at = Math.floor(low / step); at <= Math.ceil(high / step); at++) found.push(at * step);
  return found;
}

function lines(content, column, pick) {
  const [unit] = dimensions(content), at = place(content, column.name), was = place(content, `${column.name}_previous`);
  const series = [...content.rows].sort((one, other) => (one[0] < other[0] ? -1 : 1))
    .map((row) => ({ name: row[0], row, now: row[at], before: was >= 0 ? row[was] : null, part: content.partial?.[row[0]] }));
  const forecast = content.forecasts?.find((each) => each.metric === column.name)?.points ?? [];
  for (const point of forecast) series.push({ name: point.label, now: null, before: null, ahead: point });
  const moments = series.map((point) => moment(unit, point.name)), first = moments[0], whole = moments.at(-1) - first + DAYS[unit] * DAY;
  const plot = el("div", "plot");
  const tip = el("div", { className: "tip", hidden: true, "aria-hidden": "true" });
  let focused = 0;

  const draw = () => {
    const width = Math.max(plot.clientWidth, 260), height = width < 480 ? 220 : 280;
    const values = series.flatMap((point) => [point.now, point.before, point.ahead?.high, point.ahead?.low])
      .filter((value) => value != null).map(Number);
    const scale = ticks(Math.min(0, ...values), Math.max(0, ...values));
    const names = scale.map((value) => shown(value, column.unit, true));
    const left = Math.max(...names.map((name) => name.length)) * 7 + 10, bottom = 26, top = 8, right = 14;
    const span = width - left - right;
    const step = (span * DAYS[unit] * DAY) / whole;
    const x = (place) => left + step / 2 + (span * (moments[place] - first)) / whole;
    const y = (value) => top + (height - top - bottom) * (1 - (value - scale[0]) / (scale.at(-1) - scale[0]));
    // A unit without rows is a gap, and a value between two gaps is a dot.
    const follows = (place) => place > 0 && moments[place] - moments[place - 1] <= DAYS[unit] * DAY;
    const path = (read) => series.map((point, place) => {
      const value = read(point), knows = (at) => series[at] && read(series[at]) != null;
      const joins = follows(place) && knows(place - 1), isLone = !joins && !(follows(place + 1) && knows(place + 1));
      return value == null ? "" : `${joins ? "L" : "M"}${x(place).toFixed(1)} ${y(value).toFixed(1)}${isLone ? "m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0" : ""}`;
    }).join("");
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group",
      "aria-label": `${title(content, column.name)}; arrow keys move along` });
    scale.forEach((value, index) => drawing.append(
      svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, names[index])));
    let labelled = null;
    series.forEach((point, place) => {
      const isYear = unit !== "day" && unit !== "year" && series[labelled]?.name.slice(0, 4) !== point.name.slice(0, 4);
      if (labelled !== null && x(place) - x(labelled) < (isYear ? 62 : 46)) return;
      labelled = place;
      drawing.append(svg("text", { x: x(place), y: height - 8, "text-anchor": "middle" },
        timeLabel(unit, point.name, true) + (isYear ? ` ’${point.name.slice(2, 4)}` : "")));
    });
    // A unit that is not whole stands alone: it is no fall of the line.
    const full = (point) => (point.part ? null : point.now);
    const from = series.findIndex((point) => full(point) !== null), last = series.findLastIndex((point) => full(point) !== null);
    if (from >= 0 && series.slice(from, last + 1).every((point, place) => full(point) !== null && (!place || follows(from + place)))) {
      drawing.append(svg("path", { class: "area", d: `${path(full)}L${x(last)} ${y(0)}L${x(from)} ${y(0)}Z` }));
    }
    const ahead = series.map((point, place) => [point.ahead, place]).filter(([point]) => point);
    if (ahead.length) {
      const upper = ahead.map(([point, place]) => `${x(place)} ${y(point.high)}`);
      const lower = ahead.map(([point, place]) => `${x(place)} ${y(point.low)}`).reverse();
      drawing.append(svg("path", { class: "range", d: `M${[...upper, ...lower].join("L")}Z` }),
        svg("path", { class: "now ahead", d: path((point) => point.ahead?.value) }));
    }
    if (was >= 0) drawing.append(svg("path", { class: "before", d: path((point) => point.before) }));
    drawing.append(svg("path", { class: "now", d: path(full) }),
      svg("path", { class: "now", d: path((point) => (point.part ? point.now : null)) }));
    const dot = svg("circle", { class: "dot", r: 5, visibility: "hidden" });
    drawing.append(dot);
    const marks = series.map((point, place) => {
      const value = point.ahead ? point.ahead.value : point.now;
      const told = [timeLabel(unit, point.name), `${shown(value, column.unit)}${point.ahead ? " expected" : ""}`];
      if (point.ahead) told.push(`${shown(point.ahead.low, column.unit)} to ${shown(point.ahead.high, column.unit)}`);
      if (point.part) told.push(point.part);
      if (point.before !== null) told.push(besides(point.now, point.before, column.unit, !point.part && isLike(content)));
      const action = point.row ? pick(point.row) : null;
      const mark = rect("mark", { x: x(place) - step / 2, y: top, width: step,
        height: height - top - bottom, tabindex: place === focused ? 0 : -1, role: action ? "button" : "img", "aria-label": told.join(", ") });
      const show = () => {
        tip.replaceChildren(el("b", "", told[0]), ...told.slice(1).map((line) => el("div", "", line)));
        tip.hidden = false;
        tip.style.left = `${Math.min(Math.max(x(place) - tip.offsetWidth / 2, 0), width - tip.offsetWidth)}px`;
        tip.style.top = `${y(value ?? 0) < height / 2 ? y(value) + 14 : 0}px`;
        if (value === null) return dot.setAttribute("visibility", "hidden");
        filled(dot, { cx: x(place), cy: y(value), visibility: "visible" });
      };
      mark.addEventListener("pointerenter", show);
      mark.addEventListener("focus", show);
      if (action) mark.addEventListener("click", action);
      mark.addEventListener("keydown", (event) => {
        const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: series.length - 1 }[event.key];
        if (marks[to]) {
          event.preventDefault();
          mark.setAttribute("tabindex", -1);
          focused = to;
          marks[to].setAttribute("tabindex", 0);
          marks[to].focus();
        } else if (action && ["Enter", " "].includes(event.key)) {
          event.preventDefault();
          action();
        }
      });
      return mark;
    });
    const hide = () => { tip.hidden = true; dot.setAttribute("visibility", "hidden"); };
    drawing.addEventListener("pointerleave", hide);
    drawing.addEventListener("focusout", hide);
    drawing.append(...marks);
    plot.replaceChildren(drawing, tip);
  };
  let drawn = 0;
  new ResizeObserver(() => { if (plot.clientWidth !== drawn) { drawn = plot.clientWidth; draw(); } }).observe(plot);
  return plot;
}

function bar({ name, value, low = 0, high, marks = [], band, tone = "fill", figure, small, action }) {
  const at = (number) => `${((Number(number) - low) / (high - low || 1)) * 100}%`;
  const length = (number) => `${(Math.abs(Number(number)) / (high - low || 1)) * 100}%`;
  const height = "100%", rx = 3;
  const drawing = glyph(rect("track", { width: height, height, rx }),
    band && rect("range", { x: at(band[0]), width: length(band[1] - band[0]), height }),
    value !== null && !band && rect(tone, { x: at(Math.min(0, value)), width: length(value), height, rx }),
    ...marks.filter((mark) => mark !== null).map((mark) => rect("was", { x: at(mark), y: "-15%", width: 2, height: "130%" })),
    value !== null && band && svg("circle", { class: "fill", cx: at(value), cy: "50%", r: 6 }));
  return el("li", "", el(action ? "button" : "div", { className: "bar", ...(action ? { type: "button", onclick: action } : {}) },
    el("span", { className: "name", dir: "auto", title: name }, name), drawing,
    el("span", "figure", figure, small && el("small", "", small))));
}

function bars(content, column, pick) {
  const at = place(content, column.name), was = place(content, `${column.name}_previous`);
  const rows = content.rows.slice(0, MAX_BARS);
  const values = rows.flatMap((row) => [row[at], was >= 0 ? row[was] : 0]).map(Number);
  const low = Math.min(0, ...values), high = Math.max(0, ...values);
  return el("ol", "bars", rows.map((row) => bar({
    name: label(content, row).join(" · "), value: row[at], low, high, marks: was >= 0 ? [row[was]] : [],
    figure: shown(row[at], column.unit), action: pick(row),
    small: was >= 0 && besides(row[at], row[was], column.unit, isLike(content)),
  })));
}

function stock(content, _column, pick) {
  const [weeks, units, left] = ["weeks_of_supply", "units", "stock_on_hand"].map((name) => place(content, name));
  const rows = content.rows.slice(0, MAX_BARS);
  return el("ol", "bars", rows.map((row) => {
    const lasts = row[weeks] === null ? null : Number(row[weeks]);
    const tone = lasts === null || lasts >= SOON_WEEKS ? "fill" : lasts < SOON_WEEKS / 2 ? "bad" : "warn";
    const figure = lasts === null ? "No sales" : lasts === 0 ? "Out of stock" : `${shown(lasts, "ratio")} weeks`;
    const [name, ...others] = label(content, row);
    const small = [lasts !== 0 && left >= 0 && `${shown(row[left])} left`, units >= 0 && `${shown(row[units])} sold`, ...others].filter(Boolean).join(" · ");
    return bar({ name, value: lasts && Math.min(lasts, MAX_WEEKS), high: MAX_WEEKS, marks: [SOON_WEEKS], tone, figure: el("span", { className: tone }, figure), small, action: pick(row) });
  }));
}

function tiles(entries) {
  return el("dl", "tiles", entries.map(({ name, unit, value, beside = [] }) => el("div", "",
    el("dt", "", words(name)), el("dd", "value", shown(value, unit, true)),
    beside.map(([text, before]) => [change(value, before, unit), text]).filter(([by]) => by).map((told) => el("dd", "", told.join(" "))))));
}

function performance(content) {
  const unitOf = (name) => (name.endsWith("_percent") ? "percent" : content.units[name.replace(/_previous$/, "")] ?? "count");
  const figures = content.metrics.rows.map(([name, value, before, year]) => ({
    name, unit: unitOf(name), value, beside: isLike(content) ? [["vs before", before], ["vs last year", year]] : [],
  }));
  // What a part is split by comes first and has no unit.
  const columns = (names) => names.map((name, at) => (at ? { name, unit: unitOf(name) } : { name }));
  const parts = [
    ["Stores", content.stores], ["Categories", content.categories], ["Best products", content.top_products],
    ["Sells, and is gone within two weeks", content.stock_risks],
  ].filter(([, part]) => part?.rows.length).map(([name, part]) => [name, { ...part, columns: columns(part.columns) }]);
  return el("div", "", tiles(figures),
    el("h3", "", "Findings"),
    content.insights.length
      ? el("ul", "findings", content.insights.map((each) => el("li", { dir: "auto" }, each.text)))
      : el("p", "muted", isLike(content) ? "Nothing out of the ordinary: no rule’s threshold is met." : "No finding: days are missing."),
    parts.map(([name, rows]) => [el("h3", "", name), (kindOf(rows) === "stock_risks" ? stock : bars)(rows, measures(rows)[0], () => null)]));
}

function chain(content) {
  const { lower_quartile: lower, median, upper_quartile: upper } = content;
  const high = Math.max(...content.own.map((own) => Number(own.value)), Number(upper)) * 1.05;
  return el("ol", "bars", content.own.map((own) => bar({
    name: own.store, value: own.value, high, figure: shown(own.value, content.unit), small: own.place,
    ...(median === null ? {} : { band: [lower, upper], marks: [median] }),
  })));
}

function legend(content, kind, column) {
  const line = (name) => glyph(svg("path", { class: name, d: "M0 5H22" })), tick = () => glyph(rect("was", { x: 10, width: 2, height: 10 }));
  const before = content.compared_with && `Before: ${period(content.compared_with)}`;
  const entries = {
    time_series: () => [[line("now"), words(column.name)], before && [line("before"), before],
      content.forecasts?.length && [line("now ahead"), "Expected, with the range of 4 in 5 outcomes"]],
    bars: () => [before && [tick(), before]],
    stock_risks: () => [[tick(), `${SOON_WEEKS} weeks, on a scale to ${MAX_WEEKS}`]],
    chain: () => content.median === null ? [] : [[tick(), `Median of ${content.store_count} stores: ${shown(content.median, content.unit)}`],
      [glyph(rect("range", { width: 22, height: 10 })), "The middle half of the stores"]],
  };
  return el("div", "legend muted", (entries[kind]?.() ?? []).filter(Boolean).map((entry) => el("span", "", entry)));
}

const listed = (records, ...names) => [names.map((name) => ({ name })), records.map((record) => names.map((name) => record[name] ?? null))];

/** Fill `root` with an answer. The rest: arguments, onPick(arguments, words), onSave(name, text). */
export function drawAnswer(root, content, { asked = {}, onPick, onSave } = {}) {
  const kind = kindOf(content);
  const figures = { time_series: lines, bars, stock_risks: stock, performance, chain,
    tiles: () => tiles(measures(content).map((column) => ({ name: column.name, unit: column.unit, value: content.rows[0][place(content, column.name)] }))),
    empty: () => el("p", "empty", "Nothing to show here.") };
  const columns = content.columns ?? [], choices = kind === "time_series" || kind === "bars" ? measures(content) : [];
  let column = choices[0];
  const heading = el("h2", ""), figure = el("figure", "");
  const show = () => {
    const pick = (row) => {
      const next = onPick && deeper(content, asked, row, column?.name ?? "revenue");
      return next ? () => onPick(next, label(content, row)[0]) : null;
    };
    heading.textContent = title(content, column?.name);
    figure.replaceChildren(figures[kind](content, column, pick), legend(content, kind, column));
  };
  show();
  const choose = choices.length > 1 && el("select", { "aria-label": "Figure shown", onchange: (event) => { column = choices[event.target.selectedIndex]; show(); } },
    choices.map((each) => el("option", "", words(each.name))));
  const rows = kind === "chain" ? listed(content.own, "store", "value", "place")
    : kind === "performance" ? [content.metrics.columns.map((name) => ({ name })), content.metrics.rows]
      : [columns, content.rows];
  const more = content.rows?.length > MAX_BARS && kind !== "time_series" && `The first ${MAX_BARS} are drawn; the table has ${content.rows.length}.`;
  const notes = [more, ...content.notes].filter(Boolean);
  root.replaceChildren(
    el("div", "head",
      el("div", "", heading, el("p", "muted", [period(content.period), scopeText(content.scope)].filter(Boolean).join(" · "))),
      el("div", "tools", choose,
        onSave && rows[1].length > 0 && button("Save as CSV", () => onSave("zava.csv", csv(...rows))))),
    figure,
    ...(notes.length ? [el("div", "notes muted", notes.map((note) => el("p", { dir: "auto" }, note)))] : []),
    el("details", "", el("summary", "", `Rows as a table (${rows[1].length})`), table(...rows, title(content, column?.name))));
}

/** Return the fields of a tool's error: those for programs, else its text as the message. */
export function errorOf(result) {
  const text = result.content?.find((part) => part.type === "text")?.text;
  return result._meta?.["zava/error"] ?? { message: text ?? "This answer has no figures." };
}

/** Return what a refused call says: the code, the sentence and what to do. */
export function fault(error) {
  return el("div", { className: "fault", role: "alert" }, el("b", "", error.code ?? "Refused"), ` ${error.message ?? "The call failed."}`,
    error.hint && el("p", { className: "muted", dir: "auto" }, error.hint));
}
