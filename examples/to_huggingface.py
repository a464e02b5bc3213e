"""Compiled models as stock GPT-2 of Hugging Face. Needs pip install 'shoal[huggingface]'."""

from pathlib import Path
from tempfile import TemporaryDirectory

from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

import shoal
from shoal.rasp import Comparison, Map, Select, SelectorWidth, tokens

hist = SelectorWidth(Select(tokens, tokens, Comparison.EQ))
next_letter = Map({"a": "b", "b": "c", "c": "a"}.get, tokens)

with TemporaryDirectory() as folder:
    model = shoal.compile(hist, vocab={"a", "b", "c"}, max_seq_len=6)
    place = model.to_huggingface(Path(folder) / "hist")
    find = pipeline("token-classification", str(place), ignore_labels=[])
    labels = [found["entity"] for found in find("a b a")]
    print("labels   ", labels)

    model = shoal.compile(next_letter, vocab={"a", "b", "c"}, max_seq_len=8, causal=True)
    place = model.to_huggingface(Path(folder) / "letters", head="lm")
    tokenizer = AutoTokenizer.from_pretrained(place)
    generator = AutoModelForCausalLM.from_pretrained(place)
    prompt = tokenizer("a b", return_tensors="pt")
    written = generator.generate(**prompt, max_new_tokens=4, do_sample=False)
    text = tokenizer.decode(written[0], skip_special_tokens=True)
    print("generated", text)

assert labels == ["2", "1", "2"]
assert text == "a b c a b c"
