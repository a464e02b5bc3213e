from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal import rasp
from shoal.errors import InvalidInputError
from shoal.rasp.stock import STOCK
from shoal.targets.in_numpy import forward
from shoal.transformer.weights import LayerWeights, Sizes, Weights
from shoal_analysis.error_bounds import Deltas, exact_pass, stream_radius
from shoal_analysis.margins import (
    Margins,
    changing,
    head_parts,
    margins,
    neuron_parts,
    part_margin,
)
from tests.support import agree, all_sequences, interpreted, random_sequences

Array = npt.NDArray[np.float64]

BENCHMARK = [name for name, stock in STOCK.items() if stock.benchmark]

FLOAT32 = 2.0**-24
"""The greatest relative error of rounding a weight to float32."""


@cache
def compiled(name: str, causal: bool = False) -> shoal.Model:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    return shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len, causal=causal)


def inputs(name: str, count: int) -> list[list[object]]:
    stock = STOCK[name]
    return [
        *all_sequences(stock.vocab, 1),
        *random_sequences(stock.vocab, 2, stock.max_seq_len, count),
    ]


@pytest.fixture(scope="module")
def measured() -> dict[str, Margins]:
    """Margins on few inputs, of two lengths, which is quicker than of many."""
    found = {}
    for name in BENCHMARK:
        stock = STOCK[name]
        longest = random_sequences(stock.vocab, stock.max_seq_len, stock.max_seq_len, 12)
        found[name] = margins(compiled(name), [*all_sequences(stock.vocab, 1), *longest])
    return found


def with_weights(model: shoal.Model, layer: int = 0, **arrays: Array) -> shoal.Model:
    """The model with other arrays in one layer."""
    layers = list(model.weights.layers)
    layers[layer] = replace(layers[layer], **arrays)
    return replace(model, weights=replace(model.weights, layers=tuple(layers)))


def changed(weights: Weights, change: Callable[[Array], Array]) -> Weights:
    """All weights, changed in double precision."""
    layers = [
        LayerWeights(**{name: change(array.astype(float)) for name, array in vars(layer).items()})
        for layer in weights.layers
    ]
    names = ("token_embedding", "position_embedding", "unembedding_w", "unembedding_b")
    arrays = {name: change(getattr(weights, name).astype(float)) for name in names}
    return replace(weights, layers=tuple(layers), **arrays)


def arrays_of(weights: Weights) -> list[Array]:
    """All arrays that the stream depends on."""
    layers = [array for layer in weights.layers for array in vars(layer).values()]
    return [weights.token_embedding, weights.position_embedding, *layers]


def entry_deltas(sizes: Sizes, deltas: Deltas) -> list[Array]:
    """How far each entry of those arrays may change, by broadcasting."""
    others = np.array(deltas.others)
    found = [others, others]
    for heads, neurons in zip(deltas.heads, deltas.neurons, strict=True):
        keys, values = np.repeat(heads, sizes.key_size), np.repeat(heads, sizes.value_size)
        found += [keys, keys, keys, keys, values, values, values[:, None], others]
        found += [neurons, neurons, neurons[:, None], others]
    return found


def moved_by(weights: Weights, deltas: Deltas, draw: Callable[[Array], Array]) -> Weights:
    """The weights, each moved by a part of what it may change that is drawn from [-1, 1]."""
    new = changed(weights, np.copy)
    for array, delta in zip(arrays_of(new), entry_deltas(weights.sizes, deltas), strict=True):
        array *= 1 + delta * draw(array)
    return new


def signs(pattern: str, generator: np.random.Generator) -> Callable[[Array], Array]:
    """What an adversary may add, in units of delta times the weight."""

    def draw(array: Array) -> Array:
        if pattern == "up":
            return np.ones(array.shape)
        if pattern == "down":
            return -np.ones(array.shape)
        if pattern == "arrays":
            return np.full(array.shape, generator.choice([-1.0, 1.0]))
        if pattern == "columns":
            return generator.choice([-1.0, 1.0], array.shape[-1:]) * np.ones(array.shape)
        if pattern == "within":
            return generator.uniform(-1.0, 1.0, array.shape)
        return generator.choice([-1.0, 1.0], array.shape)

    return draw


