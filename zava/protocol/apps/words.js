// How values read: words, numbers, dates, and rows for a spreadsheet.

const NBSP = "\u00a0";
export const DAY = 86400000;

export const words = (name) => {
  const text = name.replaceAll("_", " ").replace("iso week", "week");
  return text[0].toUpperCase() + text.slice(1);
};

export function shown(value, unit, isShort = false) {
  if (value == null) return "–";
  const number = Number(value);
  if (!Number.isFinite(number)) return String(value);
  if (unit === "percent") return `${number.toLocaleString("en", { maximumFractionDigits: 1 })}${NBSP}%`;
  const isMoney = /^[A-Z]{3}$/.test(unit ?? ""), isLarge = Math.abs(number) >= 10000;
  return number.toLocaleString("en", {
    ...(isMoney ? { style: "currency", currency: unit } : {}),
    ...(isShort && isLarge ? { notation: "compact" } : {}),
    minimumFractionDigits: isMoney && !isShort && !isLarge ? 2 : 0,
    maximumFractionDigits: isShort && isLarge ? 1 : isMoney && isLarge ? 0 : 2,
  });
}

/** Return a value without a unit as text; a list or an object as JSON. */
export const plain = (value) => (value == null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** Return by how much a value changed; shares change by points. */
export function change(now, before, unit) {
  if (!Number(before) || now === null) return "";
  const isShare = unit === "percent", by = isShare ? now - before : (now / before - 1) * 100;
  return `${by > 0 ? "+" : by < 0 ? "−" : ""}${Math.abs(by).toFixed(1)}${NBSP}${isShare ? "points" : "%"}`;
}

/** Return the value before, and the change where like is compared with like. */
export function besides(now, before, unit, isLike) {
  const by = isLike && change(now, before, unit);
  return `${shown(before, unit)} before${by ? `, ${by}` : ""}`;
}

const date = (text) => new Date(`${text}T00:00:00Z`);
export const iso = (moment) => new Date(moment).toISOString().slice(0, 10);
const worded = (moment, options) => new Date(moment).toLocaleDateString("en-GB", { timeZone: "UTC", ...options });

export function weekStart(label) {
  const fourth = date(`${label.slice(0, 4)}-01-04`);
  return fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * DAY + (label.slice(6) - 1) * 7 * DAY;
}

export function timeLabel(unit, label, isShort) {
  if (unit === "day") return worded(date(label), { day: "numeric", month: "short", ...(isShort ? {} : { year: "numeric" }) });
  if (unit === "month") return worded(date(`${label}-01`), isShort ? { month: "short" } : { month: "long", year: "numeric" });
  if (unit === "iso_week") return isShort ? label.slice(5) : `Week of ${worded(weekStart(label), { day: "numeric", month: "short", year: "numeric" })}`;
  return unit === "quarter" ? (isShort ? label.slice(5) : `${label.slice(5)} ${label.slice(0, 4)}`) : label;
}

export function moment(unit, label) {
  if (unit === "iso_week") return weekStart(label);
  const month = unit === "quarter" ? String(label.slice(6) * 3 - 2).padStart(2, "0") : label.slice(5, 7) || "01";
  return date(`${label.slice(0, 4)}-${month}-${label.slice(8) || "01"}`).getTime();
}

export function period(told) {
  if (!told) return "";
  const days = { day: "numeric", month: "short", year: "numeric" };
  const [first, last] = [told.first_day, told.last_day].map((day) => worded(date(day), days));
  return first === last ? first : `${first} – ${last}${told.to_date ? " (so far)" : ""}`;
}

// As the server's own writer of CSV: what begins a formula, and where a cell begins within a text.
const FORMULA = /^ *[=+\-@＝＋－＠\t\r\n]/, NUMBER = /^ *[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const WITHIN = /([;\t\r\n] *)(?=[=+\-@＝＋－＠][^;\t\r\n]*[(|!（｜！])/g;

/** Return rows as CSV; an apostrophe precedes what a spreadsheet would run as a formula. */
export function csv(columns, rows) {
  const cell = (value) => {
    const text = plain(value).replace(WITHIN, "$1'");
    const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `\ufeff${[columns.map((column) => column.name), ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("")}`;
}
