// Named values of a forward pass, however they are held: the twin of shoal.atlas.reading.
"use strict";

class UnreadableError extends Error {}

const SCORES = "scores"; // the form of what the decoder decides: it is read as the decoder is given it
const MOST_OFF = 1e-2; // how far off what is still a value may be, where values are far apart

/** What is known of the model, with its arrays decoded. */
class Atlas {
  constructor(data) {
    this.data = data;
    const rows = (array) => array && rowsOf(decodeArray(array));
    const reading = (r) =>
      r && { ...r, rows: rows(r.matrix), bias: decodeArray(r.bias).flat, codes: rows(r.codes) };
    this.values = new Map(
      data.values.map((v) => [v.label, {
        ...v,
        isCompiled: v.is_compiled,
        table: v.table && decodeArray(v.table),
        local: rows(v.local),
        readings: v.readings.map(reading),
        ofBlocks: reading(v.of_blocks),
      }]),
    );
    this.selectors = new Map(
      data.selectors.map((s) => [s.label, {
        ...s,
        isConstant: s.is_constant,
        predicate: s.predicate && decodeArray(s.predicate),
      }]),
    );
    this.places = new Map(data.places.map((p) => [p.name, p]));
  }

  /** S-ops, and those of selectors in the selectors' place. */
  throughSelectors(labels) {
    return labels.flatMap((label) => {
      const selector = this.selectors.get(label);
      if (!selector) return [label];
      return selector.isConstant ? [] : this.throughSelectors(selector.inputs);
    });
  }
}

/** Looks classes of operands up in a table; None flows through. */
function lookUp(table, operands) {
  return operands[0].map((_, p) => {
    let index = 0;
    let missing = false;
    for (let axis = 0; axis < operands.length; axis++) {
      const number = operands[axis][p];
      if (number === UNDEFINED) return UNDEFINED;
      if (number < 0) missing = true;
      index = index * table.shape[axis] + number;
    }
    return missing ? NONE : table.flat[index];
  });
}

/** Entries of a table with one axis replaced: for each new index the greatest over its members. */
function ofBlocks(table, axis, blocks) {
  const inner = table.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = table.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const shape = table.shape.map((n, i) => (i === axis ? blocks.length : n));
  const flat = new Float64Array(outer * blocks.length * inner);
  for (let o = 0; o < outer; o++)
    for (let b = 0; b < blocks.length; b++)
      for (let i = 0; i < inner; i++) {
        const entries = blocks[b].map((c) => table.flat[(o * table.shape[axis] + c) * inner + i]);
        const most = Math.max(...entries);
        if (entries.some((x) => x !== most && x !== UNDEFINED)) return null;
        flat[(o * blocks.length + b) * inner + i] = most;
      }
  return { shape, flat };
}

class Reader {
  constructor(atlas, pass, tokens) {
    Object.assign(this, { atlas, pass, tokens });
    this.length = tokens.length;
  }

