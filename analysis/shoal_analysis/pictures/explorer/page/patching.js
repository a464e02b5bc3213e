// Named values replaced while the model runs: the twin of shoal.atlas.writing and patched.
"use strict";

class RefusedError extends Error {}

class Runner {
  constructor(data) {
    this.data = data;
    this.network = new Network(data);
    this.atlas = new Atlas(data);
  }

  /** What can be read of a forward pass with edits. */
  pass(tokens, edits = []) {
    return new Reader(this.atlas, this.network.forward(tokens, edits), tokens);
  }

  /**
   * A forward pass in which values are replaced, or a RefusedError.
   * patches: by label, an array with a class for each position, NONE for None, undefined to leave it.
   */
  run(tokens, patches = {}) {
    if (!Object.keys(patches).length) return this.pass(tokens);
    const patched = { contents: new Map(), edits: [] };
    const waiting = new Map();
    for (const label of this.atlas.values.keys()) {
      let content = patches[label] ? [...patches[label]] : null;
      if (waiting.has(label)) content = over(content, this.#inside(tokens, label, waiting.get(label), patched));
      if (content === null) continue;
      for (const [reader, path] of this.#write(label, content, patched)) {
        const steps = new Set([...path, ...(waiting.get(reader) ?? [])]);
        waiting.set(reader, [...this.atlas.values.keys()].filter((step) => steps.has(step)));
      }
      patched.contents.set(label, content);
    }
    const reader = this.pass(tokens, patched.edits);
    const first = Object.keys(patches)[0];
    this.#requireDefined(reader, patched.contents);
    this.#requireDecided(reader, patched.contents);
    this.#requireMet(reader, patched.contents);
    this.#requireSelected(reader, patched.contents, first);
    this.#requireKnown(reader, first);
    return reader;
  }

  /** Adds the edits of one value, and returns who computes it inside, with the s-ops on the way. */
  #write(label, content, patched) {
    const { refused, classes, around } = this.data.replacements[label];
    if (refused) throw new RefusedError(`${label} cannot be replaced: ${refused}`);
    content.forEach((number, p) => {
      if (number === undefined) return;
      const made = classes[number === NONE ? classes.length - 1 : number];
      if (made.refused) throw new RefusedError(`${label} cannot be replaced: ${made.refused}`);
      for (const edit of made.edits) patched.edits.push({ ...edit, position: p + 1 });
    });
    return Object.entries(around);
  }

  /** What an s-op becomes that is computed from replaced values inside one component. */
  #inside(tokens, label, path, patched) {
    const reader = this.pass(tokens, patched.edits);
    for (const step of [...path, label])
      if (!patched.contents.has(step))
        patched.contents.set(step, this.#computed(label, step, reader, patched.contents));
    return patched.contents.get(label);
  }

  #computed(label, step, reader, contents) {
    const { table, inputs } = this.atlas.values.get(step);
    if (!table)
      throw new RefusedError(
        `${label} cannot be replaced: ${step} is computed without it ever being there by itself, ` +
          'and is no function of values at its own position; compile with passes="none"',
      );
    const mask = reader.tokens.map((_, p) => inputs.some((x) => contents.get(x)?.[p] !== undefined));
    const found = lookUp(table, inputs.map((x) => this.#now(x, reader, contents)));
    if (found.some((c, p) => mask[p] && c === UNDEFINED))
      throw new RefusedError(`${step} is not defined for the new value of ${label}`);
    return found.map((c, p) => (mask[p] ? c : undefined));
  }

  /** The class of an s-op at each position, for one who sees some contents. */
  #now(label, reader, contents) {
    const content = contents.get(label);
    if (content && content.every((c) => c !== undefined)) return content;
    let classes;
    try {
      classes = reader.classes(label);
    } catch (error) {
      if (error instanceof UnreadableError && content) throw new RefusedError(error.message);
      throw error;
    }
    return content ? classes.map((c, p) => content[p] ?? c) : classes;
  }

