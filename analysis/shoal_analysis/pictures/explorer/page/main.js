// The page: what is typed, stepped to and replaced, and what is shown of it.
"use strict";

class App {
  constructor(data) {
    this.data = data;
    this.runner = new Runner(data);
    this.atlas = this.runner.atlas;
    this.tokens = data.example;
    this.patches = {};
    this.state = 0;
    this.goTo = (state) => {
      this.state = state;
      this.showStep();
    };
    this.clean = this.reader = this.runner.run(this.tokens);
  }

  /** Runs an input, without patches. */
  setTokens(tokens) {
    this.tokens = tokens;
    this.patches = {};
    this.clean = this.reader = this.runner.run(tokens);
    byId("input-error").textContent = "";
    this.show();
  }

  /** Replaces a value at some positions (number undefined: as computed), or says why not. */
  replace(label, positions, number) {
    const patch = this.patches[label] ?? this.tokens.map(() => undefined);
    const changed = patch.map((old, p) => (positions.includes(p) ? number : old));
    const patches = { ...this.patches, [label]: changed };
    if (changed.every((c) => c === undefined)) delete patches[label];
    const reader = this.tried(this.tokens, patches);
    const isRefused = typeof reader === "string";
    if (!isRefused) Object.assign(this, { reader, patches });
    byId("input-error").textContent = isRefused ? `Refused: ${reader}.` : "";
    this.show();
  }

  /** A forward pass in which values are replaced, or why that is refused. */
  tried(tokens, patches) {
    try {
      return this.runner.run(tokens, patches);
    } catch (error) {
      if (error instanceof RefusedError || error instanceof UnreadableError) return error.message;
      throw error;
    }
  }

  show() {
    const { data } = this;
    byId("clear").disabled = !Object.keys(this.patches).length;
    const results = this.runner.network.decode(this.reader.pass);
    const before = this.runner.network.decode(this.clean.pass);
    const cells = results.map(({ text }, p) => {
      const isChanged = text !== before[p].text;
      const title = isChanged ? `was ${before[p].text}` : undefined;
      return element("td", { class: isChanged ? "cell changed" : "cell", title }, (isChanged ? "≠ " : "") + shortened(text));
    });
    byId("result").replaceChildren(
      table(["input", ...this.tokens.map((token) => data.words[token])], [{ cells: [data.output, ...cells] }]),
    );
    byId("values-table").replaceChildren(...valuesView(this, (label, p) => this.ask(label, p)).filter(Boolean));
    this.showStep();
  }

  showStep() {
    byId("state").value = this.state;
    byId("back").disabled = this.state === 0;
    byId("forth").disabled = this.state === this.runner.network.halfLayers;
    const name = stateName(this.state);
    byId("state-name").textContent = this.state ? `after ${name}` : "after the embedding";
    byId("state").setAttribute("aria-valuetext", byId("state-name").textContent);
    byId("stream-when").textContent = byId("state-name").textContent;
    byId("happened").replaceChildren(...happenedView(this).flat().filter(Boolean));
    byId("stream").replaceChildren(...streamView(this).filter(Boolean));
    for (const marked of document.querySelectorAll(".picture [data-state]"))
      marked.classList.toggle("now", Number(marked.dataset.state) === this.state);
  }

  /** Asks what a value is to become at a position. */
  ask(label, position) {
    const value = this.atlas.values.get(label);
    const replacement = this.data.replacements[label];
    byId("replace-title").textContent = `Replace ${label} at position ${position}`;
    const choices = (value.shown ?? []).map((text, n) => element("option", { value: n }, text));
    if (value.nullable) choices.push(element("option", { value: NONE }, "None"));
    choices.unshift(element("option", { value: "" }, "as computed"));
    byId("replace-value").replaceChildren(...choices);
    const now = this.patches[label]?.[position] ?? this.reader.read(label)[position].class;
    byId("replace-value").value = now === undefined ? "" : String(now);
    byId("replace-all").checked = false;
    byId("replace-value").disabled = byId("replace-go").disabled = Boolean(replacement.refused);
    byId("replace-why").textContent = replacement.refused ? `It cannot be replaced: ${replacement.refused}.` : "";
    const dialog = byId("replace");
    byId("replace-form").onsubmit = ({ submitter }) => {
      if (submitter.value !== "replace") return;
      const chosen = byId("replace-value").value;
      const positions = byId("replace-all").checked ? this.tokens.map((_, p) => p) : [position];
      this.replace(label, positions, chosen === "" ? undefined : Number(chosen));
    };
    dialog.onclose = () => this.focusOn(label, position);
    dialog.showModal();
    byId("replace-value").focus();
  }

  focusOn(label, position) {
    byId(`value-${label}`)?.querySelectorAll("button")[position]?.focus();
  }

  start() {
    const { data } = this;
    byId("figures").replaceChildren(...figuresView(data));
    byId("program").replaceChildren(...programView(data));
    byId("proofs").replaceChildren(...aboutView(data).filter(Boolean));
    byId("state").max = this.runner.network.halfLayers;
    const shown = data.words.slice(0, 60);
    byId("vocab-hint").replaceChildren(
      `up to ${data.maxLength} of:`,
      ...shown.map((word) =>
        element("button", { type: "button", "aria-label": `add ${word}`, onclick: () => this.type(`${byId("tokens").value.trim()} ${word}`) }, word),
      ),
      data.words.length > shown.length ? `and ${data.words.length - shown.length} more` : "",
    );
    byId("input-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.type(byId("tokens").value);
    });
    byId("tokens").addEventListener("input", () => this.typed());
    byId("random").addEventListener("click", () => this.type(randomTokens(data).map((t) => data.words[t]).join(" ")));
    byId("clear").addEventListener("click", () => this.setTokens(this.tokens));
    byId("state").addEventListener("input", () => this.goTo(Number(byId("state").value)));
    byId("back").addEventListener("click", () => this.goTo(Math.max(0, this.state - 1)));
    byId("forth").addEventListener("click", () => this.goTo(Math.min(this.runner.network.halfLayers, this.state + 1)));
    for (const marked of document.querySelectorAll(".picture [data-state]")) {
      const go = () => this.goTo(Number(marked.dataset.state));
      marked.addEventListener("click", go);
      marked.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        go();
      });
    }
    byId("tokens").value = this.tokens.map((token) => data.words[token]).join(" ");
    this.show();
  }

  type(text) {
    byId("tokens").value = text.trim();
    this.typed();
  }

  typed() {
    try {
      this.setTokens(tokensOf(byId("tokens").value, this.data));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      byId("input-error").textContent = error.message;
    }
  }
}

const app = new App(JSON.parse(byId("data").textContent));
app.start();
window.shoal = { app, runner: app.runner }; // for the console, and for tests