  /** Text and class, or number, of an s-op at every position. */
  read(label) {
    const value = this.atlas.values.get(label);
    const reading = value.readings[0];
    if (reading && reading.codes === null) return this.#numbers(value, reading);
    if (value.shown === null) throw new UnreadableError(`the values of ${label} are not listed`);
    return this.#classes(value).map((c) =>
      c < 0 ? { class: NONE, text: "None", isNone: true } : { class: c, text: value.shown[c] },
    );
  }

  /** The class of an s-op at every position, NONE for None. */
  classes(label) {
    const value = this.atlas.values.get(label);
    if (value.shown === null) throw new UnreadableError(`the values of ${label} are not listed`);
    const reading = value.readings[0];
    if (!reading || reading.codes !== null) return this.#classes(value);
    return this.#numbers(value, reading).map(({ number }) => {
      const at = number === undefined ? -1 : value.numbers.indexOf(number);
      return at < 0 ? NONE : at;
    });
  }

  #numbers(value, reading) {
    requirePrecise(value, reading);
    return this.coordinates(reading).map((x) =>
      value.nullable && x[1] <= 0.5
        ? { class: NONE, text: "None", isNone: true }
        : { number: x[0], text: shownNumber(x[0]) },
    );
  }

  #classes(value) {
    if (value.readings.length) {
      requirePrecise(value, value.readings[0]);
      return this.#nearest(value.readings[0], value.nullable);
    }
    if (value.local) return this.tokens.map((token, p) => value.local[token][p]);
    if (value.shown.length + value.nullable === 1) return this.tokens.map(() => (value.nullable ? NONE : 0));
    if (!value.table) return this.#selected(value);
    let table = value.table;
    const operands = value.inputs.map((label, axis) => {
      try {
        const [found, reduced] = this.asItMatters(label, axis, table);
        table = reduced;
        return found;
      } catch (error) {
        if (!(error instanceof UnreadableError)) throw error;
        const why = value.blocks ? unreadable(value) : `${value.label} cannot be read: ${error.message}`;
        throw new UnreadableError(why);
      }
    });
    return lookUp(table, operands).map((c) => Math.max(c, NONE));
  }

  /** The class of what is not computed, from what it selects and averages. */
  #selected(value) {
    try {
      const isMerged = value.blocks !== null && value.is_named; // nothing tells its values apart
      const fallback = value.default ?? (isMerged ? value.fallback : null);
      if (fallback === null) throw new UnreadableError(unreadable(value));
      const selected = this.selection(value.inputs[0], (...x) => this.asItMatters(...x));
      const chosen = selected.map((keys) => keys.flatMap((is, key) => (is ? [key] : [])));
      if (value.inputs.length === 1) return chosen.map((keys) => classOf(value, String(keys.length), keys.length));
      const operand = this.atlas.values.get(value.inputs[1]);
      if (operand.shown === null) throw new UnreadableError(unreadable(operand));
      const averaged = this.#classes(operand);
      return chosen.map((keys) => mean({ ...value, default: fallback }, operand, keys.map((key) => averaged[key])));
    } catch (error) {
      if (error instanceof UnreadableError)
        throw new UnreadableError(`${value.label} cannot be read: ${error.message}`);
      throw error;
    }
  }

  /** [queries][keys], what a selector selects, of the keys that each sees; or an UnreadableError. */
  selection(label, operand) {
    const isSeen = (key, query) => !this.atlas.data.causal || key <= query;
    return this.#unmasked(label, operand).map((keys, q) => keys.map((is, k) => is && isSeen(k, q)));
  }

  #unmasked(label, operand) {
    const { op, inputs, isConstant, least, predicate } = this.atlas.selectors.get(label);
    const all = (choose) => this.tokens.map((_, q) => this.tokens.map((_, k) => choose(q, k)));
    const parts = inputs
      .filter((x) => this.atlas.selectors.has(x))
      .map((x) => this.#unmasked(x, operand));
    if (op === "selector_not") return all((q, k) => !parts[0][q][k]);
    if (op === "selector_and") return all((q, k) => parts.every((part) => part[q][k]));
    if (op === "selector_or") return all((q, k) => parts.some((part) => part[q][k]));
    if (isConstant) return all(() => least > 0);
    if (!predicate) throw new UnreadableError(`the model does not say what ${label} selects`);
    const [queries, halfWay] = operand(inputs[1], 0, predicate);
    const [keys, table] = operand(inputs[0], 1, halfWay);
    return all((q, k) => {
      const [found] = lookUp(table, [[queries[q]], [keys[k]]]);
      if (found === UNDEFINED) throw new UnreadableError(`${label} meets what it never meets`);
      return found === 1;
    });
  }

  /** The class of an operand, or its block, and the table over what it is. */
  asItMatters(label, axis, table) {
    const operand = this.atlas.values.get(label);
    try {
      if (operand.shown === null) throw new UnreadableError(`the values of ${label} are not listed`);
      return [this.#classes(operand), table];
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      const known = this.#asFarAsItMatters(operand, axis, table);
      if (known === null) throw error;
      return known;
    }
  }

  #asFarAsItMatters(operand, axis, table) {
    if (operand.shown === null) return null;
    let blocks;
    if (operand.blocks === null && operand.isCompiled) blocks = operand.shown.map((_, c) => [c]);
    else {
      const of = operand.blocks ?? operand.shown.map(() => 0);
      blocks = Array.from({ length: Math.max(0, ...of) + 1 }, () => []);
      of.forEach((block, c) => blocks[block].push(c));
    }
    let found;
    if (blocks.length === 1 && !operand.nullable) found = this.tokens.map(() => 0);
    else if (operand.ofBlocks) found = this.#nearest(operand.ofBlocks, operand.nullable);
    else if (operand.blocks === null && operand.readings.length)
      found = this.#nearest(operand.readings[0], operand.nullable);
    else return null;
    const reduced = ofBlocks(table, axis, blocks);
    return reduced && [found, reduced];
  }

  #nearest(reading, nullable) {
    return this.coordinates(reading).map((x) => nearestCode(x, reading.codes, nullable));
  }

  /** Coordinates of a reading at every position, BOS left out. */
  coordinates(reading) {
    if (reading.form === SCORES) return this.pass.result.slice(1);
    const dimensions = reading.variables.flatMap((name) => {
      const place = this.atlas.places.get(name);
      return place.columns.map((column) => [place.first, column]);
    });
    return this.tokens.map((_, p) =>
      dimensions.reduce((sum, [state, column], i) => {
        const x = this.pass.states[state][p + 1][column];
        for (let k = 0; k < sum.length; k++) sum[k] += x * reading.rows[i][k];
        return sum;
      }, Float64Array.from(reading.bias)),
    );
  }

  /** Whether what a reading gives is a value of the s-op, or None, at every position. */
  isKnown(value, reading) {
    if (reading.form === SCORES) return true;
    const off = Math.max(4 * reading.error, Math.min(reading.room / 2, MOST_OFF));
    return this.coordinates(reading).every((x) => {
      if (reading.codes === null) return x[0] >= value.bounds[0] - off && x[0] <= value.bounds[1] + off;
      const isNear = (code) => x.every((number, k) => Math.abs(number - (code ? code[k] : 0)) <= off);
      return reading.codes.some(isNear) || (value.nullable && isNear(null));
    });
  }
}