def plain_stream(weights: Weights, ids: npt.NDArray[np.int32]) -> Array:
    """The stream at the end [batch, positions, d_model], written down once more."""
    positions, sizes = ids.shape[1], weights.sizes
    visible = np.tri(positions, dtype=bool) if weights.causal else np.ones((positions, positions))
    stream = weights.token_embedding[ids] + weights.position_embedding[:positions]
    for layer in weights.layers:
        update = np.zeros_like(stream) + layer.output_b
        for head in range(sizes.num_heads):
            key = slice(head * sizes.key_size, (head + 1) * sizes.key_size)
            value = slice(head * sizes.value_size, (head + 1) * sizes.value_size)
            queries = stream @ layer.query_w[:, key] + layer.query_b[key]
            keys = stream @ layer.key_w[:, key] + layer.key_b[key]
            scores = queries @ keys.transpose(0, 2, 1) / np.float32(np.sqrt(sizes.key_size))
            scores = np.where(visible, scores, -np.inf)
            mixing = np.exp(scores - scores.max(axis=-1, keepdims=True))
            mixing /= mixing.sum(axis=-1, keepdims=True)
            values = stream @ layer.value_w[:, value] + layer.value_b[value]
            update += mixing @ values @ layer.output_w[value]
        stream = stream + update
        hidden = np.maximum(stream @ layer.hidden_w + layer.hidden_b, 0)
        stream = stream + hidden @ layer.mlp_output_w + layer.mlp_output_b
    return stream


def assert_within(
    weights: Weights, new: Weights, ids: npt.NDArray[np.int32], deltas: Deltas
) -> None:
    exact = exact_pass(weights, ids)
    moved = np.abs(plain_stream(new, ids) - exact.stream)
    assert (moved <= stream_radius(exact, deltas) * (1 + 1e-9) + 1e-12).all()


SOUND_FOR = ("hist", "reverse", "frac_prevs", "pair_balance", "shuffle_dyck1", "sort_freq")
PATTERNS = ("up", "down", "arrays", "columns", "within", "random")


def some_ids(model: shoal.Model, generator: np.random.Generator) -> npt.NDArray[np.int32]:
    encoder = model.input_encoder
    tokens = generator.integers(len(encoder.vocab), size=(2, generator.integers(1, 9)))
    return np.hstack([np.full((2, 1), encoder.bos_encoding), tokens]).astype(np.int32)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(SOUND_FOR),
    causal=st.booleans(),
    delta=st.floats(-9, -0.5).map(lambda exponent: 10**exponent),
    pattern=st.sampled_from(PATTERNS),
    seed=st.integers(0, 2**32 - 1),
)
def test_changed_weights_never_leave_the_radius(
    name: str, causal: bool, delta: float, pattern: str, seed: int
) -> None:
    model, generator = compiled(name, causal), np.random.default_rng(seed)
    draw = signs(pattern, generator)
    deltas = Deltas.everywhere(model.weights.sizes, delta)
    new = moved_by(model.weights, deltas, draw)
    assert_within(model.weights, new, some_ids(model, generator), deltas)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(SOUND_FOR),
    delta=st.floats(-6, 0).map(lambda exponent: 10**exponent),
    pattern=st.sampled_from(PATTERNS),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_changed_part_never_leaves_the_radius(
    name: str, delta: float, pattern: str, seed: int
) -> None:
    model, generator = compiled(name), np.random.default_rng(seed)
    draw = signs(pattern, generator)
    parts = head_parts(model.weights) + neuron_parts(model.weights)
    part = parts[generator.integers(len(parts))]
    deltas = changing(model.weights.sizes, [part], delta)
    new = moved_by(model.weights, deltas, draw)
    assert_within(model.weights, new, some_ids(model, generator), deltas)


