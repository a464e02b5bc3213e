// For each input with patches the results, or what is said where they are refused.
(cases) => {
  const plain = (one) => (one.isNone ? null : (one.number ?? one.text));
  const given = (patches) =>
    Object.fromEntries(
      Object.entries(patches).map(([label, each]) => [label, each.map((number) => number ?? undefined)]),
    );
  return cases.map(([tokens, patches]) => {
    const reader = shoal.app.tried(tokens, given(patches));
    if (typeof reader === "string") return reader;
    return shoal.runner.network.decode(reader.pass).map(plain);
  });
}
