"""Activation patching by name, in NumPy, PyTorch and TransformerLens.

pip install 'shoal[lens]'
python examples/patching.py
"""

from __future__ import annotations

import torch

import shoal
from shoal import Patch
from shoal.rasp.stock import STOCK


def main() -> None:
    """Patch values of one input into the run of another."""
    stock = STOCK["most_freq"]
    model = shoal.compile(stock.make(6), vocab=stock.vocab, max_seq_len=6)
    clean, corrupted = list("bbacaa"), list("cccabc")
    print("clean    ", model.run(clean))
    print("corrupted", model.run(corrupted))

    # Which values carry the difference? Put each of the clean run into the corrupted one.
    for name in ("repeats", "keys", "target_position", "ranked"):
        try:
            print(f"{name:>16}", model.patch(corrupted, Patch.like(name, clean)))
        except shoal.UnwritableError as error:
            print(f"{name:>16} {error}")

    # The same in PyTorch and in TransformerLens.
    patches = [Patch.like("repeats", clean)]
    ids = torch.from_numpy(model.ids([corrupted])).long()
    module, lens = model.to_torch(), model.to_transformer_lens()
    with module.edited(model.edits([corrupted], patches)), torch.no_grad():
        logits = module(ids)
    hooked = lens.run_with_hooks(ids, fwd_hooks=model.hooks([corrupted], patches))
    for found in (logits, hooked):
        print([module.values[number] for number in found[0, 1:].argmax(-1).tolist()])

    _, cache = lens.run_with_cache(ids)
    print("repeats, from the cache:", model.read_cache("repeats", cache, [corrupted])[0])
    hook = model.variables["repeats"].hooks("transformer-lens")[0]
    print(f"repeats is in {hook.name}, columns {hook.columns}; token i at position i + 1")


if __name__ == "__main__":
    main()
