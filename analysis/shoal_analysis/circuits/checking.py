"""Whether a circuit is the truth: nothing else matters, and every edge of it does."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from shoal.contract import all_agree
from shoal.model import Model
from shoal.rasp.values import Value
from shoal.transformer.encoders import InputEncoder
from shoal_analysis.circuits.edge_patching import Edge, EdgePatching, EdgeRun, Ids, Matrix

BATCH = 64
"""Inputs that are tried at once."""

EXACT, ROTATED = 1e-9, 1e-4
"""How far rounding may take a coordinate off, relative to the largest: of sums in double precision,
and of a model that was rotated, whose weights in the columns of its atlas are 0 up to rounding."""

OTHER_INPUT = "another input"
OTHER_POSITION = "another position"
"""Where a source's outputs are taken from."""


@dataclass(frozen=True)
class Witness:
    """An intervention on one edge that changes the result.

    Attributes:
        tokens: the input.
        instead: what the edge carries: what its source writes on another input, or on the same at
            other positions.
        other: that input; the same one for other positions.
        result: without the intervention.
        changed: with it.
    """

    tokens: tuple[Value, ...]
    instead: str
    other: tuple[Value, ...]
    result: tuple[object, ...]
    changed: tuple[object, ...]


@dataclass(frozen=True)
class CircuitCheck:
    """What interventions say of a circuit.

    Attributes:
        inputs: how many were tried for each edge, at most.
        outside: how many edges there could be besides.
        wrong: how far the result moved at most when all of these carried something else, relative
            to its largest coordinate; rounding, if the circuit is true.
        rounding: how far rounding alone may move it.
        needed: the edges that matter, with an input on which they do.
        unneeded: those that changed no result that was tried, with the marks that they have.
    """

    inputs: int
    outside: int
    wrong: float
    rounding: float
    needed: Mapping[Edge, Witness]
    unneeded: Mapping[Edge, str]

    @property
    def is_closed(self) -> bool:
        """Whether nothing outside the circuit matters."""
        return self.wrong <= self.rounding

    def __str__(self) -> str:
        lines = [
            f"{len(self.needed)} of {len(self.needed) + len(self.unneeded)} edges matter on some "
            f"of {self.inputs} inputs; {self.outside} other edges, all changed at once, move the "
            f"result by {self.wrong:.1g}"
        ]
        for edge, marks in self.unneeded.items():
            lines.append(f"  never needed: {edge}" + (f", which {marks}" if marks else ""))
        return "\n".join(lines)


def edges_of(graph: nx.MultiDiGraph, flow_only: bool = False) -> frozenset[Edge]:
    """The edges of a circuit, each once for a role.

    Args:
        graph: of ``model.circuit``.
        flow_only: whether to leave out those that take part in clearing columns alone, and those
            that tell BOS from tokens alone.
    """
    return frozenset(
        Edge(source, target, data["role"])
        for source, target, data in graph.edges(data=True)
        if not (flow_only and (data["clears"] or data["bos"]))
    )


def check_circuit(
    model: Model, level: str = "head", inputs: int = 512, seed: int = 0
) -> CircuitCheck:
    """Intervene on everything outside a model's circuit, and on every edge of it by itself.

    An edge then carries what its source writes on another input of the same length; if that changes
    no result, what it writes at other positions, BOS among them, for edges that are the same on
    all inputs.

    Args:
        model: compiled or loaded.
        level: "head" or "neurons".
        inputs: how many are tried for each edge before it counts as never needed.
        seed: of the inputs.
    """
    patching = EdgePatching(model, level)
    graph = model.circuit(level)
    edges = edges_of(graph)
    outside = [edge for edge in patching.edges if edge not in edges]
    left, needed, wrong = sorted(edges), dict[Edge, Witness](), 0.0
    for batch in _batches(patching, inputs, seed):
        for others in batch.others.values():
            moved = patching.patched(batch.run, outside, others).result - batch.run.result
            largest = max(1.0, float(np.abs(batch.run.result).max(initial=0)))
            wrong = max(wrong, float(np.abs(moved).max(initial=0)) / largest)
        for edge in list(left):
            witness = _witness(patching, batch, edge)
            if witness is not None:
                needed[edge] = witness
                left.remove(edge)
    marks = {edge: _marks(graph, edge) for edge in left}
    rounding = EXACT if model.atlas.basis is None else ROTATED
    return CircuitCheck(inputs, len(outside), wrong, rounding, needed, marks)


