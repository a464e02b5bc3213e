"""How far the residual stream can move when weights do: an interval bound, first layer to last.

Beside the exact stream x, in double precision, goes a radius r >= 0 of the same shape: whatever
an adversary makes of the weights within ``Deltas``, the stream stays in [x - r, x + r]. Nothing
is dropped as being of second order, so the bound holds for large changes too. It is a bound in
real arithmetic: the rounding of double precision, some 1e-16, is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import Matrix
from shoal.transformer.weights import LayerWeights, Sizes, Weights

TIE = 1e-6
"""A neuron whose input is smaller than this counts as standing on its kink."""

MOST_SCORE_CHANGE = 30.0
"""Where scores may change by more, nothing but the convexity of an average is used."""


@dataclass(frozen=True, eq=False)
class Deltas:
    """How far weights may change: every w becomes w * (1 + e), |e| <= delta, each e by itself.

    Attributes:
        heads: [layers, heads], for W_Q, W_K, W_V, W_O and their biases but that of W_O.
        neurons: [layers, neurons], for a neuron's input row, threshold and output row.
        others: for embeddings, unembedding, and the biases that heads or neurons share.
    """

    heads: Matrix
    neurons: Matrix
    others: float

    @staticmethod
    def none(sizes: Sizes) -> Deltas:
        """No change at all."""
        return Deltas(
            np.zeros((sizes.num_layers, sizes.num_heads)),
            np.zeros((sizes.num_layers, sizes.mlp_hidden_size)),
            0.0,
        )

    @staticmethod
    def everywhere(sizes: Sizes, delta: float) -> Deltas:
        """The same for all weights."""
        none = Deltas.none(sizes)
        return Deltas(none.heads + delta, none.neurons + delta, delta)


@dataclass(frozen=True, eq=False)
class ExactPass:
    """A forward pass in double precision, with all that bounds need of it.

    Attributes:
        sizes: of the transformer.
        embeddings: [batch, positions, d_model], |token row| + |position row|.
        stream: [batch, positions, d_model], the stream at the end.
        layers: what happens between.
    """

    sizes: Sizes
    embeddings: Matrix
    stream: Matrix
    layers: tuple[_Layer, ...]

    def only(self, chosen: npt.NDArray[np.bool_]) -> ExactPass:
        """The pass on some of the inputs, chosen by a mask [batch]."""
        layers = tuple(layer.only(chosen) for layer in self.layers)
        return ExactPass(self.sizes, self.embeddings[chosen], self.stream[chosen], layers)


@dataclass(frozen=True, eq=False)
class _Layer:
    """One layer; ``output_b`` is an absolute value."""

    heads: tuple[_Head, ...]
    output_b: Matrix
    mlp: _MLP

    def only(self, chosen: npt.NDArray[np.bool_]) -> _Layer:
        heads = tuple(
            replace(head, seen=_HeadStates(*(part[chosen] for part in head.seen)))
            for head in self.heads
        )
        stream, inputs, slopes, patterns = self.mlp.seen
        seen = _MLPStates(stream[chosen], inputs[chosen], slopes[chosen], patterns[chosen])
        return replace(self, heads=heads, mlp=replace(self.mlp, seen=seen))


class _HeadStates(NamedTuple):
    """A head on inputs. i counts queries, j keys; a bar is the softmax mean over keys.

    Attributes:
        stream: [batch, positions, reads], |x|.
        query, value: [batch, positions, key or value size], |q| and |v|.
        mixing: [batch, i, j], the attention weights.
        query_into_key: [batch, i, reads], |W_K q_i|.
        key_gap: [batch, i, j, key size], |k_j - kbar_i|.
        key_gap_into_query: [batch, i, j, reads], |W_Q (k_j - kbar_i)|.
        stream_gap_into_key: [batch, i, j, key size], |x_j - xbar_i| |W_K|.
        value_gap: [batch, i, j, writes], |v_j W_O - its mean|.
    """

    stream: Matrix
    query: Matrix
    value: Matrix
    mixing: Matrix
    query_into_key: Matrix
    key_gap: Matrix
    key_gap_into_query: Matrix
    stream_gap_into_key: Matrix
    value_gap: Matrix


@dataclass(frozen=True, eq=False)
class _Head:
    """A head; its weights as absolute values, for the columns that it reads and writes only.

    Attributes:
        reads, writes: those columns.
        visible: [i, j], which keys a query sees.
        value_output_w: [reads, writes], |W_V W_O|.
        seen: the head on the inputs.
    """

    reads: npt.NDArray[np.intp]
    writes: npt.NDArray[np.intp]
    visible: npt.NDArray[np.bool_]
    query_w: Matrix
    query_b: Matrix
    key_w: Matrix
    value_w: Matrix
    value_b: Matrix
    output_w: Matrix
    value_output_w: Matrix
    seen: _HeadStates


class _MLPStates(NamedTuple):
    """Neurons on inputs.

    Attributes:
        stream: [batch, positions, d_model], |x|.
        inputs: [batch, positions, neurons], z = x W_1 + b_1.
        slopes: [batch, positions, neurons], of a line in relu's place: 1, 0, or 1/2 at the kink.
        patterns: [batch, positions], the number of that row of slopes among all different ones.
    """

    stream: Matrix
    inputs: Matrix
    slopes: Matrix
    patterns: npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _MLP:
    """An MLP; its weights as absolute values.

    Attributes:
        reads, writes: the columns of the stream that are read, and written.
        carried: [patterns, reads, writes], |1 + W_1 slopes W_2|, 1 standing for the stream itself.
        unread: [writes], 1 where a column is written and not read.
        seen: the neurons on the inputs.
    """

    reads: npt.NDArray[np.intp]
    writes: npt.NDArray[np.intp]
    hidden_w: Matrix
    hidden_b: Matrix
    output_w: Matrix
    output_b: Matrix
    carried: Matrix
    unread: Matrix
    seen: _MLPStates


def exact_pass(weights: Weights, ids: npt.NDArray[np.int32]) -> ExactPass:
    """Run a transformer in double precision, as ``shoal.targets.in_numpy`` does in single.

    Args:
        weights: the transformer.
        ids: [batch, positions], token numbers: BOS, then tokens, without PAD.
    """
    positions = ids.shape[1]
    visible = np.ones((positions, positions), dtype=bool)
    if weights.causal:
        visible = np.tri(positions, dtype=bool)
    tokens = weights.token_embedding.astype(float)[ids]
    places = weights.position_embedding.astype(float)[:positions]
    seen = weights.architecture.seen
    if seen(tokens) is not tokens:
        raise NotImplementedError(f"no bound is known for {weights.architecture.name} transformers")
    stream: Matrix = tokens + places
    layers = []
    for layer in weights.layers:
        update = np.zeros_like(stream) + layer.output_b
        heads = []
        for number in range(weights.sizes.num_heads):
            head, written = _exact_head(layer, weights.sizes, number, stream, visible)
            heads.append(head)
            update[..., head.writes] += written
        stream = stream + update
        mlp, written = _exact_mlp(layer, stream)
        stream = stream + written
        layers.append(_Layer(tuple(heads), np.abs(layer.output_b).astype(float), mlp))
    return ExactPass(weights.sizes, np.abs(tokens) + np.abs(places), stream, tuple(layers))


def _exact_head(
    layer: LayerWeights, sizes: Sizes, number: int, stream: Matrix, visible: npt.NDArray[np.bool_]
) -> tuple[_Head, Matrix]:
    """A head, and what it writes [batch, positions, writes]."""
    keys = slice(number * sizes.key_size, (number + 1) * sizes.key_size)
    values = slice(number * sizes.value_size, (number + 1) * sizes.value_size)
    scale = float(np.float32(np.sqrt(sizes.key_size)))  # which attention divides scores by
    into = np.hstack([layer.query_w[:, keys], layer.key_w[:, keys], layer.value_w[:, values]])
    reads = np.flatnonzero(into.any(axis=1))
    writes = np.flatnonzero(layer.output_w[values].any(axis=0))
    query_w = layer.query_w[reads, keys].astype(float) / scale
    query_b = layer.query_b[keys].astype(float) / scale
    key_w = layer.key_w[reads, keys].astype(float)
    value_w = layer.value_w[reads, values].astype(float)
    value_b = layer.value_b[values].astype(float)
    output_w = layer.output_w[values][:, writes].astype(float)
    x = stream[..., reads]
    query, key, value = x @ query_w + query_b, x @ key_w + layer.key_b[keys], x @ value_w + value_b
    scores = np.where(visible, query @ key.transpose(0, 2, 1), -np.inf)
    mixing = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixing /= mixing.sum(axis=-1, keepdims=True)
    output = value @ output_w
    written = mixing @ output
    key_gap = key[:, None] - (mixing @ key)[:, :, None]
    seen = _HeadStates(
        stream=np.abs(x),
        query=np.abs(query),
        value=np.abs(value),
        mixing=mixing,
        query_into_key=np.abs(query @ key_w.T),
        key_gap=np.abs(key_gap),
        key_gap_into_query=np.abs(key_gap @ query_w.T),
        stream_gap_into_key=np.abs(x[:, None] - (mixing @ x)[:, :, None]) @ np.abs(key_w),
        value_gap=np.abs(output[:, None] - written[:, :, None]),
    )
    head = _Head(
        reads,
        writes,
        visible,
        query_w=np.abs(query_w),
        query_b=np.abs(query_b),
        key_w=np.abs(key_w),
        value_w=np.abs(value_w),
        value_b=np.abs(value_b),
        output_w=np.abs(output_w),
        value_output_w=np.abs(value_w @ output_w),
        seen=seen,
    )
    return head, written


def _exact_mlp(layer: LayerWeights, stream: Matrix) -> tuple[_MLP, Matrix]:
    """The neurons, and what they write [batch, positions, d_model]."""
    hidden_w, output_w = layer.hidden_w.astype(float), layer.mlp_output_w.astype(float)
    inputs = stream @ hidden_w + layer.hidden_b
    slopes = np.where(np.abs(inputs) < TIE, 0.5, (inputs > 0).astype(float))
    kinds, patterns = np.unique(slopes.reshape(-1, slopes.shape[-1]), axis=0, return_inverse=True)
    reads = np.flatnonzero(hidden_w.any(axis=1))
    writes = np.flatnonzero(output_w.any(axis=0))
    itself = np.eye(stream.shape[-1])[np.ix_(reads, writes)]
    through = [(hidden_w[reads] * kind) @ output_w[:, writes] for kind in kinds]
    mlp = _MLP(
        reads,
        writes,
        hidden_w=np.abs(hidden_w),
        hidden_b=np.abs(layer.hidden_b).astype(float),
        output_w=np.abs(output_w),
        output_b=np.abs(layer.mlp_output_b).astype(float),
        carried=np.array([np.abs(itself + part) for part in through]),
        unread=1.0 - itself.sum(axis=0),
        seen=_MLPStates(np.abs(stream), inputs, slopes, patterns.reshape(stream.shape[:2])),
    )
    return mlp, np.maximum(inputs, 0.0) @ output_w + layer.mlp_output_b


def stream_radius(exact: ExactPass, deltas: Deltas) -> Matrix:
    """[batch, positions, d_model], how far the stream at the end can be off.

    Entries that overflow are infinite or NaN, and prove nothing.
    """
    radius = deltas.others * exact.embeddings
    with np.errstate(over="ignore", invalid="ignore"):
        for layer, heads, neurons in zip(exact.layers, deltas.heads, deltas.neurons, strict=True):
            update = np.zeros_like(radius) + deltas.others * layer.output_b
            for head, delta in zip(layer.heads, heads, strict=True):
                if len(head.writes) and (delta or radius.any()):
                    update[..., head.writes] += _head_radius(head, radius[..., head.reads], delta)
            radius = radius + update
            if neurons.any() or radius.any():
                radius = _mlp_radius(layer.mlp, radius, neurons)
            radius += deltas.others * layer.mlp.output_b
    return radius


def _head_radius(head: _Head, radius: Matrix, delta: float) -> Matrix:
    """How far [batch, positions, writes] what a head writes can be off.

    With weights w_j and scores off by at most rho_j, up to a shift that all keys share, the new
    weights are w_j exp(d_j) / sum_k w_k exp(d_k), |d_j| <= rho_j. The mean o of values v_j moves
    by sum_j w_j (exp(d_j) - 1) (v_j - o) / sum_k w_k exp(d_k), as sum_j w_j (v_j - o) = 0.

    Args:
        head: the head.
        radius: [batch, positions, reads], of the stream.
        delta: of its weights.
    """
    seen = head.seen
    rho = np.where(head.visible, _score_radius(head, radius, delta), 0.0)
    is_small = (rho <= MOST_SCORE_CHANGE).all(axis=-1, keepdims=True)
    rho = np.where(rho <= MOST_SCORE_CHANGE, rho, MOST_SCORE_CHANGE)
    total = (seen.mixing * np.exp(-rho)).sum(axis=-1, keepdims=True)
    most_mixing = seen.mixing * np.exp(rho) / total

    def greatest(sizes: Matrix) -> Matrix:
        """[batch, i, n] of [batch, i or 1, j, n]: no mean exceeds it."""
        return np.asarray(np.where(head.visible[..., None], sizes, 0.0).max(axis=2))

    def mean_of(sizes: Matrix) -> Matrix:
        """Bounds the mean of sizes [batch, j, n] under the new weights: [batch, i, n]."""
        most = greatest(sizes[:, None])
        return np.where(is_small, np.minimum(most_mixing @ sizes, most), most)

    most = greatest(seen.value_gap)
    moved = np.einsum("bij,bijc->bic", seen.mixing * np.expm1(rho) / total, seen.value_gap)
    moved = np.where(is_small, np.minimum(moved, most), most)
    noise = delta * ((seen.stream + radius) @ head.value_w + head.value_b)
    value = seen.value + radius @ head.value_w + noise
    return np.asarray(
        moved
        + mean_of(radius @ head.value_output_w)
        + (mean_of(noise) + delta * mean_of(value)) @ head.output_w
    )


def _score_radius(head: _Head, radius: Matrix, delta: float) -> Matrix:
    """How far [batch, i, j] scores can be off, up to a shift that all keys of a query share.

    With dq, dx, D for the changes of queries, stream and W_K, the change of a score is
    q.(dx_j W_K + (x_j + dx_j) D) + dq.k_j + dq.(dx_j W_K + (x_j + dx_j) D), the bias of keys left
    out, which shifts all alike. Taking away the shift dq.kbar + (q + dq).(xbar D) leaves
    q.dx_j W_K + dq.(k_j - kbar) + dq.dx_j W_K + (q + dq).((x_j - xbar + dx_j) D).
    """
    seen = head.seen
    query_noise = delta * ((seen.stream + radius) @ head.query_w + head.query_b)
    query_radius = radius @ head.query_w + query_noise
    key_radius = (radius @ head.key_w).transpose(0, 2, 1)
    query = seen.query + query_radius
    return np.asarray(
        seen.query_into_key @ radius.transpose(0, 2, 1)
        + np.einsum("bir,bijr->bij", radius, seen.key_gap_into_query)
        + np.einsum("bik,bijk->bij", query_noise, seen.key_gap)
        + query_radius @ key_radius
        + delta * np.einsum("bik,bijk->bij", query, seen.stream_gap_into_key)
        + delta * query @ key_radius
    )


def _mlp_radius(mlp: _MLP, radius: Matrix, deltas: Matrix) -> Matrix:
    """How far [batch, positions, d_model] the stream can be off after the neurons.

    A neuron's new input z + dz is met by a line: relu(z + dz) = relu(z) + slope dz + rest. Lines
    are combined over all neurons and with the stream itself before absolute values are taken, so
    that neurons that cancel (a step beyond its ramp, an erasure) pass no error on. The rest is
    linear in dz but for relu's kink, so it is greatest at an end of its range or at the kink.
    """
    seen = mlp.seen
    noise = deltas * ((seen.stream + radius) @ mlp.hidden_w + mlp.hidden_b)
    reach = radius @ mlp.hidden_w + noise
    relu = np.maximum(seen.inputs, 0.0)
    low, high = np.maximum(seen.inputs - reach, 0.0), np.maximum(seen.inputs + reach, 0.0)
    line = seen.slopes * reach
    rest = np.maximum(np.abs(low - relu + line), np.abs(high - relu - line))
    kink = np.abs(seen.slopes * seen.inputs - relu)
    rest = np.where(np.abs(seen.inputs) < reach, np.maximum(rest, kink), rest)
    result = (seen.slopes * noise + rest + deltas * high) @ mlp.output_w
    if not radius.any():
        return np.asarray(result)
    carried = radius[..., mlp.writes] * mlp.unread
    read = radius[..., mlp.reads]
    for pattern in np.unique(seen.patterns):
        rows = seen.patterns == pattern
        carried[rows] += read[rows] @ mlp.carried[pattern]
    result += radius
    result[..., mlp.writes] += carried - radius[..., mlp.writes]
    return np.asarray(result)