  /** Operands must not meet that never do: a network may answer them anyhow. */
  #requireDefined(reader, contents) {
    for (const { label, table, inputs, isCompiled } of this.atlas.values.values()) {
      if (!table || !isCompiled || !table.flat.includes(UNDEFINED)) continue;
      const operands = orNull(() => inputs.map((x) => this.#now(x, reader, contents)));
      if (operands && lookUp(table, operands).includes(UNDEFINED))
        throw new RefusedError(
          `${inputs.join(" and ")} would have values together that they have on no input, and ` +
            `${label} is defined only for those that they have`,
        );
    }
  }

  /** The decoder must not decide for another class than the operands of the result say. */
  #requireDecided(reader, contents) {
    const affected = this.#affected(contents);
    for (const { label, table, inputs, readings } of this.atlas.values.values()) {
      if (!table || !readings.some((r) => r.form === SCORES) || !inputs.some((x) => affected.has(x))) continue;
      const operands = orNull(() => inputs.map((x) => this.#now(x, reader, contents)));
      const wanted = operands && lookUp(table, operands);
      const found = reader.classes(label);
      if (!wanted || wanted.some((c, p) => contents.get(label)?.[p] === undefined && c !== found[p]))
        throw new RefusedError(
          `${label} is decided by the decoder, on values that occur together, and it is not known to ` +
            "be what its operands would say",
        );
    }
  }

  /** Values must not meet in an MLP that token and position never bring together. */
  #requireMet(reader, contents) {
    const affected = this.#affected(contents);
    for (const { name, kind, reads } of this.data.parts) {
      const owners = new Set(reads.map((x) => this.atlas.places.get(x)?.value));
      const local = [...owners].map((x) => this.atlas.values.get(x)).filter((v) => v?.local);
      if (kind !== "neurons" || local.length < 2 || !local.some((v) => affected.has(v.label))) continue;
      const now = orNull(() => local.map((v) => this.#now(v.label, reader, contents)));
      if (!now) continue;
      const known = new Set();
      local[0].local.forEach((row, token) =>
        row.forEach((_, p) => known.add(local.map((v) => v.local[token][p]).join())),
      );
      if (reader.tokens.some((_, p) => !known.has(now.map((classes) => classes[p]).join())))
        throw new RefusedError(
          `${local.map((v) => v.label).join(" and ")} would have values together that they have on ` +
            `no input, and the neurons of ${name} were made only for those that they have`,
        );
    }
  }

  /** What is replaced, and what depends on that. */
  #affected(contents) {
    return new Set([...contents.keys()].flatMap((x) => [x, ...this.data.ledTo[x]]));
  }

  /** No selector may select more or fewer keys than it does on any input. */
  #requireSelected(reader, contents, name) {
    const affected = this.#affected(contents);
    for (const step of this.atlas.values.values()) {
      for (const label of step.isCompiled ? step.inputs : []) {
        const selector = this.atlas.selectors.get(label);
        if (!selector || !this.atlas.throughSelectors([label]).some((x) => affected.has(x))) continue;
        const most = selector.most ?? reader.length;
        if (selector.least === 0 && most >= reader.length && this.#isDefined(selector)) continue;
        const selected = orNull(() => this.selection(label, reader, contents));
        if (!selected)
          throw new RefusedError(
            `${name} cannot be replaced: it cannot be told whether ${label} would select as many ` +
              "keys as it does on every input",
          );
        selected.forEach((keys) => {
          const width = keys.filter((is) => is).length;
          if (width < selector.least || width > most)
            throw new RefusedError(
              `${name} cannot be replaced: the new value would make ${label} select ${width} keys, ` +
                "which it does on no input, and the model was not made for that",
            );
        });
      }
    }
  }

  #isDefined({ predicate, inputs }) {
    if (predicate?.flat.includes(UNDEFINED)) return false;
    return inputs.every((x) => !this.atlas.selectors.has(x) || this.#isDefined(this.atlas.selectors.get(x)));
  }

  /** [queries][keys], what a selector selects, of the keys that each sees; or an UnreadableError. */
  selection(label, reader, contents = new Map()) {
    return reader.selection(label, (x, axis, table) =>
      contents.has(x) ? [this.#now(x, reader, contents), table] : reader.asItMatters(x, axis, table),
    );
  }

  /** No s-op may have a value that it has on no input. */
  #requireKnown(reader, name) {
    for (const value of this.atlas.values.values())
      for (const reading of value.readings)
        if (!reader.isKnown(value, reading))
          throw new RefusedError(
            `${name} cannot be replaced: the new value would make ${value.label} something that ` +
              "it is on no input, for which the model was not made",
          );
  }
}

/** What is given, and elsewhere what follows. */
function over(given, computed) {
  return given === null ? computed : computed.map((c, p) => given[p] ?? c);
}

function orNull(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableError) return null;
    throw error;
  }
}
