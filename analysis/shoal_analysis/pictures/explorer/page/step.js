// One state of the stream, and the half-layer that led to it.
"use strict";

const MOST_COLUMNS = 256;
const MOST_HEADS = 16;
const MOST_NEURONS = 48;
const MOST_KEYS = 64;

/** Label of each column in a state; "" where it is free. */
function labelsAt(state, data) {
  const labels = Array(data.sizes.d_model).fill(null);
  for (const place of data.places)
    if (place.first <= state && state <= place.last)
      place.columns.forEach((column, n) => (labels[column] = { place, label: place.name === "BOS" ? "tokens:BOS" : place.labels[n] }));
  return labels;
}

function streamView(app) {
  const { data, state } = app;
  const rows = app.reader.pass.states[state];
  const labels = labelsAt(state, data);
  const most = Math.max(...rows.flatMap((row) => Array.from(row, Math.abs)), 0);
  const order = [...labels.keys()].slice(0, MOST_COLUMNS);
  const made = order.map((column) => {
    const label = labels[column]?.label ?? "free";
    const isFirst = column === 0 || labels[column - 1]?.place !== labels[column]?.place;
    return {
      class: isFirst ? "first" : undefined,
      cells: [
        element("th", { scope: "row", title: `column ${column}: ${label}`, class: labels[column] ? undefined : "quiet" }, `${column} ${label}`),
        ...rows.map((row) => heat(row[column], most, shortNumber(row[column]))),
      ],
    };
  });
  const left = data.sizes.d_model - MOST_COLUMNS;
  return [
    table(["column", ...positionNames(app)], made, { class: "grid" }),
    left > 0 ? element("p", {}, `${left} further columns are left out`) : null,
  ];
}

function positionNames({ data, tokens }) {
  return [data.words.includes("BOS") ? data.bos : "BOS", ...tokens.map((token) => data.words[token])];
}

/** What the half-layer before a state does, with the picture of it on this input. */
function happenedView(app) {
  const { data, state } = app;
  if (state === 0) {
    const embedded = data.places.filter((p) => p.written_by === null).map((p) => p.name);
    return [element("p", {}, `The embedding writes ${embedded.join(", ") || "nothing"}.`)];
  }
  const parts = data.parts.filter((part) => part.half_layer === state - 1);
  const cleared = parts.filter((part) => part.kind === "erasure").flatMap((part) => part.writes);
  const layer = Math.floor((state - 1) / 2);
  const working = parts.filter((part) => part.kind !== "erasure");
  return [
    working.length ? null : element("p", {}, "Nothing is computed here."),
    state % 2 ? headsView(app, layer, working) : neuronsView(app, layer, working),
    cleared.length ? element("p", { class: "quiet" }, `Erased here: ${cleared.join(", ")}.`) : null,
  ];
}

function headsView(app, layer, parts) {
  const left = parts.length - MOST_HEADS;
  return element(
    "div",
    { class: "heads" },
    parts.slice(0, MOST_HEADS).map((part) =>
      element(
        "div",
        {},
        element("h4", {}, `head ${part.first}: ${part.selector || part.reads.join(", ") || "everything"} → ${part.writes.join(", ")}`),
        patternView(app.reader.pass.heads[layer][part.first], app, part.first),
      ),
    ),
    left > 0 ? element("p", {}, `${left} further heads are left out`) : null,
  );
}

function placeOf(name, data) {
  return data.places.find((p) => p.name === name);
}

function patternView(pattern, app, head) {
  const names = positionNames(app);
  const shown = names.slice(0, MOST_KEYS);
  const rows = pattern.slice(0, MOST_KEYS).map((weights, q) => ({
    cells: [names[q], ...weights.slice(0, MOST_KEYS).map((w) => heat(w, 1, w < 0.005 ? "·" : w.toFixed(2)))],
  }));
  const left = names.length - MOST_KEYS;
  return [
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": `Attention of head ${head}` },
      table(["query \\ key", ...shown], rows, { class: "grid" }),
    ),
    left > 0 ? element("p", {}, `${left} further positions are left out`) : null,
  ];
}

function neuronsView(app, layer, parts) {
  return parts.map((part) => {
    const last = part.first + part.size - 1;
    const which = part.size === 1 ? `neuron ${part.first}` : `neurons ${part.first}–${last}`;
    return element(
      "div",
      {},
      element("h4", {}, `${which}: ${part.reads.join(", ") || "nothing"} → ${part.writes.join(", ")}`),
      part.writes.map((name) => lookedUpView(name, app)),
      activationsView(app, layer, part),
    );
  });
}

/** For each position the row of the table that is looked up. */
function lookedUpView(name, app) {
  const value = app.data.values.find((v) => v.label === placeOf(name, app.data)?.value);
  const operands = value?.inputs.filter((x) => app.atlas.values.has(x)) ?? [];
  if (!value || !operands.length) return null;
  const read = [...operands, value.label].map((label) => orNull(() => app.reader.read(label)));
  const cells = (found) => app.tokens.map((_, p) => found ? shortened(found[p].text) : "—");
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": `Rows of the table of ${value.label}` },
    table(
      ["looked up", ...app.tokens.map((token, p) => `${p}: ${app.data.words[token]}`)],
      [...operands, `→ ${value.label}`].map((label, n) => ({ cells: [label, ...cells(read[n])] })),
    ),
  );
}

function activationsView(app, layer, part) {
  const rows = app.reader.pass.neurons[layer].map((row) => row.subarray(part.first, part.first + part.size));
  const active = [...Array(part.size).keys()].filter((n) => rows.some((row) => row[n] > 1e-6));
  const most = Math.max(0, ...rows.flatMap((row) => [...row]));
  const shown = active.slice(0, MOST_NEURONS);
  const left = active.length - shown.length;
  return element(
    "details",
    {},
    element("summary", {}, `${active.length} of ${part.size} neurons are active on this input`),
    element(
      "div",
      { class: "neurons", tabindex: "0", role: "region", "aria-label": `Activations of ${part.name}` },
      table(
        ["neuron", ...positionNames(app)],
        shown.map((n) => ({ cells: [String(part.first + n), ...rows.map((row) => heat(row[n], most, shortNumber(row[n])))] })),
        { class: "grid" },
      ),
    ),
    left > 0 ? element("p", {}, `${left} further neurons are left out`) : null,
  );
}
