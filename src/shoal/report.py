"""A model's sizes, what is proven about them, and how it came about, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from shoal.atlas.atlas import Atlas
from shoal.dear import dear
from shoal.runnable import Transformer


def sizes_of(model: Transformer) -> dict[str, str]:
    """The sizes of a model by what they are called."""
    return {
        "layers": f"{model.num_layers}",
        "residual width": f"{model.d_model}",
        "heads x key size": f"{model.num_heads} x {model.key_size}",
        "neurons per MLP": f"{model.mlp_hidden_size}",
        "parameters": f"{model.num_parameters:,} "
        f"({model.num_parameters_with_unembedding:,} with the unembedding)",
    }


def report(model: Transformer, atlas: Atlas, given_up: Sequence[str] = ()) -> str:
    """The report of a model, from its shape and its atlas.

    Args:
        model: the model.
        atlas: of it.
        given_up: names that cannot be read of it, since that would take columns.
    """
    layers = next((proof for proof in atlas.proofs if proof.objective == "layers"), None)
    proof = "no bound" if layers is None else f"at least {layers.bound}"
    if layers is not None and layers.is_optimal:
        proof = "optimal"
    options = atlas.options
    sizes = {
        **sizes_of(model),
        "layers": f"{model.num_layers} ({proof} for these components)",
        **({"a layer may have": layers.within} if layers is not None and layers.within else {}),
        "residual width": f"{model.d_model}"
        + (f" (bound {atlas.width_bound})" if atlas.width_bound is not None else ""),
        "vocab, length": f"{options['vocab']}, up to {options['max_seq_len']}",
        "attention": options["attention"],
        **({"inputs": f"promised by {options['inputs']}"} if "inputs" in options else {}),
        "allocator": options["allocator"],
    }
    lines = [f"{name:<17} {value}" for name, value in sizes.items()]
    for line, saving in enumerate(atlas.savings):
        head = "" if line else "passes"
        what = textwrap.wrap(f"{saving.count} {saving.what}", 40)
        lines.append(f"{head:<17} {saving.name:<21} {what[0]}")
        lines += [f"{'':<39} {further}" for further in what[1:]]
    if not atlas.savings:
        lines.append(f"{'passes':<17} none")
    if atlas.width_bound is not None and model.d_model > atlas.width_bound and atlas.spare:
        spare = ", ".join(f"{count} of {name}" for name, count in atlas.spare.items())
        lines += _wrapped("columns to spare", f"{spare}: not erased, or needed for precision")
    if given_up:
        lines += _wrapped("names given up", ", ".join(given_up))
    if atlas.looked_up:
        text = f"{', '.join(atlas.looked_up)}: by the whole input, since no rule computes it"
        lines += _wrapped("looked up", text)
    for line, found in enumerate(atlas.undefined):
        text = f"{found.label}: {found.text}"
        lines += _wrapped("" if line else "undefined where", text, 70)
    for line, it in enumerate(dear(model.weights, atlas)):
        text = f"{it.name} takes {it.amount} of {it.of} ({it.size}): {it.advice}"
        lines += _wrapped("" if line else "what is dear", text, break_long_words=False)
    total = sum(atlas.seconds.values())
    stages = ", ".join(f"{name} {1000 * s:.1f}" for name, s in atlas.seconds.items())
    lines.append(f"{'compile time':<17} {1000 * total:.1f} ms ({stages})")
    return "\n".join(lines)


def _wrapped(name: str, text: str, width: int = 80, break_long_words: bool = True) -> list[str]:
    """A text beside its name, on as many lines as it takes."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=f"{name:<17} ",
        subsequent_indent=f"{'':<17} ",
        break_long_words=break_long_words,
    )
