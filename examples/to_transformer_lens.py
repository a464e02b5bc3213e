"""Look at a compiled model in TransformerLens. Needs pip install 'shoal[lens]'."""

import torch

import shoal
from shoal.rasp import Comparison, Select, SelectorWidth, tokens

hist = SelectorWidth(Select(tokens, tokens, Comparison.EQ)).named("hist")
model = shoal.compile(hist, vocab={"a", "b", "c"}, max_seq_len=6)
bridge = model.to_transformer_lens()

ids = torch.tensor([model.input_encoder.encode(["BOS", "a", "b", "a"])])
logits, cache = bridge.run_with_cache(ids)
values = [model.output_encoder.choices[number] for number in logits[0, 1:].argmax(dim=-1)]
print("result  ", values)
print("pattern ", cache["blocks.0.attn.hook_pattern"][0, 0, 1:].round(decimals=2).tolist())
print("labels  ", model.labels_at(2))
assert values == [2, 1, 2]