def random_weights(generator: np.random.Generator, causal: bool) -> Weights:
    """A small transformer without any structure; a third of all rows and columns is 0."""
    sizes = Sizes(2, 2, 2, 2, 3, 3)

    def normal(*shape: int) -> Array:
        array = generator.normal(size=shape)
        for axis in range(len(shape) if len(shape) > 1 else 0):
            array[(slice(None),) * axis + (generator.random(shape[axis]) < 1 / 3,)] = 0.0
        return array

    layers = tuple(
        LayerWeights(
            *(normal(3, 4), normal(4), normal(3, 4), normal(4), normal(3, 4), normal(4)),
            *(normal(4, 3), normal(3), normal(3, 3), normal(3), normal(3, 3), normal(3)),
        )
        for _ in range(2)
    )
    return Weights(sizes, causal, normal(4, 3), normal(4, 3), layers, normal(3, 2), normal(2))


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    causal=st.booleans(),
    delta=st.floats(-7, 0).map(lambda exponent: 10**exponent),
    seed=st.integers(0, 2**32 - 1),
)
def test_an_adversary_never_leaves_the_radius(causal: bool, delta: float, seed: int) -> None:
    """It moves every weight to where it moves one entry of the stream upwards, or downwards."""
    generator = np.random.default_rng(seed)
    weights = random_weights(generator, causal)
    sizes = weights.sizes
    heads, neurons, others = generator.integers(2, size=3) * delta
    deltas = Deltas(
        heads * generator.integers(2, size=(sizes.num_layers, sizes.num_heads)),
        neurons * generator.integers(2, size=(sizes.num_layers, sizes.mlp_hidden_size)),
        float(others),
    )
    ids = np.array([[2, *generator.integers(2, size=generator.integers(1, 4))]], dtype=np.int32)
    stream = plain_stream(weights, ids)
    place = tuple(generator.integers(size) for size in stream.shape)

    def slopes(array: Array) -> Array:
        found = np.zeros(array.shape)
        for index in zip(*np.nonzero(array), strict=True):
            kept = array[index]
            array[index] = kept * (1 + 1e-6)
            found[index] = np.sign((plain_stream(weights, ids) - stream)[place])
            array[index] = kept
        return found

    steps = [slopes(array) for array in arrays_of(weights)]
    for up in (1, -1):
        left = iter(steps)
        new = moved_by(weights, deltas, lambda array: up * next(left))  # noqa: B023
        assert_within(weights, new, ids, deltas)


def test_changes_of_queries_and_keys_that_were_zero_count() -> None:
    """Column 0 cancels, so that scores are 0 and move by the product of two changes only."""
    sizes = Sizes(1, 1, 1, 1, 2, 1)
    column, nothing = np.array([[1.0], [0.0]]), np.zeros(1)
    layer = LayerWeights(
        *(10 * column, nothing, 10 * column, nothing, column[::-1], nothing),
        *(column[::-1].T, np.zeros(2), np.zeros((2, 1)), nothing, np.zeros((1, 2)), np.zeros(2)),
    )
    tokens, places = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]), np.array([[-1.0, 0.0]] * 2)
    weights = Weights(sizes, False, tokens, places, (layer,), np.eye(2), np.zeros(2))
    new = changed(weights, np.copy)
    new.token_embedding[:, 0] *= [1.05, 0.95, 1.0]
    deltas = replace(Deltas.none(sizes), others=0.05)
    assert_within(weights, new, np.array([[1, 0]], dtype=np.int32), deltas)


@pytest.mark.parametrize("name", SOUND_FOR)
def test_without_change_the_radius_is_zero(name: str) -> None:
    model = compiled(name)
    exact = exact_pass(model.weights, some_ids(model, np.random.default_rng(0)))
    assert not stream_radius(exact, Deltas.none(model.weights.sizes)).any()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", SOUND_FOR)
