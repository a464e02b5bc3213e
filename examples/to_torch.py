"""Run a compiled model in PyTorch, and look at its attention. Needs pip install 'shoal[torch]'."""

import torch

import shoal
from shoal.rasp import Aggregate, Comparison, Select, indices, length, tokens

backwards = Select(indices, length - 1 - indices, Comparison.EQ)
reverse = Aggregate(backwards, tokens).named("reverse")
model = shoal.compile(reverse, vocab={"a", "b", "c"}, max_seq_len=6)
module = model.to_torch()

ids = torch.tensor([model.input_encoder.encode(["BOS", "a", "b", "c"])])
with torch.no_grad():
    found = module.activations(ids)
values = [module.values[number] for number in found["logits"][0, 1:].argmax(dim=-1)]
print("result   ", values)
last = f"blocks.{len(module.blocks) - 1}"
print("attention", found[f"{last}.attn.pattern"][0, 0, 1:].argmax(dim=-1).tolist())
assert values == ["c", "b", "a"]
