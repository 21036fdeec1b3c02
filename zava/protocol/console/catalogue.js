// The metrics and dimensions with their definitions, read from the server's own page of them.

import { words } from "/console/words.js";

const cells = (line) => line.slice(2, -2).split(" | ");
const bare = (cell) => /`([a-z_]+)`/.exec(cell)?.[1];

/** Return the rows of the table that stands under a heading of a Markdown page. */
function rowsUnder(page, heading) {
  const part = page.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return part.split("\n").filter((line) => line.startsWith("| `")).map(cells);
}

/** Return the catalogue of `retail://metrics`. */
export function readCatalogue(page) {
  const metrics = rowsUnder(page, "Metrics").map(([name, unit, meaning, fitting]) =>
    ({ name: bare(name), title: words(bare(name)), unit, meaning, fits: new Set(fitting.split(", ")) }));
  const dimensions = rowsUnder(page, "Dimensions").map(([name, meaning, values = ""]) =>
    ({ name: bare(name), title: words(bare(name)), meaning, values: values.includes(", ") ? values.split(", ") : [], pattern: values.includes(", ") ? "" : values }));
  return { metrics, dimensions, metric: new Map(metrics.map((each) => [each.name, each])), dimension: new Map(dimensions.map((each) => [each.name, each])) };
}

export const OF_TIME = new Set(["day", "iso_week", "month", "quarter", "year", "fiscal_week", "fiscal_month", "fiscal_quarter", "fiscal_year", "cohort"]);

/** Return the dimensions by which all of these metrics can be split. */
export const fitting = (catalogue, metrics) =>
  catalogue.dimensions.filter(({ name }) => metrics.every((metric) => catalogue.metric.get(metric)?.fits.has(name) ?? true));

/** The periods that the field proposes; the server takes many more, and says which. */
export const PERIODS = [
  "today", "yesterday", "this week", "last week", "this month", "last month", "this quarter", "last quarter", "this year", "last year",
  "last 7 days", "last 30 days", "last 90 days", "last 12 months", "last 24 months", "year to date", "black friday", "thanksgiving week",
];

export const COMPARISONS = [["", "As fits the chart"], ["none", "With nothing"], ["previous_period", "The period before"], ["previous_year", "A year before, same weekdays"], ["previous_year_date", "A year before, same dates"]];
