// Arrays of the atlas and of the weights, and sums over them in double precision.
"use strict";

const NONE = -1;
const UNDEFINED = -2;

/** An array as data.py writes it: {shape, and entries | at, values | row | column | runs, values}. */
function decodeArray(data) {
  const size = data.shape.reduce((a, b) => a * b, 1);
  const flat = new Float64Array(size);
  const [rows, width] = [data.shape[0] ?? 1, size / (data.shape[0] || 1)];
  if (data.entries) flat.set(data.entries);
  else if (data.at) data.at.forEach((index, n) => (flat[index] = data.values[n]));
  else if (data.row) for (let r = 0; r < rows; r++) flat.set(data.row, r * width);
  else if (data.column) data.column.forEach((value, r) => flat.fill(value, r * width, (r + 1) * width));
  else {
    let start = 0;
    data.runs.forEach((length, n) => {
      flat.fill(data.values[n], start, start + length);
      start += length;
    });
  }
  return { shape: data.shape, flat };
}

/** The rows of a matrix. */
function rowsOf({ shape, flat }) {
  const width = shape[1] ?? 1;
  return Array.from({ length: shape[0] }, (_, r) => flat.subarray(r * width, (r + 1) * width));
}

/** The float32 tensors by name, from base64. */
function decodeTensors({ where, data }) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const floats = new Float32Array(bytes.buffer);
  const tensors = {};
  for (const [name, { shape, offset }] of Object.entries(where)) {
    const size = shape.reduce((a, b) => a * b, 1);
    tensors[name] = { shape, flat: floats.subarray(offset, offset + size) };
  }
  return tensors;
}

/** x @ matrix + bias, for a row x. */
function affine(x, matrix, bias) {
  const width = bias.flat.length;
  const out = Float64Array.from(bias.flat);
  for (let i = 0; i < x.length; i++) {
    const factor = x[i];
    if (factor === 0) continue;
    const start = i * width;
    for (let j = 0; j < width; j++) out[j] += factor * matrix.flat[start + j];
  }
  return out;
}

function argmax(numbers) {
  let best = 0;
  for (let i = 1; i < numbers.length; i++) if (numbers[i] > numbers[best]) best = i;
  return best;
}
