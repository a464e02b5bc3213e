// The transformer: a forward pass on token numbers, with edits of the stream on the way.
"use strict";

class Network {
  constructor(data) {
    this.data = data;
    this.sizes = data.sizes;
    this.tensors = decodeTensors(data.tensors);
    this.arrays = data.arrays;
  }

  get halfLayers() {
    return 2 * this.sizes.num_layers;
  }

  layer(number, name) {
    return this.tensors[`layer_${number}/${name}`];
  }

  /**
   * Every state of the stream: after the embedding, and after each half-layer, by position.
   * edits: {state, read, position, columns, reading, bias, writing, target}, by number of array.
   */
  forward(tokens, edits = []) {
    const ids = [this.data.vocab.length, ...tokens];
    const tokenRows = rowsOf(this.tensors.token_embedding);
    const positionRows = rowsOf(this.tensors.position_embedding);
    let stream = ids.map((id, p) => Float64Array.from(tokenRows[id], (x, c) => x + positionRows[p][c]));
    this.#edit(stream, edits, 0);
    const pass = { states: [stream], heads: [], neurons: [] };
    for (let layer = 0; layer < this.sizes.num_layers; layer++) {
      const attended = this.#attention(layer, stream, edits);
      stream = attended.stream;
      this.#edit(stream, edits, 2 * layer + 1);
      pass.states.push(stream);
      pass.heads.push(attended.heads);
      const read = this.#reads(stream, edits, 2 * layer + 1, "hidden");
      const hidden = read("hidden_w", "hidden_b").map((row) => row.map((x) => Math.max(0, x)));
      stream = this.#added(stream, hidden, layer, "mlp_output");
      this.#edit(stream, edits, 2 * layer + 2);
      pass.states.push(stream);
      pass.neurons.push(hidden);
    }
    const read = this.#reads(stream, edits, this.halfLayers, "result");
    pass.result = read(null, null);
    return pass;
  }

  #attention(layer, stream, edits) {
    const { num_heads: heads, key_size: keySize, value_size: valueSize } = this.sizes;
    const [query, key, value] = ["query", "key", "value"].map((role) =>
      this.#reads(stream, edits, 2 * layer, role)(`${role}_w`, `${role}_b`),
    );
    const mixed = stream.map(() => new Float64Array(heads * valueSize));
    const patterns = [];
    for (let head = 0; head < heads; head++) {
      const pattern = query.map((q, row) => {
        const logits = key.map((k, column) => {
          if (this.data.causal && column > row) return this.data.masked;
          let sum = 0;
          for (let i = head * keySize; i < (head + 1) * keySize; i++) sum += q[i] * k[i];
          return sum / Math.sqrt(keySize);
        });
        const most = Math.max(...logits);
        const weights = logits.map((x) => Math.exp(x - most));
        const total = weights.reduce((a, b) => a + b, 0);
        return weights.map((x) => x / total);
      });
      pattern.forEach((weights, row) => {
        weights.forEach((weight, column) => {
          if (weight === 0) return;
          for (let i = head * valueSize; i < (head + 1) * valueSize; i++)
            mixed[row][i] += weight * value[column][i];
        });
      });
      patterns.push(pattern);
    }
    return { stream: this.#added(stream, mixed, layer, "output"), heads: patterns };
  }

  #added(stream, inner, layer, name) {
    const [matrix, bias] = [this.layer(layer, `${name}_w`), this.layer(layer, `${name}_b`)];
    return stream.map((row, p) => affine(inner[p], matrix, bias).map((x, c) => x + row[c]));
  }

  /** What a role reads of the stream; edits may show some of its units another one. */
  #reads(stream, edits, halfLayer, role) {
    const shown = new Map(); // by units, the rows that they see instead
    for (const edit of edits) {
      if (!edit.read || edit.read.halfLayer !== halfLayer || edit.read.role !== role) continue;
      const units = edit.read.units.join();
      if (!shown.has(units)) shown.set(units, { units: edit.read.units, rows: new Map() });
      const { rows } = shown.get(units);
      if (!rows.has(edit.position)) rows.set(edit.position, Float64Array.from(stream[edit.position]));
      this.#apply(rows.get(edit.position), edit);
    }
    return (w, b) => {
      const layer = Math.floor(halfLayer / 2);
      const matrix = w ? this.layer(layer, w) : this.tensors.unembedding_w;
      const bias = b ? this.layer(layer, b) : this.tensors.unembedding_b;
      const out = stream.map((row) => affine(row, matrix, bias));
      for (const { units, rows } of shown.values())
        for (const [position, row] of rows) {
          const seen = affine(row, matrix, bias);
          for (const unit of units) out[position][unit] = seen[unit];
        }
      return out;
    };
  }

  #edit(stream, edits, state) {
    for (const edit of edits)
      if (!edit.read && edit.state === state) this.#apply(stream[edit.position], edit);
  }

  /** Coordinates are set, and what is orthogonal to them stays. */
  #apply(row, edit) {
    const [columns, reading, bias, writing, target] = [
      edit.columns, edit.reading, edit.bias, edit.writing, edit.target,
    ].map((number) => this.arrays[number]);
    const now = bias.map((b, k) => columns.reduce((sum, c, i) => sum + row[c] * reading[i][k], b));
    columns.forEach((c, i) => {
      for (let k = 0; k < bias.length; k++) row[c] += (target[k] - now[k]) * writing[k][i];
    });
  }

  /** The result at every position, BOS left out: {class} or {number}, with text. */
  decode(pass) {
    const { codes, nullable, shown } = this.data.decoder;
    return pass.result.slice(1).map((x) => {
      if (codes === null) {
        if (nullable && x[1] <= 0.5) return { text: "None", isNone: true };
        return { number: x[0], text: shownNumber(x[0]) };
      }
      const number = nearestCode(x, codes, nullable);
      return number === NONE ? { text: "None", isNone: true } : { class: number, text: shown[number] };
    });
  }
}

/** The class of the nearest code c: the greatest 2 c.x - |c|^2, and 0 for None. */
function nearestCode(x, codes, nullable) {
  let [best, most] = [NONE, nullable ? 0 : -Infinity];
  codes.forEach((code, number) => {
    let logit = 0;
    for (let i = 0; i < code.length; i++) logit += (2 * x[i] - code[i]) * code[i];
    if (logit > most || (nullable && best === NONE && logit === most)) [best, most] = [number, logit];
  });
  return best;
}

function shownNumber(x) {
  if (Math.abs(x) < 5e-7) return "0";
  const text = x.toPrecision(6);
  return text.includes("e") ? text : String(Number(text));
}
