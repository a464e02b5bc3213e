// For each input the results, every state of the stream, and every value, or null.
(inputs) => {
  const plain = (one) => (one.isNone ? null : (one.number ?? one.text));
  const valueOf = (reader, label) => {
    try {
      return reader.read(label).map(plain);
    } catch (error) {
      return null;
    }
  };
  return inputs.map((tokens) => {
    const reader = shoal.runner.run(tokens);
    const labels = [...shoal.runner.atlas.values.keys()];
    return {
      results: shoal.runner.network.decode(reader.pass).map(plain),
      states: reader.pass.states.map((rows) => rows.map((row) => Array.from(row))),
      values: Object.fromEntries(labels.map((label) => [label, valueOf(reader, label)])),
    };
  });
}
