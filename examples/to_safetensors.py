"""Save a compiled model with all that is known about it, and read a value by name."""

from pathlib import Path
from tempfile import TemporaryDirectory

import shoal
from shoal.rasp import Comparison, Select, SelectorWidth, tokens

count = SelectorWidth(Select(tokens, tokens, Comparison.EQ)).named("count")
unique = (count == 1).named("unique")
model = shoal.compile(unique, vocab={"a", "b", "c"}, max_seq_len=6)

with TemporaryDirectory() as folder:
    path = Path(folder) / "unique.safetensors"
    model.save(path)
    loaded = shoal.load(path)

print("result", loaded.run(["a", "b", "a"]))
print("count ", loaded.read("count", ["a", "b", "a"]))
assert loaded.run(["a", "b", "a"]) == [False, True, False]
assert loaded.read("count", ["a", "b", "a"]) == [2, 1, 2]
