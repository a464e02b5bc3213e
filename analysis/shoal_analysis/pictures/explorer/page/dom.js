// Elements of the page.
"use strict";

/** An element with attributes ("on..." are listeners) and children. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

/** A table with a head and rows, whose first cells are headers of their rows. */
function table(head, rows, attributes = {}) {
  const cell = (content, name, more) => (content instanceof Element && /^T[DH]$/.test(content.tagName) ? content : element(name, more, content));
  return element(
    "table",
    attributes,
    head.length ? element("thead", {}, element("tr", {}, head.map((h) => cell(h, "th", { scope: "col" })))) : null,
    element("tbody", {}, rows.map(({ cells, ...more }) =>
      element("tr", more, cells.map((c, n) => (n ? cell(c, "td", {}) : cell(c, "th", { scope: "row" })))),
    )),
  );
}

/** A cell coloured by a number, against the greatest one. */
function heat(x, most, text) {
  const share = most > 0 ? Math.min(1, Math.abs(x) / most) : 0;
  const colour = x < 0 ? "--negative" : "--positive";
  const style = share > 0.004 ? `background: rgba(var(${colour}), calc(var(--strength) * ${(0.2 + 0.8 * share).toFixed(3)}))` : undefined;
  return element("td", { style, title: String(x) }, text);
}

function shortNumber(x) {
  if (Math.abs(x) < 5e-4) return "·";
  if (Math.abs(x) >= 1e5) return x.toExponential(1);
  return String(Number(x.toPrecision(3)));
}

function ranges(numbers) {
  const found = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && n === last[1] + 1) last[1] = n;
    else found.push([n, n]);
  }
  return found.map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`)).join(", ");
}
