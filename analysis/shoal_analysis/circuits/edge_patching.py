"""A forward pass in which single edges of the circuit carry what they carry in another run.

This is what path patching (Wang et al. 2022, "Interpretability in the wild") and the evaluation of
circuits by interchange do: each reader of the residual stream sees the sum of what all earlier
nodes write, some of it taken from elsewhere. Double precision, so that sums do not depend on order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shoal.atlas.basis import weights_in_columns
from shoal.atlas.circuit import POSITIONS, TOKENS, Node, circuit_nodes
from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.targets.foreign import require_plain
from shoal.transformer.weights import LayerWeights
from shoal_solvers import ALTERNATING

Matrix = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int32]


class Edge(NamedTuple):
    """Who reads whom, and in which role: "query", "key", "value" or "input"."""

    source: str
    target: str
    role: str

    def __str__(self) -> str:
        shown = f"{self.source} -> {self.target}"
        return shown if self.role == "input" else f"{shown} ({self.role})"


@dataclass(frozen=True, eq=False)
class EdgeRun:
    """A forward pass, node by node.

    Attributes:
        outputs: what each node adds to the stream [batch, positions, d_model].
        streams: the sums of these before each half-layer in which a node is, likewise.
        result: [batch, positions, coordinates].
        visible: [batch, queries, keys], which keys may be seen.
    """

    outputs: Mapping[str, Matrix]
    streams: Mapping[int, Matrix]
    result: Matrix
    visible: npt.NDArray[np.bool_]


class EdgePatching:
    """A compiled model, of which single edges can be patched.

    Attributes:
        model: which one.
        nodes: by name, in the order in which they run.
        edges: all that there could be at this level: every reader reads all earlier writers.

    Args:
        model: compiled or loaded, in the columns of its atlas.
        level: "head" or "neurons", as of ``model.circuit``.

    Raises:
        InvalidInputError: it has a norm, through which sums do not pass.
    """

    def __init__(self, model: Model, level: str = "head") -> None:
        require_plain(model.weights, "edge patching")
        self.model = model
        weights = weights_in_columns(model.atlas, model.weights)
        self.nodes = {n.name: n for n in circuit_nodes(model.atlas, weights, level)}
        self.edges = tuple(self._all_edges())
        self._layers = [_doubles(layer) for layer in model.weights.layers]

    def _all_edges(self) -> Iterator[Edge]:
        for target in self.nodes.values():
            for role in target.reads:
                for source in self.nodes.values():
                    if source.half_layer < target.half_layer:
                        yield Edge(source.name, target.name, role)

    def require_edges(self, edges: Collection[Edge]) -> frozenset[Edge]:
        """The edges as a set.

        Raises:
            InvalidInputError: there is no such node, role, or direction.
        """
        known = set(self.edges)
        for edge in edges:
            if edge not in known:
                raise InvalidInputError(self._why_not(Edge(*edge)))
        return frozenset(Edge(*edge) for edge in edges)

    def _why_not(self, edge: Edge) -> str:
        for name in (edge.source, edge.target):
            if name not in self.nodes:
                names = ", ".join(self.nodes)
                return f"there is no node {name!r} in this circuit; its nodes are: {names}"
        target = self.nodes[edge.target]
        if edge.role not in target.reads:
            roles = ", ".join(target.reads) or "none"
            return f"{edge.target} reads in no role {edge.role!r}; its roles are: {roles}"
        return f"there is no edge {edge}: {edge.target} does not run after {edge.source}"

    def run(self, ids: Ids) -> EdgeRun:
        """A forward pass in which nothing is patched.

        Args:
            ids: [batch, positions], as of ``model.ids``.
        """
        weights = self.model.weights
        visible = (ids != self.model.input_encoder.pad_encoding)[:, None, :]
        if weights.causal:
            visible = visible & np.tri(ids.shape[1], dtype=bool)
        tokens = weights.token_embedding[ids].astype(np.float64)
        positions = weights.position_embedding[: ids.shape[1]].astype(np.float64)
        embedded = {TOKENS: tokens, POSITIONS: np.broadcast_to(positions, tokens.shape)}
        outputs: dict[str, Matrix] = {}
        streams: dict[int, Matrix] = {}
        stream = np.zeros_like(tokens)
        state, written = -1, np.zeros_like(tokens)
        for node in self.nodes.values():
            if node.half_layer != state:
                stream, written = stream + written + self._bias(state), np.zeros_like(stream)
                state = node.half_layer
            streams[state] = stream
            if node.half_layer < 0:
                outputs[node.name] = embedded[node.name]
            elif node.reads and node.kind != "result":
                roles = dict.fromkeys(node.reads, stream)
                outputs[node.name] = self._output(node, roles, visible)
            written = written + outputs.get(node.name, 0.0)
        return EdgeRun(outputs, streams, self._result(stream), visible)

    def patched(
        self,
        run: EdgeRun,
        edges: Collection[Edge],
        others: Mapping[str, Matrix],
    ) -> EdgeRun:
        """The same input, while some edges carry something else.

        Only what is reached from these edges is computed anew.

        Args:
            run: of the input.
            edges: which.
            others: what each of their sources writes instead, as of another run's ``outputs``.
        """
        into: dict[tuple[str, str], list[str]] = {}
        for edge in edges:
            into.setdefault((edge.target, edge.role), []).append(edge.source)
        outputs, streams, result = dict(run.outputs), dict(run.streams), run.result
        changed: list[str] = []
        for node in self.nodes.values():
            earlier = [n for n in changed if self.nodes[n].half_layer < node.half_layer]
            direct = {role: into.get((node.name, role), []) for role in node.reads}
            if not earlier and not any(direct.values()):
                continue
            stream = run.streams[node.half_layer]
            for name in earlier:
                stream = stream + (outputs[name] - run.outputs[name])
            streams[node.half_layer] = stream
            roles = {}
            for role, sources in direct.items():
                roles[role] = stream
                for name in sources:
                    roles[role] = roles[role] + (others[name] - outputs[name])
            if node.kind == "result":
                result = self._result(roles["input"])
            else:
                outputs[node.name] = self._output(node, roles, run.visible)
                changed.append(node.name)
        return EdgeRun(outputs, streams, result, run.visible)

    def results(self, run: EdgeRun, lengths: Collection[int]) -> list[list[object]]:
        """The values of a run, for each input as many as it has tokens."""
        decode = self.model.output_encoder.decode
        rows = run.result.astype(np.float32)
        return [list(decode(r[1 : 1 + n])) for r, n in zip(rows, lengths, strict=True)]

    def _bias(self, half_layer: int) -> Matrix | float:
        """What a half-layer adds whatever it reads; it belongs to no node."""
        if half_layer < 0:
            return 0.0
        layer = self._layers[ALTERNATING.layer(half_layer)]
        is_mlp = half_layer % 2
        return np.asarray(layer.mlp_output_b if is_mlp else layer.output_b, dtype=np.float64)

    def _output(
        self, node: Node, roles: Mapping[str, Matrix], visible: npt.NDArray[np.bool_]
    ) -> Matrix:
        layer = self._layers[ALTERNATING.layer(node.half_layer)]
        if node.kind == "head":
            return self._head(layer, node.first, roles, visible)
        own = slice(node.first, node.first + node.size)
        hidden = roles["input"] @ layer.hidden_w[:, own] + layer.hidden_b[own]
        return np.asarray(np.maximum(hidden, 0.0) @ layer.mlp_output_w[own], dtype=np.float64)

    def _head(
        self,
        layer: LayerWeights,
        number: int,
        roles: Mapping[str, Matrix],
        visible: npt.NDArray[np.bool_],
    ) -> Matrix:
        sizes = self.model.weights.sizes
        meet = slice(number * sizes.key_size, (number + 1) * sizes.key_size)
        mixed = slice(number * sizes.value_size, (number + 1) * sizes.value_size)
        query = roles["query"] @ layer.query_w[:, meet] + layer.query_b[meet]
        key = roles["key"] @ layer.key_w[:, meet] + layer.key_b[meet]
        value = roles["value"] @ layer.value_w[:, mixed] + layer.value_b[mixed]
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(sizes.key_size)
        scores = np.where(visible, scores, -np.inf)
        pattern = np.exp(scores - scores.max(axis=-1, keepdims=True))
        pattern /= pattern.sum(axis=-1, keepdims=True)
        return np.asarray(pattern @ value @ layer.output_w[mixed], dtype=np.float64)

    def _result(self, stream: Matrix) -> Matrix:
        weights = self.model.weights
        return np.asarray(stream @ weights.unembedding_w + weights.unembedding_b, dtype=np.float64)


def _doubles(layer: LayerWeights) -> LayerWeights:
    return LayerWeights(**{k: v.astype(np.float64) for k, v in vars(layer).items()})
