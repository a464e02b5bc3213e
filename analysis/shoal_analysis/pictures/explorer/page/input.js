// From what is typed to token numbers.
"use strict";

class InputError extends Error {}

/** Tokens as they are typed: words, and what stands in quotes or brackets as one. */
function wordsOf(text) {
  const words = [];
  let [word, depth, quote] = ["", 0, ""];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quote) {
      word += c;
      if (c === "\\") word += text[++i] ?? "";
      else if (c === quote) quote = "";
    } else if (depth === 0 && /[\s,]/.test(c)) {
      if (word) words.push(word);
      word = "";
    } else {
      if (c === "'" || c === '"') quote = c;
      if ("([{".includes(c)) depth++;
      if (")]}".includes(c)) depth--;
      word += c;
    }
  }
  return word ? [...words, word] : words;
}

/** The words between blanks and commas, if these are all tokens; else quotes and brackets are heeded. */
function split(text, data) {
  const plain = text.split(/[\s,]+/).filter(Boolean);
  return plain.every((word) => data.words.includes(word)) ? plain : wordsOf(text);
}

/** The numbers of the tokens of a text, or an InputError that says what to do. */
function tokensOf(text, data) {
  const words = split(text, data);
  if (!words.length) throw new InputError("Type at least one token, or click tokens below.");
  if (words.length > data.maxLength)
    throw new InputError(`That is ${words.length} tokens; the model was compiled for up to ${data.maxLength}.`);
  const tokens = words.map((word, position) => {
    let number = data.words.indexOf(word);
    if (number < 0) number = data.vocab.indexOf(word);
    if (number < 0) number = data.vocab.indexOf(`'${word.replace(/^"(.*)"$/, "$1")}'`);
    if (number < 0) {
      const known = data.words.slice(0, 12).join(" ") + (data.words.length > 12 ? " …" : "");
      throw new InputError(`“${word}” at position ${position} is not in the vocab: ${known}`);
    }
    return number;
  });
  if (data.promised && !data.promised.inputs.some((input) => input.join() === tokens.join()))
    throw new InputError(`The model is for some inputs alone, and this is none of them: ${data.promised.words}.`);
  return tokens;
}

/** A token of every position, by chance; of promised inputs one of them. */
function randomTokens(data) {
  const inputs = data.promised?.inputs;
  if (inputs) return inputs[Math.floor(Math.random() * inputs.length)];
  const length = 1 + Math.floor(Math.random() * Math.min(data.maxLength, 12));
  return Array.from({ length }, () => Math.floor(Math.random() * data.vocab.length));
}
