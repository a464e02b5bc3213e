// What is proven, and what each pass saved.
"use strict";

function figuresView(data) {
  return Object.entries(data.figures).map(([name, figure]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, figure)),
  );
}

function aboutView(data) {
  const plain = (cells) => ({ cells });
  const saved = data.savings.filter((s) => s.count > 0);
  const options = Object.entries(data.options).map(([name, value]) => plain([name, value]));
  const seconds = Object.entries(data.seconds).map(([stage, s]) => plain([stage, `${(1000 * s).toFixed(1)} ms`]));
  return [
    element("h3", {}, "What is proven, over the components that there were to choose from"),
    table(
      ["objective", "value", ""],
      data.proofs.map((p) => plain([p.objective, String(p.value), p.value <= p.bound ? "proven: none has less" : `at least ${p.bound}`])),
    ),
    element("h3", {}, "What passes and rules saved"),
    saved.length ? table(["pass", "", ""], saved.map((s) => plain([s.name, String(s.count), s.what]))) : element("p", {}, "Nothing."),
    data.notes.length ? element("h3", {}, "S-ops without columns, and merged values") : null,
    element("ul", {}, data.notes.map((note) => element("li", {}, note))),
    data.undefined.length ? element("h3", {}, "Functions that raise on some values") : null,
    element("ul", {}, data.undefined.map((u) => element("li", {}, `${u.label}: ${u.text}`))),
    element("h3", {}, "Compiled for"),
    table([], options),
    element("h3", {}, "Time of each stage"),
    table([], seconds),
  ];
}
