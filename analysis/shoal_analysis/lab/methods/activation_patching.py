"""Activation patching of heads and MLPs in TransformerLens, through its own hooks.

Of single edges the exact effects are ``shoal_analysis.lab.scores.interchange.edge_effects``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shoal.targets.target import module_of
from shoal_analysis.lab.cases.case import Case
from shoal_solvers import ALTERNATING


def patch_nodes(case: Case) -> dict[str, float]:
    """What each head and MLP by itself does, measured in the exported model.

    Args:
        case: of which model.

    Returns:
        For each head and MLP of the circuit, how much of the metric is gone when it writes what it
        writes on the corrupted input: the mean over all pairs, 1 for all of it.

    Raises:
        InvalidInputError: TransformerLens is not installed, or cannot hold the model.
    """
    module_of("transformer-lens")
    import torch

    model = case.model.to_transformer_lens()
    clean, corrupted = (torch.tensor(case.model.ids(i)) for i in (case.clean, case.corrupted))
    with torch.no_grad():
        logits, other = model(clean), model(corrupted)
        _, cache = model.run_with_cache(corrupted)
        whole, nothing = case.metric(logits), case.metric(other)
        found = {}
        for name, node in case.patching.nodes.items():
            if node.kind not in ("head", "mlp"):
                continue
            head = node.first if node.kind == "head" else None
            block = f"blocks.{ALTERNATING.layer(node.half_layer)}"
            point = f"{block}.attn.hook_z" if node.kind == "head" else f"{block}.hook_mlp_out"
            hooks = [(point, _instead(cache, head))]
            patched = case.metric(model.run_with_hooks(clean, fwd_hooks=hooks))
            kept = (patched - nothing) / (whole - nothing)
            found[name] = float(1 - kept.mean())
    return found


def _instead(cache: Mapping[str, Any], head: int | None) -> Callable[..., Any]:
    """A hook that puts what was kept in place of what it finds.

    Args:
        cache: of another run.
        head: of which head; None for everything.
    """

    def hook(found: Any, hook: Any) -> Any:
        if head is None:
            return cache[hook.name]
        changed = found.clone()
        changed[:, :, head] = cache[hook.name][:, :, head]
        return changed

    return hook
