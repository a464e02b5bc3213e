"""Circuit discovery by the package ``auto-circuit`` on a case's model in TransformerLens.

Needs an environment of its own, which ``make discovery`` makes: the package wants TransformerLens 2
and its ``HookedTransformer``, which newer versions have no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from typing import Any

import numpy as np

from shoal.errors import InvalidInputError
from shoal_analysis.circuits.edge_patching import Edge
from shoal_analysis.circuits.names import edges_by_name
from shoal_analysis.lab.cases.case import Case


def attribution_patching(case: Case, steps: int = 0) -> dict[Edge, float]:
    """Edge attribution patching (Syed et al. 2023), by ``auto-circuit``.

    Args:
        case: of which model.
        steps: of integrated gradients (Hanna et al. 2024) on the way from the clean to the
            corrupted input; 0 for the gradient at the clean one.

    Returns:
        How much each edge matters, by a first-order estimate: a size.

    Raises:
        InvalidInputError: the package is not installed, or the model is none for it.
    """
    method = _part("prune_algos.mask_gradient", "mask_gradient_prune_scores")
    model, loader = _patchable(case), _pairs(case)
    with redirect_stderr(StringIO()):  # a progress bar for each step
        found = method(
            model,
            loader,
            None,
            grad_function="logit",
            answer_function="avg_val" if _is_numerical(case) else "avg_diff",
            **({"integrated_grad_samples": steps} if steps else {"mask_val": 0.0}),
        )
    return _by_edge(case, model, found)


def acdc(case: Case, factors: Sequence[int] = (1, 3)) -> dict[Edge, float]:
    """Automated circuit discovery (Conmy et al. 2023), by ``auto-circuit``.

    Args:
        case: of which model.
        factors: thresholds are these times 1e-5 to 1e-2; each takes a pass over all edges.

    Returns:
        For each edge the greatest threshold at which it stays in the circuit.

    Raises:
        InvalidInputError: the package is not installed, or the model is none for it.
    """
    method = _part("prune_algos.ACDC", "acdc_prune_scores")
    model, loader = _patchable(case), _pairs(case)
    target = "mse" if _is_numerical(case) else "kl_div"
    with redirect_stderr(StringIO()):  # a progress bar for each threshold and edge
        found = method(model, loader, None, tao_bases=list(factors), faithfulness_target=target)
    return _by_edge(case, model, found)


def _part(module: str, name: str) -> Any:
    """A function or class of ``auto-circuit``.

    Raises:
        InvalidInputError: the package, or one that it needs, is not installed.
    """
    try:
        return getattr(import_module(f"auto_circuit.{module}"), name)
    except ImportError as error:
        raise InvalidInputError(
            f"circuit discovery needs auto-circuit ({error}); install it in an environment of its "
            "own: pip install 'shoal[discovery]', and then, since it wants an older one than other "
            "packages bring, pip install --no-deps transformer-lens==2.18.0"
        ) from error


def _is_numerical(case: Case) -> bool:
    return case.model.output_encoder.codes is None


def _patchable(case: Case) -> Any:
    """The case's model as the package patches it, looking at the case's position."""
    if not case.model.num_layers:
        raise InvalidInputError(
            f"{case.name} ({case.style}) has no layer, so there is no edge to find in it"
        )
    model = case.model.to_transformer_lens(hooked=True)
    model.set_use_attn_result(True)
    model.set_use_split_qkv_input(True)
    model.set_use_hook_mlp_in(True)
    for parameter in model.parameters():
        parameter.requires_grad = False
    patchable = _part("utils.graph_utils", "patchable_model")
    made = patchable(model, factorized=True, slice_output="last_seq", separate_qkv=True)
    made.out_slice = (slice(None), case.position + 1)
    return made


def _pairs(case: Case) -> Any:
    """The pairs of a case in one batch."""
    import torch

    numerical = _is_numerical(case)
    wanted, unwanted = (np.zeros_like(a) if numerical else a for a in case.answers)
    dataset = _part("data", "PromptDataset")(
        torch.tensor(case.model.ids(case.clean)).long(),
        torch.tensor(case.model.ids(case.corrupted)).long(),
        [torch.tensor([int(answer)]) for answer in wanted],
        [torch.tensor([int(answer)]) for answer in unwanted],
    )
    return _part("data", "PromptDataLoader")(
        dataset, seq_len=None, diverge_idx=0, batch_size=len(case.pairs), shuffle=False
    )


def _by_edge(case: Case, model: Any, found: Mapping[str, Any]) -> dict[Edge, float]:
    """The package's scores by our edges; heads that fill up layers have none."""
    ours = edges_by_name(case.patching.edges, "auto-circuit", case.model.num_layers)
    return {
        edge: abs(float(theirs.prune_score(found)))
        for theirs in model.edges
        for edge in ours.get(theirs.name, ())
    }