def test_the_exact_pass_is_the_forward_pass(name: str, causal: bool) -> None:
    model = compiled(name, causal)
    ids = some_ids(model, np.random.default_rng(0))
    exact = exact_pass(model.weights, ids).stream
    passed = forward(model.weights, ids, model.input_encoder.pad_encoding)
    np.testing.assert_allclose(exact, passed.residuals[-1], atol=1e-3)
    in_double = changed(model.weights, lambda array: array)
    np.testing.assert_allclose(exact, plain_stream(in_double, ids), atol=1e-10)


@pytest.mark.slow
def test_every_weight_may_be_rounded_to_single_precision(measured: dict[str, Margins]) -> None:
    assert {name: m.model for name, m in measured.items() if m.model <= FLOAT32} == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_fifth_of_the_smallest_margin_changes_no_answer(
    measured: dict[str, Margins], seed: int
) -> None:
    fifth = min(m.smallest for m in measured.values()) / 5
    assert fifth > FLOAT32  # so that single precision can hold the changes
    generator = np.random.default_rng(seed)
    for name in BENCHMARK:
        model = compiled(name)
        draw = signs("random", generator)
        new = changed(
            model.weights,
            lambda w: (w * (1 + fifth * draw(w))).astype(np.float32),  # noqa: B023
        )
        asked = interpreted(model.program, inputs(name, 100))
        results = replace(model, weights=new).run_batch([sequence for sequence, _ in asked])
        for (sequence, wanted), result in zip(asked, results, strict=True):
            assert agree(model.program, wanted, result), (name, sequence)


@pytest.mark.slow
def test_the_smallest_margin_belongs_to_a_named_part(measured: dict[str, Margins]) -> None:
    for name, found in measured.items():
        model = compiled(name)
        names = {part.name for half in model.craft.half_layers for part in half}
        has_parts = bool(head_parts(model.weights) or neuron_parts(model.weights))
        named = found.limiting.rsplit(" ", 1)[0] in names or found.limiting in names
        assert named if has_parts else found.limiting == ""
        assert found.model <= 1.01 * found.smallest
        assert (found.smallest_head is None) == (not head_parts(model.weights))
        assert (found.smallest_neuron is None) == (not neuron_parts(model.weights))


@pytest.mark.slow
def test_elimination_finds_what_a_look_at_every_part_finds() -> None:
    model, asked = compiled("shuffle_dyck1"), random_sequences(("(", ")"), 8, 8, 8)
    found = margins(model, asked)
    heads = [part_margin(model, part, asked) for part in head_parts(model.weights)]
    neurons = [part_margin(model, part, asked) for part in neuron_parts(model.weights)]
    assert found.smallest_head == pytest.approx(min(heads), rel=0.01)
    assert found.smallest_neuron == pytest.approx(min(neurons), rel=0.01)
    assert found.smallest == min(found.smallest_head, found.smallest_neuron)


def test_a_wrong_model_has_margin_zero() -> None:
    model = compiled("sort_freq")
    threshold = model.weights.layers[0].hidden_b.copy()
    threshold[0] += 100
    found = margins(with_weights(model, hidden_b=threshold), inputs("sort_freq", 5))
    assert (found.model, found.smallest_head, found.smallest_neuron) == (0, 0, 0)


def test_a_model_that_is_too_warm_has_margin_zero() -> None:
    model = compiled("frac_prevs")
    layer = model.weights.layers[0]
    warm = with_weights(model, query_w=layer.query_w / 8, query_b=layer.query_b / 8)
    assert margins(warm, inputs("frac_prevs", 5)).model == 0


def test_a_number_that_may_be_none_has_a_margin() -> None:
    chosen = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT)
    program = rasp.numerical(rasp.Aggregate(chosen, rasp.numerical(rasp.tokens), default=None))
    model = shoal.compile(program, vocab=(1, 2, 3), max_seq_len=4)
    asked = all_sequences((1, 2, 3), 3)
    assert any(None in answers for _, answers in interpreted(program, asked))
    assert 1e-7 < margins(model, asked).model < 1e-4


def test_inputs_without_answers_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="none of these inputs"):
        margins(compiled("hist"), [])