@dataclass(frozen=True, eq=False)
class _Batch:
    inputs: Sequence[Sequence[Value]]
    partners: Sequence[Sequence[Value]]
    run: EdgeRun
    results: Sequence[Sequence[object]]
    others: Mapping[str, Mapping[str, Matrix]]


def _batches(patching: EdgePatching, count: int, seed: int) -> Iterator[_Batch]:
    draw = random.Random(seed)
    encoder = patching.model.input_encoder
    for start in range(0, count, BATCH):
        inputs, partners = [], []
        for number in range(min(BATCH, count - start)):
            tokens, partner = _pair(encoder, draw, is_far=bool(number % 2))
            inputs.append(tokens)
            partners.append(partner)
        run = patching.run(patching.model.ids(inputs))
        other = patching.run(patching.model.ids(partners)).outputs
        yield _Batch(
            inputs,
            partners,
            run,
            patching.results(run, [len(tokens) for tokens in inputs]),
            {OTHER_INPUT: other, OTHER_POSITION: _moved(run, inputs, seed + start)},
        )


def _pair(
    encoder: InputEncoder, draw: random.Random, is_far: bool
) -> tuple[list[Value], list[Value]]:
    """A random input, and another of its length that differs in one token, or in any.

    Where inputs are promised, any two of one length.
    """
    listed = encoder.listed
    if listed is not None:
        tokens = draw.choice(listed)
        return [*tokens], [*draw.choice([xs for xs in listed if len(xs) == len(tokens)])]
    longest = draw.randint(1, encoder.max_seq_len)
    drawn = [draw.choice(encoder.vocab) for _ in range(longest)]
    partner = list(drawn)
    for place in range(longest) if is_far else (draw.randrange(longest),):
        partner[place] = draw.choice(encoder.vocab)
    return drawn, partner


def _moved(run: EdgeRun, inputs: Sequence[Sequence[Value]], seed: int) -> dict[str, Matrix]:
    """What each node writes, with the positions of each input in another order, BOS included."""
    draw = np.random.default_rng(seed)
    order: Ids = np.tile(np.arange(run.result.shape[1], dtype=np.int32), (len(inputs), 1))
    for row, tokens in zip(order, inputs, strict=True):
        row[: len(tokens) + 1] = draw.permutation(len(tokens) + 1)
    return {name: np.take_along_axis(o, order[..., None], 1) for name, o in run.outputs.items()}


def _witness(patching: EdgePatching, batch: _Batch, edge: Edge) -> Witness | None:
    decoder = patching.model.output_encoder
    for instead, others in batch.others.items():
        changed = patching.patched(batch.run, [edge], others)
        if np.array_equal(changed.result, batch.run.result):
            continue
        results = patching.results(changed, [len(tokens) for tokens in batch.inputs])
        for number, (was, now) in enumerate(zip(batch.results, results, strict=True)):
            if not all_agree(was, now, numerical=decoder.codes is None):
                tokens = batch.inputs[number]
                other = batch.partners[number] if instead == OTHER_INPUT else tokens
                return Witness(tuple(tokens), instead, tuple(other), tuple(was), tuple(now))
    return None


def _marks(graph: nx.MultiDiGraph, edge: Edge) -> str:
    """What is known of an edge that did not matter."""
    data = [d for d in graph[edge.source][edge.target].values() if d["role"] == edge.role]
    if all(d["clears"] for d in data):
        return "takes part in clearing columns"
    if all(d["bos"] for d in data):
        return "tells BOS from tokens"
    return ""