/** The class of the mean of some classes of an operand, or of the default if there are none. */
function mean(value, operand, chosen) {
  if (!chosen.length) {
    if (value.default === UNDEFINED) throw new UnreadableError(`${value.label} selects nothing`);
    return value.default;
  }
  const [first] = chosen;
  if (chosen.every((c) => c === first))
    return first < 0 ? NONE : classOf(value, operand.shown[first], operand.averaged[first]);
  const sum = chosen.reduce((total, c) => total + (c < 0 ? NaN : operand.averaged[c] ?? NaN), 0);
  return classOf(value, null, sum / chosen.length);
}

/** The class of what reads so, or else of the nearest number. */
function classOf(value, text, number) {
  const same = value.shown.indexOf(text);
  if (same >= 0) return same;
  const distances = value.averaged.map((x) => Math.abs((x ?? NaN) - number));
  const least = Math.min(...distances.filter((x) => !Number.isNaN(x)));
  if (!(least <= MOST_OFF)) throw new UnreadableError(`${value.label} would be ${text ?? number}`);
  return distances.indexOf(least);
}

function requirePrecise(value, reading) {
  if (reading.error > reading.room)
    throw new UnreadableError(
      `${value.label} cannot be read exactly enough: float32 arithmetic may take it off by ` +
        `${reading.error.toPrecision(1)}, which nothing that reads it minds`,
    );
}

function unreadable(value) {
  return value.blocks || (value.is_compiled && !value.table)
    ? `${value.label} is not in the model in full: nothing tells some of its values apart`
    : `${value.label} is not in the model: nothing that its result needs reads it`;
}
