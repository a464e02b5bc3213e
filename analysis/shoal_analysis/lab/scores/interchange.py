"""What a claimed circuit does by itself, and what is left without it, by interchange.

Faithfulness and completeness after Wang et al. (2022): edges of the claim carry what they carry on
the clean input, all others what they carry on the corrupted one; and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from shoal.contract import agrees
from shoal.errors import InvalidInputError
from shoal_analysis.circuits.edge_patching import Edge, EdgeRun
from shoal_analysis.lab.cases.case import Case


@dataclass(frozen=True)
class InterchangeScores:
    """How much of a model's behaviour a claim explains, on the pairs of a case.

    Attributes:
        faithfulness: what is left of the metric when only the claimed edges carry the clean input:
            1 for all of it, 0 for what the corrupted input gives; a mean over all pairs.
        completeness: how much of the metric is gone when the claimed edges carry the corrupted
            input and all others the clean one: 1 for all of it.
        same_answers: the share of pairs that the claimed edges alone answer like the whole model.
        other_answers: the share that the others alone do not answer like the whole model.
    """

    faithfulness: float
    completeness: float
    same_answers: float
    other_answers: float


def interchange_edges(case: Case, edges: Iterable[Edge]) -> InterchangeScores:
    """The behaviour of some edges.

    Args:
        case: of which model.
        edges: those of the claim.

    Raises:
        InvalidInputError: there is no such edge.
    """
    claimed = case.patching.require_edges(list(edges))
    clean, corrupted = case.runs
    others = [edge for edge in case.patching.edges if edge not in claimed]
    alone = case.patching.patched(clean, others, corrupted.outputs)
    without = case.patching.patched(clean, claimed, corrupted.outputs)
    return InterchangeScores(
        float(_kept(case, alone).mean()),
        float(1 - _kept(case, without).mean()),
        float(np.mean(_same(case, alone))),
        float(1 - np.mean(_same(case, without))),
    )


def interchange_nodes(case: Case, nodes: Iterable[str]) -> InterchangeScores:
    """The behaviour of some nodes: of all edges between them, embeddings and the result.

    Args:
        case: of which model.
        nodes: heads and MLPs, as of ``case.circuit``.

    Raises:
        InvalidInputError: there is no such node.
    """
    known = case.patching.nodes
    chosen = set(nodes)
    for name in chosen - set(known):
        raise InvalidInputError(
            f"there is no node {name!r} in this circuit; its nodes are: {', '.join(known)}"
        )
    chosen |= {name for name, node in known.items() if node.kind in ("embedding", "result")}
    within = (e for e in case.patching.edges if e.source in chosen and e.target in chosen)
    return interchange_edges(case, within)


def edge_effects(case: Case) -> dict[Edge, float]:
    """What each edge by itself does: path patching of single edges, exactly.

    Returns:
        For each edge that there could be, how much of the metric is gone when it alone carries the
        corrupted input: the mean over all pairs, 1 for all of it.
    """
    clean, corrupted = case.runs
    return {
        edge: float(1 - _kept(case, case.patching.patched(clean, [edge], corrupted.outputs)).mean())
        for edge in case.patching.edges
    }


def node_effects(case: Case) -> dict[str, float]:
    """What each node by itself does: activation patching, exactly.

    Returns:
        For each head and MLP, how much of the metric is gone when all that it writes is what it
        writes on the corrupted input.
    """
    clean, corrupted = case.runs
    found = {}
    for name, node in case.patching.nodes.items():
        if node.kind in ("embedding", "result"):
            continue
        edges = [edge for edge in case.patching.edges if edge.source == name]
        run = case.patching.patched(clean, edges, corrupted.outputs)
        found[name] = float(1 - _kept(case, run).mean())
    return found


def _kept(case: Case, run: EdgeRun) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """What is left of the metric, for each pair: 1 of all, 0 of what the corrupted input gives."""
    clean, corrupted = case.metrics
    return np.asarray((case.run_metric(run) - corrupted) / (clean - corrupted))


def _same(case: Case, run: EdgeRun) -> list[bool]:
    """For each pair whether the answer is the wanted one."""
    decoder = case.model.output_encoder
    rows = run.result[:, case.position + 1].astype(np.float32)
    wanted = (pair.wanted for pair in case.pairs)
    return [
        agrees(one, other, numerical=decoder.codes is None)
        for one, other in zip(wanted, decoder.decode(rows), strict=True)
    ]
