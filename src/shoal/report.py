"""A short text on a compiled model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shoal_solvers import Status

if TYPE_CHECKING:
    from shoal.model import Model


def report(model: Model) -> str:
    """Sizes, what is proven about them, and the time of each stage."""
    layers = model.allocated.objectives[0]
    proof = "optimal" if layers.status is Status.OPTIMAL else f"at least {layers.bound}"
    sizes = {
        "layers": f"{model.num_layers} ({proof} for these components)",
        "residual width": model.d_model,
        "heads x key size": f"{model.num_heads} x {model.key_size}",
        "neurons per MLP": model.mlp_hidden_size,
        "parameters": f"{model.num_parameters:,}",
        "vocab, length": f"{len(model.options.vocab)} tokens, up to {model.options.max_seq_len}",
        "attention": "causal" if model.options.causal else "bidirectional",
        "allocator": model.options.allocator,
        "passes": ", ".join(model.options.passes) or "none",
    }
    total = sum(model.seconds.values())
    stages = ", ".join(f"{name} {1000 * s:.1f}" for name, s in model.seconds.items())
    lines = [f"{name:<17} {value}" for name, value in sizes.items()]
    lines.append(f"{'compile time':<17} {1000 * total:.1f} ms ({stages})")
    return "\n".join(lines)
