// The program, and its s-ops at every position.
"use strict";

const MOST_VALUES = 200;

/** The listing with a link from each name to the row of its values. */
function programView(data) {
  const labels = data.values.map((v) => v.label).sort((a, b) => b.length - a.length);
  const escaped = labels.map((label) => label.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const name = new RegExp(`(?<![\\w'"])(${escaped.join("|")})(?![\\w'"])`);
  return data.source
    .split(name)
    .map((part, n) => (n % 2 ? element("a", { href: `#value-${encodeURIComponent(part)}` }, part) : part));
}

/** Where an s-op is in the stream, in words. */
function whereIs(label, data, goTo) {
  const places = data.places.filter((p) => p.value === label && p.columns.length);
  if (!places.length) {
    const note = data.notes.find((n) => n.startsWith(`${label}: `));
    return [note ? note.slice(label.length + 2) : "no columns of its own"];
  }
  return places.flatMap((p, n) => [
    n ? "; " : "",
    `${p.name === label ? "" : `${p.name}: `}${p.columns.length > 1 ? "columns" : "column"} ${ranges(p.columns)} from `,
    element("a", { href: "#step", onclick: () => goTo(p.first) }, stateName(p.first)),
    ` to ${stateName(p.last)}`,
  ]);
}

function stateName(state) {
  if (state === 0) return "the embedding";
  return `${state % 2 ? "attention" : "MLP"} ${Math.floor((state - 1) / 2)}`;
}

/** A table of all s-ops; onpick(label, position) is called for a cell. */
function valuesView(app, onpick) {
  const { data } = app;
  const head = ["", ...app.tokens.map((token, p) => `${p}: ${data.words[token]}`)];
  const rows = data.values.slice(0, MOST_VALUES).map((value) => ({
    id: `value-${value.label}`,
    cells: [rowHeader(value, app), ...valueCells(value, app, onpick)],
  }));
  const left = data.values.length - MOST_VALUES;
  return [
    table(head, rows, { class: "values" }),
    left > 0 ? element("p", {}, `${left} further s-ops are left out`) : null,
  ];
}

function rowHeader(value, app) {
  const where = whereIs(value.label, app.data, app.goTo);
  const text = where.map((w) => (w instanceof Element ? w.textContent : w)).join("");
  const names = [value.label, ...value.aliases].join(" = ");
  return element("th", { scope: "row", title: `${names}: ${text}` }, names, element("span", { class: "quiet" }, where));
}

function valueCells(value, app, onpick) {
  let found;
  try {
    found = app.reader.read(value.label);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    return app.tokens.map(() => element("td", { class: "quiet", title: error.message }, "—"));
  }
  const before = orNull(() => app.clean.read(value.label));
  return found.map((one, p) => {
    const isPatched = app.patches[value.label]?.[p] !== undefined;
    const text = isPatched ? shownPatch(value, app.patches[value.label][p]) : one.text;
    const isChanged = before !== null && before[p].text !== text;
    const mark = isPatched ? "✎ " : isChanged ? "≠ " : "";
    const was = isChanged ? `, was ${before[p].text}` : "";
    const title = `${value.label} at position ${p}: ${text}${was}`;
    return element(
      "td",
      { class: [isPatched && "patched", isChanged && "changed"].filter(Boolean).join(" ") || undefined },
      element("button", { type: "button", title, "aria-label": `${title}; replace`, onclick: () => onpick(value.label, p) }, mark + shortened(text)),
    );
  });
}

function shownPatch(value, number) {
  return number === NONE ? "None" : value.shown[number];
}

/** A value without the digits that float32 does not hold anyhow. */
function shortened(text) {
  return /^-?\d+\.\d{6,}/.test(text) ? shownNumber(Number(text)) : text;
}
